"""Extended reports: seven kinds of blocks, and others kept as they are (RFC 3611 section 3)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|reserved |   PT=XR=207   |             length            |
    |                              SSRC                             |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |      BT       | type-specific |         block length          |  any number
    |             type-specific block contents, in words            |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Block lengths count words without the first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.part import Packet, Reader, Reason, RTCPFault
from rtpcap.rtp.rtcp.voip import VOIP_BYTES, VoIPMetrics

__all__ = [
    "XR",
    "Block",
    "DelaySinceLastRR",
    "DuplicateRLE",
    "ExtendedReport",
    "LastRR",
    "LossRLE",
    "OtherBlock",
    "ReceiptTimes",
    "ReceiverReferenceTime",
    "StatisticsSummary",
]

XR = 207
SSRC = struct.Struct(">I")
BLOCK_HEAD = struct.Struct(">BBH")
SPAN = struct.Struct(">IHH")
NTP = struct.Struct(">Q")
LAST_RR = struct.Struct(">III")
SUMMARY = struct.Struct(">IHH6I4B")
THINNING = 0x0F

LOSS_RLE, DUPLICATE_RLE, RECEIPT_TIMES, REFERENCE_TIME, DELAY, STATISTICS, VOIP = range(1, 8)

RUN_LENGTH = 0x3FFF
RUN_TYPE = 0x4000
VECTOR = 0x8000
VECTOR_BITS = 15


@dataclass(frozen=True, slots=True)
class _Runs:
    """Sequence numbers and what became of each, run-length encoded (section 4.1)."""

    ssrc: int
    begin_sequence: int
    end_sequence: int
    """The first number that is not reported on."""
    chunks: tuple[int, ...] = ()
    """16 bits each: a run, a vector of 15 bits, or 0 for the end."""
    thinning: int = 0
    """Only numbers that are multiples of ``2**thinning`` are reported on, 0..15."""

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they are too short."""
        if len(data) < SPAN.size:
            return None
        ssrc, begin, end = SPAN.unpack_from(data)
        chunks = struct.unpack_from(f">{(len(data) - SPAN.size) // 2}H", data, SPAN.size)
        return cls(ssrc, begin, end, chunks, specific & THINNING)

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents; chunks come in pairs."""
        if not 0 <= self.thinning <= THINNING:
            raise ValueError(f"a thinning of {self.thinning} is not in 0..{THINNING}")
        span = SPAN.pack(self.ssrc, self.begin_sequence, self.end_sequence)
        return self.thinning, span + struct.pack(f">{len(self.chunks)}H", *self.chunks)

    @property
    def sequences(self) -> tuple[int, ...]:
        """The numbers that are reported on, in order."""
        step = 1 << self.thinning
        first = self.begin_sequence + -self.begin_sequence % step
        span = (self.end_sequence - self.begin_sequence) & 0xFFFF
        return tuple(n & 0xFFFF for n in range(first, self.begin_sequence + span, step))

    @property
    def flags(self) -> tuple[bool, ...]:
        """A flag for each of `sequences`; fewer where the chunks do not go so far."""
        wanted = len(self.sequences)
        flags: list[bool] = []
        for chunk in self.chunks:
            if not chunk or len(flags) >= wanted:
                break
            if chunk & VECTOR:
                flags += [bool(chunk >> bit & 1) for bit in range(VECTOR_BITS - 1, -1, -1)]
            else:
                run = min(chunk & RUN_LENGTH, wanted - len(flags))
                flags += [bool(chunk & RUN_TYPE)] * run
        return tuple(flags[:wanted])


@dataclass(frozen=True, slots=True)
class LossRLE(_Runs):
    """Which packets were received; a flag of `flags` is set for each that was."""

    TYPE: ClassVar[int] = LOSS_RLE
    NAME: ClassVar[str] = "loss"


@dataclass(frozen=True, slots=True)
class DuplicateRLE(_Runs):
    """Which packets came once; a flag of `flags` is clear for each that came more often."""

    TYPE: ClassVar[int] = DUPLICATE_RLE
    NAME: ClassVar[str] = "duplicates"


@dataclass(frozen=True, slots=True)
class ReceiptTimes:
    """When each packet came, in the sender's timestamp units (section 4.3)."""

    TYPE: ClassVar[int] = RECEIPT_TIMES
    NAME: ClassVar[str] = "receipt times"

    ssrc: int
    begin_sequence: int
    end_sequence: int
    times: tuple[int, ...] = ()
    thinning: int = 0

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they are too short."""
        if len(data) < SPAN.size:
            return None
        ssrc, begin, end = SPAN.unpack_from(data)
        times = struct.unpack_from(f">{(len(data) - SPAN.size) // WORD_BYTES}I", data, SPAN.size)
        return cls(ssrc, begin, end, times, specific & THINNING)

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        if not 0 <= self.thinning <= THINNING:
            raise ValueError(f"a thinning of {self.thinning} is not in 0..{THINNING}")
        span = SPAN.pack(self.ssrc, self.begin_sequence, self.end_sequence)
        return self.thinning, span + struct.pack(f">{len(self.times)}I", *self.times)


@dataclass(frozen=True, slots=True)
class ReceiverReferenceTime:
    """A receiver's clock, so that it too may learn the round-trip time (section 4.4)."""

    TYPE: ClassVar[int] = REFERENCE_TIME
    NAME: ClassVar[str] = "reference time"

    ntp: int

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they have another length."""
        return cls(NTP.unpack(data)[0]) if len(data) == NTP.size else None

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        return 0, NTP.pack(self.ntp)


@dataclass(frozen=True, slots=True)
class LastRR:
    """To the receiver `ssrc`: its last reference time, and the 1/65536 s since."""

    ssrc: int
    last_rr: int
    delay_since_last_rr: int


@dataclass(frozen=True, slots=True)
class DelaySinceLastRR:
    """Answers to reference times (section 4.5)."""

    TYPE: ClassVar[int] = DELAY
    NAME: ClassVar[str] = "delay"

    answers: tuple[LastRR, ...] = ()

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they are no whole answers."""
        if len(data) % LAST_RR.size:
            return None
        return cls(tuple(LastRR(*answer) for answer in LAST_RR.iter_unpack(data)))

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        packed = (
            LAST_RR.pack(answer.ssrc, answer.last_rr, answer.delay_since_last_rr)
            for answer in self.answers
        )
        return 0, b"".join(packed)


@dataclass(frozen=True, slots=True)
class StatisticsSummary:
    """Counts, jitter and time to live over a span of packets (section 4.6).

    The fields after the flags hold nothing where their flag says that they are not reported.
    """

    TYPE: ClassVar[int] = STATISTICS
    NAME: ClassVar[str] = "statistics"

    ssrc: int
    begin_sequence: int
    end_sequence: int
    has_lost: bool
    has_duplicates: bool
    has_jitter: bool
    hops: int
    """0 none, 1 the time to live of IPv4, 2 the hop limit of IPv6."""
    lost: int = 0
    duplicates: int = 0
    min_jitter: int = 0
    max_jitter: int = 0
    mean_jitter: int = 0
    dev_jitter: int = 0
    min_hops: int = 0
    max_hops: int = 0
    mean_hops: int = 0
    dev_hops: int = 0

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they have another length."""
        if len(data) != SUMMARY.size:
            return None
        ssrc, begin, end, *figures = SUMMARY.unpack(data)
        flags = (bool(specific & 0x80), bool(specific & 0x40), bool(specific & 0x20))
        return cls(ssrc, begin, end, *flags, specific >> 3 & 3, *figures)

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        if not 0 <= self.hops <= 3:
            raise ValueError(f"hops {self.hops} is not in 0..3")
        specific = self.has_lost << 7 | self.has_duplicates << 6 | self.has_jitter << 5
        packed = SUMMARY.pack(
            self.ssrc,
            self.begin_sequence,
            self.end_sequence,
            self.lost,
            self.duplicates,
            self.min_jitter,
            self.max_jitter,
            self.mean_jitter,
            self.dev_jitter,
            self.min_hops,
            self.max_hops,
            self.mean_hops,
            self.dev_hops,
        )
        return specific | self.hops << 3, packed


@dataclass(frozen=True, slots=True)
class OtherBlock:
    """A block of a type that nothing here reads, or that has not the length of its type."""

    NAME: ClassVar[str] = "other"

    block_type: int
    specific: int
    data: bytes

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        return self.specific, self.data


Block = (
    LossRLE
    | DuplicateRLE
    | ReceiptTimes
    | ReceiverReferenceTime
    | DelaySinceLastRR
    | StatisticsSummary
    | VoIPMetrics
    | OtherBlock
)
READERS = {
    LOSS_RLE: LossRLE.read,
    DUPLICATE_RLE: DuplicateRLE.read,
    RECEIPT_TIMES: ReceiptTimes.read,
    REFERENCE_TIME: ReceiverReferenceTime.read,
    DELAY: DelaySinceLastRR.read,
    STATISTICS: StatisticsSummary.read,
    VOIP: VoIPMetrics.read,
}
LENGTHS = {
    LOSS_RLE: SPAN.size,
    DUPLICATE_RLE: SPAN.size,
    RECEIPT_TIMES: SPAN.size,
    REFERENCE_TIME: NTP.size,
    DELAY: LAST_RR.size,
    STATISTICS: SUMMARY.size,
    VOIP: VOIP_BYTES,
}
"""Bytes that a block of each type needs at least."""


@dataclass(frozen=True, slots=True)
class ExtendedReport(Packet):
    """More than fits report blocks."""

    PACKET_TYPE: ClassVar[int] = XR
    KIND: ClassVar[str] = "XR"

    ssrc: int
    blocks: tuple[Block, ...] = ()

    @classmethod
    def read(cls, reader: Reader, count: int) -> Self | None:
        """The report at the reader; None where not even its SSRC fits."""
        if not reader.has(SSRC.size, Reason.FIELDS):
            return None
        (ssrc,) = reader.unpack(SSRC)
        blocks = []
        while reader.room and reader.has(BLOCK_HEAD.size, Reason.BLOCK):
            at = reader.pos
            kind, specific, words = reader.unpack(BLOCK_HEAD)
            reader.has(words * WORD_BYTES, Reason.BLOCK)
            data = reader.take(words * WORD_BYTES)
            known = READERS.get(kind)
            whole = len(data) == words * WORD_BYTES
            block = known(specific, data) if known is not None and whole else None
            if block is None and known is not None and whole:
                needed = BLOCK_HEAD.size + LENGTHS[kind]
                there = BLOCK_HEAD.size + len(data)
                reader.faults.append(RTCPFault(Reason.BLOCK, reader.layer, at, needed, there))
            blocks.append(OtherBlock(kind, specific, data) if block is None else block)
        reader.pos = reader.end
        return cls(ssrc, tuple(blocks))

    @property
    def source(self) -> int:
        return self.ssrc

    def body(self) -> bytes:
        out = [SSRC.pack(self.ssrc)]
        for block in self.blocks:
            specific, data = block.pack()
            words, torn = divmod(len(data), WORD_BYTES)
            if torn:
                raise ValueError(f"a block of {len(data)} bytes is no whole words")
            kind = block.block_type if isinstance(block, OtherBlock) else block.TYPE
            out.append(BLOCK_HEAD.pack(kind, specific, words) + data)
        return b"".join(out)
