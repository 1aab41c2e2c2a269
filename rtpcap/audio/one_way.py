"""One-way audio: packets flow in both directions, and of one of them nothing is heard.

A judgement over the figures of the two sides of a call, without samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtpcap.audio.levels import Levels

__all__ = ["OneWay", "Side", "judge"]

LEAST_S = 3.0
"""A side shorter than this says nothing: it may be about to speak."""
LEAST_HEARD_S = 0.2
"""Less sound than this in a whole side is a click."""

Reason = Literal["no packets", "silent"]


@dataclass(frozen=True)
class Side:
    """What one direction of a call brought."""

    packets: int
    duration_s: float
    """Of the call, while this side could have been heard."""
    levels: Levels | None = None
    """None where its audio cannot be decoded."""

    @property
    def heard_s(self) -> float | None:
        """Seconds of sound; None where that is not known."""
        if not self.packets:
            return 0.0
        if self.levels is None:
            return None
        if self.levels.silence is None:
            return 0.0
        return (1 - self.levels.silence) * self.levels.received_s


@dataclass(frozen=True)
class OneWay:
    """Which side is not heard, and why."""

    silent: int
    """0 for the first side, 1 for the second."""
    reason: Reason
    heard_s: float
    """Seconds of sound of the other side."""


def judge(first: Side, second: Side) -> OneWay | None:
    """The side that is not heard while the other one is; None where both or neither are.

    A side that cannot be decoded is silent only where it sent no packets.
    """
    sides = first, second
    for silent, (mine, other) in enumerate((sides, sides[::-1])):
        heard, there = mine.heard_s, other.heard_s
        if heard is None or there is None or max(mine.duration_s, other.duration_s) < LEAST_S:
            continue
        if heard < LEAST_HEARD_S <= there:
            return OneWay(silent, "silent" if mine.packets else "no packets", there)
    return None
