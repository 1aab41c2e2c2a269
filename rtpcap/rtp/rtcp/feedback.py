"""Feedback about transport and payload (RFC 4585 section 6, RFC 5104 section 4)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|   FMT   |  PT 205, 206  |          length               |
    |                  SSRC of packet sender                        |
    |                  SSRC of media source                         |
    :            feedback control information (FCI)                 :
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Each kind has a class that reads and packs its own control information.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from rtpcap.rtp.rtcp.part import MOST_COUNT, Packet, Reader, Reason, in_words

__all__ = [
    "FEEDBACK_HEAD",
    "FIR",
    "NACK",
    "PLI",
    "PSFB",
    "REMB",
    "RPSI",
    "RTPFB",
    "SLI",
    "TMMBN",
    "TMMBR",
    "TSTN",
    "TSTR",
    "BitRate",
    "Command",
    "Feedback",
    "LostSlice",
    "OtherFeedback",
    "TradeOff",
]

RTPFB, PSFB = 205, 206
FEEDBACK_HEAD = struct.Struct(">II")
LOST = struct.Struct(">HH")
SOURCE_AND_WORD = struct.Struct(">II")
WORD = struct.Struct(">I")
REMB_NAME = b"REMB"
APPLICATION = 15
"""The format of what an application defines, in both types."""
MASK_BITS = 16


def _fits(name: str, value: int, bits: int) -> int:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} {value} does not fit {bits} bits")
    return value


@dataclass(frozen=True, slots=True)
class Feedback(Packet):
    """What one participant tells another about its media."""

    FORMAT: ClassVar[int] = 0

    ssrc: int
    """Who sends the feedback."""
    media_ssrc: int
    """The source it is about; 0 where its control information names them."""

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self | None:
        """The feedback whose control information is at the reader; None where it is too short."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        return self.FORMAT

    @property
    def source(self) -> int:
        return self.ssrc

    def information(self) -> bytes:
        """The feedback control information."""
        return b""

    def body(self) -> bytes:
        return FEEDBACK_HEAD.pack(self.ssrc, self.media_ssrc) + self.information()


def _entries(reader: Reader, layout: struct.Struct) -> list[tuple[int, ...]]:
    """Whole entries of a layout, at least one of which there must be."""
    found = []
    while reader.room >= layout.size:
        found.append(reader.unpack(layout))
    if reader.room or not found:
        reader.fail(Reason.FEEDBACK, layout.size)
        reader.pos = reader.end
    return found


@dataclass(frozen=True, slots=True)
class NACK(Feedback):
    """Packets that were not received (RFC 4585 section 6.2.1)."""

    PACKET_TYPE: ClassVar[int] = RTPFB
    FORMAT: ClassVar[int] = 1
    KIND: ClassVar[str] = "NACK"

    lost: tuple[tuple[int, int], ...]
    """A sequence number, and a mask of which of the 16 after it are lost too, lowest bit first."""

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        pairs = tuple((number, mask) for number, mask in _entries(reader, LOST))
        return cls(ssrc, media_ssrc, pairs)

    def information(self) -> bytes:
        return b"".join(LOST.pack(*pair) for pair in self.lost)

    @property
    def sequences(self) -> tuple[int, ...]:
        """The sequence numbers that are lost."""
        return tuple(
            number + ahead & 0xFFFF
            for number, mask in self.lost
            for ahead in range(MASK_BITS + 1)
            if ahead == 0 or mask >> ahead - 1 & 1
        )


class BitRate(NamedTuple):
    """A limit for one source: mantissa (17 bits) times two to the exponent (6) in bits a second."""

    ssrc: int
    exponent: int
    mantissa: int
    overhead: int
    """Bytes a packet that are no payload, as measured, 9 bits."""

    @property
    def bits_per_second(self) -> int:
        """The limit."""
        return self.mantissa << self.exponent


def _read_rates(reader: Reader) -> tuple[BitRate, ...]:
    return tuple(
        BitRate(ssrc, word >> 26, word >> 9 & 0x1FFFF, word & 0x1FF)
        for ssrc, word in _entries(reader, SOURCE_AND_WORD)
    )


def _pack_rates(rates: tuple[BitRate, ...]) -> bytes:
    out = b""
    for rate in rates:
        word = _fits("exponent", rate.exponent, 6) << 26
        word |= _fits("mantissa", rate.mantissa, 17) << 9 | _fits("overhead", rate.overhead, 9)
        out += SOURCE_AND_WORD.pack(rate.ssrc, word)
    return out


@dataclass(frozen=True, slots=True)
class TMMBR(Feedback):
    """A request to send no more than this (RFC 5104 section 4.2.1)."""

    PACKET_TYPE: ClassVar[int] = RTPFB
    FORMAT: ClassVar[int] = 3
    KIND: ClassVar[str] = "TMMBR"

    rates: tuple[BitRate, ...]

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        return cls(ssrc, media_ssrc, _read_rates(reader))

    def information(self) -> bytes:
        return _pack_rates(self.rates)


@dataclass(frozen=True, slots=True)
class TMMBN(Feedback):
    """The limits in force (RFC 5104 section 4.2.2); there may be none."""

    PACKET_TYPE: ClassVar[int] = RTPFB
    FORMAT: ClassVar[int] = 4
    KIND: ClassVar[str] = "TMMBN"

    rates: tuple[BitRate, ...] = ()

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self:
        return cls(ssrc, media_ssrc, _read_rates(reader) if reader.room else ())

    def information(self) -> bytes:
        return _pack_rates(self.rates)


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
            for (word,) in _entries(reader, WORD)
        )
        return cls(ssrc, media_ssrc, slices)

    def information(self) -> bytes:
        return b"".join(
            WORD.pack(
                _fits("first", part.first, 13) << 19
                | _fits("number", part.number, 13) << 6
                | _fits("picture_id", part.picture_id, 6)
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
        number = _fits("payload_type", self.payload_type, 7)
        return bytes((_fits("padding_bits", self.padding_bits, 8), number)) + self.bits


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
        entries = _entries(reader, SOURCE_AND_WORD)
        return cls(ssrc, media_ssrc, tuple(Command(to, word >> 24) for to, word in entries))

    def information(self) -> bytes:
        return b"".join(
            SOURCE_AND_WORD.pack(to, _fits("sequence", sequence, 8) << 24)
            for to, sequence in self.commands
        )


class TradeOff(NamedTuple):
    """To one source: sequence number (8 bits), and sharpness against motion, 0..31."""

    ssrc: int
    sequence: int
    sharpness: int


def _read_trades(reader: Reader) -> tuple[TradeOff, ...]:
    entries = _entries(reader, SOURCE_AND_WORD)
    return tuple(TradeOff(to, word >> 24, word & 0x1F) for to, word in entries)


def _pack_trades(trades: tuple[TradeOff, ...]) -> bytes:
    return b"".join(
        SOURCE_AND_WORD.pack(
            to, _fits("sequence", sequence, 8) << 24 | _fits("sharpness", sharpness, 5)
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
        word = _fits("number of sources", len(self.sources), 8) << 24
        word |= _fits("exponent", self.exponent, 6) << 18 | _fits("mantissa", self.mantissa, 18)
        return REMB_NAME + WORD.pack(word) + b"".join(map(WORD.pack, self.sources))

    @property
    def bits_per_second(self) -> int:
        """The estimate."""
        return self.mantissa << self.exponent


OTHER_FORMATS = {
    (RTPFB, 5): "SR-REQ",
    (RTPFB, 6): "RAMS",
    (RTPFB, 7): "TLLEI",
    (RTPFB, 8): "ECN",
    (RTPFB, 9): "PAUSE",
    (RTPFB, 10): "DBI",
    (RTPFB, 11): "CCFB",
    (PSFB, 7): "VBCM",
    (PSFB, 8): "PSLEI",
    (PSFB, 9): "ROI",
    (PSFB, 10): "LRR",
    (PSFB, APPLICATION): "AFB",
}


@dataclass(frozen=True, slots=True)
class OtherFeedback(Feedback):
    """Feedback of a format that nothing here reads, or that is not what its format says."""

    number: int
    """The packet type, 205 or 206."""
    format: int
    content: bytes
    """Whole words."""

    @property
    def packet_type(self) -> int:
        return self.number

    @property
    def count(self) -> int:
        return _fits("format", self.format, MOST_COUNT.bit_length())

    @property
    def kind(self) -> str:
        name = {RTPFB: "RTPFB", PSFB: "PSFB"}.get(self.number, str(self.number))
        return OTHER_FORMATS.get((self.number, self.format), f"{name} {self.format}")

    def information(self) -> bytes:
        return in_words(self.content)
