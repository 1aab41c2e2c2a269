"""A datagram of RTCP <-> its packets (RFC 3550 section 6.1, RFC 5506)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rtpcap.rtp.firstbyte import RTCP_SECOND_BYTES
from rtpcap.rtp.header import RTP_VERSION, WORD_BYTES
from rtpcap.rtp.rtcp.description import SourceDescription
from rtpcap.rtp.rtcp.extended import ExtendedReport
from rtpcap.rtp.rtcp.feedback import FEEDBACK_HEAD, PSFB, RTPFB, Feedback, OtherFeedback
from rtpcap.rtp.rtcp.goodbye import ApplicationDefined, Goodbye
from rtpcap.rtp.rtcp.part import (
    PADDING_BIT,
    PART_HEADER,
    VERSION_SHIFT,
    Other,
    Packet,
    Reader,
    Reason,
    RTCPFault,
    build_part,
)
from rtpcap.rtp.rtcp.picture import FIR, PLI, REMB, REMB_NAME, RPSI, SLI, TSTN, TSTR
from rtpcap.rtp.rtcp.reports import ReceiverReport, SenderReport
from rtpcap.rtp.rtcp.srtcp import SRTCP, recognise
from rtpcap.rtp.rtcp.transport import NACK, TMMBN, TMMBR
from rtpcap.rtp.rtcp.transport_cc import TransportCC

__all__ = ["Compound", "build", "parse"]

COUNT_MASK = 0x1F


FILLED_WITH_COUNT = {(RTPFB, TransportCC.FORMAT)}
"""Packets with whole bytes in them, which senders fill up to a word as if that were padding."""


@dataclass(frozen=True, slots=True)
class Compound:
    """The packets of a datagram, and what is wrong with it."""

    packets: tuple[Packet, ...] = ()
    faults: tuple[RTCPFault, ...] = ()
    protection: SRTCP | None = None
    """Where it is SRTCP; encrypted, it has no packets here."""
    padding: int = 0
    """Bytes of padding behind the last packet, their count included."""

    @property
    def is_reduced(self) -> bool:
        """Whether it begins with no report, as RFC 5506 allows."""
        first = self.packets[0] if self.packets else None
        return first is not None and not isinstance(first, (SenderReport, ReceiverReport))


PACKETS: dict[int, Callable[[Reader, int], Packet | None]] = {
    kind.PACKET_TYPE: kind.read
    for kind in (
        SenderReport,
        ReceiverReport,
        SourceDescription,
        Goodbye,
        ApplicationDefined,
        ExtendedReport,
    )
}
LAYERS = {200: "SR", 201: "RR", 202: "SDES", 203: "BYE", 204: "APP"}
LAYERS |= {RTPFB: "RTPFB", PSFB: "PSFB", 207: "XR"}
FORMATS: dict[tuple[int, int], Callable[[int, int, Reader], Feedback | None]] = {
    (kind.PACKET_TYPE, kind.FORMAT): kind.take
    for kind in (NACK, TMMBR, TMMBN, TransportCC, PLI, SLI, RPSI, FIR, TSTR, TSTN)
}


def parse(data: bytes) -> Compound:
    """What a datagram holds: as many packets as can be read, and a fault for all that cannot.

    Never raises for what the bytes are. A packet that goes beyond the datagram is read as far as it
    is there; behind one whose header is none nothing is.
    """
    protection = recognise(data)
    end = len(data)
    if protection is not None:
        if protection.encrypted:
            return Compound(protection=protection)
        end -= protection.trailer
    faults: list[RTCPFault] = []
    packets: list[Packet] = []
    padding = pos = 0
    while pos < end or not pos:
        reader = Reader(data, pos, end, "header", faults)
        if not reader.has(PART_HEADER.size, Reason.HEADER):
            break
        first, packet_type, words = reader.unpack(PART_HEADER)
        size = (words + 1) * WORD_BYTES
        if first >> VERSION_SHIFT != RTP_VERSION:
            reader.fail(Reason.VERSION, 0, offset=pos)
            break
        if packet_type not in RTCP_SECOND_BYTES:
            reader.fail(Reason.TYPE, 0, offset=pos)
            break
        reader.layer = LAYERS.get(packet_type, str(packet_type))
        following = pos + size
        if following > end:
            reader.fail(Reason.LENGTH, size, offset=pos)
        else:
            reader.end = following
            if first & PADDING_BIT:
                own = (packet_type, first & COUNT_MASK) in FILLED_WITH_COUNT
                padding = _padding(reader, own=own, is_last=following == end)
                reader.end -= padding
        packets.append(_packet(reader, packet_type, first & COUNT_MASK))
        pos = following
    return Compound(tuple(packets), tuple(faults), protection, padding)


def _padding(reader: Reader, *, own: bool, is_last: bool) -> int:
    """How many bytes at a packet's end are padding; 0 where that cannot be.

    With `own` the packet reads what fills its last word by itself.
    """
    count = reader.data[reader.end - 1]
    if own and 0 < count < WORD_BYTES:
        return 0
    if not is_last:
        reader.fail(Reason.PADDING_EARLY, count, offset=reader.end - 1)
    if not count or count % WORD_BYTES or count > reader.room:
        reader.fail(Reason.PADDING, count, offset=reader.end - 1)
        return 0
    return count


def _packet(reader: Reader, packet_type: int, count: int) -> Packet:
    begin = reader.pos
    if packet_type in (RTPFB, PSFB):
        feedback = _feedback(reader, packet_type, count)
        if feedback is not None:
            return feedback
    elif packet_type in PACKETS:
        packet = PACKETS[packet_type](reader, count)
        if packet is not None:
            return packet
    return Other(packet_type, count, reader.data[begin : reader.end])


def _feedback(reader: Reader, packet_type: int, form: int) -> Feedback | None:
    if not reader.has(FEEDBACK_HEAD.size, Reason.FIELDS):
        return None
    ssrc, media_ssrc = reader.unpack(FEEDBACK_HEAD)
    begin = reader.pos
    take = FORMATS.get((packet_type, form))
    named = reader.data[begin : begin + len(REMB_NAME)] == REMB_NAME
    if (packet_type, form) == (PSFB, REMB.FORMAT) and named and reader.room >= len(REMB_NAME):
        take = REMB.take
    found = None if take is None else take(ssrc, media_ssrc, reader)
    if found is not None:
        return found
    content = reader.data[begin : reader.end]
    return OtherFeedback(ssrc, media_ssrc, packet_type, form, content)


def build(packets: Iterable[Packet], *, padding: int = 0) -> bytes:
    """The datagram of these packets, the last with so many bytes of padding.

    Raises ValueError for a value that does not fit its field, or for padding behind nothing.
    """
    parts = list(packets)
    if padding and not parts:
        raise ValueError("padding needs a packet before it")
    last = len(parts) - 1
    return b"".join(build_part(part, padding if i == last else 0) for i, part in enumerate(parts))
