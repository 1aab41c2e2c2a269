"""Whether one side of a call comes back on the other: a hint, by correlation of their loudness.

The loudness of both sides, in steps of 5 ms and without what changes slowly, is compared at every
delay of up to a second. Speech that comes back makes one sharp peak at its delay. People who take
turns make none; delays that no echo can have, where the answer precedes the speech, tell how high
chance alone reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.audio.bank import mono
from rtpcap.audio.line import Line

__all__ = ["Echo", "find_echo"]

STEP_S = 0.005
LONGEST_S = 1.0
"""No echo in a call takes longer."""
SEGMENT = 1 << 13
"""Steps that are transformed at a time: 41 s."""
FLOOR_DBOV = -65.0
"""Loudness below counts as this: noise."""
SLOW_S = 0.5
"""What changes over this time is left out."""
ALIKE_S = 0.1
"""A syllable: over this time loudness is like itself."""
LEAST = 0.15
"""The correlation of an echo that is told: it is 1 where nothing but the echo is on the line."""
ABOVE_CHANCE = 2.0
"""How many times higher than the greatest correlation at delays that no echo has."""
LEAST_S = 2.0
"""Sound of both sides that is needed for a judgement."""


@dataclass(frozen=True)
class Echo:
    """One side heard again on the other."""

    delay_ms: float
    """After which it comes back, to 5 ms."""
    strength: float
    """The correlation of the two sides' loudness at that delay, 0..1."""
    chance: float
    """The greatest correlation at delays that no echo has."""


def find_echo(speaker: Line, other: Line) -> Echo | None:
    """The echo of one line in another whose samples begin at the same time; None if there is none.

    The rates may differ.
    """
    lags = round(LONGEST_S / STEP_S)
    total = np.zeros(2 * lags + 1)
    energy = [0.0, 0.0]
    loud = 0
    length_s = min(speaker.length / speaker.rate, other.length / other.rate)
    pairs = zip(_segments(speaker, length_s), _segments(other, length_s), strict=True)
    for (first, first_loud), (second, second_loud) in pairs:
        energy[0] += float((first**2).sum())
        energy[1] += float((second**2).sum())
        loud += min(first_loud, second_loud)
        size = 2 * SEGMENT
        product = np.fft.rfft(first, size).conj() * np.fft.rfft(second, size)
        correlation = np.fft.irfft(product, size)
        total += np.concatenate([correlation[-lags:], correlation[: lags + 1]])
    if loud * STEP_S < LEAST_S or not all(energy):
        return None
    total /= np.sqrt(energy[0] * energy[1])
    # Close before an echo of no delay the sound is still like itself.
    before, after = np.abs(total[: lags - round(ALIKE_S / STEP_S)]), total[lags:]
    at = int(after.argmax())
    strength, chance = float(after[at]), float(before.max())
    if strength < LEAST or strength < ABOVE_CHANCE * chance:
        return None
    return Echo(at * STEP_S * 1e3, min(1.0, strength), chance)


def _segments(line: Line, length_s: float) -> Iterator[tuple[npt.NDArray[np.float64], int]]:
    """The loudness of a line, segment by segment, without what changes slowly, and loud steps."""
    steps = int(length_s / STEP_S)
    slow = round(SLOW_S / STEP_S)
    flat = np.ones(slow) / slow
    for start in range(0, steps, SEGMENT):
        count = min(SEGMENT, steps - start)
        # Steps are laid by the line's own rate, so that none drifts from the other line's.
        edges = np.round(np.arange(start, start + count + 1) * (STEP_S * line.rate))
        edges = edges.astype(np.int64)
        samples, _ = line.read(int(edges[0]), int(edges[-1]))
        squares = np.concatenate([[0.0], np.cumsum(mono(samples).astype(np.float64) ** 2)])
        at = edges - edges[0]
        power = np.diff(squares[at]) / np.maximum(np.diff(at), 1)
        level = np.maximum(10 * np.log10(np.maximum(power, 1e-13)), FLOOR_DBOV)
        # Beyond the ends it is as at the ends, or the edges would stand out.
        padded = np.pad(level, (slow // 2, slow - 1 - slow // 2), mode="edge")
        yield level - np.convolve(padded, flat, mode="valid"), int((level > FLOOR_DBOV).sum())
