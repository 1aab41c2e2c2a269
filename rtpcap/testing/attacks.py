"""What a parser may believe and should not: attacks on real packets, drawn by hypothesis."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from rtpcap.rtp.header import EXTENSION_HEAD_BYTES, HEADER_BYTES, WORD_BYTES
from rtpcap.rtp.rtcp.part import PADDING_BIT, PART_HEADER
from rtpcap.rtp.stun import ATTRIBUTE_HEADER_BYTES, STUN_HEADER_BYTES
from rtpcap.testing.kinds import Kind
from rtpcap.testing.packet import Packet

__all__ = ["ANY", "HOSTILE", "Attack"]

Attack = Callable[[st.DrawFn, Packet], Packet]

LENGTHS = st.sampled_from((0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF))
HUGE = 1 << 16
NUMBERS = (
    b"-1",
    b"0",
    b"00",
    b"1e9",
    b"4294967296",
    b"18446744073709551616",
    b"9" * 400,
    b"",
    b"x",
)
CRLF = b"\r\n"


def _with(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def nothing(draw: st.DrawFn, packet: Packet) -> Packet:
    return packet.changed(b"", "no bytes at all")


def cut(draw: st.DrawFn, packet: Packet) -> Packet:
    size = draw(st.integers(0, len(packet.data) - 1))
    return packet.changed(packet.data[:size], f"cut to {size} bytes")


def huge(draw: st.DrawFn, packet: Packet) -> Packet:
    times = HUGE // max(len(packet.data), 1)
    return packet.changed((packet.data * (times + 1))[: HUGE - 1], "repeated to 65,535 bytes")


def trailing(draw: st.DrawFn, packet: Packet) -> Packet:
    more = draw(st.binary(min_size=1, max_size=32))
    return packet.changed(packet.data + more, f"{more.hex()} behind it")


def filled(draw: st.DrawFn, packet: Packet) -> Packet:
    value = draw(st.sampled_from((0, 0x20, 0x41, 0x80, 0xFF)))
    keep = draw(st.integers(0, min(len(packet.data), 32)))
    data = packet.data[:keep] + bytes([value]) * (len(packet.data) - keep)
    return packet.changed(data, f"{value:02x} from byte {keep} on")


def rtp_version(draw: st.DrawFn, packet: Packet) -> Packet:
    version = draw(st.sampled_from((0, 1, 3)))
    return packet.changed(
        _with(packet.data, 0, bytes([packet.data[0] & 0x3F | version << 6])), f"version {version}"
    )


def rtp_csrc(draw: st.DrawFn, packet: Packet) -> Packet:
    room = draw(st.integers(0, 4 * 15 - 1))
    data = bytes([packet.data[0] & 0xE0 | 15]) + packet.data[1:]
    return packet.changed(data[: HEADER_BYTES + room], f"15 sources in {room} bytes")


def rtp_extension(draw: st.DrawFn, packet: Packet) -> Packet:
    fields: Any = packet.fields
    at = HEADER_BYTES + WORD_BYTES * fields["csrc_count"]
    words, profile = draw(LENGTHS), draw(st.sampled_from((0xBEDE, 0x1000, 0)))
    head = struct.pack(">HH", profile, words)
    data = bytes([packet.data[0] | 0x10]) + packet.data[1:at] + head
    data += packet.data[at + EXTENSION_HEAD_BYTES * fields["extension"] :]
    data = data[: draw(st.just(len(data)) | st.integers(at, len(data)))]
    return packet.changed(data, f"an extension that says {words} words")


def rtp_padding(draw: st.DrawFn, packet: Packet) -> Packet:
    count = draw(st.sampled_from((0, 1, 254, 255)))
    keep = draw(st.just(len(packet.data)) | st.integers(HEADER_BYTES, len(packet.data)))
    data = bytes([packet.data[0] | PADDING_BIT]) + packet.data[1:keep]
    data = data[:-1] + bytes([count]) if len(data) > HEADER_BYTES else data
    return packet.changed(data, f"padding that says {count} bytes of {len(data)}")


def rtcp_length(draw: st.DrawFn, packet: Packet) -> Packet:
    at = draw(st.sampled_from(_parts(packet.data)))
    words = draw(LENGTHS)
    data = _with(packet.data, at + 2, struct.pack(">H", words))
    return packet.changed(data, f"the packet at byte {at} says {words} words")


def rtcp_count(draw: st.DrawFn, packet: Packet) -> Packet:
    at = draw(st.sampled_from(_parts(packet.data)))
    data = _with(packet.data, at, bytes([packet.data[at] | 31]))
    return packet.changed(data, f"the packet at byte {at} counts 31")


def rtcp_type(draw: st.DrawFn, packet: Packet) -> Packet:
    at = draw(st.sampled_from(_parts(packet.data)))
    kind = draw(st.integers(0, 255))
    return packet.changed(
        _with(packet.data, at + 1, bytes([kind])), f"the packet at byte {at} is of type {kind}"
    )


def rtcp_padding(draw: st.DrawFn, packet: Packet) -> Packet:
    at = draw(st.sampled_from(_parts(packet.data)))
    count = draw(st.sampled_from((0, 1, 3, 4, 252, 255)))
    data = _with(packet.data, at, bytes([packet.data[at] | PADDING_BIT]))[:-1] + bytes([count])
    return packet.changed(data, f"the packet at byte {at} padded, the last byte says {count}")


def _parts(data: bytes) -> list[int]:
    """Where the packets of a compound one begin."""
    found, at = [], 0
    while at + PART_HEADER.size <= len(data):
        found.append(at)
        at += (PART_HEADER.unpack_from(data, at)[2] + 1) * WORD_BYTES
    return found or [0]


def sip_length(draw: st.DrawFn, packet: Packet) -> Packet:
    number = draw(st.sampled_from(NUMBERS))
    line = re.compile(rb"(?im)^(content-length|l)[ \t]*:[^\r\n]*")
    data = line.sub(lambda found: found[1] + b": " + number, packet.data)
    return packet.changed(data, f"Content-Length {number[:20].decode()!r}")


def sip_cseq(draw: st.DrawFn, packet: Packet) -> Packet:
    number = draw(st.sampled_from(NUMBERS))
    data = re.sub(
        rb"(?im)^(cseq[ \t]*:)[^\r\n]*", lambda found: found[1] + b" " + number, packet.data
    )
    return packet.changed(data, f"CSeq {number[:20].decode()!r}")


LINES = (
    b"Via: " + b"," * 2000,
    b"To: " + b"<" * 2000,
    b'From: "' + b"\\" * 2001,
    b"Contact: <sip:" + b"[" * 500 + b">",
    b"X: " + b"a" * 65_000,
    b": no name",
    b"no colon",
    b"\0\0: \0",
    b"\xff\xfe: \xff",
    b" folded first",
    b"Content-Type: multipart/mixed;boundary=",
    b'Content-Type: multipart/mixed;boundary="' + b"-" * 300,
)


def sip_line(draw: st.DrawFn, packet: Packet) -> Packet:
    line = draw(st.sampled_from(LINES))
    start, end, rest = packet.data.partition(CRLF)
    return packet.changed(
        start + end + line + CRLF + rest, f"a line {line[:20]!r}, {len(line)} bytes"
    )


def sip_many(draw: st.DrawFn, packet: Packet) -> Packet:
    start, end, rest = packet.data.partition(CRLF)
    return packet.changed(start + end + b"Via: a\r\n" * 5000 + rest, "5,000 more lines")


def text_ends(draw: st.DrawFn, packet: Packet) -> Packet:
    other = draw(st.sampled_from((b"\n", b"\r", b"\r\r\n", b"\0", b"")))
    return packet.changed(packet.data.replace(CRLF, other), f"lines end with {other!r}")


SDP_LINES = (
    b"m=audio 99999999999 RTP/AVP 0",
    b"m=audio -1 RTP/AVP 0",
    b"m=audio 4000/65535 RTP/AVP " + b"0 " * 2000,
    b"m=",
    b"m=audio",
    b"c=IN IP4 999.999.999.999",
    b"c=IN IP6 " + b":" * 300,
    b"a=rtpmap:999999999999 PCMU/99999999999999/999999999",
    b"a=rtpmap:",
    b"a=fmtp:96 " + b"a=" * 5000,
    b"a=candidate:" + b"1 " * 1000,
    b"a=ssrc:99999999999999999999",
    b"a=ptime:" + b"9" * 400,
    b"=",
    b"\xff\xff",
)


def sdp_line(draw: st.DrawFn, packet: Packet) -> Packet:
    line = draw(st.sampled_from(SDP_LINES))
    lines = packet.data.split(b"\n")
    at = draw(st.integers(0, len(lines)))
    data = b"\n".join([*lines[:at], line, *lines[at:]])
    return packet.changed(data, f"line {at + 1} is {line[:20]!r}")


def stun_length(draw: st.DrawFn, packet: Packet) -> Packet:
    length = draw(LENGTHS)
    data = _with(packet.data, 2, struct.pack(">H", length))
    return packet.changed(data, f"it says {length} bytes")


def stun_attribute(draw: st.DrawFn, packet: Packet) -> Packet:
    if len(packet.data) < STUN_HEADER_BYTES + ATTRIBUTE_HEADER_BYTES:
        return stun_length(draw, packet)
    length = draw(LENGTHS)
    data = _with(packet.data, STUN_HEADER_BYTES + 2, struct.pack(">H", length))
    return packet.changed(data, f"its first attribute says {length} bytes")


def stun_first_bits(draw: st.DrawFn, packet: Packet) -> Packet:
    bits = draw(st.integers(1, 3))
    return packet.changed(
        _with(packet.data, 0, bytes([packet.data[0] | bits << 6])), f"first two bits {bits:02b}"
    )


ANY: tuple[Attack, ...] = (nothing, cut, huge, trailing, filled)
HOSTILE: dict[Kind, tuple[Attack, ...]] = {
    "rtp": (rtp_version, rtp_csrc, rtp_extension, rtp_padding),
    "rtcp": (rtcp_length, rtcp_count, rtcp_type, rtcp_padding),
    "sip": (sip_length, sip_cseq, sip_line, sip_many, text_ends),
    "sdp": (sdp_line, text_ends),
    "stun": (stun_length, stun_attribute, stun_first_bits),
}
"""By kind; those of `ANY` fit all."""
