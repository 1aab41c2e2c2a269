"""Sounds: two fingerprints compared, and what changed said in seconds and decibels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rtpcap.testing.golden.difference import Difference
from rtpcap.testing.golden.tolerance import Tolerances, is_number

__all__ = ["compare_sound"]

Row = Mapping[str, Any]

LEVEL, BANDS, DIGEST, STEP = "level_dbov", "bands_dbov", "sha256", "step_s"
THERE = "there"
TOGETHER = 3
"""Steps that differ with no more than so many alike between them are one change."""


class Change(NamedTuple):
    """Steps ``start..stop`` of levels that differ, and the one that does most."""

    start: int
    stop: int
    most: int


def compare_sound(
    path: str, expected: Row, found: Row, tolerances: Tolerances
) -> Iterator[Difference]:
    """What differs between fingerprints of one sound.

    Bands are told where the level is as it was: a change of both is one. The digest tells only of
    what nothing else shows.
    """
    alike = True
    for name, value in expected.items():
        if name in (LEVEL, BANDS, DIGEST, STEP):
            continue
        now = found.get(name)
        if not tolerances.allow(name, value, now):
            alike = False
            limit = tolerances.of(name) if is_number(value) and is_number(now) else None
            yield Difference(f"{path}.{name}", value, now, limit)
    step_s = float(expected.get(STEP, found[STEP]))
    louder: set[int] = set()
    for difference, steps in _levels(
        f"{path}.{LEVEL}", LEVEL, expected, found, step_s, tolerances, louder
    ):
        alike = False
        louder |= steps
        yield difference
    bands, now_bands = expected.get(BANDS, {}), found.get(BANDS, {})
    for band in [*bands, *(band for band in now_bands if bands and band not in bands)]:
        here = f"{path}.{BANDS}[{band}]"
        if band not in now_bands or band not in bands:
            alike = False
            yield Difference(
                here, THERE if band in bands else None, THERE if band in now_bands else None
            )
            continue
        pair = {band: bands[band], "samples": expected.get("samples")}
        now_pair = {band: now_bands[band], "samples": found["samples"]}
        for difference, _ in _levels(here, BANDS, pair, now_pair, step_s, tolerances, louder, band):
            alike = False
            yield difference
    if DIGEST in expected and alike:
        digest = found.get(DIGEST)
        if not tolerances.allow(DIGEST, expected[DIGEST], digest):
            sentence = "" if digest is None else "samples differ by less than levels show"
            yield Difference(f"{path}.{DIGEST}", expected[DIGEST], digest, None, sentence)


def _levels(
    path: str,
    name: str,
    expected: Row,
    found: Row,
    step_s: float,
    tolerances: Tolerances,
    known: set[int],
    band: str = "",
) -> Iterator[tuple[Difference, set[int]]]:
    """The changes between two lists of levels, each with its steps; steps `known` are passed."""
    ours, theirs = expected.get(band or name), found.get(band or name)
    if ours is None or theirs is None or tolerances.of(name) is None:
        return
    both = min(len(ours), len(theirs))
    if len(ours) != len(theirs):
        if expected.get("samples") == found["samples"]:
            yield Difference(path, f"{len(ours)} levels", f"{len(theirs)} levels"), set()
        elif both:
            # The last step of the shorter one is not whole; that it is shorter is told.
            both -= 1
    differ = [
        step
        for step in range(both)
        if step not in known and not tolerances.allow(name, ours[step], theirs[step])
    ]
    for change in _changes(differ, ours, theirs):
        before, now = ours[change.most], theirs[change.most]
        yield (
            Difference(
                f"{path}[{change.start}:{change.stop}]",
                before,
                now,
                tolerances.of(name),
                _sentence(change, before, now, step_s, band),
            ),
            set(range(change.start, change.stop)),
        )


def _changes(differ: list[int], ours: list[Any], theirs: list[Any]) -> Iterator[Change]:
    def amount(step: int) -> float:
        before, now = ours[step], theirs[step]
        return abs(before - now) if is_number(before) and is_number(now) else 0.0

    run: list[int] = []
    for step in [*differ, None]:
        if run and (step is None or step - run[-1] > TOGETHER + 1):
            yield Change(run[0], run[-1] + 1, max(run, key=amount))
            run = []
        if step is not None:
            run.append(step)


def _sentence(change: Change, before: object, now: object, step_s: float, band: str) -> str:
    when = f"{change.start * step_s:.1f} to {change.stop * step_s:.1f} s"
    where = f" at {band} Hz" if band else ""
    if not (is_number(before) and is_number(now)):
        return f"{when}: no level{where}"
    amount = now - before
    how = "louder" if amount > 0 else "quieter"
    upto = "up to " if change.stop - change.start > 1 else ""
    return f"{when}: {upto}{abs(amount):g} dB {how}{where}"
