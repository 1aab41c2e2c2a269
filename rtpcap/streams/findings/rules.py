"""The rules, in the order of the journey: the capture, the signalling, the packets, the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rtpcap.streams.findings import (
    capture,
    changes,
    control,
    conversation,
    events,
    keys,
    packets,
    pauses,
    signalling,
    sound,
)
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, Findings

__all__ = ["KINDS", "RULES", "Rule", "find"]

Rule = Callable[[Evidence], Iterator[Finding]]
"""One question: gives the findings of its kind, none where all is well."""

RULES: tuple[Rule, ...] = (
    *capture.RULES,
    *signalling.RULES,
    *control.RULES,
    *packets.RULES,
    *changes.RULES,
    *pauses.RULES,
    *keys.RULES,
    *events.RULES,
    *conversation.RULES,
    *sound.RULES,
)

KINDS: Mapping[str, str] = {
    **capture.KINDS,
    **signalling.KINDS,
    **control.KINDS,
    **packets.KINDS,
    **changes.KINDS,
    **pauses.KINDS,
    **keys.KINDS,
    **events.KINDS,
    **conversation.KINDS,
    **sound.KINDS,
}
"""The id of every finding there may be -> what it says, in short."""


def find(evidence: Evidence) -> Findings:
    """All that is found, by all rules."""
    return Findings.ordered(finding for rule in RULES for finding in rule(evidence))
