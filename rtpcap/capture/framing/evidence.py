"""Whether a chain of framed packets is one: what they carry must agree.

A length and a first byte are soon found in any bytes. A chain is believed where three packets of
one source follow each other, or where a packet holds a constant of its protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from rtpcap.capture.framing.frame import Verdict
from rtpcap.rtp.header import HEADER_BYTES
from rtpcap.rtp.serial import signed_delta

__all__ = [
    "CHANNELS",
    "DTLS",
    "DTLS_HEAD",
    "DTLS_VERSIONS",
    "MAGIC_COOKIE",
    "RTCP_HEAD",
    "RTCP_TYPES",
    "RTP",
    "STUN",
    "STUN_HEAD",
    "ZRTP",
    "ZRTP_COOKIE",
    "Packet",
    "chain",
    "known_first_byte",
]

MAGIC_COOKIE = b"\x21\x12\xa4\x42"
"""RFC 8489, section 5: the second word of a STUN message."""
STUN_HEAD = 20
ZRTP_COOKIE = b"ZRTP"
"""RFC 6189, section 5: the second word too."""
DTLS_VERSIONS = (b"\xfe\xff", b"\xfe\xfd", b"\xfe\xfc")
DTLS_HEAD = 13
RTCP_HEAD = 8

# RFC 7983, section 7: protocols by their first byte.
STUN, ZRTP, DTLS, CHANNELS, RTP = (
    range(4),
    range(16, 20),
    range(20, 64),
    range(64, 80),
    range(128, 192),
)
RTCP_TYPES = range(192, 224)
"""RFC 5761, section 4: the second byte of RTCP."""

MOST_ADVANCE = 1000
"""Sequence numbers of one source that are further apart are no evidence."""
ENOUGH = 2
"""A constant counts for all of it, each packet after the first of a source for one."""
MOST_LINKS = 48
"""So many packets without enough evidence are none."""

Packet = tuple[int, int, int]
"""Where a packet begins, its length, and where the next frame begins."""


def known_first_byte(byte: int) -> bool:
    """Whether RFC 7983 has a protocol for this first byte."""
    return byte in RTP or byte in STUN or byte in DTLS or byte in ZRTP or byte in CHANNELS


def chain(
    packet_at: Callable[[bytearray, int, int], Packet | Verdict],
    held: bytearray,
    pos: int,
    end: int,
) -> Verdict:
    """Whether packets that agree follow each other from `pos` on.

    The first one must itself be among those that do, or the chain would begin one too early.
    """
    last: dict[tuple[bool, int], int] = {}
    score, first_source, first_agrees = 0, None, False
    for link in range(MOST_LINKS):
        packet = packet_at(held, pos, end)
        if isinstance(packet, Verdict):
            return packet
        begin, length, pos = packet
        if not length and link:
            # RFC 4571 section 2: a packet of no bytes, to be ignored.
            continue
        kind = _kind(held, begin, length, end)
        if isinstance(kind, Verdict):
            return kind
        source, number, weight = kind
        score += weight
        first_agrees |= not link and weight >= ENOUGH
        if source is not None:
            before = last.get(source)
            if not link:
                first_source = source
            if before is not None:
                is_rtp, _ = source
                if not is_rtp or 0 < signed_delta(number, before, 16) <= MOST_ADVANCE:
                    score += 1
                    first_agrees |= source == first_source
            last[source] = number
        if score >= ENOUGH and first_agrees:
            return Verdict.YES
    return Verdict.NO


def _kind(
    held: bytearray, begin: int, length: int, end: int
) -> tuple[tuple[bool, int] | None, int, int] | Verdict:
    """A packet's source (and whether it is RTP), sequence number and own weight as evidence."""
    if begin >= end:
        return Verdict.MAYBE
    first = held[begin]
    head = held[begin : min(begin + HEADER_BYTES, end)]
    if first in RTP:
        if length < RTCP_HEAD:
            return Verdict.NO
        if len(head) < HEADER_BYTES and len(head) < length:
            return Verdict.MAYBE
        if head[1] in RTCP_TYPES:
            if 4 * (int.from_bytes(head[2:4], "big") + 1) > length:
                return Verdict.NO
            return (False, int.from_bytes(head[4:8], "big")), 0, 0
        if length < HEADER_BYTES or length < HEADER_BYTES + 4 * (first & 15):
            return Verdict.NO
        return (True, int.from_bytes(head[8:12], "big")), int.from_bytes(head[2:4], "big"), 0
    if first in STUN:
        if length < STUN_HEAD:
            return Verdict.NO
        if len(head) < 8:
            return Verdict.MAYBE
        fits = head[4:8] == MAGIC_COOKIE
        fits &= int.from_bytes(head[2:4], "big") + STUN_HEAD == length
        return (None, 0, ENOUGH) if fits else Verdict.NO
    if first in ZRTP:
        if len(head) < 8 and len(head) < length:
            return Verdict.MAYBE
        return (None, 0, ENOUGH) if head[4:8] == ZRTP_COOKIE else Verdict.NO
    if first in DTLS:
        if len(head) < 3 and len(head) < length:
            return Verdict.MAYBE
        fits = length >= DTLS_HEAD and bytes(head[1:3]) in DTLS_VERSIONS
        return (None, 0, 1) if fits else Verdict.NO
    return Verdict.NO
