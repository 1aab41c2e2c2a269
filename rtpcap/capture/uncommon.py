"""Frames of uncommon shape, one at a time: where the network packet lies in what `link` left over.

802.3 with LLC and SNAP, PPP, PPPoE, MPLS, 802.1ah, 802.11, PKTAP, NFLOG, and IPv6 with extension
headers. Nothing is copied: what is found is a place in the frame, so that the packet goes on
through the same arithmetic as all others. dpkt reads the headers whose length is in themselves.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import dpkt

from rtpcap.capture.names import (
    ETHER_OTHER,
    ETHER_PLACES,
    IPV6_EXTENSIONS,
    VLAN_TAGS,
    ether_name,
    link_name,
)

__all__ = ["Found", "Unread", "behind_extensions", "network_packet"]

PPP, PPP_HDLC, PPPOE, WIFI, RADIOTAP = 9, 50, 51, 105, 127
NFLOG, PKTAP = 239, 258
COOKED, COOKED_LLC = (113, 276), 4
IPV4, IPV6 = 0x0800, 0x86DD
FIRST_PROTOCOL = 0x600
"""Below this the two bytes are a length (IEEE 802.3), and LLC follows."""
PPPOE_TYPES = (0x8863, 0x8864)
MPLS_TYPES = (0x8847, 0x8848)
BACKBONE_TAG = 0x88E7
"""IEEE 802.1ah: a 4-byte tag, then the customer's own Ethernet header."""
MOST_LAYERS = 16
"""Real stacks are of two or three; hostile ones end here."""

FRAGMENT_HEADER = 44
IPV6_HEADER = 40

PPP_PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6, 0x0281: MPLS_TYPES[0], 0x0283: MPLS_TYPES[1]}
PPP_CONTROL = range(0x8000, 0x10000)
"""RFC 1661 section 2: 8***-b*** are network control, c***-f*** link control protocols."""
SNAP = b"\xaa\xaa\x03"
SNAP_ETHERNET = (b"\x00\x00\x00", b"\x00\x00\xf8")
LLC_OTHER = {0x42: "STP", 0xE0: "IPX", 0xF0: "NetBIOS", 0xFE: "OSI", 0xFF: "IPX", 0x06: "IP"}

CUT_LINK = "frame ends inside its link headers"
CUT_EXTENSIONS = "IPv6 extension headers damaged or cut"

DAMAGED = (dpkt.UnpackError, struct.error, ValueError, IndexError, KeyError, AttributeError)
"""What dpkt and struct raise over bytes that are not what they should be."""


class Found(NamedTuple):
    """What follows (an EtherType, or an IP protocol) and where in the frame it begins."""

    kind: int
    at: int


class Unread(NamedTuple):
    """Why there is nothing further to read; `understood` where it is plainly something else."""

    reason: str
    understood: bool = False


def network_packet(frame: bytes, link: int) -> Found | Unread:
    """The IPv4 or IPv6 packet (`Found.kind` is its EtherType) in a frame of some link type."""
    try:
        found = _link(frame, link)
    except DAMAGED:
        found = Unread(CUT_LINK)
    return Unread(CUT_LINK) if isinstance(found, Found) and found.at > len(frame) else found


def behind_extensions(packet: bytes) -> Found | Unread:
    """The protocol behind the extension headers of an IPv6 packet whose own header is whole."""
    kind, at = packet[6], IPV6_HEADER
    for _ in range(MOST_LAYERS):
        if at > len(packet):
            return Unread(CUT_EXTENSIONS)
        if kind not in IPV6_EXTENSIONS:
            return Found(kind, at)
        try:
            # Mobility, HIP and Shim6 have the shape of an option header.
            header = dpkt.ip6.EXT_HDRS_CLS.get(kind, dpkt.ip6.IP6OptsHeader)(packet[at:])
        except DAMAGED:
            return Unread(CUT_EXTENSIONS)
        if kind == FRAGMENT_HEADER and (header.frag_off or header.m_flag):
            return Unread("IPv6 fragment")
        kind = header.nxt
        at += header.length
    return Unread(f"more than {MOST_LAYERS} IPv6 extension headers")


def _link(frame: bytes, link: int) -> Found | Unread:
    if link in ETHER_PLACES:
        type_at, network_at = ETHER_PLACES[link]
        kind = _u16(frame, type_at)
        if link in COOKED and kind < FIRST_PROTOCOL and kind != COOKED_LLC:
            # What Linux has no EtherType for has a small number of its own (if_ether.h).
            return Unread(f"Linux cooked protocol {kind}")
        return _ether(frame, kind, network_at)
    if link in (PPP, PPP_HDLC):
        return _ppp(frame, 0)
    if link == PPPOE:
        return _pppoe(frame, 0)
    if link in (WIFI, RADIOTAP):
        return _wifi(frame, int.from_bytes(frame[2:4], "little") if link == RADIOTAP else 0)
    if link == NFLOG:
        return _nflog(frame)
    if link == PKTAP:
        # Apple: its own length, the kind of what follows, the link type, all little-endian.
        length, _, inner = struct.unpack_from("<III", frame)
        if inner == PKTAP or length < 12:
            return Unread("PKTAP header damaged")
        return _inner(frame, length, inner)
    return Unread(f"{link_name(link)} is not read")


def _inner(frame: bytes, at: int, link: int) -> Found | Unread:
    """A frame of another link type inside this one."""
    if link in (0, 12, 14, 101, 108, 228, 229):
        return _ip(frame, at + (4 if link in (0, 108) else 0))
    found = _link(frame[at:], link)
    return Found(found.kind, found.at + at) if isinstance(found, Found) else found


def _ether(frame: bytes, kind: int, at: int) -> Found | Unread:
    """Through everything that an EtherType may say, to the network packet."""
    for _ in range(MOST_LAYERS):
        if kind in (IPV4, IPV6):
            return Found(kind, at)
        if kind < FIRST_PROTOCOL:
            return _llc(frame, at)
        if kind in PPPOE_TYPES:
            return _pppoe(frame, at)
        if kind in MPLS_TYPES:
            return _mpls(frame, at)
        if kind in VLAN_TAGS:
            kind, at = _u16(frame, at + 2), at + 4
        elif kind == BACKBONE_TAG:
            kind, at = _u16(frame, at + 16), at + 18
        elif kind in ETHER_OTHER:
            return Unread(ETHER_OTHER[kind], understood=True)
        else:
            return Unread(ether_name(kind))
    return Unread(f"more than {MOST_LAYERS} link headers")


def _llc(frame: bytes, at: int) -> Found | Unread:
    """IEEE 802.2: with SNAP (RFC 1042) an EtherType follows."""
    if frame[at : at + 3] == SNAP:
        if frame[at + 3 : at + 6] not in SNAP_ETHERNET:
            return Unread("SNAP", understood=True)
        kind = _u16(frame, at + 6)
        return Unread("SNAP damaged") if kind < FIRST_PROTOCOL else _ether(frame, kind, at + 8)
    access_point = frame[at]
    if access_point == 0x06:
        return _ip(frame, at + 3)
    return Unread(LLC_OTHER.get(access_point, "LLC"), understood=True)


def _pppoe(frame: bytes, at: int) -> Found | Unread:
    """RFC 2516: six bytes, and in a session the PPP protocol without address and control."""
    if dpkt.pppoe.PPPoE(frame[at : at + 8]).code != dpkt.pppoe.PPPoE_SESSION:
        return Unread("PPPoE discovery", understood=True)
    return _ppp(frame, at + 6)


def _ppp(frame: bytes, at: int) -> Found | Unread:
    """RFC 1661 and 1662: address and control may be there; an odd byte is a whole protocol."""
    if frame[at : at + 2] == b"\xff\x03":
        at += 2
    if frame[at] & dpkt.ppp.PFC_BIT:
        protocol, at = frame[at], at + 1
    else:
        protocol, at = _u16(frame, at), at + 2
    if protocol in PPP_PROTOCOLS:
        return _ether(frame, PPP_PROTOCOLS[protocol], at)
    if protocol in PPP_CONTROL:
        return Unread("PPP control", understood=True)
    return Unread(f"PPP protocol 0x{protocol:04x}")


def _mpls(frame: bytes, at: int) -> Found | Unread:
    """RFC 3032: labels up to the bottom of the stack, then, with luck, an IP packet."""
    for _ in range(MOST_LAYERS):
        label = dpkt.ethernet.MPLSlabel(frame[at : at + 4])
        at += 4
        if label.s:
            return Unread("MPLS pseudowire") if frame[at] >> 4 not in (4, 6) else _ip(frame, at)
    return Unread(f"more than {MOST_LAYERS} MPLS labels")


def _wifi(frame: bytes, at: int) -> Found | Unread:
    """IEEE 802.11, section 9.2: data frames, whose header length its flags tell; then LLC."""
    control = int.from_bytes(frame[at : at + 2], "little")
    kind, subtype, flags = frame[at] >> 2 & 3, control >> 4 & 15, control >> 8
    quality, no_data = bool(subtype & 8), bool(subtype & 4)
    if kind != 2 or no_data:
        return Unread("802.11 without data", understood=True)
    if flags & 0x40:
        return Unread("802.11 encrypted")
    if flags & 0x04 or frame[at + 22] & 0x0F:
        return Unread("802.11 fragment")
    body = at + 24 + (6 if flags & 3 == 3 else 0)
    if quality:
        if frame[body] & 0x80:
            return Unread("802.11 aggregate")
        body += 6 if flags & 0x80 else 2
    return _llc(frame, body)


def _nflog(frame: bytes) -> Found | Unread:
    """Linux netfilter log: attributes of (length, type) in host order; type 9 is the packet."""
    at = 4
    while at + 4 <= len(frame):
        length, kind = struct.unpack_from("<HH", frame, at)
        if length < 4:
            break
        if kind & 0x7FFF == 9:
            return _ip(frame, at + 4)
        at += (length + 3) // 4 * 4
    return Unread("NFLOG without a packet")


def _ip(frame: bytes, at: int) -> Found | Unread:
    """By the version in the first four bits."""
    version = frame[at] >> 4
    if version == 4:
        return Found(IPV4, at)
    return Found(IPV6, at) if version == 6 else Unread("no IP packet")


def _u16(frame: bytes, at: int) -> int:
    value: int = struct.unpack_from(">H", frame, at)[0]
    return value
