"""Streams with sound in them, and calls around them, of which is known what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

import rtpcap
from rtpcap.codecs.g711 import encode_mu_law
from rtpcap.rtp.events import build_event
from rtpcap.streams.findings.finding import Finding
from tests.audio.sounds import Sound, line, noise, silence
from tests.signalling.build import audio
from tests.streams.made import Sent, rtp
from tests.streams.scene import Film

__all__ = [
    "ALICE",
    "BOB",
    "PACKET_S",
    "held_key",
    "one",
    "sent_as",
    "spoken",
    "syllables",
    "talked",
]

PACKET_S, TICKS = 0.02, 160
MARKED = 0x80
ALICE, BOB = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
"""Where media comes from and goes to, as `Film.answered` describes it."""


def sent_as(
    payloads: Iterable[bytes],
    *,
    start_s: float = 0.0,
    payload_type: int = 0,
    ssrc: int = 0x1234,
    ticks: int = TICKS,
    sequence: int = 0,
    timestamp: int = 0,
) -> list[Sent]:
    """A packet for each payload, at 8 kHz."""
    return [
        (
            start_s + i * ticks / 8000,
            rtp(
                sequence + i,
                timestamp + i * ticks,
                payload,
                payload_type=payload_type | (0 if i else MARKED),
                ssrc=ssrc,
            ),
        )
        for i, payload in enumerate(payloads)
    ]


def spoken(*parts: Sound, start_s: float = 0.0, ssrc: int = 0x1234) -> list[Sent]:
    """Sounds at 8 kHz one after the other, as mu-law in packets of 20 ms."""
    codes = encode_mu_law(line(*parts).samples).tobytes()
    pieces = [codes[at : at + TICKS] for at in range(0, len(codes) - TICKS + 1, TICKS)]
    return sent_as(pieces, start_s=start_s, ssrc=ssrc)


def syllables(seconds: float, *, dbov: float = -20.0, seed: int = 1) -> Sound:
    """Noise that is as loud as speech, in syllables of other lengths with pauses between them."""
    chosen = np.random.default_rng(seed)
    parts: list[Sound] = []
    total = 0.0
    while total < seconds:
        loud_s, pause_s = float(chosen.uniform(0.08, 0.3)), float(chosen.choice([0.04, 0.12, 0.4]))
        level = dbov - float(chosen.uniform(0, 10))
        parts += [noise(loud_s, level, seed=int(chosen.integers(1 << 30))), silence(pause_s)]
        total += loud_s + pause_s
    return np.concatenate(parts)[: round(seconds * 8000)]


def held_key(
    event: int,
    sequence: int,
    timestamp: int,
    *,
    start_s: float,
    seconds: float = 0.1,
    ended: bool = True,
    payload_type: int = 101,
    ssrc: int = 0x1234,
) -> list[Sent]:
    """A key press by RFC 4733: a report each 20 ms, the last one three times."""
    count = max(1, round(seconds / PACKET_S))
    reports = [(i + 1, False) for i in range(count - 1)] + [(count, ended)] * (3 if ended else 1)
    return [
        (
            start_s + min(i, count - 1) * PACKET_S + 0.001 * max(0, i - count + 1),
            rtp(
                sequence + i,
                timestamp,
                build_event(event, end=end, volume=10, duration=packets * TICKS),
                payload_type=payload_type | (0 if i else MARKED),
                ssrc=ssrc,
            ),
        )
        for i, (packets, end) in enumerate(reports)
    ]


def talked(
    folder: Path,
    left: Iterable[Sent] = (),
    right: Iterable[Sent] = (),
    *,
    until_s: float,
    answer: bytes = b"",
    pt_map: Mapping[int, str] | None = None,
) -> rtpcap.Capture:
    """A call that was answered at 0.2 s and ended at `until_s`, with what both sides sent."""
    film = Film()
    film.answered(answer=answer or audio(5000, host=BOB[0]))
    film.speak(ALICE, BOB, left)
    film.speak(BOB, ALICE, right)
    film.hung_up(until_s)
    return film.shown(folder, pt_map)


def one(capture: rtpcap.Capture, name: str) -> Finding | None:
    """The finding of a kind, of which there is one at most."""
    found = capture.findings.select(id=name)
    assert len(found) <= 1, [finding.sentence for finding in found]
    return found[0] if found else None
