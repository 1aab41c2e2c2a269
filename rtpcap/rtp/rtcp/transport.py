"""Feedback about transport: packets lost, limits of rate (RFC 4585 6.2, RFC 5104 4.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from rtpcap.rtp.rtcp.feedback import RTPFB, SOURCE_AND_WORD, Feedback, entries, fits
from rtpcap.rtp.rtcp.part import Reader

__all__ = ["NACK", "TMMBN", "TMMBR", "BitRate"]

LOST = struct.Struct(">HH")
MASK_BITS = 16


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
        pairs = tuple((number, mask) for number, mask in entries(reader, LOST))
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
        for ssrc, word in entries(reader, SOURCE_AND_WORD)
    )


def _pack_rates(rates: tuple[BitRate, ...]) -> bytes:
    out = b""
    for rate in rates:
        word = fits("exponent", rate.exponent, 6) << 26
        word |= fits("mantissa", rate.mantissa, 17) << 9 | fits("overhead", rate.overhead, 9)
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
