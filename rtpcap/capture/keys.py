"""Exact, vectorised numbering of keys: the first new key is 0, the next new one 1, and so on.

A direct-mapped table stands in front: one multiplication a word, one look-up, and a comparison of
the whole key, so that two keys that meet in the table are never taken for one. What the table
misses is looked up among all known keys, sorted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["KeyTable"]

# Odd multipliers that spread each word over the table (the golden ratio in 64 bits, and the next
# two outputs of splitmix64 from it).
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)
SLOTS_BITS = 16


class KeyTable:
    """Numbers keys of `words` 64-bit words in order of first appearance.

    `slots_bits` is the size of the table in front; results do not depend on it.
    """

    def __init__(self, words: int, *, slots_bits: int = SLOTS_BITS) -> None:
        self._words = words
        self._shift = np.uint64(64 - slots_bits)
        self._slot = np.full(1 << slots_bits, -1, np.int32)
        self._known = [np.empty(0, np.uint64) for _ in range(words)]
        self._capacity = 0
        self._count = 0
        self._numbers: dict[tuple[int, ...], int] = {}

    def __len__(self) -> int:
        return self._count

    def key(self, number: int) -> tuple[int, ...]:
        """The words of a numbered key."""
        if not 0 <= number < self._count:
            raise IndexError(number)
        return tuple(int(column[number]) for column in self._known)

    def ids(self, *words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """The numbers of keys given as columns of shape (n,); unknown ones get the next numbers."""
        if not len(words[0]):
            return np.empty(0, np.int32)
        mixed = words[0] * np.uint64(MULTIPLIERS[0])
        for word, multiplier in zip(words[1:], MULTIPLIERS[1:], strict=False):
            mixed ^= mixed >> np.uint64(32)
            mixed += word * np.uint64(multiplier)
        slot = (mixed >> self._shift).astype(np.int64)
        numbers = self._slot.take(slot)
        if self._count:
            known = self._matches(numbers, words)
            missed = np.flatnonzero(~known)
        else:
            missed = np.arange(len(numbers))
        if len(missed):
            found = self._look_up(tuple(word[missed] for word in words))
            numbers[missed] = found
            self._slot[slot[missed]] = found
        return numbers

    def _matches(
        self, numbers: npt.NDArray[np.int32], words: tuple[npt.NDArray[np.uint64], ...]
    ) -> npt.NDArray[np.bool_]:
        known = numbers >= 0
        for column, word in zip(self._known, words, strict=True):
            # An empty slot's -1 looks at the column's end; it is not known anyway.
            known &= column.take(numbers, mode="wrap") == word
        return known

    def _look_up(self, words: tuple[npt.NDArray[np.uint64], ...]) -> npt.NDArray[np.int32]:
        """Numbers of keys that the table missed: one dictionary access for each distinct one."""
        table = np.stack(words, axis=1)
        order = np.lexsort(table.T)
        new = np.ones(len(order), np.bool_)
        new[1:] = (table[order[1:]] != table[order[:-1]]).any(axis=1)
        inverse = np.empty(len(order), np.int64)
        inverse[order] = new.cumsum() - 1
        first = order[new]
        keys = [tuple(key) for key in table[first].tolist()]
        numbers = np.empty(len(keys), np.int32)
        for i in np.argsort(first, kind="stable").tolist():
            number = self._numbers.setdefault(keys[i], self._count)
            if number == self._count:
                self._append(keys[i])
            numbers[i] = number
        return numbers[inverse]

    def _append(self, key: tuple[int, ...]) -> None:
        if self._count == self._capacity:
            self._capacity = max(64, 2 * self._capacity)
            room = np.zeros(self._capacity - self._count, np.uint64)
            self._known = [np.concatenate([column, room]) for column in self._known]
        for column, word in zip(self._known, key, strict=True):
            column[self._count] = word
        self._count += 1
