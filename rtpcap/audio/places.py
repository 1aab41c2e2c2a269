"""Places: which packet each moment of a line is from, and when it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME

__all__ = ["Place", "Places"]

SECOND_NS = 1_000_000_000
EDGE_S = 0.0025
"""As exactly as what listens says where a sound begins: what seems to begin so shortly before a
packet's audio begins with it."""


@dataclass(frozen=True)
class Place:
    """The packet that a moment of a line is from."""

    frame: int
    time_ns: int | None
    """When the moment was there: as long after the packet came as its audio had gone on. None where
    the packet has no time."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where on a line the audio of n packets lies: columns of shape (n,), in order of `begin`.

    However a line was laid, with epochs, pauses, restarts, or packets out of order: a moment's time
    is that of its own packet, and as exact as this.
    """

    begin: npt.NDArray[np.int64]
    """The first sample of each."""
    end: npt.NDArray[np.int64]
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    """When it came; `NO_TIME` where that is not known."""
    rate: int

    @classmethod
    def of(
        cls,
        begin: npt.NDArray[np.int64],
        samples: npt.NDArray[np.int64],
        frame: npt.NDArray[np.uint32],
        time_ns: npt.NDArray[np.int64],
        rate: int,
        wanted: int,
    ) -> Self:
        """Packets in order of capture on a line of `rate`, for a line of the `wanted` one."""
        rows = np.flatnonzero(samples > 0)
        rows = rows[np.argsort(begin[rows], kind="stable")]
        end = (begin[rows] + samples[rows]) * wanted // rate
        return cls(begin[rows] * wanted // rate, end, frame[rows], time_ns[rows], wanted)

    @classmethod
    def joined(cls, several: Sequence[Places]) -> Self:
        """Those of lines of one rate that are heard as one."""
        first = several[0]
        begin = np.concatenate([places.begin for places in several])
        order = np.argsort(begin, kind="stable")
        return cls(
            begin[order],
            np.concatenate([places.end for places in several])[order],
            np.concatenate([places.frame for places in several])[order],
            np.concatenate([places.time_ns for places in several])[order],
            first.rate,
        )

    def stretches(self, gap_s: float, margin_s: float) -> list[tuple[int, int]]:
        """Where there is audio, with a margin: (first, behind the last sample), ascending.

        Between two of them is more than `gap_s` of nothing.
        """
        if not len(self.begin):
            return []
        margin = round(margin_s * self.rate)
        reached = np.maximum.accumulate(self.end)
        cuts = 1 + np.flatnonzero(self.begin[1:] - reached[:-1] > gap_s * self.rate)
        firsts = np.maximum(self.begin[[0, *cuts.tolist()]] - margin, 0)
        lasts = reached[[*(cuts - 1).tolist(), len(reached) - 1]] + margin
        return list(zip(firsts.tolist(), lasts.tolist(), strict=True))

    def at(self, seconds: float) -> Place | None:
        """The packet that what begins at a moment of the line is from; None without any packet.

        It is the one captured first where several lie at one place, and the next one where none
        lies there.
        """
        if not len(self.begin):
            return None
        sample = round(seconds * self.rate)
        inside = sample + round(EDGE_S * self.rate)
        row = max(0, int(np.searchsorted(self.begin, inside, "right")) - 1)
        if self.end[row] <= inside and row + 1 < len(self.begin):
            row += 1
        row = int(np.searchsorted(self.begin, self.begin[row], "left"))
        time_ns = int(self.time_ns[row])
        after_ns = (sample - int(self.begin[row])) * SECOND_NS // self.rate
        return Place(int(self.frame[row]), None if time_ns == NO_TIME else time_ns + after_ns)
