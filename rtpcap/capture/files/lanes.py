"""Walking a chain of records of varying lengths: many stretches of it at once, then verified.

Lanes start where something that looks like a record begins, and all advance together as arrays. A
lane counts only if the chain from the left lands exactly on its start; so a wrong guess costs time
and never changes the result.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["ByteOrder", "Chain", "lanes"]

ByteOrder = Literal["<", ">"]
Places = npt.NDArray[np.int64]

LANES = 256
SHORTEST_LANE = 4096
WINDOW = 2048
"""A start is looked for in so many bytes: longer than all frames but jumbo ones."""
FEWEST_LANES = 32
STEPS_BETWEEN_LOOKS = 8
STILL_WORTH = 8
"""All lanes stop when only one in so many still has records of its own; single steps finish."""


@dataclass(frozen=True)
class Chain:
    """How records follow each other.

    The 32-bit length stands `field` bytes into a record; the next record begins `extra` bytes
    plus that length after it. A length outside `least`..`most`, or off `multiple`, ends the chain.
    `least` and `extra` together are no less than the bytes up to the end of the length field.
    The bytes ``signature[0]:signature[1]`` of a record are nearly always those of the one before.
    """

    order: ByteOrder
    field: int
    extra: int
    least: int
    most: int
    signature: tuple[int, int]
    multiple: int = 1

    @property
    def head(self) -> int:
        """So many bytes of a record tell its length."""
        return self.field + 4

    def possible(self, length: int) -> bool:
        """Whether a length can be one."""
        return self.least <= length <= self.most and not length % self.multiple

    def needed(self, data: npt.NDArray[np.uint8], begin: int, end: int) -> int | None:
        """How long the record at `begin` is, as its bytes tell; None if its length is absurd."""
        if end - begin < self.head:
            return self.head
        length = int(struct.unpack_from(f"{self.order}I", data.data, begin + self.field)[0])
        return length + self.extra if self.possible(length) else None


def lanes(data: npt.NDArray[np.uint8], begin: int, end: int, chain: Chain) -> tuple[Places, int]:
    """The begins of the records from `begin` on, and where the walk ended.

    It ends at the first record that is not whole or whose length cannot be, or, as wide as the
    lanes reach, where single steps have to go on.
    """
    starts = _starts(data, begin, end, chain)
    if len(starts) < FEWEST_LANES:
        return np.empty(0, np.int64), begin
    limits = np.append(starts[1:], end)
    places, stuck = _advance(data, starts, limits, end, chain)

    parts: list[Places] = []
    pos, lane, count = begin, 0, len(starts)
    while lane < count:
        # The chain has arrived at this lane's start.
        parts.append(places[lane])
        if stuck[lane] >= 0:
            return np.concatenate(parts), int(stuck[lane])
        last = int(places[lane][-1])
        pos = last + _length(data, last, chain) + chain.extra
        lane += 1
        while lane < count and starts[lane] != pos:
            if starts[lane] < pos:
                lane += 1
                continue
            singles, arrived = _single(data, pos, int(starts[lane]), end, chain)
            parts.append(singles)
            pos = arrived
            if pos < starts[lane]:
                return np.concatenate(parts), pos
    return np.concatenate(parts), pos


def _starts(data: npt.NDArray[np.uint8], begin: int, end: int, chain: Chain) -> Places:
    """`begin`, and at most one place in each stretch after it where a record seems to begin."""
    stretch = max(SHORTEST_LANE, (end - begin) // LANES)
    count = (end - begin) // stretch
    table = data[begin : begin + count * stretch].reshape(count, stretch)[1:]
    first, after = chain.signature
    signature = data[begin + first : begin + after]
    alike = table[:, first : first + WINDOW] == signature[0]
    for i in range(1, after - first):
        alike &= table[:, first + i : first + i + WINDOW] == signature[i]
    row, column = np.nonzero(alike)
    place = (row + 1) * stretch + column + begin
    # It leads to another that looks so.
    good = _possible(_lengths(data, chain)[place + chain.field], chain)
    row, place = row[good], place[good]
    following = place + _lengths(data, chain)[place + chain.field] + chain.extra
    inside = following + chain.head <= end
    row, place, following = row[inside], place[inside], following[inside]
    good = _possible(_lengths(data, chain)[following + chain.field], chain)
    for i in range(after - first):
        good &= data[following + first + i] == signature[i]
    row, place = row[good], place[good]
    # The first of each row: rows come in order.
    once = np.ones(len(row), np.bool_)
    once[1:] = row[1:] != row[:-1]
    return np.append(begin, place[once])


def _advance(
    data: npt.NDArray[np.uint8], starts: Places, limits: Places, end: int, chain: Chain
) -> tuple[list[Places], Places]:
    """The records of each lane that begin below its limit, and where one cannot go on (or -1)."""
    lengths = _lengths(data, chain)
    steps: list[Places] = []
    found: list[npt.NDArray[np.uint32]] = []
    pos = starts
    while len(steps) % STEPS_BETWEEN_LOOKS or np.count_nonzero(pos < limits) * STILL_WORTH > len(
        starts
    ):
        length = lengths[pos + chain.field]
        steps.append(pos)
        found.append(length)
        pos = pos + length
        pos += chain.extra
        # Behind the end there is nothing: a lane stays there.
        np.minimum(pos, end, out=pos)
    place, length = np.stack(steps, axis=1), np.stack(found, axis=1)
    mine = place < limits[:, np.newaxis]
    whole = _possible(length, chain) & (place + length + chain.extra <= end)
    bad = mine & ~whole
    first_bad = bad.argmax(axis=1)
    any_bad = bad.any(axis=1)
    counts = np.where(any_bad, first_bad, mine.sum(axis=1))
    rows = np.arange(len(starts))
    stuck = np.where(any_bad, place[rows, first_bad], -1)
    return [row[:count] for row, count in zip(place, counts.tolist(), strict=True)], stuck


def _single(
    data: npt.NDArray[np.uint8], pos: int, limit: int, end: int, chain: Chain
) -> tuple[Places, int]:
    """Step by step to `limit` or just beyond; as far as records are whole."""
    begins: list[int] = []
    while pos < limit:
        needed = chain.needed(data, pos, end)
        if needed is None or pos + needed > end:
            break
        begins.append(pos)
        pos += needed
    return np.array(begins, np.int64), pos


def _lengths(data: npt.NDArray[np.uint8], chain: Chain) -> npt.NDArray[np.uint32]:
    """The 32-bit word at every place."""
    return np.ndarray((len(data) - 3,), chain.order + "u4", data, 0, (1,))


def _length(data: npt.NDArray[np.uint8], pos: int, chain: Chain) -> int:
    return int(_lengths(data, chain)[pos + chain.field])


def _possible(lengths: npt.NDArray[np.uint32], chain: Chain) -> npt.NDArray[np.bool_]:
    good = (lengths >= chain.least) & (lengths <= chain.most)
    if chain.multiple > 1:
        good &= lengths % chain.multiple == 0
    return np.asarray(good)
