"""The quality table and the jitter buffer: ``pytest tests/benchmarks/bench_numbers.py``.

``RTPCAP_BENCH_PACKETS`` makes the capture smaller or larger than a million packets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.truth import Columns
from rtpcap.streams.codec_rows import codec_row
from rtpcap.streams.figures import Figures
from rtpcap.streams.jitterbuffer import Adaptive, Arrivals, Buffer, Fate, Fixed, play
from rtpcap.streams.ledger import Clocks, Ledger
from tests.benchmarks import generate

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "1000000"))
BUFFERS: dict[str, Buffer] = {"fixed": Fixed(60), "adaptive": Adaptive()}


def timed(benchmark: BenchmarkFixture, work: Callable[[], object], packets: int) -> None:
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(work, rounds=7, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["packets"] = packets
    benchmark.extra_info["packets_per_second"] = round(packets / benchmark.stats.stats.median)


def table_of(streams: rtpcap.Streams) -> tuple[Packets, np.ndarray]:
    """The packets of streams one after the other, and their first rows."""
    parts = [stream.packets for stream in streams]
    blocks = parts[0].blocks
    names = [name for name in Packets.__dataclass_fields__ if name != "blocks"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    lengths = np.array([len(part) for part in parts])
    return Packets(blocks=blocks, **columns), lengths.cumsum() - lengths


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbers") / "many.pcap"
    generate.many(path, PACKETS)
    return path


def test_finding_the_streams(benchmark: BenchmarkFixture, capture: Path) -> None:
    timed(benchmark, lambda: len(rtpcap.open(capture).streams), PACKETS)


def test_the_basic_table(benchmark: BenchmarkFixture, capture: Path) -> None:
    timed(benchmark, lambda: rtpcap.open(capture).streams.rows(), PACKETS)


def test_all_further_figures(benchmark: BenchmarkFixture, capture: Path) -> None:
    streams = rtpcap.open(capture).streams
    packets, starts = table_of(streams)
    k = len(starts)
    rates = np.array([float(stream.clock_rate or 0) for stream in streams])
    ledger = Ledger.keep(
        packets.sequence, packets.timestamp, packets.time_ns, starts, Clocks(rates, rates)
    )
    stream = np.repeat(np.arange(k), np.diff(starts, append=len(packets)))
    clock_rate = rates.astype(np.int32)[stream]
    media = np.ones(len(packets), np.bool_)
    codecs = [codec_row(stream.codec or "") for stream in streams]
    made: list[Figures] = []

    def work() -> None:
        made[:] = [Figures.of(packets, ledger, clock_rate, media, rates.astype(np.int32), codecs)]

    timed(benchmark, work, len(packets))
    rows = made[0].rows()
    expected = [stream.quality for stream in streams]
    assert [row["cum_lost_rfc3550"] for row in rows] == [
        figures.expected - figures.packets for figures in expected
    ]
    assert [row["jitter_rfc_ms"] for row in rows] == pytest.approx(
        [figures.jitter_ms for figures in expected]
    )


@pytest.mark.parametrize("name", BUFFERS)
def test_jitter_buffer(name: str, benchmark: BenchmarkFixture) -> None:
    damage = Impairment(loss_pct=1, jitter_ms=15, silence_pct=30, duplicate_pct=1, drift_ppm=50)
    out = damage.apply(Columns.steady(PACKETS), 1).columns
    n = len(out)
    rate = np.array([8000.0])
    ledger = Ledger.keep(
        out.sequence, out.timestamp, out.time_ns, np.zeros(1, np.int64), Clocks(rate, rate)
    )
    buffer = BUFFERS[name]
    fates: list[np.ndarray] = []

    def work() -> None:
        arrivals = Arrivals.of(
            out.timestamp, out.time_ns, np.full(n, 8000, np.int32), np.ones(n, np.bool_), ledger
        )
        fates[:] = [play(arrivals, buffer).fate]

    timed(benchmark, work, n)
    # 15 ms of exponential jitter on average: late are a few in a hundred, never most.
    assert 0 < (fates[0] == Fate.LATE).mean() < 0.2
