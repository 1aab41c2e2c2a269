"""The shape of a packet: what it is made of, without what it says.

Two packets of one shape make a parser take the same path, so that one of each is a corpus that is
small and has everything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from rtpcap.rtp.extensions import parse_elements
from rtpcap.testing.kinds import Kind
from rtpcap.testing.packet import Packet

__all__ = ["shape"]

Fields = Any
"""Fields that `read` gave: their kinds are known here."""


def shape(packet: Packet) -> Hashable:
    """What packets have in common that are built alike; those with a fault have that in common."""
    if packet.fault is not None:
        return packet.kind, packet.fault, packet.refused
    return packet.kind, SHAPES[packet.kind](packet.fields)


def _rtp(fields: Fields) -> Hashable:
    profile, content = fields["extension_profile"], fields["extension_payload"]
    elements = parse_elements(profile or 0, content)
    return (
        fields["payload_type"],
        fields["marker"],
        fields["csrc_count"],
        profile,
        tuple((number, len(data)) for number, data in elements) or len(content),
        fields["padding_bytes"],
        bool(fields["payload"]),
    )


def _rtcp(fields: Fields) -> Hashable:
    parts = tuple((part["kind"], _sizes(part)) for part in fields["packets"])
    return parts, fields["padding_bytes"]


def _sizes(value: Fields) -> Hashable:
    """How many there are of everything inside, and of what type: items, blocks, runs."""
    if isinstance(value, dict):
        inner = tuple(
            (name, _sizes(each))
            for name, each in value.items()
            if isinstance(each, (dict, list, bytes)) or name == "block"
        )
        return value.get("block"), inner
    if isinstance(value, list):
        return len(value), tuple(dict.fromkeys(_sizes(each) for each in value))
    return bool(value) if isinstance(value, bytes) else None


def _sip(fields: Fields) -> Hashable:
    names = tuple(name for name, _ in fields["headers"])
    return fields.get("method"), fields.get("status"), names, bool(fields["body"])


def _sdp(fields: Fields) -> Hashable:
    names = tuple(name for name, _ in fields["attributes"])
    return names, tuple(_media_shape(media) for media in fields["media"])


def _media_shape(media: Fields) -> Hashable:
    return (
        media["kind"],
        media["protocol"],
        media["port"] == 0,
        media["direction"],
        tuple((f["payload_type"], f["name"], f["channels"]) for f in media["formats"]),
        tuple(name for name, _ in media["attributes"]),
    )


def _stun(fields: Fields) -> Hashable:
    return fields["type"], tuple((a["type"], len(a["value"])) for a in fields["attributes"])


SHAPES: dict[Kind, Callable[[Fields], Hashable]] = {
    "rtp": _rtp,
    "rtcp": _rtcp,
    "sip": _sip,
    "sdp": _sdp,
    "stun": _stun,
}
