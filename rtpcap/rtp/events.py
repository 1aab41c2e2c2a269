"""Telephone events: the payload <-> its reports (RFC 4733 section 2.3)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     event     |E|R| volume    |          duration             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

A key held for 60 ms at 8 kHz and packets of 20 ms, as it is sent:

    ====  =========  =====  ========  ===
    time  timestamp  event  duration  E
    ====  =========  =====  ========  ===
       0          0      5       160
      20          0      5       320
      40          0      5       480    1
      60          0      5       480    1   sent three times, lest it be lost
      80          0      5       480    1
    ====  =========  =====  ========  ===
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from rtpcap.rtp.header import WORD_BYTES, Field, split

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "EVENT_NAMES",
    "REPORT",
    "REPORT_BYTES",
    "EventReport",
    "build_event",
    "parse_events",
    "split_events",
]

REPORT_BYTES = WORD_BYTES

REPORT = (
    #     name       word shift bits
    Field("event", 0, 24, 8),
    Field("end", 0, 23, 1),
    Field("reserved", 0, 22, 1),
    Field("volume", 0, 16, 6),
    Field("duration", 0, 0, 16),
)

EVENT_NAMES: Mapping[int, str] = MappingProxyType(
    {
        **dict(enumerate("0123456789*#ABCD")),
        16: "flash",  # RFC 2833; reserved since, and still sent
        # RFC 4734 section 6, modems and fax.
        23: "CRdSeg",
        24: "CReSeg",
        25: "MRdSeg",
        26: "MReSeg",
        27: "V32AC",
        28: "V8bISeg",
        29: "V8bRSeg",
        30: "V21L300",
        31: "V21H300",
        32: "ANS",
        33: "/ANS",
        34: "ANSam",
        35: "/ANSam",
        36: "CNG",
        37: "V.21 channel 1, '0' bit",
        38: "V.21 channel 1, '1' bit",
        39: "V.21 channel 2, '0' bit",
        40: "V.21 channel 2, '1' bit",
    }
)
"""Event code -> what is shown for it, for the codes that are known here."""


class EventReport(NamedTuple):
    """One report of an event."""

    event: int
    """The event code, 0..255."""
    end: bool
    """Whether the event is over."""
    volume: int
    """The power of a digit below 0 dBm0, in dB, 0..63."""
    duration: int
    """How long the event has lasted, in timestamp ticks, 0..65535."""


def parse_events(payload: bytes) -> list[EventReport]:
    """The reports in a payload; several follow each other in time (section 2.5.1.4).

    What is too short for a whole report is left aside.

    >>> parse_events(bytes.fromhex("058a0320"))
    [EventReport(event=5, end=True, volume=10, duration=800)]
    """
    reports = []
    for at in range(0, len(payload) - REPORT_BYTES + 1, REPORT_BYTES):
        fields = split((int.from_bytes(payload[at : at + REPORT_BYTES], "big"),), REPORT)
        reports.append(
            EventReport(fields["event"], bool(fields["end"]), fields["volume"], fields["duration"])
        )
    return reports


def build_event(event: int, *, end: bool, volume: int, duration: int) -> bytes:
    """The payload of one report, 4 bytes. Raises ValueError for a value that does not fit."""
    values = {
        "event": event,
        "end": int(end),
        "reserved": 0,
        "volume": volume,
        "duration": duration,
    }
    word = 0
    for field in REPORT:
        if not 0 <= values[field.name] <= field.mask:
            raise ValueError(f"{field.name} {values[field.name]} is not in 0..{field.mask}")
        word |= values[field.name] << field.shift
    return word.to_bytes(REPORT_BYTES, "big")


def split_events(words: npt.NDArray[np.uint32]) -> dict[str, npt.NDArray[np.uint32]]:
    """The fields of many reports, by their names in `REPORT`, each of the shape of `words`."""
    return split((words,), REPORT)
