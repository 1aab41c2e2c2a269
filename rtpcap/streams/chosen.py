"""Which frames to write: those of calls and streams, those of a stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.origins import Origins
from rtpcap.capture.tables import Flows, Records, Tally
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.call import Call
from rtpcap.streams.extent import Extent, connections
from rtpcap.streams.stream import Stream

__all__ = ["frames_between", "frames_of"]

Frames = npt.NDArray[np.uint32]

ReadThrough = Callable[[Callable[[Records], object]], None]
"""Hands every chunk of a capture to what it is given."""

LONGEST_S = 20_000_000_000.0
"""Seconds that are longer than all that nanoseconds in 64 bits can count."""


def frames_of(
    read_through: ReadThrough,
    calls: Sequence[Call],
    streams: Sequence[Stream],
    every: Sequence[Stream],
    *,
    packets_only: bool = False,
) -> Frames:
    """The frames of calls and streams, those of fragments and of byte streams included.

    `every` are all streams of the capture. With `packets_only` the frames that complete a packet.
    """
    frames = [np.empty(0, np.uint32), *(stream.packets.frame for stream in streams)]
    apart = any(stream.packets.block.any() for stream in streams)
    if not calls and (packets_only or not apart):
        return np.concatenate(frames)
    extent = Extent(calls, every)
    origins = Origins(connections(calls, streams))
    decoder = Decoder(Flows(), Tally(), Tally(), origins)
    read_through(lambda records: extent.feed(decoder.datagrams(records)))
    extent.feed(decoder.finish())
    found = np.concatenate([*frames, extent.finish()])
    return found if packets_only else origins.complete(found)


def frames_between(
    read_through: ReadThrough, first_ns: int, start_s: float | None, end_s: float | None
) -> Frames:
    """The frames from one time to another, seconds from `first_ns`; None: without a limit."""
    limits = np.iinfo(np.int64)

    def time_ns(seconds: float) -> int:
        since = round(min(max(seconds, -LONGEST_S), LONGEST_S) * 1e9)
        return min(max(first_ns + since, int(limits.min)), int(limits.max))

    begin = time_ns(-LONGEST_S if start_s is None else start_s)
    end = time_ns(LONGEST_S if end_s is None else end_s)
    found = [np.empty(0, np.uint32)]

    def choose(records: Records) -> None:
        times = records.time_ns
        inside = (times >= begin) & (times <= end) & (times != NO_TIME)
        found.append(records.frame[inside])

    read_through(choose)
    return np.concatenate(found)
