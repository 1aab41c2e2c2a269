"""Capture files of UDP flows, for tests that go the whole way from the file."""

from __future__ import annotations

import struct
from pathlib import Path

import rtpcap
from tests.capture.build import START_NS, Frame, ethernet, ipv4, pcap, udp

Sent = tuple[float, bytes]
"""When a datagram is sent, in seconds, and its payload."""

CALLER, CALLEE = "10.0.0.1", "10.0.0.2"


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes = b"\xd5" * 160,
    *,
    payload_type: int = 8,
    ssrc: int = 0x1234,
) -> bytes:
    head = (0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return struct.pack(">BBHII", *head) + payload


def talk(
    count: int = 50,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    start_s: float = 0.0,
    payload: bytes = b"\xd5" * 160,
    payload_type: int = 8,
    ssrc: int = 0x1234,
) -> list[Sent]:
    """A packet of 160 ticks each 20 ms."""
    return [
        (
            start_s + 0.02 * i,
            rtp(sequence + i, timestamp + 160 * i, payload, payload_type=payload_type, ssrc=ssrc),
        )
        for i in range(count)
    ]


def capture(
    folder: Path,
    *flows: list[Sent],
    ports: list[tuple[int, int]] | None = None,
    pt_map: dict[int, str] | None = None,
) -> rtpcap.Capture:
    """A capture of flows from CALLER to CALLEE, each between ports of its own.

    A flow between (a, b) where there was one between (b, a) runs the other way.
    """
    chosen = ports or [(4000 + 2 * i, 5000 + 2 * i) for i in range(len(flows))]
    frames = []
    for i, (flow, (src_port, dst_port)) in enumerate(zip(flows, chosen, strict=True)):
        back = (dst_port, src_port) in chosen[:i]
        src, dst = (CALLEE, CALLER) if back else (CALLER, CALLEE)
        for time_s, payload in flow:
            datagram = udp(payload, src_port=src_port, dst_port=dst_port)
            packet = ethernet(ipv4(datagram, src=src, dst=dst))
            frames.append(Frame(packet, START_NS + round(time_s * 1e9)))
    frames.sort(key=lambda frame: frame.time_ns)
    path = folder / "made.pcap"
    path.write_bytes(pcap(frames, nanoseconds=True))
    return rtpcap.open(path, pt_map=pt_map)
