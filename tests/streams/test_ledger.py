"""The ledger against RFC 3550 A.1 transcribed packet by packet, and against plain counting."""

from __future__ import annotations

import statistics
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.ledger import Clocks, Counts, Ledger
from tests.effort import examples

RTP_SEQ_MOD = 1 << 16
MAX_DROPOUT = 3000
MAX_MISORDER = 100
CLOCK = 8000
TEN_SECONDS = 10

Row = tuple[int, int, float | None]
"""(sequence, timestamp, time in seconds)"""


def short_way(now: int, before: int, modulus: int) -> int:
    step = (now - before) % modulus
    return step - modulus if step >= modulus // 2 else step


class Source:
    """``source`` of RFC 3550 A.1, without probation and with the two timestamp rules."""

    def __init__(self, rows: list[Row]) -> None:
        ones = []
        for (seq, ts, _), (next_seq, next_ts, _) in pairwise(rows):
            if short_way(next_seq, seq, RTP_SEQ_MOD) == 1:
                ticks = short_way(next_ts, ts, 1 << 32)
                if ticks > 0:
                    ones.append(ticks)
        self.packet_ticks = int(statistics.median(ones)) if ones else 0
        self.result: list[tuple[int, int]] = []
        self.epochs = 0
        self.bad_seq = -1
        self.announcers: list[int] = []
        self.init_seq(rows[0])
        self.result.append((0, rows[0][0]))
        for row in rows[1:]:
            self.update_seq(row)

    def init_seq(self, row: Row) -> None:
        self.max_seq, self.max_ts, self.max_time = row
        self.extended = row[0]
        self.epoch = self.epochs

    def advance(self, row: Row, delta: int) -> None:
        self.extended += delta
        self.max_seq, self.max_ts, self.max_time = row
        self.result.append((self.epoch, self.extended))

    def restart(self, row: Row) -> None:
        self.epochs += 1
        agreed = row[0] == self.bad_seq
        self.init_seq(row)
        if agreed:
            for i in self.announcers:
                self.result[i] = (self.epoch, row[0] - 1)
        self.bad_seq, self.announcers = -1, []
        self.result.append((self.epoch, row[0]))

    def related(self, row: Row, delta: int) -> bool:
        if row[2] is None or self.max_time is None:
            return True
        ticks = short_way(row[1], self.max_ts, 1 << 32)
        elapsed = row[2] - self.max_time
        return (
            abs(ticks - elapsed * CLOCK) <= TEN_SECONDS * CLOCK
            or abs(ticks - delta * self.packet_ticks) <= TEN_SECONDS * CLOCK
        )

    def outage(self, row: Row, delta: int) -> bool:
        if row[2] is None or self.max_time is None or not self.packet_ticks:
            return False
        ticks = short_way(row[1], self.max_ts, 1 << 32)
        media = delta * self.packet_ticks
        elapsed = row[2] - self.max_time
        return (
            abs(ticks - media) <= TEN_SECONDS * CLOCK
            and abs(elapsed - media / CLOCK) <= TEN_SECONDS
        )

    def update_seq(self, row: Row) -> None:
        udelta = (row[0] - self.max_seq) % RTP_SEQ_MOD
        if udelta < MAX_DROPOUT:
            if not self.related(row, udelta):
                self.restart(row)
            elif udelta:
                self.advance(row, udelta)
            else:
                self.result.append((self.epoch, self.extended))
        elif udelta <= RTP_SEQ_MOD - MAX_MISORDER:
            if self.outage(row, udelta):
                self.advance(row, udelta)
            elif row[0] == self.bad_seq:
                self.restart(row)
            else:
                bad_seq = (row[0] + 1) % RTP_SEQ_MOD
                if bad_seq != self.bad_seq:
                    self.bad_seq, self.announcers = bad_seq, []
                self.announcers.append(len(self.result))
                self.result.append((-1, -1))
        elif self.related(row, udelta - RTP_SEQ_MOD):
            self.result.append((self.epoch, self.extended + udelta - RTP_SEQ_MOD))
        else:
            self.restart(row)


def keep(*streams: list[Row]) -> Ledger:
    rows = [row for stream in streams for row in stream]
    lengths = [len(stream) for stream in streams]
    starts = np.cumsum([0, *lengths[:-1]])
    times = [NO_TIME if time is None else round(time * 1e9) for _, _, time in rows]
    rate = np.full(len(streams), float(CLOCK))
    return Ledger.keep(
        np.array([seq for seq, _, _ in rows], np.uint16),
        np.array([ts for _, ts, _ in rows], np.uint32),
        np.array(times, np.int64),
        starts,
        Clocks(rate, rate),
    )


def count(ledger: Ledger) -> Counts:
    return ledger.counts()


def line(count: int, *, seq: int = 0, ts: int = 0, time: float = 0.0) -> list[Row]:
    """`count` packets of 20 ms from the given start."""
    return [
        ((seq + i) % RTP_SEQ_MOD, (ts + 160 * i) % (1 << 32), time + 0.02 * i) for i in range(count)
    ]


# Steps that a live network, a second sender or an attacker may make.
SEQUENCE_STEPS = st.one_of(
    st.just(1),
    st.just(1),
    st.just(1),
    st.integers(-3, 5),
    st.sampled_from([-101, -100, -99, 2999, 3000, 3001, 32768, 65435, 65436, 65437]),
    st.integers(0, 65535),
)
TICK_STEPS = st.one_of(
    st.just(None), st.just(None), st.just(160), st.integers(-(1 << 31), (1 << 31) - 1)
)
# Multiples of 2**-6 s: exact in binary, so that no limit is met by rounding alone.
TIME_STEPS = st.one_of(st.just(1 / 64), st.integers(-64, 64 * 70).map(lambda n: n / 64))


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    rows: list[Row] = []
    seq = draw(st.integers(0, 65535))
    ts = draw(st.integers(0, (1 << 32) - 1))
    time = 0.0
    for _ in range(draw(st.integers(1, 60))):
        rows.append((seq, ts, None if draw(st.integers(0, 30)) == 0 else time))
        step = draw(SEQUENCE_STEPS)
        ticks = draw(TICK_STEPS)
        seq = (seq + step) % RTP_SEQ_MOD
        ts = (ts + (160 * step if ticks is None else ticks)) % (1 << 32)
        time += draw(TIME_STEPS)
    return rows


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4))
def test_ledger_is_the_transcribed_rfc(streams: list[list[Row]]) -> None:
    ledger = keep(*streams)
    expected = [entry for stream in streams for entry in Source(stream).result]
    assert ledger.epoch.tolist() == [epoch for epoch, _ in expected]
    inside = ledger.epoch >= 0
    numbers = [extended for epoch, extended in expected if epoch >= 0]
    assert ledger.extended[inside].tolist() == numbers


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4))
def test_counts_are_those_of_plain_sets(streams: list[list[Row]]) -> None:
    counts = count(keep(*streams))
    for i, stream in enumerate(streams):
        slots: dict[int, set[int]] = {}
        highest: dict[int, int] = {}
        duplicates = reordered = 0
        for epoch, number in Source(stream).result:
            if epoch < 0:
                continue
            seen = slots.setdefault(epoch, set())
            if number in seen:
                duplicates += 1
            elif seen and number < highest[epoch]:
                reordered += 1
            seen.add(number)
            highest[epoch] = max(number, highest.get(epoch, number))
        expected = sum(max(seen) - min(seen) + 1 for seen in slots.values())
        assert counts.packets[i] == len(stream)
        assert counts.expected[i] == expected
        assert counts.lost[i] == expected - sum(len(seen) for seen in slots.values())
        assert counts.duplicates[i] == duplicates
        assert counts.reordered[i] == reordered


def test_ten_lost_and_ten_doubled_are_both_seen() -> None:
    rows = line(100)
    del rows[40:50]
    counts = count(keep(rows[:20] + [row for row in rows[20:30] for _ in range(2)] + rows[30:]))
    assert (counts.expected[0], counts.lost[0], counts.duplicates[0]) == (100, 10, 10)


def test_a_sequence_wrap_is_no_loss() -> None:
    counts = count(keep(line(300, seq=65400)))
    assert (counts.expected[0], counts.lost[0]) == (300, 0)


def test_a_restart_loses_nothing() -> None:
    again = line(100, seq=20_000, ts=3_000_000_000, time=2.0)
    ledger = keep(line(100) + again)
    counts = count(ledger)
    assert (counts.expected[0], counts.lost[0]) == (200, 0)
    assert ledger.epoch.tolist() == [0] * 100 + [1] * 100


def test_a_small_jump_with_an_unrelated_timestamp_is_a_restart() -> None:
    counts = count(keep(line(100) + line(100, seq=600, ts=2_000_000_000, time=2.0)))
    assert (counts.expected[0], counts.lost[0]) == (200, 0)


def test_a_small_jump_backwards_with_an_unrelated_timestamp_is_a_restart() -> None:
    counts = count(keep(line(100) + line(100, seq=50, ts=2_000_000_000, time=2.0)))
    assert (counts.expected[0], counts.duplicates[0], counts.lost[0]) == (200, 0, 0)


def test_an_outage_of_more_than_3000_packets_is_loss() -> None:
    rows = line(5000)
    counts = count(keep(rows[:500] + rows[4500:]))
    assert (counts.expected[0], counts.lost[0]) == (5000, 4000)


def test_one_stray_packet_moves_nothing() -> None:
    rows = line(100)
    ledger = keep([*rows[:50], (40_000, 77, 1.0), *rows[50:]])
    counts = count(ledger)
    assert ledger.epoch[50] == -1
    assert (counts.packets[0], counts.expected[0], counts.lost[0]) == (101, 100, 0)


def test_a_late_packet_is_reordered_not_lost() -> None:
    rows = line(100)
    rows[10], rows[13] = rows[13], rows[10]
    counts = count(keep(rows))
    assert (counts.lost[0], counts.reordered[0], counts.duplicates[0]) == (0, 3, 0)
