"""Tolerance: how far a number may lie from the one that was written down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from rtpcap.testing.golden.found import NAMES

__all__ = ["ANY", "DEFAULTS", "Tolerances", "parse_tolerance"]

DEFAULTS: Mapping[str, float | None] = {
    "_dbov": 1,
    "_ms": 0.001,
    "_s": 0.000001,
    "bands_dbov": 2,
    "duplicates": 0,
    "expected": 0,
    "lost": 0,
    "packets": 0,
    "reordered": 0,
}
"""What is written into an expectation; whatever stands nowhere is exact."""

ANY = "any"
"""The word for no limit, which is null in JSON."""
DECIMALS = 9
"""Of a difference so many digits behind the point count: those of binary fractions do not."""

UNITS = frozenset(f"_{name.rpartition('_')[2]}" for name in NAMES if "_" in name)


class Tolerances:
    """How far apart the values of each name may lie.

    A key is a name (``lost``), or ``_`` and a unit for all names that end with it (``_ms``); a
    name goes before a unit. None lets anything pass. Of several objects the first that has a key
    for a name is asked. Raises ValueError for a key or a value that is none.
    """

    def __init__(self, *given: Mapping[str, object]) -> None:
        self._layers = [{key: _checked(key, value) for key, value in each.items()}
                        for each in given]  # fmt: skip

    def of(self, name: str) -> float | None:
        """The tolerance of a name; None where anything passes."""
        for layer in self._layers:
            for key in (name, f"_{name.rpartition('_')[2]}"):
                if key in layer:
                    return layer[key]
        return 0.0

    def allow(self, name: str, expected: object, found: object) -> bool:
        """Whether the value of a name may be this instead of that."""
        most = self.of(name)
        if most is None:
            return True
        if is_number(expected) and is_number(found):
            return bool(round(abs(expected - found), DECIMALS) <= most)
        return type(expected) is type(found) and expected == found


def _checked(key: str, value: object) -> float | None:
    if key not in NAMES and key not in UNITS:
        raise ValueError(f"no value has the name or unit {key!r}")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} is {value!r}, no number")
    if not 0 <= value < math.inf:
        raise ValueError(f"{key} is {value}: a tolerance is a number from 0 on")
    return float(value)


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_tolerance(text: str) -> tuple[str, float | None]:
    """``lost=2`` or ``jitter_ms=any`` -> a key and its value. Raises ValueError.

    >>> parse_tolerance("_ms=0.5"), parse_tolerance("lost=any")
    (('_ms', 0.5), ('lost', None))
    """
    key, _, value = text.partition("=")
    if value == ANY:
        number = None
    else:
        try:
            number = float(value)
        except ValueError:
            raise ValueError(f"{text!r} is not as lost=2, _ms=0.5 or jitter_ms=any") from None
    Tolerances({key: number})
    return key, number
