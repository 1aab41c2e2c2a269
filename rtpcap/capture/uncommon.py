"""Frames of uncommon shape, one at a time: 802.11, NFLOG, PKTAP, and what Wireshark exported.

Nothing is copied: what is found is a place in the frame, so that the packet goes on through the
same arithmetic as all others.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rtpcap.capture.chunk import CUT, Chunk, Layer, Payloads, Rows
from rtpcap.capture.names import LINK_LAYERS, PKTAP, link_name, told_link

__all__ = ["by_offset", "exported", "nflog", "pktap", "radiotap", "wifi"]

OF_FIXED_LENGTH = (6, 7, 8, 10)
"""Token ring, ARCNET, SLIP and FDDI: headers of one length, that of LLC and SNAP with it."""

ENDS_EARLY = (struct.error, IndexError)
"""What is raised where a frame ends before what is looked for in it."""

# IEEE 802.11, section 9.2.4.1: the two bytes of frame control.
DATA = 2
NO_DATA, QUALITY = 4, 8
"""Bits of a data frame's subtype."""
TO_AND_FROM, MORE_FRAGMENTS, PROTECTED, ORDER = 0x03, 0x04, 0x40, 0x80
AGGREGATE = 0x80
HEADER_BYTES, FOURTH_ADDRESS, QUALITY_BYTES, HT_BYTES = 24, 6, 2, 4

FRAGMENT_AT = 22

RADIOTAP_LEAST = 8
RADIOTAP_TIME, RADIOTAP_FLAGS, RADIOTAP_MORE = 1 << 0, 1 << 1, 1 << 31
"""Bits of what fields are present; the last: more such bits follow."""
RADIOTAP_PADDED = 0x20

PKTAP_LEAST, MOST_LINK = 12, 0xFFFF
NFLOG_HEAD, NFLOG_PAYLOAD, NFLOG_TYPE = 4, 9, 0x7FFF

# Wireshark's export_pdu: tags of 16 bits and lengths of 16 bits, big-endian.
TAG_END, TAG_PROTOCOL, TAG_SRC4, TAG_DST4, TAG_SRC6, TAG_DST6 = 0, 12, 20, 21, 22, 23
TAG_PORT_TYPE, TAG_SRC_PORT, TAG_DST_PORT = 24, 25, 26
PORTS_OF_NONE, PORTS_OF_TCP, PORTS_OF_UDP = 0, 2, 3
PORT_TYPES = {1: "SCTP", 4: "DCCP", 5: "IPX"}
"""Port types that are understood and are neither."""
EXPORTED_LAYERS = {
    b"ip": Layer.IP,
    b"ipv6": Layer.IP,
    b"eth": Layer.ETHERNET,
    b"eth_maybefcs": Layer.ETHERNET,
    b"eth_withoutfcs": Layer.ETHERNET,
    b"eth_withfcs": Layer.ETHERNET,
    b"wlan": Layer.WIFI,
    b"ppp": Layer.PPP,
}
"""What Wireshark calls its dissectors of packets and frames."""


class Found(NamedTuple):
    """What follows, and where in the frame it begins."""

    layer: Layer
    at: int


class Unread(NamedTuple):
    """Why there is nothing further to read; `understood` where it is plainly something else."""

    reason: str
    understood: bool = False


def _each(look: Callable[[bytes], Found | Unread]) -> Callable[[Chunk, Rows, Rows], None]:
    """A layer that looks at one frame after the other."""

    def layer(chunk: Chunk, rows: Rows, at: Rows) -> None:
        found: dict[Layer, list[tuple[int, int]]] = {}
        unread: dict[Unread, list[int]] = {}
        for row, begin, end in zip(
            rows.tolist(), at.tolist(), chunk.end(rows).tolist(), strict=True
        ):
            try:
                place = look(chunk.data[begin:end].tobytes())
            except ENDS_EARLY:
                place = Unread(CUT)
            if isinstance(place, Found) and begin + place.at > end:
                place = Unread(CUT)
            if isinstance(place, Unread):
                unread.setdefault(place, []).append(row)
            else:
                found.setdefault(place.layer, []).append((row, begin + place.at))
        for reason, those in unread.items():
            count = chunk.something_else if reason.understood else chunk.unread
            count(reason.reason, np.array(those, np.int64))
        for which, places in found.items():
            chunk.then(which, *np.array(places, np.int64).T)

    return layer


def _wifi(frame: bytes, begin: int = 0, *, padded: bool = False) -> Found | Unread:
    """IEEE 802.11, section 9.2: data frames, whose header length its flags tell; then LLC.

    Where it is `padded`, the body begins at a multiple of four bytes from the header's begin.
    """
    flags = frame[begin + 1]
    kind, subtype = frame[begin] >> 2 & 3, frame[begin] >> 4
    if kind != DATA or subtype & NO_DATA:
        return Unread("802.11 without data", understood=True)
    if flags & PROTECTED:
        return Unread("802.11 encrypted")
    if flags & MORE_FRAGMENTS or frame[begin + FRAGMENT_AT] & 0x0F:
        return Unread("802.11 fragment")
    body = HEADER_BYTES + (FOURTH_ADDRESS if flags & TO_AND_FROM == TO_AND_FROM else 0)
    if subtype & QUALITY:
        if frame[begin + body] & AGGREGATE:
            return Unread("802.11 aggregate")
        body += QUALITY_BYTES + (HT_BYTES if flags & ORDER else 0)
    if padded:
        body = (body + 3) // 4 * 4
    return Found(Layer.LLC, begin + body)


def _radiotap(frame: bytes) -> Found | Unread:
    """The radio's own header tells its length, little-endian, and whether padding follows the
    802.11 header. The first of its fields may be a time, the next are the flags that say so."""
    version, _, length, present = struct.unpack_from("<BBHI", frame)
    if version or length < RADIOTAP_LEAST:
        return Unread("radiotap header damaged")
    at, more = RADIOTAP_LEAST, present
    while more & RADIOTAP_MORE and at + 4 <= length:
        (more,) = struct.unpack_from("<I", frame, at)
        at += 4
    if present & RADIOTAP_TIME:
        at = (at + 7) // 8 * 8 + 8
    padded = present & RADIOTAP_FLAGS and at < length and frame[at] & RADIOTAP_PADDED
    return _wifi(frame, length, padded=bool(padded))


def _nflog(frame: bytes) -> Found | Unread:
    """Linux netfilter log: attributes of (length, type) in the order of the host that wrote them,
    which nothing says; type 9 is the packet."""
    if len(frame) < NFLOG_HEAD:
        return Unread(CUT)
    found = _nflog_packet(frame, "<HH") or _nflog_packet(frame, ">HH")
    return found or Unread("NFLOG without a packet")


def _nflog_packet(frame: bytes, attribute: str) -> Found | None:
    at = NFLOG_HEAD
    while at + 4 <= len(frame):
        length, kind = struct.unpack_from(attribute, frame, at)
        if length < 4:
            break
        if kind & NFLOG_TYPE == NFLOG_PAYLOAD:
            return Found(Layer.IP, at + 4)
        at += (length + 3) // 4 * 4
    return None


def _pktap(frame: bytes) -> Found | Unread:
    """Apple: its own length, the kind of what follows, the link type, all little-endian."""
    length, _, inner = struct.unpack_from("<III", frame)
    if inner == PKTAP or inner > MOST_LINK or length < PKTAP_LEAST:
        return Unread("PKTAP header damaged")
    inner = told_link(inner)
    if inner not in LINK_LAYERS:
        return Unread(f"{link_name(inner)} is not read")
    return Found(LINK_LAYERS[inner], length)


def by_offset(chunk: Chunk, link: int, rows: Rows) -> None:
    """Frames of a link type without a layer: of some dpkt knows where their IP packet begins."""
    import dpkt

    offset = dpkt.pcap.dltoff.get(link) if link in OF_FIXED_LENGTH else None
    if offset is None:
        chunk.unread(f"{link_name(link)} is not read", rows)
    else:
        rows, at = chunk.long_enough(rows, chunk.records.begin[rows], offset)
        chunk.then(Layer.IP, rows, at + offset)


wifi = _each(_wifi)
radiotap = _each(_radiotap)
nflog = _each(_nflog)
pktap = _each(_pktap)


def exported(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """What Wireshark exported: tags with the addresses, then a payload or a packet."""
    found: dict[Layer, list[tuple[int, int]]] = {}
    payloads: list[tuple[int, int, int, int]] = []
    for row, begin, end in zip(rows.tolist(), at.tolist(), chunk.end(rows).tolist(), strict=True):
        tags, size = _tags(chunk.data[begin:end].tobytes())
        here = np.array([row])
        if tags is None:
            chunk.unread("exported packet whose tags do not end", here)
            continue
        name = tags.get(TAG_PROTOCOL, b"").rstrip(b"\0")
        if name in EXPORTED_LAYERS:
            found.setdefault(EXPORTED_LAYERS[name], []).append((row, begin + size))
            continue
        ports_of = int.from_bytes(tags.get(TAG_PORT_TYPE, b""), "big")
        key = _key(chunk, tags, tcp=ports_of == PORTS_OF_TCP)
        if ports_of not in (PORTS_OF_NONE, PORTS_OF_TCP, PORTS_OF_UDP):
            chunk.something_else(PORT_TYPES.get(ports_of, "exported packet without UDP"), here)
        elif key is None:
            chunk.unread("exported packet without addresses", here)
        else:
            payloads.append((row, key, begin + size, end))
    for layer, places in found.items():
        chunk.then(layer, *np.array(places, np.int64).T)
    if payloads:
        which, keys, starts, ends = np.array(payloads, np.int64).T
        records = chunk.records
        cut = records.original[which] > ends - records.begin[which]
        chunk.parts.append(Payloads(which, keys.astype(np.int32), starts, ends, cut))


def _tags(frame: bytes) -> tuple[dict[int, bytes] | None, int]:
    """The tags of an exported packet, and how many bytes they take."""
    tags: dict[int, bytes] = {}
    pos = 0
    while pos + 4 <= len(frame):
        kind, size = struct.unpack_from(">HH", frame, pos)
        pos += 4
        if pos + size > len(frame):
            break
        if kind == TAG_END:
            return tags, pos + size
        tags.setdefault(kind, frame[pos : pos + size])
        pos += size
    return None, pos


def _key(chunk: Chunk, tags: dict[int, bytes], *, tcp: bool) -> int | None:
    """The key of the flow that the tags tell; None where they do not."""

    def value(kind: int) -> int:
        return int.from_bytes(tags.get(kind, b""), "big")

    ports = value(TAG_SRC_PORT), value(TAG_DST_PORT)
    for src_kind, dst_kind, size in ((TAG_SRC4, TAG_DST4, 4), (TAG_SRC6, TAG_DST6, 16)):
        src, dst = tags.get(src_kind, b""), tags.get(dst_kind, b"")
        if len(src) == len(dst) == size:
            return chunk.flows.key(src, dst, *ports, tcp=tcp)
    return None
