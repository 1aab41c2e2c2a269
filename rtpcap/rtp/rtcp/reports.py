"""Sender and receiver reports (RFC 3550 sections 6.4.1 and 6.4.2)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|    RC   |  PT=SR=200    |             length            |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                         SSRC of sender                        |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |              NTP timestamp, most significant word             |  these five
    |             NTP timestamp, least significant word             |  in sender
    |                         RTP timestamp                         |  reports only
    |                     sender's packet count                     |
    |                      sender's octet count                     |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |                 SSRC of the source reported on                |  RC times
    | fraction lost |       cumulative number of packets lost       |
    |           extended highest sequence number received           |
    |                      interarrival jitter                      |
    |                         last SR (LSR)                         |
    |                   delay since last SR (DLSR)                  |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |                  profile-specific extensions                  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

RC counts the blocks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar, Self

from rtpcap.rtp.rtcp.part import Packet, Reader, Reason

__all__ = [
    "BLOCK_BYTES",
    "DELAY_UNITS",
    "HIGHEST_LOST",
    "LOWEST_LOST",
    "NTP_EPOCH_S",
    "RR",
    "SENDER_BYTES",
    "SR",
    "ReceiverReport",
    "ReportBlock",
    "SenderReport",
    "middle",
]

SR, RR = 200, 201
SENDER = struct.Struct(">IQIII")
BLOCK = struct.Struct(">IIIIII")
SSRC = struct.Struct(">I")
SENDER_BYTES, BLOCK_BYTES = SENDER.size, BLOCK.size
LOST_BITS = 24
LOWEST_LOST, HIGHEST_LOST = -(1 << LOST_BITS - 1), (1 << LOST_BITS - 1) - 1
DELAY_UNITS = 65536
"""Units of `delay_since_last_sr` in a second."""
NTP_EPOCH_S = 2_208_988_800
"""From 1900, where NTP counts from, to 1970."""


def middle(ntp: int) -> int:
    """The middle 32 bits of an NTP timestamp, by which reports name a sender report.

    >>> hex(middle(0x1234_5678_9ABC_DEF0))
    '0x56789abc'
    """
    return ntp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What the reporter received from one source."""

    ssrc: int
    """The source reported on."""
    fraction_lost: int
    """Lost since the report before, in 1/256."""
    cumulative_lost: int
    """Lost in all, 24 bits with a sign: copies count as received."""
    highest_sequence: int
    """The highest sequence number, and above its 16 bits how often it wrapped."""
    jitter: int
    """Interarrival jitter in timestamp units."""
    last_sr: int
    """The middle of the NTP timestamp of the last sender report; 0 where none was received."""
    delay_since_last_sr: int
    """From that report to this one, in 1/65536 s."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """The block at the reader, which has its bytes."""
        ssrc, losses, highest, jitter, last_sr, delay = reader.unpack(BLOCK)
        lost = losses & 0xFFFFFF
        lost -= (lost >> LOST_BITS - 1) << LOST_BITS
        return cls(ssrc, losses >> LOST_BITS, lost, highest, jitter, last_sr, delay)

    def pack(self) -> bytes:
        """Its 24 bytes."""
        if not LOWEST_LOST <= self.cumulative_lost <= HIGHEST_LOST:
            raise ValueError(f"a loss of {self.cumulative_lost} does not fit 24 bits with a sign")
        if not 0 <= self.fraction_lost <= 0xFF:
            raise ValueError(f"a fraction of {self.fraction_lost} is not in 0..255")
        losses = self.fraction_lost << LOST_BITS | self.cumulative_lost & 0xFFFFFF
        return BLOCK.pack(
            self.ssrc,
            losses,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


def _blocks(reader: Reader, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for number in range(count):
        if reader.room < BLOCK_BYTES:
            reader.fail(Reason.COUNT, (count - number) * BLOCK_BYTES)
            break
        blocks.append(ReportBlock.read(reader))
    return tuple(blocks)


@dataclass(frozen=True, slots=True)
class SenderReport(Packet):
    """What a sender sent, and what it received."""

    PACKET_TYPE: ClassVar[int] = SR
    KIND: ClassVar[str] = "SR"

    ssrc: int
    ntp: int
    """64 bits: seconds since 1900, and 1/2**32 s."""
    timestamp: int
    """The RTP timestamp of the same instant."""
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = field(default=b"", repr=False)
    """Profile-specific; what did not fit a block of which there should be more stands here too."""

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self | None:
        """The report at the reader; None where its fields do not fit."""
        if not reader.has(SENDER_BYTES, Reason.FIELDS):
            return None
        ssrc, ntp, timestamp, packets, octets = reader.unpack(SENDER)
        blocks = _blocks(reader, count)
        return cls(ssrc, ntp, timestamp, packets, octets, blocks, reader.rest())

    @property
    def count(self) -> int:
        return len(self.blocks)

    @property
    def source(self) -> int:
        return self.ssrc

    def body(self) -> bytes:
        sender = (self.ssrc, self.ntp, self.timestamp, self.packet_count, self.octet_count)
        return SENDER.pack(*sender) + b"".join(b.pack() for b in self.blocks) + self.extension


@dataclass(frozen=True, slots=True)
class ReceiverReport(Packet):
    """What a participant that sends nothing received."""

    PACKET_TYPE: ClassVar[int] = RR
    KIND: ClassVar[str] = "RR"

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self | None:
        """The report at the reader; None where its fields do not fit."""
        if not reader.has(SSRC.size, Reason.FIELDS):
            return None
        (ssrc,) = reader.unpack(SSRC)
        return cls(ssrc, _blocks(reader, count), reader.rest())

    @property
    def count(self) -> int:
        return len(self.blocks)

    @property
    def source(self) -> int:
        return self.ssrc

    def body(self) -> bytes:
        return SSRC.pack(self.ssrc) + b"".join(b.pack() for b in self.blocks) + self.extension
