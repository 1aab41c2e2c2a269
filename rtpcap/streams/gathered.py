"""What is kept of each packet that could be RTP while a capture is read, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["OF_THE_FRAME", "Columns", "Gathered", "grouped", "taken"]

Columns = dict[str, npt.NDArray[Any]]

COLUMNS = {
    "begin": np.int64,
    "time_ns": np.int64,
    "stream": np.int32,
    "frame": np.uint32,
    "word0": np.uint32,
    "timestamp": np.uint32,
    "ssrc": np.uint32,
    "size": np.uint16,
    "payload_offset": np.uint16,
    "payload_size": np.uint16,
    "fault": np.uint8,
    "block": np.uint16,
    "header": np.uint16,
    "interface": np.uint16,
}
OF_THE_FRAME = ("header", "interface")
"""Columns that tell of the frame and not of the packet."""


BLOCK_ROWS = 1 << 17
"""Rows of a piece of a column, at most: few large pieces leave no memory full of holes behind."""
BATCH_ROWS = 1 << 16
"""Rows that are moved at once: so few that what it takes beside them is next to nothing."""


class Gathered:
    """The columns of a `Packets`, each row's stream and frame, as they come chunk by chunk."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in COLUMNS}
        self._rows = 0
        self._used = 0
        """Rows in use of the last blocks ..."""
        self._room = 0
        """... and rows that they have."""

    def append(self, **columns: npt.NDArray[Any]) -> None:
        """Add the rows of a chunk; all columns, of one length."""
        rows = len(columns["begin"])
        taken = 0
        while taken < rows:
            if self._used == self._room:
                self._used, self._room = 0, max(min(self._rows, BLOCK_ROWS), rows - taken)
                for name, kind in COLUMNS.items():
                    self._blocks[name].append(np.empty(self._room, kind))
            count = min(rows - taken, self._room - self._used)
            for name, column in columns.items():
                block = self._blocks[name][-1]
                block[self._used : self._used + count] = column[taken : taken + count]
            taken += count
            self._used += count
            self._rows += count

    def take(self) -> Columns:
        """The whole columns, once; a block is given up as soon as it is joined."""
        whole = {}
        for name, kind in COLUMNS.items():
            blocks = self._blocks.pop(name)
            if blocks:
                blocks[-1] = blocks[-1][: self._used]
            whole[name] = np.concatenate(blocks) if blocks else np.empty(0, kind)
        return whole


def grouped(stream: npt.NDArray[np.int32], wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    """The rows of the wanted streams, streams one after the other, each in capture order.

    A counting sort, some rows at a time: of what a whole sort needs beside its input, this needs
    the result only, of half the width.
    """
    counts = np.bincount(stream, minlength=len(wanted))
    counts[~wanted] = 0
    place = counts.cumsum() - counts
    out = np.empty(int(counts.sum()), np.uint32)
    every = bool(wanted.all())
    # A stable sort of 16-bit numbers is a radix sort.
    narrow = np.uint16 if len(wanted) <= 1 << 16 else np.uint32
    for begin in range(0, len(stream), BATCH_ROWS):
        here = stream[begin : begin + BATCH_ROWS]
        order = np.argsort(here.astype(narrow), kind="stable")
        ordered = here[order]
        if not every:
            keep = wanted[ordered]
            order, ordered = order[keep], ordered[keep]
        edges = np.flatnonzero(np.diff(ordered, prepend=-1))
        ids, lengths = ordered[edges], np.diff(edges, append=len(ordered))
        # From where a stream's rows begin here to where they go.
        target = np.repeat(place[ids] - edges, lengths)
        target += np.arange(len(ordered))
        out[target] = order + begin
        place[ids] += lengths
    return out


def taken(column: npt.NDArray[Any], rows: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
    """``column[rows]``, without a wider copy of all row numbers."""
    out = np.empty(len(rows), column.dtype)
    for begin in range(0, len(rows), BATCH_ROWS):
        part = slice(begin, begin + BATCH_ROWS)
        # All rows are there; any other mode goes through a copy of what it writes.
        column.take(rows[part], out=out[part], mode="clip")
    return out
