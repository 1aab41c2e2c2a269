"""What a line sounds like, heard in one go: key presses, call tones, levels.

A codec that keeps state is decoded once only, and no more of the line is in memory than a window.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtpcap.audio.bank import Narrower, mono
from rtpcap.audio.call_tones import CallTone, CallToneDetector
from rtpcap.audio.dtmf import DTMFDetector, KeyTone
from rtpcap.audio.levels import LIMIT, LevelMeter, Levels
from rtpcap.audio.line import Line, came, windows

__all__ = ["Heard", "listen"]


@dataclass(frozen=True)
class Heard:
    """Everything that `listen` found, times in seconds from the line's first sample."""

    keys: tuple[KeyTone, ...]
    tones: tuple[CallTone, ...]
    levels: Levels


def listen(line: Line, limit: int = LIMIT) -> Heard:
    """Hear a whole line once; `limit` is the largest sample that its codec has."""
    keys, tones = DTMFDetector(line.rate), CallToneDetector(line.rate)
    levels, narrower = LevelMeter(line.rate, limit), Narrower(line.rate)
    for samples, heard in windows([line]):
        received, values = came(heard), mono(samples)
        narrowed = narrower.feed(values)
        keys.hear(narrowed, len(samples), received)
        tones.hear(narrowed, len(samples))
        levels.feed(samples, received, values)
    rest = narrower.flush()
    keys.hear(rest, 0)
    tones.hear(rest, 0)
    return Heard(tuple(keys.close()), tuple(tones.close()), levels.close())
