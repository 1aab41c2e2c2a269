"""Whether both directions between two hosts lose packets in the same instants.

A network loses packets of one direction at a time: what is lost between one end and the tap is
missing in the direction from there alone. A capture that cannot keep up drops whatever comes, so
that both directions have a hole from the same instant to the same instant.

How many holes coincide by chance follows from how many there are. Of holes a in one direction and b
in the other, strewn over a common time of D seconds, a given pair begins within T seconds of each
other with a probability of 2 T / D; and its ends fit too with the probability f that the lengths of
two holes do. E = a b f 2 T / D pairs are expected, and k or more of them happen with a probability
of at most exp(k - E) (E / k)**k (Chernoff's bound for Poisson's distribution).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.serial import steps
from rtpcap.streams.ledger import MAX_DROPOUT
from rtpcap.streams.stream import Stream

__all__ = ["Coincidence", "coincidence"]

USUAL_PACKET_MS = 20.0
"""RFC 3551 section 4.2, where a stream does not tell."""
FEW = 5
"""So few holes do not tell how often their lengths fit: their own length is taken instead."""

Column = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coincidence:
    """Holes that both directions have, over all pairs of hosts of a capture."""

    instants: int
    packets: int
    """Those missing in them."""
    expected: float
    """How many such instants there would be by chance."""
    probability: float
    """Of so many or more by chance, at most."""
    frames: tuple[int, ...]
    """Those behind the holes."""


@dataclass(frozen=True, eq=False)
class _Holes:
    """The holes of one direction, each once however many streams have it; sorted by begin."""

    begin_ns: Column
    end_ns: Column
    packets: Column
    frame: Column
    """The one behind each."""

    def __len__(self) -> int:
        return len(self.begin_ns)


def coincidence(streams: Iterable[Stream]) -> Coincidence:
    """What coincides in the streams of a capture."""
    by_hosts: dict[tuple[str, str], list[Stream]] = {}
    for stream in streams:
        by_hosts.setdefault((stream.src, stream.dst), []).append(stream)
    expected, instants, packets = 0.0, 0, 0
    frames: list[int] = []
    for (src, dst), there in by_hosts.items():
        back = by_hosts.get((dst, src), [])
        if not back or src >= dst:
            continue
        # Who echoes packets echoes their losses too.
        both = {stream.ssrc for stream in there} & {stream.ssrc for stream in back}
        ways = [[s for s in way if s.quality.lost and s.ssrc not in both] for way in (there, back)]
        if not all(ways):
            continue
        within_ns = int(max(_packet_ms(stream) for way in ways for stream in way) * 1e6)
        one, other = (_holes(way, within_ns) for way in ways)
        span_ns = _common(there, back)
        if not len(one) or not len(other) or span_ns <= 0:
            continue
        expected += _expected(one, other, within_ns, span_ns)
        own, theirs = _matching(one, other, within_ns)
        instants += len(own)
        packets += int(one.packets[own].sum() + other.packets[theirs].sum())
        frames += [*one.frame[own].tolist(), *other.frame[theirs].tolist()]
    return Coincidence(
        instants, packets, expected, _at_least(instants, expected), tuple(sorted(frames))
    )


def _packet_ms(stream: Stream) -> float:
    return stream.quality.ptime_ms or USUAL_PACKET_MS


def _holes(streams: list[Stream], within_ns: int) -> _Holes:
    """The runs of lost packets, from the packet before to the one behind, as these came."""
    parts = [_own_holes(stream.packets) for stream in streams]
    begin, end, count, frame = np.concatenate(parts, axis=1)
    order = np.lexsort((end, begin))
    begin, end, count, frame = begin[order], end[order], count[order], frame[order]
    # One cause makes holes in many streams: it counts once, with all that is missing.
    new = np.ones(len(begin), np.bool_)
    new[1:] = (np.diff(begin) > within_ns) | (np.abs(np.diff(end)) > within_ns)
    heads = np.flatnonzero(new)
    total = np.add.reduceat(count, heads) if len(heads) else count
    return _Holes(begin[heads], end[heads], total, frame[heads])


def _own_holes(packets: Packets) -> Column:
    """(begin, end, packets missing, frame behind) of one stream's, shape (4, n)."""
    number = steps(packets.sequence).astype(np.int64).cumsum()
    highest = np.maximum.accumulate(number)
    ahead = np.diff(highest)
    row = np.flatnonzero((ahead > 1) & (ahead < MAX_DROPOUT))
    # What comes late was not lost: its hole is none, or is not as long as it seems.
    late = number[1:][number[1:] < highest[:-1]]
    filled = np.searchsorted(highest[row], late) - 1
    sound = np.ones(len(row), np.bool_)
    sound[filled[filled >= 0]] = False
    begin, end = packets.time_ns[row], packets.time_ns[row + 1]
    sound &= (begin != NO_TIME) & (end != NO_TIME) & (end > begin)
    frame = packets.frame[row + 1].astype(np.int64)
    return np.stack([begin, end, ahead[row] - 1, frame])[:, sound]


def _common(there: list[Stream], back: list[Stream]) -> int:
    """How long both directions ran, nanoseconds."""
    spans = []
    for way in (there, back):
        starts = [stream.start_ns for stream in way if stream.start_ns is not None]
        ends = [stream.end_ns for stream in way if stream.end_ns is not None]
        if not starts or not ends:
            return 0
        spans.append((min(starts), max(ends)))
    return min(end for _, end in spans) - max(start for start, _ in spans)


def _expected(one: _Holes, other: _Holes, within_ns: int, span_ns: int) -> float:
    """How many pairs begin and end together by chance."""
    lengths = np.sort(other.end_ns - other.begin_ns)
    mine = one.end_ns - one.begin_ns
    if len(other) >= FEW:
        low = np.searchsorted(lengths, mine - 2 * within_ns, side="left")
        high = np.searchsorted(lengths, mine + 2 * within_ns, side="right")
        fitting = (high - low) / len(other)
    else:
        fitting = np.minimum(1.0, 2 * within_ns / np.maximum(mine, 1))
    return float(fitting.sum()) * len(other) * min(1.0, 2 * within_ns / span_ns)


def _matching(one: _Holes, other: _Holes, within_ns: int) -> tuple[Column, Column]:
    """The rows of holes that begin and end together; each is in one pair at most."""
    at = np.searchsorted(other.begin_ns, one.begin_ns)
    own = np.arange(len(one))
    pairs: list[tuple[Column, Column]] = []
    for near in (at - 1, at):
        row = np.clip(near, 0, len(other) - 1)
        fits = np.abs(other.begin_ns[row] - one.begin_ns) <= within_ns
        fits &= np.abs(other.end_ns[row] - one.end_ns) <= within_ns
        pairs.append((own[fits], row[fits]))
    left = np.concatenate([pair[0] for pair in pairs])
    right = np.concatenate([pair[1] for pair in pairs])
    _, first = np.unique(left, return_index=True)
    left, right = left[first], right[first]
    _, first = np.unique(right, return_index=True)
    return left[first], right[first]


def _at_least(count: int, expected: float) -> float:
    """How likely `count` or more are where so many are expected, at most.

    >>> _at_least(0, 0.1), _at_least(1, 2.0)
    (1.0, 1.0)
    >>> round(_at_least(3, 0.01), 9)
    7.37e-07
    """
    if count <= expected or not count:
        return 1.0
    if not expected:
        return 0.0
    return min(1.0, math.exp(count - expected + count * math.log(expected / count)))
