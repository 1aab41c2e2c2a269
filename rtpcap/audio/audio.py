"""Audio: samples, their rate, and which of them were received."""

from __future__ import annotations

import io
import os
import wave
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Line, Samples, windows
from rtpcap.audio.wav import write_wav

__all__ = ["Audio"]

PLAYER_S = 600
"""A notebook's player holds no more: 10 minutes at 8 kHz are 13 MB of text in the notebook."""


class Audio:
    """Decoded audio in memory; made by `Stream.audio` and `Call.audio`.

    `samples` is int16 of shape (n,), or (n, channels): a call's first speaker is channel 0.
    `received` tells, with shape (n,), or (n, 2) for the sides of a call, which samples came from
    packets; the others are silence filled in.
    """

    def __init__(
        self, samples: npt.NDArray[np.int16], rate: int, received: npt.NDArray[np.bool_]
    ) -> None:
        self.samples = samples
        self.rate = rate
        self.received = received

    @classmethod
    def from_lines(cls, lines: Sequence[Line]) -> Audio:
        """The whole of lines, side by side. Raises ValueError where their rates differ."""
        rate, length = lines[0].rate, max(line.length for line in lines)
        if any(line.rate != rate for line in lines):
            raise ValueError("lines of different sample rates cannot be heard side by side")
        channels = sum(line.channels for line in lines)
        samples = np.empty((length,) if channels == 1 else (length, channels), np.int16)
        received = np.empty((length,) if len(lines) == 1 else (length, len(lines)), np.bool_)
        at = 0
        for part, there in windows(lines):
            samples[at : at + len(part)] = part
            received[at : at + len(part)] = there
            at += len(part)
        return cls(samples, rate, received)

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
        """How much of it is silence filled in."""
        return self.duration_s - self.received_s

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and which of them were received; silence beyond the end."""
        samples = np.zeros((stop - start, *self.samples.shape[1:]), np.int16)
        received = np.zeros(stop - start, np.bool_)
        part = self.samples[start:stop]
        samples[: len(part)] = part
        there = self.received[start:stop]
        received[: len(part)] = there if there.ndim == 1 else there.any(axis=1)
        return samples, received

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as a WAV file of 16 bits. Raises OSError where it cannot be written."""
        write_wav(path, [self])

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
