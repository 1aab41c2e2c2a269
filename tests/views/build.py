"""Captures from labelled fields, for the tests of what people see."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

START_S = 1_700_000_000
"""When the frames of time 0 were captured: 2023-11-14 22:13:20 UTC."""

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)


@dataclass
class Sent:
    """One RTP packet on the wire; `time_s` from the start of the capture."""

    sequence: int
    timestamp: int
    time_s: float
    payload: bytes = b"\xff" * 160
    payload_type: int = 0
    marker: bool = False
    ssrc: int = 0x1234
    src: str = "10.0.0.1"
    src_port: int = 4000
    dst: str = "10.0.0.2"
    dst_port: int = 4002
    tail: int = 0
    """Bytes of the packet's end that the capture left out."""

    def frame(self) -> bytes:
        rtp = struct.pack(
            ">BBHII",
            0x80,
            self.payload_type | self.marker << 7,
            self.sequence & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        udp = struct.pack(
            ">HHHH", self.src_port, self.dst_port, 8 + len(rtp) + len(self.payload), 0
        )
        ip = struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(udp) + len(rtp) + len(self.payload),
            0,
            0,
            64,
            17,
            0,
            bytes(map(int, self.src.split("."))),
            bytes(map(int, self.dst.split("."))),
        )
        return bytes(12) + b"\x08\x00" + ip + udp + rtp + self.payload


def capture(path: Path, sent: Iterable[Sent]) -> Path:
    """Write a pcap (nanoseconds, Ethernet) of packets in the order given."""
    parts = [PCAP_HEADER]
    for packet in sent:
        frame = packet.frame()
        seconds, ns = divmod(round(packet.time_s * 1e9), 10**9)
        kept = len(frame) - packet.tail
        parts.append(struct.pack("<IIII", START_S + seconds, ns, kept, len(frame)) + frame[:kept])
    path.write_bytes(b"".join(parts))
    return path


def steady(count: int, *, sequence: int = 0, timestamp: int = 0, time_s: float = 0.0) -> list[Sent]:
    """`count` packets of 160 ticks, one each 20 ms."""
    return [
        Sent(sequence + i, timestamp + 160 * i, round(time_s + 0.02 * i, 6)) for i in range(count)
    ]


def eventful() -> list[Sent]:
    """A stream with one of everything, 500 packets sent.

    30 packets lost and 1 lost, one doubled, one late, a silence of 2 s (16,000 ticks, in time 100
    packets more), and a restart from 199 to 60012.
    """
    before = [p for p in steady(200) if not 100 <= p.sequence < 130]
    late = before.pop(20)
    late.time_s = before[24].time_s + 0.001
    before.insert(25, late)
    before.insert(60, replace(before[59], time_s=before[59].time_s + 0.0005))
    after = steady(300, sequence=60012, timestamp=900_000_000, time_s=4.5)
    after = [p for p in after if p.sequence != 60100]
    for packet in after:
        if packet.sequence > 60200:
            packet.timestamp += 16_000
            packet.time_s += 2.0
    return before + after


def without_times(path: Path, sent: Iterable[Sent]) -> Path:
    """Write a pcapng of simple packet blocks, which have no time."""

    def block(kind: int, body: bytes) -> bytes:
        size = 12 + len(body)
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    parts = [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack("<HHI", 1, 0, 0)),
    ]
    for packet in sent:
        frame = packet.frame()
        parts.append(block(3, struct.pack("<I", len(frame)) + frame + bytes(-len(frame) % 4)))
    path.write_bytes(b"".join(parts))
    return path
