"""Numbers of 64 bits that stand for the content of packets, and rows that have one in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets

__all__ = ["Keys", "Rows", "key_of", "pair_up", "payload_keys"]

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

WORD_BYTES = 8
AT_ONCE = 1 << 22
"""Bytes of payloads that are looked at at a time."""

# Any odd numbers without a pattern do: the first digits of fractional parts of square roots.
FIRST = np.uint64(0xBB67AE8584CAA73B)
SECOND = np.uint64(0x3C6EF372FE94F82B)
EACH = np.uint64(0xA54FF53A5F1D36F1)
HALF = np.uint64(32)


def _mixed(words: Keys) -> Keys:
    """Numbers whose every bit hangs on every bit of the words."""
    words = words * FIRST
    words ^= words >> HALF
    words *= SECOND
    words ^= words >> HALF
    return words


def key_of(*columns: npt.NDArray[np.generic]) -> Keys:
    """A number for the values that columns of shape (n,) have in a row, shape (n,)."""
    out = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        # Wraps: what counts is that equal values give equal numbers.
        out = _mixed(out + column.astype(np.int64).view(np.uint64) + EACH)
    return out


def payload_keys(packets: Packets) -> Keys:
    """A number for each payload, its length included, shape (n,)."""
    out = np.zeros(len(packets), np.uint64)
    size = packets.payload_size
    order = np.argsort(size, kind="stable")
    edges = np.flatnonzero(np.diff(size[order], prepend=-1, append=-1))
    for left, right in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        length = int(size[order[left]])
        words = -(-length // WORD_BYTES)
        salt = _mixed(np.arange(1, words + 1, dtype=np.uint64) * EACH)
        step = max(1, AT_ONCE // max(1, length))
        for begin in range(left, right, step):
            rows = order[begin : min(begin + step, right)]
            taken = np.zeros((len(rows), words * WORD_BYTES), np.uint8)
            taken[:, :length] = packets[rows].take_payloads(length)
            each = _mixed(taken.view(np.uint64) ^ salt)
            out[rows] = _mixed(each.sum(axis=1, dtype=np.uint64) + np.uint64(length))
    return out


def pair_up(a: Keys, b: Keys, *, most: int | None = None) -> tuple[Rows, Rows]:
    """Rows of `a` and of `b` with the same key, each in one pair at most.

    The first of a key in `a` goes with the first in `b`, and so on. With `most` only keys count
    that are equally often in both, and not more often than that.
    """
    order_a, order_b = np.argsort(a, kind="stable"), np.argsort(b, kind="stable")
    sorted_a, sorted_b = a[order_a], b[order_b]
    left = np.searchsorted(sorted_a, sorted_b, side="left")
    begins = np.searchsorted(sorted_b, sorted_b, side="left")
    place = left + np.arange(len(b)) - begins
    good = place < len(a)
    good[good] = sorted_a[place[good]] == sorted_b[good]
    if most is not None:
        count_a = np.searchsorted(sorted_a, sorted_b, side="right") - left
        count_b = np.searchsorted(sorted_b, sorted_b, side="right") - begins
        good &= (count_a == count_b) & (count_a <= most)
    return order_a[place[good]], order_b[good]
