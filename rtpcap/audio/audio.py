"""Audio: samples, their rate, and what each is made from."""

from __future__ import annotations

import io
import os
import wave
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.files import write_file
from rtpcap.audio.layers import at_rate, precedence
from rtpcap.audio.line import Line, Samples, windows
from rtpcap.codecs.decoder import Heard

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rtpcap.views.plot.sheet import AudioKind

__all__ = ["Audio"]

PLAYER_S = 600
"""A notebook's player holds no more: 10 minutes at 8 kHz are 13 MB of text in the notebook."""


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
    ) -> None:
        self.samples = samples
        self.rate = rate
        self.heard: npt.NDArray[np.uint8] = heard.astype(np.uint8, copy=False)

    @classmethod
    def from_lines(cls, lines: Sequence[Line]) -> Audio:
        """The whole of lines, side by side. Raises ValueError where their rates differ."""
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
        return cls(samples, rate, heard)

    @property
    def received(self) -> npt.NDArray[np.bool_]:
        """Which samples came from packets of their own; the others were filled in or repaired."""
        mask: npt.NDArray[np.bool_] = self.heard == Heard.RECEIVED
        return mask

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    @property
    def length(self) -> int:
        """Samples (of each channel)."""
        return len(self.samples)

    @property
    def duration_s(self) -> float:
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
        return Audio.from_lines([at_rate(self, rate)])

    def save(self, path: str | os.PathLike[str], *, to: str | None = None) -> None:
        """Write it to a file: as `to` or the path's ending says WAV, FLAC or Opus, else as WAV.

        Raises OSError where it cannot be written, ValueError for another format.
        """
        write_file(path, [self], to=to)

    def plot(
        self, ax: Axes | None = None, *, kind: AudioKind = "waveform", dark: bool = False
    ) -> Axes:
        """Its waveform, or with a `kind` of ``spectrogram`` that; returns the Axes.

        See `rtpcap.plot`.
        """
        from rtpcap.views.plot.sheet import draw_of_audio

        return draw_of_audio(self, kind, ax, dark=dark)

    def __repr__(self) -> str:
        names = {1: "mono", 2: "stereo"}
        channels = names.get(self.channels, f"{self.channels} channels")
        filled = 100 * self.filled_s / self.duration_s if self.length else 0.0
        return f"<Audio {self.rate} Hz, {channels}, {self.duration_s:.2f} s, {filled:.1f} % filled>"

    def _repr_html_(self) -> str:
        shown = self.samples[: PLAYER_S * self.rate]
        memory = io.BytesIO()
        with wave.open(memory, "wb") as wav:
            wav.setnchannels(self.channels)
            wav.setsampwidth(shown.itemsize)
            wav.setframerate(self.rate)
            wav.writeframes(shown.astype("<i2").tobytes())
        text = repr(self).strip("<>")
        if len(shown) < self.length:
            text += f"; the player holds the first {PLAYER_S // 60} minutes"
        source = b64encode(memory.getvalue()).decode()
        return f'<div>{text}<br><audio controls src="data:audio/wav;base64,{source}"></audio></div>'
