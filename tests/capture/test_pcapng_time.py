"""Ticks of a pcapng interface as nanoseconds: exact fractions say what is right."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.capture.files.interfaces import ticks_to_ns

BILLION = 1_000_000_000


def exact(ticks: int, resolution: int) -> int:
    base = 2 if resolution & 0x80 else 10
    return int(Fraction(ticks, base ** (resolution & 0x7F)) * BILLION)


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 255))
def test_every_resolution_rounds_down(ticks: int, resolution: int) -> None:
    expected = exact(ticks, resolution)
    if expected >= 1 << 63:
        return
    (ns,) = ticks_to_ns(np.array([ticks], np.uint64), resolution).tolist()
    # Powers of two beyond 2**34 keep 34 bits below the second: less than a nanosecond is lost.
    lost = 1 if resolution & 0x80 and resolution & 0x7F > 34 else 0
    assert expected - lost <= ns <= expected


@pytest.mark.parametrize(
    ("ticks", "resolution", "ns"),
    [
        (1_700_000_000_123_456, 6, 1_700_000_000_123_456_000),
        (1_700_000_000_123_456_789, 9, 1_700_000_000_123_456_789),
        (1_700_000_000, 0, 1_700_000_000 * BILLION),
        (1_999, 12, 1),
        (3 << 19, 0x80 | 20, 1_500_000_000),
        (1, 0x80 | 30, 0),
        (1 << 63, 0x80 | 64, 500_000_000),
        ((1 << 64) - 1, 0x80 | 127, 0),
        ((1 << 64) - 1, 127, 0),
    ],
)
def test_single_values(ticks: int, resolution: int, ns: int) -> None:
    assert ticks_to_ns(np.array([ticks], np.uint64), resolution).tolist() == [ns]
    assert ns == exact(ticks, resolution)
