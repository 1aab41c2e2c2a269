"""From a capture to its stream table, in process: ``pytest tests/benchmarks/bench_streams.py``.

``RTPCAP_BENCH_PACKETS`` makes the captures smaller or larger than a million packets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from tests.benchmarks import generate
from tests.benchmarks.generate import Truth

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "1000000"))
KINDS: dict[str, Callable[[Path, int], list[Truth]]] = {
    "many": generate.many,
    "mixed": generate.mixed,
}


def table_of(path: Path) -> list[dict[str, object]]:
    return rtpcap.open(path).streams.rows()


@pytest.mark.parametrize("kind", KINDS)
def test_capture_to_stream_table(kind: str, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.pcap"
    truth = KINDS[kind](path, PACKETS)
    repeat: Callable[..., list[dict[str, object]]] = benchmark.pedantic
    rows = repeat(table_of, (path,), rounds=7, warmup_rounds=1)
    frames = rtpcap.open(path).frames
    assert benchmark.stats is not None
    benchmark.extra_info["frames"] = frames
    benchmark.extra_info["frames_per_second"] = round(frames / benchmark.stats.stats.median)
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
