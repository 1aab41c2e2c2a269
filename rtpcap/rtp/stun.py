"""STUN messages: bytes <-> fields (RFC 8489 section 5, and RFC 3489, which had no cookie)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |0 0|     STUN Message Type     |         Message Length        |
    |                         Magic Cookie                          |
    |                     Transaction ID (96 bits)                  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |         Type                  |            Length             |  attributes, each
    |                         Value, to a whole word                |  as this
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

The message's length does not count its header, an attribute's neither header nor padding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from rtpcap.rtp.header import WORD_BYTES

__all__ = [
    "ATTRIBUTE_HEADER_BYTES",
    "MAGIC_COOKIE",
    "STUN_HEADER_BYTES",
    "StunAttribute",
    "StunFault",
    "StunMessage",
    "build",
    "parse",
]

HEADER = struct.Struct(">HHI12s")
ATTRIBUTE = struct.Struct(">HH")
STUN_HEADER_BYTES = HEADER.size
ATTRIBUTE_HEADER_BYTES = ATTRIBUTE.size
MAGIC_COOKIE = 0x2112A442
TRANSACTION_BEGIN = 8
OLD_TRANSACTION_BEGIN = 4
"""RFC 3489: 128 bits, from where the cookie is now."""
FIRST_BITS = 0xC000

CLASSES = ("request", "indication", "success", "error")
METHODS = {
    0x001: "Binding",
    0x002: "SharedSecret",
    0x003: "Allocate",
    0x004: "Refresh",
    0x006: "Send",
    0x007: "Data",
    0x008: "CreatePermission",
    0x009: "ChannelBind",
    0x00A: "Connect",
    0x00B: "ConnectionBind",
    0x00C: "ConnectionAttempt",
}
"""Of STUN, TURN (RFC 8656) and TURN over TCP (RFC 6062)."""


class StunFault(IntEnum):
    """What is wrong with a message; 0 where nothing is."""

    NONE = 0
    HEADER = 1
    """Fewer than the 20 bytes of its header."""
    FIRST_BITS = 2
    """Its first two bits are not zero: no STUN."""
    LENGTH = 3
    """Its length is no whole words, or not that of what is there."""
    COOKIE = 4
    """No magic cookie: of RFC 3489, or no STUN."""
    ATTRIBUTE = 5
    """An attribute goes beyond the message."""

    @property
    def label(self) -> str:
        """The word for this fault in tables and JSON; ``""`` for `NONE`."""
        return "" if self is StunFault.NONE else self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class StunAttribute:
    """One attribute; `value` is without its padding."""

    type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class StunMessage:
    """What a message says, as far as it could be read, and what is wrong with it first."""

    type: int = 0
    """Method and class, 14 bits."""
    length: int = 0
    """As its header says."""
    transaction_id: bytes = b""
    """12 bytes; 16 where there is no cookie."""
    attributes: tuple[StunAttribute, ...] = ()
    fault: StunFault = StunFault.NONE

    @property
    def message_class(self) -> str:
        """``request``, ``indication``, ``success`` or ``error``: bits 8 and 4 of the type."""
        return CLASSES[self.type >> 7 & 2 | self.type >> 4 & 1]

    @property
    def method(self) -> int:
        """What is left of the type without the two bits of its class."""
        return self.type >> 2 & 0xF80 | self.type >> 1 & 0x70 | self.type & 0xF

    @property
    def method_name(self) -> str:
        """``Binding``; the number where it has no name."""
        return METHODS.get(self.method, f"0x{self.method:03x}")

    def get(self, attribute_type: int) -> bytes | None:
        """The value of its first attribute of a type."""
        found = (each.value for each in self.attributes if each.type == attribute_type)
        return next(found, None)


def parse(data: bytes) -> StunMessage:
    """What a datagram says as STUN. Never raises for what the bytes are: see `fault`.

    >>> message = parse(bytes.fromhex("000100042112a442") + b"transaction!" + b"\\x80\\x22\\0\\0")
    >>> message.method_name, message.message_class, message.attributes
    ('Binding', 'request', (StunAttribute(type=32802, value=b''),))
    """
    if len(data) < STUN_HEADER_BYTES:
        return StunMessage(fault=StunFault.HEADER)
    kind, length, cookie, transaction = HEADER.unpack_from(data)
    if kind & FIRST_BITS:
        return StunMessage(kind & ~FIRST_BITS, length, transaction, fault=StunFault.FIRST_BITS)
    fault = StunFault.NONE
    if cookie != MAGIC_COOKIE:
        fault = StunFault.COOKIE
        transaction = data[OLD_TRANSACTION_BEGIN:STUN_HEADER_BYTES]
    if length % WORD_BYTES or length != len(data) - STUN_HEADER_BYTES:
        fault = StunFault.LENGTH
    attributes, whole = _attributes(data, min(STUN_HEADER_BYTES + length, len(data)))
    if not whole and fault != StunFault.LENGTH:
        fault = StunFault.ATTRIBUTE
    return StunMessage(kind, length, transaction, attributes, fault)


def build(message_type: int, transaction_id: bytes, attributes: Iterable[StunAttribute]) -> bytes:
    """The bytes of a message with the cookie. Raises ValueError for what does not fit."""
    if len(transaction_id) != STUN_HEADER_BYTES - TRANSACTION_BEGIN:
        raise ValueError(f"a transaction ID of {len(transaction_id)} bytes, not of 12")
    body = b""
    try:
        for each in attributes:
            body += ATTRIBUTE.pack(each.type, len(each.value)) + each.value
            body += bytes(-len(body) % WORD_BYTES)
        head = HEADER.pack(message_type, len(body), MAGIC_COOKIE, transaction_id)
    except struct.error as error:
        raise ValueError(f"STUN: a value does not fit its field: {error}") from error
    if message_type & FIRST_BITS:
        raise ValueError(f"a type of {message_type:#06x} does not fit 14 bits")
    return head + body


def _attributes(data: bytes, end: int) -> tuple[tuple[StunAttribute, ...], bool]:
    """The attributes up to `end`, and whether they fill it."""
    found: list[StunAttribute] = []
    pos = STUN_HEADER_BYTES
    while pos + ATTRIBUTE_HEADER_BYTES <= end:
        kind, size = ATTRIBUTE.unpack_from(data, pos)
        pos += ATTRIBUTE_HEADER_BYTES
        if pos + size > end:
            return tuple(found), False
        found.append(StunAttribute(kind, data[pos : pos + size]))
        pos += -(-size // WORD_BYTES) * WORD_BYTES
    return tuple(found), pos == end
