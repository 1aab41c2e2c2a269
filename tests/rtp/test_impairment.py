"""Impairments do what they say and nothing else, and the truth about them adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.impairment import Distribution, Impairment
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.truth import Columns
from tests.effort import examples
from tests.rtp.impaired import impairments

MS = 1_000_000
PACKET_NS = 20 * MS


def ones(steps: list[int]) -> bool:
    return set(steps) == {1}


def test_nothing_is_done_by_default() -> None:
    sent = Columns.steady(500, sequence=7, timestamp=9, start_ns=11)
    out = Impairment().apply(sent, 1)
    for name in ("sequence", "timestamp", "marker", "ssrc", "payload_size", "time_ns"):
        assert getattr(out.columns, name).tolist() == getattr(sent, name).tolist()
    assert not out.truth.delay_ns.any()
    assert out.truth.source.tolist() == list(range(500))


def test_steady_packets_are_what_a_sender_sends() -> None:
    sent = Columns.steady(3, ticks=960, clock_rate=48000, sequence=65535, timestamp=2**32 - 960)
    assert sent.sequence.tolist() == [65535, 0, 1]
    assert sent.timestamp.tolist() == [2**32 - 960, 0, 960]
    assert sent.time_ns.tolist() == [0, PACKET_NS, 2 * PACKET_NS]
    # 11,025 Hz divides no second: 220 ticks are 19.954 ms, the third packet comes after 440 ticks.
    odd = Columns.steady(3, ticks=220, clock_rate=11025)
    assert odd.time_ns.tolist() == [0, 220 * 10**9 // 11025, 440 * 10**9 // 11025]


@settings(max_examples=examples(60), deadline=None)
@given(impairments(), st.integers(0, 300), st.integers(0, 2**32))
def test_the_truth_adds_up(impairment: Impairment, count: int, seed: int) -> None:
    sent = Columns.steady(count)
    out = impairment.apply(sent, seed)
    truth, sums = out.truth, out.truth.sums()
    arrived = ~truth.silent & ~truth.lost
    assert len(out.columns) == len(truth.source) == len(truth.copy)
    assert (sums.packets == sums.expected - sums.lost + sums.duplicates).all()
    assert sums.expected.sum() + sums.silent.sum() == count
    first = truth.source[~truth.copy]
    assert sorted(first.tolist()) == np.flatnonzero(arrived).tolist()
    assert sorted(truth.source[truth.copy].tolist()) == np.flatnonzero(truth.doubled).tolist()
    assert not (truth.lost & (truth.silent | truth.doubled | truth.held | truth.late)).any()
    assert (np.diff(out.columns.time_ns) >= 0).all()
    assert (truth.delay_ns >= 0).all()
    again = impairment.apply(sent, seed)
    assert again.columns.time_ns.tolist() == out.columns.time_ns.tolist()
    assert again.columns.sequence.tolist() == out.columns.sequence.tolist()


def test_a_seed_loses_the_same_packets_whatever_else_happens() -> None:
    sent = Columns.steady(2000)
    plain = Impairment(loss_pct=5, mean_run=3)
    lost = plain.apply(sent, 42).truth.lost
    for other in (
        replace(plain, jitter_ms=30, keep_order=False),
        replace(plain, duplicate_pct=10, late_pct=3),
        replace(plain, drift_ppm=200, reorder_pct=5, first_sequence=65000),
    ):
        assert (other.apply(sent, 42).truth.lost == lost).all()
    assert (plain.apply(sent, 43).truth.lost != lost).any()


@pytest.mark.parametrize("mean_run", [None, 1.0, 2.5, 20.0])
def test_loss_has_its_share_and_its_run_length(mean_run: float | None) -> None:
    n, share = 400_000, 0.1
    lost = (
        Impairment(loss_pct=100 * share, mean_run=mean_run).apply(Columns.steady(n), 5).truth.lost
    )
    runs = np.flatnonzero(np.diff(lost.astype(int), prepend=0) == 1)
    found = lost.sum() / len(runs)
    # Random loss: the next packet is lost too with the share, so a run is 1/(1 - share) long.
    length = 1 / (1 - share) if mean_run is None else mean_run
    # Standard deviation of a geometric length is below its mean; five of them are never seen.
    assert found == pytest.approx(length, abs=5 * length / np.sqrt(len(runs)))
    assert lost.mean() == pytest.approx(share, abs=5 * np.sqrt(2 * length * share / n))


@pytest.mark.parametrize("kind", ["uniform", "exponential", "normal", "gamma", "pareto"])
def test_jitter_has_its_mean_and_keeps_order_only_where_asked(kind: Distribution) -> None:
    sent = Columns.steady(50_000)
    free = Impairment(jitter_ms=30, jitter=kind, keep_order=False).apply(sent, 3)
    delay_ms = free.truth.delay_ns / MS
    # A Pareto variable of shape 3 has a standard deviation of 1.73 means; 5 errors of the mean.
    assert delay_ms[2:].mean() == pytest.approx(30, abs=5 * 1.74 * 30 / np.sqrt(50_000))
    assert delay_ms.min() >= 0
    assert free.truth.sums().reordered[0] > 0
    kept = Impairment(jitter_ms=30, jitter=kind).apply(sent, 3)
    assert kept.truth.sums().reordered[0] == 0
    assert kept.columns.sequence.tolist() == sent.sequence.tolist()


def test_a_held_packet_is_overtaken_by_as_many_as_said() -> None:
    out = Impairment(reorder_pct=1, reorder_by=3).apply(Columns.steady(1000), 9)
    held = np.flatnonzero(out.truth.held)
    assert len(held) > 3
    place = np.empty(1000, int)
    place[out.truth.source] = np.arange(1000)
    for slot in held.tolist():
        overtook = [s for s in range(slot + 1, 1000) if place[s] < place[slot]]
        assert [s for s in overtook if s not in held] == [
            s for s in range(slot + 1, slot + 4) if s not in held
        ]


def test_a_late_packet_is_later_by_what_was_said() -> None:
    out = Impairment(late_pct=2, late_ms=75).apply(Columns.steady(1000), 4)
    assert out.truth.late.sum() > 5
    assert set(out.truth.delay_ns[out.truth.late].tolist()) == {75 * MS}
    assert set(out.truth.delay_ns[~out.truth.late].tolist()) == {0}


def test_drift_is_a_fast_clock_against_the_captures() -> None:
    out = Impairment(drift_ppm=100).apply(Columns.steady(50_001, start_ns=5), 1)
    # 1,000 s of media by a clock that is 100 ppm fast take 1000/1.0001 s.
    assert out.columns.time_ns[0] == 5
    assert out.columns.time_ns[-1] - 5 == round(1000e9 / 1.0001)


def test_silence_takes_no_numbers_and_ends_with_a_mark() -> None:
    out = Impairment(silence_pct=40, silence_packets=20).apply(Columns.steady(3000), 8)
    silent = out.truth.silent
    assert 600 < silent.sum() < 1800
    assert ones(np.diff(out.columns.sequence.astype(int)).tolist())
    assert out.columns.timestamp.tolist() == (160 * np.flatnonzero(~silent)).tolist()
    after = np.flatnonzero(silent[:-1] & ~silent[1:]) + 1
    assert np.flatnonzero(out.columns.marker).tolist() == [
        0, *np.searchsorted(np.flatnonzero(~silent), after).tolist()
    ]  # fmt: skip


def test_numbers_wrap_where_they_are_moved_to() -> None:
    out = Impairment(first_sequence=65533, first_timestamp=2**32 - 320).apply(Columns.steady(5), 0)
    assert out.columns.sequence.tolist() == [65533, 65534, 65535, 0, 1]
    assert out.columns.timestamp.tolist() == [2**32 - 320, 2**32 - 160, 0, 160, 320]


def test_restarts_move_the_numbers_and_with_a_new_ssrc_begin_streams() -> None:
    sent = Columns.steady(1000)
    out = Impairment(restarts=3).apply(sent, 6)
    begins = np.flatnonzero(np.diff(out.truth.epoch)) + 1
    assert len(begins) == 3
    steps = np.diff(out.columns.timestamp.astype(int)) % 2**32
    assert all(2**30 <= (steps[b - 1] - 160) % 2**32 < 3 * 2**30 for b in begins)
    assert set(np.delete(steps, begins - 1).tolist()) == {160}
    assert out.truth.sums().restarts.tolist() == [3]
    others = Impairment(restarts=3, new_ssrc=True).apply(sent, 6)
    assert len(set(others.columns.ssrc.tolist())) == 4
    assert others.truth.sums().expected.sum() == 1000
    assert others.truth.sums().restarts.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss_pct": 100.0},
        {"loss_pct": -1.0},
        {"loss_pct": 60.0, "mean_run": 1.0},
        {"mean_run": 0.5},
        {"jitter_ms": -1.0},
        {"reorder_by": 0},
        {"drift_ppm": 1e6},
    ],
)
def test_what_cannot_be_done_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(Impairment(), **wrong)  # type: ignore[arg-type]


def test_packets_without_a_time_are_refused() -> None:
    sent = Columns.steady(3)
    sent.time_ns[1] = NO_TIME
    with pytest.raises(ValueError, match="without a time"):
        Impairment().apply(sent, 0)
