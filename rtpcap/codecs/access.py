"""Codecs whose payloads hold access units: one, several, or a piece of one that goes on.

A unit that was cut into pieces counts for the packet that its first piece came in; the packets of
the others stand for no samples of their own.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.decoder import Decoded, Decoder, Heard, Measured, Reason
from rtpcap.codecs.frames import fitted
from rtpcap.codecs.pyav import FFmpegDecoder, require_pyav
from rtpcap.rtp.payloads import Payloads

__all__ = ["AccessUnitDecoder", "Assembled"]


@dataclass
class Assembled:
    """The units of n payloads; filled from the first on."""

    units: list[list[bytes]]
    """The units that begin in each payload, in order."""
    reasons: list[Reason]

    @classmethod
    def empty(cls, payloads: int) -> Assembled:
        return cls([[] for _ in range(payloads)], [Reason.NONE] * payloads)


class AccessUnitDecoder(Decoder):
    """Puts units together from payloads, and has FFmpeg decode each."""

    def __init__(self, decoder: FFmpegDecoder, sample_rate: int, channels: int) -> None:
        require_pyav()
        self.sample_rate = sample_rate
        self.channels = channels
        self._decoder = decoder

    @abstractmethod
    def assemble(self, payloads: Payloads) -> Assembled:
        """The units of payloads in the order they were sent."""

    @abstractmethod
    def unit_samples(self, unit: bytes) -> int:
        """How many samples a unit stands for."""

    def measure(self, payloads: Payloads) -> Measured:
        assembled = self.assemble(payloads)
        samples = [sum(map(self.unit_samples, units)) for units in assembled.units]
        return Measured(np.array(samples, np.int64), np.array(assembled.reasons, np.uint8))

    def decode_run(self, payloads: Payloads) -> Decoded:
        assembled = self.assemble(payloads)
        counts = np.zeros(len(payloads), np.int64)
        heard = np.zeros(len(payloads), np.uint8)
        reason = np.array(assembled.reasons, np.uint8)
        pieces = [self.silence(0)]
        for i, units in enumerate(assembled.units):
            for unit in units:
                wanted = self.unit_samples(unit)
                frames = [self._matched(frame) for frame in self._decoder.feed(unit)]
                counts[i] += wanted
                if frames:
                    heard[i] = Heard.RECEIVED
                elif wanted and not reason[i]:
                    reason[i] = Reason.DAMAGED
                pieces.append(fitted(np.concatenate([self.silence(0), *frames]), wanted))
        return Decoded(np.concatenate(pieces), counts, heard, reason)

    def _matched(self, frame: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """A frame with as many channels as the stream has."""
        if self.channels == 1:
            return frame if frame.ndim == 1 else frame.mean(axis=1).astype(np.int16)
        if frame.ndim == 1:
            return np.repeat(frame[:, None], self.channels, axis=1)
        if frame.shape[1] >= self.channels:
            return frame[:, : self.channels]
        out = np.zeros((len(frame), self.channels), np.int16)
        out[:, : frame.shape[1]] = frame
        return out

    def reset(self) -> None:
        self._decoder.reset()
