"""Packets of the regression kit, each with its fields: ``pytest tests/benchmarks/bench_kit.py``.

``packets_per_second`` in extra_info counts wall time, the reading of the file included;
``packets_per_cpu_second`` the processor's. ``RTPCAP_BENCH_PACKETS`` makes the captures smaller or
larger than a million packets.
"""

from __future__ import annotations

import os
import struct
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rtpcap.testing import compare, packets
from tests.benchmarks import generate
from tests.capture.build import START_NS, Frame, ethernet, ipv4, pcap, udp
from tests.rtp.build import packet

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "1000000"))
EXTENDED = PACKETS // 10
COMPARED = PACKETS // 50


def read(path: Path) -> Counter[object]:
    """How many packets each source has; every packet's fields are made."""
    return Counter(each.fields["ssrc"] for each in packets(path))


def timed(
    benchmark: BenchmarkFixture, work: Callable[[], Counter[object]], count: int
) -> Counter[object]:
    begin = time.process_time()
    found = work()
    seconds = time.process_time() - begin
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(work, rounds=3)
    assert benchmark.stats is not None
    benchmark.extra_info["packets_per_second"] = round(count / benchmark.stats.stats.median)
    benchmark.extra_info["packets_per_cpu_second"] = round(count / seconds)
    return found


@pytest.mark.parametrize("kind", ["many", "mixed"])
def test_packets_with_fields(kind: str, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    path = tmp_path / kind
    truth = generate.KINDS[kind](path, PACKETS)
    count = sum(one.packets for one in truth)
    found = timed(benchmark, lambda: read(path), count)
    assert found == {one.ssrc: one.packets for one in truth}


def test_packets_with_extensions(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """As browsers send them: an extension of two elements in every packet."""
    extension = struct.pack(">HH", 0xBEDE, 2) + b"\x10\xff\x32\1\2\3\0\0"
    frames = [
        Frame(
            ethernet(
                ipv4(
                    udp(
                        packet(
                            extension=extension,
                            payload_type=111,
                            sequence=n & 0xFFFF,
                            timestamp=960 * n & 0xFFFFFFFF,
                            payload=bytes(80),
                        )
                    )
                )
            ),
            START_NS + 20_000_000 * n,
        )
        for n in range(EXTENDED)
    ]
    path = tmp_path / "extended.pcap"
    path.write_bytes(pcap(frames))
    found = timed(benchmark, lambda: read(path), EXTENDED)
    assert found == {0x343FFA34: EXTENDED}


def test_a_parser_compared(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Beside what the parser alone takes (`by_dpkt`, seconds)."""
    path = tmp_path / "many"
    generate.many(path, COMPARED)

    def work() -> Counter[object]:
        return Counter(compare(dpkt.rtp.RTP, packets(path)).outcomes)

    found = timed(benchmark, work, COMPARED)
    assert set(found) == {"agreed"}
    data = [each.data for each in packets(path)]
    begin = time.perf_counter()
    for each in data:
        dpkt.rtp.RTP(each)
    benchmark.extra_info["by_dpkt"] = round(time.perf_counter() - begin, 3)
