"""One table of key presses, whichever way they were sent: events, SIP INFO, or in the sound.

A press is often sent twice: as an RFC 4733 event with its beginning still in the sound, or as an
event and a SIP INFO. Here that is one row, whose `source` is the most exact one and whose `also_in`
names the others. A receiver that listens to both counts two presses: that is told as data,
`double_risks`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.streams.digits import Digit, Source

if TYPE_CHECKING:
    from rtpcap.audio.dtmf import KeyTone
    from rtpcap.audio.places import Places

__all__ = ["DoubleRisk", "double_risks", "inband", "presses"]

SOURCES: tuple[Source, ...] = ("rfc4733", "sip-info", "inband")
"""The most exact first: events name digit, frame and time; INFO says no exact time."""

WITHIN_S: dict[frozenset[str], float] = {
    frozenset(("rfc4733", "inband")): 0.25,
    frozenset(("rfc4733", "sip-info")): 1.0,
    frozenset(("sip-info", "inband")): 1.0,
}
"""How far apart the same press may begin: events follow the sound by a packet or two, and what
detects them needs up to 100 ms; INFO is often sent when the key is let go, over another path."""

HEARD_S = 0.023
"""A receiver by Q.24 takes no shorter tone for a press."""

LOOK = 12
"""Presses of one digit that are weighed against each other at a time."""


@dataclass(frozen=True)
class DoubleRisk:
    """A press that a receiver may count more than once."""

    press: Digit
    sources: tuple[Source, ...]
    """What it may hear the press in."""
    times: int
    """How many presses it counts if it hears them all."""


def inband(keys: Iterable[KeyTone], places: Places, *, ssrc: int, start_ns: int) -> list[Digit]:
    """Presses heard on a stream's line as digits; `places` is what lies where on that line.

    `start_ns` is the time of the capture's first frame. A press has the frame of the packet in
    which it begins.
    """
    digits = []
    for key in keys:
        place = places.at(key.start_s)
        if place is None:
            continue
        digits.append(
            Digit(
                digit=key.digit,
                start_s=None if place.time_ns is None else (place.time_ns - start_ns) / 1e9,
                duration_s=key.duration_s,
                source="inband",
                frame=place.frame,
                ssrc=ssrc,
            )
        )
    return digits


def presses(digits: Iterable[Digit]) -> list[Digit]:
    """All sightings of presses as one table, in order of time, each press once.

    The digits are those of one call direction. Sightings without a time stand alone.
    """
    by_source: dict[str, list[Digit]] = defaultdict(list)
    timeless: list[Digit] = []
    for digit in digits:
        (timeless if digit.start_s is None else by_source[digit.source]).append(digit)
    groups: list[list[Digit]] = []
    for source in SOURCES:
        found = sorted(by_source[source], key=_start)
        if source == "inband":
            found = _without_pieces(groups, found)
        _join(groups, found)
    table = [_press(group) for group in [*groups, *([one] for one in timeless)]]
    return sorted(table, key=lambda press: (press.start_s is None, press.start_s or 0, press.frame))


def double_risks(table: Iterable[Digit]) -> list[DoubleRisk]:
    """The presses that a receiver which listens to several ways may count more than once."""
    risks = []
    for press in table:
        heard = [d for d in press.seen if d.source != "inband" or (d.duration_s or 0) >= HEARD_S]
        if len(heard) > 1:
            sources = tuple(dict.fromkeys(digit.source for digit in heard))
            risks.append(DoubleRisk(press, sources, len(heard)))
    return risks


def _start(digit: Digit) -> float:
    assert digit.start_s is not None
    return digit.start_s


def _press(group: Sequence[Digit]) -> Digit:
    first = group[0]
    others = dict.fromkeys(digit.source for digit in group if digit.source != first.source)
    return Digit(
        digit=first.digit,
        start_s=first.start_s,
        duration_s=first.duration_s,
        source=first.source,
        frame=first.frame,
        ssrc=first.ssrc,
        also_in=tuple(others),
        seen=tuple(group),
    )


def _join(groups: list[list[Digit]], found: Sequence[Digit]) -> None:
    """Add the sightings of one source to the presses that others saw, or as presses of their own.

    Both are in order of time. Those of one digit are matched in that order, so that a source which
    is late by more than the time between two presses is not matched crosswise.
    """
    waiting: dict[str, list[list[Digit]]] = defaultdict(list)
    for group in sorted(groups, key=lambda group: _start(group[0])):
        waiting[group[0].digit].append(group)
    mine: dict[str, list[Digit]] = defaultdict(list)
    for digit in found:
        mine[digit.digit].append(digit)
    for name, sightings in mine.items():
        for digit, matched in zip(sightings, _matched(waiting[name], sightings), strict=True):
            if matched is None:
                groups.append([digit])
            else:
                matched.append(digit)


def _matched(groups: Sequence[list[Digit]], sightings: Sequence[Digit]) -> list[list[Digit] | None]:
    """Which of the presses each sighting is of: none twice, in order, and as many as can be.

    Where that leaves a choice, a sighting is of the nearest press.
    """
    out: list[list[Digit] | None] = []
    at = 0
    for number, digit in enumerate(sightings):
        at = _next(groups, at, digit)
        if at == len(groups) or not _same(groups[at], digit):
            out.append(None)
            continue
        following = sightings[number + 1 : number + 1 + LOOK]
        chosen = at
        for after in range(at + 1, min(len(groups), at + LOOK)):
            nearer = _apart(groups[after], digit) < _apart(groups[chosen], digit)
            if not nearer or _matches(groups, after + 1, following) < _matches(
                groups, chosen + 1, following
            ):
                break
            chosen = after
        out.append(groups[chosen])
        at = chosen + 1
    return out


def _next(groups: Sequence[list[Digit]], at: int, digit: Digit) -> int:
    """The first press from `at` on that is the sighting's, or begins later."""
    while at < len(groups) and _start(groups[at][0]) < _start(digit):
        if _same(groups[at], digit):
            break
        at += 1
    return at


def _matches(groups: Sequence[list[Digit]], at: int, sightings: Sequence[Digit]) -> int:
    """How many sightings find a press from `at` on, one after the other, among the next few."""
    groups = groups[at : at + 2 * LOOK]
    at = count = 0
    for digit in sightings:
        at = _next(groups, at, digit)
        if at == len(groups):
            break
        if _same(groups[at], digit):
            count += 1
            at += 1
    return count


def _apart(group: Sequence[Digit], digit: Digit) -> float:
    return abs(_start(group[0]) - _start(digit))


def _same(group: Sequence[Digit], digit: Digit) -> bool:
    within = WITHIN_S[frozenset((group[0].source, digit.source))]
    return _apart(group, digit) <= within


def _without_pieces(groups: Sequence[list[Digit]], found: Sequence[Digit]) -> list[Digit]:
    """Sightings in the sound, but for later pieces of presses whose events say they still last.

    Pieces go to their press: a receiver that listens to the sound counts each.
    """
    starts = [_start(group[0]) for group in groups]
    order = np.argsort(starts, kind="stable").tolist() if starts else []
    starts = [starts[place] for place in order]
    kept: list[Digit] = []
    begun: set[int] = set()
    for digit in found:
        place = bisect_left(starts, _start(digit)) - 1
        if place >= 0:
            group = groups[order[place]]
            first = group[0]
            lasts = first.source == "rfc4733" and _start(digit) < _start(first) + (
                first.duration_s or 0
            )
            same = lasts and first.digit == digit.digit
            if same and (order[place] in begun or not _same(group, digit)):
                group.append(digit)
                continue
            if same:
                begun.add(order[place])
        kept.append(digit)
    return kept
