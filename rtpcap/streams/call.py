"""Calls without signalling: streams that run to and fro between the same two endpoints at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from rtpcap.audio.audio import Audio
from rtpcap.audio.track import Track
from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Call", "Calls", "guess_calls"]

REANCHOR_S = 0.5
"""Drift from the capture's clock at which a side of a call is laid anew, at a pause."""


class Call:
    """The streams of one conversation: `left` those of who spoke first, `right` the others."""

    guessed = True

    def __init__(self, call_id: str, left: list[Stream], right: list[Stream]) -> None:
        self.call_id = call_id
        self.left = left
        self.right = right
        for stream in self.streams:
            stream.call = call_id

    @property
    def streams(self) -> list[Stream]:
        """Both sides' streams, in order of first frame."""
        return sorted([*self.left, *self.right], key=lambda stream: stream.first_frame)

    @property
    def start_s(self) -> float | None:
        """When the first packet of either side came, seconds from the file's first frame."""
        return self.streams[0].start_s

    @property
    def duration_s(self) -> float | None:
        """From the first packet of either side to the last."""
        starts = [s.start_ns for s in self.streams if s.start_ns is not None]
        ends = [s.end_ns for s in self.streams if s.end_ns is not None]
        return (max(ends) - min(starts)) / 1e9 if starts and ends else None

    def tracks(self) -> list[Track]:
        """The sides that can be decoded, left first, on the capture's clock from one origin.

        Each side is laid anew at a pause when it has drifted `REANCHOR_S` from that clock.
        Raises CodecUnavailable where neither side has audio.
        """
        raise NotImplementedError

    def audio(self) -> Audio:
        """Both sides: stereo, first speaker left; mono where only one side can be decoded."""
        return Audio.from_tracks(self.tracks())
