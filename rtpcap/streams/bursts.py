"""Loss in bursts and in gaps (RFC 3611 section 4.7.2), the longest outage, and BurstR.

A burst begins and ends with a lost slot and has no `GMIN` received ones in a row inside; a lost
slot with `GMIN` received on each side belongs to a gap. The stream is taken to be preceded and
followed by `GMIN` received packets. The figures come in two forms, which differ: `bursts` counts
what there is, `markov` gives the integers of appendix A.2 as they are sent in reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.streams.slots import LossRuns

__all__ = ["GMIN", "Bursts", "Markov", "burst_ratio", "bursts", "longest", "markov"]

GMIN = 16

DENSITY = 256
"""Densities of RFC 3611 are in units of 1/256, in eight bits."""
MOST_DENSITY = 0xFF
MOST_MS = 0xFFFF


@dataclass(frozen=True, eq=False)
class Bursts:
    """Bursts and gaps of each stream as counted: shape (k,); nan where there is nothing to part."""

    bursts: npt.NDArray[np.int64]
    burst_packets: npt.NDArray[np.int64]
    """Slots inside bursts, lost and received."""
    burst_lost: npt.NDArray[np.int64]
    gaps: npt.NDArray[np.int64]
    gap_packets: npt.NDArray[np.int64]
    gap_lost: npt.NDArray[np.int64]

    @property
    def burst_density_pct(self) -> npt.NDArray[np.float64]:
        """Lost of the slots inside bursts, in percent."""
        return 100 * _part(self.burst_lost, self.burst_packets)

    @property
    def gap_density_pct(self) -> npt.NDArray[np.float64]:
        """Lost of the slots outside bursts, in percent."""
        return 100 * _part(self.gap_lost, self.gap_packets)

    def burst_ms(self, packet_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Mean duration of a burst, from the duration of a packet in each stream."""
        return _part(self.burst_packets, self.bursts) * packet_ms

    def gap_ms(self, packet_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Mean duration of a gap."""
        return _part(self.gap_packets, self.gaps) * packet_ms


@dataclass(frozen=True, eq=False)
class Markov:
    """Burst and gap figures as in a VoIP Metrics report block: integers, shape (k,)."""

    burst_density: npt.NDArray[np.int64]
    """In 1/256."""
    gap_density: npt.NDArray[np.int64]
    burst_ms: npt.NDArray[np.int64]
    gap_ms: npt.NDArray[np.int64]


def _part(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    out = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _received_before(runs: LossRuns) -> npt.NDArray[np.int64]:
    """Received slots between each run and the one before it, or the beginning of the stream."""
    end = runs.begin + runs.length
    before = np.zeros(len(end), np.int64)
    before[1:] = end[:-1]
    head = np.ones(len(end), np.bool_)
    head[1:] = runs.stream[1:] != runs.stream[:-1]
    before[head] = -GMIN
    return runs.begin - before


def bursts(runs: LossRuns) -> Bursts:
    """Bursts and gaps of each stream."""
    k = len(runs.expected)
    apart = np.flatnonzero(_received_before(runs) >= GMIN)
    owner = runs.stream[apart]
    if len(apart):
        lost = np.add.reduceat(runs.length, apart)
        ends = np.append(apart[1:], len(runs.begin)) - 1
        begin, end = runs.begin[apart], runs.begin[ends] + runs.length[ends]
    else:
        lost = begin = end = np.zeros(0, np.int64)
    dense = lost > 1
    owner, begin, end, inside = owner[dense], begin[dense], end[dense], lost[dense]

    def total(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.bincount(owner, weights=values, minlength=k).astype(np.int64)

    count = np.bincount(owner, minlength=k)
    slots, burst_lost = total(end - begin), total(inside)
    # One gap more than bursts, but none before a burst at the very beginning or after one at the
    # very end.
    gaps = np.where(runs.expected > 0, count + 1, 0)
    gaps -= total((begin == 0).astype(np.int64))
    gaps -= total((end == runs.expected[owner]).astype(np.int64))
    return Bursts(
        bursts=count,
        burst_packets=slots,
        burst_lost=burst_lost,
        gaps=gaps,
        gap_packets=runs.expected - slots,
        gap_lost=runs.lost() - burst_lost,
    )


def markov(runs: LossRuns, packet_ms: npt.NDArray[np.float64]) -> Markov:
    """The integers of RFC 3611 A.2, from the duration of a packet in each stream, shape (k,).

    The transition counts carry the names that they have there: state 1 is received in a gap, 2
    received in a burst, 3 lost in a burst, 4 lost in a gap.
    """
    k = len(runs.expected)
    received = _received_before(runs)
    far = received >= GMIN
    # Lost slots since the last far one, as A.2 counts them in `lost`, up to the run before.
    since = runs.length.cumsum()
    clusters = np.flatnonzero(far)
    sums = np.diff(np.append((since - runs.length)[clusters], since[-1:]))
    head = np.ones(len(far), np.bool_)
    head[1:] = runs.stream[1:] != runs.stream[:-1]
    alone = np.zeros(len(far), np.bool_)
    alone[clusters[1:]] = sums[:-1] == 1
    alone &= ~head

    def total(values: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.bincount(runs.stream, weights=values, minlength=k).astype(np.float64)

    c14 = total(far & alone)
    c13 = total(far & ~alone)
    c11 = total(np.where(far, received, 0))
    near = ~far
    c23 = total(near)
    c22 = total(np.where(near, received - 1, 0))
    c33 = total(runs.length - 1)
    c31, c32 = c13, c23
    whole = c11 + c14 + c13 + c22 + c23 + c31 + c32 + c33
    with np.errstate(divide="ignore", invalid="ignore"):
        p32 = np.where(c32 > 0, c32 / (c31 + c32 + c33), 0)
        p23 = np.where(c22 + c23 < 1, 1, 1 - c22 / (c22 + c23))
        burst = np.where(c13 > 0, DENSITY * p23 / (p23 + p32), 0)
        gap = np.where(c14 > 0, DENSITY * c14 / (c11 + c14), 0)
        gap_ms = np.where(c13 > 0, (c11 + c14 + c13) * packet_ms / c13, 0)
        burst_ms = np.where(c13 > 0, whole * packet_ms / c13 - gap_ms, 0)

    def field(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
        return np.minimum(np.nan_to_num(values), most).astype(np.int64)

    return Markov(
        burst_density=field(burst, MOST_DENSITY),
        gap_density=field(gap, MOST_DENSITY),
        burst_ms=field(burst_ms, MOST_MS),
        gap_ms=field(gap_ms, MOST_MS),
    )


def longest(runs: LossRuns) -> npt.NDArray[np.int64]:
    """The most slots lost in a row in each stream, shape (k,)."""
    out = np.zeros(len(runs.expected), np.int64)
    np.maximum.at(out, runs.stream, runs.length)
    return out


def burst_ratio(runs: LossRuns) -> npt.NDArray[np.float64]:
    """BurstR of ITU-T G.107 for each stream, shape (k,): how much longer runs of loss are than
    random loss of the same share would make them.

    (1 - p) times the mean length of a run; 1 where there are fewer than two runs.
    """
    k = len(runs.expected)
    count = np.bincount(runs.stream, minlength=k)
    lost = runs.lost()
    ratio = np.ones(k)
    some = count > 1
    share = lost[some] / runs.expected[some]
    ratio[some] = (1 - share) * lost[some] / count[some]
    return ratio
