"""Codecs whose payloads are frames, each of the same number of samples."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.comfort import ComfortNoise, prediction
from rtpcap.codecs.decoder import Decoded, Decoder, Filled, Heard, Measured, Reason
from rtpcap.codecs.pyav import FFmpegDecoder, require_pyav
from rtpcap.rtp.payloads import Payloads

__all__ = ["FrameKind", "FramedDecoder", "Frames", "UnitDecoder"]

NO_SAMPLES = np.empty(0, np.int16)

RECENT_S = 0.04
"""How much of the sound before a silence its spectrum is taken from."""
RECENT_PIECES = 4
"""Pieces of it that are kept: no frame is shorter than 10 ms."""


class FrameKind(IntEnum):
    """What a frame is."""

    SPEECH = 0
    DESCRIPTOR = 1
    """A description of the sender's silence (SID)."""
    NOTHING = 2
    """Not sent, or nothing to say: the silence goes on."""
    LOST = 3
    """Lost or damaged before it came to the sender."""


Frames = tuple[list[tuple[FrameKind, bytes]], Reason]
"""The frames of a payload, and what is wrong with it."""


class FramedDecoder(Decoder):
    """Splits payloads into frames, and has FFmpeg decode those that are speech.

    Between silence descriptors, and after them until the next speech, there is comfort noise.
    """

    frame_samples: int
    joins = False
    """Whether FFmpeg takes several frames at once."""
    untransmitted = b""
    """The frame for which FFmpeg makes noise, where its decoder knows the codec's descriptors."""

    def __init__(self, decoder: FFmpegDecoder, sample_rate: int) -> None:
        require_pyav()
        self.sample_rate = sample_rate
        self._decoder = decoder
        self._silent = False
        self._noise: ComfortNoise | None = None
        self._recent: deque[npt.NDArray[np.int16]] = deque(maxlen=RECENT_PIECES)

    @abstractmethod
    def split(self, payload: bytes) -> Frames:
        """The frames of a payload."""

    def describe(
        self, descriptor: bytes, noise: ComfortNoise, before: npt.NDArray[np.int16]
    ) -> None:
        """Make the noise what a silence descriptor says, after the sound `before`."""
        noise.become(_rms(before), prediction(before))

    def measure(self, payloads: Payloads) -> Measured:
        samples = np.zeros(len(payloads), np.int64)
        reasons = np.zeros(len(payloads), np.uint8)
        for i, payload in enumerate(payloads):
            frames, reason = self.split(payload)
            samples[i] = self.frame_samples * len(frames)
            reasons[i] = reason
        return Measured(samples, reasons)

    def decode_run(self, payloads: Payloads) -> Decoded:
        pieces = []
        counts = np.zeros(len(payloads), np.int64)
        heard = np.zeros(len(payloads), np.uint8)
        reasons = np.zeros(len(payloads), np.uint8)
        for i, payload in enumerate(payloads):
            frames, reason = self.split(payload)
            counts[i] = self.frame_samples * len(frames)
            if self.joins and len(frames) > 1 and all(k is FrameKind.SPEECH for k, _ in frames):
                frames = [(FrameKind.SPEECH, b"".join([data for _, data in frames]))]
                wanted = int(counts[i])
            else:
                wanted = self.frame_samples
            made = set()
            for kind, data in frames:
                piece, what = self._frame(kind, data, wanted)
                if what is Heard.SILENCE and kind is FrameKind.SPEECH and not reason:
                    reason = Reason.DAMAGED
                pieces.append(piece)
                made.add(what)
            heard[i] = Heard.RECEIVED if Heard.RECEIVED in made else max(made, default=0)
            reasons[i] = reason
        samples = np.concatenate(pieces) if pieces else NO_SAMPLES
        return Decoded(samples, counts, heard, reasons)

    def _frame(
        self, kind: FrameKind, data: bytes, wanted: int
    ) -> tuple[npt.NDArray[np.int16], Heard]:
        if kind is FrameKind.SPEECH or self.untransmitted:
            frames = self._decoder.feed(data)
            piece = frames[0] if len(frames) == 1 else np.concatenate([NO_SAMPLES, *frames])
            self._silent = kind is not FrameKind.SPEECH
            if not len(piece):
                return np.zeros(wanted, np.int16), Heard.SILENCE
            self._recent.append(piece)
            return fitted(piece, wanted), Heard.NOISE if self._silent else Heard.RECEIVED
        if kind is FrameKind.DESCRIPTOR:
            if self._noise is None:
                self._noise = ComfortNoise()
            before = np.concatenate([NO_SAMPLES, *self._recent])
            self.describe(data, self._noise, before[-int(RECENT_S * self.sample_rate) :])
            self._silent = True
        if self._silent and self._noise is not None:
            return self._noise.make(wanted), Heard.NOISE
        return np.zeros(wanted, np.int16), Heard.SILENCE

    def fill(self, samples: int, following: bytes | None = None) -> list[Filled]:
        """Comfort noise while the sender is silent; nothing while it is not."""
        if not self._silent:
            return []
        if self._noise is not None:
            return [Filled(self._noise.make(samples), Heard.NOISE)]
        frames = -(-samples // self.frame_samples)
        pieces = [
            self._frame(FrameKind.NOTHING, self.untransmitted, self.frame_samples)[0]
            for _ in range(frames)
        ]
        return [Filled(np.concatenate([NO_SAMPLES, *pieces])[:samples], Heard.NOISE)]

    def reset(self) -> None:
        self._decoder.reset()
        self._silent = False
        self._recent.clear()


class UnitDecoder(Decoder):
    """Payloads of whole units of a few bytes, of which any number makes a packet for FFmpeg.

    Payloads that follow each other are decoded at once, which gives the same samples.
    """

    most_bytes = 1 << 16
    """Of a packet: enough to be fast, little enough to be held."""

    def __init__(
        self, decoder: FFmpegDecoder, sample_rate: int, unit_bytes: int, unit_samples: int
    ) -> None:
        require_pyav()
        self.sample_rate = sample_rate
        self._decoder = decoder
        self._unit_bytes = unit_bytes
        self._unit_samples = unit_samples

    def measure(self, payloads: Payloads) -> Measured:
        units, rest = np.divmod(payloads.size, self._unit_bytes)
        reason = np.where(rest > 0, Reason.LENGTH, Reason.NONE)
        reason[units == 0] = Reason.SHORT
        reason[payloads.size == 0] = Reason.EMPTY
        return Measured(units * self._unit_samples, reason.astype(np.uint8))

    def decode_run(self, payloads: Payloads) -> Decoded:
        measured = self.measure(payloads)
        whole = payloads.size // self._unit_bytes * self._unit_bytes
        data = Payloads(payloads.data, payloads.begin, whole).joined()
        step = self.most_bytes // self._unit_bytes * self._unit_bytes
        pieces = [NO_SAMPLES]
        for at in range(0, len(data), step):
            part = data[at : at + step]
            wanted = len(part) // self._unit_bytes * self._unit_samples
            pieces.append(
                fitted(np.concatenate([NO_SAMPLES, *self._decoder.feed(part.tobytes())]), wanted)
            )
        heard = np.where(measured.samples > 0, Heard.RECEIVED, Heard.SILENCE).astype(np.uint8)
        return Decoded(np.concatenate(pieces), measured.samples, heard, measured.reason)

    def reset(self) -> None:
        self._decoder.reset()


def fitted(samples: npt.NDArray[np.int16], wanted: int) -> npt.NDArray[np.int16]:
    """As many samples as wanted: cut, or with silence behind them."""
    if len(samples) >= wanted:
        return samples[:wanted]
    out = np.zeros((wanted, *samples.shape[1:]), np.int16)
    out[: len(samples)] = samples
    return out


def _rms(samples: npt.NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0
