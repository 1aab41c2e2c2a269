"""Parsers that are not ours, as the kit gets them: bytes in, what they give out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aioice.stun
import dpkt
from aiortc.rtp import RtcpPacket, RtpPacket

from rtpcap.testing.aliases import Rename
from rtpcap.testing.kinds import Kind

with warnings.catch_warnings():
    # scapy asks cryptography for ciphers that are to go.
    warnings.simplefilter("ignore")
    from scapy.contrib.stun import STUN
    from scapy.layers.rtp import RTP

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Peer:
    """A parser, and what it calls our fields where that is not a usual name."""

    kind: Kind
    parse: Parse
    rename: Rename = field(default_factory=dict)
    fields: tuple[str, ...] | None = None
    """Those that it has; all that it is found to have where none are named."""


def _payload(packet: Any) -> bytes:
    """What scapy has behind the header, and behind the extension where it has one."""
    inner = packet.payload
    return bytes(inner.payload if packet.extension else inner)


def _extension(packet: Any) -> bytes:
    if not packet.extension:
        return b""
    return b"".join(word.to_bytes(4, "big") for word in packet.payload.header)


def _scapy_extension_profile(packet: Any) -> int | None:
    return packet.payload.header_id if packet.extension else None


def _aiortc_rtcp(data: bytes) -> list[Mapping[str, object]]:
    return [_part(part) for part in RtcpPacket.parse(data)]


def _part(part: Any) -> Mapping[str, object]:
    """A packet of aiortc's with what it keeps in further objects beside the rest."""
    told = dict(vars(part))
    if "sender_info" in told:
        told |= vars(part.sender_info)
    if "lost" in told:
        # aiortc names each lost packet, and not the masks that it read.
        del told["lost"]
    if "chunks" in told:
        told["chunks"] = [
            {"ssrc": chunk.ssrc, "items": [{"kind": k, "value": v} for k, v in chunk.items]}
            for chunk in part.chunks
        ]
    return told


def _dpkt_sip(data: bytes) -> object:
    return dpkt.sip.Response(data) if data.startswith(b"SIP/") else dpkt.sip.Request(data)


def _sip_version(message: Any) -> str:
    return f"SIP/{message.version}"


def _aioice_class(message: Any) -> str:
    """Its name in RFC 8489; a success response is a response there."""
    name: str = message.message_class.name.lower()
    return "success" if name == "response" else name


def _scapy_attributes(message: Any) -> list[Mapping[str, object]]:
    """With the bytes of each value, of which scapy makes an object."""
    return [
        {"type": each.type, "value": bytes(each)[4 : 4 + each.length]}
        for each in message.attributes
    ]


PEERS: dict[str, Peer] = {
    "aiortc": Peer("rtp", RtpPacket.parse),
    "dpkt": Peer("rtp", dpkt.rtp.RTP),
    "scapy": Peer(
        "rtp",
        RTP,
        {
            "payload": _payload,
            "extension_payload": _extension,
            "extension_profile": _scapy_extension_profile,
        },
    ),
    "aiortc rtcp": Peer("rtcp", _aiortc_rtcp),
    "dpkt sip": Peer("sip", _dpkt_sip, {"version": _sip_version}),
    "dpkt stun": Peer("stun", dpkt.stun.STUN),
    "aioice stun": Peer(
        "stun",
        aioice.stun.parse_message,
        {"message_class": _aioice_class},
        ("message_class", "method", "transaction_id"),
    ),
    "scapy stun": Peer("stun", STUN, {"attributes": _scapy_attributes}),
}
