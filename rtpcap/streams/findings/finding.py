"""A finding: something that a person who asks "what is wrong here?" wants to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from rtpcap.streams.counted import counted
from rtpcap.streams.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

    from rtpcap.streams.streams import Streams

__all__ = ["MOST_FRAMES", "SEVERITIES", "Finding", "Findings", "Severity", "evidence_frames"]

Severity = Literal["error", "warning", "note"]
"""Somebody was not heard; somebody heard it; worth knowing when one looks for a reason."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

MOST_FRAMES = 10
"""No finding names more frames as its evidence."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found, with the keys of ``rtpcap check``."""

    id: str
    """Its kind, in words with hyphens between: ``one-way-audio``."""
    severity: Severity
    sentence: str
    """What happened, as a person would say it; with the numbers that matter."""
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)
    """The figures behind it, units in their names."""
    frames: tuple[int, ...] = ()
    """Frames of the capture in which it can be seen, ascending, `MOST_FRAMES` at most."""
    call: str | None = None
    """The id of the call it concerns."""
    ssrc: int | None = None
    """The stream it concerns."""

    def row(self) -> dict[str, object]:
        return {
            "id": self.id,
            "severity": self.severity,
            "call": self.call,
            "ssrc": None if self.ssrc is None else f"0x{self.ssrc:08x}",
            "sentence": self.sentence,
            "numbers": dict(self.numbers),
            "frames": list(self.frames),
        }


class Findings(Rows[Finding]):
    """Findings: the gravest first, those of one severity in order of their first frame."""

    @classmethod
    def ordered(cls, found: Iterable[Finding]) -> Findings:
        def rank(finding: Finding) -> tuple[int, int]:
            return SEVERITIES.index(finding.severity), min(finding.frames, default=0)

        return cls(sorted(found, key=rank))

    def select(
        self, *, id: str | None = None, severity: Severity | None = None, call: str | None = None
    ) -> Findings:
        """The findings that have all that is given."""
        return Findings(
            finding
            for finding in self
            if (id is None or finding.id == id)
            and (severity is None or finding.severity == severity)
            and (call is None or finding.call == call)
        )

    def about(self, streams: Streams, call: str | None = None) -> Findings:
        """Those about some streams, their calls, or a call; and those about the whole capture."""
        ssrcs = {stream.ssrc for stream in streams}
        calls = {call, *(stream.call for stream in streams)} - {None}
        return Findings(
            finding
            for finding in self
            if (finding.ssrc is None or finding.ssrc in ssrcs)
            and (finding.call is None or finding.call in calls)
        )

    def at_least(self, severity: Severity) -> Findings:
        """Those of a severity, and the graver ones."""
        grave = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return Findings(finding for finding in self if finding.severity in grave)

    def counts(self) -> dict[Severity, int]:
        """How many there are of each severity."""
        return {name: sum(finding.severity == name for finding in self) for name in SEVERITIES}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a finding."""
        from rtpcap.views.table import findings_frame

        return findings_frame(self)

    def __repr__(self) -> str:
        counts = self.counts()
        told = ", ".join(counted(count, name) for name, count in counts.items() if count)
        return f"<Findings {told or 'none'}>"


def evidence_frames(frames: Iterable[int]) -> tuple[int, ...]:
    """The first frames of these, each once, ascending: as evidence."""
    return tuple(sorted({int(frame) for frame in frames})[:MOST_FRAMES])
