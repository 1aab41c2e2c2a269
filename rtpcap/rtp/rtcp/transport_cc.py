"""When each packet came, by transport-wide numbers (draft-holmer-rmcat-transport-wide-cc-01)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |      base sequence number     |      packet status count      |
    |                 reference time                | fb pkt. count |
    |          packet chunk         |         packet chunk          |
    |         packet chunk          |  recv delta   |  recv delta   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Chunks tell what became of each packet, deltas when those came that did.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.feedback import RTPFB, Feedback
from rtpcap.rtp.rtcp.part import Reader, Reason, in_words

__all__ = ["Arrival", "TransportCC"]

HEAD = struct.Struct(">HHI")
CHUNK = struct.Struct(">H")
SMALL = struct.Struct(">B")
LARGE = struct.Struct(">h")
DELTAS = {1: SMALL, 2: LARGE}
"""Status of a packet -> how its delta is written; others have none."""
VECTOR = 0x8000
TWO_BITS = 0x4000
RUN = 0x1FFF
REFERENCE_BITS = 24
REFERENCE_NS = 64_000_000
DELTA_NS = 250_000


class Arrival(NamedTuple):
    """A packet's transport-wide number, and when it came on the receiver's clock; None: not."""

    sequence: int
    time_ns: int | None


@dataclass(frozen=True, slots=True)
class TransportCC(Feedback):
    """Which packets came, and when."""

    PACKET_TYPE: ClassVar[int] = RTPFB
    FORMAT: ClassVar[int] = 15
    KIND: ClassVar[str] = "transport-cc"

    base_sequence: int
    status_count: int
    reference_time: int
    """In 64 ms, 24 bits with a sign."""
    feedback_count: int
    """8 bits, counted up with each of these packets."""
    chunks: tuple[int, ...]
    """16 bits each: a run of 13 bits of one status, 14 of one bit each or 7 of two."""
    deltas: tuple[int, ...]
    """In 250 us, one for each packet that came, from the one before it."""

    @classmethod
    def take(cls, ssrc: int, media_ssrc: int, reader: Reader) -> Self | None:
        if not reader.has(HEAD.size, Reason.FEEDBACK):
            return None
        base, wanted, word = reader.unpack(HEAD)
        reference = word >> 8
        reference -= (reference >> REFERENCE_BITS - 1) << REFERENCE_BITS
        chunks: list[int] = []
        statuses: list[int] = []
        while len(statuses) < wanted and reader.has(CHUNK.size, Reason.FEEDBACK):
            (chunk,) = reader.unpack(CHUNK)
            chunks.append(chunk)
            statuses += _statuses(chunk, wanted - len(statuses))
        deltas = []
        for status in statuses:
            layout = DELTAS.get(status)
            if layout is None:
                continue
            if not reader.has(layout.size, Reason.FEEDBACK):
                break
            deltas.append(reader.unpack(layout)[0])
        # Zeros up to a whole word; libwebrtc says they were padding, and writes their count last.
        filling = reader.data[reader.pos : reader.end]
        counted = bytes(len(filling) - 1) + bytes([len(filling)]) if filling else b""
        if len(filling) < WORD_BYTES and filling in (bytes(len(filling)), counted):
            reader.pos = reader.end
        reader.finish()
        return cls(
            ssrc, media_ssrc, base, wanted, reference, word & 0xFF, tuple(chunks), tuple(deltas)
        )

    def information(self) -> bytes:
        half = 1 << REFERENCE_BITS - 1
        if not -half <= self.reference_time < half or not 0 <= self.feedback_count <= 0xFF:
            raise ValueError("a reference time or a feedback count does not fit")
        word = (self.reference_time & (1 << REFERENCE_BITS) - 1) << 8 | self.feedback_count
        out = HEAD.pack(self.base_sequence, self.status_count, word)
        out += b"".join(map(CHUNK.pack, self.chunks))
        layouts = [DELTAS[status] for status in self.statuses if status in DELTAS]
        if len(self.statuses) != self.status_count or len(layouts) != len(self.deltas):
            raise ValueError("chunks and deltas are not those of so many packets")
        out += b"".join(
            layout.pack(delta) for layout, delta in zip(layouts, self.deltas, strict=True)
        )
        return in_words(out)

    @property
    def statuses(self) -> tuple[int, ...]:
        """A status a packet: 0 not received, 1 and 2 received, with a small or a large delta."""
        statuses: list[int] = []
        for chunk in self.chunks:
            statuses += _statuses(chunk, self.status_count - len(statuses))
        return tuple(statuses)

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """Each packet in order, as far as there are deltas."""
        time = self.reference_time * REFERENCE_NS
        deltas = iter(self.deltas)
        found = []
        for ahead, status in enumerate(self.statuses):
            came = None
            if status in DELTAS:
                delta = next(deltas, None)
                if delta is None:
                    break
                came = time = time + delta * DELTA_NS
            found.append(Arrival(self.base_sequence + ahead & 0xFFFF, came))
        return tuple(found)


def _statuses(chunk: int, most: int) -> list[int]:
    """What a chunk says of the next packets, at most so many."""
    if not chunk & VECTOR:
        return [chunk >> 13 & 3] * min(chunk & RUN, most)
    if chunk & TWO_BITS:
        found = [chunk >> shift & 3 for shift in range(12, -1, -2)]
    else:
        found = [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return found[:most]
