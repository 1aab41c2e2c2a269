"""RTCP: ``pytest tests/benchmarks/bench_rtcp.py``. Rates are in extra_info."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from rtpcap.capture.tables import Flows
from rtpcap.rtp import rtcp
from rtpcap.rtp.rtcp.columns import split_reports
from rtpcap.rtp.rtcp.reports import middle
from rtpcap.streams.reports.control import Control
from rtpcap.streams.reports.roundtrip import round_trips
from rtpcap.streams.reports.rows import rtcp_rows

DATAGRAMS = 20_000
A, B = 0x11111111, 0x22222222
NAMES = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, b"alice@host.example.org"),)),))
PERIOD_NS = 5_000_000_000
HALF_NS = 40_000_000


def datagrams(count: int) -> list[bytes]:
    """Sender reports of two ends in turn, each with a block that answers the one before."""
    made = []
    last = 0
    for number in range(count):
        ssrc, other = (A, B) if number % 2 == 0 else (B, A)
        ntp = number * PERIOD_NS * (1 << 32) // 10**9 + (ssrc << 16)
        # The other's report came a period ago less the way: the block holds all but the way.
        held = (PERIOD_NS - HALF_NS) * 65536 // 10**9
        block = rtcp.ReportBlock(other, 0, 0, number, 3, last, held if last else 0)
        made.append(rtcp.build([rtcp.SenderReport(ssrc, ntp, number, 1, 160, (block,)), NAMES]))
        last = middle(ntp)
    return made


def control(raw: list[bytes]) -> Control:
    """The same as one capture's."""
    flows = Flows()
    ends = (b"\x0a\0\0\1", b"\x0a\0\0\2")
    keys = [flows.key(*pair, 4001, 4001, tcp=False) for pair in (ends, ends[::-1])]
    flows.number(np.array(keys, np.int32))
    end = np.cumsum([len(data) for data in raw])
    number = np.arange(len(raw))
    return Control(
        flows=flows,
        data=np.frombuffer(b"".join(raw), np.uint8),
        begin=end - [len(data) for data in raw],
        end=end,
        frame=(number + 1).astype(np.uint32),
        time_ns=number * PERIOD_NS,
        flow=(number % 2).astype(np.int32),
        cut=np.zeros(len(raw), np.bool_),
    )


def timed(benchmark: BenchmarkFixture, work: Callable[[], object], count: int) -> None:
    """Time `work`, which handles `count` datagrams."""
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(work, rounds=5, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["datagrams_per_second"] = round(count / benchmark.stats.stats.median)


def test_parse(benchmark: BenchmarkFixture) -> None:
    raw = datagrams(DATAGRAMS)
    found: list[rtcp.Compound] = []

    def work() -> None:
        found[:] = [rtcp.parse(data) for data in raw]

    timed(benchmark, work, DATAGRAMS)
    assert [rtcp.build(compound.packets) for compound in found] == raw


def test_columns(benchmark: BenchmarkFixture) -> None:
    table = control(datagrams(DATAGRAMS))
    block = np.zeros(len(table), np.uint16)
    rows: list[int] = []

    def work() -> None:
        senders, blocks = split_reports([table.data], block, table.begin, table.end)
        rows[:] = [len(senders), len(blocks), int(blocks.highest_sequence.sum())]

    timed(benchmark, work, DATAGRAMS)
    assert rows == [DATAGRAMS, DATAGRAMS, DATAGRAMS * (DATAGRAMS - 1) // 2]


def test_round_trips(benchmark: BenchmarkFixture) -> None:
    table = control(datagrams(DATAGRAMS))
    assert len(table.blocks) == DATAGRAMS
    figures: list[float] = []

    def work() -> None:
        figures[:] = (round_trips(table).rtt_ns[1:] / 1e6).tolist()

    timed(benchmark, work, DATAGRAMS)
    assert np.allclose(figures, HALF_NS / 1e6, atol=1000 / 65536)


def test_rows(benchmark: BenchmarkFixture) -> None:
    raw = datagrams(DATAGRAMS)
    rows: list[dict[str, object]] = []

    def work() -> None:
        rows[:] = rtcp_rows(control(raw))

    timed(benchmark, work, DATAGRAMS)
    assert len(rows) == 2 * DATAGRAMS
    assert rows[-2]["highest_sequence"] == DATAGRAMS - 1
