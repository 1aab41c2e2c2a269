"""How much a run of the tests does: what a default run has time for, or all of it.

``pytest --hypothesis-profile=long`` does all of it: ten times the examples of the property tests,
every mutation, and every capture that another program is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

__all__ = ["LONG", "LONGER", "examples", "pick", "sample"]

Value = TypeVar("Value")

LONGER = 10
"""Times as many examples in a long run."""

LONG = "long"
"""The name of its profile; it is in force before the first module of tests is imported."""


def is_long() -> bool:
    return settings.get_current_profile_name() == LONG


def pick(quick: Value, long: Value) -> Value:
    """One thing for a default run, another one for a long run."""
    return long if is_long() else quick


def examples(quick: int) -> int:
    """How many examples a property test draws."""
    return pick(quick, quick * LONGER)


def sample(things: Sequence[Value], quick: int) -> list[Value]:
    """As many of them as a default run looks at, evenly spread; all of them in a long run."""
    count = pick(min(quick, len(things)), len(things))
    return [things[i * len(things) // count] for i in range(count)]
