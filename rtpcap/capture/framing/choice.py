"""Which framing a stream has, by its first bytes; or, from its middle, by the first sure place."""

from __future__ import annotations

import re
from typing import NamedTuple

from rtpcap.capture.framing.evidence import MAGIC_COOKIE
from rtpcap.capture.framing.frame import Framing, Verdict
from rtpcap.capture.framing.packets import HEP3, RFC4571, TURN
from rtpcap.capture.framing.text import RTSP, SIP, HTTPHead
from rtpcap.capture.framing.websocket import WebSocket

__all__ = [
    "LONG",
    "Choice",
    "begins",
    "begins_sure",
    "choose",
    "find",
    "has_constant",
    "has_foreign",
    "is_foreign",
]

TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04][\x00-\x41]", re.DOTALL)
"""RFC 8446, section 5.1: type, version and a length of at most 2**14 + 256. As it is most of what
is captured from its middle, it is told apart at once; no framing here begins like this."""
TLS_DATA = b"\x17\x03\x03"
"""How records of application data begin."""
TLS_HEAD = 5
MOST_TLS = 0x41
SURE_BEGIN = re.compile(
    rb"SIP/2\.0 |RTSP/[12]\.0 |HEP3|[A-Z_]{2,24} (?:sips?|tel|urn|im|pres|rtspu?s?):"
    rb"|(?:..)?[\0-\3].{3}" + re.escape(MAGIC_COOKIE),
    re.DOTALL,
)
"""Constants of a framing where it begins; STUN may be framed."""
LONG = 1 << 12
"""Bytes of a segment that are worth a search without those before and behind it."""
MOST_OPENINGS = 4
"""Heads behind which anything may follow, one behind the other."""

FRAMINGS: tuple[type[SIP | RTSP | TURN | RFC4571 | HEP3], ...] = (SIP, RTSP, HEP3, TURN, RFC4571)


class Choice(NamedTuple):
    """A framing and where its frames begin."""

    framing: Framing
    place: int


def choose(held: bytearray, pos: int, end: int, *, started: bool) -> Choice | Verdict:
    """The framing that begins exactly at `pos`; MAYBE, or NO where it is none that is known.

    Where the stream did not start here a message may lack its first letters.
    """
    for _ in range(MOST_OPENINGS):
        while pos < end and held[pos] in b"\r\n":
            pos += 1
        if pos >= end:
            return Verdict.MAYBE
        maybe = False
        for framing in FRAMINGS:
            verdict = framing.probe(held, pos, end)
            if verdict is Verdict.YES and not started and framing is SIP:
                verdict = Verdict.YES if SIP.sure(held, pos, end) else Verdict.MAYBE
            if verdict is Verdict.YES:
                return Choice(framing(), pos)
            maybe |= verdict is Verdict.MAYBE
        opening = HTTPHead.probe(held, pos, end)
        if opening is not Verdict.YES:
            return Verdict.MAYBE if maybe or opening is Verdict.MAYBE else Verdict.NO
        behind = HTTPHead.end(held, pos)
        head = bytes(held[pos:behind])
        if HTTPHead.opens(head) == "websocket":
            protocol = HTTPHead.PROTOCOL.search(head)
            return Choice(
                WebSocket(announced=bool(protocol and b"sip" in protocol[1].lower())), behind
            )
        pos = behind
    return Verdict.NO


def begins(segment: bytes) -> bool:
    """Whether a framing begins with this segment beyond doubt."""
    held, end = bytearray(segment), len(segment)
    if WebSocket.probe(held, 0, end) is Verdict.YES:
        return True
    return isinstance(choose(held, 0, end, started=False), Choice)


def is_foreign(held: bytearray | bytes) -> bool:
    """Whether a stream whose middle begins like this need not be looked at further."""
    return TLS_RECORD.match(held) is not None


def has_foreign(held: bytearray) -> bool:
    """Whether there is a record of TLS anywhere, with another one behind it if that is held."""
    at = held.find(TLS_DATA)
    while at >= 0 and at + TLS_HEAD <= len(held):
        following = at + TLS_HEAD + (held[at + 3] << 8 | held[at + 4])
        if held[at + 3] <= MOST_TLS and (
            following + len(TLS_DATA) > len(held) or TLS_RECORD.match(held, following)
        ):
            return True
        at = held.find(TLS_DATA, at + 1)
    return False


def begins_sure(segment: bytes) -> bool:
    """Whether a segment in the middle of a stream begins with the constants of a framing."""
    return SURE_BEGIN.match(segment) is not None


def has_constant(data: bytes) -> bool:
    """Whether a constant of a framing, or of what is framed, is anywhere in some bytes."""
    if b"SIP/2.0" in data or b"RTSP/" in data:
        return True
    return HEP3.MAGIC in data or MAGIC_COOKIE in data


def find(held: bytearray, begin: int, end: int) -> Choice | None:
    """The first place from `begin` on where the frames of any framing begin beyond doubt."""
    best: Choice | None = None
    web = WebSocket.search(held, begin, end)
    if web >= 0:
        best = Choice(WebSocket(), web)
    for framing in FRAMINGS:
        if best is not None and framing is SIP:
            # The text in the frames would be found too.
            continue
        made = framing()
        place = made.find(held, begin, end)
        if place >= 0 and (best is None or place < best.place):
            best = Choice(made, place)
    return best
