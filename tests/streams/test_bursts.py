"""Burst and gap figures against RFC 3611 A.2 transcribed, and against slots counted one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.streams.bursts import burst_ratio, bursts, longest, markov
from rtpcap.streams.slots import LossRuns
from tests.effort import examples

GMIN = 16
PACKET_MS = 20


def runs_of(*streams: list[bool]) -> LossRuns:
    """Runs of loss in streams of which each slot is lost (True) or received."""
    stream, begin, length = [], [], []
    for i, slots in enumerate(streams):
        for place, lost in enumerate(slots):
            if lost and (place == 0 or not slots[place - 1]):
                stream.append(i)
                begin.append(place)
                length.append(0)
            if lost:
                length[-1] += 1
    return LossRuns(
        np.array(stream, np.int32),
        np.array(begin, np.int64),
        np.array(length, np.int64),
        np.array([len(slots) for slots in streams], np.int64),
    )


class Appendix:
    """The counters of RFC 3611 A.2 and what it makes of them.

    Held against what PJSIP (which quotes the appendix's own lines beside its integer ones) and Jami
    have of it: the same transitions, c31 = c13, c32 = c23, p32 and p23, densities and durations.
    They differ where the appendix divides by nothing: without a loss all four are 0 here.
    """

    def __init__(self, slots: list[bool]) -> None:
        self.c11 = self.c13 = self.c14 = self.c22 = self.c23 = self.c33 = 0
        self.pkt = self.lost = 0
        # "assumed that the session is preceded and followed by at least Gmin received packets"
        for packet_lost in [False] * GMIN + slots + [False] * GMIN:
            self.packet(packet_lost)

    def packet(self, packet_lost: bool) -> None:
        if not packet_lost:
            self.pkt += 1
            return
        if self.pkt >= GMIN:
            if self.lost == 1:
                self.c14 += 1
            else:
                self.c13 += 1
            self.lost = 1
            self.c11 += self.pkt
        else:
            self.lost += 1
            if self.pkt == 0:
                self.c33 += 1
            else:
                self.c23 += 1
                self.c22 += self.pkt - 1
        self.pkt = 0

    def figures(self) -> tuple[int, int, int, int]:
        """(burst density, gap density, burst length, gap length)."""
        c31, c32 = self.c13, self.c23
        ctotal = self.c11 + self.c14 + self.c13 + self.c22 + self.c23 + c31 + c32 + self.c33
        if not self.c13:
            return 0, 0, 0, 0
        p32 = c32 / (c31 + c32 + self.c33)
        p23 = 1.0 if self.c22 + self.c23 < 1 else 1 - self.c22 / (self.c22 + self.c23)
        burst_density = 256 * p23 / (p23 + p32)
        gap_density = 256 * self.c14 / (self.c11 + self.c14)
        gap_length = (self.c11 + self.c14 + self.c13) * PACKET_MS / self.c13
        burst_length = ctotal * PACKET_MS / self.c13 - gap_length
        return (
            min(int(burst_density), 255),
            min(int(gap_density), 255),
            min(int(burst_length), 65535),
            min(int(gap_length), 65535),
        )


@dataclass
class Counted:
    bursts: int = 0
    burst_packets: int = 0
    burst_lost: int = 0
    gaps: int = 0
    gap_packets: int = 0
    gap_lost: int = 0


def counted(slots: list[bool]) -> Counted:
    """Each slot called burst or gap by the words of RFC 3611 section 4.7.2."""
    padded = [False] * GMIN + slots + [False] * GMIN
    losses = [i for i, lost in enumerate(padded) if lost]
    inside = [False] * len(padded)
    for before, after in pairwise(losses):
        if after - before - 1 < GMIN:
            inside[before : after + 1] = [True] * (after + 1 - before)
    inside = inside[GMIN : len(padded) - GMIN]
    out = Counted()
    previous: bool | None = None
    for lost, burst in zip(slots, inside, strict=True):
        if burst:
            out.bursts += previous is not True
            out.burst_packets += 1
            out.burst_lost += lost
        else:
            out.gaps += previous is not False
            out.gap_packets += 1
            out.gap_lost += lost
        previous = burst
    return out


STRETCHES = st.tuples(
    st.booleans(), st.one_of(st.integers(1, 4), st.sampled_from([15, 16, 17]), st.integers(1, 60))
)
STREAMS = st.lists(STRETCHES, max_size=25).map(
    lambda parts: [lost for lost, count in parts for _ in range(count)]
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(STREAMS, min_size=1, max_size=4))
def test_markov_figures_are_those_of_the_appendix(streams: list[list[bool]]) -> None:
    found = markov(runs_of(*streams), np.full(len(streams), float(PACKET_MS)))
    columns = (found.burst_density, found.gap_density, found.burst_ms, found.gap_ms)
    for i, slots in enumerate(streams):
        assert tuple(int(column[i]) for column in columns) == Appendix(slots).figures()


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(STREAMS, min_size=1, max_size=4))
def test_exact_figures_are_those_counted_one_by_one(streams: list[list[bool]]) -> None:
    found = bursts(runs_of(*streams))
    for i, slots in enumerate(streams):
        expected = counted(slots)
        for name in vars(expected):
            assert int(getattr(found, name)[i]) == getattr(expected, name), name


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(STREAMS, min_size=1, max_size=4))
def test_longest_and_burst_ratio(streams: list[list[bool]]) -> None:
    runs = runs_of(*streams)
    for i, slots in enumerate(streams):
        text = "".join("x" if lost else "." for lost in slots)
        lengths = [len(run) for run in text.split(".") if run]
        assert longest(runs)[i] == max(lengths, default=0)
        ratio = 1.0
        if len(lengths) > 1:
            share = sum(lengths) / len(slots)
            ratio = (1 - share) * sum(lengths) / len(lengths)
        assert burst_ratio(runs)[i] == pytest.approx(ratio)


def test_the_two_forms_differ() -> None:
    # 100 received, 5 lost of 10, 100 received, 1 lost, 100 received.
    slots = [False] * 100 + [True, False] * 4 + [False, True] + [False] * 100 + [True]
    slots += [False] * 100
    exact = bursts(runs_of(slots))
    assert (exact.bursts[0], exact.burst_packets[0], exact.burst_lost[0]) == (1, 10, 5)
    assert exact.burst_density_pct[0] == pytest.approx(50)
    assert exact.burst_ms(np.array([20.0]))[0] == pytest.approx(200)
    assert exact.gap_density_pct[0] == pytest.approx(100 / 301)
    assert exact.gap_ms(np.array([20.0]))[0] == pytest.approx(301 * 20 / 2)
    # c11 = 116 + 100, c13 = 2, c14 = 0, c23 = 4, c22 = 1: p32 = 4/6, p23 = 1 - 1/5.
    sent = markov(runs_of(slots), np.array([20.0]))
    assert sent.burst_density[0] == int(256 * 0.8 / (0.8 + 4 / 6))
    assert sent.gap_ms[0] == (216 + 2) * 20 // 2


def test_a_stream_without_loss_has_one_gap() -> None:
    exact = bursts(runs_of([False] * 50))
    assert (exact.gaps[0], exact.gap_packets[0], exact.bursts[0]) == (1, 50, 0)
    assert math.isnan(exact.burst_density_pct[0])
    assert exact.gap_density_pct[0] == 0


def test_a_stream_that_is_lost_whole_is_one_burst() -> None:
    exact = bursts(runs_of([True] * 50))
    assert (exact.gaps[0], exact.bursts[0], exact.burst_density_pct[0]) == (0, 1, 100)
