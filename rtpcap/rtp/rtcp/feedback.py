"""Feedback about transport and payload (RFC 4585 section 6, RFC 5104 section 4)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|   FMT   |  PT 205, 206  |          length               |
    |                  SSRC of packet sender                        |
    |                  SSRC of media source                         |
    :            feedback control information (FCI)                 :
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Each kind has a class that reads and packs its own control information: those about transport are
in `transport`, those about pictures in `picture`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from rtpcap.rtp.rtcp.part import MOST_COUNT, Packet, Reader, Reason, in_words

__all__ = [
    "APPLICATION",
    "FEEDBACK_HEAD",
    "PSFB",
    "RTPFB",
    "SOURCE_AND_WORD",
    "WORD",
    "Feedback",
    "OtherFeedback",
    "entries",
    "fits",
]

RTPFB, PSFB = 205, 206
FEEDBACK_HEAD = struct.Struct(">II")
SOURCE_AND_WORD = struct.Struct(">II")
WORD = struct.Struct(">I")
APPLICATION = 15
"""The format of what an application defines, in both types."""


def fits(name: str, value: int, bits: int) -> int:
    """The value; ValueError where it does not fit so many bits."""
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


def entries(reader: Reader, layout: struct.Struct) -> list[tuple[int, ...]]:
    """Whole entries of a layout, at least one of which there must be."""
    found = []
    while reader.room >= layout.size:
        found.append(reader.unpack(layout))
    if reader.room or not found:
        reader.fail(Reason.FEEDBACK, layout.size)
        reader.pos = reader.end
    return found


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
        return fits("format", self.format, MOST_COUNT.bit_length())

    @property
    def kind(self) -> str:
        name = {RTPFB: "RTPFB", PSFB: "PSFB"}.get(self.number, str(self.number))
        return OTHER_FORMATS.get((self.number, self.format), f"{name} {self.format}")

    def information(self) -> bytes:
        return in_words(self.content)
