"""Layers: lines that are heard as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Line, Samples
from rtpcap.audio.resample import Resampled
from rtpcap.codecs.decoder import Heard

__all__ = ["Layers", "Mix", "at_rate", "precedence"]

PRECEDENCE = np.zeros(len(Heard), np.uint8)
"""By `Heard`: what there is of it says more of a moment than what ranks lower."""
PRECEDENCE[[Heard.NOISE, Heard.CONCEALED, Heard.REPAIRED, Heard.RECEIVED]] = np.arange(1, 5)


def at_rate(line: Line, rate: int) -> Line:
    """A line at a rate."""
    return line if line.rate == rate else Resampled(line, rate)


def precedence(heard: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Of what is heard side by side, shape (n, lines), what says most, shape (n,)."""
    order = np.argsort(PRECEDENCE).astype(np.uint8)
    return np.asarray(order[PRECEDENCE[heard].max(axis=1)])


class Layers:
    """Lines of one stream that take turns: where several are heard, the one that says most.

    A line of one channel is heard in all channels of the others.
    """

    def __init__(self, lines: Sequence[Line], rate: int) -> None:
        self._lines = [at_rate(line, rate) for line in lines]
        self.rate = rate
        self.channels = max(line.channels for line in lines)
        self.length = max(line.length for line in self._lines)

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and what each is made from."""
        first, *others = self._lines
        samples, heard = first.read(start, stop)
        samples = self._widened(samples)
        for line in others:
            more, what = line.read(start, stop)
            mine = PRECEDENCE[what] > PRECEDENCE[heard]
            mask = mine if self.channels == 1 else mine[:, None]
            samples = np.where(mask, self._widened(more), samples)
            heard = np.where(mine, what, heard)
        return samples, heard

    def _widened(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        if self.channels == 1:
            return samples
        if samples.ndim == 1:
            return np.repeat(samples[:, None], self.channels, axis=1)
        out = np.zeros((len(samples), self.channels), np.int16)
        out[:, : samples.shape[1]] = samples
        return out


class Mix:
    """Lines that speak at once, as one: all are heard, as loud as 16 bits allow.

    Raises ValueError where their rates or channels differ.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        first = lines[0]
        if any((line.rate, line.channels) != (first.rate, first.channels) for line in lines):
            raise ValueError("lines of different sample rates or channels cannot be heard as one")
        self.rate = first.rate
        self.channels = first.channels
        self.length = max(line.length for line in lines)
        self._lines = tuple(lines)

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and what the one that says most is made from."""
        samples, heard = self._lines[0].read(start, stop)
        if len(self._lines) == 1:
            return samples, heard
        total = samples.astype(np.int32)
        for line in self._lines[1:]:
            more, what = line.read(start, stop)
            total += more
            heard = np.where(PRECEDENCE[what] > PRECEDENCE[heard], what, heard)
        limits = np.iinfo(np.int16)
        return np.clip(total, limits.min, limits.max).astype(np.int16), heard
