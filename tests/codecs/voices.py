"""Sounds to send: tones, and speech out of a capture that the project ships."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import rtpcap

__all__ = ["FIXTURES", "lag", "pitch", "resampled", "snr_db", "speech", "tone", "tone_snr_db"]

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LOUDNESS = 12000

Samples = npt.NDArray[np.int16]


def tone(rate: int, seconds: float, hertz: float = 440.0) -> Samples:
    """A sine of 12,000, faded in over 10 ms."""
    t = np.arange(round(rate * seconds)) / rate
    fade = np.minimum(t / 0.01, 1)
    return np.asarray(np.rint(LOUDNESS * fade * np.sin(2 * np.pi * hertz * t)), np.int16)


@cache
def speech(rate: int) -> Samples:
    """Four seconds of speech; what a capture of 8000 Hz holds, at any rate."""
    heard = rtpcap.open(FIXTURES / "ff-pcma.pcap").streams[0].audio().samples[: 4 * 8000]
    return resampled(heard, 8000, rate)


def resampled(samples: Samples, old: int, new: int) -> Samples:
    """The same sound at another rate, by its spectrum."""
    if old == new:
        return samples
    n = len(samples) * new // old
    spectrum = np.fft.rfft(samples.astype(np.float64))
    bins = min(len(spectrum), n // 2 + 1)
    other = np.zeros(n // 2 + 1, complex)
    other[:bins] = spectrum[:bins]
    return np.clip(np.rint(np.fft.irfft(other, n) * new / old), -32768, 32767).astype(np.int16)


def lag(sent: Samples, heard: Samples, most: int = 2000) -> int:
    """How many samples later `heard` is than `sent`: where they correlate best."""
    n = min(len(sent), len(heard))
    size = 1 << (n + most).bit_length()
    a = np.fft.rfft(sent[:n].astype(np.float64), size)
    b = np.fft.rfft(heard[:n].astype(np.float64), size)
    correlation = np.fft.irfft(b * a.conj(), size)
    return int(np.argmax(np.concatenate([correlation[-most:], correlation[:most]]))) - most


def snr_db(sent: Samples, heard: Samples, later: int) -> float:
    """Signal to noise, `heard` moved back by a lag, without the first and last 10 %; any level."""
    n = min(len(sent), len(heard) - later)
    part = slice(n // 10, n - n // 10)
    a = sent[:n][part].astype(np.float64)
    b = heard[later : later + n][part].astype(np.float64)
    gain = float((a * b).sum()) / max(float((b * b).sum()), 1.0)
    return float(10 * np.log10((a * a).sum() / max(float(((a - gain * b) ** 2).sum()), 1e-9)))


def tone_snr_db(heard: npt.NDArray[np.float64], rate: int, hertz: float) -> float:
    """A tone, as loud and with whatever phase fits best, to all else that is heard with it."""
    turns = 2 * np.pi * hertz * np.arange(len(heard)) / rate
    sine, cosine = np.sin(turns), np.cos(turns)
    # Sums of products: BLAS would share out so small a work among all processors, and wait.
    ss, sc, cc = (float((x * y).sum()) for x, y in ((sine, sine), (sine, cosine), (cosine, cosine)))
    hs, hc = float((heard * sine).sum()), float((heard * cosine).sum())
    whole = ss * cc - sc * sc
    found = (hs * cc - hc * sc) / whole * sine + (hc * ss - hs * sc) / whole * cosine
    return float(10 * np.log10((found**2).sum() / max(float(((heard - found) ** 2).sum()), 1e-9)))


def pitch(heard: npt.NDArray[np.float64], rate: int) -> float:
    """The strongest frequency, in steps of about 1 Hz."""
    size = 1 << (rate - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(heard[:size] * np.hanning(min(size, len(heard))), size))
    return float(np.argmax(spectrum)) * rate / size
