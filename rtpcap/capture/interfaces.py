"""The interfaces that a pcapng file describes: link type, clock and snap length of its packets.

Numbers start anew in each section. Here all interfaces of a stretch of blocks stand in one table,
so that packets of several sections are looked up at once.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from rtpcap.capture.lanes import ByteOrder
from rtpcap.capture.names import NO_LINK, told_link
from rtpcap.capture.options import parse_options
from rtpcap.rtp.packets import NO_TIME

__all__ = ["NOT_DESCRIBED", "Interfaces", "ticks_to_ns"]

BLOCK_HEAD = 16
"""Type, length, link type, two reserved bytes, snap length; then options."""
TRAILER_BYTES = 4
OPTION_RESOLUTION, OPTION_OFFSET = 9, 14
MICROSECONDS = 6
"""The resolution where none is given."""

BILLION = 1_000_000_000
NO_LIMIT = 1 << 32
NOT_DESCRIBED = 0xFFFF
"""In a column of interfaces: one that the file does not describe, or the 65,536th and on."""

Column = npt.NDArray[np.int64]


class Interfaces:
    """Interfaces of the section that is being read, and of those that follow in the same order.

    Row 0 stands for every interface that is not described.
    """

    def __init__(self, order: ByteOrder, before: int = 0) -> None:
        """`before` interfaces were described in sections that are over."""
        self._order = order
        self._before = before
        self._table = np.array([(NO_LINK, NO_LIMIT, MICROSECONDS, 0)], np.int64)
        self._first = 1
        # Where sections begin, and the first row of each; where interfaces are described.
        self._sections = np.zeros(1, np.int64)
        self._firsts = np.ones(1, np.int64)
        self._described = np.empty(0, np.int64)
        self._known = 1

    def describe(self, data: npt.NDArray[np.uint8], sections: Column, described: Column) -> None:
        """Take the descriptions in blocks at some places; sections begin at some others."""
        new = [_interface(data, at, self._order) for at in described.tolist()]
        if new:
            self._table = np.concatenate([self._table, np.array(new, np.int64)])
        self._described = described
        firsts = self._known + np.searchsorted(described, sections)
        # Before the first of these sections, the one that was there goes on.
        self._sections = np.append(-1, sections)
        self._firsts = np.append(self._first, firsts)

    def find(self, blocks: Column, number: Column) -> Column:
        """The row of each packet's interface, whose number its section gave; 0 where it gave none.

        An interface counts from its description on.
        """
        alone = len(self._table) == self._first + 1 and len(self._sections) == 1
        if alone and not len(self._described):
            # One interface, described earlier: nearly every file.
            return np.where(number == 0, self._first, 0)
        section = np.searchsorted(self._sections, blocks, side="right") - 1
        row = self._firsts[section] + number
        there = self._known + np.searchsorted(self._described, blocks)
        return np.where(row < there, row, 0)

    def leave(self) -> None:
        """Forget the sections that are over, and where blocks were: the bytes change."""
        self._first = int(self._firsts[-1])
        if self._first > 1:
            self._before += self._first - 1
            self._table = np.concatenate([self._table[:1], self._table[self._first :]])
            self._first = 1
        self._sections = np.full(1, -1, np.int64)
        self._firsts = np.ones(1, np.int64)
        self._described = np.empty(0, np.int64)
        self._known = len(self._table)

    @property
    def described(self) -> int:
        """How many interfaces were described so far, in all sections."""
        return self._before + len(self._table) - 1

    def numbers(self, rows: Column) -> npt.NDArray[np.uint16]:
        """Numbers of interfaces through all sections, shape (n,); `NOT_DESCRIBED` where there is
        none."""
        numbers = np.minimum(np.arange(len(self._table)) + (self._before - 1), NOT_DESCRIBED)
        numbers[0] = NOT_DESCRIBED
        return numbers.astype(np.uint16)[rows]

    def links(self, rows: Column) -> npt.NDArray[np.uint16]:
        """Link types, shape (n,)."""
        return self._table[:, 0].astype(np.uint16)[rows]

    def snap_lengths(self, rows: Column) -> Column:
        """So many bytes of a packet were captured at most, shape (n,)."""
        return self._table[:, 1][rows]

    def time_ns(self, rows: Column, ticks: npt.NDArray[np.uint64]) -> Column:
        """Nanoseconds since 1970 of timestamps, shape (n,)."""
        resolution, offset = self._table[:, 2], self._table[:, 3]
        used = np.unique(resolution[np.unique(rows)]).tolist()
        if len(used) == 1:
            time_ns = ticks_to_ns(ticks, used[0])
        else:
            time_ns = np.full(len(ticks), NO_TIME)
            of_row = resolution[rows]
            for each in used:
                those = of_row == each
                time_ns[those] = ticks_to_ns(ticks[those], each)
        if offset.any():
            time_ns += offset[rows]
        return time_ns


def ticks_to_ns(ticks: npt.NDArray[np.uint64], resolution: int) -> npt.NDArray[np.int64]:
    """Ticks of ``if_tsresol`` (10**-n seconds, or 2**-n where bit 7 is set) as nanoseconds.

    Finer ones are rounded down; what goes beyond int64 wraps, as no real time does.
    """
    exponent = resolution & 0x7F
    if not resolution & 0x80:
        if exponent <= 9:
            return (ticks * np.uint64(10 ** (9 - exponent))).view(np.int64)
        if exponent > 28:
            return np.zeros(len(ticks), np.int64)
        return (ticks // np.uint64(10 ** (exponent - 9))).view(np.int64)
    if exponent >= 64:
        # All of it is a fraction of a second: below 2**(64-94) it is less than a nanosecond.
        whole, fraction, bits = np.zeros_like(ticks), ticks, exponent
    else:
        whole = ticks >> np.uint64(exponent)
        fraction, bits = ticks - (whole << np.uint64(exponent)), exponent
    # 34 bits times 10**9 still fit 64; what stands below them is less than a tenth nanosecond.
    spare = max(bits - 34, 0)
    if spare >= 64:
        return np.zeros(len(ticks), np.int64)
    below = (fraction >> np.uint64(spare)) * np.uint64(BILLION) >> np.uint64(bits - spare)
    return (whole * np.uint64(BILLION) + below).view(np.int64)


def _interface(data: npt.NDArray[np.uint8], at: int, order: ByteOrder) -> tuple[int, int, int, int]:
    """An interface description block (section 4.2): link type, snap length, resolution, offset.

    Options that do not fit are passed over.
    """
    (length,) = struct.unpack_from(f"{order}I", data.data, at + 4)
    link, _, snap_length = struct.unpack_from(f"{order}HHI", data.data, at + 8)
    options = dict(
        parse_options(data[at + BLOCK_HEAD : at + length - TRAILER_BYTES].tobytes(), order)
    )
    resolution = options.get(OPTION_RESOLUTION, b"")
    offset = options.get(OPTION_OFFSET, b"")
    offset_s = int.from_bytes(offset, "little" if order == "<" else "big", signed=True)
    # Kept within int64, which years around 1970 are.
    offset_ns = (offset_s * BILLION + (1 << 63)) % (1 << 64) - (1 << 63)
    return (
        told_link(link),
        snap_length or NO_LIMIT,
        resolution[0] if len(resolution) == 1 else MICROSECONDS,
        offset_ns if len(offset) == 8 else 0,
    )
