"""The packets of several streams as rows in order of frames, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.streams.per_packet import KEYS, packet_values

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["packet_rows"]

BLOCK = 8192
"""Packets that are turned into Python objects at a time."""


def packet_rows(streams: Sequence[Stream]) -> Iterator[dict[str, object]]:
    """A dict a packet of all `streams`, keys as ``rtpcap packets`` prints them, by frame.

    Beside the packets' own columns this keeps their figures, some 100 bytes a packet, and one block
    of rows.
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
            here = block[places] - (ends[i] - sizes[i])
            values = packet_values(packets[i], streams[i].ssrc, streams[i].per_packet, here)
            for place, row in zip(places.tolist(), values, strict=True):
                found[place] = row
        for row in found:
            yield dict(zip(KEYS, row, strict=True))
