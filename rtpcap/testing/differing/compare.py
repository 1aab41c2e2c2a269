"""What became of each packet: matched, lost, added, changed, doubled, overtaken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.testing.differing.hashing import Rows
from rtpcap.testing.differing.match import NOWHERE
from rtpcap.testing.differing.side import Side

__all__ = ["Change", "Compared", "compare"]

NEAR = 3
"""A timestamp is moved by itself where none of so many packets on either side moved as far."""
NUMBERS = 128

Mask = npt.NDArray[np.bool_]


class Change(IntFlag):
    """What is not the same in a packet that is in both captures."""

    PAYLOAD = 1
    """Other bytes, as many."""
    SIZE = 2
    """More or fewer bytes of payload."""
    CUT = 4
    """A capture did not keep its end."""
    MARKER = 8
    PAYLOAD_TYPE = 16
    """Another number than most packets of that number have there."""
    TIMESTAMP = 32
    """Moved by itself, not with its neighbours."""

    @property
    def label(self) -> str:
        return str(self.name).lower()


@dataclass(frozen=True, eq=False)
class Compared:
    """Two sides, packet by packet; pairs are streams of `a` and of `b` with packets in common."""

    a: Side
    b: Side
    streams: Rows
    """The stream of `a` and the stream of `b` of each of the k pairs, shape (k, 2)."""
    row_a: Rows
    """The m packets that are in both: rows of `a`; by pair, in each as they came in `b`."""
    row_b: Rows
    pair: Rows
    """Which pair each is of, shape (m,)."""
    change: npt.NDArray[np.uint8]
    """A `Change` each, shape (m,)."""
    reordered: Mask
    """Came in `b` after one that it was before in `a`; shape (m,)."""
    lost: Rows
    """Rows of `a` that are not in `b`."""
    lost_pair: Rows
    """The pair that each would be of, -1 where its stream has none."""
    added: Rows
    """Rows of `b` that are not in `a`."""
    added_pair: Rows
    doubled: Rows
    """Rows of `b` that are copies beyond those that `a` has."""
    doubled_pair: Rows
    again: Rows
    """All rows of `b` that are copies of what came before."""
    fewer: Rows
    """Of each pair: copies in `a` that are missing in `b`; shape (k,)."""
    packets: Rows
    """How many packets each pair has in `a` and in `b`, copies included, shape (k, 2)."""

    @cached_property
    def met(self) -> tuple[set[int], set[int]]:
        """The streams of each side that have a packet in common with the other."""
        rows = np.concatenate([self.row_b, self.again])
        return set(self.streams[:, 0].tolist()), set(self.b.stream[rows].tolist())

    def edges(self, pair: Rows) -> Rows:
        """Where the rows of each pair begin in a column sorted by pair, and the end."""
        return np.searchsorted(pair, np.arange(len(self.streams) + 1))


def compare(a: Side, b: Side, target: Rows) -> Compared:
    """Account for every packet, given the row of `a` for each packet of `b`."""
    there = np.flatnonzero(target != NOWHERE)
    # The first copy by frame: streams of `b` that share one of `a` do not lie in that order.
    order = there[np.lexsort((b.packets.frame[there], target[there]))]
    of = target[order]
    new = np.diff(of, prepend=-1) != 0
    begin = np.flatnonzero(new)
    rank = np.arange(len(of)) - np.repeat(begin, np.diff(begin, append=len(of)))
    row_b, row_a = order[begin], of[begin]
    count = np.diff(begin, append=len(of))
    beyond = rank >= np.maximum(a.copies[of], 1)

    k_b = max(len(b.streams), 1)
    both = a.stream[row_a] * k_b + b.stream[row_b]
    known, pair = np.unique(both, return_inverse=True)
    streams = np.stack([known // k_b, known % k_b], axis=1)
    pair_of = np.full(len(a), -1)
    pair_of[row_a] = pair
    fewer = np.bincount(pair, np.maximum(a.copies[row_a] - count, 0), len(known)).astype(np.int64)
    moved = _moved(a, b, row_a, row_b)

    pair_a = _nearest(pair_of, a.stream)
    pair_b = np.full(len(b), -1)
    pair_b[order] = pair_of[of]
    # A copy that came on another stream than the first is that pair's all the same.
    pair_b = _nearest(pair_b, b.stream)
    lost = np.flatnonzero(a.first & (pair_of < 0))
    added = np.flatnonzero(target == NOWHERE)
    doubled = order[beyond]
    doubled_pair = pair_of[of[beyond]]
    doubled = doubled[np.lexsort((doubled, doubled_pair))]
    doubled_pair = np.sort(doubled_pair)

    reordered = _overtaken(a, b, row_a, row_b)
    by_pair = np.lexsort((row_b, pair))
    row_a, row_b, pair = row_a[by_pair], row_b[by_pair], pair[by_pair]
    packets = [
        np.bincount(side[side >= 0], minlength=len(known)).astype(np.int64)
        for side in (pair_a, pair_b)
    ]
    by_a, by_b = (np.argsort(side, kind="stable") for side in (pair_a[lost], pair_b[added]))
    return Compared(
        a=a,
        b=b,
        streams=streams,
        row_a=row_a,
        row_b=row_b,
        pair=pair,
        change=_changes(a, b, row_a, row_b, pair, moved[by_pair]),
        reordered=reordered[by_pair],
        lost=lost[by_a],
        lost_pair=pair_a[lost][by_a],
        added=added[by_b],
        added_pair=pair_b[added][by_b],
        doubled=doubled,
        doubled_pair=doubled_pair,
        again=order[~new],
        fewer=fewer,
        packets=np.stack(packets, axis=1),
    )


def _nearest(pair: Rows, stream: Rows) -> Rows:
    """For each row the pair of the last row before it that has one, else of the next; -1: none."""
    n = len(pair)
    places = np.arange(n)
    have = pair >= 0
    before = np.maximum.accumulate(np.where(have, places, -1)) if n else places
    after = np.minimum.accumulate(np.where(have, places, n)[::-1])[::-1] if n else places
    out = np.full(n, -1)
    for near in (after, before):
        inside = (near >= 0) & (near < n)
        inside[inside] = stream[near[inside]] == stream[inside]
        out[inside] = pair[near[inside]]
    return out


def _overtaken(a: Side, b: Side, row_a: Rows, row_b: Rows) -> Mask:
    """Whether a packet came in `b` after one of its stream that it was before in `a`."""
    stream = a.stream[row_a]
    order = np.lexsort((b.packets.frame[row_b], stream))
    # Rows of `a` lie stream by stream: no later stream's is lower.
    late = row_a[order] < np.maximum.accumulate(row_a[order])
    out = np.zeros(len(row_a), np.bool_)
    out[order] = late
    return out


def _moved(a: Side, b: Side, row_a: Rows, row_b: Rows) -> Mask:
    """Whether a timestamp was moved by itself; rows in order of `a`."""
    ticks = b.packets.timestamp[row_b] - a.packets.timestamp[row_a]
    stream = a.stream[row_a]
    alike = np.zeros(len(ticks), np.bool_)
    alone = np.ones(len(ticks), np.bool_)
    for away in range(1, NEAR + 1):
        beside = stream[away:] == stream[:-away]
        same = beside & (ticks[away:] == ticks[:-away])
        alike[away:] |= same
        alike[:-away] |= same
        alone[away:] &= ~beside
        alone[:-away] &= ~beside
    # Another clock rate is another codec's, and moves all.
    rates = [np.array([s.clock_rate or 0 for s in side.streams], np.int64) for side in (a, b)]
    same_clock = rates[0][stream] == rates[1][b.stream[row_b]]
    return np.asarray(~alike & ~alone & same_clock)


def _changes(
    a: Side, b: Side, row_a: Rows, row_b: Rows, pair: Rows, moved: Mask
) -> npt.NDArray[np.uint8]:
    p, q = a.packets, b.packets
    cut = (p.fault[row_a] == Fault.CUT) | (q.fault[row_b] == Fault.CUT)
    other = a.payload[row_a] != b.payload[row_b]
    size = p.payload_size[row_a] != q.payload_size[row_b]
    flags = (
        (Change.PAYLOAD, other & ~size & ~cut),
        (Change.SIZE, size & ~cut),
        (Change.CUT, other & cut),
        (Change.MARKER, p.marker[row_a] != q.marker[row_b]),
        (Change.PAYLOAD_TYPE, _renumbered(p.payload_type[row_a], q.payload_type[row_b], pair)),
        (Change.TIMESTAMP, moved),
    )
    out = np.zeros(len(row_a), np.uint8)
    for flag, true in flags:
        out[true] |= int(flag)
    return out


def _renumbered(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], pair: Rows) -> Mask:
    """Whether a payload type became another one than most of its number in the pair."""
    before = pair * NUMBERS + one
    both = before * NUMBERS + other
    kinds, group, votes = np.unique(both, return_inverse=True, return_counts=True)
    # Most votes win, and of as many the number that stayed the same.
    stayed = kinds // NUMBERS % NUMBERS == kinds % NUMBERS
    order = np.lexsort((stayed, votes, kinds // NUMBERS))
    last = np.diff(kinds[order] // NUMBERS, append=-1) != 0
    chosen = np.zeros(len(kinds), np.bool_)
    chosen[order[last]] = True
    return ~chosen[group]
