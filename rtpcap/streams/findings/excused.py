"""What signalling makes of a pause or a change: on hold, agreed anew, or nobody asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rtpcap.streams.call import Call
from rtpcap.streams.findings.evidence import Evidence

if TYPE_CHECKING:
    from rtpcap.signalling.offers import Epoch

__all__ = ["agreed_anew", "both_may_speak", "call_of", "on_hold", "talk_ns"]

AROUND_S = 2.0
"""Media follows a description, or runs ahead of it, by no more as a rule: a request that was lost
twice comes for the third time 1.5 s after the first (RFC 3261 section 17.1.1.2)."""


def call_of(evidence: Evidence) -> dict[str, Call]:
    """The calls by their ids."""
    return {call.call_id: call for call in evidence.calls}


def on_hold(call: Call | None, start_s: float, end_s: float) -> bool:
    """Whether somebody was on hold in a stretch, seconds from the file's first frame."""
    if call is None:
        return False
    for hold in call.holds:
        begun = hold.start_s is None or hold.start_s - AROUND_S < end_s
        if begun and (hold.end_s is None or hold.end_s + AROUND_S > start_s):
            return True
    return False


def agreed_anew(call: Call | None, start_ns: int, end_ns: int) -> bool:
    """Whether an offer was answered, other than the first, in or close to a stretch of time."""
    if call is None or call.dialog is None:
        return False
    around = round(AROUND_S * 1e9)
    for epoch in _answered(call)[1:]:
        at_ns = epoch.answered.time_ns if epoch.answered else None
        if at_ns is not None and start_ns - around <= at_ns <= end_ns + around:
            return True
    return False


def _answered(call: Call) -> list[Epoch]:
    epochs = () if call.dialog is None else call.dialog.epochs
    return [epoch for epoch in epochs if epoch.answered is not None]


def both_may_speak(call: Call) -> bool:
    """Whether both sides of a call were to be heard: an audio line agreed on, in both directions.

    Where the descriptions were not captured nothing says otherwise.
    """
    told = False
    for offer, answer in _audio_lines(call):
        told = True
        if offer == answer == "sendrecv":
            return True
    return not told


def _audio_lines(call: Call) -> Iterator[tuple[str, ...]]:
    """(direction of the offer, of the answer) of each audio line that was agreed on."""
    for epoch in _answered(call):
        for offer, answer in zip(epoch.offer, epoch.answer, strict=False):
            if offer.kind == answer.kind == "audio" and not offer.rejected | answer.rejected:
                yield (
                    "inactive" if offer.held and offer.direction == "sendrecv" else offer.direction,
                    "inactive"
                    if answer.held and answer.direction == "sendrecv"
                    else answer.direction,
                )


def talk_ns(call: Call) -> tuple[int, int] | None:
    """From when to when a call was to be heard, nanoseconds since 1970; None where unknown.

    From the answer to the end; where nobody hung up, or nothing signals, to the last packet.
    """
    starts = [stream.start_ns for stream in call.streams if stream.start_ns is not None]
    ends = [stream.end_ns for stream in call.streams if stream.end_ns is not None]
    begin, end = min(starts, default=None), max(ends, default=None)
    if call.dialog is not None:
        if call.dialog.answered is None:
            return None
        begin = call.dialog.answered.time_ns
        if call.dialog.ended is not None:
            end = call.dialog.ended.time_ns
    return None if begin is None or end is None or end < begin else (begin, end)
