"""Frames and capture files from named fields.

Fields that are not given are those of a sound packet: lengths fit, checksums are left zero.
"""

from __future__ import annotations

import ipaddress
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Order = Literal["<", ">"]

SRC, DST = "10.0.0.1", "10.0.0.2"
SRC6, DST6 = "2001:db8::1", "2001:db8::2"
SRC_PORT, DST_PORT = 4000, 4002
MACS = bytes.fromhex("02000000000b02000000000a")
START_NS = 1_700_000_000_123_456_000

ETHERNET, NULL, SLL, SLL2, RAW = 1, 0, 113, 276, 101
IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
TCP, UDP = 6, 17


def udp(
    payload: bytes,
    *,
    src_port: int = SRC_PORT,
    dst_port: int = DST_PORT,
    length: int | None = None,
) -> bytes:
    size = 8 + len(payload) if length is None else length
    return struct.pack(">HHHH", src_port, dst_port, size, 0) + payload


def ipv4(
    body: bytes,
    *,
    src: str = SRC,
    dst: str = DST,
    protocol: int = UDP,
    options: bytes = b"",
    total_length: int | None = None,
    fragment: int = 0,
    version: int = 4,
    header_words: int | None = None,
) -> bytes:
    words = 5 + len(options) // 4 if header_words is None else header_words
    total = 20 + len(options) + len(body) if total_length is None else total_length
    head = struct.pack(
        ">BBHHHBBH", version << 4 | words, 0, total, 0x1234, fragment, 64, protocol, 0
    )
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    return head + ends + options + body


def ipv6(
    body: bytes,
    *,
    src: str = SRC6,
    dst: str = DST6,
    next_header: int = UDP,
    payload_length: int | None = None,
    version: int = 6,
) -> bytes:
    length = len(body) if payload_length is None else payload_length
    head = struct.pack(">IHBB", version << 28, length, next_header, 64)
    ends = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed
    return head + ends + body


def option_header(next_header: int, units: int = 0) -> bytes:
    """An IPv6 hop-by-hop or destination options header of 8 * (units + 1) bytes, all padding."""
    padding = 8 * (units + 1) - 4
    return struct.pack(">BBBB", next_header, units, 1, padding) + bytes(padding)


def fragment_header(next_header: int, *, offset: int = 0, more: bool = False) -> bytes:
    return struct.pack(">BBHI", next_header, 0, offset << 3 | more, 7)


def ethernet(body: bytes, *, ether_type: int = IPV4, tags: Sequence[int] = ()) -> bytes:
    """An Ethernet II frame; `tags` are the EtherTypes of its VLAN tags, outermost first."""
    kinds = [*tags, ether_type]
    stack = b"".join(struct.pack(">HH", 100, kind) for kind in kinds[1:])
    return MACS + struct.pack(">H", kinds[0]) + stack + body


def sll(body: bytes, *, protocol: int = IPV4) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, MACS[:8], protocol) + body


def sll2(body: bytes, *, protocol: int = IPV4) -> bytes:
    return struct.pack(">HHIHBB8s", protocol, 0, 2, 1, 0, 6, MACS[:8]) + body


@dataclass(frozen=True)
class Frame:
    """A frame as a file holds it: `original` is its length on the wire where the file cut it."""

    data: bytes
    time_ns: int = START_NS
    original: int | None = None

    @property
    def wire_length(self) -> int:
        return len(self.data) if self.original is None else self.original


def pcap(
    frames: Sequence[Frame],
    *,
    order: Order = "<",
    nanoseconds: bool = False,
    modified: bool = False,
    link: int = ETHERNET,
    snap_length: int = 262_144,
) -> bytes:
    """A classic pcap; `link` is the whole word, with the bits of a frame check sequence."""
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap_length, link)]
    for frame in frames:
        seconds, ns = divmod(frame.time_ns, 1_000_000_000)
        fraction = ns if nanoseconds else ns // 1000
        parts.append(
            struct.pack(f"{order}IIII", seconds, fraction, len(frame.data), frame.wire_length)
        )
        if modified:
            parts.append(struct.pack(f"{order}IHBB", 2, 0x0800, 0, 0))
        parts.append(frame.data)
    return b"".join(parts)


def block(kind: int, body: bytes, *, order: Order = "<", trailer: int | None = None) -> bytes:
    """A pcapng block of any kind; the body is padded to four bytes."""
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    head = struct.pack(f"{order}II", kind, length)
    return head + body + struct.pack(f"{order}I", length if trailer is None else trailer)


def section(*, order: Order = "<", major: int = 1, options: bytes = b"") -> bytes:
    body = struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, -1) + options
    return block(0x0A0D0D0A, body, order=order)


def option(code: int, value: bytes, *, order: Order = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(
    *,
    order: Order = "<",
    link: int = ETHERNET,
    snap_length: int = 0,
    tsresol: int | None = None,
    tsoffset: int | None = None,
) -> bytes:
    body = struct.pack(f"{order}HHI", link, 0, snap_length)
    body += option(2, b"eth0", order=order)
    if tsresol is not None:
        body += option(9, bytes([tsresol]), order=order)
    if tsoffset is not None:
        body += option(14, struct.pack(f"{order}q", tsoffset), order=order)
    return block(1, body + option(0, b"", order=order), order=order)


def enhanced(
    frame: Frame,
    *,
    order: Order = "<",
    number: int = 0,
    ticks: int | None = None,
    captured: int | None = None,
    comment: bytes = b"",
) -> bytes:
    """An enhanced packet block; `ticks` are microseconds where not given."""
    ticks = frame.time_ns // 1000 if ticks is None else ticks
    captured = len(frame.data) if captured is None else captured
    upper, lower = divmod(ticks, 1 << 32)
    body = struct.pack(f"{order}IIIII", number, upper, lower, captured, frame.wire_length)
    body += frame.data + bytes(-len(frame.data) % 4)
    if comment:
        body += option(1, comment, order=order) + option(0, b"", order=order)
    return block(6, body, order=order)


def simple(frame: Frame, *, order: Order = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", frame.wire_length) + frame.data, order=order)


def old_packet(frame: Frame, *, order: Order = "<", number: int = 0, drops: int = 3) -> bytes:
    """The obsolete packet block of kind 2."""
    upper, lower = divmod(frame.time_ns // 1000, 1 << 32)
    head = struct.pack(
        f"{order}HHIIII", number, drops, upper, lower, len(frame.data), frame.wire_length
    )
    return block(2, head + frame.data, order=order)


def split(payload: bytes, *cuts: int) -> list[tuple[int, bytes, bool]]:
    """A payload cut at some places: the offset of each part, its bytes, whether others follow."""
    edges = [0, *cuts, len(payload)]
    return [
        (begin, payload[begin:end], end < len(payload)) for begin, end in itertools.pairwise(edges)
    ]


def ipv4_fragment(
    offset: int,
    part: bytes,
    more: bool,
    *,
    identification: int = 0x1234,
    src: str = SRC,
    protocol: int = UDP,
    options: bytes = b"",
    total_length: int | None = None,
) -> bytes:
    """`offset` is in bytes."""
    flags = 0x2000 if more else 0
    packet = bytearray(
        ipv4(
            part,
            src=src,
            protocol=protocol,
            options=options,
            total_length=total_length,
            fragment=flags | offset // 8,
        )
    )
    packet[4:6] = identification.to_bytes(2, "big")
    return bytes(packet)


def ipv6_fragment(
    offset: int,
    part: bytes,
    more: bool,
    *,
    identification: int = 7,
    src: str = SRC6,
    protocol: int = UDP,
    first: int = 44,
    before: bytes = b"",
    payload_length: int | None = None,
) -> bytes:
    """`before` are extension headers, the first of kind `first`, the last with 44 behind it."""
    fragment = struct.pack(">BBHI", protocol, 0, offset | more, identification)
    body = before + fragment + part
    return ipv6(body, src=src, next_header=first, payload_length=payload_length)
