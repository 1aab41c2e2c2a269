"""The simulated buffer against one written packet by packet."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.truth import Columns
from rtpcap.streams.codec_rows import codec_row
from rtpcap.streams.emodel import NetworkDelay
from rtpcap.streams.jitterbuffer import (
    RUN_DRY,
    Adaptive,
    Arrivals,
    Fate,
    Fixed,
    Playout,
    curve,
    play,
)
from rtpcap.streams.ledger import Clocks, Ledger
from tests.effort import examples
from tests.streams.impaired import arrivals_of

CLOCK = 8000
TICKS = 160
Row = tuple[int, float]
"""(packet times since the first, arrival in ms); sequence numbers count up without a hole."""


def arrivals(rows: list[Row], media: list[bool] | None = None) -> Arrivals:
    n = len(rows)
    sequence = np.arange(n).astype(np.uint16)
    timestamp = np.array([TICKS * number for number, _ in rows], np.uint32)
    time_ns = np.array([round(ms * 1e6) for _, ms in rows], np.int64)
    rate = np.array([float(CLOCK)])
    ledger = Ledger.keep(sequence, timestamp, time_ns, np.zeros(1, np.int64), Clocks(rate, rate))
    kind = np.ones(n, np.bool_) if media is None else np.array(media)
    return Arrivals.of(timestamp, time_ns, np.full(n, CLOCK, np.int32), kind, ledger)


def plain_fixed(rows: list[Row], size_ms: float) -> list[bool]:
    """Whether each packet is played: the same rules, one packet after the other."""
    played: list[bool] = []
    level = 0.0
    in_a_row = 0
    before: int | None = None
    for number, at in rows:
        late_ms = at - 20 * number
        if before is None or number > before + 1 or in_a_row == RUN_DRY:
            level, in_a_row = late_ms + size_ms, 0
        on_time = late_ms <= level + 1e-6
        in_a_row = 0 if on_time else in_a_row + 1
        played.append(on_time)
        before = number
    return played


def plain_adaptive(rows: list[Row], buffer: Adaptive) -> list[bool]:
    played: list[bool] = []
    mean = deviation = 0.0
    for i, (number, at) in enumerate(rows):
        late_ms = at - 20 * number
        if i == 0:
            level, mean = late_ms + buffer.least_ms, late_ms
        else:
            wait = min(max(4 * deviation, buffer.least_ms), buffer.most_ms)
            level = mean + wait
        played.append(late_ms <= level + 1e-6)
        mean += (late_ms - mean) / 16
        deviation += (abs(late_ms - mean) - deviation) / 16
    return played


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Packets in order with delays that step, spike and wander, and silences between."""
    rows = []
    number, level, latest = 0, 0, 0.0
    for _ in range(draw(st.integers(1, 120))):
        # In whole milliseconds, so that no playout time is met but exactly.
        latest = max(latest, 20.0 * number + level + draw(st.integers(0, 30)))
        rows.append((number, latest))
        level += draw(st.sampled_from([0] * 20 + [-40, 60, 150]))
        number += draw(st.sampled_from([1] * 20 + [5, 60]))
    return rows


def on_time(playout: Playout) -> list[bool]:
    return [fate == Fate.PLAYED for fate in playout.fate.tolist()]


@settings(max_examples=examples(40), deadline=None)
@given(histories(), st.integers(0, 120))
def test_fixed_buffer_is_the_plain_one(rows: list[Row], size: int) -> None:
    steps = [b[0] - a[0] for a, b in pairwise(rows)]
    # A stream of silences alone has no packet time to tell them by.
    if steps.count(1) <= max(steps.count(5), steps.count(60)):
        return
    assert on_time(play(arrivals(rows), Fixed(size))) == plain_fixed(rows, size)


@settings(max_examples=examples(40), deadline=None)
@given(histories(), st.integers(0, 40), st.integers(40, 150))
def test_adaptive_buffer_is_the_plain_one(rows: list[Row], least: int, most: int) -> None:
    buffer = Adaptive(least, most)
    assert on_time(play(arrivals(rows), buffer)) == plain_adaptive(rows, buffer)


@pytest.mark.parametrize("begin", [1, 50, 75, 79, 80, 150])
def test_a_buffer_that_ran_dry_fills_anew(begin: int) -> None:
    # From one packet on everything takes 100 ms more.
    rows = [(i, 20.0 * i + (100 if i >= begin else 0)) for i in range(200)]
    playout = play(arrivals(rows), Fixed(60))
    late = np.flatnonzero(playout.fate == Fate.LATE)
    assert late.tolist() == list(range(begin, begin + RUN_DRY))
    assert playout.runs.length.tolist() == [RUN_DRY]
    # Those before wait for 60 ms beside the fastest, those after the hole for 160.
    after = 200 - begin - RUN_DRY
    assert playout.delay_ms[0] == pytest.approx((begin * 60 + after * 160) / (begin + after))


def test_a_buffer_that_runs_dry_all_the_time_is_quick() -> None:
    # The worst for a look ahead: each packet comes 70 ms later than the one before asks for.
    n = 30_000
    rows = [(i, 90.0 * i) for i in range(n)]
    playout = play(arrivals(rows), Fixed(60))
    # The first of each eleven is played, ten are late.
    assert (playout.fate == Fate.PLAYED).sum() == -(-n // (RUN_DRY + 1))


def test_events_and_packets_without_a_time_are_outside() -> None:
    rows = [(i, 20.0 * i + (500 if i == 3 else 0)) for i in range(10)]
    playout = play(arrivals(rows, media=[i != 3 for i in range(10)]), Fixed(20))
    assert playout.fate[3] == Fate.OUTSIDE
    assert playout.runs.lost().tolist() == [0]


def test_clock_drift_is_followed_by_the_adaptive_buffer_alone() -> None:
    # 1,000 s with a sender 200 ppm slow: packets end up 200 ms later than they began.
    sent = Columns.steady(50_000)
    out = Impairment(drift_ppm=-200).apply(sent, 1)
    time_ms = out.columns.time_ns / 1e6
    both = arrivals([(i, float(ms)) for i, ms in enumerate(time_ms)])
    assert not (play(both, Adaptive(20, 200)).fate == Fate.LATE).any()
    late = (play(both, Fixed(60)).fate == Fate.LATE).sum()
    # It runs dry each time 60 ms are used up: after 300 s, 600 s and 900 s (and a little).
    assert late == 3 * RUN_DRY


def test_the_curve_over_sizes() -> None:
    # One packet in 40 comes 100 ms late, and nothing else is wrong.
    sent = Columns.steady(4000)
    sent.time_ns[20::40] += 100_000_000
    order = np.argsort(sent.time_ns, kind="stable")
    stream = sent[order]
    rate = np.array([float(CLOCK)])
    ledger = Ledger.keep(
        stream.sequence, stream.timestamp, stream.time_ns, np.zeros(1, np.int64), Clocks(rate, rate)
    )
    codec = codec_row("PCMU")
    assert codec is not None
    found = curve(arrivals_of(stream, ledger), codec, (0, 50, 100, 150), network=NetworkDelay(30.0))
    assert found.loss_pct == pytest.approx([2.5, 2.5, 0, 0])
    assert found.delay_ms == pytest.approx([30, 80, 130, 180])
    # Lost one by one: BurstR = (1 - 0.025) * 1. The last delay is 2.7 ms beyond 177.3 ms.
    lossy = 95 * 2.5 / (2.5 / 0.975 + 25.1)
    expected = [93.2 - 0.72 - lossy, 93.2 - 1.92 - lossy, 93.2 - 3.12, 93.2 - 4.32 - 0.11 * 2.7]
    assert found.r == pytest.approx(expected)
    assert found.best == 2
    assert [row["buffer_ms"] for row in found.rows()] == [0, 50, 100, 150]


@pytest.mark.parametrize("wrong", [lambda: Fixed(-1), lambda: Adaptive(50, 20)])
def test_sizes_that_cannot_be_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="not possible"):
        wrong()
