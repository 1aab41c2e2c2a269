"""Audio as bytes that a browser plays, small enough to live in a notebook.

Short audio is embedded as it is; longer audio is compressed, first without loss, then at a low bit
rate; and of what is too long even so the beginning. What was done is told.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FLAC_BYTES", "LOW_RATE_SAMPLES", "WAV_BYTES", "Embedded", "embed"]

WAV_BYTES = 1 << 20
"""Bytes of samples up to which a WAV is embedded: 65 s of telephone audio, one side."""

FLAC_BYTES = 4 << 20
"""Bytes of FLAC that are embedded: about nine minutes of telephone speech, one side."""

FLAC_TRIED = 4
"""FLAC is tried on samples of so many times `FLAC_BYTES`: better it hardly compresses speech."""

LOW_RATE_SAMPLES = 30 * 60 * 8000 * 2
"""Samples, of all channels, that are embedded at a low bit rate: of a call half an hour, 8 MB."""

RATES = (8000, 48000)
"""Sample rates that are compressed, lowest and highest: libvorbis crashes far beyond."""

AT_ONCE = 1 << 16
"""Samples that an encoder is given together."""


@dataclass(frozen=True)
class Embedded:
    """Audio in a format of the web."""

    mime: str
    data: bytes
    samples: int
    """How many samples of each channel it holds."""
    told: str
    """What was done to it, in words; empty where nothing was."""


def embed(samples: npt.NDArray[np.int16], rate: int) -> Embedded:
    """The samples, shape (n,) or (n, channels), or as many of the first as a notebook may hold."""
    size = samples.nbytes
    if size <= WAV_BYTES:
        return Embedded("audio/wav", _wav(samples, rate), len(samples), "")
    words = f"it is longer than {WAV_BYTES >> 20} MiB of samples"
    if size <= FLAC_TRIED * FLAC_BYTES:
        flac = _encoded(samples, rate, "FLAC", "PCM_16")
        if flac is not None and len(flac) <= FLAC_BYTES:
            told = f"embedded as FLAC, without loss: {words}"
            return Embedded("audio/flac", flac, len(samples), told)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    held = samples[: LOW_RATE_SAMPLES // channels]
    vorbis = _encoded(held, rate, "OGG", "VORBIS")
    if vorbis is None:
        held = samples[: WAV_BYTES // (channels * samples.itemsize)]
        told = f"embedded uncompressed: {words}{_beginning(held, samples, rate)}"
        return Embedded("audio/wav", _wav(held, rate), len(held), told)
    told = f"embedded as Ogg Vorbis at a low bit rate: {words}{_beginning(held, samples, rate)}"
    return Embedded("audio/ogg", vorbis, len(held), told)


def _beginning(held: npt.NDArray[np.int16], samples: npt.NDArray[np.int16], rate: int) -> str:
    if len(held) == len(samples):
        return ""
    seconds = len(held) / rate
    first = f"{seconds / 60:.0f} minutes" if seconds >= 60 else f"{seconds:.0f} seconds"
    return f"; only the first {first} are here"


def _wav(samples: npt.NDArray[np.int16], rate: int) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as wav:
        wav.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        wav.setsampwidth(samples.itemsize)
        wav.setframerate(rate)
        wav.writeframes(samples.astype("<i2", copy=False).tobytes())
    return memory.getvalue()


def _encoded(
    samples: npt.NDArray[np.int16], rate: int, container: str, subtype: str
) -> bytes | None:
    """The samples in a format of libsndfile; None where it may not hold them."""
    if not RATES[0] <= rate <= RATES[1]:
        return None
    import soundfile

    memory = io.BytesIO()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    try:
        with soundfile.SoundFile(
            memory, "w", samplerate=rate, channels=channels, format=container, subtype=subtype
        ) as file:
            for at in range(0, len(samples), AT_ONCE):
                file.write(samples[at : at + AT_ONCE])
    except soundfile.LibsndfileError:
        return None
    return memory.getvalue()
