"""Calls without signalling: streams that run both ways between two endpoints at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rtpcap.audio.audio import Audio
from rtpcap.audio.layers import Mix, at_rate
from rtpcap.audio.line import Line
from rtpcap.audio.rendering import AS_RECEIVED, Fill, Rendering
from rtpcap.audio.track import Track
from rtpcap.errors import CodecUnavailable
from rtpcap.streams.counted import counted
from rtpcap.streams.rows import Rows
from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Call", "Calls", "guess_calls"]

SECOND_NS = 1_000_000_000
REANCHOR_S = 0.5
"""Drift from the capture's clock at which a side of a call is laid anew, at a pause."""

Endpoint = tuple[str, int]


class Call:
    """The streams of one conversation: `left` those of who spoke first, `right` the others."""

    guessed = True
    """Whether it was made out from the streams alone, without signalling."""

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
        starts = [stream.start_ns for stream in self.streams if stream.start_ns is not None]
        ends = [stream.end_ns for stream in self.streams if stream.end_ns is not None]
        return (max(ends) - min(starts)) / 1e9 if starts and ends else None

    def lines(self, rendering: Rendering = AS_RECEIVED) -> list[Line]:
        """The two sides on the capture's clock from one origin, left first, at the higher rate.

        Each side is laid anew at a pause when it has drifted `REANCHOR_S` from that clock. Raises
        CodecUnavailable where a side has no audio, or one is stereo.
        """
        return [mix for mix, _ in self.sides(rendering)]

    def sides(self, rendering: Rendering = AS_RECEIVED) -> list[tuple[Line, list[Track]]]:
        """The lines of `lines`, each with the tracks that it is made of."""
        origin = min((s.start_ns for s in self.streams if s.start_ns is not None), default=None)
        sides = self._laid(origin, rendering)
        if any(track.channels != 1 for side in sides for track in side):
            raise CodecUnavailable("a side is stereo: decode them as single streams")
        # A packet that was overtaken by the very first one belongs before it.
        early = min(track.begin * SECOND_NS // track.rate for side in sides for track in side)
        if early < 0 and origin is not None:
            sides = self._laid(origin + early, rendering)
        rate = max(track.rate for side in sides for track in side)
        return [(Mix([at_rate(track, rate) for track in side]), side) for side in sides]

    def _laid(self, origin_ns: int | None, rendering: Rendering) -> list[list[Track]]:
        def laid(side: list[Stream]) -> list[Track]:
            spoken = [stream for stream in side if stream.decodable]
            if not spoken:
                raise CodecUnavailable(side[0].why_not)
            return [
                stream.track(origin_ns=origin_ns, reanchor_s=REANCHOR_S, rendering=rendering)
                for stream in spoken
            ]

        return [laid(self.left), laid(self.right)]

    def audio(
        self,
        *,
        fill: Fill = "silence",
        rate: int | None = None,
        buffer_ms: float | None = None,
        compensate_delay: bool = True,
    ) -> Audio:
        """Both sides in one: stereo, first speaker left. Raises as `lines` does.

        What is chosen is as for `Stream.audio`.
        """
        return Audio.from_lines(self.lines(Rendering(fill, rate, buffer_ms, compensate_delay)))

    def row(self) -> dict[str, object]:
        """The call with the keys of ``rtpcap calls``; what only signalling tells is None."""
        return {
            "call_id": self.call_id,
            "caller": None,
            "callee": None,
            "state": None,
            "status": None,
            "start_s": self.start_s,
            "setup_s": None,
            "duration_s": self.duration_s,
            "streams": [f"0x{stream.ssrc:08x}" for stream in self.streams],
            "guessed": self.guessed,
        }

    def __repr__(self) -> str:
        first = self.streams[0]
        seconds = "" if self.duration_s is None else f", {self.duration_s:.1f} s"
        route = f"{first.src}:{first.src_port} <> {first.dst}:{first.dst_port}"
        return f"<Call {self.call_id} {route}, {counted(len(self.streams), 'stream')}{seconds}>"

    def _repr_html_(self) -> str:
        from rtpcap.views.html import rows_html

        return rows_html([stream.row() for stream in self.streams], repr(self))


class Calls(Rows[Call]):
    """Calls in order of first frame."""

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a call."""
        from rtpcap.views.table import calls_frame

        return calls_frame(self)

    def __repr__(self) -> str:
        guessed = sum(call.guessed for call in self)
        return f"<Calls {counted(len(self), 'call')}, {guessed} of them guessed>"


def guess_calls(streams: Iterable[Stream]) -> Calls:
    """Streams with mirrored addresses that overlap in time, as calls.

    Streams between two endpoints that follow each other without a moment's overlap are different
    calls; those that overlap, also through a third one, are the same. Video is left aside, and so
    are streams that nobody answers.
    """
    between: dict[frozenset[Endpoint], list[Stream]] = {}
    for stream in streams:
        if stream.format is None or not stream.format.is_video:
            ends = frozenset([(stream.src, stream.src_port), (stream.dst, stream.dst_port)])
            between.setdefault(ends, []).append(stream)
    found = []
    for together in between.values():
        for group in _overlapping(together):
            first = group[0]
            speaker = (first.src, first.src_port)
            left = [s for s in group if (s.src, s.src_port) == speaker]
            right = [s for s in group if (s.src, s.src_port) != speaker]
            if right:
                found.append((left, right))
    found.sort(key=lambda sides: sides[0][0].first_frame)
    return Calls(Call(f"guessed-{i}", *sides) for i, sides in enumerate(found, start=1))


def _overlapping(streams: list[Stream]) -> list[list[Stream]]:
    """The streams in groups that overlap in time; streams without times overlap all."""
    groups: list[list[Stream]] = []
    last_end: int | None = None
    for stream in sorted(streams, key=lambda stream: (stream.start_ns or 0, stream.first_frame)):
        start, end = stream.start_ns, stream.end_ns
        if groups and (start is None or last_end is None or start <= last_end):
            groups[-1].append(stream)
        else:
            groups.append([stream])
            last_end = None
        if end is not None:
            last_end = end if last_end is None else max(last_end, end)
    for group in groups:
        group.sort(key=lambda stream: stream.first_frame)
    return groups
