"""What is to be said: samples of a file or of an array, and keys that are heard in them."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rtpcap.audio.audio import Audio
from rtpcap.audio.dtmf import HIGH_HZ, KEYS, LOW_HZ

__all__ = ["Samples", "Sound", "key_tones", "sides_of", "with_keys"]

Samples = npt.NDArray[np.int16]
Sound: TypeAlias = "str | os.PathLike[str] | Audio | tuple[npt.NDArray[np.int16], int]"
"""A sound file, an `Audio`, or samples of shape (n,) or (n, 2) and their rate."""

KEY_SIZE = 32768 * 10 ** (-13 / 20)
"""Amplitude of each tone of a key: -16 dBov, so that both together stay far from clipping."""
KEY_EDGE_S = 0.002
"""A key is faded in and out for so long, lest it click."""


def sides_of(sound: Sound) -> tuple[list[Samples], int]:
    """The channels, one or two arrays of shape (n,), and their rate.

    Raises ValueError for what is no sound or has more channels, OSError where a file cannot be
    opened.
    """
    if isinstance(sound, Audio):
        samples, rate = sound.samples, sound.rate
    elif isinstance(sound, tuple):
        samples, rate = sound
    else:
        samples, rate = _read(sound)
    columns = samples.reshape(len(samples), -1)
    if columns.dtype != np.int16 or not 1 <= columns.shape[1] <= 2:
        raise ValueError(f"{columns.shape[1]} channels of {columns.dtype}: 1 or 2 of int16 are put")
    if rate < 1:
        raise ValueError(f"a sample rate of {rate}")
    return [np.ascontiguousarray(channel) for channel in columns.T], rate


def _read(path: str | os.PathLike[str]) -> tuple[Samples, int]:
    import soundfile

    with open(path, "rb") as file:
        try:
            samples, rate = soundfile.read(file, dtype="int16")
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{os.fspath(path)}: no sound file: {error}") from error
    return samples, int(rate)


def key_tones(key: str, seconds: float, rate: int) -> npt.NDArray[np.float64]:
    """The two tones of a key (ITU-T Q.23), int16's scale, shape (n,)."""
    row, column = divmod(KEYS.index(key), len(HIGH_HZ))
    time = np.arange(round(seconds * rate)) / rate
    both = [np.sin(2 * np.pi * hertz * time) for hertz in (LOW_HZ[row], HIGH_HZ[column])]
    edge = np.minimum(time, seconds - time) / KEY_EDGE_S
    tones: npt.NDArray[np.float64] = KEY_SIZE * (both[0] + both[1]) * np.clip(edge, 0, 1)
    return tones


def with_keys(
    samples: Samples, rate: int, keys: str, *, at_s: float, press_s: float, pause_s: float
) -> Samples:
    """The samples with keys in them, one after the other from `at_s` on, in place of the sound."""
    step = press_s + pause_s
    length = max(len(samples), round((at_s + step * len(keys)) * rate))
    out = np.zeros(length, np.int16)
    out[: len(samples)] = samples
    for number, key in enumerate(keys):
        tones = np.rint(key_tones(key, press_s, rate)).astype(np.int16)
        begin = round((at_s + step * number) * rate)
        out[begin : begin + len(tones)] = tones
    return out
