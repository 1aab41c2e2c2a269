"""Parts of streams between two times: tables of their own, whose figures are worked out anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.discover import Found
from rtpcap.streams.formats import PAYLOAD_NUMBERS, Formats, Turn
from rtpcap.streams.recognition import Recognition
from rtpcap.streams.table import StreamTable

__all__ = ["between", "cut"]

Rows = npt.NDArray[np.int64]


def between(
    seconds: slice, origin_ns: int, begin_ns: int | None, end_ns: int | None
) -> tuple[int | None, int | None]:
    """The ends of a slice in seconds as nanoseconds since 1970; None where it has no such end.

    Seconds count from `origin_ns`; negative ones from `end_ns`, the end of what is sliced. Raises
    TypeError for anything but a slice without a step, ValueError where nothing has a time.
    """
    if not isinstance(seconds, slice) or seconds.step is not None:
        raise TypeError("a part is given in seconds from the file's first frame: stream[10:20]")
    if seconds == slice(None):
        return None, None
    if begin_ns is None or end_ns is None:
        raise ValueError("its packets have no times to cut it by")

    def time_ns(at: float | None) -> int | None:
        if at is None:
            return None
        return (end_ns if at < 0 else origin_ns) + round(at * 1e9)

    return time_ns(seconds.start), time_ns(seconds.stop)


def cut(
    table: StreamTable, row: int, begin_ns: int | None, end_ns: int | None
) -> StreamTable | None:
    """A table of what one stream has from one time to before another; None where that is nothing.

    Packets without a time are in it only where there is no limit. Formats stay what they are: what
    the packets before and after told of them is not forgotten.
    """
    whole = table.rows(row)
    time_ns = table.found.packets.time_ns[whole]
    inside = np.ones(len(time_ns), np.bool_)
    if begin_ns is not None or end_ns is not None:
        inside &= time_ns != NO_TIME
    if begin_ns is not None:
        inside &= time_ns >= begin_ns
    if end_ns is not None:
        inside &= time_ns < end_ns
    places = np.flatnonzero(inside)
    if not len(places):
        return None
    found, rows = table.found, places + whole.start
    part = Found(
        found.packets[rows],
        np.zeros(1, np.int64),
        found.flow[row : row + 1],
        header=found.header[rows],
        interface=found.interface[rows],
    )
    formats = _formats(table.formats, row, places, part.packets.payload_type)
    return table.part(part, _recognition(table.recognition, row, formats))


def _formats(formats: Formats, stream: int, places: Rows, number: npt.NDArray[np.uint8]) -> Formats:
    """The formats of a cut stream; `places` are those of its packets among the whole one's."""
    old = formats.turns.get(stream, [Turn(0, stream)])
    moved = np.searchsorted(places, [turn.packet for turn in old]).tolist()
    # Of turns before one packet the last counts, and none behind the last packet.
    meant = dict(zip(moved, (turn.row for turn in old), strict=True))
    meant.pop(len(places), None)
    rows = list(meant.values())
    turns = [Turn(packet, at) for at, packet in enumerate(meant)]
    announced = formats.announced.get(stream)
    return replace(
        formats,
        counts=np.bincount(number, minlength=PAYLOAD_NUMBERS).astype(np.int32)[np.newaxis],
        by_stream=[dict(formats.by_stream[row]) for row in rows],
        clock_rate=formats.clock_rate[rows],
        media=formats.media[rows],
        turns={0: turns} if len(turns) > 1 else {},
        announced={} if announced is None else {0: announced},
    )


def _recognition(whole: Recognition, stream: int, formats: Formats) -> Recognition:
    """What the payloads of the whole stream told, as of the one stream of a table."""
    return Recognition(
        formats,
        {(0, number): told for (i, number), told in whole.recognised.items() if i == stream},
        {(0, number): told for (i, number), told in whole.settled.items() if i == stream},
        {(0, number): told for (i, number), told in whole.inside.items() if i == stream},
        {(0, number) for i, number in whole.random if i == stream},
    )
