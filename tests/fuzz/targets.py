"""What is fuzzed: how any bytes become a capture that leads to one part of the package.

Each target builds a whole capture file round the fuzzer's bytes, so that the part is reached as it
is in use, through `rtpcap.open`, and all that comes after it is tried too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.capture.build import (
    DST,
    DST6,
    ETHERNET,
    IPV6,
    NULL,
    RAW,
    SLL,
    SLL2,
    SRC,
    SRC6,
    START_NS,
    TCP,
    UDP,
    Frame,
    Order,
    ethernet,
    fragment_header,
    ipv4,
    ipv6,
    pcap,
    section,
    udp,
)
from tests.fuzz.pieces import Piece, split

__all__ = ["LINKS", "PCAP_MAGICS", "SECTIONS", "TARGETS", "Target"]

STEP_NS = 20_000_000
MOST_UNITS = 0x1FFF
"""The largest offset of a fragment, in units of eight bytes."""
FRAGMENT_IDS = 4

LINKS = (
    *(ETHERNET, SLL, SLL2, RAW, NULL),
    *(9, 12, 14, 50, 51, 104, 105, 108, 119, 127, 192, 228, 229, 239, 252, 258),
)
"""The link types that a byte chooses from; anything else is one number more to be refused."""

PCAP_MAGICS = tuple(
    bytes.fromhex(magic)
    for magic in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34")
)
ORDERS: tuple[Order, ...] = ("<", ">")
SECTIONS = tuple(section(order=order) for order in ORDERS)

TCP_PORTS = ((5060, 40000), (554, 40001), (40050, 40002), (3478, 40003))
RTP_PORTS = ((4000, 4002), (4001, 4003), (3478, 4004), (5060, 5060))


@dataclass(frozen=True)
class Target:
    """A part of the package, and how bytes become a capture that leads to it."""

    name: str
    build: Callable[[bytes], bytes]


def _pcap(text: bytes) -> bytes:
    """A byte that chooses the magic, then the rest of the file."""
    return PCAP_MAGICS[(text or b"\0")[0] % len(PCAP_MAGICS)] + text[1:]


def _pcapng(text: bytes) -> bytes:
    """A byte that chooses the byte order of the first section, then the blocks in it."""
    return SECTIONS[(text or b"\0")[0] % len(SECTIONS)] + text[1:]


def _link(text: bytes) -> bytes:
    """A byte that chooses the link type, then a frame a piece.

    Control: what the wire had more of than was captured (2 bytes).
    """
    frames = []
    for number, (control, data) in enumerate(split(text[1:])):
        (more,) = struct.unpack_from(">H", control)
        frames.append(Frame(data, START_NS + number * STEP_NS, len(data) + more))
    return pcap(frames, link=LINKS[(text or b"\0")[0] % len(LINKS)])


def _fragments(text: bytes) -> bytes:
    """A fragment a piece.

    Control: flags (bit 0 IPv6, bit 1 more fragments, bit 2 another sender, bit 3 TCP), which packet
    it belongs to, its offset in units of eight bytes (2), bytes that its length field claims
    beyond the data (2), time that passed before it in steps (2).
    """
    frames = []
    now = START_NS
    for control, data in split(text):
        flags, packet, units, beyond, wait = struct.unpack(">BBHHH", control)
        now += wait * STEP_NS
        offset, more = units & MOST_UNITS, bool(flags & 2)
        protocol = TCP if flags & 8 else UDP
        if flags & 1:
            head = bytearray(fragment_header(protocol, offset=offset, more=more))
            head[-1] = packet % FRAGMENT_IDS
            body = bytes(head) + data
            claimed = min(len(body) + beyond, 0xFFFF)
            src = DST6 if flags & 4 else SRC6
            network = ipv6(body, src=src, next_header=44, payload_length=claimed)
            frames.append(Frame(ethernet(network, ether_type=IPV6), now))
        else:
            claimed = min(20 + len(data) + beyond, 0xFFFF)
            whole = bytearray(
                ipv4(
                    data,
                    src=DST if flags & 4 else SRC,
                    protocol=protocol,
                    fragment=offset | more << 13,
                    total_length=claimed,
                )
            )
            whole[5] = packet % FRAGMENT_IDS
            frames.append(Frame(ethernet(bytes(whole)), now))
    return pcap(frames)


def _tcp(text: bytes) -> bytes:
    """A segment a piece.

    Control: which connection (2 bits) and direction (bit 7), TCP flags, sequence number (4), one
    more than how far it is from the end of what its direction has sent (2, signed; 0 where the
    number itself counts).
    """
    frames = []
    ends: dict[tuple[int, bool], int] = {}
    for number, (control, data) in enumerate(split(text)):
        which, flags, sequence, distance = struct.unpack(">BBIh", control)
        side = (which % len(TCP_PORTS), bool(which & 0x80))
        if side in ends and distance:
            sequence = ends[side] + distance - 1
        sequence %= 1 << 32
        # SYN and FIN take a number each.
        ends[side] = sequence + len(data) + (flags >> 1 & 1) + (flags & 1)
        ports = TCP_PORTS[side[0]]
        src_port, dst_port = reversed(ports) if side[1] else ports
        head = struct.pack(
            ">HHIIBBHHH", src_port, dst_port, sequence, 0, 5 << 4, flags, 65535, 0, 0
        )
        src, dst = (DST, SRC) if side[1] else (SRC, DST)
        packet = ipv4(head + data, src=src, dst=dst, protocol=TCP)
        frames.append(Frame(ethernet(packet), START_NS + number * STEP_NS))
    return pcap(frames)


def _udp_payloads(pieces: Sequence[Piece], ports: tuple[tuple[int, int], ...]) -> bytes:
    frames = []
    now = START_NS
    for control, data in pieces:
        which, cut, wait = struct.unpack(">BBh", control[:4])
        now = max(now + STEP_NS + wait * 1_000_000, 0)
        src_port, dst_port = ports[which % len(ports)]
        src, dst = (DST, SRC) if which & 0x80 else (SRC, DST)
        whole = ethernet(ipv4(udp(data, src_port=src_port, dst_port=dst_port), src=src, dst=dst))
        frames.append(Frame(whole[: len(whole) - cut], now, len(whole)))
    return pcap(frames)


def _rtp(text: bytes) -> bytes:
    """A UDP payload a piece.

    Control: which ports (2 bits) and direction (bit 7), bytes at its end that were not captured,
    milliseconds that it comes later than after 20 (2, signed).
    """
    return _udp_payloads(split(text), RTP_PORTS)


def _rtcp(text: bytes) -> bytes:
    """The same, on the ports of RTCP and of rtcp-mux, beside a stream of RTP on them.

    Each piece becomes a packet of version 2 and of a type from RTCP's range.
    """
    pieces = []
    for number, (control, data) in enumerate(split(text)):
        if len(data) >= 2:
            data = bytes((0x80 | data[0] & 0x3F, 192 | data[1] & 0x1F)) + data[2:]
        media = struct.pack(">BBHII", 0x80, 0, number, 160 * number, 0x1234) + bytes(160)
        pieces += [Piece(b"\0" * 8, media), Piece(control, data)]
    return _udp_payloads(pieces, RTP_PORTS)


TARGETS = {
    target.name: target
    for target in (
        Target("pcap", _pcap),
        Target("pcapng", _pcapng),
        Target("link", _link),
        Target("fragments", _fragments),
        Target("tcp", _tcp),
        Target("rtp", _rtp),
        Target("rtcp", _rtcp),
    )
}
