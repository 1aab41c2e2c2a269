"""Sessions on a made-up clock, and packets by hand."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from rtpcap import PayloadType, RTPMessage, TransmitType
from rtpcap.live import Session

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000

ASSOC = {0: PayloadType.PCMU, 8: PayloadType.PCMA, 101: PayloadType.EVENT}


class Fixed(random.Random):
    """A generator whose SSRC, first sequence number and first timestamp are chosen."""

    def __init__(self, ssrc: int = 7, sequence: int = 0, timestamp: int = 0) -> None:
        super().__init__(1)
        self._chosen = [ssrc, sequence, timestamp]

    def getrandbits(self, k: int) -> int:
        return self._chosen.pop(0) if self._chosen and k in (16, 32) else super().getrandbits(k)


def session(
    sendrecv: TransmitType = TransmitType.SENDRECV,
    *,
    ssrc: int = 7,
    sequence: int = 0,
    timestamp: int = 0,
    width: int = 1,
    rtcp: bool = False,
    assoc: dict[int, PayloadType] | None = None,
) -> Session:
    """A session that has begun at START_NS."""
    made = Session(
        ASSOC if assoc is None else assoc,
        sendrecv,
        width=width,
        rtcp=rtcp,
        rng=Fixed(ssrc, sequence, timestamp),
    )
    made.begin(START_NS)
    return made


def sent(made: Session, seconds: float, begin_ns: int = START_NS) -> Iterator[tuple[int, bytes]]:
    """When each datagram goes out, and its bytes, of a clock that is looked at when told to."""
    end_ns = begin_ns + round(seconds * SECOND)
    while (now_ns := made.next_ns) is not None and now_ns < end_ns:
        for datagram in made.due(now_ns):
            yield now_ns, datagram.data


def packet(
    sequence: int,
    timestamp: int,
    payload: bytes = b"\xff" * 160,
    *,
    payload_type: int = 0,
    ssrc: int = 0x1234,
    marker: bool = False,
) -> bytes:
    second = payload_type | (0x80 if marker else 0)
    head = (0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return struct.pack(">BBHII", *head) + payload


def event(
    timestamp: int,
    code: int,
    duration: int,
    *,
    end: bool = False,
    sequence: int = 0,
    marker: bool = False,
    ssrc: int = 0x1234,
) -> bytes:
    """A packet with one report of a telephone event (RFC 4733 section 2.3)."""
    report = struct.pack(">BBH", code, (0x80 if end else 0) | 10, duration)
    return packet(sequence, timestamp, report, payload_type=101, ssrc=ssrc, marker=marker)


def message(data: bytes) -> RTPMessage:
    return RTPMessage(data, ASSOC)
