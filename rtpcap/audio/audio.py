"""Audio: samples, their rate, and what each is made from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.files import write_file
from rtpcap.audio.layers import at_rate, precedence
from rtpcap.audio.line import Line, Samples, windows
from rtpcap.codecs.decoder import Heard

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rtpcap.views.plot.sheet import AudioKind

__all__ = ["Audio"]


class Audio:
    """Decoded audio in memory; made by `Stream.audio` and `Call.audio`.

    `samples` is int16 of shape (n,), or (n, channels): of a call the caller is channel 0, or who
    spoke first where no signalling tells.
    `heard` tells, with shape (n,), or (n, 2) for the sides of a call, what each sample is made
    from, as the codes of `Heard`: ``(audio.heard == Heard.CONCEALED).sum()``.
    """

    def __init__(
        self,
        samples: npt.NDArray[np.int16],
        rate: int,
        heard: npt.NDArray[np.uint8] | npt.NDArray[np.bool_],
        *,
        sides: Sequence[str] = (),
    ) -> None:
        self.samples = samples
        self.rate = rate
        """Samples a second (of each channel)."""
        self.heard: npt.NDArray[np.uint8] = heard.astype(np.uint8, copy=False)
        self.sides = tuple(sides)
        """Who is left and who is right, in words; empty where that is not known."""

    @classmethod
    def from_lines(cls, lines: Sequence[Line], *, sides: Sequence[str] = ()) -> Audio:
        """The whole of lines, side by side; `sides` names them.

        Raises ValueError where their rates differ.
        """
        rate, length = lines[0].rate, max(line.length for line in lines)
        if any(line.rate != rate for line in lines):
            raise ValueError("lines of different sample rates cannot be heard side by side")
        channels = sum(line.channels for line in lines)
        samples = np.empty((length,) if channels == 1 else (length, channels), np.int16)
        heard = np.empty((length,) if len(lines) == 1 else (length, len(lines)), np.uint8)
        at = 0
        for part, what in windows(lines):
            samples[at : at + len(part)] = part
            heard[at : at + len(part)] = what
            at += len(part)
        return cls(samples, rate, heard, sides=sides)

    @property
    def received(self) -> npt.NDArray[np.bool_]:
        """Which samples came from packets of their own; the others were filled in or repaired."""
        mask: npt.NDArray[np.bool_] = self.heard == Heard.RECEIVED
        return mask

    @property
    def channels(self) -> int:
        """1 for a single stream's, 2 for a call's."""
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    @property
    def length(self) -> int:
        """Samples (of each channel)."""
        return len(self.samples)

    @property
    def duration_s(self) -> float:
        """From its first sample to its last."""
        return self.length / self.rate

    @property
    def received_s(self) -> float:
        """How much of it came from packets; of the sides of a call, the mean."""
        return self.duration_s * float(self.received.mean()) if self.length else 0.0

    @property
    def filled_s(self) -> float:
        """How much of it was filled in: all that did not come from packets of its own."""
        return self.duration_s - self.received_s

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and what each is made from; silence beyond the ends."""
        samples = np.zeros((stop - start, *self.samples.shape[1:]), np.int16)
        heard = np.zeros(stop - start, np.uint8)
        lo, hi = min(max(start, 0), self.length), min(max(stop, 0), self.length)
        here = slice(lo - start, hi - start)
        samples[here] = self.samples[lo:hi]
        what = self.heard[lo:hi]
        heard[here] = what if what.ndim == 1 else precedence(what)
        return samples, heard

    def resampled(self, rate: int) -> Audio:
        """The same at another rate."""
        return Audio.from_lines([at_rate(self, rate)], sides=self.sides)

    def __getitem__(self, seconds: slice) -> Audio:
        """The part between two times in seconds from its beginning, as ``audio[1.5:3]``.

        Its samples are views of these. A negative time counts from the end, and what lies beyond
        the ends is left out, as in a list. Raises TypeError for anything but a slice without a
        step.
        """
        if not isinstance(seconds, slice) or seconds.step is not None:
            raise TypeError("a part of audio is given in seconds: audio[10:20]")
        begin, end = (
            None if time is None else round(time * self.rate)
            for time in (seconds.start, seconds.stop)
        )
        part = slice(begin, end)
        return Audio(self.samples[part], self.rate, self.heard[part], sides=self.sides)

    def save(self, path: str | os.PathLike[str], *, to: str | None = None) -> None:
        """Write it to a file: as `to` or the path's ending says WAV, FLAC or Opus, else as WAV.

        Raises OSError where it cannot be written, ValueError for another format.
        """
        write_file(path, [self], to=to)

    def plot(
        self, ax: Axes | None = None, *, kind: AudioKind = "waveform", dark: bool = False
    ) -> Axes:
        """Its waveform, or with a `kind` of ``spectrogram`` that; returns the Axes.

        It is drawn into `ax` where that is given, on dark paper with `dark`. See `rtpcap.plot`.
        """
        from rtpcap.views.plot.sheet import draw_of_audio

        return draw_of_audio(self, kind, ax, dark=dark)

    def __repr__(self) -> str:
        names = {1: "mono", 2: "stereo"}
        channels = names.get(self.channels, f"{self.channels} channels")
        filled = 100 * self.filled_s / self.duration_s if self.length else 0.0
        return f"<Audio {self.rate} Hz, {channels}, {self.duration_s:.2f} s, {filled:.1f} % filled>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a sample: its time, its value, and what it is made from."""
        from rtpcap.views.table import audio_frame

        return audio_frame(self)

    def _repr_html_(self) -> str:
        from rtpcap.views.player import audio_html

        return audio_html(self)
