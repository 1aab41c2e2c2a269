"""Link headers, whole chunks at a time: Ethernet and its tags, cooked captures, MPLS, PPP, LLC.

What has to be walked frame by frame is in `uncommon`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.capture.chunk import MOST_LAYERS, Chunk, Layer, Mask, Rows, grouped
from rtpcap.capture.names import (
    ETHER_LAYERS,
    ETHER_OTHER,
    ETHER_PLACES,
    FIRST_ETHER_TYPE,
    LLC_OTHER,
    PPP_LAYERS,
    VLAN_TAGS,
    ether_name,
)

__all__ = [
    "INSIDE_ETHERNET",
    "IPV4",
    "METADATA_BYTES",
    "PPP_ADDRESS",
    "PPP_CONTROL",
    "SNAP_BYTES",
    "backbone",
    "by_type",
    "ethernet",
    "family",
    "hdlc",
    "is_ethernet",
    "llc",
    "metadata",
    "mpls",
    "ppp",
    "pppoe",
    "sll",
    "sll2",
]

IPV4, IPV6 = 0x0800, 0x86DD
ETHERNET_BYTES = 14
INSIDE_ETHERNET = np.array([*ETHER_LAYERS, *ETHER_OTHER, *VLAN_TAGS], np.uint16)
"""EtherTypes that make an Ethernet header believable."""
VLAN_TAG_BYTES = 4
MOST_VLAN_TAGS = 16

FAMILIES_IP = (2, 10, 24, 28, 30)
"""Address families: 2 is IPv4, the others are IPv6 of Linux, the BSDs and macOS."""
MOST_FAMILY = 0xFFFF

COOKED_LLC = 4
"""What Linux has no EtherType for has a small number of its own (if_ether.h); this one is LLC."""

BACKBONE_BYTES = 4
"""IEEE 802.1ah: flags and service, then the customer's own Ethernet header."""

METADATA_BYTES = 8

SNAP = 0xAAAA03
SNAP_BYTES = 8
SNAP_ETHERNET = (0x000000, 0x0000F8)
"""Organisations whose numbers are EtherTypes (RFC 1042, IEEE 802.1H)."""
LLC_BYTES = 3
LLC_IP = 0x06
LLC_BELIEVED = (SNAP, 0x060603, 0x424203, 0xE0E003, 0xF0F003, 0xFEFE03)
"""Unnumbered information between two equal service access points: behind a length, where an
Ethernet header is only guessed."""

LABEL_BYTES = 4
BOTTOM_OF_STACK = 0x100

PPPOE_BYTES = 6
PPPOE_SESSION = 0

PPP_ADDRESS = 0xFF03
CISCO_ADDRESSES = (0x0F00, 0x8F00)
"""RFC 1547 section 4.3.1: unicast and broadcast; neither begins a PPP protocol that there is."""
PPP_CONTROL = 0x8000
"""RFC 1661 section 2: from here on protocols are network control and link control."""


def ethernet(chunk: Chunk, rows: Rows, at: Rows) -> None:
    _ether(chunk, rows, at, *ETHER_PLACES[Layer.ETHERNET])


def hdlc(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """Cisco's HDLC (RFC 1547 section 4.3.1): address and control, then an EtherType."""
    type_at, network_at = ETHER_PLACES[Layer.HDLC]
    rows, at = chunk.long_enough(rows, at, network_at)
    kind = chunk.word(at + type_at)
    # No length stands in its place.
    length = kind < FIRST_ETHER_TYPE
    for number, those in grouped(kind[length]):
        chunk.unread(ether_name(number), rows[length][those])
    by_type(chunk, rows[~length], at[~length] + network_at, kind[~length])


def sll(chunk: Chunk, rows: Rows, at: Rows) -> None:
    _cooked(chunk, rows, at, Layer.SLL)


def sll2(chunk: Chunk, rows: Rows, at: Rows) -> None:
    _cooked(chunk, rows, at, Layer.SLL2)


def _cooked(chunk: Chunk, rows: Rows, at: Rows, layer: Layer) -> None:
    type_at, network_at = ETHER_PLACES[layer]
    rows, at = chunk.long_enough(rows, at, network_at)
    kind = chunk.word(at + type_at)
    own = (kind < FIRST_ETHER_TYPE) & (kind != COOKED_LLC)
    if own.any():
        of_linux = np.flatnonzero(own)
        for number, those in grouped(kind[of_linux]):
            chunk.unread(f"Linux cooked protocol {number}", rows[of_linux[those]])
        rows, at, kind = rows[~own], at[~own], kind[~own]
    by_type(chunk, rows, at + network_at, kind)


def _ether(chunk: Chunk, rows: Rows, at: Rows, type_at: int, network_at: int) -> None:
    rows, at = chunk.long_enough(rows, at, network_at)
    by_type(chunk, rows, at + network_at, chunk.word(at + type_at))


def by_type(chunk: Chunk, rows: Rows, at: Rows, kind: npt.NDArray[np.uint16]) -> None:
    """By EtherType, through any stack of VLAN tags."""
    if (kind == IPV4).all():
        chunk.then(Layer.IPV4, rows, at)
        return
    tagged = np.flatnonzero(np.isin(kind, VLAN_TAGS))
    for _ in range(MOST_VLAN_TAGS):
        fits = at[tagged] + VLAN_TAG_BYTES <= chunk.end(rows[tagged])
        tagged = tagged[fits]
        if not len(tagged):
            break
        kind[tagged] = chunk.word(at[tagged] + 2)
        at[tagged] += VLAN_TAG_BYTES
        tagged = tagged[np.isin(kind[tagged], VLAN_TAGS)]
    length = kind < FIRST_ETHER_TYPE
    if length.any():
        chunk.then(Layer.LLC, rows[length], at[length])
        rows, at, kind = rows[~length], at[~length], kind[~length]
    for number, those in grouped(kind):
        if number in ETHER_LAYERS:
            chunk.then(ETHER_LAYERS[number], rows[those], at[those])
        elif number in ETHER_OTHER:
            chunk.something_else(ETHER_OTHER[number], rows[those])
        elif number in VLAN_TAGS:
            chunk.long_enough(rows[those], at[those], VLAN_TAG_BYTES)
            whole = at[those] + VLAN_TAG_BYTES <= chunk.end(rows[those])
            chunk.unread(f"more than {MOST_VLAN_TAGS} VLAN tags", rows[those][whole])
        else:
            chunk.unread(ether_name(number), rows[those])


def is_ethernet(chunk: Chunk, rows: Rows, at: Rows) -> Mask:
    """Whether what stands at each place can be an Ethernet header, with what it says behind it."""
    there = at + ETHERNET_BYTES < chunk.end(rows)
    at = np.where(there, at, chunk.records.begin[rows])
    kind = chunk.word(at + ETHER_PLACES[Layer.ETHERNET][0])
    version = chunk.byte(at + ETHERNET_BYTES) >> 4
    ip = ((kind == IPV4) & (version == 4)) | ((kind == IPV6) & (version == 6))
    other = (kind != IPV4) & (kind != IPV6) & np.isin(kind, INSIDE_ETHERNET)
    points = chunk.long(at + ETHERNET_BYTES) >> np.uint32(8)
    length = (kind < FIRST_ETHER_TYPE) & np.isin(points, LLC_BELIEVED)
    length &= at + ETHERNET_BYTES + LLC_BYTES <= chunk.end(rows)
    return np.asarray(there & (ip | other | length))


def family(chunk: Chunk, rows: Rows, at: Rows) -> None:
    rows, at = chunk.long_enough(rows, at, 4)
    number = chunk.long(at).byteswap()
    number = np.where(number > MOST_FAMILY, number.byteswap(), number)
    ip = np.isin(number, FAMILIES_IP)
    chunk.then(Layer.IP, rows[ip], at[ip] + 4)
    # Otherwise 32 bits could each be a reason of their own.
    chunk.unread("no address family", rows[number > MOST_FAMILY])
    others = ~ip & (number <= MOST_FAMILY)
    for kind, those in grouped(number[others]):
        chunk.unread(f"address family {kind}", rows[others][those])


def backbone(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """IEEE 802.1ah: another Ethernet header inside."""
    rows, at = chunk.long_enough(rows, at, BACKBONE_BYTES)
    chunk.then(Layer.ETHERNET, rows, at + BACKBONE_BYTES)


def metadata(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """Cisco's security group tag: version, one option of it, and the EtherType of what follows."""
    rows, at = chunk.long_enough(rows, at, METADATA_BYTES)
    by_type(chunk, rows, at + METADATA_BYTES, chunk.word(at + METADATA_BYTES - 2))


def llc(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """IEEE 802.2: with SNAP (RFC 1042) an EtherType follows."""
    rows, at = chunk.long_enough(rows, at, LLC_BYTES)
    is_snap = chunk.long(at) >> np.uint32(8) == SNAP
    snap_rows, snap_at = chunk.long_enough(rows[is_snap], at[is_snap], SNAP_BYTES)
    known = np.isin(chunk.long(snap_at + 2) & np.uint32(0xFFFFFF), SNAP_ETHERNET)
    kind = chunk.word(snap_at + 6)
    chunk.something_else("SNAP", snap_rows[~known])
    damaged = known & (kind < FIRST_ETHER_TYPE)
    chunk.unread("SNAP damaged", snap_rows[damaged])
    good = known & ~damaged
    by_type(chunk, snap_rows[good], snap_at[good] + SNAP_BYTES, kind[good])
    rows, at = rows[~is_snap], at[~is_snap]
    for point, those in grouped(chunk.byte(at)):
        if point == LLC_IP:
            chunk.then(Layer.IP, rows[those], at[those] + LLC_BYTES)
        else:
            chunk.something_else(LLC_OTHER.get(point, "LLC"), rows[those])


def mpls(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """RFC 3032: labels up to the bottom of the stack; RFC 4928 and 4385: what follows, by its
    first four bits: an IP packet, or as a rule an Ethernet frame, with a control word or not."""
    for _ in range(MOST_LAYERS):
        rows, at = chunk.long_enough(rows, at, LABEL_BYTES)
        bottom = (chunk.long(at) & np.uint32(BOTTOM_OF_STACK)) != 0
        at = at + LABEL_BYTES
        first = chunk.byte(at) >> 4
        some = at < chunk.end(rows)
        ip = bottom & some & ((first == 4) | (first == 6))
        control = bottom & some & (first == 0) & is_ethernet(chunk, rows, at + LABEL_BYTES)
        plain = bottom & ~ip & ~control & is_ethernet(chunk, rows, at)
        chunk.then(Layer.IP, rows[ip], at[ip])
        chunk.then(Layer.ETHERNET, rows[control], at[control] + LABEL_BYTES)
        chunk.then(Layer.ETHERNET, rows[plain], at[plain])
        chunk.unread("MPLS pseudowire", rows[bottom & ~ip & ~control & ~plain])
        rows, at = rows[~bottom], at[~bottom]
        if not len(rows):
            return
    chunk.unread(f"more than {MOST_LAYERS} MPLS labels", rows)


def pppoe(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """RFC 2516: six bytes, and in a session the PPP protocol without address and control."""
    rows, at = chunk.long_enough(rows, at, PPPOE_BYTES)
    session = chunk.byte(at + 1) == PPPOE_SESSION
    chunk.something_else("PPPoE discovery", rows[~session])
    chunk.then(Layer.PPP, rows[session], at[session] + PPPOE_BYTES)


def ppp(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """RFC 1661 and 1662: address and control may be there; an odd byte is a whole protocol."""
    rows, at = chunk.long_enough(rows, at, 1)
    two = at + 2 <= chunk.end(rows)
    cisco = two & np.isin(chunk.word(at), CISCO_ADDRESSES)
    if cisco.any():
        chunk.then(Layer.HDLC, rows[cisco], at[cisco])
        rows, at, two = rows[~cisco], at[~cisco], two[~cisco]
    at = at + 2 * ((chunk.word(at) == PPP_ADDRESS) & two)
    rows, at = chunk.long_enough(rows, at, 1)
    short = (chunk.byte(at) & 1).astype(np.bool_)
    rows_of_two, _ = chunk.long_enough(rows[~short], at[~short], 2)
    whole = short | np.isin(rows, rows_of_two)
    rows, at, short = rows[whole], at[whole], short[whole]
    protocol = np.where(short, chunk.byte(at), chunk.word(at)).astype(np.uint16)
    at = at + np.where(short, 1, 2)
    for number, those in grouped(protocol):
        if number in PPP_LAYERS:
            chunk.then(PPP_LAYERS[number], rows[those], at[those])
        elif number >= PPP_CONTROL:
            chunk.something_else("PPP control", rows[those])
        else:
            chunk.unread(f"PPP protocol 0x{number:04x}", rows[those])
