"""Text with a Content-Length: SIP over TCP, RTSP with packets between, heads of HTTP."""

from __future__ import annotations

import re
import string

import numpy as np

from rtpcap.capture.framing.evidence import Packet, chain
from rtpcap.capture.framing.frame import BAD, MOST_MESSAGE, Framing, Step, Verdict
from rtpcap.capture.framing.packets import Bytes, PacketFraming, Places, big_endian

__all__ = ["RTSP", "SIP", "WORD", "HTTPHead", "begins_sip"]

MOST_HEAD = 1 << 16
MOST_LINE = 1 << 13
MOST_TRIED = 16
"""Start lines before the end of one head that are taken for its own."""
LINE_ENDS = b"\r\n"
HEAD_END = b"\r\n\r\n"

CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,10})[ \t]*\r\n", re.I)
"""RFC 3261, section 20.14; "l" is its compact form."""

SIP_METHOD = rb"[A-Z]{2,24} [A-Za-z][A-Za-z0-9+.-]{0,15}:"
SIP_LINE = re.compile(rb"SIP/2\.0 [1-6]\d\d[ \r]|" + SIP_METHOD + rb"[^\r\n]{0,8000}? SIP/2\.0\r\n")
SIP_BEGIN = re.compile(rb"SIP/2\.0 [1-6]\d\d[ \r]|" + SIP_METHOD)
SIP_SAME_LINE = re.compile(rb"[A-Z]{2,24} (?:sips?|tel|urn|im|pres):[^\r\n ]{0,8000} SIP/2\.0\r\n")
CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:", re.I)
CSEQ = re.compile(rb"\r\ncseq[ \t]*:[ \t]*\d{1,10}[ \t]+([A-Z]{2,24})", re.I)
"""Fields of every message (RFC 3261, section 8.1.1), asked for where a start is looked for."""

RTSP_METHOD = (
    rb"(?:OPTIONS|DESCRIBE|ANNOUNCE|SETUP|PLAY|PAUSE|TEARDOWN|RECORD|REDIRECT|PLAY_NOTIFY"
    rb"|[GS]ET_PARAMETER) (?:rtspu?s?://|\*)"
)
RTSP_LINE = re.compile(
    rb"RTSP/[12]\.0 [1-6]\d\d[ \r]|" + RTSP_METHOD + rb"[^\r\n]{0,8000}? ?RTSP/[12]\.0\r\n"
)


WORD = string.ascii_uppercase.encode() + string.digits.encode() + b"_/."
"""What methods and the names of protocols consist of; all start lines begin with one."""


def begins_sip(text: bytes) -> bool:
    """Whether these bytes begin as a SIP message does."""
    return SIP_BEGIN.match(text) is not None


class _Heads:
    """Finds the ends of heads, each byte looked at once however often it is asked."""

    def __init__(self) -> None:
        self.seen = 0

    def end(self, held: bytearray, pos: int, end: int) -> int:
        """Where the head at `pos` ends; 0 where that is not there yet, -1 where it is too long."""
        at = held.find(HEAD_END, max(pos, pos + self.seen - len(HEAD_END) + 1), end)
        if at >= 0:
            self.seen = 0
            return at + len(HEAD_END)
        self.seen = end - pos
        if self.seen > MOST_HEAD:
            self.seen = 0
            return -1
        return 0

    def forget(self) -> None:
        self.seen = 0


def probe_line(line: re.Pattern[bytes], held: bytearray, pos: int, end: int) -> Verdict:
    """Whether a start line of this pattern is there. One that has no end yet may be."""
    if pos < end and held[pos] not in WORD:
        return Verdict.NO
    if line.match(held, pos, end):
        return Verdict.YES
    if held.find(b"\n", pos, min(end, pos + MOST_LINE)) >= 0 or end - pos >= MOST_LINE:
        return Verdict.NO
    part = bytes(held[pos : min(end, pos + 40)])
    if b" " in part:
        word, rest = part.split(b" ", 1)
        if not re.fullmatch(rb"[A-Z_]{2,24}|(?:SIP|RTSP)/[12]\.0", word):
            return Verdict.NO
        return Verdict.MAYBE if re.match(rb"(?:[A-Za-z0-9*][ -~]*)?\r?$", rest) else Verdict.NO
    return Verdict.MAYBE if re.fullmatch(rb"[A-Z_/0-9.]{0,24}", part) else Verdict.NO


class SIP(Framing):
    """RFC 3261, section 18.3: a message ends where its Content-Length says.

    Between messages there may be CRLFs to keep the connection alive (RFC 5626, section 4.4.1).
    """

    def __init__(self) -> None:
        self._heads = _Heads()

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        if held[pos] in LINE_ENDS:
            return 1, 1
        verdict = probe_line(SIP_LINE, held, pos, end) if not self._heads.seen else Verdict.YES
        if verdict is Verdict.NO:
            return BAD
        if verdict is Verdict.MAYBE:
            return 0, 0
        return text_step(self._heads, held, pos, end)

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        return [] if held[pos] in LINE_ENDS else [bytes(held[pos:there])]

    def torn(self, held: bytearray, pos: int, there: int) -> list[bytes]:
        self._heads.forget()
        return [bytes(held[pos:there])] if SIP_LINE.match(held, pos, there) else []

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        return probe_line(SIP_LINE, held, pos, end)

    def find(self, held: bytearray, begin: int, end: int) -> int:
        self._heads.forget()
        version = b"SIP/2.0"
        at = held.find(version, begin, end)
        head_end, tried = -1, 0
        while at >= 0:
            if at > head_end:
                head_end, tried = held.find(HEAD_END, at, end), 0
                if head_end < 0:
                    break
            tried += 1
            if tried > MOST_TRIED:
                at = held.find(version, head_end, end)
                continue
            behind = at + len(version)
            place = -1
            if held[behind : behind + 1] == b" ":
                place = at
            elif held[behind : behind + 2] == LINE_ENDS:
                line = held.rfind(b"\n", max(begin, at - MOST_LINE), at) + 1 or begin
                found = SIP_SAME_LINE.search(held, line, behind + 2)
                place = found.start() if found else line
            if place >= 0 and SIP_LINE.match(held, place, end) and self.sure(held, place, end):
                return place
            at = held.find(version, behind, end)
        return -1

    @staticmethod
    def sure(held: bytearray, pos: int, end: int) -> bool:
        """Whether a whole head follows that fits its start line, which is not cut at the left."""
        head_end = held.find(HEAD_END, pos, min(end, pos + MOST_HEAD)) + len(LINE_ENDS)
        if head_end < pos or not CALL_ID.search(held, pos, head_end):
            return False
        cseq = CSEQ.search(held, pos, head_end)
        method = bytes(held[pos : held.find(b" ", pos)])
        return cseq is not None and method in (b"SIP/2.0", cseq[1])


def text_step(heads: _Heads, held: bytearray, pos: int, end: int) -> Step:
    """A message of text whose start line was seen: its head, and the body that this announces."""
    head_end = heads.end(held, pos, end)
    if not head_end:
        return 0, 0
    if head_end < 0:
        return BAD
    # Without the field there is no body: RFC 3261 section 18.3 calls that an error over TCP.
    length = CONTENT_LENGTH.search(held, pos, head_end)
    size = head_end - pos + (int(length[1]) if length else 0)
    return (head_end - pos, size) if size <= MOST_MESSAGE else BAD


class RTSP(PacketFraming):
    """RFC 2326 and 7826: messages of text, and between them "$", a channel and a 16-bit length
    before each RTP or RTCP packet."""

    DOLLAR = 0x24
    HEAD = 4
    cookie_at = HEAD + 4

    def __init__(self) -> None:
        self._heads = _Heads()

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        first = held[pos]
        if first == self.DOLLAR:
            if pos + self.HEAD > end:
                return self.HEAD, 0
            return self.HEAD, self.HEAD + (held[pos + 2] << 8 | held[pos + 3])
        if first in LINE_ENDS:
            return 1, 1
        verdict = probe_line(RTSP_LINE, held, pos, end) if not self._heads.seen else Verdict.YES
        if verdict is Verdict.NO:
            return BAD
        if verdict is Verdict.MAYBE:
            return 0, 0
        return text_step(self._heads, held, pos, end)

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        if held[pos] in LINE_ENDS:
            return []
        begin = pos + self.HEAD if held[pos] == self.DOLLAR else pos
        return [bytes(held[begin:there])] if there > begin else []

    def torn(self, held: bytearray, pos: int, there: int) -> list[bytes]:
        self._heads.forget()
        return [bytes(held[pos:there])] if RTSP_LINE.match(held, pos, there) else []

    @classmethod
    def packet(cls, held: bytearray, pos: int, end: int) -> Packet | Verdict:
        if pos + cls.HEAD > end:
            return Verdict.MAYBE
        if held[pos] != cls.DOLLAR:
            return Verdict.NO
        length = held[pos + 2] << 8 | held[pos + 3]
        return pos + cls.HEAD, length, pos + cls.HEAD + length

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        if pos < end and held[pos] == cls.DOLLAR:
            return chain(cls.packet, held, pos, end)
        return probe_line(RTSP_LINE, held, pos, end)

    @classmethod
    def candidates(cls, data: Bytes, upto: int) -> Places:
        upto = min(upto, len(data) - cls.HEAD)
        if upto <= 0:
            return np.empty(0, np.int64)
        place = (data[:upto] == cls.DOLLAR).nonzero()[0]
        following = place + cls.HEAD + big_endian(data, place + 2)
        inside = following < len(data)
        place, following = place[inside], following[inside]
        found: Places = place[data[following] == cls.DOLLAR]
        return found

    def find(self, held: bytearray, begin: int, end: int) -> int:
        self._heads.forget()
        text = self.find_text(held, begin, end)
        packet = self.search(held, begin, end if text < 0 else text)
        return packet if packet >= 0 else text

    @staticmethod
    def find_text(held: bytearray, begin: int, end: int) -> int:
        """The first start line that begins a line."""
        at = held.find(b"RTSP/", begin, end)
        while at >= 0:
            line = held.rfind(b"\n", max(begin, at - MOST_LINE), at) + 1 or begin
            for place in (at, line):
                match = RTSP_LINE.match(held, place, end)
                if match and b"\r\n" in held[place : place + MOST_LINE]:
                    return place
            at = held.find(b"RTSP/", at + 1, end)
        return -1


class HTTPHead:
    """The head of an HTTP message that may open something else (RFC 9110, sections 7.8, 9.3.6)."""

    FIRST = b"GCH"
    BEGIN = re.compile(rb"(?:GET|CONNECT) [^\r\n]{1,8000} HTTP/1\.[01]\r\n|HTTP/1\.[01] [1-6]\d\d")
    PART = re.compile(
        rb"(?:GET|CONNECT) [^\r\n]*\r?$|(?:GE?T?|CO?N?N?E?C?T?)$|HTTP/1\.[01] \d{0,3}$"
        rb"|HT?T?P?/?1?\.?$"
    )
    UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*websocket", re.I)
    PROTOCOL = re.compile(rb"\r\nsec-websocket-protocol[ \t]*:([^\r\n]*)", re.I)
    TUNNELLED = re.compile(rb"\r\ncontent-type[ \t]*:[ \t]*application/x-rtsp-tunnelled", re.I)
    OPENED = re.compile(rb"HTTP/1\.[01] 200 [^\r\n]*\r\n")
    BODY = re.compile(rb"\r\n(?:content-length|transfer-encoding|content-type)[ \t]*:", re.I)

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        """YES where a whole head is there that opens something else; `kind` says what."""
        if pos < end and held[pos] not in cls.FIRST:
            return Verdict.NO
        if not cls.BEGIN.match(held, pos, end):
            part = bytes(held[pos : min(end, pos + MOST_LINE)])
            may = cls.PART.match(part)
            return Verdict.MAYBE if may and len(part) < MOST_LINE else Verdict.NO
        head_end = held.find(HEAD_END, pos, min(end, pos + MOST_HEAD))
        if head_end < 0:
            return Verdict.MAYBE if end - pos < MOST_HEAD else Verdict.NO
        return Verdict.YES if cls.opens(bytes(held[pos : head_end + 2])) else Verdict.NO

    @classmethod
    def opens(cls, head: bytes) -> str:
        """What follows a head: "websocket", "anything", or nothing of interest."""
        if cls.UPGRADE.search(head):
            return "websocket" if head.startswith((b"GET ", b"HTTP/1.1 101")) else ""
        if head.startswith(b"CONNECT ") or cls.TUNNELLED.search(head):
            return "anything"
        if cls.OPENED.match(head) and not cls.BODY.search(head):
            return "anything"
        return ""

    @classmethod
    def end(cls, held: bytearray, pos: int) -> int:
        """Where the head at `pos`, which is whole, ends."""
        return held.find(HEAD_END, pos) + len(HEAD_END)
