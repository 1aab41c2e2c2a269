"""SIP over WebSocket (RFC 7118): frames (RFC 6455) behind their HTTP upgrade."""

from __future__ import annotations

import re
import zlib
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtpcap.capture.framing.frame import BAD, MOST_MESSAGE, After, Framing, Step, Verdict
from rtpcap.capture.framing.text import begins_sip

__all__ = ["WebSocket"]

CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8
CONTROL = range(8, 11)
FINAL, COMPRESSED, RESERVED, OPCODE = 0x80, 0x40, 0x30, 0x0F
MASKED, LENGTH = 0x80, 0x7F
LENGTH_16, LENGTH_64 = 126, 127
Bytes = npt.NDArray[np.uint8]
FLUSHED = b"\x00\x00\xff\xff"
"""RFC 7692, section 7.2.2: what the sender took off the end of a compressed message."""
ENOUGH_TO_TELL = 48
"""Bytes of a message unmasked to see whether it begins as SIP."""

UNMASKED_HEAD = re.compile(
    rb"[\x81\x82](?:[\x0c-\x7d]|\x7e..|\x7f\0\0\0\0....)(?=SIP/2\.0 |[A-Z]{2,24} [a-z]{2,8}:)",
    re.DOTALL,
)


class Inflate(Protocol):
    """What `zlib.decompressobj` gives, whose type has no public name."""

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class WebSocket(Framing):
    """One direction of a WebSocket; `announced` where the upgrade named SIP as what is spoken.

    Where it did not, the first message tells: if that is no SIP, nothing is.
    """

    def __init__(self, *, announced: bool = False) -> None:
        self._believed = announced
        self._parts: list[bytes] = []
        self._held = 0
        self._open = self._compressed = self._broken = False
        self._inflate: Inflate | None = None
        self._foreign = False

    @property
    def after(self) -> After | None:
        return After.NOTHING if self._foreign else None

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        return self.head(held, pos, end)

    @staticmethod
    def head(held: bytearray, pos: int, end: int) -> Step:
        """`step`, without an object."""
        if pos + 2 > end:
            return 2, 0
        first, second = held[pos], held[pos + 1]
        opcode, length = first & OPCODE, second & LENGTH
        if first & RESERVED or opcode not in (CONTINUATION, TEXT, BINARY, *CONTROL):
            return BAD
        head = 2 + (4 if second & MASKED else 0)
        if length == LENGTH_16:
            head += 2
        elif length == LENGTH_64:
            head += 8
        if opcode in CONTROL and (length >= LENGTH_16 or not first & FINAL):
            return BAD
        if pos + head > end:
            return head, 0
        if length == LENGTH_16:
            length = held[pos + 2] << 8 | held[pos + 3]
        elif length == LENGTH_64:
            length = int.from_bytes(held[pos + 2 : pos + 10], "big")
        return (head, head + length) if length <= MOST_MESSAGE else BAD

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        opcode, final = held[pos] & OPCODE, bool(held[pos] & FINAL)
        if opcode in CONTROL:
            return []
        if opcode == CONTINUATION:
            if not self._open:
                return []
        else:
            self._parts, self._held, self._broken = [], 0, False
            self._compressed = bool(held[pos] & COMPRESSED)
        self._open = not final
        part = _payload(held, pos, there)
        if not self._broken and self._held + len(part) <= MOST_MESSAGE:
            self._parts.append(part)
            self._held += len(part)
        if (final or there < pos + size) and not self._broken:
            # Where a part is lacking, what there is of the message comes out at once.
            self._broken = there < pos + size
            return self._whole()
        return []

    def _whole(self) -> list[bytes]:
        message = b"".join(self._parts)
        self._parts, self._held = [], 0
        if self._compressed:
            message = self._inflated(message)
        if not message.strip():
            return []
        if not self._believed:
            self._believed = begins_sip(message)
            self._foreign = not self._believed
        return [message] if self._believed else []

    def _inflated(self, message: bytes) -> bytes:
        """RFC 7692; nothing where that cannot be, as when an earlier message was not captured."""
        if self._inflate is None:
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._inflate.decompress(message + FLUSHED, MOST_MESSAGE)
        except zlib.error:
            self._inflate = None
            return b""

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        """Whether the frame here is a whole message that begins as SIP does."""
        if pos + 2 > end:
            return Verdict.MAYBE if pos >= end or held[pos] in (0x81, 0x82) else Verdict.NO
        if held[pos] not in (FINAL | TEXT, FINAL | BINARY):
            return Verdict.NO
        head, size = cls.head(held, pos, end)
        if not size:
            return Verdict.MAYBE
        if size < 0:
            return Verdict.NO
        text = _payload(held, pos, min(pos + size, pos + head + ENOUGH_TO_TELL, end))
        if begins_sip(text):
            return Verdict.YES
        partial = len(text) < ENOUGH_TO_TELL and pos + size > end
        return Verdict.MAYBE if partial and text.isascii() and text[:1].isupper() else Verdict.NO

    def find(self, held: bytearray, begin: int, end: int) -> int:
        self._open = False
        return self.search(held, begin, end)

    @classmethod
    def search(cls, held: bytearray, begin: int, end: int) -> int:
        """The first frame that is a SIP message."""
        found = UNMASKED_HEAD.search(held, begin, end)
        first = found.start() if found else -1
        data = np.frombuffer(bytes(held[begin : end if first < 0 else first]), np.uint8)
        for place in cls._masked(data).tolist():
            if cls.probe(held, begin + place, end) is Verdict.YES:
                return begin + int(place)
        return first

    @staticmethod
    def _masked(data: Bytes) -> npt.NDArray[np.int64]:
        """Places of masked frames whose text begins with two capital letters."""
        room = len(data) - 16
        if room <= 0:
            return np.empty(0, np.int64)
        text = (data[:room] == FINAL | TEXT) | (data[:room] == FINAL | BINARY)
        place = np.flatnonzero(text & (data[1 : room + 1] >= MASKED))
        length = data[place + 1] & LENGTH
        key = place + 2 + 2 * (length == LENGTH_16) + 8 * (length == LENGTH_64)
        key = np.minimum(key, len(data) - 6)
        good = np.ones(len(place), np.bool_)
        for i in range(2):
            letter = data[key + i] ^ data[key + 4 + i]
            good &= (letter >= ord("A")) & (letter <= ord("Z"))
        found: npt.NDArray[np.int64] = place[good]
        return found


def _payload(held: bytearray, pos: int, there: int) -> bytes:
    """What a frame carries of what is there, unmasked (RFC 6455, section 5.3)."""
    second = held[pos + 1]
    begin = pos + 2 + {LENGTH_16: 2, LENGTH_64: 8}.get(second & LENGTH, 0)
    if not second & MASKED:
        return bytes(held[begin:there])
    key, data = bytes(held[begin : begin + 4]), bytes(held[begin + 4 : there])
    whole = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(data), "big")
