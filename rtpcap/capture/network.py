"""IP packets -> UDP payloads and TCP segments, whole chunks at a time.

Each packet is looked at through one unaligned record laid over its bytes, that of IPv4 with the
UDP header which follows it nearly always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture.chunk import (
    MOST_LAYERS,
    Chunk,
    Layer,
    Mask,
    Payloads,
    Rows,
    TcpSegments,
    grouped,
)
from rtpcap.capture.names import IP_LAYERS, IP_OTHER, IP_UNREAD, IPV6_EXTENSIONS
from rtpcap.capture.tunnels import carried

__all__ = ["ip", "ipv4", "ipv6"]

TCP, UDP = 6, 17
UDP_HEADER = 8

# RFC 791, section 3.1, without options, and the UDP header that follows it (RFC 768).
IPV4_UDP = np.dtype(
    {
        "names": [
            "version_length",
            "total_length",
            "fragment",
            "protocol",
            "src",
            "dst",
            "ports",
            "udp_length",
        ],
        "formats": ["u1", ">u2", ">u2", "u1", ">u4", ">u4", ">u4", ">u2"],
        "offsets": [0, 2, 6, 9, 12, 16, 20, 24],
        "itemsize": 26,
    }
)
IPV4_HEADER = 20
PLAIN = 0x45
"""Version 4, five words of header: no options."""
NOT_WHOLE = 0x3FFF
"""The more-fragments flag and the fragment offset."""

# RFC 8200, section 3, and the UDP header behind it.
IPV6_UDP = np.dtype(
    {
        "names": ["first", "payload_length", "next", "addresses", "ports", "udp_length"],
        "formats": ["u1", ">u2", "u1", (">u8", (4,)), ">u4", ">u2"],
        "offsets": [0, 4, 6, 8, 40, 44],
        "itemsize": 46,
    }
)
IPV6_HEADER = 40
EXTENDED = np.array(sorted(IPV6_EXTENSIONS), np.uint8)
FRAGMENT_HEADER, AUTHENTICATION_HEADER = 44, 51
FRAGMENT_NOT_WHOLE = 0xFFF9
"""Of the second word of a fragment header: the offset, and the more-fragments flag."""
CUT_EXTENSIONS = "IPv6 extension headers damaged or cut"

# RFC 9293, section 3.1, as far as it is looked at.
TCP_HEAD = np.dtype(
    {
        "names": ["ports", "sequence", "offset", "flags"],
        "formats": [">u4", ">u4", "u1", "u1"],
        "offsets": [0, 4, 12, 13],
        "itemsize": 14,
    }
)
TCP_HEADER = 20
FIN_SYN_RST = 7


@dataclass(frozen=True, eq=False)
class _Packets:
    """IP packets whose header was read, columns of shape (n,)."""

    rows: Rows
    at: Rows
    upper: Rows
    """Where what they carry begins."""
    sent_end: Rows
    """Where they ended on the wire."""
    addresses: tuple[npt.NDArray[Any], ...]
    """Source and destination of IPv4, or one column of shape (n, 4) of IPv6."""

    def __getitem__(self, those: Rows | Mask) -> _Packets:
        return _Packets(
            self.rows[those],
            self.at[those],
            self.upper[those],
            self.sent_end[those],
            tuple(column[those] for column in self.addresses),
        )

    def keys(
        self, chunk: Chunk, ports: npt.NDArray[np.uint32], *, tcp: bool = False
    ) -> npt.NDArray[np.int32]:
        """The keys of their flows."""
        if len(self.addresses) == 2:
            src, dst = self.addresses
            return chunk.flows.ipv4(src, dst, ports, tcp=tcp)
        return chunk.flows.ipv6(self.addresses[0], ports, tcp=tcp)


def ip(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """By the version in the first four bits."""
    empty = at >= chunk.end(rows)
    version = np.where(empty, 0, chunk.byte(at) >> 4)
    chunk.then(Layer.IPV4, rows[version == 4], at[version == 4])
    chunk.then(Layer.IPV6, rows[version == 6], at[version == 6])
    chunk.unread("no IP packet", rows[(version != 4) & (version != 6)])


def ipv4(chunk: Chunk, rows: Rows, at: Rows) -> None:
    end = chunk.end(rows)
    heads = chunk.heads(at, IPV4_UDP)
    first = heads["version_length"]
    length = (first & 15).astype(np.int64) * 4
    sound = (first >> 4 == 4) & (length >= IPV4_HEADER) & (at + length <= end)
    whole = (heads["fragment"] & NOT_WHOLE) == 0
    plain = sound & whole & (heads["protocol"] == UDP)
    if not plain.all():
        chunk.unread("IPv4 header damaged or cut", rows[~sound])
        pieces = sound & ~whole
        if pieces.any():
            chunk.fragments.append((rows[pieces], at[pieces]))
        rest = sound & whole & ~plain
        if rest.any():
            left, begin = heads[rest], at[rest]
            sent_end = begin + left["total_length"]
            _offloaded(chunk, rows[rest], sent_end, left["total_length"] == 0)
            addresses = left["src"], left["dst"]
            packets = _Packets(rows[rest], begin, begin + length[rest], sent_end, addresses)
            _upper(chunk, packets, left["protocol"])
        rows, at, end, length = rows[plain], at[plain], end[plain], length[plain]
        heads, first = heads[plain], first[plain]
        if not len(rows):
            return
    ports, udp_length = heads["ports"].astype(np.uint32), heads["udp_length"].astype(np.int64)
    optioned = np.flatnonzero(first != PLAIN)
    if len(optioned):
        there = at[optioned] + length[optioned]
        ports[optioned] = chunk.long(there)
        udp_length[optioned] = chunk.word(there + 4)
    sent_end = at + heads["total_length"]
    offloaded = heads["total_length"] == 0
    if offloaded.any():
        _offloaded(chunk, rows, sent_end, offloaded)
        udp_length = np.where(offloaded & (udp_length == 0), sent_end - at - length, udp_length)
    packets = _Packets(rows, at, at + length, sent_end, (heads["src"], heads["dst"]))
    _udp(chunk, packets, ports, udp_length)


def ipv6(chunk: Chunk, rows: Rows, at: Rows) -> None:
    end = chunk.end(rows)
    heads = chunk.heads(at, IPV6_UDP)
    sound = (heads["first"] >> 4 == 6) & (at + IPV6_HEADER <= end)
    if not sound.all():
        chunk.unread("IPv6 header damaged or cut", rows[~sound])
        rows, at, heads = rows[sound], at[sound], heads[sound]
        if not len(rows):
            return
    sent_end = at + IPV6_HEADER + heads["payload_length"]
    offloaded = heads["payload_length"] == 0
    if offloaded.any():
        _offloaded(chunk, rows, sent_end, offloaded)
    packets = _Packets(rows, at, at + IPV6_HEADER, sent_end, (heads["addresses"],))
    plain = heads["next"] == UDP
    if not plain.all():
        extended = np.isin(heads["next"], EXTENDED)
        _extended(chunk, packets[extended], heads["next"][extended])
        rest = ~plain & ~extended
        _upper(chunk, packets[rest], heads["next"][rest])
        packets, heads = packets[plain], heads[plain]
    udp_length = heads["udp_length"].astype(np.int64)
    _udp6(chunk, packets, heads["ports"].astype(np.uint32), udp_length)


def _udp6(chunk: Chunk, packets: _Packets, ports: npt.NDArray[np.uint32], udp_length: Rows) -> None:
    if not udp_length.all():
        # RFC 2675, section 4: a jumbogram's UDP length is 0 and means the rest of the packet.
        udp_length = np.where(udp_length == 0, packets.sent_end - packets.upper, udp_length)
    _udp(chunk, packets, ports, udp_length)


def _extended(chunk: Chunk, packets: _Packets, kind: npt.NDArray[np.uint8]) -> None:
    """Through the extension headers of IPv6 (RFC 8200 section 4)."""
    for _ in range(MOST_LAYERS):
        if not len(packets.rows):
            return
        end = chunk.end(packets.rows)
        units = chunk.byte(packets.upper + 1).astype(np.int64)
        # The authentication header counts words of four bytes, less two (RFC 4302 section 2.2).
        size = np.where(kind == AUTHENTICATION_HEADER, 4 * units + 8, 8 * units + 8)
        size[kind == FRAGMENT_HEADER] = 8
        cut = packets.upper + size > end
        piece = (kind == FRAGMENT_HEADER) & ~cut
        piece &= (chunk.word(packets.upper + 2) & FRAGMENT_NOT_WHOLE) != 0
        chunk.unread(CUT_EXTENSIONS, packets.rows[cut])
        if piece.any():
            chunk.fragments.append((packets.rows[piece], packets.at[piece]))
        kind = chunk.byte(packets.upper)
        packets.upper[:] += size
        more = ~cut & ~piece
        packets, kind = packets[more], kind[more]
        further = np.isin(kind, EXTENDED)
        _upper(chunk, packets[~further], kind[~further])
        packets, kind = packets[further], kind[further]
    chunk.unread(f"more than {MOST_LAYERS} IPv6 extension headers", packets.rows)


def _offloaded(chunk: Chunk, rows: Rows, sent_end: Rows, offloaded: Mask) -> None:
    """Correct the end of packets whose length is 0, left to the network card: the frame's."""
    if offloaded.any():
        rows = rows[offloaded]
        begin, end = chunk.records.begin[rows], chunk.records.end[rows]
        sent_end[offloaded] = np.maximum(begin + chunk.records.original[rows], end)


def _upper(chunk: Chunk, packets: _Packets, protocol: npt.NDArray[np.uint8]) -> None:
    """What IP packets carry, where that was not seen to be UDP at first sight."""
    for number, those in grouped(protocol):
        rows = packets.rows[those]
        if number == UDP:
            part = packets[those]
            length = chunk.word(part.upper + 4).astype(np.int64)
            udp = _udp if len(part.addresses) == 2 else _udp6
            udp(chunk, part, chunk.long(part.upper), length)
        elif number == TCP:
            chunk.something_else("TCP", rows)
            _tcp(chunk, packets[those])
        elif number == AUTHENTICATION_HEADER:
            # In IPv4 as in IPv6 it only stands in between.
            _extended(chunk, packets[those], protocol[those])
        elif number in IP_LAYERS:
            chunk.then(IP_LAYERS[number], rows, packets.upper[those])
        elif number in IP_OTHER:
            chunk.something_else(IP_OTHER[number], rows)
        else:
            chunk.unread(IP_UNREAD.get(number, f"IP protocol {number}"), rows)


def _udp(chunk: Chunk, packets: _Packets, ports: npt.NDArray[np.uint32], length: Rows) -> None:
    rows, at, captured_end = packets.rows, packets.upper, chunk.end(packets.rows)
    keys = packets.keys(chunk, ports)
    wire_end = at + length
    begin = at + UDP_HEADER
    short = begin > captured_end
    wrong = ~short & ((length < UDP_HEADER) | (wire_end > packets.sent_end))
    if short.any() or wrong.any():
        chunk.unread("capture ends inside the UDP header", rows[short])
        chunk.unread("UDP length does not fit its IP packet", rows[wrong])
        good = ~(short | wrong)
        rows, keys, begin, ports = rows[good], keys[good], begin[good], ports[good]
        wire_end, captured_end = wire_end[good], captured_end[good]
    end = np.minimum(wire_end, captured_end)
    cut = wire_end > captured_end
    inward = carried(chunk, rows, begin, end, ports)
    if inward is not None:
        rows, keys, begin = rows[~inward], keys[~inward], begin[~inward]
        end, cut = end[~inward], cut[~inward]
    chunk.parts.append(Payloads(rows, keys, begin, end, cut))


def _tcp(chunk: Chunk, packets: _Packets) -> None:
    """Segments that carry bytes, or begin or end a stream; of others there is nothing to keep."""
    packets = packets[packets.upper + TCP_HEADER <= chunk.end(packets.rows)]
    heads = chunk.heads(packets.upper, TCP_HEAD)
    begin = packets.upper + (heads["offset"] >> 4).astype(np.int64) * 4
    sound = (begin >= packets.upper + TCP_HEADER) & (begin <= packets.sent_end)
    used = sound & ((begin < packets.sent_end) | (heads["flags"] & FIN_SYN_RST != 0))
    if not used.any():
        return
    packets, heads, begin = packets[used], heads[used], begin[used]
    captured_end = chunk.end(packets.rows)
    begin = np.minimum(begin, captured_end)
    end = np.minimum(packets.sent_end, captured_end)
    chunk.segments.append(
        TcpSegments(
            rows=packets.rows,
            keys=packets.keys(chunk, heads["ports"].astype(np.uint32), tcp=True),
            sequence=heads["sequence"].astype(np.uint32),
            flags=heads["flags"],
            begin=begin,
            end=end,
            missing=packets.sent_end - end,
        )
    )
