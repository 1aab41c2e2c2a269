"""Holes: where a line has no packet's audio, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["CLOSE", "Cause", "Holes", "find_holes", "one_after_another"]

Integers = npt.NDArray[np.int64]


CLOSE = 2
"""Samples: so near are places that are the same, where a clock is no multiple of the rate."""


class Cause(IntEnum):
    """Why there is a hole."""

    NONE = 0
    LOST = 1
    """Packets are missing in the sequence."""
    LATE = 2
    """A packet came, but too late for the receiver that was asked for."""
    PAUSE = 3
    """The sender sent nothing: it was silent, on hold, or sent digits."""
    RESTART = 4
    """The sender began anew, or its timestamps jumped."""
    EDGE = 5
    """Before the first packet of the line, or behind the last."""
    DAMAGED = 6
    """There is a packet, whose payload is no audio."""

    @property
    def label(self) -> str:
        """The word for it in JSON; ``""`` for `NONE`."""
        return "" if self is Cause.NONE else self.name.lower()


@dataclass(frozen=True, eq=False)
class Holes:
    """The holes of a line in order, shape (k,) each."""

    begin: Integers
    end: Integers
    cause: npt.NDArray[np.uint8]
    """A `Cause` each."""
    first: int = 0
    """Where the first packet's audio begins."""
    last: int = 0
    """Where the last packet's audio ends."""

    def cause_at(self, place: int) -> Cause:
        """Why there is no audio at a place; `Cause.DAMAGED` where a packet should be heard."""
        if not self.first <= place < self.last:
            return Cause.EDGE
        i = int(np.searchsorted(self.end, place, "right"))
        if i < len(self.begin) and self.begin[i] <= place:
            return Cause(int(self.cause[i]))
        return Cause.DAMAGED


def one_after_another(lines: Sequence[Holes]) -> Holes:
    """The holes of several lines that take turns; between two of them nothing was sent."""
    lines = sorted(lines, key=lambda line: line.first)
    gaps = []
    reached = lines[0].last
    for line in lines[1:]:
        if line.first - reached > CLOSE:
            gaps.append((reached, line.first, Cause.PAUSE))
        reached = max(reached, line.last)
    between = np.array(gaps, np.int64).reshape(-1, 3)
    begin = np.concatenate([*(line.begin for line in lines), between[:, 0]])
    end = np.concatenate([*(line.end for line in lines), between[:, 1]])
    cause = np.concatenate([*(line.cause for line in lines), between[:, 2].astype(np.uint8)])
    order = np.argsort(end, kind="stable")
    return Holes(begin[order], end[order], cause[order], lines[0].first, reached)


def find_holes(
    position: Integers,
    samples: Integers,
    missing: Integers,
    late: Integers | None,
    anew: npt.NDArray[np.bool_],
) -> tuple[Integers, npt.NDArray[np.uint8]]:
    """(samples, cause) of the hole behind each part, shape (n,); 0 where the next lies close.

    The parts are in order of position; `missing` and `late` count, up to each, the packets that
    never came or came too late, `anew` says which begins an epoch.
    """
    n = len(position)
    size, cause = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    if n < 2:
        return size, cause
    reached = np.maximum.accumulate(position + samples)
    size[:-1] = np.maximum(position[1:] - reached[:-1], 0)
    size[size <= CLOSE] = 0
    behind = size[:-1] > 0
    why = np.full(n - 1, Cause.PAUSE, np.uint8)
    if late is not None:
        why[np.diff(late) != 0] = Cause.LATE
    why[np.diff(missing) > 0] = Cause.LOST
    why[anew[1:]] = Cause.RESTART
    cause[:-1] = np.where(behind, why, Cause.NONE)
    return size, cause
