"""compare: a parser over many packets, counted by what it gets wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rtpcap.testing.agree import Outcome, Parse, Verdict, judge
from rtpcap.testing.aliases import Rename
from rtpcap.testing.packet import Packet

__all__ = ["Report", "Wrong", "compare"]

INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that a parser gets wrong, with how often and where first."""

    what: str
    """A field without the numbers in its place, or ``raised ValueError``, ``accepted padding``."""
    count: int
    first: str
    """The id of the first packet."""

    def row(self) -> dict[str, object]:
        return {"what": self.what, "count": self.count, "first": self.first}


@dataclass(frozen=True)
class Report:
    """What came of many packets."""

    packets: int
    outcomes: dict[str, int]
    """How many packets had each `Outcome` that occurred."""
    wrong: tuple[Wrong, ...]
    """The most frequent first."""
    absent: tuple[str, ...]
    """Fields that the parser never had: they were not compared."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

    def rows(self) -> list[dict[str, object]]:
        """What is wrong, a row each."""
        return [each.row() for each in self.wrong]

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.outcomes.items())
        lines = [f"{self.packets:,} packets: {counts}" if counts else "0 packets"]
        lines += [f"  {w.count:>7,}  {w.what}, first in {w.first}" for w in self.wrong]
        if self.absent:
            lines.append(f"  not compared, as the parser has none: {', '.join(self.absent)}")
        return "\n".join(lines)


def compare(
    parse: Parse,
    packets: Iterable[Packet],
    *,
    fields: Iterable[str] | None = None,
    rename: Rename | None = None,
) -> Report:
    """What a parser makes of packets, as `assert_agrees` judges each, in figures.

    >>> from rtpcap.testing import packets
    >>> print(compare(lambda data: {"pt": data[1]}, packets("fixtures/pj-pcmu.pcap")))
    500 packets: 494 agreed, 6 differs
            6  payload_type, first in pj-pcmu.pcap:9
      not compared, as the parser has none: version, padding, extension, csrc_count, marker, \
sequence, timestamp, ssrc, csrc, header_bytes, extension_profile, extension_payload, payload, \
padding_bytes
    """
    named = None if fields is None else list(fields)
    outcomes: Counter[Outcome] = Counter()
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    absent: dict[str, None] = {}
    compared = set[str]()
    for packet in packets:
        verdict = judge(parse, packet, fields=named, rename=rename)
        outcomes[verdict.outcome] += 1
        missing = {INDEX.sub("", name): None for name in verdict.absent}
        absent |= missing
        if packet.fault is None and verdict.outcome in (Outcome.AGREED, Outcome.DIFFERS):
            compared |= set(packet.fields) - set(missing)
        for what in dict.fromkeys(_wrong(packet, verdict)):
            counts[what] += 1
            first.setdefault(what, packet.id)
    return Report(
        packets=outcomes.total(),
        outcomes={outcome.value: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        wrong=tuple(Wrong(what, count, first[what]) for what, count in counts.most_common()),
        absent=tuple(name for name in absent if name not in compared),
    )


def _wrong(packet: Packet, verdict: Verdict) -> Iterable[str]:
    match verdict.outcome:
        case Outcome.DIFFERS:
            return (INDEX.sub("", each.field) for each in verdict.differences)
        case Outcome.RAISED:
            return (f"raised {type(verdict.error).__name__}",)
        case Outcome.NOTHING:
            return ("returned None",)
        case Outcome.ACCEPTED:
            return (f"accepted {packet.fault}",)
        case Outcome.DIED:
            return (str(verdict.error),)
        case Outcome.INCOMPARABLE:
            return (f"has no {', '.join(verdict.absent)}",)
    return ()
