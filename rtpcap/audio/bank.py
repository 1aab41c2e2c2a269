"""Bank: how much of a few frequencies sounds, in short windows that overlap.

A frame is a Hann window of four hops, and there is one each hop::

    samples  |----|----|----|----|----|----|
    frame 0  [       window      ]
    frame 1       [       window      ]
    frame 2            [       window      ]

Each hop of samples is multiplied once with the four quarters of every windowed sine, so a block is
one product of matrices, and a frame the sum of four of its pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FULL_SCALE", "HOPS", "Bank", "Frames", "mono"]

HOPS = 4
"""Hops in a window."""
FULL_SCALE = 32768.0
"""What 16-bit samples are measured by: a square wave that reaches it has 0 dBov."""

LEAD = 6
"""Hops of silence in front of the first sample, so that a tone that begins there has an edge."""
BEFORE = LEAD - HOPS // 2
"""So frame `BEFORE` is centred at sample 0."""


def mono(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Samples of shape (n,) or (n, channels) as one channel, their mean; full scale is 1."""
    if samples.ndim > 1:
        return samples.mean(axis=1, dtype=np.float32) / np.float32(FULL_SCALE)
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


@dataclass(frozen=True, eq=False)
class Frames:
    """Consecutive frames, n of them, at k frequencies."""

    tones: npt.NDArray[np.complex64]
    """Amplitude and phase at the window's centre, shape (n, k): its square is a sine's power."""
    total: npt.NDArray[np.float32]
    """The power of everything but a constant, shape (n,); a full-scale sine has 0.5."""

    def __len__(self) -> int:
        return len(self.total)

    def __getitem__(self, rows: slice) -> Frames:
        return Frames(self.tones[rows], self.total[rows])

    def joined(self, more: Frames) -> Frames:
        """These frames and those after them."""
        return Frames(
            np.concatenate([self.tones, more.tones]), np.concatenate([self.total, more.total])
        )


class Bank:
    """Makes frames of samples that come in pieces of any size.

    `hop` is in samples. Frame i is centred at sample ``(i - BEFORE) * hop``.
    """

    def __init__(self, rate: int, frequencies: Sequence[float], hop: int) -> None:
        self.rate = rate
        self.hop = hop
        self.frequencies = np.array(frequencies, np.float64)
        size = HOPS * hop
        place = np.arange(size) + 0.5
        window = 0.5 - 0.5 * np.cos(2 * np.pi * place / size)
        turn = 2j * np.pi * np.outer(place - size / 2, self.frequencies) / rate
        # Scaled so that the square of the result is the power of a sine that fills the window.
        waves = window[:, None] * np.exp(-turn) * (np.sqrt(2) / window.sum())
        constant = window[:, None] / window.sum()
        columns = np.concatenate([waves.real, waves.imag, constant], axis=1)
        self._waves = _quarters(columns)
        self._squares = _quarters((window**2 / (window**2).sum())[:, None])
        self._turn = np.exp(-2j * np.pi * self.frequencies * hop / rate).astype(np.complex64)
        self._held = np.zeros(LEAD * hop, np.float32)

    def feed(self, samples: npt.NDArray[np.float32]) -> Frames:
        """The frames that these samples complete."""
        held = np.concatenate([self._held, samples])
        hops = len(held) // self.hop
        count = max(0, hops - HOPS + 1)
        self._held = held[count * self.hop :]
        if not count:
            kinds = len(self.frequencies)
            return Frames(np.empty((0, kinds), np.complex64), np.empty(0, np.float32))
        rows = held[: hops * self.hop].reshape(hops, self.hop)
        waves = _overlapped(rows @ self._waves, count)
        kinds = len(self.frequencies)
        tones = np.empty((count, kinds), np.complex64)
        tones.real = waves[:, :kinds]
        tones.imag = waves[:, kinds : 2 * kinds]
        total = _overlapped((rows * rows) @ self._squares, count)[:, 0]
        total -= waves[:, 2 * kinds] ** 2
        return Frames(tones, np.maximum(total, 0))

    def flush(self, frames: int) -> Frames:
        """As many frames and more as if silence followed; the end of the samples."""
        return self.feed(np.zeros((frames + HOPS) * self.hop, np.float32))

    def drift(
        self, after: npt.NDArray[np.complex64], before: npt.NDArray[np.complex64], kind: object
    ) -> npt.NDArray[np.float64]:
        """How far a tone is from its nominal frequency, Hz, by its phases a hop apart.

        `kind` is the index of the frequency of each, or one for all. Right within
        ``rate / hop / 2``.
        """
        turn: npt.NDArray[np.complex64] = self._turn[kind]  # type: ignore[call-overload]
        phase = np.angle(after * before.conj() * turn)
        return np.asarray(phase * (self.rate / (2 * np.pi * self.hop)), np.float64)

    def loss(self, drift: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The share of a tone's power that is seen at the nominal frequency, `drift` Hz away."""
        # The Hann window's spectrum, sinc(x) / (1 - x^2), of x bins; near 1 it is 1/2.
        bins = np.abs(drift) * (HOPS * self.hop / self.rate)
        bins = np.where(np.abs(bins - 1) < 1e-4, 1 - 1e-4, bins)
        return np.asarray((np.sinc(bins) / (1 - bins**2)) ** 2)

    def sample(self, frame: float) -> float:
        """The sample at the centre of a frame, also of one in between."""
        return (frame - BEFORE) * self.hop


def _quarters(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Columns of a window's length, shape (4 * hop, c) -> their quarters, shape (hop, 4 * c)."""
    size, kinds = columns.shape
    parts = columns.reshape(HOPS, size // HOPS, kinds).transpose(1, 0, 2)
    return np.ascontiguousarray(parts.reshape(size // HOPS, HOPS * kinds), np.float32)


def _overlapped(pieces: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """The quarters of each hop, shape (hops, 4 * c) -> the sums of frames, shape (count, c)."""
    quarters = pieces.reshape(len(pieces), HOPS, -1)
    out = quarters[:count, 0].copy()
    for number in range(1, HOPS):
        out += quarters[number : number + count, number]
    return out
