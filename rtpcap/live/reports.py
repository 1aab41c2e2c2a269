"""The RTCP packets that a client sends, and what it reads of those that come (RFC 3550 6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

import numpy as np

from rtpcap.rtp.compound import RTCP_HEADER_BYTES, is_compound
from rtpcap.rtp.header import RTP_VERSION, WORD_BYTES

__all__ = ["Block", "Received", "SenderInfo", "build_bye", "build_report", "ntp", "read_compound"]

SR, RR, SDES, BYE = 200, 201, 202, 203
CNAME = 1
MOST_BLOCKS = 31
"""What the count of 5 bits can say."""

HEAD = Struct(">BBH")
SENDER = Struct(">IQIII")
BLOCK = Struct(">IIIIII")
WORD = Struct(">I")

NTP_EPOCH_S = 2_208_988_800
"""From 1900, where NTP counts from, to 1970."""
SECOND_NS = 1_000_000_000
COUNT_MASK = 0x1F
LEAST_CUMULATIVE, MOST_CUMULATIVE = -0x800000, 0x7FFFFF
WORD_MASK = 0xFFFFFFFF


class SenderInfo(NamedTuple):
    """What a sender says of itself (6.4.1)."""

    ntp: int
    """64 bits: seconds since 1900, and 32 bits of fraction."""
    timestamp: int
    packets: int
    octets: int


class Block(NamedTuple):
    """What a receiver says of one source (6.4.1)."""

    ssrc: int
    fraction: int
    cumulative: int
    highest: int
    jitter: int
    """In timestamp ticks."""
    last_sr: int
    """The middle 32 bits of the NTP time of the last sender report; 0 for none."""
    delay: int
    """Since that came, in 1/65536 s."""


@dataclass
class Received:
    """What a compound packet says."""

    senders: dict[int, SenderInfo] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """The SSRCs that said goodbye."""


def ntp(time_ns: int) -> int:
    """Nanoseconds since 1970 as a 64-bit NTP time.

    >>> hex(ntp(500_000_000))
    '0x83aa7e8080000000'
    """
    seconds, ns = divmod(time_ns, SECOND_NS)
    return ((seconds + NTP_EPOCH_S) & WORD_MASK) << 32 | (ns << 32) // SECOND_NS


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return HEAD.pack(RTP_VERSION << 6 | count, kind, len(body) // WORD_BYTES) + body


def _block(block: Block) -> bytes:
    lost = min(max(block.cumulative, LEAST_CUMULATIVE), MOST_CUMULATIVE) & 0xFFFFFF
    return BLOCK.pack(
        block.ssrc,
        block.fraction << 24 | lost,
        block.highest & WORD_MASK,
        block.jitter & WORD_MASK,
        block.last_sr,
        min(block.delay, WORD_MASK),
    )


def build_report(
    ssrc: int, sender: SenderInfo | None, blocks: Sequence[Block], cname: str
) -> bytes:
    """A compound packet: a sender report, or a receiver report without `sender`, and the CNAME."""
    told = b"".join(map(_block, blocks[:MOST_BLOCKS]))
    count = min(len(blocks), MOST_BLOCKS)
    if sender is None:
        report = _packet(RR, count, WORD.pack(ssrc) + told)
    else:
        octets = sender.octets & WORD_MASK
        info = SENDER.pack(ssrc, sender.ntp, sender.timestamp, sender.packets & WORD_MASK, octets)
        report = _packet(SR, count, info + told)
    name = cname.encode()
    chunk = WORD.pack(ssrc) + bytes([CNAME, len(name)]) + name
    # 6.5: items end with at least one zero, and the chunk on a word.
    chunk += bytes(WORD_BYTES - len(chunk) % WORD_BYTES)
    return report + _packet(SDES, 1, chunk)


def build_bye(ssrc: int, cname: str) -> bytes:
    """The compound packet of one who leaves."""
    return build_report(ssrc, None, (), cname) + _packet(BYE, 1, WORD.pack(ssrc))


def read_compound(data: bytes) -> Received | None:
    """What reports and goodbyes say; None for what is no compound packet (appendix A.2)."""
    end = np.array([len(data)])
    block = np.frombuffer(data, np.uint8)
    if not is_compound([block], np.zeros(1, np.uint16), np.zeros(1, np.int64), end)[0]:
        return None
    found = Received()
    at = 0
    while at + RTCP_HEADER_BYTES <= len(data):
        first, kind, words = HEAD.unpack_from(data, at)
        body = data[at + RTCP_HEADER_BYTES : at + RTCP_HEADER_BYTES + words * WORD_BYTES]
        _read(kind, first & COUNT_MASK, body, found)
        at += RTCP_HEADER_BYTES + words * WORD_BYTES
    return found


def _read(kind: int, count: int, body: bytes, found: Received) -> None:
    if kind == BYE:
        whole = min(count, len(body) // WORD_BYTES)
        found.left += [WORD.unpack_from(body, i * WORD_BYTES)[0] for i in range(whole)]
        return
    at = SENDER.size if kind == SR else WORD_BYTES
    if kind not in (SR, RR) or len(body) < at:
        return
    if kind == SR:
        ssrc, *info = SENDER.unpack_from(body)
        found.senders[ssrc] = SenderInfo(*info)
    for _ in range(min(count, (len(body) - at) // BLOCK.size)):
        ssrc, loss, highest, jitter, last_sr, delay = BLOCK.unpack_from(body, at)
        lost = loss & 0xFFFFFF
        lost -= 1 << 24 if lost > MOST_CUMULATIVE else 0
        found.blocks.append(Block(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
        at += BLOCK.size
