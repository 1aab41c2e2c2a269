"""When packets came: delta, transit and skew, packet time, and bandwidth.

All are columns over k streams whose packets lie one after the other in capture order.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import steps
from rtpcap.streams.slots import Slots, stream_numbers

__all__ = [
    "IPV6_UDP_BYTES",
    "IP_UDP_BYTES",
    "HeaderBytes",
    "Spread",
    "Transit",
    "bandwidth",
    "bandwidth_now",
    "delta",
    "packet_ticks",
    "spread",
    "transit",
]

IP_UDP_BYTES = 28
"""Headers of IPv4 and UDP ..."""
IPV6_UDP_BYTES = 48
"""... and of IPv6 and UDP."""

HeaderBytes = int | npt.NDArray[np.int64]
"""Bytes of the headers before RTP: of all streams, or of each, shape (k,)."""

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Spread:
    """Smallest, mean and largest value of each stream, shape (k,); nan where it has none."""

    least: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    most: npt.NDArray[np.float64]


def spread(values: npt.NDArray[np.float64], stream: npt.NDArray[np.int32], streams: int) -> Spread:
    """What values of shape (n,) come to in each stream; nan among them are left out."""
    if (stream[1:] < stream[:-1]).any():
        order = np.argsort(stream, kind="stable")
        stream, values = stream[order], values[order]
    lengths = np.bincount(stream, minlength=streams)
    absent = np.flatnonzero(np.isnan(values))
    counts = lengths - np.bincount(stream[absent], minlength=streams)
    told = values
    if len(absent):
        told = values.copy()
        told[absent] = 0
    out = Spread(*(np.full(streams, np.nan) for _ in range(3)))
    some = np.flatnonzero(lengths)
    if len(some):
        heads = (lengths.cumsum() - lengths)[some]
        out.least[some] = np.fmin.reduceat(values, heads)
        out.most[some] = np.fmax.reduceat(values, heads)
        sums = np.add.reduceat(told, heads)
        out.mean[some] = np.divide(sums, counts[some], out=out.mean[some], where=counts[some] > 0)
    return out


def delta(time_ns: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Milliseconds since the packet of the stream that came before, copies included, shape (n,).

    nan for the first of each stream and beside a packet without a time.
    """
    out = np.empty(len(time_ns))
    np.subtract(time_ns[1:], time_ns[:-1], out=out[1:], casting="unsafe")
    out *= 1e-6
    out[starts] = np.nan
    absent = time_ns == NO_TIME
    if absent.any():
        out[absent] = np.nan
        out[1:][absent[:-1]] = np.nan
    return out


@dataclass(frozen=True, eq=False)
class Transit:
    """Packets on two clocks: the sender's by their timestamps, the capture's by their times.

    A segment is a part of a stream with one line of timestamps: one epoch with one clock rate.
    """

    rows: npt.NDArray[np.int64]
    """The rows that have both, in capture order, shape (m,)."""
    segment: npt.NDArray[np.int64]
    """Counted up over all streams."""
    heads: npt.NDArray[np.int64]
    """The place in `rows` of the first packet of each segment."""
    stream: npt.NDArray[np.int32]
    """The stream of each row."""
    media_s: npt.NDArray[np.float64]
    """Media time since the first packet of the segment, by the timestamps."""
    late_ms: npt.NDArray[np.float64]
    """How much later than its timestamp says each came, beside the first of its segment."""

    def skew_ms(self, n: int) -> npt.NDArray[np.float64]:
        """How much earlier than its timestamp says each of n packets came; nan where unknown."""
        out = np.full(n, np.nan)
        out[self.rows] = -self.late_ms
        return out


def transit(
    timestamp: npt.NDArray[np.uint32],
    time_ns: npt.NDArray[np.int64],
    clock_rate: npt.NDArray[np.int32],
    epoch: npt.NDArray[np.int32],
    stream: npt.NDArray[np.int32],
    counted: npt.NDArray[np.bool_] | None = None,
) -> Transit:
    """Both times of the packets (those `counted`) that have a time and a clock, columns (n,)."""
    usable = (clock_rate > 0) & (time_ns != NO_TIME)
    if counted is not None:
        usable &= counted
    rows = np.flatnonzero(usable)
    if len(rows) < len(timestamp):
        timestamp, time_ns, clock_rate = timestamp[rows], time_ns[rows], clock_rate[rows]
        epoch, stream = epoch[rows], stream[rows]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (stream[1:] != stream[:-1]) | (epoch[1:] != epoch[:-1])
    new[1:] |= clock_rate[1:] != clock_rate[:-1]
    heads = np.flatnonzero(new)
    lengths = np.diff(heads, append=len(rows))
    ticks = steps(timestamp).cumsum(dtype=np.int64)
    ticks -= np.repeat(ticks[heads], lengths)
    elapsed = time_ns - np.repeat(time_ns[heads], lengths)
    media_s = ticks / clock_rate
    late = np.asarray(elapsed * 1e-6, np.float64)
    late -= media_s * 1e3
    return Transit(
        rows=rows,
        segment=np.repeat(np.arange(len(heads)), lengths),
        heads=heads,
        stream=stream,
        media_s=media_s,
        late_ms=late,
    )


def packet_ticks(
    slots: Slots, timestamp: npt.NDArray[np.uint32], media: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Ticks of media in a packet of each stream, as most have it, shape (k,); 0 where none shows.

    Counted between media packets that follow each other in the sequence.
    """
    k = len(slots.expected)
    rows, stream = slots.rows, slots.stream
    ahead = steps(timestamp[rows])[1:]
    follows = (slots.place[1:] - slots.place[:-1] == 1) & (ahead > 0)
    follows &= stream[1:] == stream[:-1]
    if slots.epoch.any():
        follows &= slots.epoch[1:] == slots.epoch[:-1]
    if media is not None and not media.all():
        follows &= media[rows[1:]] & media[rows[:-1]]
    out = np.zeros(k, np.int64)
    if not follows.any():
        return out
    # One number for (stream, step); the step of most pairs wins, of several the smallest.
    cell = stream[1:].astype(np.int64) << 31 | ahead
    if not follows.all():
        cell = cell[follows]
    new = cell[1:] != cell[:-1]
    heads = np.append(0, np.flatnonzero(new) + 1)
    counts = np.diff(heads, append=len(cell))
    cells, place = np.unique(cell[heads], return_inverse=True)
    counts = np.bincount(place, weights=counts)
    order = np.lexsort((-cells, counts))
    out[cells[order] >> 31] = cells[order] & 0x7FFFFFFF
    return out


def bandwidth(
    size: npt.NDArray[np.uint16],
    time_ns: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    header_bytes: HeaderBytes = IP_UDP_BYTES,
) -> npt.NDArray[np.float64]:
    """Mean kbit/s of each stream on the wire, shape (k,); nan where no time passes.

    `size` is that of the RTP packet, to which `header_bytes` are added. The bits of all packets
    but the first over the time from first to last: as many packets as intervals.
    """
    n, k = len(size), len(starts)
    told = np.flatnonzero(time_ns != NO_TIME)
    stream = stream_numbers(starts, n)[told]
    counts = np.bincount(stream, minlength=k)
    out = np.full(k, np.nan)
    some = np.flatnonzero(counts > 1)
    if not len(some):
        return out
    heads = (counts.cumsum() - counts)[some]
    ends = heads + counts[some] - 1
    octets = np.bincount(stream, weights=size[told], minlength=k)[some]
    octets -= size[told[heads]]
    octets += np.broadcast_to(header_bytes, k)[some] * (counts[some] - 1)
    elapsed = (time_ns[told[ends]] - time_ns[told[heads]]) * 1e-9
    passes = elapsed > 0
    out[some[passes]] = octets[passes] * 8 / elapsed[passes] / 1e3
    return out


def bandwidth_now(
    size: npt.NDArray[np.uint16],
    time_ns: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    header_bytes: HeaderBytes = IP_UDP_BYTES,
) -> npt.NDArray[np.float64]:
    """kbit/s over the second that ends with each packet, itself included, shape (n,).

    nan where a packet has no time. A time that runs backwards counts as the latest before it.
    """
    n = len(size)
    out = np.full(n, np.nan)
    told = np.flatnonzero(time_ns != NO_TIME)
    if not len(told):
        return out
    stream = stream_numbers(starts, n)[told]
    octets = (size[told] + np.broadcast_to(header_bytes, len(starts))[stream]).cumsum()
    edges = np.append(np.flatnonzero(np.diff(stream, prepend=-1)), len(told))
    # Times of different streams may be any: each is searched by itself.
    for begin, end in pairwise(edges.tolist()):
        times = np.maximum.accumulate(time_ns[told[begin:end]])
        oldest = begin + np.searchsorted(times, times - SECOND_NS)
        before = np.where(oldest > 0, octets[oldest - 1], 0)
        out[told[begin:end]] = (octets[begin:end] - before) * 8 / 1e3
    return out
