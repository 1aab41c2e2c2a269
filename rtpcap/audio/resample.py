"""Another sample rate: by soxr where it is installed, otherwise by FFmpeg's resampler."""

from __future__ import annotations

from importlib.util import find_spec
from math import gcd

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Line, Samples
from rtpcap.codecs.pyav import resample as by_ffmpeg

__all__ = ["Resampled", "resample"]

MARGIN = 2048
"""Samples, of the lower of the two rates, that a window is resampled with on either side: more than
any of the filters reaches."""


def resample(samples: npt.NDArray[np.int16], rate: int, wanted: int) -> npt.NDArray[np.int16]:
    """Samples of shape (n,) or (n, channels) at another rate, the first one where it was."""
    if rate == wanted or not len(samples):
        return samples
    if find_spec("soxr") is None:
        return by_ffmpeg(samples, rate, wanted)
    import soxr

    out: npt.NDArray[np.int16] = soxr.resample(samples, rate, wanted)
    return out


class Resampled:
    """A line at another rate."""

    def __init__(self, line: Line, rate: int) -> None:
        self._line = line
        self.rate = rate
        self.channels = line.channels
        self.length = -(-line.length * rate // line.rate)
        # Windows are cut where a sample of one rate lies on one of the other.
        common = gcd(line.rate, rate)
        self._step, self._wanted_step = line.rate // common, rate // common
        self._margin = -(-MARGIN * max(1, line.rate // rate) // self._step)
        self._begin = self._end = 0
        self._samples, self._heard = line.read(0, 0)

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, each heard as the one that was there."""
        if stop <= start:
            samples, heard = self._samples[:0], self._heard[:0]
            return samples, heard
        first = start // self._wanted_step - self._margin
        last = -(-stop // self._wanted_step) + self._margin
        samples, heard = self._source(first * self._step, last * self._step)
        made = resample(samples, self._line.rate, self.rate)
        at = start - first * self._wanted_step
        out = np.zeros((stop - start, *made.shape[1:]), np.int16)
        part = made[at : at + stop - start]
        out[: len(part)] = part
        places = np.arange(start, stop) * self._line.rate // self.rate - first * self._step
        return out, heard[places]

    def _source(self, begin: int, end: int) -> Samples:
        """The line's own samples; those that were read last are still here."""
        if not self._begin <= begin <= self._end:
            self._begin = self._end = begin
            self._samples, self._heard = self._samples[:0], self._heard[:0]
        if end > self._end:
            samples, heard = self._line.read(self._end, end)
            self._samples = np.concatenate([self._samples[begin - self._begin :], samples])
            self._heard = np.concatenate([self._heard[begin - self._begin :], heard])
            self._begin, self._end = begin, end
        here = slice(begin - self._begin, end - self._begin)
        return self._samples[here], self._heard[here]
