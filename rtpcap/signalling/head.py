"""A start line and header fields over bytes: what SIP, RTSP and the parts of a body have in common.

RFC 3261 section 7.3, tolerant: lines end with CRLF, LF or CR, also mixed; folded lines are joined;
names get one spelling; text that is no UTF-8 has U+FFFD in its place; lines that are no header
field are kept as `Malformed`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Head", "Malformed", "field_name", "split_head", "split_lines"]

MOST_HEAD = 1 << 16
"""How far the end of a head is looked for; no datagram holds more."""
LONGEST_NAME = 128

BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]+")
LINE_END = re.compile(r"\r\n|\n|\r")
TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z|~-]+")
"""A header name (RFC 3261 section 25.1, and what HTTP allows)."""

COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""The compact names of the SIP registry."""

REGISTERED = """
    Accept Accept-Encoding Accept-Language Alert-Info Allow Authentication-Info Authorization
    Call-Info Content-Disposition Content-ID Content-Language Content-Transfer-Encoding CSeq Date
    Diversion Error-Info Expires Flow-Timer Geolocation History-Info In-Reply-To Info-Package Join
    Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info
    P-Asserted-Identity P-Called-Party-ID P-Charging-Vector P-Preferred-Identity Path Priority
    Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info
    Remote-Party-ID Replaces Reply-To Require Retry-After Route RSeq Server Service-Route SIP-ETag
    SIP-If-Match Subscription-State Target-Dialog Timestamp Unsupported User-Agent Warning
    WWW-Authenticate
    Content-Base Public Range RTP-Info Scale Session Speed Transport
"""
"""Further names of SIP and, in the last line, of RTSP, as their documents spell them."""

SPELLINGS = {name.lower(): name for name in (*COMPACT.values(), *REGISTERED.split())} | COMPACT
NAMES = (
    SPELLINGS
    | {name: name for name in SPELLINGS.values()}
    | {name.upper(): full for name, full in SPELLINGS.items()}
)
"""Usual spellings -> the one used here: looked up first, for every line of every message."""


class Malformed(NamedTuple):
    """What of a message could not be read, and why; `text` is the line itself, where it is one."""

    reason: str
    text: str = ""


class Head(NamedTuple):
    """The start line, the fields in order, and where the body begins."""

    start: str
    fields: list[tuple[str, str]]
    malformed: list[Malformed]
    body: int
    complete: bool
    """Whether a blank line ends it."""


@lru_cache(1024)
def _spelling(name: str) -> str:
    name = name.strip(" \t")
    known = SPELLINGS.get(name.lower())
    if known is not None:
        return known
    if not TOKEN.fullmatch(name):
        return ""
    return "-".join(word.capitalize() for word in name.split("-"))


def field_name(name: str) -> str:
    """The one spelling of a header name; ``""`` where it is none.

    >>> field_name("i"), field_name("call-id"), field_name("X-thing"), field_name("a b")
    ('Call-ID', 'Call-ID', 'X-Thing', '')
    """
    known = NAMES.get(name)
    if known is not None:
        return known
    return _spelling(name) if len(name) <= LONGEST_NAME else ""


def split_lines(text: str) -> list[str]:
    """Lines of text that end with CRLF, LF or CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def split_head(data: bytes, begin: int = 0, *, start_line: bool = True) -> Head:
    """The head that begins at `begin`; one without an end goes as far as there are bytes."""
    limit = min(begin + MOST_HEAD, len(data))
    end = data.find(b"\r\n\r\n", begin, limit)
    body, complete = end + 4, end >= 0
    lines: list[str] | None = None
    if complete and data.find(b"\n\n", begin, end) < 0:
        text = data[begin:end].decode("utf-8", "replace")
        lines = text.split("\r\n")
        breaks = len(lines) - 1
        if text.count("\n") != breaks or text.count("\r") != breaks:
            lines = None
    if lines is None:
        blank = BLANK_LINE.search(data, begin, limit)
        end, body = blank.span() if blank else (limit, limit)
        complete = blank is not None
        text = data[begin:end].decode("utf-8", "replace")
        lines = LINE_END.split(text)
    start = ""
    if start_line:
        start = lines[0]
        del lines[0]
    if "\n " in text or "\n\t" in text or "\r " in text or "\r\t" in text:
        # A fold is white space (RFC 3261 section 7.3.1); the start line has none.
        lines = LINE_END.split(FOLD.sub(" ", "\n".join(lines).lstrip(" \t")))
    fields: list[tuple[str, str]] = []
    malformed: list[Malformed] = []
    for line in lines:
        field = FIELDS.get(line)
        if field is None:
            field = _field(line)
        if field[0]:
            fields.append(field)
        elif line:
            malformed.append(Malformed("header line without a name", line))
    return Head(start, fields, malformed, body, complete)


def _field(line: str) -> tuple[str, str]:
    """Name and value of a header line; the name is ``""`` where it has none."""
    name, colon, value = line.partition(":")
    field = (field_name(name) if colon else "", value.strip(" \t"))
    if len(line) <= LONGEST_KEPT:
        if len(FIELDS) >= MOST_KEPT:
            FIELDS.clear()
        FIELDS[line] = field
    return field


LONGEST_KEPT = 256
MOST_KEPT = 4096
FIELDS: dict[str, tuple[str, str]] = {}
"""Lines read lately: the messages of a transaction, and all of one sender, have most in common."""
