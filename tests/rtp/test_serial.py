"""Serial-number arithmetic (RFC 1982, RFC 3550 section 5.1)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp.serial import signed_delta, steps, unwrap


@pytest.mark.parametrize("bits", [16, 32])
def test_half_way_round_is_backwards(bits: int) -> None:
    half = 1 << (bits - 1)
    assert signed_delta(half, 0, bits) == -half
    assert signed_delta(half - 1, 0, bits) == half - 1
    assert signed_delta(0, 1, bits) == -1
    assert signed_delta(0, (1 << bits) - 1, bits) == 1


@given(st.integers(0, 0xFFFF), st.integers(-0x8000, 0x7FFF))
def test_a_step_is_found_again(before: int, step: int) -> None:
    assert signed_delta((before + step) % 0x10000, before, 16) == step


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=30))
def test_arrays_do_as_ints_do(values: list[int]) -> None:
    column = np.array(values, np.int64)
    expected = [signed_delta(b, a, 32) for a, b in pairwise(values)]
    assert signed_delta(column[1:], column[:-1], 32).tolist() == expected
    assert steps(np.array(values, np.uint32)).tolist() == [0, *expected]
    assert np.diff(unwrap(column, 32)).tolist() == expected


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-0x7FFF, 0x7FFF), max_size=40))
def test_unwrap_gives_back_the_true_numbers(first: int, moves: list[int]) -> None:
    true = np.cumsum([first, *moves])
    assert unwrap(true % 0x10000, 16).tolist() == true.tolist()


def test_steps_of_nothing() -> None:
    assert steps(np.empty(0, np.uint16)).tolist() == []
