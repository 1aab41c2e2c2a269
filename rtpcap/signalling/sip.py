"""SIP messages: bytes -> fields (RFC 3261 section 7), tolerant and without loss.

Every message that can be told from other bytes is read as far as it goes; what is wrong with it
stands in `malformed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rtpcap.signalling.address import NOBODY, Party, parse_party, split_list
from rtpcap.signalling.framing import LEAD, START_LINE, looks_like_sip, next_start
from rtpcap.signalling.head import Malformed, field_name, split_head
from rtpcap.signalling.parts import Part, media_type, split_parts
from rtpcap.signalling.sdp import SessionDescription, parse_sdp

__all__ = ["SipMessage", "parse_sip", "parse_sip_messages"]

SDP = "application/sdp"
LONGEST_NUMBER = 18
"""Digits of a Content-Length that are read; a longer number is more than there ever is."""

CSEQ = re.compile(r"([0-9]{1,10})[ \t]+([^ \t]+)")
BRANCH = re.compile(r";[ \t]*branch[ \t]*=[ \t]*([^;, \t]+)", re.IGNORECASE)
SECONDS = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One request or response; made by `parse_sip`.

    Of a response `method` and `uri` are ``""``, of a request `status` is 0. `headers` hold names
    in their registered spelling (see `field_name`) and unfolded values, in order.
    """

    method: str
    uri: str
    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    malformed: tuple[Malformed, ...] = ()
    missing: int = 0
    """Bytes that the Content-Length announces and that are not there: the body is cut."""
    end: int = field(default=0, compare=False)
    """Where the message ends in the bytes it was read from."""
    _first: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The first value of each header."""

    def __post_init__(self) -> None:
        if not self._first:
            object.__setattr__(self, "_first", dict(reversed(self.headers)))

    @property
    def is_request(self) -> bool:
        return self.status == 0

    @property
    def cut(self) -> bool:
        """Whether the body ends before its announced length."""
        return self.missing > 0

    def header(self, name: str) -> str:
        """The first value of a header, by any of its names; ``""`` where absent."""
        value = self._first.get(name)
        if value is None:
            known = field_name(name)
            value = "" if known == name else self._first.get(known, "")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, one a line of the message."""
        wanted = field_name(name)
        return tuple(value for found, value in self.headers if found == wanted)

    @property
    def call_id(self) -> str:
        return self._first.get("Call-ID", "")

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method; (0, method) where the number cannot be read."""
        value = self._first.get("CSeq", "")
        found = CSEQ.match(value)
        if found:
            return int(found[1]), found[2]
        words = value.split()
        return 0, words[-1] if words else self.method

    @property
    def from_(self) -> Party:
        value = self._first.get("From")
        return parse_party(value) if value else NOBODY

    @property
    def to(self) -> Party:
        value = self._first.get("To")
        return parse_party(value) if value else NOBODY

    @property
    def contact(self) -> Party:
        """The first contact."""
        value = self._first.get("Contact")
        return parse_party(split_list(value)[0]) if value else NOBODY

    @property
    def vias(self) -> tuple[str, ...]:
        """The Via values, topmost first, those of one line taken apart."""
        return tuple(via for value in self.all("Via") for via in split_list(value))

    @property
    def branch(self) -> str:
        """The branch of the topmost Via; where it has none, its sender (RFC 2543)."""
        via = self._first.get("Via", "")
        found = BRANCH.search(via)
        return found[1] if found else via.partition(";")[0]

    @property
    def expires(self) -> int | None:
        """Seconds."""
        found = SECONDS.match(self._first.get("Expires", ""))
        return int(found[0]) if found else None

    @property
    def agent(self) -> str:
        """The program that says it sent this: User-Agent, or Server of a response."""
        return self._first.get("User-Agent") or self._first.get("Server", "")

    @property
    def reason_header(self) -> str:
        """The Reason header (RFC 3326): why a request was sent, as ``Q.850;cause=16``."""
        return self._first.get("Reason", "")

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return media_type(self._first.get("Content-Type", ""))

    @property
    def parts(self) -> list[Part]:
        """The parts of the body; none where there is no body."""
        if not self.body:
            return []
        value = self._first.get("Content-Type", "")
        if not value and self.body.lstrip().startswith(b"v=0"):
            value = SDP
        return split_parts(value, self.body)

    @property
    def sdp(self) -> SessionDescription | None:
        """The session description in the body, read anew each time; None without one."""
        if not self.body:
            return None
        if self.content_type == SDP:
            return parse_sdp(self.body)
        for part in self.parts:
            if part.content_type == SDP:
                return parse_sdp(part.body)
        return None

    def __str__(self) -> str:
        return f"{self.status} {self.reason}" if self.status else f"{self.method} {self.uri}"


def parse_sip(data: bytes) -> SipMessage | None:
    """The first message in a datagram; None where there is none.

    Blanks before it are skipped, and so is other junk where a start line and a header follow.
    """
    return _parse(data, 0)


def parse_sip_messages(data: bytes) -> Iterator[SipMessage]:
    """Every message of a byte stream, or of a datagram that holds several.

    Each ends where its Content-Length says. Where that is absent or wrong, the next line that
    starts a message ends it.
    """
    at = 0
    while (message := _parse(data, at)) is not None:
        yield message
        at = message.end


def _parse(data: bytes, at: int) -> SipMessage | None:
    lead = LEAD.match(data, at)
    begin = lead.end() if lead else at
    malformed: list[Malformed] = []
    line = START_LINE.match(data, begin)
    if line is None:
        found = next_start(data, begin)
        if found is None or (line := START_LINE.match(data, found)) is None:
            return None
        malformed.append(Malformed("other bytes before the start line", f"{found - begin} bytes"))
        begin = found
    response, status, reason, method, uri, request = line.groups()
    head = split_head(data, begin)
    malformed += head.malformed
    if not head.complete:
        malformed.append(Malformed("head without an end"))
    first = dict(reversed(head.fields))
    length: int | None = None
    told = first.get("Content-Length")
    if told is not None:
        length = _content_length(told)
        if length is None:
            malformed.append(Malformed("Content-Length is no number", told))
    kind = first.get("Content-Type", "")
    end, missing = _end_of_body(data, head.body, length, kind)
    if length is not None and end - head.body > length:
        malformed.append(
            Malformed("Content-Length is too small", f"{length} of {end - head.body} bytes")
        )
    if missing:
        malformed.append(Malformed("body is cut", f"{length} bytes announced"))
    if response:
        code = int(status)
        if not 100 <= code <= 699:
            malformed.append(Malformed("status is not in 100..699", str(code)))
        return SipMessage(
            "",
            "",
            code or LOWEST_STATUS,
            (reason or b"").decode("utf-8", "replace").strip(" \t"),
            response.decode("ascii").upper(),
            tuple(head.fields),
            data[head.body : end],
            tuple(malformed),
            missing,
            end,
            first,
        )
    return SipMessage(
        method.decode("ascii"),
        uri.decode("utf-8", "replace").strip(" \t"),
        0,
        "",
        request.decode("ascii").upper(),
        tuple(head.fields),
        data[head.body : end],
        tuple(malformed),
        missing,
        end,
        first,
    )


LOWEST_STATUS = 1
"""What a response of status 0 has, which no response may have: 0 says request."""


def _content_length(value: str) -> int | None:
    if not (value.isascii() and value.isdigit()):
        return None
    return int(value[:LONGEST_NUMBER]) if len(value) <= LONGEST_NUMBER else 10**LONGEST_NUMBER


def _end_of_body(data: bytes, body: int, length: int | None, kind: str) -> tuple[int, int]:
    """(where the body ends, how many announced bytes are missing)."""
    there = len(data) - body
    if length is not None and length <= there:
        end = body + length
        if end == len(data):
            return end, 0
        lead = LEAD.match(data, end)
        rest = lead.end() if lead else end
        if rest == len(data) or START_LINE.match(data, rest):
            return end, 0
        # The first bytes of a message whose rest is not here.
        if looks_like_sip(data[rest : rest + LONGEST_LINE]):
            return end, 0
        # More than announced: it belongs to nothing else, so to this body.
        following = next_start(data, end)
        return len(data) if following is None else following, 0
    # Messages inside a body (message/sipfrag) are no messages of the stream.
    opaque = kind.lower().startswith(("message/", "multipart/"))
    following = None if opaque else next_start(data, max(body - 1, 0))
    end = len(data) if following is None else following
    return end, 0 if length is None else max(length - (end - body), 0)


LONGEST_LINE = 4096
