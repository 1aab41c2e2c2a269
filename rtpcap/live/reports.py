"""The RTCP packets that a client sends, and what it reads of those that come (RFC 3550 6.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rtpcap.rtp.compound import is_compound
from rtpcap.rtp.rtcp.compound import build, parse
from rtpcap.rtp.rtcp.description import CNAME, Chunk, Item, SourceDescription
from rtpcap.rtp.rtcp.goodbye import Goodbye
from rtpcap.rtp.rtcp.reports import NTP_EPOCH_S, ReceiverReport, ReportBlock, SenderReport

__all__ = [
    "MOST_BLOCKS",
    "WORD_MASK",
    "Received",
    "build_bye",
    "build_report",
    "ntp",
    "read_compound",
]

MOST_BLOCKS = 31
"""What the count of 5 bits can say."""
SECOND_NS = 1_000_000_000
WORD_MASK = 0xFFFFFFFF


@dataclass
class Received:
    """What a compound packet says."""

    senders: dict[int, SenderReport] = field(default_factory=dict)
    blocks: list[ReportBlock] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """The SSRCs that said goodbye."""


def ntp(time_ns: int) -> int:
    """Nanoseconds since 1970 as a 64-bit NTP time.

    >>> hex(ntp(500_000_000))
    '0x83aa7e8080000000'
    """
    seconds, ns = divmod(time_ns, SECOND_NS)
    return ((seconds + NTP_EPOCH_S) & WORD_MASK) << 32 | (ns << 32) // SECOND_NS


def _named(ssrc: int, cname: str) -> SourceDescription:
    return SourceDescription((Chunk(ssrc, (Item(CNAME, cname.encode()),)),))


def build_report(report: SenderReport | ReceiverReport, cname: str) -> bytes:
    """A compound packet: the report and the CNAME of who reports."""
    return build([report, _named(report.ssrc, cname)])


def build_bye(ssrc: int, cname: str) -> bytes:
    """The compound packet of one who leaves."""
    return build([ReceiverReport(ssrc), _named(ssrc, cname), Goodbye((ssrc,))])


def read_compound(data: bytes) -> Received | None:
    """What reports and goodbyes say; None for what is no compound packet (appendix A.2)."""
    end = np.array([len(data)])
    block = np.frombuffer(data, np.uint8)
    if not is_compound([block], np.zeros(1, np.uint16), np.zeros(1, np.int64), end)[0]:
        return None
    found = Received()
    for packet in parse(data).packets:
        if isinstance(packet, SenderReport):
            found.senders[packet.ssrc] = packet
        if isinstance(packet, (SenderReport, ReceiverReport)):
            found.blocks += packet.blocks
        elif isinstance(packet, Goodbye):
            found.left += packet.sources
    return found
