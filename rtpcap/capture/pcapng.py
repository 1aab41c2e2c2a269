"""pcapng: blocks in sections, each section with its own byte order and interfaces.

Section numbers here are those of the IETF draft (draft-ietf-opsawg-pcapng). Times are int64
nanoseconds; what an interface gives finer than that is rounded down.
"""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.capture.interfaces import Interfaces
from rtpcap.capture.kept import INTERFACE, KEPT_KINDS, SECTION_HEADER
from rtpcap.capture.lanes import ByteOrder, Chain
from rtpcap.capture.names import NO_PACKET
from rtpcap.capture.options import Options, parse_options
from rtpcap.capture.source import MOST_BYTES, Part, Source
from rtpcap.capture.tables import Records
from rtpcap.capture.walk import walk
from rtpcap.errors import CaptureError
from rtpcap.rtp.packets import NO_TIME

__all__ = ["ENHANCED_PACKET", "SIMPLE_PACKET", "PcapngSource", "frame_options", "is_pcapng"]

OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 2, 3, 6
PACKETS = (OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
RECORDS_WITHOUT_PACKET = (9, 0x204, 0x208, 0x216, 0x221, 0x0BAD, 0x40000BAD)
"""Journal entries, system calls and custom blocks: Wireshark gives them frame numbers."""

MAJOR_VERSION = 1
SMALLEST_BLOCK = 12
# The bytes of a block without its options or its data, the length at its end included.
SMALLEST = {
    SECTION_HEADER: 28,
    INTERFACE: 20,
    OLD_PACKET: 32,
    SIMPLE_PACKET: 16,
    ENHANCED_PACKET: 32,
}

ORDER_MAGICS: dict[bytes, ByteOrder] = {
    b"\x4d\x3c\x2b\x1a": "<",
    b"\x1a\x2b\x3c\x4d": ">",
}

# Section 4.3: an enhanced packet block; the other kinds have their first fields in the same places.
HEAD_FIELDS = ("kind", "length", "interface", "upper", "lower", "captured", "original")
HEAD_BYTES = 28
SIMPLE_HEAD_BYTES = 12
PACKET_NUMBERS = {2: 4, 4: 8, 5: 8, 6: 4}
"""Options of packets that are numbers, and their bytes: flags, drop count, id, queue."""
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
BLOCK_HEAD = 8
TRAILER_BYTES = 4

Blocks = npt.NDArray[np.int64]
Heads = npt.NDArray[np.void]


def is_pcapng(head: bytes) -> bool:
    """Whether a file that begins so is a pcapng."""
    return head[:4] == SECTION_HEADER.to_bytes(4, "little")


class PcapngSource(Source):
    """A pcapng file: sections and interfaces as they come.

    Interfaces are numbered through all sections. What is said of them, names, secrets and comments
    are in `kept`; other blocks are passed over.
    """

    format = "pcapng"

    def _start(self, head: bytes) -> int:
        if len(head) < SMALLEST[SECTION_HEADER]:
            raise CaptureError(
                f"{self.path}: the file ends inside its section header: {len(head)} of 28 bytes"
            )
        order = ORDER_MAGICS.get(head[8:12])
        if order is None:
            raise CaptureError(f"{self.path}: no capture: a pcapng without a byte-order magic")
        major, minor = struct.unpack_from(f"{order}HH", head, 12)
        if major != MAJOR_VERSION:
            raise CaptureError(f"{self.path}: pcapng version {major}.{minor}, only 1 is known")
        self._interfaces = Interfaces(order)
        self._enter(order)
        return 0

    def _enter(self, order: ByteOrder) -> None:
        """Go on in a byte order, with a section that describes no interfaces yet."""
        self._chain = Chain(
            order,
            field=4,
            extra=0,
            least=SMALLEST_BLOCK,
            most=MOST_BYTES,
            signature=(0, 4),
            multiple=4,
        )
        self._head = np.dtype([(name, f"{order}u4") for name in HEAD_FIELDS])
        self._word = np.dtype(f"{order}u4")
        self._interfaces = Interfaces(order, self._interfaces.described)

    def _read(self, data: npt.NDArray[np.uint8], begin: int, end: int, base: int) -> Part:
        tables: list[Records] = []
        frame, stop = self.frames + 1, begin
        while True:
            # Each turn goes up to a section in the other byte order, or to the end.
            blocks, stop = walk(data, stop, end, self._chain)
            heads = np.ndarray((len(data) - HEAD_BYTES + 1,), self._head, data, 0, (1,))[blocks]
            turn = self._first_turn(data, blocks, heads["kind"])
            if turn < len(blocks):
                stop, blocks, heads = int(blocks[turn]), blocks[:turn], heads[:turn]
            wrong, reason = self._contradiction(data, blocks, heads)
            if reason:
                stop, blocks, heads = int(blocks[wrong]), blocks[:wrong], heads[:wrong]
            table = self._table(data, blocks, heads, base, frame)
            if len(table):
                tables.append(table)
                frame += len(table)
            if reason:
                return Part(tables, stop, reason)
            if _is_section(data, stop) and end - stop < SMALLEST_BLOCK:
                # Its length cannot be read yet: the byte order comes behind it.
                return Part(tables, stop, SMALLEST_BLOCK)
            order = self._order_at(data, stop)
            if order is None:
                return Part(tables, stop, "a section header has no byte-order magic")
            if order == self._chain.order:
                needed = self._chain.needed(data, stop, end)
                return Part(
                    tables, stop, "a block's length cannot be" if needed is None else needed
                )
            self._enter(order)

    def _order_at(self, data: npt.NDArray[np.uint8], at: int) -> ByteOrder | None:
        """The byte order of the block at a place: its section's, or its own if it begins one."""
        if not _is_section(data, at):
            return self._chain.order
        return ORDER_MAGICS.get(data[at + 8 : at + 12].tobytes())

    def _first_turn(
        self, data: npt.NDArray[np.uint8], blocks: Blocks, kind: npt.NDArray[np.uint32]
    ) -> int:
        """Which block is the first section header in another byte order, or in none."""
        sections = np.flatnonzero(kind == SECTION_HEADER)
        magic = self._words(data, blocks[sections] + 8)
        other = sections[magic != 0x1A2B3C4D]
        return int(other[0]) if len(other) else len(blocks)

    def _words(self, data: npt.NDArray[np.uint8], places: Blocks) -> npt.NDArray[np.uint32]:
        """The 32-bit words at some places, shape (n,)."""
        words: npt.NDArray[np.uint32] = np.ndarray((len(data) - 3,), self._word, data, 0, (1,))
        return words[places]

    def _contradiction(
        self, data: npt.NDArray[np.uint8], blocks: Blocks, heads: Heads
    ) -> tuple[int, str]:
        """The first block that contradicts itself, and how; no reason where none does."""
        kind, length = heads["kind"], heads["length"]
        trailer = self._words(data, blocks + length - TRAILER_BYTES)
        wrongs = [(trailer != length, "a block's two lengths differ")]
        small = np.zeros(len(blocks), np.bool_)
        for number, least in SMALLEST.items():
            small |= (kind == number) & (length < least)
        wrongs.append((small, "a block is too short for its kind"))
        sections = np.flatnonzero(kind == SECTION_HEADER)
        if len(sections):
            halves = np.ndarray((len(data) - 1,), f"{self._chain.order}u2", data, 0, (1,))
            unknown = np.zeros(len(blocks), np.bool_)
            unknown[sections] = halves[blocks[sections] + 12] != MAJOR_VERSION
            wrongs.append((unknown, "a section of an unknown pcapng version"))
        room = length.astype(np.int64) - HEAD_BYTES - TRAILER_BYTES
        holds = (kind == ENHANCED_PACKET) | (kind == OLD_PACKET)
        wrongs.append((holds & (heads["captured"] > room), "a packet is longer than its block"))
        found = [(int(wrong.argmax()), reason) for wrong, reason in wrongs if wrong.any()]
        return min(found, default=(len(blocks), ""))

    def _table(
        self,
        data: npt.NDArray[np.uint8],
        blocks: Blocks,
        heads: Heads,
        base: int,
        first_frame: int,
    ) -> Records:
        """The packets among blocks of one byte order, whose interfaces are taken on the way."""
        kind = heads["kind"]
        interfaces = self._interfaces
        usual = kind == ENHANCED_PACKET
        if not usual.all():
            sections, described = blocks[kind == SECTION_HEADER], blocks[kind == INTERFACE]
            interfaces.describe(data, sections, described)
            self._keep(data, blocks, heads)
            counted = np.isin(kind, (*PACKETS, *RECORDS_WITHOUT_PACKET))
            blocks, heads, kind, usual = (
                blocks[counted],
                heads[counted],
                kind[counted],
                usual[counted],
            )
        begin = blocks + HEAD_BYTES
        captured = heads["captured"].astype(np.int64)
        original = heads["original"].astype(np.int64)
        number = heads["interface"].astype(np.int64)
        if not usual.all():
            old, simple = kind == OLD_PACKET, kind == SIMPLE_PACKET
            # Appendix A: the first half of the word is the interface, the second a drop count.
            halves = np.ndarray((len(data) - 1,), f"{self._chain.order}u2", data, 0, (1,))
            number[old] = halves[blocks[old] + 8]
            # Section 4.4: of the first interface, and without a time.
            number[simple] = 0
            original[simple] = heads["interface"][simple]
            nothing = ~(usual | old | simple)
            begin[~(usual | old)] = blocks[~(usual | old)] + SIMPLE_HEAD_BYTES
            captured[nothing] = original[nothing] = 0
        which = interfaces.find(blocks, number)
        links, numbers = interfaces.links(which), interfaces.numbers(which)
        ticks = heads["upper"].astype(np.uint64)
        ticks <<= np.uint64(32)
        ticks |= heads["lower"]
        time_ns = interfaces.time_ns(which, ticks)
        if not usual.all():
            room = heads["length"].astype(np.int64) - SIMPLE_HEAD_BYTES - TRAILER_BYTES
            room = np.minimum(room, original)
            captured[simple] = np.minimum(room, interfaces.snap_lengths(which))[simple]
            time_ns[simple | nothing] = NO_TIME
            links[nothing] = NO_PACKET
        interfaces.leave()
        return Records(
            data=data,
            base=base,
            frame=np.arange(first_frame, first_frame + len(begin), dtype=np.uint32),
            begin=begin,
            end=begin + captured,
            original=original,
            time_ns=time_ns,
            link=_alone(links),
            interface=_alone(numbers),
        )

    def _keep(self, data: npt.NDArray[np.uint8], blocks: Blocks, heads: Heads) -> None:
        """Keep the blocks that say something beside packets."""
        those = np.isin(heads["kind"], KEPT_KINDS)
        for at, kind, length in zip(
            blocks[those].tolist(),
            heads["kind"][those].tolist(),
            heads["length"][those].tolist(),
            strict=True,
        ):
            body = data[at + BLOCK_HEAD : at + length - TRAILER_BYTES].tobytes()
            self.kept.add(kind, body, self._chain.order)


def frame_options(data: npt.NDArray[np.uint8], begin: int, end: int) -> Options:
    """What the block of a frame says of it: its options, numbers among them little-endian.

    `begin` and `end` are those of the frame in a chunk of a pcapng.
    """
    kind = data[max(begin - HEAD_BYTES, 0) : begin - HEAD_BYTES + 4].tobytes()
    for order in ORDERS:
        if kind in (ENHANCED_PACKET.to_bytes(4, order), OLD_PACKET.to_bytes(4, order)):
            length = int.from_bytes(data[begin - HEAD_BYTES + 4 : begin - HEAD_BYTES + 8], order)
            stop = begin - HEAD_BYTES + length - TRAILER_BYTES
            start = end + -(end - begin) % 4
            found = parse_options(data[start:stop].tobytes(), "<" if order == "little" else ">")
            if order == "little":
                return found
            return tuple(
                (code, value[::-1] if PACKET_NUMBERS.get(code) == len(value) else value)
                for code, value in found
            )
    return ()


def _alone(column: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16] | int:
    """A column, or the one number that stands everywhere in it."""
    return int(column[0]) if len(column) and (column == column[0]).all() else column


def _is_section(data: npt.NDArray[np.uint8], at: int) -> bool:
    """Whether a section header begins at a place; its number reads alike in both byte orders."""
    return is_pcapng(data[at : at + 4].tobytes())
