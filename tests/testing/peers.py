"""Parsers that are not ours, as the kit gets them: bytes in, what they give out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dpkt
from aiortc.rtp import RtcpPacket, RtpPacket

from rtpcap.testing.aliases import Rename
from rtpcap.testing.kinds import Kind

with warnings.catch_warnings():
    # scapy asks cryptography for ciphers that are to go.
    warnings.simplefilter("ignore")
    from scapy.layers.rtp import RTP

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Peer:
    """A parser, and what it calls our fields where that is not a usual name."""

    kind: Kind
    parse: Parse
    rename: Rename = field(default_factory=dict)


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
}
