"""Which bytes are SIP, and where a message begins: by its start line (RFC 3261 section 7)."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

__all__ = ["LEAD", "START_LINE", "looks_like_sip", "next_start", "sip_candidates"]

METHODS = (
    b"ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE "
    b"UPDATE"
).split()
"""The methods of the IANA registry; others are known by what else their line holds."""

LEAD = re.compile(rb"[\r\n \t\0]*+")
"""Keep-alives (RFC 5626 section 3.5.1) and other blanks before a message."""

TOKEN = rb"[!%'*+.0-9A-Z_`a-z~-]{1,64}+"
VERSION = rb"SIP/[0-9]{1,3}+\.[0-9]{1,3}+"

START_LINE = re.compile(
    rb"(?:(" + VERSION + rb")[ \t]++([0-9]{1,10}+)(?:[ \t]([^\r\n]*+))?(?=[\r\n]|\Z)"
    rb"|(" + TOKEN + rb")[ \t]++([^\r\n]*)[ \t](" + VERSION + rb")[ \t\0]*+(?=[\r\n]|\Z))",
    re.IGNORECASE,
)
"""Groups: version, status, reason of a response; method, URI, version of a request."""
METHOD = 4

PREFIX = re.compile(
    rb"[\r\n \t\0]*+(?:" + VERSION + rb"[ \t]|(?:" + b"|".join(METHODS) + rb")[ \t]"
    rb"|" + TOKEN + rb"[ \t]++(?:sips?|tel|urn|pres|im):)",
    re.IGNORECASE,
)
LINE = re.compile(rb"[^\r\n]*+(?=[\r\n])")

INSIDE = re.compile(
    rb"(?<=[\r\n])(?:" + VERSION + rb"[ \t]++[0-9]{3}[ \t\r\n]"
    rb"|" + TOKEN + rb"[ \t]++[^\r\n]*[ \t]" + VERSION + rb"[ \t]*+[\r\n])"
    rb"[^\r\n]*+[\r\n]{1,2}+[!%'*+.0-9A-Z_`a-z~-]{1,64}+[ \t]*+:",
    re.IGNORECASE,
)
"""A start line in the middle of bytes, with a header field on the line after it."""

ALIKE = 4
"""So many first bytes of a message are a method with a blank, a version, or blanks: plain ASCII."""
SHORTEST_METHOD = 3
"""Of a method that nobody registered, where the URI's scheme is unknown too."""


def looks_like_sip(payload: bytes) -> bool:
    """Whether a payload, or its first bytes, may be a SIP message.

    Of a whole first line it wants the version at its end or beginning; of less, a known method or
    the scheme of a URI. Blanks before it do not count.

    >>> looks_like_sip(b"INVITE sip:bob"), looks_like_sip(b"NOTIFY * HTTP/1.1\\r\\n")
    (True, False)
    """
    found = PREFIX.match(payload)
    if found is None:
        return _with_unknown_words(payload)
    begin = _lead(payload)
    line = LINE.match(payload, begin)
    return line is None or START_LINE.match(payload, begin, line.end()) is not None


def _lead(payload: bytes) -> int:
    found = LEAD.match(payload)
    return found.end() if found else 0


def _with_unknown_words(payload: bytes) -> bool:
    """A whole line with a method and a scheme that nobody registered."""
    line = START_LINE.match(payload, _lead(payload))
    if line is None:
        return False
    method = line[METHOD]
    return method is None or len(method) >= SHORTEST_METHOD


def next_start(data: bytes, begin: int) -> int | None:
    """Where the next line after `begin` stands that starts a message, with a header after it."""
    found = INSIDE.search(data, begin)
    return found.start() if found else None


def _classes() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    token = b"!%'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_`abcdefghijklmnopqrstuvwxyz~"
    blanks = b"\r\n \t\0"
    first = np.zeros(256, np.bool_)
    first[list(token + blanks)] = True
    later = np.zeros(256, np.bool_)
    later[0x20:0x7F] = True
    later[list(blanks)] = True
    return first, later


FIRST, LATER = _classes()


def sip_candidates(first: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which payloads may be SIP by their first bytes, shape (n, 4 or more): what a look is worth.

    True for each payload of four bytes or more that `looks_like_sip` takes, and for some others;
    False for RTP and RTCP, whose first byte is never ASCII.
    """
    candidate: npt.NDArray[np.bool_] = FIRST.take(first[:, 0])
    rows = np.flatnonzero(candidate)
    if len(rows):
        candidate[rows] = LATER.take(first[rows, 1:ALIKE]).all(axis=1)
    return candidate
