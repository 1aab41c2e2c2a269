"""Feedback about pictures, and what a receiver can take (RFC 4585 6.3, RFC 5104 4.3, REMB)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from rtpcap.rtp.rtcp.feedback import (
    APPLICATION,
    PSFB,
    SOURCE_AND_WORD,
    WORD,
    Feedback,
    entries,
    fits,
)
from rtpcap.rtp.rtcp.part import Reader, Reason

__all__ = [
    "FIR",
    "PLI",
    "REMB",
    "REMB_NAME",
    "RPSI",
    "SLI",
    "TSTN",
    "TSTR",
    "Command",
    "LostSlice",
    "TradeOff",
]

REMB_NAME = b"REMB"


@dataclass(frozen=True, slots=True)
class PLI(Feedback):
    """A picture was lost (RFC 4585 section 6.3.1)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 1
    KIND: ClassVar[str] = "PLI"

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        reader.finish()
        return cls(ssrc, media_ssrc)


class LostSlice(NamedTuple):
    """Macroblocks of a picture: the first (13 bits), how many (13), which picture (6)."""

    first: int
    number: int
    picture_id: int


@dataclass(frozen=True, slots=True)
class SLI(Feedback):
    """Parts of pictures were lost (RFC 4585 section 6.3.2)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 2
    KIND: ClassVar[str] = "SLI"

    slices: tuple[LostSlice, ...]

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        slices = tuple(
            LostSlice(word >> 19, word >> 6 & 0x1FFF, word & 0x3F)
            for (word,) in entries(reader, WORD)
        )
        return cls(ssrc, media_ssrc, slices)

    def information(self) -> bytes:
        return b"".join(
            WORD.pack(
                fits("first", part.first, 13) << 19
                | fits("number", part.number, 13) << 6
                | fits("picture_id", part.picture_id, 6)
            )
            for part in self.slices
        )


@dataclass(frozen=True, slots=True)
class RPSI(Feedback):
    """Which picture to refer to, in the codec's own bits (RFC 4585 section 6.3.3)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 3
    KIND: ClassVar[str] = "RPSI"

    payload_type: int
    padding_bits: int
    bits: bytes
    """With its padding: two bytes less than whole words."""

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self | None:
        if not reader.has(WORD.size, Reason.FEEDBACK):
            return None
        padding, number = reader.take(2)
        return cls(ssrc, media_ssrc, number & 0x7F, padding, reader.rest())

    def information(self) -> bytes:
        number = fits("payload_type", self.payload_type, 7)
        return bytes((fits("padding_bits", self.padding_bits, 8), number)) + self.bits


class Command(NamedTuple):
    """To one source, with a sequence number of 8 bits that a repetition keeps."""

    ssrc: int
    sequence: int


@dataclass(frozen=True, slots=True)
class FIR(Feedback):
    """A request for a whole picture (RFC 5104 section 4.3.1)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 4
    KIND: ClassVar[str] = "FIR"

    commands: tuple[Command, ...]

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        told = entries(reader, SOURCE_AND_WORD)
        return cls(ssrc, media_ssrc, tuple(Command(to, word >> 24) for to, word in told))

    def information(self) -> bytes:
        return b"".join(
            SOURCE_AND_WORD.pack(to, fits("sequence", sequence, 8) << 24)
            for to, sequence in self.commands
        )


class TradeOff(NamedTuple):
    """To one source: sequence number (8 bits), and sharpness against motion, 0..31."""

    ssrc: int
    sequence: int
    sharpness: int


def _read_trades(reader: Reader) -> tuple[TradeOff, ...]:
    told = entries(reader, SOURCE_AND_WORD)
    return tuple(TradeOff(to, word >> 24, word & 0x1F) for to, word in told)


def _pack_trades(trades: tuple[TradeOff, ...]) -> bytes:
    return b"".join(
        SOURCE_AND_WORD.pack(
            to, fits("sequence", sequence, 8) << 24 | fits("sharpness", sharpness, 5)
        )
        for to, sequence, sharpness in trades
    )


@dataclass(frozen=True, slots=True)
class TSTR(Feedback):
    """A request to trade sharpness for motion (RFC 5104 section 4.3.2)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 5
    KIND: ClassVar[str] = "TSTR"

    trades: tuple[TradeOff, ...]

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        return cls(ssrc, media_ssrc, _read_trades(reader))

    def information(self) -> bytes:
        return _pack_trades(self.trades)


@dataclass(frozen=True, slots=True)
class TSTN(Feedback):
    """The answer to that (RFC 5104 section 4.3.3)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = 6
    KIND: ClassVar[str] = "TSTN"

    trades: tuple[TradeOff, ...]

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        return cls(ssrc, media_ssrc, _read_trades(reader))

    def information(self) -> bytes:
        return _pack_trades(self.trades)


@dataclass(frozen=True, slots=True)
class REMB(Feedback):
    """A receiver's estimate of what it can take (draft-alvestrand-rmcat-remb section 2.2)."""

    PACKET_TYPE: ClassVar[int] = PSFB
    FORMAT: ClassVar[int] = APPLICATION
    KIND: ClassVar[str] = "REMB"

    exponent: int
    """6 bits."""
    mantissa: int
    """18 bits."""
    sources: tuple[int, ...] = ()

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self | None:
        if not reader.has(2 * WORD.size, Reason.FEEDBACK):
            return None
        _, word = reader.unpack(SOURCE_AND_WORD)
        count = word >> 24
        there = min(count, reader.room // WORD.size)
        if there < count:
            reader.fail(Reason.FEEDBACK, count * WORD.size)
        sources = tuple(reader.unpack(WORD)[0] for _ in range(there))
        if there == count:
            reader.finish()
        return cls(ssrc, media_ssrc, word >> 18 & 0x3F, word & 0x3FFFF, sources)

    def information(self) -> bytes:
        word = fits("number of sources", len(self.sources), 8) << 24
        word |= fits("exponent", self.exponent, 6) << 18 | fits("mantissa", self.mantissa, 18)
        return REMB_NAME + WORD.pack(word) + b"".join(map(WORD.pack, self.sources))

    @property
    def bits_per_second(self) -> int:
        """The estimate."""
        return self.mantissa << self.exponent
