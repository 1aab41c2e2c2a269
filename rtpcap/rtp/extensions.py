"""Header extensions: many elements in one extension (RFC 8285 sections 4.2 and 4.3)::

    one-byte, profile 0xBEDE          two-byte, profile 0x1000 to 0x100F

     0 1 2 3 4 5 6 7                   0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+----             +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+----
    |  ID   |  len  | len + 1 bytes   |      ID       |     length    | length bytes
    +-+-+-+-+-+-+-+-+----             +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+----

A byte of 0 between elements is padding. In the one-byte form an ID of 15, or of 0 with a length,
ends the extension; what comes before counts. So does what comes before an element that runs past
the extension's end. An extension of another profile, or an encrypted one (RFC 9335), has no
elements that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.header import EXTENSION_HEAD_BYTES, HEADER_BYTES, WORD_BYTES
from rtpcap.rtp.packets import Block, Packets, _take

__all__ = [
    "ONE_BYTE",
    "TWO_BYTE",
    "Elements",
    "build_elements",
    "find_elements",
    "parse_elements",
]

ONE_BYTE = 0xBEDE
TWO_BYTE = 0x1000
TWO_BYTE_MASK = 0xFFF0
"""The last four bits are the application's (section 4.3)."""
PADDING = 0
LAST_ID = 15
"""Ends a one-byte extension."""
MOST_BYTES = 16
"""In a one-byte element."""
ROUNDS = 32
"""Elements and padding bytes that all packets are walked through at once; longer extensions are
walked one by one."""

ALIKE = 64
"""Extensions of one profile and length that are compared with the first of them at once."""

UNREADABLE = (Fault.HEADER, Fault.VERSION, Fault.CSRC, Fault.EXTENSION)


def parse_elements(profile: int, data: bytes) -> list[tuple[int, bytes]]:
    """The (ID, content) of every element of an extension; none where the profile has none.

    >>> parse_elements(0xBEDE, bytes.fromhex("10ff2101020000 00"))
    [(1, b'\\xff'), (2, b'\\x01\\x02')]
    """
    if profile == ONE_BYTE:
        bounds = _one_byte(data, 0, len(data))
    elif profile & TWO_BYTE_MASK == TWO_BYTE:
        bounds = _two_byte(data, 0, len(data))
    else:
        return []
    return [(number, bytes(data[begin : begin + size])) for number, begin, size in bounds]


def build_elements(elements: Iterable[tuple[int, bytes]], *, two_byte: bool = False) -> bytes:
    """The data of an extension, padded to whole words.

    Raises ValueError for an ID or a length that the form does not have.
    """
    data = b""
    for number, content in elements:
        size = len(content)
        if two_byte:
            if not 1 <= number <= 255 or size > 255:
                raise ValueError(f"no two-byte element has ID {number} and {size} bytes")
            data += bytes((number, size)) + content
        else:
            if not 1 <= number < LAST_ID or not 1 <= size <= MOST_BYTES:
                raise ValueError(f"no one-byte element has ID {number} and {size} bytes")
            data += bytes((number << 4 | (size - 1),)) + content
    return data + bytes(-len(data) % WORD_BYTES)


Bounds = list[tuple[int, int, int]]
"""ID, first byte and size of elements."""
Bytes = bytes | npt.NDArray[np.uint8]


def _one_byte(data: Bytes, pos: int, end: int) -> Bounds:
    found: Bounds = []
    while pos < end:
        head = int(data[pos])
        pos += 1
        if head == PADDING:
            continue
        number, size = head >> 4, (head & 15) + 1
        if number in (PADDING, LAST_ID) or pos + size > end:
            break
        found.append((number, pos, size))
        pos += size
    return found


def _two_byte(data: Bytes, pos: int, end: int) -> Bounds:
    found: Bounds = []
    while pos < end:
        number = int(data[pos])
        pos += 1
        if number == PADDING:
            continue
        if pos >= end or pos + 1 + int(data[pos]) > end:
            break
        size = int(data[pos])
        found.append((number, pos + 1, size))
        pos += 1 + size
    return found


@dataclass(frozen=True, eq=False)
class Elements:
    """The elements of many packets as columns of shape (k,), by packet and in order of place."""

    row: npt.NDArray[np.int64]
    """Which of the packets."""
    id: npt.NDArray[np.uint8]
    begin: npt.NDArray[np.int64]
    """Its first byte, in the block of its packet."""
    size: npt.NDArray[np.uint8]
    packets: Packets

    def __len__(self) -> int:
        return len(self.row)

    def of(self, number: int) -> Elements:
        """The elements of one ID."""
        mine = self.id == number
        return Elements(
            self.row[mine], self.id[mine], self.begin[mine], self.size[mine], self.packets
        )

    def content(self, index: int) -> bytes:
        """The bytes of one element."""
        block = self.packets.blocks[int(self.packets.block[self.row[index]])]
        begin = int(self.begin[index])
        return bytes(block[begin : begin + int(self.size[index])])

    def first_bytes(self) -> npt.NDArray[np.uint8]:
        """The first byte of each; 0 where it has none."""
        out = np.zeros(len(self), np.uint8)
        some = self.size > 0
        where = self.packets.block[self.row[some]]
        out[some] = _bytes_at(self.packets.blocks, where, self.begin[some])
        return out


def find_elements(packets: Packets) -> Elements:
    """The elements of the header extensions of many packets, as `parse_elements` finds them."""
    sound = ~np.isin(packets.fault, UNREADABLE)
    rows = np.flatnonzero(packets.extension & sound & (packets.size >= HEADER_BYTES))
    blocks = packets.blocks
    where = packets.block[rows]
    begin = packets.begin[rows] + HEADER_BYTES
    begin += packets.csrc_count[rows].astype(np.int64) * WORD_BYTES
    limit = packets.begin[rows] + packets.size[rows]
    fits = begin + EXTENSION_HEAD_BYTES <= limit
    rows, where, begin, limit = rows[fits], where[fits], begin[fits], limit[fits]
    head = [_bytes_at(blocks, where, begin + place).astype(np.int64) for place in range(4)]
    profile, words = head[0] << 8 | head[1], head[2] << 8 | head[3]
    begin += EXTENSION_HEAD_BYTES
    end = begin + words * WORD_BYTES
    one_byte = profile == ONE_BYTE
    fits = (one_byte | (profile & TWO_BYTE_MASK == TWO_BYTE)) & (end <= limit)
    found: list[_Columns] = []
    left = _alike(blocks, rows, where, begin, end, profile, fits, found)
    _walk(blocks, rows[left], where[left], begin[left], end[left], one_byte[left], found)
    none = (np.empty(0, np.int64),) * 4
    row, number, first, size = (
        np.concatenate(column) if len(column) > 1 else column[0]
        for column in zip(*(found or [none]), strict=True)
    )
    # Those of one packet were found in order of place.
    if (np.diff(row) < 0).any():
        order = np.argsort(row, kind="stable")
        row, number, first, size = row[order], number[order], first[order], size[order]
    return Elements(row, number.astype(np.uint8), first, size.astype(np.uint8), packets)


_Columns = tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]
]
"""Row, ID, first byte and size of elements."""


def _alike(
    blocks: Sequence[Block],
    rows: npt.NDArray[np.int64],
    where: npt.NDArray[np.uint16],
    begin: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    profile: npt.NDArray[np.int64],
    fits: npt.NDArray[np.bool_],
    found: list[_Columns],
) -> npt.NDArray[np.bool_]:
    """Add the elements of extensions that are laid out alike; which ones are left to be walked.

    A sender lays out packet after packet in the same way: what is found in one of them lies at the
    same places in all that have the same heads and padding there.
    """
    left = fits.copy()
    kind = profile << 32 | (end - begin)
    for each in np.unique(kind[fits]).tolist():
        mine = np.flatnonzero(left & (kind == each))
        size = each & 0xFFFFFFFF
        if len(mine) < ALIKE or not size:
            continue
        data = _take(blocks, where[mine], begin[mine], size)
        first = data[len(data) // 2]
        one_byte = each >> 32 == ONE_BYTE
        bounds = (_one_byte if one_byte else _two_byte)(first, 0, size)
        content = np.zeros(size, np.bool_)
        for _, at, long in bounds:
            content[at : at + long] = True
        # What is no content decides where everything lies, also where the extension ends early.
        fixed = np.flatnonzero(~content)
        same = (data[:, fixed] == first[fixed]).all(axis=1)
        alike = mine[same]
        left[alike] = False
        if bounds:
            numbers, places, sizes = np.array(bounds, np.int64).T
            found.append(
                (
                    np.repeat(rows[alike], len(bounds)),
                    np.tile(numbers, len(alike)),
                    (begin[alike][:, None] + places).reshape(-1),
                    np.tile(sizes, len(alike)),
                )
            )
    return left


def _walk(
    blocks: Sequence[Block],
    row: npt.NDArray[np.int64],
    where: npt.NDArray[np.uint16],
    pos: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    one_byte: npt.NDArray[np.bool_],
    found: list[_Columns],
) -> None:
    """Add the elements of any extensions, an element of each at a time."""
    for _ in range(ROUNDS):
        inside = pos < end
        if not inside.all():
            row, where, pos = row[inside], where[inside], pos[inside]
            end, one_byte = end[inside], one_byte[inside]
        if not len(row):
            return
        goes_on, pos = _step(blocks, row, where, pos, end, one_byte, found)
        if not goes_on.all():
            row, where, pos = row[goes_on], where[goes_on], pos[goes_on]
            end, one_byte = end[goes_on], one_byte[goes_on]
    for left in range(len(row)):
        data = blocks[int(where[left])]
        walked = _one_byte if one_byte[left] else _two_byte
        bounds = walked(data, int(pos[left]), int(end[left]))
        if bounds:
            numbers, places, sizes = np.array(bounds, np.int64).T
            found.append((np.full(len(bounds), row[left]), numbers, places, sizes))


def _step(
    blocks: Sequence[Block],
    row: npt.NDArray[np.int64],
    where: npt.NDArray[np.uint16],
    pos: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    one_byte: npt.NDArray[np.bool_],
    found: list[_Columns],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """One element or padding byte each: which extensions go on, and where."""
    head = _bytes_at(blocks, where, pos).astype(np.int64)
    padding = head == PADDING
    number, size, begin = head >> 4, (head & 15) + 1, pos + 1
    stop = (number == PADDING) | (number == LAST_ID)
    if not one_byte.all():
        two = np.flatnonzero(~one_byte)
        second = np.minimum(pos[two] + 1, end[two] - 1)
        number[two] = head[two]
        size[two] = _bytes_at(blocks, where[two], second)
        begin[two] = pos[two] + 2
        stop[two] = False
    stop |= begin + size > end
    stop &= ~padding
    whole = ~stop & ~padding
    if whole.any():
        found.append((row[whole], number[whole], begin[whole], size[whole]))
    return ~stop, np.where(padding, pos + 1, begin + size)


def _bytes_at(
    blocks: Sequence[Block], where: npt.NDArray[np.uint16], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """The byte at each of some places."""
    if not len(at):
        return np.empty(0, np.uint8)
    if len(blocks) == 1 or not where.any():
        return np.asarray(blocks[0][at])
    out = np.empty(len(at), np.uint8)
    for number in np.unique(where).tolist():
        mine = where == number
        out[mine] = blocks[number][at[mine]]
    return out
