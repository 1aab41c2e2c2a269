"""Line: audio that can be read window by window, whatever its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.decoder import Heard

__all__ = ["WINDOW", "Line", "Samples", "came", "windows"]

WINDOW = 1 << 17
"""Samples that are decoded at a time: little memory, and few calls."""

Samples = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]
"""Samples of shape (n,), or (n, channels) for several, and a `Heard` for each of the n."""


class Line(Protocol):
    """Audio on a line of samples, from 0 to `length`."""

    @property
    def rate(self) -> int:
        """Samples a second."""
        ...

    @property
    def channels(self) -> int: ...

    @property
    def length(self) -> int:
        """Samples (of each channel)."""
        ...

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``; silence beyond the ends."""
        ...


def came(heard: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which samples came from the sender, in a packet of their own or as a copy in another."""
    there: npt.NDArray[np.bool_] = (heard == Heard.RECEIVED) | (heard == Heard.REPAIRED)
    return there


def windows(lines: Sequence[Line]) -> Iterator[Samples]:
    """Lines side by side, a window at a time: samples of shape (n,) or (n, channels of all).

    What is heard has shape (n,) for one line, (n, lines) for several.
    """
    length = max(line.length for line in lines)
    for start in range(0, length, WINDOW):
        stop = min(start + WINDOW, length)
        parts = [line.read(start, stop) for line in lines]
        if len(parts) == 1:
            yield parts[0]
        else:
            samples = np.column_stack([samples for samples, _ in parts])
            yield samples, np.column_stack([heard for _, heard in parts])
