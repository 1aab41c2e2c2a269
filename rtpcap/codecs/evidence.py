"""Evidence: what the packets of one payload number look like, and how surely they are a codec's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from rtpcap.rtp.serial import steps

__all__ = ["ENOUGH_PACKETS", "Candidate", "Evidence", "flatter", "is_random", "roughness"]

ENOUGH_PACKETS = 10
"""Fewer packets are not judged."""

USUAL_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 90000)
RATE_TOLERANCE = 0.04
"""How far the capture's clock may be off when a rate is taken from it."""
LOOSE_TOLERANCE = 0.25
"""And when a rate is only not to be contradicted: by jitter and short streams."""

SECOND_NS = 1_000_000_000

LOUD = 1e-3
"""Frames with less of the energy of the loudest one are silence, which has no shape."""
FRAME_SAMPLES = 320

RANDOM_BYTES = 4096
"""Fewer bytes are not judged."""
LEAST_A_BIN = 5
RANDOM_DEVIATIONS = 6.0
PAUSE = 20
"""A step of more packets than this between two says nothing of how long the first one is."""
CLOCK_PACKETS = 8
"""Fewer steps do not tell the clock."""

HEAD_BYTES = 4
"""The first bytes of payloads, where codecs keep what is alike from one to the next."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Packets of one stream and payload number, in the order they were sent, each once."""

    payloads: Payloads
    ticks: npt.NDArray[np.int64]
    """From each packet's timestamp to that of the next in sequence, shape (n,); 0 for not known:
    the last packet, one in front of a loss, and the last before a pause."""
    clock_hz: float | None = None
    """Ticks a second by the capture's clock, as far as it tells."""

    @classmethod
    def of(
        cls,
        payloads: Payloads,
        sequence: npt.NDArray[np.uint16],
        timestamp: npt.NDArray[np.uint32],
        time_ns: npt.NDArray[np.int64],
    ) -> Evidence:
        """From the columns of packets of one stream and payload number, in capture order."""
        unwrapped = steps(sequence).cumsum(dtype=np.int64)
        order = np.argsort(unwrapped, kind="stable")
        once = np.ones(len(order), np.bool_)
        once[1:] = np.diff(unwrapped[order]) > 0
        order = order[once]
        ticks = np.zeros(len(order), np.int64)
        if len(order) > 1:
            ticks[:-1] = steps(timestamp[order])[1:]
            ticks[:-1][np.diff(unwrapped[order]) != 1] = 0
            ticks[ticks < 0] = 0
            usual = np.median(ticks[ticks > 0]) if ticks.any() else 0
            ticks[ticks > PAUSE * usual] = 0
        return cls(payloads[order], ticks, _clock_hz(ticks, time_ns[order]))

    @cached_property
    def size(self) -> npt.NDArray[np.int64]:
        return self.payloads.size

    @cached_property
    def step(self) -> int:
        """The ticks of most packets; 0 where none are known."""
        known = self.ticks[(self.ticks > 0) & (self.size > 0)]
        if not len(known):
            return 0
        values, counts = np.unique(known, return_counts=True)
        return int(values[np.argmax(counts)])

    @cached_property
    def clock_rate(self) -> int | None:
        """The usual clock rate next to what the capture's clock says; None for none."""
        hertz = self.clock_hz
        if hertz is None:
            return None
        near = min(USUAL_RATES, key=lambda rate: abs(rate - hertz))
        return near if abs(near - hertz) <= RATE_TOLERANCE * near else None

    def may_be(self, *rates: int) -> bool:
        """Whether the clock may be one of these."""
        hertz = self.clock_hz
        if hertz is None or self.clock_rate in rates:
            return True
        return self.clock_rate is None and any(
            abs(rate - hertz) <= LOOSE_TOLERANCE * rate for rate in rates
        )

    def fits(self, samples: npt.NDArray[np.int64], *, pauses: bool = False) -> float:
        """The share of packets whose samples are what the timestamps say.

        Packets whose ticks are not known only have to hold some; so do, with `pauses`, those after
        which the sender says nothing for a while: whole packets of theirs.
        """
        right = samples == self.ticks
        if pauses:
            right |= (self.ticks > samples) & (self.ticks % np.maximum(samples, 1) == 0)
        right = np.where(self.ticks > 0, right, True) & (samples > 0)
        return float(right.mean()) if len(right) else 0.0


def _clock_hz(ticks: npt.NDArray[np.int64], time_ns: npt.NDArray[np.int64]) -> float | None:
    """Ticks a second over the steps that are known; None where there are too few."""
    elapsed = np.diff(time_ns, append=time_ns[-1:])
    # A time that is none, or a clock that was set, lies far away.
    sound = (ticks > 0) & (np.abs(elapsed) < 10 * SECOND_NS)
    if sound.sum() < CLOCK_PACKETS:
        return None
    seconds = float(elapsed[sound].sum()) / SECOND_NS
    return float(ticks[sound].sum()) / seconds if seconds > 0 else None


@dataclass(frozen=True)
class Candidate:
    """What a stream may be."""

    format: Format
    share: float
    """Of its packets, how many fit."""
    bits: float
    """How improbable it is that a random payload fits, as a power of two."""
    reason: str

    def weight(self, packets: int) -> float:
        """The bits of all packets: how much speaks for it."""
        misfit = max(1 - self.share, 0.5 / max(packets, 1))
        # Packets that fit speak for it, those that do not against it.
        return packets * (self.share * self.bits + (1 - self.share) * log2(misfit))


def roughness(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """How different each loud stretch's neighbouring samples are: about 0.2 speech, 1 noise."""
    frames, loud = _stretches(samples)
    energy = (frames**2).sum(axis=1)
    steps = (np.diff(frames, axis=1) ** 2).sum(axis=1)
    return np.asarray(np.where(loud, steps / (2 * np.maximum(energy, 1)), np.nan))


def _stretches(
    samples: npt.NDArray[np.int16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Pieces of equal length without their mean, shape (n, FRAME_SAMPLES), and which are loud."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = samples[:whole].astype(np.float64).reshape(-1, FRAME_SAMPLES)
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy = (frames**2).sum(axis=1)
    return frames, (energy > 0) & (energy > LOUD * energy.max(initial=0))


def flatter(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> float:
    """How much flatter the spectrum of `one` is than that of `other`: a mean logarithm.

    Speech has harmonics; the same decoded wrongly has noise between them. Positive speaks for
    `other`, negative for `one`, what is near 0 for neither.
    """
    a, b = _flatness(one), _flatness(other)
    n = min(len(a), len(b))
    both = ~np.isnan(a[:n]) & ~np.isnan(b[:n])
    return float((a[:n] - b[:n])[both].mean()) if both.any() else 0.0


def _flatness(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """The logarithm of each loud stretch's spectral flatness: geometric by arithmetic mean."""
    frames, loud = _stretches(samples)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(FRAME_SAMPLES), axis=1)) ** 2 + 1
    flatness = np.log(spectrum).mean(axis=1) - np.log(spectrum.mean(axis=1))
    return np.asarray(np.where(loud, flatness, np.nan))


def is_random(payloads: Payloads) -> bool:
    """Whether payloads are as random as encryption makes them, in all bytes and in the first.

    Codecs leave traces: values that are more frequent, and first bytes that are alike.
    """
    data = payloads.joined()
    if len(data) < RANDOM_BYTES or not _uniform(data):
        return False
    head = payloads[payloads.size >= HEAD_BYTES].head(HEAD_BYTES)
    return all(_uniform(head[:, i]) for i in range(HEAD_BYTES))


def _uniform(values: npt.NDArray[np.uint8]) -> bool:
    """Whether bytes are equally frequent but for chance; of few of them, their halves."""
    if len(values) >= RANDOM_BYTES:
        return _equally_frequent(values, 256)
    return all(
        _equally_frequent(half, 16) for half in (values >> np.uint8(4), values & np.uint8(15))
    )


def _equally_frequent(values: npt.NDArray[np.uint8], bins: int) -> bool:
    if len(values) < LEAST_A_BIN * bins:
        return True
    expected = len(values) / bins
    counts = np.bincount(values, minlength=bins)
    chi_squared = float(((counts - expected) ** 2).sum()) / expected
    # Chi squared has a mean of its degrees of freedom, and twice that for a variance.
    freedom = bins - 1
    return bool(chi_squared < freedom + RANDOM_DEVIATIONS * (2 * freedom) ** 0.5)
