"""Sounds of known frequencies, levels and lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.audio import Audio
from rtpcap.codecs.g711 import MU_LAW, encode_mu_law

__all__ = ["Sound", "key", "line", "mu_law", "noise", "rhythm", "silence", "sines"]

Sound = npt.NDArray[np.float64]
FULL_SCALE = 32768
Q23 = {
    symbol: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, symbol in zip((1209, 1336, 1477, 1633), row, strict=True)
}
"""ITU-T Q.23, table 1."""


def sines(
    hertz: Sequence[float],
    seconds: float,
    *,
    dbov: float | Sequence[float] = -20.0,
    rate: int = 8000,
    phase: float = 0.3,
) -> Sound:
    """Sines at once, each of a level in dBov: a full-scale one has -3.01."""
    time = np.arange(round(seconds * rate)) / rate
    levels = [dbov] * len(hertz) if isinstance(dbov, float) else dbov
    sound = np.zeros(len(time))
    for number, (one, level) in enumerate(zip(hertz, levels, strict=True)):
        size = FULL_SCALE * np.sqrt(2) * 10 ** (level / 20)
        sound += size * np.sin(2 * np.pi * one * time + phase * (number + 1))
    return sound


def key(
    symbol: str,
    seconds: float = 0.1,
    *,
    low_dbov: float = -15.0,
    twist_db: float = 0.0,
    off_pct: float = 0.0,
    rate: int = 8000,
    phase: float = 0.3,
) -> Sound:
    """A key of the table in Q.23; both tones off by so many per cent."""
    pair = [hertz * (1 + off_pct / 100) for hertz in Q23[symbol]]
    levels = [low_dbov, low_dbov + twist_db]
    return sines(pair, seconds, dbov=levels, rate=rate, phase=phase)


def silence(seconds: float, rate: int = 8000) -> Sound:
    return np.zeros(round(seconds * rate))


def noise(seconds: float, dbov: float, *, rate: int = 8000, seed: int = 1) -> Sound:
    """White noise of a level."""
    values = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return np.asarray(values * FULL_SCALE * 10 ** (dbov / 20))


def rhythm(
    hertz: Sequence[float],
    seconds: Sequence[float],
    *,
    times: int = 1,
    dbov: float = -20.0,
    rate: int = 8000,
) -> list[Sound]:
    """Sound, silence, sound, silence ... so many times over."""
    return [
        silence(long, rate) if number % 2 else sines(hertz, long, dbov=dbov, rate=rate)
        for _ in range(times)
        for number, long in enumerate(seconds)
    ]


def line(*parts: Sound, rate: int = 8000, received: npt.NDArray[np.bool_] | None = None) -> Audio:
    """Sounds one after the other, as 16-bit samples."""
    whole = np.clip(np.round(np.concatenate(parts)), -FULL_SCALE, FULL_SCALE - 1)
    there = np.ones(len(whole), np.bool_) if received is None else received
    return Audio(whole.astype(np.int16), rate, there)


def mu_law(audio: Audio) -> Audio:
    """What mu-law leaves of it."""
    return Audio(MU_LAW[encode_mu_law(audio.samples)], audio.rate, audio.received)


def joined(parts: Iterable[Sound]) -> Sound:
    return np.concatenate(list(parts))
