"""Voice quality reports: ``application/vq-rtcpxr`` bodies (RFC 6035), kept as they are."""

from __future__ import annotations

import re
from typing import NamedTuple

from rtpcap.signalling.arrival import Arrival
from rtpcap.signalling.sip import SipMessage

__all__ = ["VoiceReport", "read_reports"]

VQ_RTCPXR = "application/vq-rtcpxr"
CALL_ID = re.compile(r"(?:^|[\r\n])[ \t]*CallID[ \t]*[:=][ \t]*([^\r\n]*)", re.IGNORECASE)


class VoiceReport(NamedTuple):
    """A report that an end of a call sent, in a PUBLISH or NOTIFY."""

    frame: int
    time_ns: int | None
    call_id: str
    """The call that it is about; ``""`` where the report does not say."""
    text: str


def read_reports(message: SipMessage, arrival: Arrival) -> list[VoiceReport]:
    """The reports in a message's body."""
    reports = []
    for part in message.parts:
        if part.content_type == VQ_RTCPXR:
            text = part.body.decode("utf-8", "replace")
            found = CALL_ID.search(text)
            call_id = found[1].strip(" \t") if found else ""
            reports.append(VoiceReport(arrival.frame, arrival.time_ns, call_id, text))
    return reports
