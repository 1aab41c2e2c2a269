"""The ledger against RFC 3550 A.1 as it is printed, from which it differs by three rules.

There is no probation: the first packet counts. And there are the two timestamp rules: an outage
is loss, an unrelated timestamp a restart. Without times, which both need, nothing else is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.ledger import FOREIGN, UNRELATED_S, Clocks, Ledger
from tests.effort import examples
from tests.streams.impaired import Known, known

RTP_SEQ_MOD = 1 << 16
MAX_DROPOUT = 3000
MAX_MISORDER = 100
CLOCK = 8000


@dataclass
class Source:
    """``source`` of RFC 3550 A.1 and its ``init_seq`` and ``update_seq``, after probation."""

    max_seq: int = 0
    cycles: int = 0
    base_seq: int = 0
    bad_seq: int = 0
    received: int = 0
    restarts: int = field(default=-1)

    def init_seq(self, seq: int) -> None:
        self.base_seq = seq
        self.max_seq = seq
        self.bad_seq = RTP_SEQ_MOD + 1
        self.cycles = 0
        self.received = 0
        self.restarts += 1

    def update_seq(self, seq: int) -> bool:
        udelta = (seq - self.max_seq) % RTP_SEQ_MOD
        if udelta < MAX_DROPOUT:
            if seq < self.max_seq:
                self.cycles += RTP_SEQ_MOD
            self.max_seq = seq
        elif udelta <= RTP_SEQ_MOD - MAX_MISORDER:
            if seq == self.bad_seq:
                self.init_seq(seq)
            else:
                self.bad_seq = (seq + 1) & (RTP_SEQ_MOD - 1)
                return False
        self.received += 1
        return True

    @property
    def extended_max(self) -> int:
        return self.cycles + self.max_seq


def ledger_of(sequence: list[int], timestamp: list[int], time_ns: list[int]) -> Ledger:
    rate = np.array([float(CLOCK)])
    return Ledger.keep(
        np.array(sequence, np.uint16),
        np.array(timestamp, np.uint32),
        np.array(time_ns, np.int64),
        np.zeros(1, np.int64),
        Clocks(rate, rate),
    )


STEPS = st.one_of(
    st.just(1),
    st.just(1),
    st.just(1),
    st.just(1),
    st.integers(-5, 8),
    st.sampled_from([-101, -100, -99, -98, 2999, 3000, 3001, 32768]),
    st.integers(0, RTP_SEQ_MOD - 1),
)


@st.composite
def sequences(draw: st.DrawFn) -> list[int]:
    out = [draw(st.integers(0, RTP_SEQ_MOD - 1))]
    for step in draw(st.lists(STEPS, max_size=80)):
        out.append((out[-1] + step) % RTP_SEQ_MOD)
    return out


def compare(sequence: list[int], ledger: Ledger) -> None:
    """Epoch and highest number after each packet are those of the printed code."""
    source = Source()
    source.init_seq(sequence[0])
    source.received = 1
    highest: dict[int, int] = {0: sequence[0]}
    epochs = ledger.epoch.tolist()
    numbers = ledger.extended.tolist()
    for row in range(1, len(sequence)):
        restarts = source.restarts
        valid = source.update_seq(sequence[row])
        epoch = epochs[row]
        if not valid:
            # Foreign, or one of those that announced the restart: these stand right before it.
            assert epoch == FOREIGN or epoch > restarts
            continue
        assert epoch == source.restarts
        if source.restarts > restarts:
            assert numbers[row] == sequence[row]
        highest[epoch] = max(highest.get(epoch, numbers[row]), numbers[row])
        assert highest[epoch] == source.extended_max
        # A packet that moved nothing lies behind the highest one, by the short way.
        behind = (source.max_seq - sequence[row]) % RTP_SEQ_MOD
        assert numbers[row] == source.extended_max - behind


@settings(max_examples=examples(100), deadline=None)
@given(sequences())
def test_without_times_the_ledger_is_the_printed_algorithm(sequence: list[int]) -> None:
    n = len(sequence)
    compare(sequence, ledger_of(sequence, [0] * n, [NO_TIME] * n))


@settings(max_examples=examples(100), deadline=None)
@given(sequences(), st.lists(st.integers(0, 70 * 64), min_size=81, max_size=81))
def test_with_times_it_differs_only_where_a_timestamp_rule_speaks(
    sequence: list[int], pauses: list[int]
) -> None:
    # Timestamps follow the clock, so none is unrelated. A far jump is an outage where its time is
    # that of the packets left out: such histories, which are rare, are passed by.
    times = [0]
    for pause in pauses[: len(sequence) - 1]:
        times.append(times[-1] + pause * 10**9 // 64)
    stamps = [time * CLOCK // 10**9 for time in times]
    ones = [
        b - a
        for (x, a), (y, b) in pairwise(zip(sequence, stamps, strict=True))
        if (y - x) % RTP_SEQ_MOD == 1 and b > a
    ]
    packet = int(median(ones)) if ones else 0
    source = Source()
    source.init_seq(sequence[0])
    at = 0
    for row in range(1, len(sequence)):
        udelta = (sequence[row] - source.max_seq) % RTP_SEQ_MOD
        jump = MAX_DROPOUT <= udelta <= RTP_SEQ_MOD - MAX_MISORDER
        left_out = abs(stamps[row] - stamps[at] - udelta * packet) <= UNRELATED_S * CLOCK
        assume(not (packet and jump and left_out))
        before = source.max_seq, source.restarts
        source.update_seq(sequence[row])
        at = row if (source.max_seq, source.restarts) != before else at
    compare(sequence, ledger_of(sequence, [stamp % 2**32 for stamp in stamps], times))


@settings(max_examples=examples(40), deadline=None)
@given(known())
def test_what_a_network_does_is_read_by_both_alike(stream: Known) -> None:
    starts = [*stream.ledger.starts.tolist(), len(stream.columns)]
    sums = stream.out.truth.sums()
    for i, (begin, end) in enumerate(pairwise(starts)):
        if sums.restarts[i]:
            continue
        own = stream.columns.sequence[begin:end].tolist()
        source = Source()
        source.init_seq(own[0])
        source.received = 1
        lowest = 0
        for seq in own[1:]:
            assert source.update_seq(seq)
            lowest = min(lowest, (seq - source.base_seq + 32768) % RTP_SEQ_MOD - 32768)
        # A.3: expected = extended_max - base + 1, and base is the first packet's, late ones aside.
        assert source.extended_max - source.base_seq + 1 - lowest == sums.expected[i]
        assert source.received == sums.packets[i]
