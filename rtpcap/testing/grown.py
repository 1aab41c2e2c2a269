"""Sound packets grown from real ones, a function a kind; the choices are drawn by hypothesis."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from rtpcap.rtp import rtcp, stun
from rtpcap.rtp.extensions import ONE_BYTE, build_elements
from rtpcap.rtp.header import RTP_VERSION, WORD_BYTES
from rtpcap.rtp.message import HEAD
from rtpcap.signalling.head import COMPACT
from rtpcap.testing.kinds import Kind
from rtpcap.testing.packet import Packet

__all__ = ["BOUND", "GROWN", "Grow", "rtp_bytes"]

Grow = Callable[[st.DrawFn, Packet, Sequence[Packet]], Packet]
"""A real packet, and all there are, to a sound one."""

WORD = st.integers(0, 0xFFFF_FFFF)
HALF = st.integers(0, 0xFFFF)
PLAIN_TYPES = st.integers(0, 63) | st.integers(96, 127)
"""Payload types that are not taken for RTCP beside the marker (RFC 5761 section 4)."""
MOST_CSRC = 15
EXTENSION_HEAD = struct.Struct(">HH")
BOUND = frozenset((0x0008, 0x001C, 0x8028))
"""MESSAGE-INTEGRITY, its SHA-256 and FINGERPRINT: what holds only for the bytes before it."""
CRLF = b"\r\n"


def rtp_bytes(
    *,
    marker: bool,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    csrc: Sequence[int] = (),
    extension: bytes = b"",
    payload: bytes = b"",
    padding: int = 0,
) -> bytes:
    """A packet of these fields; `extension` with its head, `padding` bytes with their count."""
    first = RTP_VERSION << 6 | bool(padding) << 5 | bool(extension) << 4 | len(csrc)
    head = HEAD.pack(first, marker << 7 | payload_type, sequence, timestamp, ssrc)
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    return head + struct.pack(f">{len(csrc)}I", *csrc) + extension + payload + tail


def _rtp(draw: st.DrawFn, packet: Packet, seeds: Sequence[Packet]) -> Packet:
    fields: Any = packet.fields
    profile, content = fields["extension_profile"], fields["extension_payload"]
    own = b"" if profile is None else EXTENSION_HEAD.pack(profile, len(content) // 4) + content
    extension = draw(st.just(own) | _extensions())
    payload: bytes = fields["payload"]
    data = rtp_bytes(
        marker=draw(st.booleans()),
        payload_type=draw(st.just(fields["payload_type"]) | PLAIN_TYPES),
        sequence=draw(st.just(fields["sequence"]) | st.sampled_from((0, 0xFFFF)) | HALF),
        timestamp=draw(st.just(fields["timestamp"]) | WORD),
        ssrc=draw(st.just(fields["ssrc"]) | WORD),
        csrc=draw(st.just(fields["csrc"]) | st.lists(WORD, max_size=MOST_CSRC)),
        extension=extension,
        payload=payload[: draw(st.just(len(payload)) | st.integers(0, len(payload)))],
        padding=draw(st.sampled_from((0, 0, 1, 4, 255))),
    )
    return packet.changed(data, "grown")


@st.composite
def _extensions(draw: st.DrawFn) -> bytes:
    """An extension of one-byte elements, of a profile of its own, or an empty one."""
    profile = draw(st.sampled_from((ONE_BYTE, ONE_BYTE, 0, 0xFFFF)))
    elements = draw(
        st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4)
    )
    content = build_elements(elements)
    return EXTENSION_HEAD.pack(profile, len(content) // WORD_BYTES) + content


def _rtcp(draw: st.DrawFn, packet: Packet, seeds: Sequence[Packet]) -> Packet:
    """A report first, then packets out of all compound ones."""
    every = [part for seed in seeds for part in rtcp.parse(seed.data).packets]
    reports = [part for part in every if isinstance(part, rtcp.SenderReport | rtcp.ReceiverReport)]
    first: rtcp.SenderReport | rtcp.ReceiverReport
    first = draw(st.sampled_from(reports)) if reports else rtcp.ReceiverReport(draw(WORD))
    blocks = tuple(
        replace(
            block,
            ssrc=draw(WORD),
            fraction_lost=draw(st.integers(0, 255)),
            cumulative_lost=draw(st.integers(-(1 << 23), (1 << 23) - 1)),
            jitter=draw(WORD),
        )
        for block in first.blocks
    )
    first = replace(first, ssrc=draw(WORD), blocks=blocks)
    more = draw(st.lists(st.sampled_from(every), max_size=4))
    data = rtcp.build([first, *more])
    return packet.changed(data, "grown")


LONG = {full.encode(): short.encode() for short, full in COMPACT.items()}


def _sip(draw: st.DrawFn, packet: Packet, seeds: Sequence[Packet]) -> Packet:
    """The same message with header names in other spellings, and lines folded (RFC 3261 7.3.1)."""
    head, _, body = packet.data.partition(CRLF * 2)
    start, *lines = head.split(CRLF)
    spelled = [_spelled(draw, line) for line in lines]
    return packet.changed(CRLF.join([start, *spelled]) + CRLF * 2 + body, "spelled otherwise")


def _spelled(draw: st.DrawFn, line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    if not colon:
        return line
    how = draw(st.sampled_from(("same", "upper", "lower", "compact", "blanks", "folded")))
    match how:
        case "upper":
            return name.upper() + colon + value
        case "lower":
            return name.lower() + colon + value
        case "compact":
            return LONG.get(name, name) + colon + value
        case "blanks":
            return name + b" \t" + colon + b"  " + value.strip() + b" "
        case "folded":
            return name + colon + CRLF + b" " + value.strip()
    return line


def _sdp(draw: st.DrawFn, packet: Packet, seeds: Sequence[Packet]) -> Packet:
    """Without some of its attributes, with other ports and line ends."""
    lines = packet.data.replace(CRLF, b"\n").split(b"\n")
    kept = []
    for line in lines:
        if line.startswith(b"a=") and draw(st.integers(0, 3)) == 0:
            continue
        words = line.split(b" ")
        if line.startswith(b"m=") and len(words) > 1:
            words[1] = str(draw(st.integers(1, 0xFFFF))).encode()
            line = b" ".join(words)
        kept.append(line)
    return packet.changed(draw(st.sampled_from((b"\n", CRLF))).join(kept), "grown")


def _stun(draw: st.DrawFn, packet: Packet, seeds: Sequence[Packet]) -> Packet:
    """Another transaction, and some of its attributes in another order."""
    message = stun.parse(packet.data)
    free = [each for each in message.attributes if each.type not in BOUND]
    chosen = draw(st.permutations(free))[: draw(st.integers(0, len(free)))]
    return packet.changed(
        stun.build(message.type, draw(st.binary(min_size=12, max_size=12)), chosen), "grown"
    )


GROWN: dict[Kind, Grow] = {
    "rtp": _rtp,
    "rtcp": _rtcp,
    "sip": _sip,
    "sdp": _sdp,
    "stun": _stun,
}
