"""Numbering of keys: a dictionary in Python says what is right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.capture.keys import KeyTable

Keys = list[tuple[int, ...]]


class Reference:
    """The same by a dictionary, key by key."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, ...], int] = {}

    def ids(self, keys: Keys) -> list[int]:
        return [self.known.setdefault(key, len(self.known)) for key in keys]


def columns(keys: Keys, words: int) -> list[npt.NDArray[np.uint64]]:
    table = np.array(keys, np.uint64).reshape(len(keys), words)
    return [np.ascontiguousarray(table[:, i]) for i in range(words)]


def agree(batches: list[Keys], words: int, slots_bits: int) -> None:
    table, reference = KeyTable(words, slots_bits=slots_bits), Reference()
    for keys in batches:
        numbers = table.ids(*columns(keys, words))
        assert numbers.dtype == np.int32
        assert numbers.tolist() == reference.ids(keys)
        assert len(table) == len(reference.known)
    assert [table.key(i) for i in range(len(table))] == list(reference.known)


@pytest.mark.parametrize("slots_bits", [1, 4, 16])
@pytest.mark.parametrize("words", [1, 2, 5])
def test_numbers_are_those_of_a_dictionary(words: int, slots_bits: int) -> None:
    """With two slots nearly every key collides with another."""
    rng = np.random.default_rng(words)
    pool = rng.integers(1 << 63, size=(500, words), dtype=np.uint64).tolist()
    picks = rng.integers(len(pool), size=(8, 700))
    batches = [[tuple(pool[i]) for i in row] for row in picks.tolist()]
    agree([[], *batches], words, slots_bits)


@given(
    st.lists(
        st.lists(st.tuples(*[st.sampled_from([0, 1, 2, 1 << 32, (1 << 64) - 1])] * 2), max_size=20),
        max_size=5,
    ),
    st.integers(1, 3),
)
def test_keys_that_share_slots_and_words(batches: list[Keys], slots_bits: int) -> None:
    agree(batches, 2, slots_bits)


def test_keys_that_only_differ_in_one_word_are_different() -> None:
    base = (7, 7, 7, 7, 7)
    keys = [base] + [tuple(8 if i == j else 7 for i in range(5)) for j in range(5)]
    assert KeyTable(5, slots_bits=1).ids(*columns(keys, 5)).tolist() == [0, 1, 2, 3, 4, 5]


def test_two_keys_in_turn_on_one_slot() -> None:
    """The slot is taken over at every turn, and both keep their numbers."""
    table = KeyTable(1, slots_bits=1)
    keys = columns([(i,) for i in range(20)], 1)[0]
    first = table.ids(keys)
    for _ in range(3):
        for i in range(20):
            assert table.ids(keys[i : i + 1]).tolist() == [i]
    assert table.ids(keys[::-1].copy()).tolist() == first[::-1].tolist()


def test_a_number_that_was_not_given_has_no_key() -> None:
    table = KeyTable(1)
    table.ids(np.array([5], np.uint64))
    assert table.key(0) == (5,)
    for number in (-1, 1):
        with pytest.raises(IndexError):
            table.key(number)
