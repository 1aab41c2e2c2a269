"""Whether a datagram is SRTCP, from the index at its end (RFC 3711 section 3.4, RFC 7714)::

     header, SSRC | encrypted ...            |E| index | MKI | tag    HMAC-SHA1
     header, SSRC | encrypted ...     | tag  |E| index | MKI          GCM

The first eight bytes are clear; behind them nothing is to be believed where E is set.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rtpcap.rtp.firstbyte import RTCP_SECOND_BYTES
from rtpcap.rtp.header import RTP_VERSION, WORD_BYTES
from rtpcap.rtp.rtcp.part import PART_HEADER, VERSION_SHIFT

__all__ = ["SRTCP", "recognise"]

CLEAR = struct.Struct(">BBHI")
INDEX = struct.Struct(">I")
ENCRYPTED = 1 << 31
MOST_INDEX = 1 << 20
"""Indices count packets from a session's start: a higher one is taken for chance."""
TAGS = (
    #  bytes of tag before the index, bytes behind it
    (0, 10),  # HMAC-SHA1-80, which SRTCP has beside HMAC-SHA1-32 too (RFC 4568 section 6.2.2)
    (16, 0),  # GCM
    (0, 4),  # HMAC-SHA1-32
    (0, 11),  # HMAC-SHA1-80 behind an MKI of one byte, as Skype and Lync have it
    (0, 14),  # and of four (RFC 4568 section 6.1)
)


@dataclass(frozen=True, slots=True)
class SRTCP:
    """What is clear of a protected packet."""

    packet_type: int
    """Of the first packet in it."""
    ssrc: int
    index: int
    """31 bits, counted up with each packet of a source."""
    encrypted: bool
    """Without it the packet is readable, and only its tag protects it."""
    trailer: int
    """Bytes at the end that are no RTCP: index and tag; for GCM the tag alone before it too."""


def recognise(data: bytes) -> SRTCP | None:
    """What a datagram shows of SRTCP; None where it is plain, or nothing like it.

    A compound packet whose lengths add up is plain. Else an index must stand where one of the tags
    leaves it: with chance for a writer, one damaged packet in several hundred is mistaken.
    """
    if len(data) < CLEAR.size + INDEX.size:
        return None
    first, packet_type, words, ssrc = CLEAR.unpack_from(data)
    if first >> VERSION_SHIFT != RTP_VERSION or packet_type not in RTCP_SECOND_BYTES:
        return None
    plain_end = _plain_end(data)
    if plain_end == len(data):
        return None
    least = (words + 1) * WORD_BYTES
    for before, behind in TAGS:
        at = len(data) - behind - INDEX.size
        if at - before < max(least, CLEAR.size):
            continue
        (word,) = INDEX.unpack_from(data, at)
        encrypted, index = bool(word & ENCRYPTED), word & ~ENCRYPTED
        # What is not encrypted must be whole up to the index.
        if index < MOST_INDEX and (encrypted or plain_end == at - before):
            trailer = before + INDEX.size + behind
            return SRTCP(packet_type, ssrc, index, encrypted, trailer)
    return None


def _plain_end(data: bytes) -> int:
    """Where a chain of packets ends that begins at the front."""
    pos = 0
    while pos + PART_HEADER.size <= len(data):
        first, packet_type, words = PART_HEADER.unpack_from(data, pos)
        following = pos + (words + 1) * WORD_BYTES
        sound = first >> VERSION_SHIFT == RTP_VERSION and packet_type in RTCP_SECOND_BYTES
        if not sound or following > len(data):
            break
        pos = following
    return pos
