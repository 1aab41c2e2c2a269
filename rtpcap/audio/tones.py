"""What a line sounds like, heard in one go: key presses, call tones, levels.

A codec that keeps state is decoded once only, and no more of the line is in memory than a window.
Where nothing came for long nothing is listened to: so the work follows what there is to hear, not
the time that passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rtpcap.audio.bank import Narrower, mono
from rtpcap.audio.call_tones import CallTone, CallToneDetector
from rtpcap.audio.dtmf import DTMFDetector, KeyTone
from rtpcap.audio.levels import LIMIT, LevelMeter, Levels
from rtpcap.audio.line import WINDOW, Line, came

__all__ = ["GAP_S", "MARGIN_S", "Heard", "listen"]

GAP_S = 10.0
"""What is further apart is not of one tone: the longest silence in one has 5 s."""
MARGIN_S = 0.5
"""Of the silence on both sides of a stretch, so that what sounds at its edges has them."""


@dataclass(frozen=True)
class Heard:
    """Everything that `listen` found, times in seconds from the line's first sample."""

    keys: tuple[KeyTone, ...]
    tones: tuple[CallTone, ...]
    levels: Levels


def listen(
    line: Line, limit: int = LIMIT, stretches: Sequence[tuple[int, int]] | None = None
) -> Heard:
    """Hear a line once; `limit` is the largest sample that its codec has.

    All of it, or only the stretches of samples, ascending, outside of which nothing came.
    """
    levels = LevelMeter(line.rate, limit)
    keys: list[KeyTone] = []
    tones: list[CallTone] = []
    for start, stop in _whole_windows(line, stretches, levels.window):
        levels.skip(start - levels.at)
        found = _stretch(line, start, stop, levels)
        start_s = start / line.rate
        keys += [replace(key, start_s=start_s + key.start_s) for key in found[0]]
        tones += [replace(tone, start_s=start_s + tone.start_s) for tone in found[1]]
    levels.skip(line.length - levels.at)
    return Heard(tuple(keys), tuple(tones), levels.close())


def _whole_windows(
    line: Line, stretches: Sequence[tuple[int, int]] | None, window: int
) -> Iterator[tuple[int, int]]:
    """The stretches, with edges where a window of levels has them; none begins in another."""
    at = 0
    for start, stop in [(0, line.length)] if stretches is None else stretches:
        begin = max(at, start // window * window)
        at = min(-(-stop // window) * window, line.length)
        if at > begin:
            yield begin, at


def _stretch(
    line: Line, start: int, stop: int, levels: LevelMeter
) -> tuple[list[KeyTone], list[CallTone]]:
    """The keys and tones of a stretch, in seconds from its beginning; its levels are measured."""
    keys, tones = DTMFDetector(line.rate), CallToneDetector(line.rate)
    narrower = Narrower(line.rate)
    for at in range(start, stop, WINDOW):
        samples, heard = line.read(at, min(at + WINDOW, stop))
        received, values = came(heard), mono(samples)
        narrowed = narrower.feed(values)
        keys.hear(narrowed, len(samples), received)
        tones.hear(narrowed, len(samples))
        levels.feed(samples, received, values)
    rest = narrower.flush()
    keys.hear(rest, 0)
    tones.hear(rest, 0)
    return keys.close(), tones.close()
