"""Findings in words, the gravest first: what ``rtpcap check FILE`` says to a person."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rtpcap.streams.counted import counted
from rtpcap.streams.findings.finding import SEVERITIES, Finding, Findings
from rtpcap.views.text import visible

__all__ = ["findings_lines"]

NARROWEST = 40
INDENT = max(map(len, SEVERITIES)) + 2
TIED = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, which stay on one line."""


def findings_lines(findings: Findings, width: int, looked_at: str) -> Iterator[str]:
    """The lines: a paragraph a finding, then how many there are; or what was looked at in vain."""
    room = max(width, NARROWEST)
    for finding in findings:
        yield from _paragraph(finding, room)
    told = [counted(count, name) for name, count in findings.counts().items() if count]
    yield from wrap(f"{', '.join(told) or 'nothing found'} in {looked_at}", room)


def _paragraph(finding: Finding, width: int) -> Iterator[str]:
    lines = wrap(
        visible(finding.sentence).replace(" %", TIED + "%").replace(" ms", TIED + "ms"),
        width,
        initial_indent=finding.severity.ljust(INDENT),
        subsequent_indent=" " * INDENT,
        break_on_hyphens=False,
    )
    yield from (line.replace(TIED, " ") for line in lines)
    where = [finding.id]
    if finding.call is not None:
        where.append(f"call {visible(finding.call)}")
    if finding.ssrc is not None:
        where.append(f"ssrc 0x{finding.ssrc:08x}")
    if finding.frames:
        frames = ", ".join(map(str, finding.frames))
        where.append(f"frame{'s' * (len(finding.frames) > 1)} {frames}")
    yield from wrap(
        f"[{'; '.join(where)}]",
        width,
        initial_indent=" " * INDENT,
        subsequent_indent=" " * (INDENT + 1),
        break_on_hyphens=False,
    )
    yield ""
