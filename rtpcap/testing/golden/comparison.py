"""Comparison: sections as they were written down against those found now, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from rtpcap.testing.golden.difference import Difference
from rtpcap.testing.golden.found import SECTIONS
from rtpcap.testing.golden.sounds import compare_sound
from rtpcap.testing.golden.tolerance import Tolerances, is_number

__all__ = ["compare_sections"]

Row = Mapping[str, Any]

TOLD = {
    "calls": ("caller", "callee", "state"),
    "streams": ("codec", "packets", "lost"),
    "gaps": ("packets", "start_s"),
    "digits": ("digit", "start_s"),
    "sound": ("rate", "samples"),
}
"""Section -> what is said of a row that is there on one side only."""


def compare_sections(
    expected: Mapping[str, Any], found: Mapping[str, Any], tolerances: Tolerances
) -> Iterator[Difference]:
    """What differs, in order of the sections; those that one side has not are left out.

    What belongs to a stream or call that only one side has is told with that.
    """
    alone = {
        key
        for section in ("calls", "streams")
        for key in {*expected.get(section, ())} ^ {*found.get(section, ())}
        if section in expected
    }
    for section in SECTIONS:
        if section not in expected or section not in found:
            continue
        ours, theirs = expected[section], found[section]
        if section in ("gaps", "sound"):
            ours, theirs = ({k: row for k, row in rows.items() if not _of(k, alone)}
                            for rows in (ours, theirs))  # fmt: skip
        if section == "capture":
            yield from _row(section, ours, theirs, tolerances)
        elif section == "digits":
            yield from _digits(ours, theirs, tolerances)
        else:
            yield from _keyed(section, ours, theirs, tolerances)


def _of(key: str, alone: set[str]) -> bool:
    """Whether the key of a gap or a sound names one of these streams or calls."""
    return bool({key, key.partition("/")[0], key.rpartition("/")[0]} & alone)


def _keyed(
    section: str, expected: Row, found: Row, tolerances: Tolerances, place: str = ""
) -> Iterator[Difference]:
    """Rows by key, in the order of those expected; then those that nobody expected."""
    for key in [*expected, *(key for key in found if key not in expected)]:
        path = f"{place or section}[{key}]"
        if key not in found:
            yield Difference(path, _told(section, expected[key]), None)
        elif key not in expected:
            yield Difference(path, None, _told(section, found[key]))
        elif section == "sound":
            yield from compare_sound(path, expected[key], found[key], tolerances)
        else:
            yield from _row(path, expected[key], found[key], tolerances)


def _told(section: str, row: Row) -> str:
    """A few values of a row, to know it by."""
    told = (f"{name} {row[name]}" for name in TOLD.get(section, ()) if row.get(name) is not None)
    return ", ".join(told) or "there"


def _row(path: str, expected: Row, found: Row, tolerances: Tolerances) -> Iterator[Difference]:
    """The values of a row that differ; what was not written down is not looked at."""
    for name, value in expected.items():
        here, now = f"{path}.{name}", found.get(name)
        if isinstance(value, dict) and isinstance(now, dict) and _is_keyed(value):
            yield from _keyed("", value, now, tolerances, here)
        elif not tolerances.allow(name, value, now):
            yield Difference(here, value, now, _limit(name, value, now, tolerances))


def _is_keyed(value: Row) -> bool:
    return all(isinstance(row, dict) for row in value.values())


def _limit(name: str, expected: object, found: object, tolerances: Tolerances) -> float | None:
    return tolerances.of(name) if is_number(expected) and is_number(found) else None


def _digits(
    expected: Sequence[Row], found: Sequence[Row], tolerances: Tolerances
) -> Iterator[Difference]:
    """Key presses have no name: they are paired in order, or by what was pressed, as is nearer."""
    by_key = list(_paired(expected, found, tolerances))
    if len(expected) != len(found):
        yield from by_key
        return
    pairs = enumerate(zip(expected, found, strict=True))
    in_order = [
        difference
        for number, (ours, theirs) in pairs
        for difference in _row(f"digits[{number}]", ours, theirs, tolerances)
    ]
    yield from min(in_order, by_key, key=len)


def _paired(
    expected: Sequence[Row], found: Sequence[Row], tolerances: Tolerances
) -> Iterator[Difference]:
    ours, theirs = (
        [f"{r.get('ssrc')} {r.get('digit')}" for r in rows] for rows in (expected, found)
    )
    for what, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for number in range(max(b - a, d - c)):
            i, j = a + number, c + number
            if i < b and j < d and what in ("equal", "replace"):
                yield from _row(f"digits[{i}]", expected[i], found[j], tolerances)
            elif i < b:
                yield Difference(f"digits[{i}]", _told("digits", expected[i]), None)
            else:
                yield Difference(f"digits[+{j}]", None, _told("digits", found[j]))
