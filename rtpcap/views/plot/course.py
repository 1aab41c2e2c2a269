"""A stream's course: where its packets and gaps stand in a chart, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.streams.ledger import FOREIGN

if TYPE_CHECKING:
    from rtpcap.streams.gaps import Gap
    from rtpcap.streams.stream import Stream

__all__ = ["SECONDS", "Course", "Hole", "Line", "Tag", "holes_of", "merged", "placed"]

SECONDS = "seconds from the first frame"
"""What the axis of time says."""

Line = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """A stream as the chart sees it: a place in time and a height for each packet, shape (n,)."""

    stream: Stream
    x: Line
    """Seconds from the first frame, or frame numbers where no packet has a time."""
    y: Line
    """Sequence numbers without wraps; with restarts, slots since the first packet; nan: in none."""
    timed: bool
    restarts: bool

    @classmethod
    def of(cls, stream: Stream) -> Course:
        ledger = stream.places
        x = stream.time_s
        timed = bool(np.isfinite(x).any())
        if not timed:
            x = stream.packets.frame.astype(np.float64)
        restarts = bool((ledger.epoch > 0).any())
        y = ledger.extended.astype(np.float64)
        inside = ledger.epoch != FOREIGN
        if restarts:
            epoch, extended = ledger.epoch[inside], ledger.extended[inside]
            low = np.full(int(epoch.max()) + 1, np.iinfo(np.int64).max)
            high = np.full(len(low), np.iinfo(np.int64).min)
            np.minimum.at(low, epoch, extended)
            np.maximum.at(high, epoch, extended)
            slots = np.maximum(high - low + 1, 0)
            y[inside] = extended - low[epoch] + (slots.cumsum() - slots)[epoch]
        y[~inside] = np.nan
        return cls(stream, x, y, timed, restarts)

    @property
    def x_label(self) -> str:
        return SECONDS if self.timed else "frame"

    def where(self, frames: Sequence[int]) -> Line:
        """The x of the packets in these frames."""
        return self.x[np.searchsorted(self.stream.packets.frame, frames)]


@dataclass(frozen=True)
class Hole:
    """Gaps of one kind that lie so close that the picture shows them as one."""

    begin: float
    end: float
    size: float
    """Packets lost; of silences, seconds."""


def merged(begin: Line, end: Line, sizes: Line, apart: float) -> list[Hole]:
    """Holes in order of time; those that begin less than `apart` after the one before are one."""
    holes: list[Hole] = []
    for first, last, size in zip(begin.tolist(), end.tolist(), sizes.tolist(), strict=True):
        if holes and first < max(holes[-1].end, holes[-1].begin + apart):
            before = holes.pop()
            first, last = before.begin, max(before.end, last)
            size += before.size
        holes.append(Hole(first, last, size))
    return holes


def holes_of(course: Course, found: Sequence[Gap], apart: float) -> list[Hole]:
    """The gaps as holes in order of time."""
    begin = course.where([gap.frame_before for gap in found])
    end = course.where([gap.frame_after for gap in found])
    begin, end = np.fmin(begin, end), np.fmax(begin, end)
    sizes = np.array([gap.packets or gap.duration_s or 0 for gap in found], np.float64)
    order = begin.argsort(kind="stable")
    order = order[np.isfinite(begin[order])]
    return merged(begin[order], end[order], sizes[order], apart)


@dataclass(frozen=True)
class Tag:
    """A text that belongs to a span of x; the weightier one stands where two would overlap."""

    begin: float
    end: float
    height: float
    weight: float
    text: str


def placed(
    tags: Sequence[Tag], letter: float, limits: tuple[float, float]
) -> Iterator[tuple[float, Tag]]:
    """(middle, tag) of the tags that have room: none overlaps a weightier one or leaves the limits.

    `letter` is how wide a letter is in units of x.
    """
    left, right = limits
    taken: list[tuple[float, float]] = []
    for tag in sorted(tags, key=lambda tag: -tag.weight):
        half = letter * (len(tag.text) + 1) / 2
        middle = min(max((tag.begin + tag.end) / 2, left + half), right - half)
        if all(middle + half <= begin or middle - half >= end for begin, end in taken):
            taken.append((middle - half, middle + half))
            yield middle, tag
