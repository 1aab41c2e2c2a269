"""Goodbye, and packets that an application defines (RFC 3550 sections 6.6 and 6.7)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.part import Packet, Reader, Reason, in_words

__all__ = ["APP", "BYE", "ApplicationDefined", "Goodbye"]

BYE, APP = 203, 204
SSRC = struct.Struct(">I")
APPLICATION = struct.Struct(">I4s")
MOST_TEXT = 255


@dataclass(frozen=True, slots=True)
class Goodbye(Packet):
    """Sources that leave; `reason` is None where none is given."""

    PACKET_TYPE: ClassVar[int] = BYE
    KIND: ClassVar[str] = "BYE"

    sources: tuple[int, ...] = ()
    reason: bytes | None = None
    """As on the wire, at most 255 bytes of UTF-8."""

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self:
        """The sources at the reader, as many as are there, and the reason behind them."""
        there = min(count, reader.room // SSRC.size)
        sources = tuple(reader.unpack(SSRC)[0] for _ in range(there))
        if there < count:
            reader.fail(Reason.COUNT, (count - there) * SSRC.size)
            return cls(sources)
        reason = None
        if reader.room:
            size = reader.data[reader.pos]
            reader.has(1 + size, Reason.TEXT)
            reader.pos += 1
            reason = reader.take(size)
            # Zeros up to a whole word.
            if reader.room < WORD_BYTES and not any(reader.data[reader.pos : reader.end]):
                reader.pos = reader.end
        reader.finish()
        return cls(sources, reason)

    @property
    def count(self) -> int:
        return len(self.sources)

    @property
    def source(self) -> int | None:
        return self.sources[0] if self.sources else None

    @property
    def text(self) -> str | None:
        """The reason; what is no UTF-8 is replaced, zeros at the end are left out."""
        if self.reason is None:
            return None
        return self.reason.decode("utf-8", "replace").rstrip("\0")

    def body(self) -> bytes:
        out = b"".join(map(SSRC.pack, self.sources))
        if self.reason is not None:
            if len(self.reason) > MOST_TEXT:
                raise ValueError(f"a reason of {len(self.reason)} bytes is not in 0..{MOST_TEXT}")
            out += in_words(bytes([len(self.reason)]) + self.reason)
        return out


@dataclass(frozen=True, slots=True)
class ApplicationDefined(Packet):
    """Something between two programs, named by four letters and a subtype 0..31."""

    PACKET_TYPE: ClassVar[int] = APP
    KIND: ClassVar[str] = "APP"

    ssrc: int
    name: bytes
    """Four bytes, by rule ASCII."""
    subtype: int = 0
    data: bytes = b""
    """Whole words."""

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self | None:
        """The packet at the reader; None where its fields do not fit."""
        if not reader.has(APPLICATION.size, Reason.FIELDS):
            return None
        ssrc, name = reader.unpack(APPLICATION)
        return cls(ssrc, name, count, reader.rest())

    @property
    def count(self) -> int:
        return self.subtype

    @property
    def source(self) -> int:
        return self.ssrc

    @property
    def text(self) -> str:
        """The name as text."""
        return self.name.decode("ascii", "replace")

    def body(self) -> bytes:
        if len(self.name) != WORD_BYTES:
            raise ValueError(f"a name of {len(self.name)} bytes, not of {WORD_BYTES}")
        return APPLICATION.pack(self.ssrc, self.name) + self.data
