"""Every figure of the ledger comes out as it was put in by an impairment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.truth import Columns
from rtpcap.streams.jitterbuffer import Adaptive, Buffer, Fate, Fixed, play
from rtpcap.streams.slots import Slots
from tests.effort import examples
from tests.streams.impaired import Known, arrivals_of, damaged, known

BUFFERS = st.one_of(
    st.floats(0, 300).map(Fixed),
    st.tuples(st.floats(0, 60), st.floats(60, 300)).map(lambda pair: Adaptive(*pair)),
)


@settings(max_examples=examples(50), deadline=None)
@given(known())
def test_counts_are_what_was_done(stream: Known) -> None:
    sums, counts = stream.out.truth.sums(), stream.ledger.counts()
    assert counts.packets.tolist() == sums.packets.tolist()
    assert counts.expected.tolist() == sums.expected.tolist()
    assert counts.lost.tolist() == sums.lost.tolist()
    assert counts.duplicates.tolist() == sums.duplicates.tolist()
    assert counts.reordered.tolist() == sums.reordered.tolist()
    assert stream.ledger.epoch.min() >= 0
    assert stream.ledger.epoch.tolist() == stream.out.truth.epoch[stream.source].tolist()


def test_restarts_are_found_whatever_jitter_does_to_the_order() -> None:
    for seed in range(100):
        damage = Impairment(restarts=3, jitter_ms=40, keep_order=False, duplicate_pct=10)
        stream = damaged(Columns.steady(100), damage, seed)
        assert stream.ledger.epoch.tolist() == stream.out.truth.epoch[stream.source].tolist()


@settings(max_examples=examples(40), deadline=None)
@given(known())
def test_slots_and_runs_of_loss_are_what_was_done(stream: Known) -> None:
    truth = stream.out.truth
    slots = Slots.of(stream.ledger)
    # Which copy came first is known by the order of arrival alone.
    firsts: dict[int, int] = {}
    for row, source in enumerate(stream.source.tolist()):
        firsts.setdefault(source, row)
    assert slots.rows.tolist() == [firsts[source] for source in sorted(firsts)]
    runs = slots.loss_runs()
    expected = []
    for i in range(len(truth.ssrc)):
        sent = np.flatnonzero((truth.stream == i) & ~truth.silent)
        lost = [place for place, slot in enumerate(sent.tolist()) if truth.lost[slot]]
        begins = [place for place in lost if place - 1 not in lost]
        for begin in begins:
            end = begin
            while end in lost:
                end += 1
            expected.append((i, begin, end - begin))
    found = zip(runs.stream.tolist(), runs.begin.tolist(), runs.length.tolist(), strict=True)
    assert list(found) == expected
    assert runs.lost().tolist() == truth.sums().lost.tolist()


@settings(max_examples=examples(40), deadline=None)
@given(known(), BUFFERS)
def test_played_late_and_unneeded_add_up(stream: Known, buffer: Buffer) -> None:
    playout = play(arrivals_of(stream.columns, stream.ledger), buffer)
    starts, sums = stream.ledger.starts, stream.out.truth.sums()
    played, late, unneeded, outside = (playout.count(starts, fate) for fate in Fate)
    assert (played + late + unneeded + outside == sums.packets).all()
    assert (unneeded == sums.duplicates).all()
    assert not outside.any()
    assert (playout.runs.lost() == sums.lost + late).all()
    assert (played + playout.runs.lost() == sums.expected).all()
    waits = playout.wait_ms[playout.fate == Fate.PLAYED]
    assert (waits >= 0).all()
    assert np.isnan(playout.wait_ms[playout.fate != Fate.PLAYED]).all()
    assert playout.heard.sum() == played.sum()


def test_a_buffer_discards_just_the_late_packets() -> None:
    # Late by 100 ms and nothing else: a buffer of 99 ms loses them all, one of 101 ms none.
    sent = Columns.steady(2000)
    stream = damaged(sent, Impairment(late_pct=3, late_ms=100, loss_pct=2), 12)
    truth = stream.out.truth
    arrivals = arrivals_of(stream.columns, stream.ledger)
    small, large = play(arrivals, Fixed(99)), play(arrivals, Fixed(101))
    late = np.sort(stream.source[small.fate == Fate.LATE])
    assert late.tolist() == np.flatnonzero(truth.late).tolist()
    assert small.loss_pct[0] == pytest.approx(100 * (truth.late | truth.lost).sum() / 2000)
    assert not (large.fate == Fate.LATE).any()
    assert large.loss_pct[0] == pytest.approx(100 * truth.lost.sum() / 2000)
    # On time packets wait for the whole buffer, late ones for the 1 ms that is left of it.
    waits = large.wait_ms[np.isin(stream.source, late)]
    assert waits == pytest.approx(np.full(len(late), 1.0), abs=1e-6)
    assert large.delay_ms[0] == pytest.approx(101, abs=1e-6)
