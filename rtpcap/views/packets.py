"""The packets of several streams as rows in order of frames, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["packet_rows"]

BLOCK = 8192
"""Packets that are turned into Python objects at a time."""

NAMES = ("sequence", "timestamp", "payload_type", "marker", "size", "payload_size")


def packet_rows(streams: Sequence[Stream]) -> Iterator[dict[str, object]]:
    """A dict a packet of all `streams`, keys as ``rtpcap packets`` prints them, by frame.

    Beside the packets' own columns this keeps 16 bytes a packet, and one block of rows.
    """
    packets = [stream.packets for stream in streams]
    sizes = np.array([len(columns) for columns in packets], np.int64)
    ends = sizes.cumsum()
    if not len(ends):
        return
    order = np.concatenate([columns.frame for columns in packets]).argsort(kind="stable")
    for begin in range(0, len(order), BLOCK):
        block = order[begin : begin + BLOCK]
        owner = ends.searchsorted(block, side="right")
        found: list[tuple[object, ...]] = [()] * len(block)
        for i in np.unique(owner).tolist():
            places = np.flatnonzero(owner == i)
            part = packets[i][block[places] - (ends[i] - sizes[i])]
            ssrc = f"0x{streams[i].ssrc:08x}"
            columns = [getattr(part, name).tolist() for name in NAMES]
            times = [None if time == NO_TIME else time for time in part.time_ns.tolist()]
            faults = [Fault(fault).label or None for fault in part.fault.tolist()]
            rows = zip(part.frame.tolist(), times, *columns, faults, strict=True)
            for place, (frame, time, *values) in zip(places.tolist(), rows, strict=True):
                found[place] = (frame, time, ssrc, *values)
        for row in found:
            yield dict(zip(_KEYS, row, strict=True))


_KEYS = ("frame", "time_ns", "ssrc", *NAMES, "fault")
