"""Sequence, loss and jitter of what comes in: RFC 3550 A.1, A.3 and A.8, against plain counting."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.live.source import Source
from tests.live.made import MS, SECOND, START_NS


def counted(sequences: list[int]) -> Source:
    source = Source(1, sequences[0] & 0xFFFF)
    for number, sequence in enumerate(sequences):
        source.count(sequence & 0xFFFF, START_NS + number * 20 * MS)
    return source


@settings(max_examples=100)
@given(st.integers(0, 65535), st.integers(2, 300), st.integers())
def test_loss_copies_and_order_over_a_wrap(first: int, count: int, seed: int) -> None:
    rng = random.Random(seed)
    line = [first + i for i in range(count)]
    kept = [line[0], *[s for s in line[1:-1] if rng.random() > 0.1], line[-1]]
    order: list[int] = []
    for sequence in kept:
        # Later by some places at most, so that nothing leaves A.1's window.
        order.insert(len(order) - rng.randint(0, min(5, max(len(order) - 1, 0))), sequence)
        if rng.random() < 0.1:
            order.append(sequence)
    source = counted(order)
    assert source.received == len(order)
    assert source.duplicates == len(order) - len(kept)
    assert source.expected == count
    assert source.lost == count - len(kept)
    highest, late = order[0], 0
    seen = {order[0]}
    for sequence in order[1:]:
        late += sequence < highest and sequence not in seen
        highest = max(highest, sequence)
        seen.add(sequence)
    assert source.reordered == late


def test_a_restart_is_believed_when_two_agree() -> None:
    source = counted([1, 2, 3, 30_000, 30_001, 30_002])
    assert (source.received, source.expected, source.lost, source.strays) == (6, 6, 0, 0)


def test_a_stray_alone_is_no_loss() -> None:
    source = counted([1, 2, 3, 30_000, 4, 5])
    assert (source.received, source.expected, source.lost, source.strays) == (5, 5, 0, 1)


def test_jitter_is_that_of_a8() -> None:
    rng = random.Random(3)
    source = Source(1, 0)
    arrivals = [START_NS + i * 20 * MS + rng.randrange(15 * MS) for i in range(500)]
    expected = 0.0
    before: float | None = None
    for i, arrival in enumerate(arrivals):
        source.time((i * 160) & 0xFFFFFFFF, arrival, 8000)
        transit = (arrival - START_NS) / SECOND - i * 160 / 8000
        if before is not None:
            expected += (abs(transit - before) - expected) / 16
        before = transit
    assert source.jitter_s == pytest.approx(expected, rel=1e-9)
    assert 0.003 < source.jitter_s < 0.008


def test_jitter_does_not_notice_the_wrap_of_the_timestamp() -> None:
    source = Source(1, 0)
    for i in range(100):
        source.time(((1 << 32) - 50 * 160 + i * 160) & 0xFFFFFFFF, START_NS + i * 20 * MS, 8000)
    assert source.jitter_s == pytest.approx(0, abs=1e-12)


def test_a_report_has_the_loss_since_the_one_before() -> None:
    source = counted([*range(50), *range(60, 100)])
    # 100 expected, 90 came: 10 * 256 / 100.
    first = source.report()
    assert (first.fraction, first.cumulative) == (25, 10)
    for sequence in range(100, 200):
        source.count(sequence, START_NS)
    second = source.report()
    assert (second.fraction, second.cumulative) == (0, 10)
    # Copies make the cumulative figure smaller (6.4.1: it may be negative).
    for _ in range(15):
        source.count(199, START_NS)
    third = source.report()
    assert (third.fraction, third.cumulative) == (0, -5)
