"""Captures from labelled fields, for the tests of what people see."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
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
