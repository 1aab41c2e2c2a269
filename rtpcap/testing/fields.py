"""What we read from the bytes of a packet, as plain Python values by the words of the RFCs.

rtp   version padding extension csrc_count marker payload_type sequence timestamp ssrc csrc
      header_bytes extension_profile extension_payload payload padding_bytes
rtcp  packets (each with kind, packet_type and the fields of `rtpcap.rtp.rtcp`), padding_bytes
sip   method uri, or status reason; version, headers (name and value, in order), body
sdp   origin name address direction attributes media (each with kind port protocol address
      direction formats ...): defaults of the session are filled in
stun  type message_class method length transaction_id attributes (each with type and value)

A fault that the standard forbids is `refused`; one that it leaves open is not: what a parser makes
of such bytes is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from struct import unpack_from
from typing import NamedTuple

from rtpcap.errors import RTPParseError
from rtpcap.rtp import stun
from rtpcap.rtp.header import EXTENSION_HEAD_BYTES, HEADER_BYTES, WORD_BYTES
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.packets import EVERY_NUMBER
from rtpcap.rtp.rtcp import Packet as RTCPPacket
from rtpcap.rtp.rtcp import Reason, RTCPFault
from rtpcap.rtp.rtcp import parse as parse_rtcp
from rtpcap.signalling.head import split_lines
from rtpcap.signalling.media import Media
from rtpcap.signalling.sdp import parse_sdp
from rtpcap.signalling.sip import parse_sip
from rtpcap.testing.kinds import Kind

__all__ = ["Fields", "RTPValues", "Reading", "read", "rtp_fields"]

Fields = dict[str, object]

RTPValues = tuple[int, bool, bool, int, bool, int, int, int, int, int, int]
"""Of a packet without a fault: version padding extension csrc_count marker payload_type sequence
timestamp ssrc, then bytes of header and of payload."""


class Reading(NamedTuple):
    """Fields, or a fault and none."""

    fields: Fields
    fault: str | None = None
    refused: bool = False


def read(kind: Kind, data: bytes) -> Reading:
    """What the bytes are as this kind of packet. Never raises for what they are.

    >>> read("rtp", bytes.fromhex("8000 0001 000000a0 343ffa34") + b"voice").fields["payload"]
    b'voice'
    >>> read("rtp", b"short")
    Reading(fields={}, fault='header', refused=True)
    """
    return READERS[kind](data)


def rtp_fields(data: bytes, values: RTPValues) -> Fields:
    """The fields of an RTP packet of which the columns of a capture are known already."""
    (
        version, padding, extension, csrc_count, marker, payload_type, sequence, timestamp, ssrc,
        header_bytes, payload_size,
    ) = values  # fmt: skip
    csrc: list[int] = []
    profile, content = None, b""
    if csrc_count:
        csrc = list(unpack_from(f">{csrc_count}I", data, HEADER_BYTES))
    if extension:
        at = HEADER_BYTES + csrc_count * WORD_BYTES
        (profile,) = unpack_from(">H", data, at)
        content = data[at + EXTENSION_HEAD_BYTES : header_bytes]
    end = header_bytes + payload_size
    return {
        "version": version,
        "padding": padding,
        "extension": extension,
        "csrc_count": csrc_count,
        "marker": marker,
        "payload_type": payload_type,
        "sequence": sequence,
        "timestamp": timestamp,
        "ssrc": ssrc,
        "csrc": csrc,
        "header_bytes": header_bytes,
        "extension_profile": profile,
        "extension_payload": content,
        "payload": data[header_bytes:end],
        "padding_bytes": len(data) - end,
    }


def _rtp(data: bytes) -> Reading:
    try:
        message = RTPMessage(data, EVERY_NUMBER)
    except RTPParseError as error:
        return Reading({}, error.fault.label, True)
    return Reading(
        {
            "version": message.version,
            "padding": message.padding,
            "extension": message.extension,
            "csrc_count": message.CC,
            "marker": message.marker,
            "payload_type": message.payload_number,
            "sequence": message.sequence,
            "timestamp": message.timestamp,
            "ssrc": message.SSRC,
            "csrc": message.CSRC,
            "header_bytes": len(data) - message.padding_size - len(message.payload),
            "extension_profile": message.extension_profile,
            "extension_payload": message.extension_payload,
            "payload": message.payload,
            "padding_bytes": message.padding_size,
        }
    )


def _rtcp(data: bytes) -> Reading:
    compound = parse_rtcp(data)
    if compound.protection is not None:
        return Reading({}, "protected")
    if compound.faults:
        refused = [fault for fault in compound.faults if _is_refused(fault)]
        return Reading({}, (refused or compound.faults)[0].reason.label, bool(refused))
    packets = [_plain(packet) for packet in compound.packets]
    return Reading({"packets": packets, "padding_bytes": compound.padding})


def _is_refused(fault: RTCPFault) -> bool:
    """Whether the validity check of RFC 3550 appendix A.2, or section 6.4.1, forbids it.

    What is inside a packet they leave open; and padding that is no whole words is what browsers
    send in feedback on congestion.
    """
    if fault.reason == Reason.TYPE:
        return fault.offset == 0
    if fault.reason == Reason.PADDING:
        return fault.needed % WORD_BYTES == 0
    return fault.reason in (Reason.HEADER, Reason.VERSION, Reason.LENGTH)


def _plain(value: object) -> object:
    """Dataclasses and named tuples as mappings, tuples as lists; names of packets and blocks."""
    if is_dataclass(value) and not isinstance(value, type):
        told: Fields = {}
        if isinstance(value, RTCPPacket):
            told = {"kind": value.kind, "packet_type": value.packet_type}
        elif type(value).__module__.endswith((".extended", ".voip")):
            told = {"block": type(value).__name__}
        return told | {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        if hasattr(value, "_asdict"):
            return {name: _plain(inner) for name, inner in value._asdict().items()}
        return [_plain(inner) for inner in value]
    return value


def _sip(data: bytes) -> Reading:
    message = parse_sip(data)
    if message is None:
        return Reading({}, "no SIP message", True)
    if message.malformed:
        return Reading({}, message.malformed[0].reason)
    first: Fields
    if message.is_request:
        first = {"method": message.method, "uri": message.uri}
    else:
        first = {"status": message.status, "reason": message.reason}
    headers = [list(header) for header in message.headers]
    return Reading({**first, "version": message.version, "headers": headers, "body": message.body})


def _sdp(data: bytes) -> Reading:
    lines = split_lines(data.decode("utf-8", "replace"))
    if not any(line[1:2] == "=" and line[:1].isalpha() for line in lines):
        return Reading({}, "no session description", True)
    session = parse_sdp(data)
    if session.malformed:
        return Reading({}, session.malformed[0].reason)
    return Reading(
        {
            "origin": session.origin,
            "name": session.name,
            "address": session.address,
            "direction": session.direction,
            "attributes": [list(pair) for pair in session.attributes],
            "media": [_media(media) for media in session.media],
        }
    )


def _media(media: Media) -> Fields:
    return {
        "kind": media.kind,
        "port": media.port,
        "protocol": media.protocol,
        "address": media.address,
        "direction": media.direction,
        "formats": [
            {
                "payload_type": number,
                "name": named.name,
                "clock_rate": named.clock_rate,
                "channels": named.channels,
                "parameters": named.parameters,
            }
            for number, named in media.formats.items()
        ],
        "other_formats": list(media.other_formats),
        "ptime": media.ptime,
        "rtcp_port": media.rtcp_port,
        "rtcp_mux": media.rtcp_mux,
        "ssrcs": list(media.ssrcs),
        "attributes": [list(pair) for pair in media.attributes],
    }


def _stun(data: bytes) -> Reading:
    message = stun.parse(data)
    if message.fault:
        # RFC 8489 section 6.3 discards what is no STUN, or is longer or shorter than it says;
        # messages of no whole words are sent, and read, by some.
        wrong = message.length + stun.STUN_HEADER_BYTES != len(data)
        refused = message.fault in (stun.StunFault.HEADER, stun.StunFault.FIRST_BITS)
        refused |= message.fault == stun.StunFault.LENGTH and wrong
        return Reading({}, message.fault.label, refused)
    return Reading(
        {
            "type": message.type,
            "message_class": message.message_class,
            "method": message.method,
            "length": message.length,
            "transaction_id": message.transaction_id,
            "attributes": [{"type": a.type, "value": a.value} for a in message.attributes],
        }
    )


READERS: dict[Kind, Callable[[bytes], Reading]] = {
    "rtp": _rtp,
    "rtcp": _rtcp,
    "sip": _sip,
    "sdp": _sdp,
    "stun": _stun,
}
