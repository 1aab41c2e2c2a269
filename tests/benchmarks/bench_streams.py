"""From a capture to its stream table, in process: ``pytest tests/benchmarks/bench_streams.py``.

``RTPCAP_BENCH_PACKETS`` makes the captures smaller or larger than a million packets.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dpkt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from tests.benchmarks import generate
from tests.benchmarks.generate import Truth

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "1000000"))
KINDS = {
    "many": PACKETS,
    "mixed": PACKETS,
    "mixed_pcapng": PACKETS,
    "tunnels": PACKETS,
    "ipv6": PACKETS,
    "bulk": PACKETS,
    "fragments": PACKETS // 10,
}
"""How many packets are sent in each kind of capture."""
UNCOMMON = ("pppoe", "snap")
UNCOMMON_PACKETS = PACKETS // 20


def table_of(path: Path) -> list[dict[str, object]]:
    return rtpcap.open(path).streams.rows()


@pytest.mark.parametrize("kind", KINDS)
def test_capture_to_stream_table(kind: str, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    path = tmp_path / kind
    truth = generate.KINDS[kind](path, KINDS[kind])
    repeat: Callable[..., list[dict[str, object]]] = benchmark.pedantic
    rows = repeat(table_of, (path,), rounds=7, warmup_rounds=1)
    tell_rate(benchmark, rtpcap.open(path).frames)
    check(rows, truth)


@pytest.mark.parametrize("kind", UNCOMMON)
def test_uncommon_frames(kind: str, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Frames that are read one by one, beside what dpkt takes for them (`by_dpkt`, seconds)."""
    path = tmp_path / kind
    truth = generate.KINDS[kind](path, UNCOMMON_PACKETS)
    repeat: Callable[..., list[dict[str, object]]] = benchmark.pedantic
    rows = repeat(table_of, (path,), rounds=5, warmup_rounds=1)
    tell_rate(benchmark, rtpcap.open(path).frames)
    check(rows, truth)
    benchmark.extra_info["by_dpkt"] = round(
        statistics.median(dpkt_seconds(path, sum(one.packets for one in truth)) for _ in range(5)),
        3,
    )


def dpkt_seconds(path: Path, packets: int) -> float:
    """How long dpkt takes from the file to the UDP payloads, with nothing done to them."""
    begin = time.perf_counter()
    with path.open("rb") as file:
        found = [udp_of(dpkt.ethernet.Ethernet(data)) for _, data in dpkt.pcap.Reader(file)]
    seconds = time.perf_counter() - begin
    assert sum(isinstance(datagram, dpkt.udp.UDP) for datagram in found) == packets
    return seconds


def udp_of(packet: Any) -> object:
    """The innermost of dpkt's objects that is UDP, or else the innermost."""
    while isinstance(packet, dpkt.Packet) and not isinstance(packet, dpkt.udp.UDP):
        packet = packet.data
    return packet


def tell_rate(benchmark: BenchmarkFixture, frames: int) -> None:
    assert benchmark.stats is not None
    benchmark.extra_info["frames"] = frames
    benchmark.extra_info["frames_per_second"] = round(frames / benchmark.stats.stats.median)


def check(rows: list[dict[str, object]], truth: list[Truth]) -> None:
    found = {
        int(str(row["ssrc"]), 16): (row["packets"], row["lost"], row["src_port"], row["dst_port"])
        for row in rows
    }
    assert found == {
        stream.ssrc: (stream.packets, stream.lost, stream.src_port, stream.dst_port)
        for stream in truth
    }
    # Delays are exponential with a mean of 0.43 ms (cut at 2 ms): J settles near the mean
    # difference of two of them, 0.4 to 0.5 ms.
    assert all(0.3 < float(str(row["jitter_ms"])) < 0.6 for row in rows)
