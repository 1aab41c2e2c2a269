"""What a datagram is by its own bytes: the first byte says what it may be, its fields whether.

What has RTP's first byte and is no RTCP is of no kind here: a single packet of RTP proves nothing,
which is why streams are found by what they do.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtpcap.capture.layers import turn
from rtpcap.capture.tables import Datagrams
from rtpcap.rtp.compound import are_begun, is_compound
from rtpcap.rtp.firstbyte import Sharer, sharer
from rtpcap.rtp.stun import MAGIC_COOKIE, STUN_HEADER_BYTES

__all__ = ["Kind", "kinds"]


class Kind(IntEnum):
    """What a datagram was taken for; the order is that of `kinds`, later ones win."""

    UNKNOWN = 0
    VERSION_2 = 1
    """RTP's first byte, and neither RTCP nor part of a stream."""
    STUN = 2
    DTLS = 3
    ZRTP = 4
    TURN = 5
    QUIC = 6
    QUIC_SHORT = 7
    """What QUIC's short header begins with: QUIC only beside a long one in the flow."""
    RTCP = 8
    SRTCP = 9
    """RTCP's first header before what is no more of it."""
    SIP = 10
    RTSP = 11
    DNS = 12
    RTP = 13


HEAD = 16
STUN_TYPES = 0x0003, 0x0118
"""Methods up to the second, class bits aside, are the registry's (RFC 8489 and 8656)."""
OLD_STUN = (0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112)
"""Binding and shared secret (RFC 3489), which had no cookie."""

ZRTP_COOKIE = 0x5A525450
"""RFC 6189 section 5."""

DTLS_TYPES = (20, 26)
DTLS_VERSIONS = (0xFEFF, 0xFEFD, 0x0100)
DTLS_HEADER = 13
DTLS_13 = (0x20, 0x3F)
"""RFC 9147 section 4: the unified header of encrypted records, which tells nothing to check."""

QUIC_VERSIONS = (0x00000000, 0x00000001, 0x6B3343CF)
"""Version negotiation, 1 (RFC 9000) and 2 (RFC 9369)."""
QUIC_FAMILIES = (0xFF0000, 0x513034, 0x513035, 0x543035, 0xFACEB0)
"""The upper bytes of versions that were in use before: drafts, Google's and Facebook's."""
LONG_HEADER = 0x80

SIP_BEGINS = (
    *(b"INVI", b"ACK ", b"BYE ", b"CANC", b"OPTI", b"REGI", b"PRAC", b"SUBS", b"NOTI", b"PUBL"),
    *(b"INFO", b"REFE", b"MESS", b"UPDA", b"SIP/"),
)
RTSP_BEGIN = b"RTSP"
RTSP_SCHEME = b"rtsp"
RTSP_METHODS = (5, 13)
"""Bytes of a request before its URI, a blank among them: those whose scheme is in the head."""
LETTERS = (0x41, 0x5A)

DNS_HEADER = 12
DNS_PORTS = (53, 5353, 5355)
MOST_RECORDS = 256


def kinds(datagrams: Datagrams, dns: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The `Kind` of each datagram, shape (n,). `dns` tells which use a port of DNS."""
    n = len(datagrams)
    found = np.zeros(n, np.uint8)
    if not n:
        return found
    head, size = _heads(datagrams), datagrams.end - datagrams.begin
    words = [
        head[:, i].astype(np.int64) << 24
        | head[:, i + 1].astype(np.int64) << 16
        | head[:, i + 2].astype(np.int64) << 8
        | head[:, i + 3]
        for i in range(0, HEAD, 4)
    ]
    upper, lower = words[0] >> 16, words[0] & 0xFFFF
    begins = np.array([int.from_bytes(word, "big") for word in SIP_BEGINS])
    may = sharer(head[:, 0], head[:, 1])
    cut = datagrams.cut

    whole = (lower + STUN_HEADER_BYTES == size) | (cut & (lower + STUN_HEADER_BYTES > size))
    stun = (may == Sharer.STUN) & whole & (size >= STUN_HEADER_BYTES)
    stun &= (words[1] == MAGIC_COOKIE) | np.isin(upper, OLD_STUN)
    found[stun] = Kind.STUN

    record = (head[:, 11].astype(np.int64) << 8 | head[:, 12]) + DTLS_HEADER
    dtls = (may == Sharer.DTLS) & (head[:, 0] >= DTLS_TYPES[0]) & (head[:, 0] <= DTLS_TYPES[1])
    version = head[:, 1].astype(np.int64) << 8 | head[:, 2]
    dtls &= np.isin(version, DTLS_VERSIONS) & (size >= DTLS_HEADER) & ((record <= size) | cut)
    found[dtls] = Kind.DTLS

    found[(may == Sharer.ZRTP) & (words[1] == ZRTP_COOKIE)] = Kind.ZRTP

    quic = (head[:, 0] & LONG_HEADER > 0) & (size > 5)
    version = (words[0] & 0xFFFFFF) << 8 | words[1] >> 24
    known = np.isin(version, QUIC_VERSIONS) | np.isin(version >> 8, QUIC_FAMILIES)
    # A version of 0 or 1 would be nothing strange in a packet of RTP's first byte.
    found[quic & known & (may == Sharer.QUIC)] = Kind.QUIC
    public = (head[:, 0] & 0x09 == 0x09) & (head[:, 0] < 0x40)
    old = head[:, 9].astype(np.int64) << 16 | head[:, 10].astype(np.int64) << 8 | head[:, 11]
    found[public & np.isin(old, (0x513034, 0x513033, 0x513032)) & (size > DTLS_HEADER)] = Kind.QUIC
    short = (found == Kind.UNKNOWN) & (head[:, 0] >> 6 == 1)
    found[short] = Kind.QUIC_SHORT

    relayed = np.flatnonzero(short | stun)
    found[turn.unwrapped(datagrams, relayed)[1]] = Kind.TURN

    found[(may == Sharer.RTP) & (size > 0)] = Kind.VERSION_2
    rows = np.flatnonzero(may == Sharer.RTCP)
    compound = is_compound(
        datagrams.blocks, datagrams.block[rows], datagrams.begin[rows], datagrams.end[rows]
    )
    encrypted = ~compound & are_begun(lower[rows], size[rows], cut[rows])
    found[rows] = np.where(compound, Kind.RTCP, np.where(encrypted, Kind.SRTCP, Kind.VERSION_2))

    found[np.isin(words[0], begins)] = Kind.SIP

    letters = np.flatnonzero((head[:, 0] >= LETTERS[0]) & (head[:, 0] <= LETTERS[1]))
    found[letters[_is_rtsp(head[letters])]] = Kind.RTSP

    counts = [words[1] >> 16, words[1] & 0xFFFF, words[2] >> 16, words[2] & 0xFFFF]
    records = sum(counts[1:], counts[0])
    named = dns & (size >= DNS_HEADER) & (records > 0) & (records <= MOST_RECORDS)
    found[named & (head[:, 2] >> 3 & 15 <= 6)] = Kind.DNS
    return found


def _is_rtsp(head: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Whether text begins as a response of RTSP, or as a request for an address of it."""
    begins = np.asarray((head[:, :4] == list(RTSP_BEGIN)).all(axis=1))
    for at in range(*RTSP_METHODS):
        begins |= (head[:, at : at + len(RTSP_SCHEME)] == list(RTSP_SCHEME)).all(axis=1)
    return begins


def _heads(datagrams: Datagrams) -> npt.NDArray[np.uint8]:
    """The first `HEAD` bytes of each datagram, zeros where it has fewer; shape (n, `HEAD`)."""
    head = np.zeros((len(datagrams), HEAD), np.uint8)
    for block in np.unique(datagrams.block).tolist():
        rows = np.flatnonzero(datagrams.block == block)
        data = datagrams.blocks[block]
        for i in range(HEAD):
            there = rows[datagrams.begin[rows] + i < datagrams.end[rows]]
            head[there, i] = data[datagrams.begin[there] + i]
    return head
