"""The first bytes of many streams at once: which could begin a framing that is known.

Most of what is captured of TCP is none of it, and is told so here without looking at one stream
after the other. What passes is judged by `choice`; what does not would never be chosen there.
"""

from __future__ import annotations

import string

import numpy as np
import numpy.typing as npt

from rtpcap.capture.framing.evidence import (
    CHANNELS,
    DTLS,
    DTLS_HEAD,
    DTLS_VERSIONS,
    MAGIC_COOKIE,
    RTCP_HEAD,
    RTCP_TYPES,
    RTP,
    STUN,
    STUN_HEAD,
    ZRTP,
    ZRTP_COOKIE,
)
from rtpcap.capture.framing.packets import MOST_NEW
from rtpcap.capture.framing.text import WORD
from rtpcap.capture.framing.websocket import BINARY, FINAL, MASKED, TEXT
from rtpcap.rtp.header import HEADER_BYTES

__all__ = ["HEAD", "heads", "is_tls", "may_begin"]

HEAD = 12
"""Bytes that are looked at; streams of which fewer are there may begin anything."""

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def _among(characters: bytes) -> Mask:
    mask = np.zeros(256, np.bool_)
    mask[list(characters)] = True
    return mask


IN_WORD = _among(WORD)
BEHIND_WORD = _among(WORD + b" ")
IN_LINE = _among(string.printable.encode())
LINE_END = _among(b"\r\n")
TLS_KINDS, MOST_TLS = range(0x14, 0x18), 0x41
WHOLE_MESSAGES = range(FINAL | TEXT, (FINAL | BINARY) + 1)


def heads(data: Bytes, begin: Places) -> Bytes:
    """The bytes from some places on, shape (n, HEAD); behind the last one it is repeated."""
    places = begin[:, None] + np.arange(HEAD)
    return data.take(places, mode="clip")


def may_begin(head: Bytes, size: Places) -> Mask:
    """Which streams may begin a framing, by their first bytes and how many of them are there."""
    first = head[:, 0]
    text = IN_WORD[first] & IN_WORD[head[:, 1]]
    text &= BEHIND_WORD[head[:, 2]] & IN_LINE[head[:, 3]]
    text |= LINE_END[first]
    long = head.astype(np.int64)
    counted = long[:, 0] << 8 | long[:, 1]
    behind = long[:, 2] << 8 | long[:, 3]
    framed = (first < MOST_NEW) & _may_carry(long[:, 2:], counted)
    inside = _may_carry(long[:, 4:], behind)
    channel = _within(first, CHANNELS) & (head[:, 2] < MOST_NEW) & inside
    interleaved = (first == ord("$")) & inside
    stun = _within(first, STUN) & (behind & 3 == 0) & _holds(head[:, 4:], MAGIC_COOKIE)
    masked = _within(first, WHOLE_MESSAGES) & (head[:, 1] >= MASKED)
    passed: Mask = masked | text | framed | channel | interleaved | stun | (size < HEAD)
    return passed


def is_tls(head: Bytes, size: Places) -> Mask:
    """Which begin with a record of TLS, as `choice.TLS_RECORD` has it."""
    kind = _within(head[:, 0], TLS_KINDS)
    version = (head[:, 1] == 3) & (head[:, 2] <= 4)
    return np.asarray(kind & version & (head[:, 3] <= MOST_TLS) & (size >= 4))


def _may_carry(packet: Places, length: Places) -> Mask:
    """Whether packets of some lengths may begin so; eight bytes of each are there."""
    first, second = packet[:, 0], packet[:, 1]
    is_rtcp = _within(second, RTCP_TYPES)
    words = packet[:, 2] << 8 | packet[:, 3]
    fits = np.where(is_rtcp, 4 * (words + 1), HEADER_BYTES + 4 * (first & 15)) <= length
    media = _within(first, RTP) & (length >= RTCP_HEAD) & fits
    stun = _within(first, STUN) & (length >= STUN_HEAD) & _holds(packet[:, 4:], MAGIC_COOKIE)
    zrtp = _within(first, ZRTP) & _holds(packet[:, 4:], ZRTP_COOKIE)
    version = second << 8 | packet[:, 2]
    versions = [int.from_bytes(one, "big") for one in DTLS_VERSIONS]
    dtls = _within(first, DTLS) & (length >= DTLS_HEAD) & np.isin(version, versions)
    return np.asarray(media | stun | zrtp | dtls)


def _within(column: npt.NDArray[np.integer], numbers: range) -> Mask:
    return np.asarray((column >= numbers.start) & (column < numbers.stop))


def _holds(head: npt.NDArray[np.integer], constant: bytes) -> Mask:
    """Whether some rows begin with these bytes."""
    width = len(constant)
    return np.asarray((head[:, :width] == np.frombuffer(constant, np.uint8)).all(axis=1))
