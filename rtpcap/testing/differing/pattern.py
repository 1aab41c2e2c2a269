"""Runs of packets whose contents repeat, under other numbers: laid beside each other as a whole.

A tone of a whole number of packets a period has few contents, each many times, and silence has one.
Which packet is which shows only when all of a run is laid beside all of another; and where several
places are as good, by when they came.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.testing.differing.hashing import Keys, Rows
from rtpcap.testing.differing.side import Side

__all__ = ["same_pattern"]

NOWHERE = -1
MOST_LAID = 1 << 24
"""Packets that are laid beside others, all together."""
LEAST_SHARE = 0.5
"""Of a run's packets so many must find their content in the other."""
LEAST_PACKETS = 8
"""Fewer prove nothing ..."""
LEAST_RELATED = 2
"""... but where the addresses are the same."""
MOST_RUNS = 256
"""So many runs are tried at most ..."""
MOST_OTHERS = 8
"""... each with so many others."""
AS_GOOD = 0.5
"""Places that so few packets more speak for are as good ..."""
NEARLY_AS_GOOD = 0.1
"""... and where times tell, those that such a share more speak for."""


def same_pattern(a: Side, b: Side, found: Rows) -> Rows:
    """Pairs (row of `a`, row of `b`) of runs that have no packet in common yet, shape (m, 2)."""
    free = a.first.copy()
    there = found[found != NOWHERE]
    free[there] = False
    delay = _delay(a, b, there, np.flatnonzero(found != NOWHERE))
    pairs = [np.empty((0, 2), np.int64)]
    left = MOST_LAID
    for rows_b in islice(_runs(b, b.first & _untouched(b.run, found)), MOST_RUNS):
        for rows_a, related in _others(a, b, free, rows_b):
            left -= _span(a, rows_a) + _span(b, rows_b)
            if left < 0:
                return np.concatenate(pairs)
            laid = _beside(a, b, rows_a, rows_b, delay)
            if len(laid) >= max(
                LEAST_RELATED if related else LEAST_PACKETS, LEAST_SHARE * len(rows_b)
            ):
                pairs.append(laid)
                free[laid[:, 0]] = False
                break
    return np.concatenate(pairs)


def _delay(a: Side, b: Side, rows_a: Rows, rows_b: Rows) -> float:
    """How much later the second capture has what both have; nan where nothing tells."""
    before, after = a.packets.time_ns[rows_a], b.packets.time_ns[rows_b]
    timed = (before != NO_TIME) & (after != NO_TIME)
    return float(np.median(after[timed] - before[timed])) if timed.any() else float("nan")


def _untouched(run: Rows, found: Rows) -> npt.NDArray[np.bool_]:
    """Whether nothing of a packet's run was found."""
    _, group = np.unique(run, return_inverse=True)
    met = np.bincount(group[found != NOWHERE], minlength=int(group.max(initial=-1)) + 1) > 0
    return np.asarray(~met[group])


def _runs(side: Side, wanted: npt.NDArray[np.bool_]) -> Iterator[Rows]:
    """The rows of each run, of those that are wanted; the longest first."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(side.run[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(side.run[rows], prepend=NOWHERE, append=NOWHERE))
    lengths = np.diff(edges)
    for number in np.argsort(-lengths, kind="stable").tolist():
        yield rows[edges[number] : edges[number + 1]]


def _others(
    a: Side, b: Side, free: npt.NDArray[np.bool_], rows_b: Rows
) -> Iterator[tuple[Rows, bool]]:
    """Runs of `a` with packets to find, likely ones first, and whether the addresses are equal."""
    other = b.streams[int(b.stream[rows_b[0]])]
    route = (other.src, other.src_port, other.dst, other.dst_port)
    waiting = np.bincount(a.stream[free], minlength=len(a.streams))
    ranked = []
    for index in np.flatnonzero(waiting).tolist():
        one = a.streams[index]
        related = (one.src, one.src_port, one.dst, one.dst_port) == route
        ranked.append((not related, one.ssrc != other.ssrc, index))
    for unrelated, _, index in sorted(ranked)[:MOST_OTHERS]:
        end = int(a.starts[index + 1]) if index + 1 < len(a.starts) else len(a)
        mine = np.zeros(len(a), np.bool_)
        mine[int(a.starts[index]) : end] = True
        for rows_a in islice(_runs(a, free & mine), MOST_OTHERS):
            yield rows_a, not unrelated


def _span(side: Side, rows: Rows) -> int:
    return int(side.wide[rows].max() - side.wide[rows].min()) + 1


def _beside(a: Side, b: Side, rows_a: Rows, rows_b: Rows, delay: float) -> Rows:
    """Pairs of rows with the same content where two runs lie best beside each other."""
    nothing = np.empty((0, 2), np.int64)
    place_a = a.wide[rows_a] - int(a.wide[rows_a].min())
    place_b = b.wide[rows_b] - int(b.wide[rows_b].min())
    if not np.isin(b.payload[rows_b], a.payload[rows_a]).any():
        return nothing
    size = 1 << int(place_a.max() + place_b.max() + 1).bit_length()
    line_a, line_b = np.zeros(size, np.complex128), np.zeros(size, np.complex128)
    line_a[place_a] = _turned(a.payload[rows_a])
    line_b[place_b] = _turned(b.payload[rows_b])
    spectrum = np.fft.fft(line_a) * np.conj(np.fft.fft(line_b))
    # Equal contents cancel each other's turn: the real part counts them, others scatter.
    alike = np.fft.ifft(spectrum).real
    likely = _likely(a, b, rows_a, rows_b, place_a, place_b, delay)
    less = AS_GOOD if likely is None else max(AS_GOOD, NEARLY_AS_GOOD * len(rows_b))
    lags = np.flatnonzero(alike >= alike.max() - less)
    lags[lags > int(place_a.max())] -= size
    lag = int(lags[np.argmin(np.abs(lags - (likely or 0.0)))])
    where = np.full(int(place_a.max()) + 1, NOWHERE)
    where[place_a] = rows_a
    shifted = place_b + lag
    inside = (shifted >= 0) & (shifted < len(where))
    target, row = where[shifted[inside]], rows_b[inside]
    equal = (target != NOWHERE) & (a.payload[target] == b.payload[row])
    return np.stack([target[equal], row[equal]], axis=1)


def _likely(
    a: Side, b: Side, rows_a: Rows, rows_b: Rows, place_a: Rows, place_b: Rows, delay: float
) -> float | None:
    """The lag that times tell; None where they do not."""
    before, after = a.packets.time_ns[rows_a], b.packets.time_ns[rows_b]
    if np.isnan(delay) or (before == NO_TIME).any() or (after == NO_TIME).any():
        return None
    order = np.argsort(before, kind="stable")
    origin = int(before[order[0]])
    # From the first on, lest floats lose what matters.
    sent = (after - round(delay) - origin).astype(np.float64)
    place = np.interp(sent, (before[order] - origin).astype(np.float64), place_a[order])
    return float(np.median(place - place_b))


def _turned(keys: Keys) -> npt.NDArray[np.complex128]:
    """A point on the unit circle for each content."""
    turn = (keys >> np.uint64(32)).astype(np.float64) / (1 << 32)
    return np.asarray(np.exp(2j * np.pi * turn))
