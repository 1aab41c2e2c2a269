"""Sounds as packets: PCMU, 20 ms each, for tests of what is heard in a capture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtpcap.codecs.g711 import encode_mu_law
from tests.audio.sounds import Sound, joined, rhythm, silence
from tests.streams.made import Sent, capture, rtp

__all__ = ["codes", "ringing", "spoken"]

TICKS = 160
PCMU = 0


def codes(sound: Sound) -> list[bytes]:
    """The payloads of whole packets; a rest is left out."""
    samples = np.clip(np.round(sound), -32768, 32767).astype(np.int16)
    whole = len(samples) // TICKS * TICKS
    return [row.tobytes() for row in encode_mu_law(samples[:whole]).reshape(-1, TICKS)]


def spoken(
    sound: Sound,
    *,
    start_s: float = 0.0,
    step_s: float = 0.02,
    sequence: int = 0,
    timestamp: int = 0,
    ssrc: int = 0x1234,
) -> list[Sent]:
    """A packet each `step_s`, which is 20 ms where sender and capture have the same clock."""
    return [
        (
            start_s + step_s * i,
            rtp(sequence + i, timestamp + TICKS * i, payload, payload_type=PCMU, ssrc=ssrc),
        )
        for i, payload in enumerate(codes(sound))
    ]


def ringing(folder: Path) -> Path:
    """A capture in which it rings twice, as it does in North America, from 1 s on."""
    ring = rhythm((440, 480), (2.0, 4.0), times=2)
    return Path(capture(folder, spoken(joined([silence(1), *ring]))).path)
