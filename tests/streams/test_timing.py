"""Delta, transit, packet time, bandwidth, drift and windows against plain arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.impairment import Distribution, Impairment
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.truth import Columns
from rtpcap.streams.drift import Drift, drift
from rtpcap.streams.jitter import interarrival
from rtpcap.streams.ledger import Clocks, Ledger
from rtpcap.streams.slots import Slots, stream_numbers
from rtpcap.streams.timing import (
    Transit,
    bandwidth,
    bandwidth_now,
    delta,
    packet_ticks,
    spread,
    transit,
)
from rtpcap.streams.windows import Windows, windows
from tests.effort import examples
from tests.streams.impaired import Known, damaged, known

MS = 1_000_000
START = np.zeros(1, np.int64)


def transit_of(stream: Known, clock_rate: int = 8000) -> Transit:
    columns, ledger = stream.columns, stream.ledger
    n = len(columns)
    return transit(
        columns.timestamp,
        columns.time_ns,
        np.full(n, clock_rate, np.int32),
        ledger.epoch,
        stream_numbers(ledger.starts, n),
    )


def test_delta_begins_anew_with_each_stream_and_knows_no_missing_time() -> None:
    times = np.array([0, 20, 45, 1000, 990, NO_TIME, 5], np.int64)
    times[times != NO_TIME] *= MS
    found = delta(times, np.array([0, 3], np.int64))
    assert [None if math.isnan(d) else d for d in found.tolist()] == [
        None, 20, 25, None, -10, None, None
    ]  # fmt: skip
    figures = spread(found, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), 3)
    assert figures.least.tolist()[:2] == [20, -10]
    assert figures.mean.tolist()[:2] == [22.5, -10]
    assert figures.most.tolist()[:2] == [25, -10]
    assert math.isnan(figures.mean[2])


@settings(max_examples=examples(40), deadline=None)
@given(known(most=120))
def test_transit_is_the_delay_that_was_added(stream: Known) -> None:
    both = transit_of(stream)
    truth = stream.out.truth
    # Beside the first packet of its epoch, on the sender's own clock before any drift.
    sent_at = stream.sent.time_ns
    arrived = stream.columns.time_ns
    for head, end in zip(both.heads, [*both.heads[1:].tolist(), len(both.rows)], strict=True):
        first = both.rows[head]
        for i in range(int(head), end):
            row = both.rows[i]
            media = sent_at[stream.source[row]] - sent_at[stream.source[first]]
            later = (int(arrived[row]) - int(arrived[first]) - int(media)) / MS
            assert both.late_ms[i] == pytest.approx(later, abs=1e-6)
    assert len(both.heads) == (truth.sums().restarts + 1).sum()


@settings(max_examples=examples(40), deadline=None)
@given(known(most=120))
def test_packet_time_comes_out(stream: Known) -> None:
    slots = Slots.of(stream.ledger)
    found = packet_ticks(slots, stream.columns.timestamp)
    sent = stream.out.truth
    for i, ticks in enumerate(found.tolist()):
        arrived = np.flatnonzero((sent.stream == i) & ~sent.silent & ~sent.lost)
        sequence = (~sent.silent).cumsum()
        pairs = [
            160 * int(b - a)
            for a, b in pairwise(arrived.tolist())
            if sequence[b] - sequence[a] == 1 and sent.epoch[a] == sent.epoch[b]
        ]
        most = max((pairs.count(p) for p in pairs), default=0)
        assert ticks in [p for p in pairs if pairs.count(p) == most] or not pairs


def test_packet_time_is_that_of_neighbours_however_few() -> None:
    # Every other packet is gone, but for the second: 320 ticks are seen more often than 160.
    kept = [0, *range(1, 60, 2)]
    columns = Columns.steady(60)[np.array(kept)]
    rate = np.array([8000.0])
    ledger = Ledger.keep(
        columns.sequence, columns.timestamp, columns.time_ns, START, Clocks(rate, rate)
    )
    assert packet_ticks(Slots.of(ledger), columns.timestamp).tolist() == [160]


def test_bandwidth_of_g711_is_80_kbit_s() -> None:
    # 160 bytes of payload, 12 of RTP, 28 of UDP and IPv4 each 20 ms.
    sent = Columns.steady(501)
    size = (sent.payload_size + 12).astype(np.uint16)
    assert bandwidth(size, sent.time_ns, START)[0] == pytest.approx(80)
    assert bandwidth(size, sent.time_ns, START, np.array([48]))[0] == pytest.approx(88)
    # The second that ends with a packet holds 51 packets, the first packet's only one.
    now = bandwidth_now(size, sent.time_ns, START)
    assert now[[0, 1, 49, 50, 500]].tolist() == [1.6, 3.2, 80.0, 81.6, 81.6]


def test_bandwidth_without_time_is_unknown() -> None:
    times = np.array([NO_TIME, NO_TIME, 5, 5], np.int64)
    size = np.full(4, 172, np.uint16)
    assert np.isnan(bandwidth(size, times, np.array([0, 2], np.int64))).all()
    assert np.isnan(bandwidth_now(size, times, np.array([0, 2], np.int64))[:2]).all()


def drift_of(stream: Known, clock_rate: int = 8000) -> Drift:
    return drift(transit_of(stream, clock_rate), len(stream.ledger.starts))


@pytest.mark.parametrize("ppm", [-500.0, -30.0, 0.0, 12.5, 100.0])
def test_drift_without_jitter_is_exact(ppm: float) -> None:
    found = drift_of(damaged(Columns.steady(3000), Impairment(drift_ppm=ppm), 1))
    assert found.ppm[0] == pytest.approx(ppm, abs=0.01)
    assert found.error_ppm[0] < 0.01


@pytest.mark.parametrize("kind", ["uniform", "exponential", "normal", "gamma", "pareto"])
def test_drift_is_within_its_confidence_as_often_as_that_says(kind: Distribution) -> None:
    # 95 of 100 intervals hold the truth; fewer than 85 of 100 come of that once in 10**4 runs.
    held = 0
    for seed in range(100):
        damage = Impairment(drift_ppm=50, jitter_ms=5, jitter=kind, keep_order=False, loss_pct=2)
        found = drift_of(damaged(Columns.steady(3000), damage, seed))
        held += abs(found.ppm[0] - 50) <= found.error_ppm[0]
        assert found.error_ppm[0] < 100
    assert held >= 85


def test_drift_is_not_moved_by_spikes_and_silence_and_restarts() -> None:
    damage = Impairment(
        drift_ppm=80,
        late_pct=20,
        late_ms=400,
        silence_pct=40,
        jitter_ms=2,
        restarts=2,
        duplicate_pct=5,
    )
    found = drift_of(damaged(Columns.steady(15_000), damage, 5))
    assert found.ppm[0] == pytest.approx(80, abs=found.error_ppm[0])
    assert found.error_ppm[0] < 10


def test_drift_is_not_moved_by_another_route() -> None:
    # For 30 s of 300 s, late in the call, all packets take 60 ms more.
    sent = Impairment(drift_ppm=80, jitter_ms=1).apply(Columns.steady(15_000), 3).columns
    sent.time_ns[13_000:14_500] += 60 * MS
    order = np.argsort(sent.time_ns, kind="stable")
    found = drift_of(damaged(sent[order], Impairment(), 1))
    assert found.ppm[0] == pytest.approx(80, abs=1)


def test_too_little_has_no_drift() -> None:
    short = drift_of(damaged(Columns.steady(100), Impairment(), 1))
    assert np.isnan(short.ppm).all()
    assert np.isnan(short.error_ppm).all()


def windows_of(stream: Known, window_s: float) -> Windows:
    columns, ledger = stream.columns, stream.ledger
    n = len(columns)
    owner = stream_numbers(ledger.starts, n)
    jitter = interarrival(
        columns.timestamp,
        columns.time_ns,
        np.full(n, 8000, np.int32),
        ledger.epoch,
        owner,
        None,
        len(ledger.starts),
    )
    size = (columns.payload_size + 12).astype(np.uint16)
    return windows(columns.time_ns, size, ledger, jitter, window_s, transit=transit_of(stream))


@settings(max_examples=examples(40), deadline=None)
@given(known(), st.sampled_from([0.05, 0.5, 1.0, 5.0, 3600.0]))
def test_windows_add_up_to_the_stream(stream: Known, window_s: float) -> None:
    found = windows_of(stream, window_s)
    sums = stream.out.truth.sums()
    for name in ("packets", "expected", "lost", "duplicates", "reordered"):
        total = np.bincount(found.stream, weights=getattr(found, name), minlength=len(sums.ssrc))
        assert total.tolist() == getattr(sums, name).tolist(), name
    assert (found.packets > 0).all()
    skew = -transit_of(stream).late_ms
    assert np.nanmax(found.skew_ms.most) == pytest.approx(skew.max())
    assert np.nanmin(found.skew_ms.least) == pytest.approx(skew.min())
    starts = found.start_s / window_s
    assert np.allclose(starts, np.round(starts))
    rows = found.rows()
    assert len(rows) == len(found)
    assert all(value == value for row in rows for value in row.values())


def test_a_bad_stretch_is_in_its_window() -> None:
    # 20 s of packets; of second 10 to 11 every other one is gone, and two of it come twice.
    sent = Columns.steady(1000)
    keep = np.ones(1000, bool)
    keep[501:550:2] = False
    rows = np.sort(np.append(np.flatnonzero(keep), [502, 504]))
    columns = sent[rows]
    rate = np.array([8000.0])
    ledger = Ledger.keep(
        columns.sequence, columns.timestamp, columns.time_ns, START, Clocks(rate, rate)
    )
    jitter = interarrival(
        columns.timestamp,
        columns.time_ns,
        np.full(len(columns), 8000, np.int32),
        ledger.epoch,
        np.zeros(len(columns), np.int32),
        None,
        1,
    )
    size = (columns.payload_size + 12).astype(np.uint16)
    found = windows(columns.time_ns, size, ledger, jitter, 5)
    assert found.start_s.tolist() == [0, 5, 10, 15]
    assert found.lost.tolist() == [0, 0, 25, 0]
    assert found.duplicates.tolist() == [0, 0, 2, 0]
    assert found.packets.tolist() == [250, 250, 227, 250]
    assert found.expected.tolist() == [250, 250, 250, 250]
    assert found.delta_ms.most.tolist() == [20, 20, 40, 20]
    assert found.kbps.tolist() == [80, 80, 227 * 1600 / 5000, 80]
    # The same copies, made by the capture: packets still, and nothing else.
    ledger = replace(ledger, captured_twice=ledger.duplicate)
    found = windows(columns.time_ns, size, ledger, jitter, 5)
    assert found.packets.tolist() == [250, 250, 227, 250]
    assert found.duplicates.tolist() == [0, 0, 0, 0]
    assert found.delta_ms.least.tolist() == [20, 20, 20, 20]
    assert found.kbps.tolist() == [80, 80, 225 * 1600 / 5000, 80]


@pytest.mark.parametrize("wrong", [0.0, -1.0])
def test_a_window_has_a_length(wrong: float) -> None:
    with pytest.raises(ValueError, match="not possible"):
        windows_of(damaged(Columns.steady(10), Impairment(), 1), wrong)
