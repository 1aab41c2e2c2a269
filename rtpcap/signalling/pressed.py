"""Keys pressed by INFO: ``application/dtmf-relay``, ``application/dtmf``; no RFC defines them."""

from __future__ import annotations

import re
from typing import NamedTuple

from rtpcap.signalling.offers import Side
from rtpcap.signalling.parts import Part

__all__ = ["KeyPress", "read_key"]

RELAY = "application/dtmf-relay"
PLAIN = "application/dtmf"

SIGNAL = re.compile(rb"(?:^|[\r\n])[ \t]*signal[ \t]*=[ \t]*([0-9A-Za-z*#!]{1,8})", re.IGNORECASE)
DURATION = re.compile(rb"(?:^|[\r\n])[ \t]*duration[ \t]*=[ \t]*([0-9]{1,6})", re.IGNORECASE)
WORD = re.compile(rb"[ \t\r\n]*([0-9A-Za-z*#!]{1,8})[ \t\r\n\0]*\Z")

KEYS = {key: key for key in "0123456789*#ABCD"}
NAMES = {
    **KEYS,
    **{key.lower(): key for key in "ABCD"},
    # The numbers of RFC 4733 instead of the keys themselves, as some senders have it.
    **{str(number): key for number, key in enumerate("*#ABCD", start=10)},
    "16": "flash",
    "!": "flash",
    "hf": "flash",
    "flash": "flash",
}


class KeyPress(NamedTuple):
    """A key press told by an INFO request."""

    frame: int
    time_ns: int | None
    side: Side
    digit: str
    """``0``-``9``, ``*``, ``#``, ``A``-``D`` or ``flash``."""
    duration_ms: int | None


def read_key(part: Part) -> tuple[str, int | None] | None:
    """(digit, milliseconds) of a body; None where it tells of no key.

    >>> read_key(Part("application/dtmf-relay", b"Signal= 5\\r\\nDuration= 160\\r\\n"))
    ('5', 160)
    """
    if part.content_type not in (RELAY, PLAIN):
        return None
    signal = SIGNAL.search(part.body) or WORD.match(part.body)
    if signal is None:
        return None
    name = signal[1].decode("ascii")
    digit = NAMES.get(name) or NAMES.get(name.lower())
    if digit is None:
        return None
    duration = DURATION.search(part.body)
    return digit, int(duration[1]) if duration else None
