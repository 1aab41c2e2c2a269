"""Fingerprints of sound: how loud it is over time, and in which bands.

Levels are those of blocks of 100 ms in dBov: of all samples, and of a Hann window in each band. A
fingerprint has `MOST_STEPS` of them at most, so that of longer sound each is the mean of several
blocks; what is below `FLOOR` counts as silence. The last block is filled up with silence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtpcap.audio.bank import FULL_SCALE
from rtpcap.audio.line import Line, windows

__all__ = ["BLOCK_S", "Print", "prints"]

BLOCK_S = 0.1
MOST_STEPS = 600
FLOOR = -80
"""dBov; decoders of one standard that are free to differ do so below."""
EDGES_HZ = (0, 500, 1000, 2000, 4000, 8000, 24000)
MOST_CHANNELS = 8
STEPS = (1, 2, 5)
"""Blocks in a step, times powers of ten."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Print:
    """One channel of a line."""

    rate: int
    samples: int
    power: Floats
    """The mean square of each block, full scale being 1; shape (blocks,)."""
    bands: dict[str, Floats]
    """``500-1000`` -> that of what lies between these frequencies."""
    sha256: str | None
    """Of the samples of all channels, 16 bits with the low byte first."""

    def row(self, step_s: float | None = None) -> dict[str, object]:
        """What is written down; `step_s` where levels are to be over so much time."""
        blocks = _blocks(len(self.power)) if step_s is None else round(step_s / BLOCK_S)
        row: dict[str, object] = {
            "rate": self.rate,
            "samples": self.samples,
            "step_s": round(blocks * BLOCK_S, 1),
            "level_dbov": _levels(self.power, blocks),
        }
        if self.bands:
            row["bands_dbov"] = {name: _levels(each, blocks) for name, each in self.bands.items()}
        if self.sha256 is not None:
            row["sha256"] = self.sha256
        return row


def _blocks(count: int) -> int:
    """How many blocks make a step."""
    tens = 1
    while True:
        for step in STEPS:
            if count <= step * tens * MOST_STEPS:
                return step * tens
        tens *= 10


def _levels(power: Floats, blocks: int) -> list[int]:
    if not len(power):
        return []
    starts = np.arange(0, len(power), blocks)
    mean = np.add.reduceat(power, starts) / np.diff(starts, append=len(power))
    floor = 10.0 ** (FLOOR / 10)
    levels: list[int] = np.rint(10 * np.log10(np.maximum(mean, floor))).astype(int).tolist()
    return levels


def prints(line: Line, *, exact: bool, bands: bool = True) -> list[Print]:
    """The fingerprints of a line, one a channel; reads it once from front to back.

    With `exact` they have a digest of the samples; without `bands` only levels.
    """
    size = max(1, round(line.rate * BLOCK_S))
    meter = _Meter(line.rate, size, bands)
    digest = hashlib.sha256()
    held = np.empty((0, line.channels), np.int16)
    power: list[list[Floats]] = []
    for samples, _ in windows([line]):
        if exact:
            digest.update(samples.astype("<i2", copy=False).tobytes())
        columns = np.concatenate([held, samples.reshape(len(samples), -1)])
        whole = len(columns) // size * size
        power.append(meter.of(columns[:whole]))
        held = columns[whole:]
    if len(held):
        filled = np.zeros((size, line.channels), np.int16)
        filled[: len(held)] = held
        power.append(meter.of(filled))
    every = [np.concatenate([np.empty((0, 1 + len(meter.names))), *parts]) for parts in
             zip(*power, strict=True)]  # fmt: skip
    return [
        Print(
            rate=line.rate,
            samples=line.length,
            power=each[:, 0],
            bands={name: each[:, 1 + k] for k, name in enumerate(meter.names)},
            sha256=digest.hexdigest() if exact else None,
        )
        for each in every
    ]


class _Meter:
    def __init__(self, rate: int, size: int, bands: bool) -> None:
        self._size = size
        self._window = np.hanning(size + 1)[:-1] if size > 1 else np.ones(1)
        hertz = np.fft.rfftfreq(size, 1 / rate)
        inside = [
            (low, high, (hertz >= low) & (hertz < high))
            for low, high in pairwise(EDGES_HZ)
            if bands and low < rate / 2
        ]
        self.names = [f"{low}-{high}" for low, high, _ in inside]
        # Frequencies between the first and the last stand for their negative ones too.
        twice = np.full(len(hertz), 2.0)
        twice[0] = 1
        if size % 2 == 0:
            twice[-1] = 1
        scale = twice / (size * (self._window**2).sum() * FULL_SCALE**2)
        self._masks = np.array([mask * scale for _, _, mask in inside]).reshape(-1, len(hertz))

    def of(self, samples: npt.NDArray[np.int16]) -> list[Floats]:
        """The powers of each block, shape (blocks, 1 + bands), for each channel."""
        found = []
        for channel in samples.T[:MOST_CHANNELS]:
            blocks = channel.reshape(-1, self._size).astype(np.float64)
            total = (blocks**2).mean(axis=1) / FULL_SCALE**2
            if not self.names or not len(blocks):
                found.append(np.column_stack([total, *([total] * len(self.names))]))
                continue
            spectrum = np.abs(np.fft.rfft(blocks * self._window, axis=1)) ** 2
            found.append(np.column_stack([total, spectrum @ self._masks.T]))
        return found
