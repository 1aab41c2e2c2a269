"""All further figures together: known beforehand, and over every capture without a surprise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.truth import Columns
from rtpcap.streams.codec_rows import codec_row
from rtpcap.streams.figures import Figures
from rtpcap.streams.ledger import Clocks, Ledger
from tests.streams.impaired import Known, damaged, known, packets_of

CODECS = [codec_row("PCMU")]


def of_table(
    table: Packets,
    ledger: Ledger,
) -> Figures:
    k = len(ledger.starts)
    n = len(table)
    rates = np.full(n, 8000, np.int32)
    return Figures.of(
        table, ledger, rates, np.ones(n, np.bool_), np.full(k, 8000, np.int32), CODECS * k
    )


@settings(max_examples=80, deadline=None)
@given(known())
def test_figures_are_what_was_done(stream: Known) -> None:
    truth, sums = stream.out.truth, stream.out.truth.sums()
    found = of_table(packets_of(stream.columns), stream.ledger)
    assert found.cum_lost_rfc3550.tolist() == (sums.expected - sums.packets).tolist()
    assert found.restarts.tolist() == sums.restarts.tolist()
    for i in range(len(truth.ssrc)):
        sent = truth.lost[(truth.stream == i) & ~truth.silent]
        runs = [run for run in "".join("x" if lost else "." for lost in sent).split(".") if run]
        assert found.longest_outage[i] == max(map(len, runs), default=0)
        assert found.bursts.gap_lost[i] + found.bursts.burst_lost[i] == sent.sum()
    rows = found.rows()
    assert len(rows) == len(truth.ssrc)
    assert all(value == value for row in rows for value in row.values())


def test_a_clean_stream_has_the_figures_of_its_codec() -> None:
    stream = damaged(Columns.steady(3000), Impairment(), 1)
    (row,) = of_table(packets_of(stream.columns), stream.ledger).rows()
    known_beforehand = {
        "cum_lost_rfc3550": 0,
        "jitter_rfc_ms": 0,
        "delta_min_ms": 20,
        "delta_ms": 20,
        "delta_max_ms": 20,
        "skew_min_ms": 0,
        "skew_ms": 0,
        "skew_max_ms": 0,
        "drift_ppm": 0,
        "ptime_ms": 20,
        "kbps": 80,
        "longest_outage": 0,
        "loss_after_buffer_pct": 0,
        "buffer_delay_ms": 60,
        "burst_ratio": 1,
        "r": 93.2 - 0.024 * 60,
    }
    assert {name: row[name] for name in known_beforehand} == pytest.approx(
        known_beforehand, abs=1e-6
    )


def test_copies_that_the_capture_made_change_nothing() -> None:
    once = damaged(Columns.steady(2000), Impairment(loss_pct=2, jitter_ms=3), 4)
    n = len(once.columns)
    rows = np.repeat(np.arange(n), 2)
    twice = once.columns[rows]
    twice.time_ns[1::2] += 5000
    rate = np.array([8000.0])
    ledger = Ledger.keep(
        twice.sequence, twice.timestamp, twice.time_ns, np.zeros(1, np.int64), Clocks(rate, rate)
    )
    single = of_table(packets_of(once.columns), once.ledger).rows()
    ledger = replace(ledger, captured_twice=ledger.duplicate)
    double = of_table(packets_of(twice), ledger).rows()
    assert double == single
