"""All further figures together: known beforehand, and over every capture without a surprise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import rtpcap
from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.truth import Columns
from rtpcap.streams.codec_rows import codec_row
from rtpcap.streams.fates import account
from rtpcap.streams.figures import Figures
from rtpcap.streams.jitterbuffer import Fate
from rtpcap.streams.ledger import Clocks, Ledger
from tests.streams.impaired import Known, damaged, known, packets_of
from tests.streams.test_fates import CAPTURES, check

CODECS = [codec_row("PCMU")]


def of_table(
    table: Packets,
    ledger: Ledger,
) -> Figures:
    k = len(ledger.starts)
    rates = np.full((k, 128), 8000, np.int32)
    return Figures.of(
        table,
        ledger,
        rates,
        np.ones((k, 128), np.bool_),
        rates[:, 0],
        CODECS * k,
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
        "skew_max_ms": 0,
        "drift_ppm": 0,
        "packet_ms": 20,
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


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_capture_has_figures_and_adds_up(path: Path) -> None:
    try:
        streams = list(rtpcap.open(path).streams)
    except rtpcap.CaptureError:
        return
    for stream in streams:
        table, ledger = stream.packets, stream.ledger
        rates = np.zeros((1, 128), np.int32)
        media = np.ones((1, 128), np.bool_)
        for number, fmt in stream.formats.items():
            rates[0, number], media[0, number] = fmt.clock_rate, fmt.is_media
        clock = np.array([stream.clock_rate or 0], np.int32)
        codecs = [codec_row(stream.codec or "")]
        found = Figures.of(table, ledger, rates, media, clock, codecs)
        check(found.account, ledger)
        check(account(table, ledger, media[0, table.payload_type]), ledger)
        late = int((found.playout.fate == Fate.LATE).sum())
        assert found.playout.runs.lost().tolist() == [stream.quality.lost + late]
        (row,) = found.rows()
        assert all(value == value for value in row.values())
        assert row["restarts"] == max(int(ledger.epoch.max()), 0)
        assert (row["r"] is None) == (codecs[0] is None)
