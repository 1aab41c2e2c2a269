"""What other people's test suites import: packets of captures, and what a parser makes of them.

Names load what they need when they are first used, so that the pytest plugin costs nothing where
nobody asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtpcap.testing.agree import assert_agrees
    from rtpcap.testing.captured import packets
    from rtpcap.testing.comparison import Report, compare
    from rtpcap.testing.corpus import read_corpus
    from rtpcap.testing.differing import Difference, StreamDifference, Tolerance, diff
    from rtpcap.testing.golden import Differences, Expectation, expect, verify
    from rtpcap.testing.impairing import Done, Faults, Impairment, impair
    from rtpcap.testing.isolate import ParserDied, isolated
    from rtpcap.testing.making import Made, make
    from rtpcap.testing.packet import Packet
    from rtpcap.testing.schema import SCHEMA_VERSION, SchemaError
    from rtpcap.testing.strategies import hostile, mutated, valid

_HOMES = {
    "SCHEMA_VERSION": "schema",
    "Difference": "differing",
    "Differences": "golden",
    "Expectation": "golden",
    "Done": "impairing",
    "Faults": "impairing",
    "Impairment": "impairing",
    "Made": "making",
    "Packet": "packet",
    "ParserDied": "isolate",
    "Report": "comparison",
    "SchemaError": "schema",
    "StreamDifference": "differing",
    "Tolerance": "differing",
    "assert_agrees": "agree",
    "compare": "comparison",
    "diff": "differing",
    "expect": "golden",
    "hostile": "strategies",
    "impair": "impairing",
    "isolated": "isolate",
    "make": "making",
    "mutated": "strategies",
    "packets": "captured",
    "read_corpus": "corpus",
    "valid": "strategies",
    "verify": "golden",
}

__all__ = [
    "SCHEMA_VERSION",
    "Difference",
    "Differences",
    "Done",
    "Expectation",
    "Faults",
    "Impairment",
    "Made",
    "Packet",
    "ParserDied",
    "Report",
    "SchemaError",
    "StreamDifference",
    "Tolerance",
    "assert_agrees",
    "compare",
    "diff",
    "expect",
    "hostile",
    "impair",
    "isolated",
    "make",
    "mutated",
    "packets",
    "read_corpus",
    "valid",
    "verify",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'rtpcap.testing' has no attribute {name!r}")
    value: object = getattr(import_module(f"rtpcap.testing.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
