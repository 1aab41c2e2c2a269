"""Source descriptions: who a source is (RFC 3550 section 6.5)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|    SC   |  PT=SDES=202  |             length            |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |                             SSRC                              |  SC times
    |     item      |    length     | text ...                      |
    |                      items; 0, to a whole word                |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+

SC counts the chunks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.part import Packet, Reader, Reason, RTCPFault, in_words

__all__ = ["CNAME", "ITEM_NAMES", "PRIV", "SDES", "Chunk", "Item", "SourceDescription"]

SDES = 202
SSRC = struct.Struct(">I")
END, CNAME, PRIV = 0, 1, 8
NAMES = ("CNAME", "NAME", "EMAIL", "PHONE", "LOC", "TOOL", "NOTE", "PRIV")
# Registered since: RFC 6776, 8861, 8852, 8849, 9143.
SINCE = ("H323-CADDR", "APSI", "RGRP", "RtpStreamId", "RepairedRtpStreamId", "CCID", "MID")
ITEM_NAMES = dict(enumerate(NAMES + SINCE, CNAME))
"""Number of an item -> its name."""
MOST_TEXT = 255


@dataclass(frozen=True, slots=True)
class Item:
    """One thing said of a source; `kind` is its number, 1..255."""

    kind: int
    value: bytes
    """As on the wire, at most 255 bytes; for PRIV with its prefix and that one's length."""

    @property
    def name(self) -> str:
        """``"CNAME"``; the number where it has no name."""
        return ITEM_NAMES.get(self.kind, str(self.kind))

    @property
    def prefix(self) -> str:
        """Who defines a PRIV item (section 6.5.8); empty for others."""
        return _text(self.value[1 : 1 + self.value[0]]) if self._is_private else ""

    @property
    def text(self) -> str:
        """What it says, without the prefix; what is no UTF-8 is replaced, zeros at its end go."""
        return _text(self.value[1 + self.value[0] :] if self._is_private else self.value)

    @property
    def _is_private(self) -> bool:
        return self.kind == PRIV and bool(self.value)

    @classmethod
    def private(cls, prefix: str, text: str) -> Self:
        """A PRIV item. Raises ValueError for a prefix that is too long."""
        start = prefix.encode()
        if len(start) >= MOST_TEXT:
            raise ValueError(f"a prefix of {len(start)} bytes does not fit")
        return cls(PRIV, bytes([len(start)]) + start + text.encode())


def _text(value: bytes) -> str:
    # Some senders count the zero that ends a string in C.
    return value.decode("utf-8", "replace").rstrip("\0")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is said of one source."""

    ssrc: int
    items: tuple[Item, ...] = ()

    def get(self, kind: int) -> str | None:
        """The text of its first item of a kind."""
        return next((item.text for item in self.items if item.kind == kind), None)

    @property
    def cname(self) -> str | None:
        """The name that stays the same when its SSRC changes."""
        return self.get(CNAME)


@dataclass(frozen=True, slots=True)
class SourceDescription(Packet):
    """Names and other texts of sources."""

    PACKET_TYPE: ClassVar[int] = SDES
    KIND: ClassVar[str] = "SDES"

    chunks: tuple[Chunk, ...] = ()

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self:
        """The chunks at the reader, as many as are there."""
        chunks = []
        begin = reader.pos
        for number in range(count):
            if reader.room < SSRC.size:
                reader.fail(Reason.COUNT, (count - number) * 2 * WORD_BYTES)
                break
            (ssrc,) = reader.unpack(SSRC)
            items, ended = _items(reader)
            chunks.append(Chunk(ssrc, items))
            if not ended:
                break
            reader.pos = min(reader.pos + (begin - reader.pos) % WORD_BYTES, reader.end)
        reader.finish()
        return cls(tuple(chunks))

    @property
    def count(self) -> int:
        return len(self.chunks)

    @property
    def source(self) -> int | None:
        return self.chunks[0].ssrc if self.chunks else None

    def body(self) -> bytes:
        return b"".join(map(_built, self.chunks))


def _items(reader: Reader) -> tuple[tuple[Item, ...], bool]:
    """The items at the reader, and whether their list came to its end."""
    items: list[Item] = []
    while reader.room:
        kind = reader.data[reader.pos]
        if kind == END:
            reader.pos += 1
            return tuple(items), True
        if reader.room < 2:
            reader.fail(Reason.ITEM, 2)
            reader.pos = reader.end
            return tuple(items), False
        size = reader.data[reader.pos + 1]
        whole = reader.has(2 + size, Reason.ITEM)
        reader.pos += 2
        at = reader.pos
        value = reader.take(size)
        items.append(Item(kind, value))
        if not whole:
            return tuple(items), False
        if kind == PRIV and (not value or 1 + value[0] > len(value)):
            reader.faults.append(_short_prefix(reader, at, value))
    reader.fail(Reason.ITEM, 1)
    return tuple(items), False


def _short_prefix(reader: Reader, at: int, value: bytes) -> RTCPFault:
    needed = 1 + value[0] if value else 1
    return RTCPFault(Reason.TEXT, reader.layer, at, needed, len(value))


def _built(chunk: Chunk) -> bytes:
    out = bytearray(SSRC.pack(chunk.ssrc))
    for item in chunk.items:
        if not END < item.kind <= 0xFF or len(item.value) > MOST_TEXT:
            raise ValueError(f"item {item.kind} of {len(item.value)} bytes does not fit")
        out += bytes((item.kind, len(item.value))) + item.value
    return in_words(bytes(out) + bytes([END]))
