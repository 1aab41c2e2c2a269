"""Long columns made as short as the picture is wide, with nothing that stands out left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["envelope", "thinned"]

Line = npt.NDArray[np.float64]


def envelope(x: Line, y: Line, columns: int) -> tuple[Line, Line]:
    """The lowest and the highest y of each of `columns` equal spans of x, as one line.

    `x` and `y` have shape (n,), without nan, in any order of x; the line has up to 3 * `columns`
    points: each span's lowest and highest at its middle, and a nan where spans without a point
    interrupt it. Lines of no more points than that come back as they are.

    >>> import numpy as np
    >>> x, y = envelope(np.arange(40.0), np.tile([0.0, 5.0], 20), 2)
    >>> x.tolist(), y.tolist()
    ([9.75, 9.75, 29.25, 29.25], [0.0, 5.0, 0.0, 5.0])
    """
    if len(x) <= 2 * columns:
        return x, y
    start, width = float(x.min()), float(np.ptp(x)) / columns
    if not width:
        return x[:1].repeat(2), np.array([y.min(), y.max()])
    span = np.minimum((x - start) / width, columns - 1).astype(np.int64)
    if (np.diff(span) < 0).any():
        order = span.argsort(kind="stable")
        span, y = span[order], y[order]
    first = np.flatnonzero(np.diff(span, prepend=-1))
    spans = span[first]
    middle = start + (spans + 0.5) * width
    lowest, highest = np.minimum.reduceat(y, first), np.maximum.reduceat(y, first)
    hole = np.flatnonzero(np.diff(spans) > 1) + 1
    holes = hole * 2
    points = np.stack([lowest, highest], axis=1).reshape(-1)
    return np.insert(middle.repeat(2), holes, np.nan), np.insert(points, holes, np.nan)


def thinned(x: Line, y: Line, columns: int, rows: int) -> npt.NDArray[np.int64]:
    """The points to draw so that each cell of a `columns` by `rows` grid that has any has one."""
    if len(x) <= columns:
        return np.arange(len(x))

    def cells(values: Line, count: int) -> npt.NDArray[np.int64]:
        width = float(np.ptp(values)) / count or 1.0
        cell: npt.NDArray[np.int64] = ((values - values.min()) / width).astype(np.int64)
        return cell

    _, kept = np.unique(cells(x, columns) * (rows + 1) + cells(y, rows), return_index=True)
    return np.sort(kept)
