"""Rules about packets of telephone events (RFC 4733): without an end, or with a strange number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.events import EVENT_NAMES, REPORT_BYTES, parse_events
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.payload_types import FIRST_DYNAMIC
from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.excused import call_of, talk_ns
from rtpcap.streams.findings.finding import Finding
from rtpcap.streams.findings.keys import shown
from rtpcap.streams.findings.telling import frames_of, of_stream, side_of, what
from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    from rtpcap.signalling.offers import Side

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "dtmf-end-lost": "key presses have no end",
    "dtmf-payload-number": "key presses have a payload number that was not asked for",
}

FULL_DURATION = 0xFFFF
"""A report that says so ends its segment, and another one goes on (RFC 4733 section 2.5.1.3)."""
CUT_S = 0.5
"""A press that is not over when the capture or the stream ends had no time to be."""
LEAST_REPORTS = 3
"""Packets that look like reports of events before that is believed."""
HIGHEST_KEY = 16
"""The events 0 to 16 are keys and the hook flash."""
MOST_READ = 256
"""Packets that are looked at for it."""


def key_end_lost(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-end-lost``: no packet says that a press is over: it may be taken for a long one."""
    for stream in evidence.streams:
        if stream.encrypted or not stream.told_keys:
            continue
        endless = _endless(stream)
        if not endless:
            continue
        digits = shown([EVENT_NAMES[event] for event, _ in endless])
        yield of_stream(
            stream,
            "dtmf-end-lost",
            "warning",
            f"The end of {counted(len(endless), 'key press', 'es')} ({digits}) is missing from "
            f"{what(stream)}: a receiver cannot tell how long the key was held.",
            {"presses": len(endless), "digits": digits},
            [frame for _, frame in endless],
        )


def _endless(stream: Stream) -> list[tuple[int, int]]:
    """(event, frame of its last report) of the presses that no report ends."""
    packets = stream.packets
    events = [number for number, fmt in stream.formats.items() if fmt.is_event]
    rows = np.flatnonzero(np.isin(packets.payload_type, events))
    last: dict[tuple[int, int], tuple[int, int]] = {}
    ended: set[tuple[int, int]] = set()
    for row in rows.tolist():
        timestamp = int(packets.timestamp[row])
        reports = parse_events(packets.payload(row))
        if not reports:
            continue
        # Of several in one packet the later ones follow those before: only the last can be open.
        for report in reports[:-1]:
            ended.add((timestamp, report.event))
            timestamp += report.duration
        report = reports[-1]
        key = (timestamp % (1 << 32), report.event)
        last[key] = int(packets.frame[row]), int(packets.time_ns[row])
        if report.end or report.duration == FULL_DURATION:
            ended.add(key)
    end_ns = stream.end_ns
    return [
        (event, frame)
        for (timestamp, event), (frame, time_ns) in last.items()
        if (timestamp, event) not in ended
        and event in EVENT_NAMES
        and not (end_ns is not None and time_ns != NO_TIME and end_ns - time_ns < CUT_S * 1e9)
    ]


def events_unannounced(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-payload-number``: key presses with a number that the other side did not announce."""
    calls = call_of(evidence)
    callers = {stream.index for call in evidence.calls for stream in call.left}
    for stream in evidence.streams:
        call = calls.get(stream.call or "")
        if call is None or stream.encrypted or talk_ns(call) is None:
            continue
        receiver: Side = "callee" if stream.index in callers else "caller"
        announced = _announced(call, receiver)
        if announced is None:
            continue
        for number in stream.payload_types:
            if number < FIRST_DYNAMIC or number in announced:
                continue
            rows = np.flatnonzero(stream.packets.payload_type == number)
            if not _look_like_events(stream, rows):
                continue
            meant = [one for one, is_event in announced.items() if is_event]
            asked = (
                f"it asked for them with {meant[0]}" if meant else "it did not ask for them at all"
            )
            who = side_of(call, 1 if receiver == "callee" else 0)
            yield of_stream(
                stream,
                "dtmf-payload-number",
                "warning",
                f"Key presses in {what(stream)} have payload number {number}, which {who} did not "
                f"announce: {asked}.",
                {
                    "payload_type": number,
                    "announced": ", ".join(map(str, meant)),
                    "packets": len(rows),
                },
                frames_of(stream, rows),
            )
            break


def _announced(call: Call, receiver: Side) -> dict[int, bool] | None:
    """The numbers that a side announced, and whether each is for events; None where unknown."""
    found: dict[int, bool] = {}
    if call.dialog is None:
        return None
    for epoch in call.dialog.epochs:
        for media in epoch.media(receiver):
            for number, fmt in media.formats.items():
                found[number] = found.get(number, False) or fmt.is_event
    return found or None


def _look_like_events(stream: Stream, rows: npt.NDArray[np.int64]) -> bool:
    """Whether all of some packets of a stream hold nothing but one report of a key."""
    packets = stream.packets
    if len(rows) < LEAST_REPORTS or (packets.payload_size[rows] != REPORT_BYTES).any():
        return False
    reports = [parse_events(packets.payload(row))[0] for row in rows[:MOST_READ].tolist()]
    # In what is no event, one byte in fifteen is so small, and the reserved bit is 0 in half.
    return all(report.event <= HIGHEST_KEY for report in reports)


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (key_end_lost, events_unannounced)
