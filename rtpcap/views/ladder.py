"""The SIP of a capture as ladders, one for each call: what ``rtpcap sip FILE`` says to a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING

from rtpcap.signalling.ladder import Rung, ladder_lines
from rtpcap.streams.counted import counted
from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.streams.call import Call

__all__ = ["ladders"]


def ladders(capture: Capture, width: int, call_id: str | None = None) -> Iterator[str]:
    """The lines: each call with its parties and its messages, then the messages of no call."""
    by_call: dict[str, list[Rung]] = {}
    for rung in capture.ladder(call_id):
        by_call.setdefault(rung.call_id, []).append(_harmless(rung))
    headings: dict[str, list[str]] = {}
    for call in capture.calls:
        if call.dialog is not None:
            headings.setdefault(call.dialog.call_id, []).append(_heading(call))
    other: list[Rung] = []
    first = True
    for told, rungs in by_call.items():
        if told not in headings:
            other += rungs
            continue
        yield from [] if first else [""]
        first = False
        for line in headings[told]:
            yield from wrap(
                visible(line), max(width, 20), subsequent_indent="  ", break_on_hyphens=False
            )
        yield from ladder_lines(rungs, width)
    if other:
        yield from [] if first else [""]
        yield f"{counted(len(other), 'message')} of no call"
        yield from ladder_lines(sorted(other, key=lambda rung: rung.frame), width)


def _harmless(rung: Rung) -> Rung:
    return replace(rung, text=visible(rung.text))


def _heading(call: Call) -> str:
    """``alice > bob, completed: Call-ID``."""
    status = "" if call.status in (None, 200) else f" {call.status} {call.reason or ''}".rstrip()
    return f"{call.caller} > {call.callee}, {call.state}{status} ({call.call_id})"
