"""Tunnels: packets inside GRE, and inside UDP (VXLAN, Geneve, GTP-U, Teredo, L2TP, TZSP, HEP).

A UDP port says nothing for sure: what goes to a tunnel's port and does not have its shape stays
the datagram that it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.capture.chunk import MOST_LAYERS, Chunk, Layer, Mask, Rows, grouped
from rtpcap.capture.hep import hep
from rtpcap.capture.link import (
    INSIDE_ETHERNET,
    IPV4,
    METADATA_BYTES,
    PPP_ADDRESS,
    PPP_CONTROL,
    by_type,
    is_ethernet,
)
from rtpcap.capture.names import FIRST_ETHER_TYPE, PPP_LAYERS

__all__ = ["carried", "etherip", "gre", "l2tp3"]

# RFC 2784 and 2890; RFC 2637 section 4.1 for version 1.
GRE_CHECKSUM, GRE_ROUTING, GRE_KEY, GRE_SEQUENCE = 0x8000, 0x4000, 0x2000, 0x1000
GRE_ACKNOWLEDGE, GRE_VERSION = 0x0080, 0x0007
GRE_KEEPALIVE = 0
"""In place of an EtherType: a router asks whether the other end is there."""
# Of these protocol types another header follows before the EtherType is one.
ERSPAN_II, ERSPAN_III, WCCP, METADATA = 0x88BE, 0x22EB, 0x883E, 0x8909
ERSPAN_II_BYTES, ERSPAN_III_BYTES, ERSPAN_SUBHEADER, WCCP_BYTES = 8, 12, 8, 4
ERSPAN_FRAME_TYPE, ERSPAN_IP = 0x1F, 2
"""Of its last word but the highest bit: whether a frame follows, or an IP packet."""

ETHERIP_BYTES, ETHERIP_VERSION = 2, 0x3000
L2TP3_SESSION = 4
L2TP3_BETWEEN = (0, 4, 8, 12)
"""Bytes of cookie and sublayer between session and frame (RFC 3931 section 4.1): not told."""

VXLAN_BYTES = 8
VXLAN_FLAGS = (0x08, 0x88)
"""A network identifier is there (RFC 7348); also with a group policy."""
GPE_INSTANCE, GPE_FIXED = 0x08, 0xF8
"""Version and reserved bits are 0; some forget the bit that a next protocol is there."""
GPE_IPV4, GPE_IPV6, GPE_ETHERNET, GPE_MPLS = 1, 2, 3, 5
GPE_LAYERS = {
    GPE_IPV4: Layer.IPV4,
    GPE_IPV6: Layer.IPV6,
    GPE_ETHERNET: Layer.ETHERNET,
    GPE_MPLS: Layer.MPLS,
}

GENEVE_BYTES = 8
GENEVE_VERSION_AND_RESERVED = 0xC03F
"""Of the first word: all but the length of the options, control and critical (RFC 8926)."""

GTP_BYTES = 8
GTP_PLAIN = 0x30
"""Version 1 and protocol type GTP; the lowest three bits say that four more bytes follow."""
GTP_MORE = 0x07
GTP_NEXT = 0x04
GTP_PACKET = 255

GTP_0_BYTES, GTP_0_FIXED, GTP_0 = 20, 0xFE, 0x1E
"""Version 0, protocol type GTP, and three bits that are 1."""

TEREDO_AUTHENTICATION, TEREDO_ORIGIN, TEREDO_ORIGIN_BYTES = 0x0001, 0x0000, 8
IPV6_HEADER = 40

L2TP_LENGTH, L2TP_SEQUENCE, L2TP_OFFSET = 0x4000, 0x0800, 0x0200
L2TP_FIXED, L2TP_2, L2TP_3 = 0xB4FF, 2, 3
"""All but what says which fields there are, and priority: no control, reserved bits 0, version."""
L2TP_FOUND = -1
PPP_ODD_FIRST, PPP_ODD_LAST = 0x0100, 0x0001
"""RFC 1661 section 2: the last byte of a protocol is odd, all before it even."""

TZSP_BYTES = 4
TZSP_LAYERS = {1: Layer.ETHERNET, 18: Layer.WIFI}
TZSP_PADDING, TZSP_END = 0, 1


def gre(chunk: Chunk, rows: Rows, at: Rows) -> None:
    rows, at = chunk.long_enough(rows, at, 4)
    flags, kind = chunk.word(at).astype(np.int64), chunk.word(at + 2)
    version = flags & GRE_VERSION
    size = 4 + 4 * ((flags & GRE_KEY) != 0) + 4 * ((flags & GRE_SEQUENCE) != 0)
    size += np.where(version == 1, 4 * ((flags & GRE_ACKNOWLEDGE) != 0), 0)
    size += np.where(version == 0, 4 * ((flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0), 0)
    # RFC 1701's source routes are a list of their own, which nothing sends any more.
    odd = (version > 1) | ((version == 0) & ((flags & GRE_ROUTING) != 0))
    chunk.unread("GRE of an unknown version, or with source routes", rows[odd])
    size += ERSPAN_II_BYTES * ((kind == ERSPAN_II) & ((flags & GRE_SEQUENCE) != 0))
    size += ERSPAN_III_BYTES * (kind == ERSPAN_III)
    # ERSPAN III (draft-foschiano-erspan section 4.3) may hold IP packets, as its last word says,
    # whose last bit says that a platform's own eight bytes follow.
    what = chunk.byte(np.minimum(at + size - 2, chunk.end(rows))) >> 2 & ERSPAN_FRAME_TYPE
    packet = (kind == ERSPAN_III) & (what == ERSPAN_IP)
    last = chunk.byte(np.minimum(at + size - 1, chunk.end(rows))) & 1
    size += ERSPAN_SUBHEADER * ((kind == ERSPAN_III) & (last != 0))
    # Version 2 of WCCP puts a redirect header in between.
    redirected = (kind == WCCP) & (at + size < chunk.end(rows))
    redirected &= chunk.byte(np.minimum(at + size, chunk.end(rows))) >> 4 != 4
    size += WCCP_BYTES * redirected
    size += METADATA_BYTES * (kind == METADATA)
    cut = ~odd & (at + size > chunk.end(rows))
    chunk.unread("frame ends inside its GRE header", rows[cut])
    good = ~(odd | cut)
    # RFC 2637 section 4.1: without a sequence number only what arrived is said.
    said = good & (version == 1) & ((flags & GRE_SEQUENCE) == 0)
    chunk.something_else("GRE acknowledgement", rows[said])
    good &= ~said
    rows, at, kind, packet = rows[good], at[good] + size[good], kind[good], packet[good]
    chunk.something_else("GRE keepalive", rows[kind == GRE_KEEPALIVE])
    span = (kind == ERSPAN_II) | (kind == ERSPAN_III)
    chunk.then(Layer.ETHERNET, rows[span & ~packet], at[span & ~packet])
    chunk.then(Layer.IP, rows[packet], at[packet])
    kind[kind == WCCP] = IPV4
    # Here what follows Cisco's metadata is said before it, on Ethernet behind it.
    tagged = kind == METADATA
    kind[tagged] = chunk.word(at[tagged] - METADATA_BYTES)
    # Below the first EtherType are numbers of GRE alone, and no lengths.
    own = (kind < FIRST_ETHER_TYPE) & (kind != GRE_KEEPALIVE)
    for number, those in grouped(kind[own]):
        chunk.unread(f"GRE protocol 0x{number:04x}", rows[own][those])
    rest = ~span & ~own & (kind != GRE_KEEPALIVE)
    by_type(chunk, rows[rest], at[rest], kind[rest])


def etherip(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """RFC 3378."""
    rows, at = chunk.long_enough(rows, at, ETHERIP_BYTES)
    good = chunk.word(at) == ETHERIP_VERSION
    chunk.unread("EtherIP of an unknown version", rows[~good])
    chunk.then(Layer.ETHERNET, rows[good], at[good] + ETHERIP_BYTES)


def l2tp3(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """RFC 3931: a session number, then a cookie whose length only the two ends know."""
    rows, at = chunk.long_enough(rows, at, L2TP3_SESSION)
    control = chunk.long(at) == 0
    chunk.something_else("L2TPv3 control", rows[control])
    rows, at = rows[~control], at[~control] + L2TP3_SESSION
    for between in L2TP3_BETWEEN:
        good = is_ethernet(chunk, rows, at + between)
        chunk.then(Layer.ETHERNET, rows[good], at[good] + between)
        rows, at = rows[~good], at[~good]
    chunk.unread("L2TPv3 of an unknown session", rows)


def carried(
    chunk: Chunk, rows: Rows, begin: Rows, end: Rows, ports: npt.NDArray[np.uint32]
) -> Mask | None:
    """Send on the datagrams that are tunnels; says which were, None where none could be."""
    tunnel = TUNNEL_OF_PORT[ports & np.uint32(0xFFFF)]
    back = TUNNEL_OF_PORT[ports >> np.uint32(16)]
    hepped = chunk.byte(begin) == ord("H")
    if not (tunnel.any() or back.any() or hepped.any()):
        return None
    inward = np.zeros(len(rows), np.bool_)
    for numbers in (tunnel, back):
        for number in np.unique(numbers[numbers > 0]).tolist():
            those = np.flatnonzero((numbers == number) & ~inward)
            inward[those] = TUNNELS[number](chunk, rows[those], begin[those], end[those])
    those = np.flatnonzero(hepped & ~inward)
    inward[those] = hep(chunk, rows[those], begin[those], end[those])
    return inward


def vxlan(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """RFC 7348."""
    good = np.isin(chunk.byte(at), VXLAN_FLAGS) & (chunk.byte(at + 7) == 0)
    good &= (at + VXLAN_BYTES <= end) & is_ethernet(chunk, rows, at + VXLAN_BYTES)
    chunk.then(Layer.ETHERNET, rows[good], at[good] + VXLAN_BYTES)
    return np.asarray(good)


def vxlan_gpe(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """The generic protocol extension of VXLAN (draft-ietf-nvo3-vxlan-gpe)."""
    good = (chunk.byte(at) & GPE_FIXED == GPE_INSTANCE) & (at + VXLAN_BYTES < end)
    good &= (chunk.word(at + 1) == 0) & (chunk.byte(at + 7) == 0)
    kind = chunk.byte(at + 3)
    kind[kind == 0] = GPE_ETHERNET
    inner = np.minimum(at + VXLAN_BYTES, end)
    version = chunk.byte(inner) >> 4
    good &= (
        ((kind == GPE_IPV4) & (version == 4))
        | ((kind == GPE_IPV6) & (version == 6))
        | ((kind == GPE_ETHERNET) & is_ethernet(chunk, rows, inner))
        | (kind == GPE_MPLS)
    )
    for number, layer in GPE_LAYERS.items():
        those = good & (kind == number)
        chunk.then(layer, rows[those], at[those] + VXLAN_BYTES)
    return np.asarray(good)


def geneve(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """RFC 8926."""
    first = chunk.word(at).astype(np.int64)
    size = GENEVE_BYTES + 4 * (first >> 8 & 0x3F)
    kind = chunk.word(at + 2)
    good = (first & GENEVE_VERSION_AND_RESERVED == 0) & (at + size <= end)
    good &= np.isin(kind, INSIDE_ETHERNET) & (chunk.byte(at + 7) == 0)
    by_type(chunk, rows[good], (at + size)[good], kind[good])
    return np.asarray(good)


def gtp(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """3GPP TS 29.281 section 5: user data, whose extension headers form a chain."""
    flags = chunk.byte(at).astype(np.int64)
    good = (flags & ~GTP_MORE == GTP_PLAIN) & (chunk.byte(at + 1) == GTP_PACKET)
    good &= at + GTP_BYTES <= end
    more = (flags & GTP_MORE) != 0
    upper = at + GTP_BYTES + 4 * more
    following = np.where((flags & GTP_NEXT) != 0, chunk.byte(np.minimum(upper, end) - 1), 0)
    for _ in range(MOST_LAYERS):
        chained = good & (following != 0)
        if not chained.any():
            break
        size = 4 * chunk.byte(np.minimum(upper, end)).astype(np.int64)
        good &= ~chained | ((size > 0) & (upper + size <= end))
        chained &= good
        upper = upper + size * chained
        following = np.where(chained, chunk.byte(np.minimum(upper, end) - 1), following)
    good &= (following == 0) & (upper < end)
    version = chunk.byte(np.minimum(upper, end)) >> 4
    good &= (version == 4) | (version == 6)
    chunk.then(Layer.IP, rows[good], upper[good])
    return np.asarray(good)


def gtp_0(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """Version 0 (3GPP TS 09.60 section 6): a header of one length."""
    good = (chunk.byte(at) & GTP_0_FIXED == GTP_0) & (chunk.byte(at + 1) == GTP_PACKET)
    upper = np.minimum(at + GTP_0_BYTES, end)
    version = chunk.byte(upper) >> 4
    good &= (at + GTP_0_BYTES < end) & ((version == 4) | (version == 6))
    chunk.then(Layer.IP, rows[good], upper[good])
    return np.asarray(good)


def teredo(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """RFC 4380 section 5.1.1: IPv6, which fills the datagram, behind one or two indications."""
    kind = chunk.word(at)
    sizes = chunk.byte(np.minimum(at + 2, end)).astype(np.int64)
    sizes += chunk.byte(np.minimum(at + 3, end))
    upper = at + np.where(kind == TEREDO_AUTHENTICATION, 13 + sizes, 0)
    upper = np.minimum(upper, end)
    upper = upper + TEREDO_ORIGIN_BYTES * (chunk.word(upper) == TEREDO_ORIGIN)
    good = upper + IPV6_HEADER <= end
    upper = np.minimum(upper, end)
    good &= chunk.byte(upper) >> 4 == 6
    told_end = upper + IPV6_HEADER + chunk.word(upper + 4)
    good &= (told_end == end) | ((told_end > end) & (end == chunk.end(rows)) & chunk.snapped(rows))
    chunk.then(Layer.IPV6, rows[good], upper[good])
    return np.asarray(good)


def l2tp(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """RFC 2661 section 3.1: data messages, which carry PPP; RFC 3931 section 4.1.2.1."""
    flags = chunk.word(at).astype(np.int64)
    third = (flags == L2TP_3) & (chunk.word(at + 2) == 0) & (at + 2 * L2TP3_SESSION <= end)
    for between in L2TP3_BETWEEN:
        inner = np.minimum(at + 2 * L2TP3_SESSION + between, end)
        found = third & is_ethernet(chunk, rows, inner)
        chunk.then(Layer.ETHERNET, rows[found], inner[found])
        third &= ~found
        flags[found] = L2TP_FOUND
    size = 6 + 2 * ((flags & L2TP_LENGTH) != 0) + 4 * ((flags & L2TP_SEQUENCE) != 0)
    offset_at = np.minimum(at + size, end)
    with_offset = (flags & L2TP_OFFSET) != 0
    size += np.where(with_offset, 2 + chunk.word(offset_at).astype(np.int64), 0)
    good = flags & L2TP_FIXED == L2TP_2
    good &= at + size + 4 <= end
    upper = np.minimum(at + size, end)
    upper_type = np.minimum(upper + 2 * (chunk.word(upper) == PPP_ADDRESS), end)
    protocol = chunk.word(upper_type)
    short = (protocol & PPP_ODD_FIRST) != 0
    protocol[short] >>= 8
    control = (protocol >= PPP_CONTROL) & ((protocol & PPP_ODD_LAST) != 0)
    good &= control | np.isin(protocol, list(PPP_LAYERS))
    chunk.then(Layer.PPP, rows[good], upper[good])
    return np.asarray(good | (flags == L2TP_FOUND))


def tzsp(chunk: Chunk, rows: Rows, at: Rows, end: Rows) -> Mask:
    """TaZmen Sniffer Protocol: four bytes, tagged fields, and a whole frame, one by one."""
    good = np.zeros(len(rows), np.bool_)
    found: dict[Layer, list[tuple[int, int]]] = {}
    for i, (begin, stop) in enumerate(zip(at.tolist(), end.tolist(), strict=True)):
        data = chunk.data[begin:stop].tobytes()
        if len(data) < TZSP_BYTES or data[0] != 1 or data[1] not in (0, 1):
            continue
        layer = TZSP_LAYERS.get(int.from_bytes(data[2:4], "big"))
        pos = TZSP_BYTES
        while pos + 1 < len(data) and data[pos] != TZSP_END:
            pos += 1 if data[pos] == TZSP_PADDING else 2 + data[pos + 1]
        if layer is not None and pos < len(data) and data[pos] == TZSP_END:
            found.setdefault(layer, []).append((i, begin + pos + 1))
            good[i] = True
    for layer, places in found.items():
        which, inner = np.array(places, np.int64).T
        chunk.then(layer, rows[which], inner)
    return good


PORTS = {
    4789: vxlan,
    8472: vxlan,
    4790: vxlan_gpe,
    6081: geneve,
    2152: gtp,
    3386: gtp_0,
    3544: teredo,
    1701: l2tp,
    37008: tzsp,
}
"""Of either end, which may answer to any port; 8472 is VXLAN of Linux before there was a number."""
TUNNELS = dict(enumerate(dict.fromkeys(PORTS.values()), 1))

TUNNEL_OF_PORT = np.zeros(1 << 16, np.uint8)
for _number, _tunnel in TUNNELS.items():
    TUNNEL_OF_PORT[[port for port, tunnel in PORTS.items() if tunnel is _tunnel]] = _number
