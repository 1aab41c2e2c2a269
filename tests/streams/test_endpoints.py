"""Endpoints that the user names: what comes from or goes to them is RTP on their word."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import rtpcap
from rtpcap.streams.endpoints import endpoints
from tests.capture.build import IPV6, START_NS, Frame, ethernet, ipv4, ipv6, pcap, udp
from tests.streams.made import rtp, talk

SRC, DST = "10.0.0.1:4000", "10.0.0.2:4002"


def write(path: Path, payloads: list[bytes]) -> Path:
    frames = [
        Frame(ethernet(ipv4(udp(payload))), START_NS + i * 20_000_000)
        for i, payload in enumerate(payloads)
    ]
    path.write_bytes(pcap(frames))
    return path


def found(path: Path, *named: str) -> list[tuple[int, int, list[int]]]:
    streams = rtpcap.open(path, rtp=named).streams
    return [(s.ssrc, s.quality.packets, s.payload_types) for s in streams]


def test_one_packet_of_any_payload_type(tmp_path: Path) -> None:
    path = write(tmp_path / "one.pcap", [rtp(1, 1, payload_type=45, ssrc=5)])
    assert found(path) == []
    for end in (SRC, DST):
        assert found(path, end) == [(5, 1, [45])]


@pytest.mark.parametrize("end", ["10.0.0.1:4002", "10.0.0.2:4000", "10.0.0.3:4000"])
def test_another_address_or_port_is_not_meant(end: str, tmp_path: Path) -> None:
    assert found(write(tmp_path / "one.pcap", [rtp(1, 1)]), end) == []


def test_each_source_is_a_stream(tmp_path: Path) -> None:
    payloads = [rtp(9, 9, ssrc=1), rtp(9, 9, ssrc=2), rtp(700, 3, ssrc=1)]
    assert found(write(tmp_path / "two.pcap", payloads), SRC) == [(1, 2, [8]), (2, 1, [8])]


def test_version_and_header_are_still_needed(tmp_path: Path) -> None:
    payloads = [b"\x40" + rtp(1, 1)[1:], rtp(1, 1)[:11], b"", rtp(1, 1, b"", ssrc=3)]
    assert found(write(tmp_path / "damaged.pcap", payloads), SRC) == [(3, 1, [8])]


def test_rtcp_of_the_same_port_is_none_of_it(tmp_path: Path) -> None:
    report = struct.pack(">BBHI", 0x80, 201, 1, 77)
    # Payload type 73 with the marker has the same second byte; its length tells.
    looks_alike = rtp(1, 1, payload_type=201, ssrc=6)
    path = write(tmp_path / "mux.pcap", [report, rtp(1, 1, ssrc=3), looks_alike])
    assert found(path, SRC) == [(3, 1, [8]), (6, 1, [73])]


def test_other_flows_are_judged_as_ever(tmp_path: Path) -> None:
    path = write(tmp_path / "steady.pcap", [raw for _, raw in talk(10)])
    assert found(path, "10.9.9.9:1") == found(path) == [(0x1234, 10, [8])]


def test_what_a_relay_wrapped(tmp_path: Path) -> None:
    packet = rtp(1, 1, ssrc=3)
    path = write(tmp_path / "turn.pcap", [struct.pack(">HH", 0x4000, len(packet)) + packet])
    assert found(path) == []
    assert found(path, DST) == [(3, 1, [8])]


def test_ipv6_in_any_spelling(tmp_path: Path) -> None:
    path = tmp_path / "ipv6.pcap"
    path.write_bytes(pcap([Frame(ethernet(ipv6(udp(rtp(1, 1))), ether_type=IPV6))]))
    assert found(path, "[2001:DB8:0:0::2]:4002") == [(0x1234, 1, [8])]


@pytest.mark.parametrize(
    "text",
    ["10.0.0.1", "10.0.0.1:", ":4000", "10.0.0.1:65536", "10.0.0.1:-1", "host:4000", "fd09::1:4000",
     "[10.0.0.1]:4000", "[fd09::1]", "10.0.0.1:4 000", "10.0.0.1:٤", ""],
)  # fmt: skip
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match="no address and port"):
        endpoints([text])


def test_a_text_alone_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="come as a list"):
        endpoints("10.0.0.1:4000")
