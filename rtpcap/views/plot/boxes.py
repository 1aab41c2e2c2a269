"""Boxes: many rectangles in one go, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.path import Path

__all__ = ["boxes", "runs"]

MOST_APART = 1000
"""More rectangles than that are one outline of many pieces, which takes no time to make."""
OUTLINE = np.array([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], np.uint8)

Floats = npt.NDArray[np.float64]


def boxes(
    ax: Axes,
    begin: Iterable[float] | Floats,
    end: Iterable[float] | Floats,
    low: Iterable[float] | Floats | float,
    high: Iterable[float] | Floats | float,
    colour: str,
    *,
    least: float = 0.0,
    **style: Any,
) -> None:
    """Rectangles of one colour from `begin` to `end`, none narrower than `least`.

    `low` and `high` are one for all, or one each. The limits of the Axes stay as they are.
    """
    left, right = np.asarray(begin, np.float64), np.asarray(end, np.float64)
    more = np.maximum(least - (right - left), 0) / 2
    left, right = left - more, right + more
    bottom = np.broadcast_to(np.asarray(low, np.float64), left.shape)
    top = np.broadcast_to(np.asarray(high, np.float64), left.shape)
    x = np.stack([left, right, right, left], axis=1)
    y = np.stack([bottom, bottom, top, top], axis=1)
    style = {"linewidth": 0, "zorder": 2, **style}
    corners = np.stack([x, y], axis=2)
    if len(corners) <= MOST_APART:
        ax.add_collection(PolyCollection(list(corners), facecolor=colour, **style), autolim=False)
        return
    closed = np.concatenate([corners, corners[:, :1]], axis=1).reshape(-1, 2)
    path = Path(closed, np.tile(OUTLINE, len(corners)))
    ax.add_collection(PathCollection([path], facecolor=colour, **style), autolim=False)


def runs(values: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Begin and end of each stretch of equal values, shape (r,) each.

    >>> begin, end = runs(np.array([3, 3, 7, 3]))
    >>> begin.tolist(), end.tolist()
    ([0, 2, 3], [2, 3, 4])
    """
    turns = np.flatnonzero(values[1:] != values[:-1]) + 1
    edges = np.concatenate([[0], turns, [len(values)]]).astype(np.int64)
    return edges[:-1][: len(values)], edges[1:][: len(values)]
