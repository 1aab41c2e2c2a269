"""Calls to find something in, and beside each one that is sound."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import rtpcap
from rtpcap.streams.findings import capture as capture_rules
from rtpcap.streams.findings import control, rules, signalling
from tests.signalling.build import audio
from tests.streams.made import Sent, rtp, talk
from tests.streams.scene import End, Film

__all__ = ["ALICE", "BOB", "CALL_ID", "RULES", "call", "found", "ids", "of", "slow", "sound_call"]

ALICE, BOB = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
"""Where the two want to receive, in the descriptions that `Film.answered` has."""
CALL_ID = "call-1@example.org"


RULES = (*capture_rules.RULES, *signalling.RULES, *control.RULES)
"""Those about the capture, its signalling and its reports: scenes have no speech to be heard."""


def found(capture: rtpcap.Capture) -> rtpcap.Findings:
    """What these rules find."""
    with patch.object(rules, "RULES", RULES):
        return capture.findings


def of(capture: rtpcap.Capture, kind: str) -> list[rtpcap.Finding]:
    """The findings of one kind."""
    return list(found(capture).select(id=kind))


def ids(capture: rtpcap.Capture) -> list[str]:
    return [finding.id for finding in found(capture)]


def slow(
    seconds: float,
    *,
    ssrc: int = 0x1234,
    start_s: float = 1.0,
    without: frozenset[int] = frozenset(),
) -> list[Sent]:
    """A packet of G.711 each 200 ms, for long calls in few packets; some may be missing."""
    return [
        (start_s + 0.2 * i, rtp(i, 1600 * i, b"\xd5" * 1600, ssrc=ssrc))
        for i in range(round(seconds / 0.2))
        if i not in without
    ]


def call(
    *,
    offer: bytes = b"",
    answer: bytes = b"",
    caller: list[Sent] | None = None,
    callee: list[Sent] | None = None,
    caller_from: End = ALICE,
    bye_s: float | None = 5.0,
) -> Film:
    """An answered call; who is not told what to say talks for three seconds from 1 s on."""
    film = Film()
    film.answered(offer, answer)
    mine = talk(150, start_s=1.0, ssrc=0xA) if caller is None else caller
    theirs = talk(150, start_s=1.01, ssrc=0xB) if callee is None else callee
    film.speak(caller_from, BOB, mine)
    film.speak(BOB, ALICE, theirs)
    if bye_s is not None:
        film.hung_up(bye_s)
    return film


def sound_call(folder: Path) -> rtpcap.Capture:
    """One in which nothing is wrong."""
    answer = audio(5000, "8 0 101", host="10.0.0.2")
    return call(offer=audio(4000, "8 0 101"), answer=answer).shown(folder)
