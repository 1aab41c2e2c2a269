"""Concealment for codecs that have none of their own: the last pitch periods go on and die away.

By ITU-T G.711 Appendix I, at any sample rate: the pitch is where the last 20 ms resemble what was
before them most; its last period is repeated for 10 ms, then the last two for 10 ms, then three;
each begins with a quarter period that is blended with what came before it, so that there are no
clicks. From 10 ms on it becomes quieter, and after 60 ms there is nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["HISTORY_S", "conceal", "pitch_period"]

Samples = npt.NDArray[np.int16]

LOWEST_HZ, HIGHEST_HZ = 66, 200
"""Of the pitch: 120 and 40 samples at 8 kHz."""
COMPARED_S = 0.020
STAGE_S = 0.010
STAGES = 3
"""How many periods are repeated at most."""
HISTORY_S = 0.04875
"""How much of the sound before is looked at: 390 samples at 8 kHz."""
FADE_A_STAGE = 0.2
MUTE_S = 0.060
BLENDED = 4
"""The part of a period that is blended: one in four."""


def pitch_period(history: Samples, rate: int) -> int:
    """The samples of the pitch period at the end of a sound; at least 1/200 s."""
    shortest, longest = rate // HIGHEST_HZ, rate // LOWEST_HZ
    window = min(round(rate * COMPARED_S), len(history) - shortest)
    if window <= 0:
        return shortest
    sound = history.astype(np.float64)
    most = min(longest, len(sound) - window)
    if most < shortest:
        return shortest
    # Of each lag, from the longest to the shortest, what the last piece is compared with.
    before = sound[len(sound) - window - most : len(sound) - shortest]
    likeness = np.correlate(before, sound[-window:], "valid")
    # Sums of whole numbers, which float64 holds exactly: each is the difference of two others.
    sums = np.concatenate(([0.0], (before * before).cumsum()))
    energy = sums[window:] - sums[:-window]
    alike = np.divide(likeness, np.sqrt(energy), out=np.zeros(len(energy)), where=energy > 0)
    best = most - (len(alike) - 1 - int(np.argmax(alike[::-1])))
    return best if alike.max() > 0 else shortest


def conceal(history: Samples, samples: int, rate: int) -> Samples:
    """What may have come in `samples` samples after a sound of one channel.

    The history is what was heard up to there, `HISTORY_S` or more of it. To fade over to what
    comes after, ask for more samples and blend them with it.
    """
    stage = round(rate * STAGE_S)
    heard = min(samples, round(rate * MUTE_S))
    out = np.zeros(samples, np.int16)
    shortest = rate // HIGHEST_HZ
    if len(history) <= shortest + shortest // BLENDED or not heard:
        return out
    sound = history.astype(np.float64)
    period = pitch_period(history, rate)
    made = np.empty(heard)
    for number in range(-(-heard // stage)):
        at = number * stage
        size = min(stage, heard - at)
        periods = min(number + 1, STAGES)
        cycle = _cycle(sound, period, periods)
        # Each stage goes on at the phase where the one before it ended.
        place = (at % period + np.arange(size)) % len(cycle)
        made[at : at + size] = cycle[place]
    # Full for the first stage, then less by a fifth a stage.
    loudness = 1 - FADE_A_STAGE * np.maximum(np.arange(heard) / stage - 1, 0)
    limits = np.iinfo(np.int16)
    out[:heard] = np.clip(np.rint(made * loudness), limits.min, limits.max)
    return out


def _cycle(sound: npt.NDArray[np.float64], period: int, periods: int) -> npt.NDArray[np.float64]:
    """The last periods, their end blended with what is before them, so that they can go round."""
    blend = period // BLENDED
    periods = max(1, min(periods, (len(sound) - blend) // period))
    length = periods * period
    cycle = sound[-length:].copy()
    before = sound[-length - blend : -length]
    if len(before):
        blend = len(before)
        rising = (np.arange(blend) + 1) / (blend + 1)
        cycle[-blend:] = cycle[-blend:] * (1 - rising) + before * rising
    return cycle
