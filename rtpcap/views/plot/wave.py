"""Audio made as short as a picture is wide: the lowest and highest sample of each column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.audio import Audio
from rtpcap.audio.holes import Cause, Holes, one_after_another
from rtpcap.audio.line import Line, windows
from rtpcap.audio.rendering import Fill, Rendering
from rtpcap.codecs.decoder import Heard
from rtpcap.streams.call import Call
from rtpcap.streams.digits import Digit

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["FULL_SCALE", "Floats", "Sound", "Span", "Wave", "sounds_of", "spans_of"]

FULL_SCALE = 1 << 15

Floats = npt.NDArray[np.float64]
Span = tuple[float, float]
"""Begin and end, seconds."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Something that can be heard, with what is known of it."""

    line: Line
    start_s: float
    """When its first sample is heard: seconds from the capture's first frame, or 0."""
    name: str = ""
    """Whose it is, where there are several."""
    digits: tuple[Digit, ...] = ()
    holes: Holes | None = None
    """Why nothing is heard where nothing is; None where that is not known."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.line.length / self.line.rate


def sounds_of(source: Stream | Call | Audio, fill: Fill = "silence") -> list[Sound]:
    """What is heard of it: one sound, or the two sides of a call, caller first.

    Raises CodecUnavailable as their ``audio`` does.
    """
    if isinstance(source, Audio):
        return [Sound(source, 0.0)]
    rendering = Rendering(fill)
    if not isinstance(source, Call):
        track = source.track(rendering=rendering)
        return [Sound(track, source.start_s or 0.0, "", tuple(source.dtmf), track.holes)]
    start_s = min((s.start_s for s in source.streams if s.start_s is not None), default=0.0)
    found = []
    names = ("first", "second") if source.guessed else ("caller", "callee")
    sides = zip(names, source.sides(rendering), (source.left, source.right), strict=True)
    for name, (line, tracks), streams in sides:
        own = {stream.ssrc for stream in streams}
        digits = [digit for digit in source.dtmf if digit.ssrc in own]
        holes = [track.holes for track in tracks if track.rate == line.rate]
        known = one_after_another(holes) if len(holes) == len(tracks) else None
        found.append(Sound(line, start_s, name, tuple(digits), known))
    return found


@dataclass(frozen=True, eq=False)
class Wave:
    """The envelope of a line, in columns of equal length."""

    time_s: Floats
    """The middle of each column, from the line's first sample, shape (c,)."""
    low: Floats
    high: Floats
    """Of all channels, as parts of full scale."""
    made: npt.NDArray[np.int64]
    """How many samples of each column are made from what, shape (c, codes of `Heard`)."""
    rate: int
    edge: npt.NDArray[np.int64]
    """Where each column begins, and the last one ends, in samples, shape (c + 1,)."""

    @classmethod
    def of(cls, line: Line, columns: int) -> Wave:
        """Reads the line once from end to end; no more of it is in memory than a window."""
        columns = max(min(columns, line.length), 1)
        edge = np.arange(columns + 1, dtype=np.int64) * line.length // columns
        low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
        made = np.zeros((columns, len(Heard)), np.int64)
        at = 0
        for samples, heard in windows([line]):
            end = at + len(samples)
            first, last = np.searchsorted(edge, [at, end - 1], "right") - 1
            here = slice(int(first), int(last) + 1)
            begins = np.maximum(edge[here] - at, 0)
            least, most = samples, samples
            if samples.ndim > 1:
                least, most = samples.min(axis=1), samples.max(axis=1)
            low[here] = np.minimum(low[here], np.minimum.reduceat(least, begins))
            high[here] = np.maximum(high[here], np.maximum.reduceat(most, begins))
            what = heard if heard.ndim == 1 else heard.min(axis=1)
            for code in Heard:
                made[here, code] += np.add.reduceat((what == code).astype(np.int64), begins)
            at = end
        if not at:
            low[:], high[:] = 0, 0
        middle = (edge[:-1] + edge[1:]) / 2 / line.rate
        return cls(middle, low / FULL_SCALE, high / FULL_SCALE, made, line.rate, edge)

    @property
    def peak(self) -> float:
        return float(max(-self.low.min(), self.high.max()))

    def spans(self, code: Heard) -> Iterator[Span]:
        """Where columns hold samples that are made from this, in seconds."""
        there = self.made[:, code] > 0
        turns = np.flatnonzero(np.diff(there, prepend=False, append=False))
        edge = self.edge / self.rate
        for begin, end in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True):
            yield float(edge[begin]), float(edge[end])

    def seconds(self, code: Heard) -> float:
        """How much of it is made from this."""
        return float(self.made[:, code].sum()) / self.rate


def spans_of(holes: Holes, cause: Cause, rate: int) -> npt.NDArray[np.float64]:
    """Begin and end in seconds of the holes of a cause, shape (h, 2)."""
    mine = holes.cause == cause
    return np.stack([holes.begin[mine], holes.end[mine]], axis=1) / rate
