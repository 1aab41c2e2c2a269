"""Streams of telephone audio from labelled fields."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rtpcap.rtp.packets import NO_TIME, Packets


@dataclass
class Sent:
    """One packet; `time_s` None for no time."""

    timestamp: int
    payload: bytes
    payload_type: int = 11
    time_s: float | None = 0.0


def packets(sent: Iterable[Sent]) -> Packets:
    """The columns of packets in the order given."""
    listed = list(sent)
    raws = [
        struct.pack(">BBHII", 0x80, p.payload_type, i & 0xFFFF, p.timestamp & 0xFFFFFFFF, 7)
        + p.payload
        for i, p in enumerate(listed)
    ]
    sizes = np.array([len(raw) for raw in raws], np.int64)
    times = [NO_TIME if p.time_s is None else round(p.time_s * 1e9) for p in listed]
    return Packets.parse(
        (np.frombuffer(b"".join(raws), np.uint8),),
        sizes.cumsum() - sizes,
        sizes.cumsum(),
        time_ns=np.array(times, np.int64),
    )


def l16(values: Iterable[int]) -> bytes:
    """An L16 payload (RFC 3551 section 4.5.11)."""
    return b"".join(struct.pack(">h", value) for value in values)
