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
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["FULL_SCALE", "HOPS", "Bank", "Frames", "Narrowed", "Narrower", "mono"]

HOPS = 4
"""Hops in a window."""
FULL_SCALE = 32768.0
"""What 16-bit samples are measured by: a square wave that reaches it has 0 dBov."""

NARROW = 8000
"""Samples a second that are enough for these tones: more are averaged, several to one.

What lies above half of that is folded down, at least 8 dB weaker, but counted whole in the total:
it can hide a tone, and not make one.
"""

ALONE = 1 << 18
"""Multiplications in a product of matrices that OpenBLAS does in the thread that asks: for small
products on a busy machine, waiting for other threads takes longer than the work."""

LEAD = 6
"""Hops of silence in front of the first sample, so that a tone that begins there has an edge."""
BEFORE = LEAD - HOPS // 2
"""So frame `BEFORE` is centred at sample 0."""


def mono(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Samples of shape (n,) or (n, channels) as one channel, their mean; full scale is 1."""
    if samples.ndim > 1:
        mean = samples.mean(axis=1, dtype=np.float32)
        return np.asarray(mean / np.float32(FULL_SCALE))
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

    def half(self, columns: Sequence[int], row: int, way: int, reach: int) -> float | None:
        """Where the amplitude of some tones falls to half, going outwards from a row.

        `way` is -1 to earlier frames, 1 to later ones; the place lies between two rows. A tone
        that begins or ends in the middle of a window has half its amplitude. What is half is
        measured by the loudest frame from a window inside on; None where that is not reached
        within `reach` rows.
        """
        rows = np.arange(row - way * HOPS, row + way * (reach + 1), way)
        rows = rows[(rows >= 0) & (rows < len(self))]
        tones = self.tones[rows[:, None], np.array(columns)]
        size = np.sqrt((tones.real**2 + tones.imag**2).sum(axis=1))
        inside = int(np.flatnonzero(rows == row)[0]) + 1
        loudest = int(size[:inside].argmax())
        half = float(size[loudest]) / 2
        below = np.flatnonzero(size[loudest:] < half)
        if not len(below):
            return None
        outer = loudest + int(below[0])
        part = (float(size[outer - 1]) - half) / float(size[outer - 1] - size[outer])
        return float(rows[outer - 1]) + way * part

    def joined(self, more: Frames) -> Frames:
        """These frames and those after them."""
        return Frames(
            np.concatenate([self.tones, more.tones]), np.concatenate([self.total, more.total])
        )


@dataclass(frozen=True, eq=False)
class Narrowed:
    """Consecutive samples after averaging, shape (n,) each."""

    samples: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]
    """The means of the squares of what was averaged."""

    @classmethod
    def silence(cls, samples: int) -> Narrowed:
        nothing = np.zeros(samples, np.float32)
        return cls(nothing, nothing)

    def __getitem__(self, rows: slice) -> Narrowed:
        return Narrowed(self.samples[rows], self.squares[rows])

    def joined(self, more: Narrowed) -> Narrowed:
        return Narrowed(
            np.concatenate([self.samples, more.samples]),
            np.concatenate([self.squares, more.squares]),
        )


class Narrower:
    """Averages samples that come in pieces, `joint` at a time, for all banks at once."""

    def __init__(self, rate: int) -> None:
        self.joint = max(1, rate // NARROW)
        self._held = np.empty(0, np.float32)

    def feed(self, samples: npt.NDArray[np.float32]) -> Narrowed:
        """What these samples complete."""
        if self.joint == 1:
            return Narrowed(samples, samples * samples)
        held = np.concatenate([self._held, samples]) if len(self._held) else samples
        whole = len(held) // self.joint * self.joint
        self._held = held[whole:].copy()
        held = held[:whole]
        return Narrowed(_averaged(held, self.joint), _averaged(held * held, self.joint))

    def flush(self) -> Narrowed:
        """The rest, as if silence followed."""
        return self.feed(np.zeros(-len(self._held) % self.joint, np.float32))


class Bank:
    """Makes frames of samples that a `Narrower` averaged, in pieces of any size.

    `rate`, `hop` and `length` count samples after averaging, `sample` those before.
    """

    def __init__(self, rate: int, frequencies: Sequence[float], hop_s: float) -> None:
        self.joint = max(1, rate // NARROW)
        self.rate = rate / self.joint
        self.hop = hop = max(1, round(self.rate * hop_s))
        self.frequencies = np.array(frequencies, np.float64)
        self._waves, self._squares = _windowed(rate, tuple(frequencies), hop)
        self._turn = np.exp(-2j * np.pi * self.frequencies * hop / self.rate).astype(np.complex64)
        self._held = Narrowed.silence(LEAD * hop)

    def feed(self, more: Narrowed) -> Frames:
        """The frames that these samples complete."""
        held = self._held.joined(more)
        hop = self.hop
        hops = len(held.samples) // hop
        count = max(0, hops - HOPS + 1)
        self._held = held[count * hop :]
        if not count:
            kinds = len(self.frequencies)
            return Frames(np.empty((0, kinds), np.complex64), np.empty(0, np.float32))
        rows = held.samples[: hops * hop].reshape(hops, hop)
        squares = held.squares[: hops * hop].reshape(hops, hop)
        waves = _overlapped(_product(rows, self._waves), count)
        kinds = len(self.frequencies)
        tones = np.empty((count, kinds), np.complex64)
        tones.real = waves[:, :kinds]
        tones.imag = waves[:, kinds : 2 * kinds]
        total = _overlapped(_product(squares, self._squares), count)[:, 0]
        total -= waves[:, 2 * kinds] ** 2
        return Frames(tones, np.maximum(total, 0))

    def flush(self, frames: int) -> Frames:
        """As many frames and more as if silence followed; the end of the samples."""
        return self.feed(Narrowed.silence((frames + HOPS) * self.hop))

    def drift(
        self, after: npt.NDArray[np.complex64], before: npt.NDArray[np.complex64], kind: object
    ) -> npt.NDArray[np.float64]:
        """How far a tone is from its nominal frequency, Hz, by its phases a hop apart.

        `kind` is the index of the frequency of each, or one for all. Right within
        ``rate / hop / 2``.
        """
        turn: npt.NDArray[np.complex64] = self._turn[kind]
        phase = np.angle(after * before.conj() * turn)
        return np.asarray(phase * (self.rate / (2 * np.pi * self.hop)), np.float64)

    def loss(self, drift: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The share of a tone's power that is seen at the nominal frequency, `drift` Hz away."""
        # The Hann window's spectrum, sinc(x) / (1 - x^2), of x bins; near 1 it is 1/2.
        bins = np.abs(drift) * (HOPS * self.hop / self.rate)
        bins = np.where(np.abs(bins - 1) < 1e-4, 1 - 1e-4, bins)
        return np.asarray((np.sinc(bins) / (1 - bins**2)) ** 2)

    def sample(self, frame: float) -> float:
        """The sample, of those fed, at the centre of a frame, also of one in between."""
        return (frame - BEFORE) * self.hop * self.joint


def _averaged(samples: npt.NDArray[np.float32], joint: int) -> npt.NDArray[np.float32]:
    """The means of each `joint` samples."""
    out = samples[::joint] + samples[1::joint]
    for number in range(2, joint):
        out += samples[number::joint]
    out /= np.float32(joint)
    return out


@lru_cache(maxsize=8)
def _windowed(
    rate: int, frequencies: tuple[float, ...], hop: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What a hop is multiplied with: windowed sines and a constant; the same for its squares.

    Made once for all streams of a rate.
    """
    joint = max(1, rate // NARROW)
    hertz = np.array(frequencies, np.float64)
    size = HOPS * hop
    place = np.arange(size) + 0.5
    window = 0.5 - 0.5 * np.cos(2 * np.pi * place / size)
    turn = 2j * np.pi * np.outer(place - size / 2, hertz) / (rate / joint)
    # Scaled so that the square of the result is the power of a sine that fills the window.
    waves = window[:, None] * np.exp(-turn) * (np.sqrt(2) / window.sum())
    # Averaging weakens high tones: by sin(pi f n) / (n sin(pi f)) at a share f of the rate.
    part = np.pi * hertz / rate
    waves *= joint * np.sin(part) / np.sin(part * joint)
    constant = window[:, None] / window.sum()
    columns = np.concatenate([waves.real, waves.imag, constant], axis=1)
    made = _quarters(columns), _quarters((window**2 / (window**2).sum())[:, None])
    for matrix in made:
        matrix.setflags(write=False)
    return made


def _quarters(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Columns of a window's length, shape (4 * hop, c) -> their quarters, shape (hop, 4 * c)."""
    size, kinds = columns.shape
    parts = columns.reshape(HOPS, size // HOPS, kinds).transpose(1, 0, 2)
    return np.ascontiguousarray(parts.reshape(size // HOPS, HOPS * kinds), np.float32)


def _product(
    rows: npt.NDArray[np.float32], columns: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """``rows @ columns``, a few rows at a time."""
    few = max(1, ALONE // columns.size)
    whole = len(rows) // few * few
    out = np.empty((len(rows), columns.shape[1]), np.float32)
    parts = rows[:whole].reshape(-1, few, rows.shape[1])
    np.matmul(parts, columns, out=out[:whole].reshape(-1, few, columns.shape[1]))
    np.matmul(rows[whole:], columns, out=out[whole:])
    return out


def _overlapped(pieces: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """The quarters of each hop, shape (hops, 4 * c) -> the sums of frames, shape (count, c)."""
    quarters = pieces.reshape(len(pieces), HOPS, -1)
    out = quarters[:count, 0].copy()
    for number in range(1, HOPS):
        out += quarters[number : number + count, number]
    return out
