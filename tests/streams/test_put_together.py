"""Streams whose packets lie in no single frame: in fragments, and in byte streams."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import rtpcap
from tests.capture.build import (
    START_NS,
    TCP,
    Frame,
    ethernet,
    ipv4,
    ipv4_fragment,
    pcap,
    split,
    udp,
)
from tests.streams.made import rtp

COUNT = 40
PACKETS = [rtp(i, 160 * i, bytes([i]) * 160) for i in range(COUNT)]


def segment(sequence: int, payload: bytes) -> bytes:
    head = struct.pack(">HHIIBBHHH", 4000, 4002, sequence, 0, 0x50, 0x18, 8192, 0, 0)
    return ethernet(ipv4(head + payload, protocol=TCP))


def over_tcp() -> list[bytes]:
    """A packet a segment, each behind its length (RFC 4571)."""
    frames, sequence = [], 1000
    for packet in PACKETS:
        payload = struct.pack(">H", len(packet)) + packet
        frames.append(segment(sequence, payload))
        sequence += len(payload)
    return frames


def in_fragments() -> list[bytes]:
    """Each packet in two fragments, the second one first."""
    frames = []
    for i, packet in enumerate(PACKETS):
        parts = [ipv4_fragment(*part, identification=i) for part in split(udp(packet), 96)]
        frames += [ethernet(part) for part in reversed(parts)]
    return frames


def opened(folder: Path, frames: list[bytes]) -> rtpcap.Capture:
    path = folder / "made.pcap"
    times = [START_NS + 20_000_000 * i for i in range(len(frames))]
    path.write_bytes(pcap([Frame(data, time) for data, time in zip(frames, times, strict=True)]))
    return rtpcap.open(path)


def payloads(stream: rtpcap.Stream) -> list[bytes]:
    return [stream.packets.payload(row) for row in range(len(stream))]


def test_packets_out_of_a_byte_stream(tmp_path: Path) -> None:
    (stream,) = opened(tmp_path, over_tcp()).streams
    assert stream.flow == ("10.0.0.1", 4000, "10.0.0.2", 4002, "tcp")
    assert payloads(stream) == [packet[12:] for packet in PACKETS]
    assert stream.packets.frame.tolist() == list(range(1, COUNT + 1))
    assert stream.quality.lost == 0


@pytest.mark.parametrize("lost", [5, COUNT - 6])
def test_packets_behind_a_segment_that_never_came(lost: int, tmp_path: Path) -> None:
    frames = over_tcp()
    del frames[lost]
    capture = opened(tmp_path, frames)
    (stream,) = capture.streams
    assert payloads(stream) == [p[12:] for i, p in enumerate(PACKETS) if i != lost]
    assert stream.quality.lost == 1
    assert capture.frames == len(capture.other) == COUNT - 1
    (row,) = capture.incomplete.rows()
    assert row["reason"] == "part of a TCP stream with messages was not captured"
    assert (row["count"], row["first_frame"]) == (1, lost + 1)


def test_packets_out_of_fragments(tmp_path: Path) -> None:
    capture = opened(tmp_path, in_fragments())
    (stream,) = capture.streams
    assert stream.flow.transport == "udp"
    assert payloads(stream) == [packet[12:] for packet in PACKETS]
    assert stream.packets.frame.tolist() == list(range(2, 2 * COUNT + 1, 2))
    assert len(capture.other) == COUNT
    heard = stream.audio().samples
    decoded = rtpcap.codecs.find(rtpcap.Format("PCMA", 8000))
    assert heard.tolist() == decoded.decode(b"".join(p[12:] for p in PACKETS)).tolist()
