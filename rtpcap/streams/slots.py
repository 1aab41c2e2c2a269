"""The slots of a stream: one for each packet that was sent, as far as the packets tell.

Slots are counted from 0 over all epochs of a stream, from the lowest sequence number of each to
its highest (RFC 3550 A.3). Each holds the first copy of a packet, or is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.streams.ledger import FOREIGN, Ledger

__all__ = ["LossRuns", "Slots", "stream_numbers"]


def stream_numbers(starts: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int32]:
    """Which of k streams each of n rows belongs to, from their first rows."""
    lengths = np.diff(starts, append=n)
    return np.repeat(np.arange(len(starts), dtype=np.int32), lengths)


@dataclass(frozen=True, eq=False)
class LossRuns:
    """Runs of lost slots, in order, streams one after the other; columns of shape (r,)."""

    stream: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    """The first lost slot of each run."""
    length: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]
    """How many slots each stream has, shape (k,)."""

    def lost(self) -> npt.NDArray[np.int64]:
        """Lost slots of each stream, shape (k,)."""
        counts = np.bincount(self.stream, weights=self.length, minlength=len(self.expected))
        return counts.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Slots:
    """The slots of k streams that hold a packet, in order, streams one after the other."""

    rows: npt.NDArray[np.int64]
    """The row of the packet in each, shape (m,)."""
    stream: npt.NDArray[np.int32]
    epoch: npt.NDArray[np.int32]
    place: npt.NDArray[np.int64]
    """The number of each slot in its stream."""
    expected: npt.NDArray[np.int64]
    """How many slots each stream has, shape (k,)."""

    @classmethod
    def of(cls, ledger: Ledger) -> Slots:
        """The slots of the streams of a ledger."""
        n, k = len(ledger), len(ledger.starts)
        stream = stream_numbers(ledger.starts, n)
        first = (ledger.epoch != FOREIGN) & ~ledger.duplicate
        rows = np.flatnonzero(first)
        uneven: npt.NDArray[np.bool_] = np.zeros(k, np.bool_)
        uneven[stream[ledger.reordered | (ledger.epoch != 0)]] = True
        if uneven.any():
            mixed = np.flatnonzero(uneven[stream[rows]])
            own = rows[mixed]
            rows[mixed] = own[np.lexsort((ledger.extended[own], ledger.epoch[own], stream[own]))]
        owner, epoch, number = stream[rows], ledger.epoch[rows], ledger.extended[rows]
        new = np.ones(len(rows), np.bool_)
        new[1:] = (owner[1:] != owner[:-1]) | (epoch[1:] != epoch[:-1])
        heads = np.flatnonzero(new)
        ends = np.append(heads[1:], len(rows)) - 1
        spans = number[ends] - number[heads] + 1 if len(heads) else np.zeros(0, np.int64)
        expected = np.zeros(k, np.int64)
        np.add.at(expected, owner[heads], spans)
        # Slots of all epochs before, less those of the streams before.
        before = spans.cumsum() - spans
        base = before - (expected.cumsum() - expected)[owner[heads]]
        lengths = np.diff(np.append(heads, len(rows)))
        place = number + np.repeat(base - number[heads], lengths)
        return cls(rows, owner, epoch, place, expected)

    def loss_runs(self, heard: npt.NDArray[np.bool_] | None = None) -> LossRuns:
        """The runs of slots that are lost, or (`heard`, shape (m,)) hold what was not heard."""
        stream, place = self.stream, self.place
        if heard is not None and not heard.all():
            stream, place = stream[heard], place[heard]
        k = len(self.expected)
        counts = np.bincount(stream, minlength=k)
        ends = counts.cumsum()
        some = counts > 0
        step = place[1:] - place[:-1]
        odd = np.zeros(len(place), np.bool_)
        odd[1:] = step != 1
        odd[(ends - counts)[some]] = True
        found = np.flatnonzero(odd)
        before = np.full(len(found), -1, np.int64)
        inside = np.ones(len(found), np.bool_)
        inside[np.searchsorted(found, (ends - counts)[some])] = False
        before[inside] = place[found[inside] - 1]
        holes = place[found] - before - 1
        begin, length, owner = before[holes > 0] + 1, holes[holes > 0], stream[found[holes > 0]]
        last = np.full(k, -1, np.int64)
        last[some] = place[ends[some] - 1]
        tails = np.flatnonzero(last + 1 < self.expected)
        if len(tails):
            owner = np.concatenate([owner, tails.astype(np.int32)])
            begin = np.concatenate([begin, last[tails] + 1])
            length = np.concatenate([length, (self.expected - last - 1)[tails]])
            order = np.argsort(owner, kind="stable")
            owner, begin, length = owner[order], begin[order], length[order]
        return LossRuns(owner, begin, length, self.expected)
