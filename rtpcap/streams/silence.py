"""Where a sender was silent: time that the timestamps leave out and no packet was missing for.

The one definition of it: of silent slots in the ledger, of ``dtx`` in the gaps, and of where a
jitter buffer takes a talkspurt to begin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.serial import steps
from rtpcap.streams.slots import Slots

__all__ = ["Held", "Silences", "silences"]

LEAST = 0.5
"""Time that is left out is silence from this part of a packet on."""

Held = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]
"""Rows -> how many ticks of media each holds, 0 where its codec does not tell."""


@dataclass(frozen=True, eq=False)
class Silences:
    """Silences of k streams, one after the other, columns of shape (r,)."""

    before: npt.NDArray[np.int64]
    """Which slot is the last one before each, as places in the columns of `Slots`."""
    stream: npt.NDArray[np.int32]
    ticks: npt.NDArray[np.int64]
    """Time that was left out; what lost packets would have held is not in it."""
    packet_ticks: npt.NDArray[np.int64]
    """Media in a packet as the stream has it before the silence."""
    whole: npt.NDArray[np.bool_]
    """Whether no packet is lost where it is: what a loss hides is no silence for certain."""

    def slots(self, streams: int) -> npt.NDArray[np.int64]:
        """How many packet times each stream left out for certain, shape (k,)."""
        count = np.rint(self.ticks[self.whole] / self.packet_ticks[self.whole])
        own = self.stream[self.whole]
        return np.bincount(own, weights=count, minlength=streams).astype(np.int64)


def silences(
    slots: Slots,
    timestamp: npt.NDArray[np.uint32],
    spoken: npt.NDArray[np.bool_],
    clock_rate: npt.NDArray[np.int32],
    usual: npt.NDArray[np.int64],
    held: Held | None = None,
) -> Silences:
    """The silences of the streams whose packets have these columns of shape (n,).

    A silence lies between neighbours in the sequence with one clock, whose timestamps stand further
    apart than the packets between them have media, and further than the stream's `usual` step
    (`packet_ticks`, shape (k,)). `spoken` are the packets whose timestamps go with the time: media
    and comfort noise. Beside a telephone event, which has the timestamp of its first report, no
    step tells of silence. `held` tells what a packet holds; left out, it is the usual step.
    """
    rows, stream = slots.rows, slots.stream
    ahead = steps(timestamp[rows])[1:]
    left = np.flatnonzero(ahead > usual[stream[1:]])
    right = left + 1
    beside = (stream[right] == stream[left]) & (slots.epoch[right] == slots.epoch[left])
    left, right = left[beside], right[beside]
    a, b = rows[left], rows[right]
    fits = spoken[a] & spoken[b] & (clock_rate[a] == clock_rate[b])
    left, right, a = left[fits], right[fits], a[fits]
    step = usual[stream[right]]
    packet = step
    if held is not None and len(a):
        told = held(a)
        packet = np.where(told > 0, told, step)
    lost = slots.place[right] - slots.place[left] - 1
    ticks = ahead[left] - packet - lost * step
    silent = (packet > 0) & (ticks >= LEAST * packet)
    return Silences(
        before=left[silent],
        stream=stream[right[silent]],
        ticks=ticks[silent].astype(np.int64),
        packet_ticks=packet[silent],
        whole=lost[silent] == 0,
    )
