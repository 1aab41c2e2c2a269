"""Interarrival jitter: RFC 3550 appendix A.8 over whole columns.

J += (|D| - J) / 16 is a linear recursion, so it is a cumulative sum of |D| weighted by (15/16)**-i.
The weights grow without bound, hence blocks: inside a block the sum is one array operation, and one
number is carried from block to block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import steps

__all__ = ["Jitter", "interarrival"]

GAIN = 1 / 16
BLOCK = 64
KEEP = (1 - GAIN) ** np.arange(BLOCK + 1)


@dataclass(frozen=True, eq=False)
class Jitter:
    """J after each media packet that has one, and what k streams come to."""

    rows: npt.NDArray[np.int64]
    """The rows that made a J, shape (m,)."""
    value_s: npt.NDArray[np.float64]
    """J in seconds after each of them, shape (m,)."""
    mean_ms: npt.NDArray[np.float64]
    """Mean, maximum and last J of each stream in milliseconds, shape (k,); nan where none."""
    max_ms: npt.NDArray[np.float64]
    last_ms: npt.NDArray[np.float64]


def interarrival(
    timestamp: npt.NDArray[np.uint32],
    time_ns: npt.NDArray[np.int64],
    clock_rate: npt.NDArray[np.int32],
    epoch: npt.NDArray[np.int32],
    stream: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64] | None,
    streams: int,
) -> Jitter:
    """J over the media packets `rows` (None: all) of columns of shape (n,), in capture order.

    `clock_rate` is that of each row's payload type, 0 where unknown. The packet before is taken
    anew, and J kept, at a restart, at a change of clock rate, and after a packet without a time.
    """
    if rows is not None:
        timestamp, time_ns, clock_rate = timestamp[rows], time_ns[rows], clock_rate[rows]
        epoch, stream = epoch[rows], stream[rows]
    told = np.zeros(len(timestamp), np.bool_)
    told[1:] = (stream[1:] == stream[:-1]) & (epoch[1:] == epoch[:-1])
    told[1:] &= (clock_rate[1:] == clock_rate[:-1]) & (clock_rate[1:] > 0)
    absent = time_ns == NO_TIME
    if absent.any():
        told &= ~absent
        told[1:] &= ~absent[:-1]
    difference = np.empty(len(timestamp))
    difference[:1] = 0
    np.subtract(time_ns[1:], time_ns[:-1], out=difference[1:], casting="unsafe")
    difference *= 1e-9
    difference -= steps(timestamp) / np.maximum(clock_rate, 1)
    np.abs(difference, out=difference)
    made = np.flatnonzero(told)
    counts = np.bincount(stream[made], minlength=streams)
    value = smooth(difference[made], counts)
    some = np.flatnonzero(counts)
    ends = counts.cumsum()
    mean, largest, last = (np.full(streams, np.nan) for _ in range(3))
    if len(some):
        edges = (ends - counts)[some]
        mean[some] = np.add.reduceat(value, edges) / counts[some] * 1e3
        largest[some] = np.maximum.reduceat(value, edges) * 1e3
        last[some] = value[ends[some] - 1] * 1e3
    return Jitter(made if rows is None else rows[made], value, mean, largest, last)


def smooth(
    values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """J after each of `values` (shape (n,)), beginning at 0 with each of the runs of `counts`."""
    blocks = -(-counts // BLOCK)
    starts = (blocks.cumsum() - blocks) * BLOCK
    place = np.arange(len(values)) + np.repeat(starts - (counts.cumsum() - counts), counts)
    table = np.zeros((int(blocks.sum()), BLOCK))
    table.reshape(-1)[place] = values
    table *= GAIN / KEEP[:BLOCK]
    np.cumsum(table, axis=1, out=table)
    table *= KEEP[:BLOCK]

    begins = set((starts // BLOCK).tolist())
    carry = 0.0
    carries = []
    whole = float(KEEP[BLOCK])
    for block, end in enumerate(table[:, -1].tolist()):
        if block in begins:
            carry = 0.0
        carries.append(carry)
        carry = carry * whole + end
    table += np.array(carries).reshape(-1, 1) * KEEP[1:]
    return table.reshape(-1)[place]
