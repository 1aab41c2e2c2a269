"""Tolerance: how far two captures may differ and still count as the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

__all__ = ["Tolerance"]


@dataclass(frozen=True)
class Tolerance:
    """What may be; by default nothing but that packets take their time and are renumbered.

    Of a count and a share the larger one holds. What is None is not looked at.

    >>> Tolerance.parse("lost=3,lost_pct=1").lost_pct
    1.0
    """

    lost: float = 0
    """Packets of a stream."""
    lost_pct: float = 0
    added: float = 0
    added_pct: float = 0
    changed: float = 0
    changed_pct: float = 0
    duplicates: float = 0
    """Copies more or fewer."""
    duplicates_pct: float = 0
    reordered: float = 0
    reordered_pct: float = 0
    delay_ms: float | None = None
    """Between the packet of a stream that took longest and the quickest."""
    drift_ppm: float | None = None
    """Of the two clocks, either way."""
    residual_dbfs: float = -math.inf
    """What is left of the sound of a stream that was encoded anew."""
    level_db: float = 0.5
    """How much louder or quieter that is."""
    digits: float = 0
    """Key presses that are missing, added or changed."""
    calls: float = 0
    """Calls that are missing, added or went another way."""
    duration_s: float = 1.0
    """How much longer or shorter a call may be."""
    streams: float = 0
    """Streams that are in one of the captures alone."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = -math.inf if field.name == "residual_dbfs" else 0
            if value is not None and not value >= least:
                raise ValueError(f"{field.name} is {value}, which tolerates nothing")

    @classmethod
    def parse(cls, text: str) -> Self:
        """A tolerance as the command line has it: ``lost=3,residual_dbfs=-40``.

        Raises ValueError for another form, an unknown name, or what is no number.
        """
        names = [field.name for field in fields(cls)]
        given: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, sign, value = part.partition("=")
            name = name.strip().replace("-", "_")
            if not sign or name not in names:
                raise ValueError(f"{part!r} is none of {' '.join(names)} with =NUMBER behind")
            try:
                given[name] = float(value)
            except ValueError as error:
                raise ValueError(f"{part!r}: {value!r} is no number") from error
        return cls(**given)
