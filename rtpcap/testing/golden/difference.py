"""Difference: a value that is not what was expected; Differences: all of a capture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rtpcap.streams.rows import Rows

__all__ = ["Difference", "Differences"]

FIRST = 3
"""How many the representation names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what was expected, with the keys of ``rtpcap verify``."""

    path: str
    """Its place: ``streams[0x343ffa34].lost``, ``sound[0x343ffa34].level_dbov[32:40]``."""
    expected: object
    """None where something was found that nobody expected."""
    found: object
    """None where it is not there."""
    tolerance: float | None = None
    """How far apart numbers may lie; None for what is no number."""
    sentence: str = ""
    """What it means, where the values alone do not say it."""

    def row(self) -> dict[str, object]:
        return {
            "path": self.path,
            "expected": self.expected,
            "found": self.found,
            "tolerance": self.tolerance,
            "sentence": self.sentence,
        }

    def __str__(self) -> str:
        """One line, with whatever does not print written out: paths hold what captures hold."""
        path = _text(self.path)
        if self.sentence:
            return f"{path}: {self.sentence}"
        allowed = f" (tolerance {self.tolerance:g})" if self.tolerance else ""
        return f"{path}: expected {_text(self.expected)}, found {_text(self.found)}{allowed}"


def _text(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


class Differences(Rows[Difference]):
    """The differences of a capture: true where there is any, so ``assert not differences``."""

    verb: ClassVar[str] = "verify"

    def __init__(
        self,
        items: Iterable[Difference] = (),
        capture: str = "",
        notes: Iterable[str] = (),
        *,
        start_ns: int | None = None,
    ) -> None:
        super().__init__(items, start_ns=start_ns)
        self.capture = capture
        """What was compared."""
        self.notes = tuple(notes)
        """What else is worth knowing: that the file is another one than was written down."""

    def __str__(self) -> str:
        """A line each, below one that counts them."""
        lines = [f"{self.capture}: {self._count()}", *(f"  {each}" for each in self)]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        named = [str(each) for each in self[:FIRST]]
        named += ["..."] if len(self) > FIRST else []
        return f"<Differences of {self.capture}: {'; '.join([self._count(), *named])}>"

    def _count(self) -> str:
        if not self:
            return "as expected"
        return "1 difference" if len(self) == 1 else f"{len(self):,} differences"
