"""What is kept of each packet that could be RTP while a capture is read, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["OF_THE_FRAME", "Columns", "Gathered"]

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


class Gathered:
    """The columns of a `Packets`, each row's stream and frame, as they come chunk by chunk."""

    def __init__(self) -> None:
        self._parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in COLUMNS}

    def append(self, **columns: npt.NDArray[Any]) -> None:
        for name, column in columns.items():
            # A view would keep alive all that it looks into.
            self._parts[name].append(column if column.base is None else column.copy())

    def take(self) -> Columns:
        """The whole columns; a part is given up as soon as it is joined."""
        whole = {}
        for name, kind in COLUMNS.items():
            parts = self._parts.pop(name)
            whole[name] = np.concatenate([*parts, np.empty(0, kind)])
        return whole
