"""Which frames a payload is made of, where it is not of one alone: fragments and TCP segments.

A `Decoder` tells the frame that completed a payload. Who wants to keep the payload needs the others
too, and hands the decoder one of these to note them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Flow, Flows

if TYPE_CHECKING:
    from rtpcap.capture.tcp import Messages, Segments

__all__ = ["Origins"]

Frames = npt.NDArray[np.uint32]


class Origins:
    """Notes what rebuilt payloads are made of: all fragments, and the segments of some flows.

    `connections` are those flows; both directions of each are noted.
    """

    def __init__(self, connections: Iterable[Flow] = ()) -> None:
        self._connections = list(connections)
        self._fragments: dict[int, list[int]] = {}
        self._keys: npt.NDArray[np.int32] | None = None
        self._segments: list[tuple[Frames, npt.NDArray[np.int32]]] = []
        self._messages: list[tuple[Frames, npt.NDArray[np.int32]]] = []

    def joined(self, frame: int, others: Iterable[int]) -> None:
        """A frame completed a packet that had begun in others."""
        self._fragments.setdefault(frame, []).extend(others)

    def segments(self, flows: Flows, segments: Segments) -> None:
        """The segments of a chunk."""
        frames = self._wanted(flows, segments.frame, segments.key)
        if len(frames[0]):
            self._segments.append(frames)

    def messages(self, flows: Flows, messages: Messages) -> None:
        """The messages that were framed in segments."""
        frames = self._wanted(flows, messages.frame, messages.key)
        if len(frames[0]):
            self._messages.append(frames)

    def _wanted(
        self, flows: Flows, frame: Frames, key: npt.NDArray[np.int32]
    ) -> tuple[Frames, npt.NDArray[np.int32]]:
        if self._keys is None:
            self._keys = np.array([*self._both_ways(flows)], np.int32)
        rows = np.flatnonzero(np.isin(key, self._keys))
        return frame[rows], key[rows]

    def _both_ways(self, flows: Flows) -> Iterable[int]:
        for src, src_port, dst, dst_port, _ in self._connections:
            one, other = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
            if len(one) == len(other):
                yield flows.key(one, other, src_port, dst_port, tcp=True)
                yield flows.key(other, one, dst_port, src_port, tcp=True)

    def complete(self, frames: Frames) -> Frames:
        """The frames, and with them all that the payloads completed in them are made of.

        Of a byte stream these are the segments from behind the last message before the first of
        these payloads to the last of them.
        """
        parts = [np.unique(frames)]
        todo = [frame for frame in parts[0].tolist() if frame in self._fragments]
        seen = set(todo)
        pieces: list[int] = []
        while todo:
            for frame in self._fragments[todo.pop()]:
                pieces.append(frame)
                # What was in a fragment may itself have been put together.
                if frame in self._fragments and frame not in seen:
                    seen.add(frame)
                    todo.append(frame)
        parts.append(np.array(pieces, np.uint32))
        parts += self._of_streams(parts[0])
        return np.unique(np.concatenate(parts))

    def _of_streams(self, frames: Frames) -> Iterable[Frames]:
        if not self._messages or not self._segments:
            return
        ended, of = (np.concatenate(column) for column in zip(*self._messages, strict=True))
        frame, key = (np.concatenate(column) for column in zip(*self._segments, strict=True))
        chosen = np.isin(ended, frames)
        for number in np.unique(of[chosen]).tolist():
            mine = ended[(of == number) & chosen]
            others = ended[(of == number) & ~chosen]
            before = others[others < mine.min()]
            after = int(before.max()) if len(before) else 0
            yield frame[(key == number) & (frame > after) & (frame <= mine.max())]
