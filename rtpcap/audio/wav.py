"""Write lines of samples to WAV files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtpcap.audio.line import Line, windows

__all__ = ["Written", "write_wav"]

SAMPLE_BYTES = 2
WAV_LIMIT = (4 << 30) - (1 << 20)
"""Bytes of samples beyond which RF64 is written (EBU Tech 3306); a WAV's own sizes have 32 bits."""


@dataclass(frozen=True)
class Written:
    """What a file holds."""

    rate: int
    channels: int
    duration_s: float
    received_s: float
    """How much of it was received; of several lines, the mean."""


def write_wav(
    path: str | os.PathLike[str], lines: Sequence[Line], *, rf64_from: int = WAV_LIMIT
) -> Written:
    """Write lines side by side, 16 bits, the first one left; a shorter one ends with silence.

    The file appears under its name when it is whole. From `rf64_from` bytes of samples on it is
    an RF64 file. Raises ValueError where the lines' rates differ, OSError where it cannot be
    written.
    """
    import soundfile

    rate = lines[0].rate
    if any(line.rate != rate for line in lines):
        raise ValueError("lines of different sample rates do not fit into one file")
    channels = sum(line.channels for line in lines)
    length = max(line.length for line in lines)
    projected = length * channels * SAMPLE_BYTES
    folder, name = os.path.split(os.fsencode(path))
    part = os.path.join(folder, b".%b.%d.part" % (name, os.getpid()))
    received = 0
    try:
        with soundfile.SoundFile(
            part,
            "w",
            samplerate=rate,
            channels=channels,
            subtype="PCM_16",
            format="RF64" if projected >= rf64_from else "WAV",
        ) as wav:
            for samples, there in windows(lines):
                wav.write(samples)
                received += int(np.count_nonzero(there))
        os.replace(part, path)
    except soundfile.LibsndfileError as error:
        raise OSError(f"{os.fspath(path)} cannot be written: {error.error_string}") from error
    finally:
        if os.path.exists(part):
            os.unlink(part)
    return Written(rate, channels, length / rate, received / len(lines) / rate)
