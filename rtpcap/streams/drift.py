"""How much faster a sender's clock runs than the capture's, in parts per million.

A queue only ever adds delay, so of each stretch of a stream the packet with the least delay is
kept, and a line is laid through these by least squares that weigh down what lies far off
(Tukey's biweight). All parts of a stream with one line of timestamps share the slope, each has a
level of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.streams.timing import Transit

__all__ = ["Drift", "drift"]

STRETCHES = 64
"""Into how many stretches of equal time a stream is cut."""
LEAST_POINTS = 8
LEAST_SECONDS = 5.0
"""A stream with fewer stretches, or shorter, has no drift: its error would be all there is."""

ROUNDS = 12
BIWEIGHT = 4.685
"""Where the weight becomes 0, in standard deviations (95 % efficiency for normal errors)."""
NORMAL_MAD = 0.6745
"""The median absolute deviation of a normal distribution of unit variance."""
LEAST_SCALE_S = 1e-7
"""No capture tells times apart better than this; keeps a perfect line from dividing by 0."""

NORMAL_95 = 1.959964
STUDENT = (2.3722, 2.8225, 2.5558)
"""The 97.5 % point of Student's t is `NORMAL_95` and these over dof, dof**2, dof**3."""


@dataclass(frozen=True, eq=False)
class Drift:
    """Clock drift of each stream, shape (k,); nan where there is too little to tell."""

    ppm: npt.NDArray[np.float64]
    """Positive where the sender's clock is the faster one."""
    error_ppm: npt.NDArray[np.float64]
    """Half the 95 % confidence interval."""


def drift(transits: Transit, streams: int) -> Drift:
    """The drift of each of k streams."""
    out = Drift(np.full(streams, np.nan), np.full(streams, np.nan))
    point, stream = _least_delayed(transits, streams)
    if not len(point):
        return out
    counts = np.bincount(stream, minlength=streams)
    x = transits.media_s[point]
    y = transits.late_ms[point] / 1e3
    segment = np.unique(transits.segment[point], return_inverse=True)[1]

    weight = np.ones(len(point))
    slope = np.zeros(streams)
    residual = y
    for _ in range(ROUNDS):
        slope, x_centred, residual = _line(x, y, weight, segment, stream, streams)
        size = np.abs(residual)
        scale = np.maximum(_medians(size, stream, counts) / NORMAL_MAD, LEAST_SCALE_S)
        off = np.minimum(size / (BIWEIGHT * scale[stream]), 1)
        weight = (1 - off**2) ** 2
    slope, x_centred, residual = _line(x, y, weight, segment, stream, streams)

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(stream, weights=values, minlength=streams).astype(np.float64)

    levels = np.zeros(streams)
    np.add.at(levels, stream[np.unique(segment, return_index=True)[1]], 1)
    dof = total(weight) - levels - 1
    spread = total(weight * x_centred**2)
    good = (dof >= 1) & (spread > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = total(weight * residual**2) / dof / spread
        student = NORMAL_95 + sum(c / dof ** (i + 1) for i, c in enumerate(STUDENT))
        # A faster sender's packets come ever earlier beside their timestamps.
        out.ppm[good] = -slope[good] / (1 + slope[good]) * 1e6
        out.error_ppm[good] = (student * np.sqrt(variance))[good] * 1e6
    return out


def _least_delayed(
    transits: Transit, streams: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The row of least delay in each stretch of each long enough stream, and its stream."""
    stream = transits.stream
    counts = np.bincount(stream, minlength=streams)
    some = np.flatnonzero(counts)
    if not len(some):
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    # Media time over all segments of a stream: each goes on where the one before it ended. A
    # packet that comes out of order belongs to the stretch of those it came among.
    lengths = np.diff(transits.heads, append=len(stream))
    low = np.minimum.reduceat(transits.media_s, transits.heads)
    high = np.maximum.reduceat(transits.media_s, transits.heads)
    span = high - low
    owner = stream[transits.heads]
    total = np.bincount(owner, weights=span, minlength=streams)
    before = span.cumsum() - span
    part = np.divide(STRETCHES, total, out=np.zeros(streams), where=total > 0)
    line = transits.media_s + np.repeat(before - low, lengths)
    np.maximum.accumulate(line, out=line)
    line -= np.repeat((total.cumsum() - total)[owner], lengths)
    line *= np.repeat(part[owner], lengths)
    stretch = np.minimum(line.astype(np.int64), STRETCHES - 1)
    # A stretch that two segments share is two points.
    new = stretch[1:] != stretch[:-1]
    heads = np.union1d(transits.heads, np.flatnonzero(new) + 1)
    least = np.minimum.reduceat(transits.late_ms, heads)
    stretches = np.diff(heads, append=len(stream))
    lowest = np.flatnonzero(transits.late_ms == np.repeat(least, stretches))
    first = lowest[np.searchsorted(lowest, heads)]
    points = np.bincount(stream[first], minlength=streams)
    enough = (points >= LEAST_POINTS) & (total >= LEAST_SECONDS)
    first = first[enough[stream[first]]]
    return first, stream[first]


def _line(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    segment: npt.NDArray[np.int64],
    stream: npt.NDArray[np.int32],
    streams: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(slope of each stream, x less its segment's mean, what the line leaves of y)."""
    mass = np.maximum(np.bincount(segment, weights=weight), np.finfo(float).tiny)
    x = x - (np.bincount(segment, weights=weight * x) / mass)[segment]
    y = y - (np.bincount(segment, weights=weight * y) / mass)[segment]
    top = np.bincount(stream, weights=weight * x * y, minlength=streams)
    bottom = np.bincount(stream, weights=weight * x * x, minlength=streams)
    slope = np.divide(top, bottom, out=np.zeros(streams), where=bottom > 0)
    return slope, x, y - slope[stream] * x


def _medians(
    values: npt.NDArray[np.float64], stream: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The (lower) median of each stream's values, 0 where it has none."""
    order = np.lexsort((values, stream))
    out = np.zeros(len(counts))
    some = counts > 0
    middle = (counts.cumsum() - counts) + (counts - 1) // 2
    out[some] = values[order[middle[some]]]
    return out
