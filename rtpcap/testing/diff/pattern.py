"""Streams whose contents repeat, under other numbers: laid beside each other by correlation.

A tone of a whole number of packets a period has few contents, each many times. Which is which shows
only when all of a stream is laid beside all of the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.testing.diff.hashing import Keys, Rows
from rtpcap.testing.diff.side import Side

__all__ = ["same_pattern"]

NOWHERE = -1
LONGEST = 1 << 22
"""Packets of a run that are laid beside others: a day of 20 ms."""
LEAST_SHARE = 0.5
"""Of the shorter stream's packets so many must find their content in the other."""
LEAST_PACKETS = 8
"""Fewer prove nothing."""
MOST_STREAMS = 16
"""So many streams of a side are tried at most."""


def same_pattern(a: Side, b: Side, found: Rows) -> Rows:
    """Pairs (row of `a`, row of `b`) of streams that have no packet in common yet, shape (m, 2)."""
    alone_b = _alone(b, b.stream[found != NOWHERE])
    alone_a = _alone(a, a.stream[found[found != NOWHERE]])
    pairs = [np.empty((0, 2), np.int64)]
    for other in alone_b[:MOST_STREAMS]:
        for number, one in enumerate(alone_a[:MOST_STREAMS]):
            laid = _beside(a, b, one, other)
            if laid is not None:
                pairs.append(laid)
                del alone_a[number]
                break
    return np.concatenate(pairs)


def _alone(side: Side, taken: Rows) -> list[int]:
    alone = np.ones(len(side.streams), np.bool_)
    alone[taken] = False
    return np.flatnonzero(alone).tolist()


def _beside(a: Side, b: Side, one: int, other: int) -> Rows | None:
    rows_a, rows_b = _run_of(a, one), _run_of(b, other)
    contents_a, contents_b = np.unique(a.payload[rows_a]), np.unique(b.payload[rows_b])
    common = np.intersect1d(contents_a, contents_b, assume_unique=True)
    if not len(common):
        return None
    begin_a, begin_b = int(a.wide[rows_a].min()), int(b.wide[rows_b].min())
    place_a, place_b = a.wide[rows_a] - begin_a, b.wide[rows_b] - begin_b
    span = int(place_a.max()) + int(place_b.max()) + 1
    if span > LONGEST:
        return None
    size = 1 << span.bit_length()
    line_a, line_b = np.zeros(size, np.complex128), np.zeros(size, np.complex128)
    line_a[place_a] = _turned(a.payload[rows_a])
    line_b[place_b] = _turned(b.payload[rows_b])
    spectrum = np.fft.fft(line_a) * np.conj(np.fft.fft(line_b))
    # Equal contents cancel each other's turn: the real part counts them, others scatter.
    lag = int(np.argmax(np.round(np.fft.ifft(spectrum).real, 3)))
    lag -= size if lag > size // 2 else 0
    where = np.full(int(place_a.max()) + 1, NOWHERE)
    where[place_a] = rows_a
    shifted = place_b + lag
    inside = (shifted >= 0) & (shifted < len(where))
    target = where[shifted[inside]]
    row = rows_b[inside][target != NOWHERE]
    target = target[target != NOWHERE]
    equal = a.payload[target] == b.payload[row]
    least = max(LEAST_PACKETS, LEAST_SHARE * min(len(rows_a), len(rows_b)))
    if np.count_nonzero(equal) < least:
        return None
    return np.stack([target[equal], row[equal]], axis=1)


def _run_of(side: Side, stream: int) -> Rows:
    """The first copies of a stream's longest run."""
    begin = int(side.starts[stream])
    end = int(side.starts[stream + 1]) if stream + 1 < len(side.starts) else len(side)
    rows = np.arange(begin, end)[side.first[begin:end]]
    runs, counts = np.unique(side.run[rows], return_counts=True)
    longest: Rows = rows[side.run[rows] == runs[counts.argmax()]]
    return longest


def _turned(keys: Keys) -> npt.NDArray[np.complex128]:
    """A point on the unit circle for each content."""
    turn = (keys >> np.uint64(32)).astype(np.float64) / (1 << 32)
    return np.asarray(np.exp(2j * np.pi * turn))
