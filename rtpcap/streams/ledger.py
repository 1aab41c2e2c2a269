"""Every packet's place in the sequence of its stream: RFC 3550 appendix A.1, read offline.

An offline reader needs no probation (the first packet counts), and it has the capture's clock
beside the sender's. So two rules stand beside those of A.1:

* an outage: a jump of 3,000 packets or more whose timestamp advance and capture time both agree
  with the number of packets is loss, not a restart;
* a restart: a packet whose timestamp fits neither the elapsed time nor its sequence number
  belongs to a sender that began anew, however small its jump in sequence numbers.

A restart begins a new epoch; figures are summed over epochs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import signed_delta, steps

__all__ = ["FOREIGN", "MAX_DROPOUT", "MAX_MISORDER", "UNRELATED_S", "Clocks", "Counts", "Ledger"]

MAX_DROPOUT = 3000
MAX_MISORDER = 100
UNRELATED_S = 10.0
"""How far a timestamp may be from where the elapsed time puts it and still be the same line."""

FOREIGN = -1
"""The epoch of a packet whose sequence number jumped far, alone: it stands in no sequence."""

# Sequence numbers of different streams and epochs are told apart in one array by lifting each
# group by more than any of them can reach.
LIFT = 1 << 40


@dataclass(frozen=True, eq=False)
class Clocks:
    """The lowest and the highest clock rate each stream may have, in Hz: float64, shape (k,).

    Equal where the rate is known; where no payload type has a known rate, the range of those in
    use (8,000 to 90,000 Hz), so that the timestamp rules still catch what no clock explains.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums of a ledger, one row a stream: int64, shape (k,)."""

    packets: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]
    lost: npt.NDArray[np.int64]
    duplicates: npt.NDArray[np.int64]
    captured_twice: npt.NDArray[np.int64]
    reordered: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ledger:
    """One row a packet, in capture order, streams one after the other."""

    starts: npt.NDArray[np.int64]
    """First row of each stream, shape (k,)."""
    extended: npt.NDArray[np.int64]
    """Sequence number without wraps; each epoch begins with the number on the wire."""
    epoch: npt.NDArray[np.int32]
    """0 for a stream's first epoch, counted up at each restart, `FOREIGN` outside all."""
    duplicate: npt.NDArray[np.bool_]
    """A copy of a packet that was there before."""
    captured_twice: npt.NDArray[np.bool_]
    """Those of them that the capture made: `keep` knows of none, `copies.keep` marks them."""
    reordered: npt.NDArray[np.bool_]
    """A first copy that came after one with a higher sequence number."""

    def __len__(self) -> int:
        return len(self.extended)

    @classmethod
    def keep(
        cls,
        sequence: npt.NDArray[np.uint16],
        timestamp: npt.NDArray[np.uint32],
        time_ns: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        clocks: Clocks,
    ) -> Ledger:
        """The ledger of k streams whose packets lie one after the other, columns of shape (n,)."""
        n, k = len(sequence), len(starts)
        lengths = np.diff(starts, append=n)
        stream = np.repeat(np.arange(k, dtype=np.int32), lengths)
        advance = steps(sequence)
        advance[starts] = 0
        extended = np.cumsum(advance, dtype=np.int64)
        extended += np.repeat(sequence[starts] - extended[starts], lengths)
        epoch = np.zeros(n, np.int32)
        duplicate = np.zeros(n, np.bool_)
        reordered = np.zeros(n, np.bool_)

        first = np.zeros(n, np.bool_)
        first[starts] = True
        straight = advance > 0
        straight |= first
        uneven: npt.NDArray[np.bool_] = np.zeros(k, np.bool_)
        if straight.all():
            beyond = (advance >= MAX_DROPOUT) | _unrelated(
                steps(timestamp), _elapsed(time_ns), clocks, stream
            )
        else:
            uneven[stream[~straight]] = True
            beyond = _beyond(extended, timestamp, time_ns, stream, first, clocks)
        beyond &= ~first
        broken = np.flatnonzero(np.bincount(stream[beyond], minlength=k))
        for i in broken.tolist():
            own = slice(int(starts[i]), int(starts[i] + lengths[i]))
            low, high = float(clocks.low[i]), float(clocks.high[i])
            walk = _Walk(sequence[own], timestamp[own], time_ns[own], low, high)
            extended[own], epoch[own] = walk.extended, walk.epoch
        uneven[broken] = True
        if uneven.any():
            rows = np.flatnonzero(uneven[stream])
            rows = rows[epoch[rows] != FOREIGN]
            duplicate[rows], reordered[rows] = _copies(extended[rows], epoch[rows], stream[rows])
        return cls(
            starts=starts,
            extended=extended,
            epoch=epoch,
            duplicate=duplicate,
            captured_twice=np.zeros(n, np.bool_),
            reordered=reordered,
        )

    def counts(self) -> Counts:
        """Packets, expected, lost, copies of both kinds and reordered of each stream."""
        n, k = len(self), len(self.starts)
        packets = np.diff(self.starts, append=n)
        if not self.epoch.any():
            edges = self.starts
            owner = np.arange(k)
            inside = self.extended
            copies = np.add.reduceat(self.duplicate, edges, dtype=np.int64)
            distinct = packets - copies
        else:
            stream = np.repeat(np.arange(k), packets)
            rows = np.flatnonzero(self.epoch != FOREIGN)
            rows = rows[np.lexsort((self.epoch[rows], stream[rows]))]
            group_stream, group_epoch = stream[rows], self.epoch[rows]
            new = np.ones(len(rows), np.bool_)
            new[1:] = (np.diff(group_stream) != 0) | (np.diff(group_epoch) != 0)
            edges = np.flatnonzero(new)
            owner = group_stream[edges]
            inside = self.extended[rows]
            copies = np.bincount(group_stream[self.duplicate[rows]], minlength=k)
            distinct = np.bincount(group_stream, minlength=k) - copies
        spans = np.maximum.reduceat(inside, edges) - np.minimum.reduceat(inside, edges) + 1
        expected = np.zeros(k, np.int64)
        np.add.at(expected, owner, spans)
        twice = np.zeros(k, np.int64)
        if self.captured_twice.any():
            twice = np.add.reduceat(self.captured_twice, self.starts, dtype=np.int64)
        return Counts(
            packets=packets,
            expected=expected,
            lost=expected - distinct,
            duplicates=copies.astype(np.int64) - twice,
            captured_twice=twice,
            reordered=np.add.reduceat(self.reordered, self.starts, dtype=np.int64),
        )


def _elapsed(time_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Seconds since the row before, shape (n,); nan where either has no time."""
    out = np.empty(len(time_ns))
    out[:1] = np.nan
    np.subtract(time_ns[1:], time_ns[:-1], out=out[1:], casting="unsafe")
    out *= 1e-9
    return _blank(out, time_ns == NO_TIME)


def _blank(
    elapsed: npt.NDArray[np.float64], absent: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    if absent.any():
        elapsed[absent] = np.nan
        elapsed[1:][absent[:-1]] = np.nan
    return elapsed


def _unrelated(
    ticks: npt.NDArray[np.int32] | npt.NDArray[np.int64],
    elapsed: npt.NDArray[np.float64],
    clocks: Clocks,
    stream: npt.NDArray[np.int32],
) -> npt.NDArray[np.bool_]:
    """Where a step of the timestamp is more than `UNRELATED_S` from the elapsed time.

    False where a time is missing: comparisons with nan are.
    """
    if len(clocks.low) == 1:
        low, high = clocks.low[0], clocks.high[0]
    elif (clocks.low == clocks.low[0]).all() and (clocks.high == clocks.low[0]).all():
        low = high = clocks.low[0]
    else:
        low, high = clocks.low[stream], clocks.high[stream]
    late = elapsed + UNRELATED_S
    above = ticks > np.maximum(late * high, late * low)
    late -= 2 * UNRELATED_S
    return np.asarray(above | (ticks < np.minimum(late * low, late * high)))


def _beyond(
    extended: npt.NDArray[np.int64],
    timestamp: npt.NDArray[np.uint32],
    time_ns: npt.NDArray[np.int64],
    stream: npt.NDArray[np.int32],
    first: npt.NDArray[np.bool_],
    clocks: Clocks,
) -> npt.NDArray[np.bool_]:
    """Where a packet is not plainly next, late or a copy beside the highest one before it."""
    lifted = extended + stream.astype(np.int64) * LIFT
    highest = np.maximum.accumulate(lifted)
    ahead = np.zeros(len(lifted), np.int64)
    ahead[1:] = lifted[1:] - highest[:-1]
    holder = np.where((ahead > 0) | first, np.arange(len(lifted)), 0)
    before = np.empty_like(holder)
    before[:1] = 0
    before[1:] = np.maximum.accumulate(holder)[:-1]
    wide = timestamp.astype(np.int64)
    ticks = signed_delta(wide, wide[before], 32)
    elapsed = np.asarray((time_ns - time_ns[before]) * 1e-9, np.float64)
    absent = time_ns == NO_TIME
    elapsed[absent | absent[before]] = np.nan
    jump = (ahead >= MAX_DROPOUT) | (ahead <= -MAX_MISORDER)
    return jump | _unrelated(ticks, elapsed, clocks, stream)


def _copies(
    extended: npt.NDArray[np.int64], epoch: npt.NDArray[np.int32], stream: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(duplicate, reordered) of rows in capture order, streams one after the other."""
    by_epoch = np.lexsort((epoch, stream))
    new = np.zeros(len(by_epoch), np.int64)
    new[1:] = (np.diff(stream[by_epoch]) != 0) | (np.diff(epoch[by_epoch]) != 0)
    lifted = extended[by_epoch] + new.cumsum() * LIFT
    by_number = np.argsort(lifted, kind="stable")
    copy = np.zeros(len(lifted), np.bool_)
    copy[by_number[1:]] = np.diff(lifted[by_number]) == 0
    late = np.zeros(len(lifted), np.bool_)
    late[1:] = lifted[1:] < np.maximum.accumulate(lifted)[:-1]
    duplicate = np.empty_like(copy)
    duplicate[by_epoch] = copy
    reordered = np.empty_like(late)
    reordered[by_epoch] = late & ~copy
    return duplicate, reordered


class _Walk:
    """One stream whose numbers jump, packet by packet where they do and by stretches between.

    Attributes `extended` and `epoch` as in `Ledger`, shape (n,).
    """

    def __init__(
        self,
        sequence: npt.NDArray[np.uint16],
        timestamp: npt.NDArray[np.uint32],
        time_ns: npt.NDArray[np.int64],
        low: float,
        high: float,
    ) -> None:
        n = len(sequence)
        self.low, self.high = low, high
        self.extended = sequence.astype(np.int64)
        self.epoch = np.zeros(n, np.int32)
        self.sequence, self.timestamp, self.time = sequence, timestamp, time_ns
        advance = steps(sequence)
        ticks = steps(timestamp)
        clocks = Clocks(np.array([low]), np.array([high]))
        odd = (advance < 1) | (advance >= MAX_DROPOUT)
        odd |= _unrelated(ticks, _elapsed(time_ns), clocks, np.zeros(n, np.int32))
        odd[0] = True
        typical = ticks[(advance == 1) & (ticks > 0)]
        self.step = int(np.median(typical)) if len(typical) else 0
        """Ticks a packet, as most packets have it; 0 where none shows."""

        self.anchor = 0
        self.current = self.epochs = 0
        self.pending: list[int] = []
        self.bad_sequence = -1
        odd_rows = [*np.flatnonzero(odd).tolist(), n]
        row = 1
        for end in odd_rows[1:]:
            if row < end:
                # The first row of a stretch is in order beside the row before it; the anchor
                # may be an earlier one still, where that row came late.
                while row < end and self.anchor != row - 1:
                    self._packet(row)
                    row += 1
                if row < end:
                    base = self.extended[self.anchor]
                    self.extended[row:end] = base + advance[row:end].cumsum(dtype=np.int64)
                    self.epoch[row:end] = self.current
                    self.anchor = end - 1
                    row = end
            if row < n:
                self._packet(row)
                row += 1

    def _packet(self, row: int) -> None:
        """RFC 3550 A.1 ``update_seq`` for one packet, with the two timestamp rules."""
        anchor = self.anchor
        ahead = (int(self.sequence[row]) - int(self.sequence[anchor])) & 0xFFFF
        ticks = signed_delta(int(self.timestamp[row]), int(self.timestamp[anchor]), 32)
        now, then = int(self.time[row]), int(self.time[anchor])
        elapsed = None if NO_TIME in (now, then) else (now - then) * 1e-9
        if ahead < MAX_DROPOUT:
            if self._fits(ticks, elapsed, ahead):
                self._join(row, int(self.extended[anchor]) + ahead, highest=ahead > 0)
            else:
                self._restart(row)
        elif ahead <= (1 << 16) - MAX_MISORDER:
            if self._is_outage(ticks, elapsed, ahead):
                self._join(row, int(self.extended[anchor]) + ahead, highest=True)
            elif int(self.sequence[row]) == self.bad_sequence:
                self._restart(row)
            else:
                self._wait(row)
        elif self._fits(ticks, elapsed, ahead - (1 << 16)):
            self._join(row, int(self.extended[anchor]) + ahead - (1 << 16), highest=False)
        else:
            self._restart(row)

    def _fits(self, ticks: int, elapsed: float | None, ahead: int) -> bool:
        """Whether a timestamp step goes with the elapsed time, or with the sequence numbers."""
        if elapsed is None:
            return True
        slack = UNRELATED_S
        late, early = elapsed + slack, elapsed - slack
        highest = max(late * self.low, late * self.high)
        lowest = min(early * self.low, early * self.high)
        return lowest <= ticks <= highest or abs(ticks - ahead * self.step) <= slack * self.high

    def _is_outage(self, ticks: int, elapsed: float | None, ahead: int) -> bool:
        if elapsed is None or not self.step:
            return False
        media = ahead * self.step
        return (
            abs(ticks - media) <= UNRELATED_S * self.high
            and media / self.high - UNRELATED_S <= elapsed <= media / self.low + UNRELATED_S
        )

    def _join(self, row: int, extended: int, *, highest: bool) -> None:
        self.extended[row] = extended
        self.epoch[row] = self.current
        if highest:
            self.anchor = row

    def _restart(self, row: int) -> None:
        """A new epoch; the packets that announced it, waiting as foreign, are its first."""
        self.epochs += 1
        self.current = self.epochs
        number = int(self.sequence[row])
        self._join(row, number, highest=True)
        if number == self.bad_sequence:
            for waiting in self.pending:
                self._join(waiting, number - 1, highest=False)
        self.pending, self.bad_sequence = [], -1

    def _wait(self, row: int) -> None:
        """A far jump is believed when a second packet agrees with it (A.1, ``bad_seq``)."""
        self.epoch[row] = FOREIGN
        following = (int(self.sequence[row]) + 1) & 0xFFFF
        if following != self.bad_sequence:
            self.bad_sequence, self.pending = following, []
        self.pending.append(row)
