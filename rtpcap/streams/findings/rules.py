"""The rules, in the order of the journey: the capture, the signalling, the packets, the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, Findings

__all__ = ["RULES", "Rule", "find"]

Rule = Callable[[Evidence], Iterator[Finding]]
"""One question: gives the findings of its kind, none where all is well."""

RULES: tuple[Rule, ...] = ()


def find(evidence: Evidence) -> Findings:
    """All that is found, by all rules."""
    return Findings.ordered(finding for rule in RULES for finding in rule(evidence))
