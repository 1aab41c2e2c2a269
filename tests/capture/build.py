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


# Links and tunnels: each puts its header before a body.

OUTER, OUTER_FAR = "198.51.100.1", "198.51.100.2"
"""The ends of a tunnel."""
OUTER6, OUTER6_FAR = "2001:db8:ffff::1", "2001:db8:ffff::2"
MPLS, PPPOE, PPP, BRIDGED, METADATA = 0x8847, 0x8864, 0x880B, 0x6558, 0x8909


def outer(body: bytes, protocol: int) -> bytes:
    """An IPv4 packet between the ends of a tunnel."""
    return ipv4(body, src=OUTER, dst=OUTER_FAR, protocol=protocol)


def outer6(body: bytes, protocol: int) -> bytes:
    return ipv6(body, src=OUTER6, dst=OUTER6_FAR, next_header=protocol)


def outer_udp(body: bytes, port: int, *, src_port: int = 50_000) -> bytes:
    """A UDP datagram between the ends of a tunnel, to a port."""
    return outer(udp(body, src_port=src_port, dst_port=port), UDP)


def length_and_llc(body: bytes) -> bytes:
    """IEEE 802.3: a length in place of the EtherType."""
    return MACS + struct.pack(">H", len(body)) + body


def snap(body: bytes, *, kind: int = IPV4, organisation: int = 0) -> bytes:
    """RFC 1042: LLC, and the Subnetwork Access Protocol."""
    return b"\xaa\xaa\x03" + organisation.to_bytes(3, "big") + struct.pack(">H", kind) + body


def mpls(body: bytes, *, labels: int = 1, bottom: bool = True) -> bytes:
    """RFC 3032: label, traffic class, bottom of stack, time to live."""
    stack = [
        struct.pack(">I", 16 + i << 12 | (bottom and i == labels - 1) << 8 | 64)
        for i in range(labels)
    ]
    return b"".join(stack) + body


def control_word(body: bytes, *, sequence: int = 0) -> bytes:
    """RFC 4385: four zero bits, flags, length, sequence number."""
    return struct.pack(">HH", 0, sequence) + body


def ppp(
    body: bytes, *, protocol: int = 0x21, address: bool = False, compressed: bool = False
) -> bytes:
    """RFC 1661 and 1662."""
    head = b"\xff\x03" if address else b""
    return head + protocol.to_bytes(1 if compressed else 2, "big") + body


def pppoe(body: bytes, *, code: int = 0, length: int | None = None) -> bytes:
    """RFC 2516: version 1, type 1, code, session, length."""
    size = len(body) if length is None else length
    return struct.pack(">BBHH", 0x11, code, 17, size) + body


def backbone(body: bytes) -> bytes:
    """IEEE 802.1ah: priority and flags, a service of 24 bits, then the customer's frame."""
    return struct.pack(">I", 0x1234) + body


def metadata(body: bytes, *, ether_type: int = IPV4) -> bytes:
    """Cisco: version, length, option, security group tag, and the EtherType of what follows."""
    return struct.pack(">BBHHH", 1, 1, 1, 42, ether_type) + body


def gre(
    body: bytes,
    *,
    protocol: int = IPV4,
    checksum: bool = False,
    routing: bool = False,
    key: bool = False,
    sequence: bool = False,
    version: int = 0,
) -> bytes:
    """RFC 2784 and 2890; RFC 1701 where there is routing."""
    flags = checksum << 15 | routing << 14 | key << 13 | sequence << 12 | version
    head = struct.pack(">HH", flags, protocol)
    head += b"\xde\xad\0\0" * (checksum or routing) + b"\0\0\0\x07" * key + b"\0\0\1\0" * sequence
    return head + body


def pptp(
    body: bytes, *, sequence: bool = True, acknowledge: bool = False, protocol: int = PPP
) -> bytes:
    """RFC 2637 section 4.1: version 1 of GRE; the key is payload length and call."""
    flags = 0x2001 | sequence << 12 | acknowledge << 7
    head = struct.pack(">HHHH", flags, protocol, len(body), 9)
    return head + b"\0\0\0\x01" * sequence + b"\0\0\0\x05" * acknowledge + body


def erspan_2(body: bytes) -> bytes:
    """draft-foschiano-erspan section 4.2: version 1, VLAN, class, session, index."""
    return struct.pack(">HHI", 1 << 12 | 100, 7, 3) + body


def erspan_3(body: bytes, *, frame_type: int = 0, subheader: bytes = b"") -> bytes:
    """Section 4.3: version 2, time stamp, group; the last bit: a subheader of 8 bytes follows."""
    last = frame_type << 10 | bool(subheader)
    return struct.pack(">HHIHH", 2 << 12 | 100, 7, 0x89ABCDEF, 42, last) + subheader + body


def vxlan(body: bytes, *, flags: int = 0x08, policy: int = 0) -> bytes:
    """RFC 7348: flags, 24 bits of reserve (or a group policy), 24 bits of network, reserve."""
    return struct.pack(">BBHI", flags, 0, policy, 1000 << 8) + body


def vxlan_gpe(body: bytes, *, next_protocol: int, flags: int = 0x0C) -> bytes:
    """draft-ietf-nvo3-vxlan-gpe: flags, 16 bits of reserve, next protocol, network, reserve."""
    return struct.pack(">BHBI", flags, 0, next_protocol, 1000 << 8) + body


def geneve(
    body: bytes, *, protocol: int = BRIDGED, options: bytes = b"", control: bool = False
) -> bytes:
    """RFC 8926 section 3.4."""
    first = len(options) // 4 << 8 | control << 7 | bool(options) << 6
    return struct.pack(">HHI", first, protocol, 1000 << 8) + options + body


def gtp(
    body: bytes,
    *,
    kind: int = 255,
    sequence: bool = False,
    number: bool = False,
    extensions: Sequence[bytes] | None = None,
    length: int | None = None,
) -> bytes:
    """3GPP TS 29.281 section 5: an extension is its content, four bytes less two a unit."""
    flags = 0x30 | (extensions is not None) << 2 | sequence << 1 | number
    rest = b""
    if flags & 7:
        kinds = [0x85] * len(extensions or ()) + [0]
        rest = struct.pack(">HBB", 1, 2, kinds[0])
        for content, following in zip(extensions or (), kinds[1:], strict=True):
            rest += bytes([(len(content) + 2) // 4]) + content + bytes([following])
    size = len(rest) + len(body) if length is None else length
    return struct.pack(">BBHI", flags, kind, size, 0xCAFE) + rest + body


def teredo(body: bytes, *, authentication: bytes | None = None, origin: bool = False) -> bytes:
    """RFC 4380 section 5.1.1: lengths of client and value, both in `authentication`."""
    head = b""
    if authentication is not None:
        head = struct.pack(">HBB", 1, 0, len(authentication)) + authentication + bytes(9)
    if origin:
        head += struct.pack(">HHI", 0, 0xFFFF, 0xFEFEFEFE)
    return head + body


def l2tp(
    body: bytes, *, length: bool = False, sequence: bool = False, offset: int | None = None
) -> bytes:
    """RFC 2661 section 3.1, a data message."""
    flags = length << 14 | sequence << 11 | (offset is not None) << 9 | 2
    rest = struct.pack(">HH", 1, 2) + b"\0\1\0\1" * sequence
    if offset is not None:
        rest += struct.pack(">H", offset) + bytes(offset)
    size = struct.pack(">H", 4 + len(rest) + len(body)) if length else b""
    return struct.pack(">H", flags) + size + rest + body


def l2tp3(body: bytes, *, cookie: bytes = b"", session: int = 77) -> bytes:
    """RFC 3931 section 4.1: over IP."""
    return struct.pack(">I", session) + cookie + body


def etherip(body: bytes, *, version: int = 3) -> bytes:
    """RFC 3378: the upper four bits."""
    return struct.pack(">H", version << 12) + body


def tzsp(body: bytes, *, encapsulation: int = 1, tags: bytes = b"\x0a\x01\xd3\x00\x01") -> bytes:
    """Version 1, a received packet, and tags up to the one of kind 1."""
    return struct.pack(">BBH", 1, 0, encapsulation) + tags + body


def authentication_header(body: bytes, *, following: int) -> bytes:
    """RFC 4302: the length counts words of four bytes, less two."""
    return struct.pack(">BBHII", following, 4, 0, 1, 1) + bytes(12) + body


def hep_chunk(kind: int, content: bytes, *, vendor: int = 0, size: int | None = None) -> bytes:
    return struct.pack(">HHH", vendor, kind, 6 + len(content) if size is None else size) + content


def hep3(*chunks: bytes, length: int | None = None) -> bytes:
    size = 6 + sum(map(len, chunks))
    return b"HEP3" + struct.pack(">H", size if length is None else length) + b"".join(chunks)


def hep_ends(
    *,
    src: str = SRC,
    dst: str = DST,
    src_port: int = SRC_PORT,
    dst_port: int = DST_PORT,
    protocol: int = UDP,
) -> list[bytes]:
    """The chunks that say who talked to whom: family, protocol, addresses, ports."""
    ends = [ipaddress.ip_address(end) for end in (src, dst)]
    family, first = (2, 3) if ends[0].version == 4 else (10, 5)
    return [
        hep_chunk(1, bytes([family])),
        hep_chunk(2, bytes([protocol])),
        hep_chunk(first, ends[0].packed),
        hep_chunk(first + 1, ends[1].packed),
        hep_chunk(7, struct.pack(">H", src_port)),
        hep_chunk(8, struct.pack(">H", dst_port)),
    ]


def wifi(
    body: bytes,
    *,
    kind: int = 2,
    subtype: int = 0,
    flags: int = 0x01,
    fragment: int = 0,
    quality: int = 0,
    padding: bytes = b"",
) -> bytes:
    """IEEE 802.11 section 9.2: frame control, duration, three addresses, sequence control, ..."""
    head = bytes([subtype << 4 | kind << 2, flags]) + bytes(20) + struct.pack("<H", fragment)
    head += bytes(6) * (flags & 3 == 3)
    if kind == 2 and subtype & 8:
        head += struct.pack("<H", quality) + bytes(4) * bool(flags & 0x80)
    return head + padding + body


def radiotap(body: bytes, *, present: int = 0, fields: bytes = b"", version: int = 0) -> bytes:
    return struct.pack("<BBHI", version, 0, 8 + len(fields), present) + fields + body


def nflog(body: bytes, *, order: Order = "<", before: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """Family, version, group (big-endian), then attributes; the packet is of kind 9."""
    parts = [
        struct.pack(f"{order}HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
        for kind, value in (*before, (9, body))
    ]
    return struct.pack(">BBH", 2, 0, 5) + b"".join(parts)


def pktap(body: bytes, *, link: int = ETHERNET, length: int = 108) -> bytes:
    """Length, kind of what follows (1: a packet), link type, and the interface's name and so on."""
    return struct.pack("<III", length, 1, link) + bytes(96) + body


def exported(body: bytes, *tags: tuple[int, bytes]) -> bytes:
    """Wireshark's export: tags of 16 bits with lengths of 16 bits, and one of kind 0."""
    head = b"".join(struct.pack(">HH", kind, len(value)) + value for kind, value in tags)
    return head + bytes(4) + body
