"""A packet of a compound one: its header, and what is wrong with it (RFC 3550 section 6.4)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|  count  |  packet type  |            length             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

`count` is of report blocks, sources or chunks, or the subtype or the format of feedback; `length`
counts 32-bit words without the first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from rtpcap.rtp.header import RTP_VERSION, WORD_BYTES

__all__ = [
    "MOST_COUNT",
    "PADDING_BIT",
    "PART_HEADER",
    "VERSION_SHIFT",
    "Other",
    "Packet",
    "RTCPFault",
    "Reader",
    "Reason",
    "build_part",
    "in_words",
]

PART_HEADER = struct.Struct(">BBH")
VERSION_SHIFT = 6
PADDING_BIT = 0x20
MOST_COUNT = 31
"""What the five bits of `count` hold."""
MOST_WORDS = 0xFFFF
SSRC = struct.Struct(">I")


class Reason(IntEnum):
    """What is wrong with a place in an RTCP datagram."""

    HEADER = 1
    """Fewer than the 4 bytes of a packet's header."""
    VERSION = 2
    """The version is not 2."""
    TYPE = 3
    """A packet type outside 192 to 223: no RTCP."""
    LENGTH = 4
    """A packet's length goes beyond the datagram: it was cut, or lies."""
    PADDING = 5
    """The padding count is zero, no whole words, or more than what is there."""
    PADDING_EARLY = 6
    """A packet before the last is padded (section 6.4.1)."""
    FIELDS = 7
    """The fields that every packet of its type has do not fit."""
    COUNT = 8
    """Fewer report blocks, sources or chunks are there than counted."""
    ITEM = 9
    """An item of a source description goes beyond its packet, or its list has no end."""
    TEXT = 10
    """A text, or the prefix of a private item, goes beyond what holds it."""
    BLOCK = 11
    """A block of an extended report does not fit, or has not the length of its type."""
    FEEDBACK = 12
    """Feedback control information that is not what its format says."""
    TRAILING = 13
    """Bytes at a packet's end that nothing in it describes."""

    @property
    def label(self) -> str:
        """The word for this reason in tables and JSON: ``"padding early"``."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class RTCPFault:
    """What is wrong, and where: `offset`, `needed` and `available` count bytes of the datagram."""

    reason: Reason
    layer: str
    """What was being read: ``"SR"``."""
    offset: int
    needed: int
    available: int

    def __str__(self) -> str:
        return (
            f"RTCP {self.layer}, {self.reason.label}: needs {self.needed} bytes from offset "
            f"{self.offset}, {self.available} available"
        )


class Reader:
    """A stretch of a datagram that is read from its front; what does not fit becomes a fault."""

    __slots__ = ("data", "end", "faults", "layer", "pos")

    def __init__(
        self, data: bytes, begin: int, end: int, layer: str, faults: list[RTCPFault]
    ) -> None:
        self.data = data
        self.pos = begin
        self.end = end
        self.layer = layer
        self.faults = faults

    @property
    def room(self) -> int:
        """How many bytes are left."""
        return self.end - self.pos

    def fail(self, reason: Reason, needed: int, *, offset: int | None = None) -> None:
        """Record a fault at `offset`, or where the reader stands."""
        at = self.pos if offset is None else offset
        self.faults.append(RTCPFault(reason, self.layer, at, needed, max(self.end - at, 0)))

    def has(self, needed: int, reason: Reason) -> bool:
        """Whether so many bytes are left; where not, that is a fault."""
        if self.room >= needed:
            return True
        self.fail(reason, needed)
        return False

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The next fields, which the caller has seen to be there."""
        values = layout.unpack_from(self.data, self.pos)
        self.pos += layout.size
        return values

    def take(self, size: int) -> bytes:
        """The next bytes, at most what is left."""
        size = min(size, self.room)
        self.pos += size
        return self.data[self.pos - size : self.pos]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.room)

    def finish(self) -> None:
        """A fault where something is left that nothing describes."""
        if self.room:
            self.fail(Reason.TRAILING, 0)
            self.pos = self.end


@dataclass(frozen=True, slots=True)
class Packet:
    """What all packets have in common."""

    PACKET_TYPE: ClassVar[int] = 0
    KIND: ClassVar[str] = ""

    @property
    def count(self) -> int:
        """The five bits beside version and padding."""
        return 0

    @property
    def kind(self) -> str:
        """Its name in tables: ``SR RR SDES BYE APP XR NACK PLI ...``."""
        return self.KIND

    @property
    def packet_type(self) -> int:
        """The number on the wire."""
        return self.PACKET_TYPE

    @property
    def source(self) -> int | None:
        """The SSRC that speaks; None where there is none."""
        return None

    def body(self) -> bytes:
        """What follows the header, whole words. Raises ValueError for what does not fit."""
        raise NotImplementedError


OTHER_NAMES = {192: "FIR (RFC 2032)", 193: "NACK (RFC 2032)", 194: "SMPTETC", 195: "IJ"}
OTHER_NAMES |= {208: "AVB", 209: "RSI", 210: "TOKEN", 211: "IDMS", 212: "RGRS", 213: "SNM"}


@dataclass(frozen=True, slots=True)
class Other(Packet):
    """A packet of a type that nothing here reads, or too short for the fields of its type."""

    number: int
    """The packet type."""
    flags: int
    """The five bits of `count`."""
    content: bytes
    """All behind the header."""

    @property
    def count(self) -> int:
        return self.flags

    @property
    def packet_type(self) -> int:
        return self.number

    @property
    def kind(self) -> str:
        return OTHER_NAMES.get(self.number, str(self.number))

    @property
    def source(self) -> int | None:
        whole = len(self.content) >= SSRC.size
        return int(SSRC.unpack_from(self.content)[0]) if whole else None

    def body(self) -> bytes:
        return self.content


def in_words(data: bytes) -> bytes:
    """The bytes with zeros behind them up to whole words."""
    return data + bytes(-len(data) % WORD_BYTES)


def build_part(packet: Packet, padding: int = 0) -> bytes:
    """The bytes of a packet with so many of padding. Raises ValueError for what does not fit."""
    if not 0 <= packet.count <= MOST_COUNT:
        raise ValueError(f"{packet.kind}: a count of {packet.count} is not in 0..{MOST_COUNT}")
    if padding % WORD_BYTES or not 0 <= padding <= 0xFF:
        raise ValueError(f"padding of {padding} bytes is no whole words up to 252 bytes")
    try:
        body = packet.body()
    except struct.error as error:
        raise ValueError(f"{packet.kind}: a value does not fit its field: {error}") from error
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    words, torn = divmod(len(body), WORD_BYTES)
    if torn or words > MOST_WORDS:
        raise ValueError(f"{packet.kind}: {len(body)} bytes are no 0..{MOST_WORDS} whole words")
    first = RTP_VERSION << VERSION_SHIFT | (PADDING_BIT if padding else 0) | packet.count
    return PART_HEADER.pack(first, packet.packet_type, words) + body
