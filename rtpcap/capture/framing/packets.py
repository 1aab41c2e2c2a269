"""Packets with their length in front: RFC 4571, TURN over TCP, HEP3."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rtpcap.capture.framing.evidence import (
    CHANNELS,
    MAGIC_COOKIE,
    STUN_HEAD,
    Packet,
    chain,
    known_first_byte,
)
from rtpcap.capture.framing.frame import BAD, After, Framing, Step, Verdict

__all__ = ["HEP3", "MOST_NEW", "RFC4571", "TURN", "PacketFraming", "padded"]

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

WINDOW = 8192
"""Starts are looked for in so many bytes at a time, so that a near one is found cheaply."""
MOST_NEW = 0x20
"""Upper byte of the lengths in a new chain: packets of 8 KiB and more are not met."""


class PacketFraming(Framing):
    """A framing of binary packets, whose chains are believed by what `evidence` says."""

    @classmethod
    @abstractmethod
    def packet(cls, held: bytearray, pos: int, end: int) -> Packet | Verdict:
        """The packet in the frame at `pos`, only as strictly as a new chain is judged."""

    @classmethod
    @abstractmethod
    def candidates(cls, data: Bytes, upto: int) -> Places:
        """Places below `upto` that may begin a frame with another one behind it."""

    cookie_at: int
    """How far into a frame STUN's magic cookie stands."""

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        """Whether a chain of frames begins exactly here."""
        return chain(cls.packet, held, pos, end)

    def find(self, held: bytearray, begin: int, end: int) -> int:
        return self.search(held, begin, end)

    @classmethod
    def search(cls, held: bytearray, begin: int, end: int) -> int:
        """`find`, without an object."""
        data = np.frombuffer(bytes(held[begin:end]), np.uint8)
        for window in range(0, len(data), WINDOW):
            upto = min(window + WINDOW, len(data))
            places: set[int] = {
                window + place for place in cls.candidates(data[window:], upto - window).tolist()
            }
            places.update(cls._stun(held, begin, window, upto))
            for place in sorted(places):
                if cls.probe(held, begin + place, end) is Verdict.YES:
                    return begin + place
        return -1

    @classmethod
    def _stun(cls, held: bytearray, begin: int, window: int, upto: int) -> Iterator[int]:
        """Places in the window that have a magic cookie where a framed STUN message has it."""
        first = begin + window + cls.cookie_at
        last = begin + upto + cls.cookie_at
        at = held.find(MAGIC_COOKIE, first, last + 3)
        while at >= 0:
            yield at - cls.cookie_at - begin
            at = held.find(MAGIC_COOKIE, at + 1, last + 3)


def big_endian(data: Bytes, places: Places) -> Places:
    """The 16-bit numbers at some places, shape (n,)."""
    numbers: Places = data[places].astype(np.int64) << 8 | data[places + 1]
    return numbers


def _sorted_out(data: Bytes, place: Places) -> npt.NDArray[np.bool_]:
    """Where the first byte of a packet is that of RTP, RTCP or STUN."""
    first = data[place]
    return np.asarray((first >> 6 == 2) | (first < 4))


class RFC4571(PacketFraming):
    """RFC 4571, section 2: a 16-bit length, which does not count itself, before each packet.

    ICE over TCP (RFC 6544, section 3) frames STUN in the same way.
    """

    HEAD = 2
    cookie_at = HEAD + 4

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        head = self.HEAD
        if pos + head > end:
            return head, 0
        length = held[pos] << 8 | held[pos + 1]
        # "A null (zero) length packet" is to be ignored.
        if length and pos + head < end and not known_first_byte(held[pos + head]):
            return BAD
        return head, head + length

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        return [bytes(held[pos + self.HEAD : there])] if there > pos + self.HEAD else []

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        if pos < end and held[pos] >= MOST_NEW:
            return Verdict.NO
        return chain(cls.packet, held, pos, end)

    @classmethod
    def packet(cls, held: bytearray, pos: int, end: int) -> Packet | Verdict:
        if pos + cls.HEAD > end:
            return Verdict.MAYBE
        length = held[pos] << 8 | held[pos + 1]
        return pos + cls.HEAD, length, pos + cls.HEAD + length

    @classmethod
    def candidates(cls, data: Bytes, upto: int) -> Places:
        upto = min(upto, len(data) - cls.HEAD)
        if upto <= 0:
            return np.empty(0, np.int64)
        good = (data[:upto] < MOST_NEW) & (data[cls.HEAD : cls.HEAD + upto] >> 6 == 2)
        place = np.flatnonzero(good)
        following = place + cls.HEAD + big_endian(data, place)
        inside = following + cls.HEAD < len(data)
        place, following = place[inside], following[inside]
        good = (data[following] < MOST_NEW) & _sorted_out(data, following + cls.HEAD)
        found: Places = place[good]
        return found


class TURN(PacketFraming):
    """RFC 8656: STUN messages and ChannelData (section 12.5), which over TCP is padded to 4 bytes.

    What relays carry for others is the message: the inside of ChannelData, and the DATA attribute
    of Send and Data indications. Other STUN messages come out as they are.
    """

    HEAD = 4
    cookie_at = 4
    SEND, DATA = 0x0016, 0x0017
    DATA_ATTRIBUTE = 0x0013
    BIND_SUCCESS, BIND_REQUEST = 0x010B, 0x000B
    OLD_CHANNELS = range(64, 128)
    """RFC 5766 let channels go up to 0x7FFF."""

    def __init__(self) -> None:
        self._bound = False

    @property
    def after(self) -> After | None:
        # RFC 6062, section 4.4: behind a ConnectionBind the peer's own bytes follow.
        return After.ANYTHING if self._bound else None

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        if pos + self.HEAD > end:
            return self.HEAD, 0
        length = held[pos + 2] << 8 | held[pos + 3]
        if held[pos] in self.OLD_CHANNELS:
            return self.HEAD, self.HEAD + padded(length)
        if held[pos] >= 4 or length & 3:
            return BAD
        if pos + STUN_HEAD > end:
            return STUN_HEAD, 0
        if held[pos + 4 : pos + 8] != MAGIC_COOKIE:
            return BAD
        return STUN_HEAD, STUN_HEAD + length

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        if held[pos] in self.OLD_CHANNELS:
            begin = pos + self.HEAD
            length = held[pos + 2] << 8 | held[pos + 3]
            inside = bytes(held[begin : min(begin + length, there)])
            return [inside] if inside else []
        kind = held[pos] << 8 | held[pos + 1]
        if kind in (self.SEND, self.DATA):
            return self._carried(held, pos, there)
        self._bound |= kind in (self.BIND_SUCCESS, self.BIND_REQUEST)
        return [bytes(held[pos:there])]

    def _carried(self, held: bytearray, pos: int, there: int) -> list[bytes]:
        """The DATA attribute of an indication (RFC 8656, section 18.4)."""
        at = pos + STUN_HEAD
        while at + 4 <= there:
            kind, length = held[at] << 8 | held[at + 1], held[at + 2] << 8 | held[at + 3]
            at += 4
            if kind == self.DATA_ATTRIBUTE:
                inside = bytes(held[at : min(at + length, there)])
                return [inside] if inside else []
            at += padded(length)
        return []

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        if pos + 2 < end and held[pos] in CHANNELS and held[pos + 2] >= MOST_NEW:
            return Verdict.NO
        return chain(cls.packet, held, pos, end)

    @classmethod
    def packet(cls, held: bytearray, pos: int, end: int) -> Packet | Verdict:
        if pos + cls.HEAD > end:
            return Verdict.MAYBE
        length = held[pos + 2] << 8 | held[pos + 3]
        if held[pos] in CHANNELS:
            return pos + cls.HEAD, length, pos + cls.HEAD + padded(length)
        if held[pos] >= 4 or length & 3:
            return Verdict.NO
        return pos, STUN_HEAD + length, pos + STUN_HEAD + length

    @classmethod
    def candidates(cls, data: Bytes, upto: int) -> Places:
        upto = min(upto, len(data) - cls.HEAD)
        if upto <= 0:
            return np.empty(0, np.int64)
        channel = data[:upto] >> 4 == CHANNELS.start >> 4
        place = np.flatnonzero(channel)
        place = place[_sorted_out(data, place + cls.HEAD)]
        following = place + cls.HEAD + (big_endian(data, place + 2) + 3) // 4 * 4
        inside = following < len(data)
        place, following = place[inside], following[inside]
        first = data[following]
        found: Places = place[(first >> 4 == CHANNELS.start >> 4) | (first < 4)]
        return found


class HEP3(Framing):
    """Homer's encapsulation: "HEP3", then a 16-bit length that counts all of it.

    The message is the whole of it, as in a datagram.
    """

    MAGIC = b"HEP3"
    HEAD = 6

    def step(self, held: bytearray, pos: int, end: int) -> Step:
        verdict = self.probe(held, pos, end)
        if verdict is Verdict.MAYBE:
            return self.HEAD, 0
        if verdict is Verdict.NO:
            return BAD
        return self.HEAD, held[pos + 4] << 8 | held[pos + 5]

    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        return [bytes(held[pos:there])]

    @classmethod
    def probe(cls, held: bytearray, pos: int, end: int) -> Verdict:
        head = bytes(held[pos : min(pos + cls.HEAD, end)])
        if not cls.MAGIC.startswith(head[:4]):
            return Verdict.NO
        if len(head) < cls.HEAD:
            return Verdict.MAYBE
        return Verdict.YES if head[4] << 8 | head[5] > cls.HEAD else Verdict.NO

    def find(self, held: bytearray, begin: int, end: int) -> int:
        at = held.find(self.MAGIC, begin, end)
        while at >= 0:
            if self.probe(held, at, end) is Verdict.YES:
                following = at + (held[at + 4] << 8 | held[at + 5])
                if following >= end or self.probe(held, following, end) is not Verdict.NO:
                    return at
            at = held.find(self.MAGIC, at + 1, end)
        return -1


def padded(length: int) -> int:
    """Up to the next multiple of four."""
    return (length + 3) & ~3
