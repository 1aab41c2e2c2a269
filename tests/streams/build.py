"""Packets from labelled fields, for the tests of this folder."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rtpcap.rtp.packets import NO_TIME, Packets


@dataclass
class Sent:
    """One RTP packet as it was captured; times in seconds, None for no time."""

    sequence: int
    timestamp: int
    time_s: float | None
    payload: bytes = b"\xff" * 160
    payload_type: int = 0
    marker: bool = False
    ssrc: int = 0x1234

    def raw(self) -> bytes:
        second = self.payload_type | self.marker << 7
        sequence, timestamp = self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF
        return struct.pack(">BBHII", 0x80, second, sequence, timestamp, self.ssrc) + self.payload


def packets(sent: Iterable[Sent]) -> Packets:
    """The columns of packets in the order given; frames are numbered from 1."""
    listed = list(sent)
    raws = [packet.raw() for packet in listed]
    sizes = np.array([len(raw) for raw in raws], np.int64)
    ends = sizes.cumsum()
    times = [NO_TIME if p.time_s is None else round(p.time_s * 1e9) for p in listed]
    return Packets.parse(
        (np.frombuffer(b"".join(raws), np.uint8),),
        ends - sizes,
        ends,
        frame=np.arange(1, len(raws) + 1, dtype=np.uint32),
        time_ns=np.array(times, np.int64),
    )


def steady(count: int, *, sequence: int = 0, timestamp: int = 0, time_s: float = 0.0) -> list[Sent]:
    """`count` packets of 160 ticks, one each 20 ms."""
    return [
        Sent(sequence + i, timestamp + 160 * i, round(time_s + 0.02 * i, 6)) for i in range(count)
    ]
