"""Frames -> UDP payloads: the common shapes of link and network headers, whole chunks at a time.

Each frame is looked at through one unaligned record laid over its bytes. Where a frame's link
header is none of the common ones, `uncommon` finds the network packet in it, frame by frame. Every
frame ends as a datagram, as other traffic, or as not understood, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture.names import (
    ETHER_OTHER,
    ETHER_PLACES,
    IP_OTHER,
    IP_TUNNELS,
    IPV6_EXTENSIONS,
    NO_LINK,
    NO_PACKET,
    UNCOMMON_LINKS,
    VLAN_TAGS,
    link_name,
)
from rtpcap.capture.tables import Datagrams, Flows, Records, Tally

__all__ = ["Decoder"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

IPV4, IPV6 = 0x0800, 0x86DD
VLAN_TAG_BYTES = 4
MOST_VLAN_TAGS = 8

LOOPBACK = (0, 108)
RAW_IP = (12, 14, 101, 228, 229)

FAMILIES_IPV4 = (2,)
FAMILIES_IPV6 = (10, 24, 28, 30)

UDP = 17
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

COLUMNS = {"rows": np.int64, "keys": np.int32, "begin": np.int64, "end": np.int64, "cut": np.bool_}


@dataclass(frozen=True, eq=False)
class _Part:
    """Datagrams of one shape, columns of shape (n,): their frames' rows in the chunk, and so on."""

    rows: Rows
    keys: npt.NDArray[np.int32]
    begin: Rows
    end: Rows
    cut: Mask


class Decoder:
    """Turns a capture's records into datagrams; made once for a pass through the file.

    Frames without a UDP payload are counted in `other` (understood, something else) or in
    `not_understood`; so frames = datagrams + other + not understood.
    """

    def __init__(self, flows: Flows, other: Tally, not_understood: Tally) -> None:
        self._flows = flows
        self._other = other
        self._not_understood = not_understood

    def datagrams(self, records: Records) -> Datagrams:
        """The UDP payloads of a chunk, in order of frames; they lie in the chunk's own bytes."""
        chunk = _Chunk(records, self._flows, self._other, self._not_understood)
        if isinstance(records.link, int):
            chunk.link(records.link, np.arange(len(records)))
        else:
            for link, rows in _grouped(records.link, np.arange(len(records))):
                chunk.link(link, rows)
        chunk.uncommon()
        return chunk.datagrams()


class _Chunk:
    """The frames of one chunk on their way down the layers."""

    def __init__(self, records: Records, flows: Flows, other: Tally, not_understood: Tally) -> None:
        self._records = records
        self._data = records.data
        self._flows = flows
        self._other, self._not_understood = other, not_understood
        self._parts: list[_Part] = []
        self._left: list[tuple[int, Rows]] = []
        self._extended: list[tuple[Rows, Rows]] = []

    def link(self, link: int, rows: Rows) -> None:
        """The frames of one link type."""
        begin = self._records.begin[rows]
        length = self._records.end[rows] - begin
        if link in ETHER_PLACES:
            type_at, network_at = ETHER_PLACES[link]
            rows, begin = self._long_enough(rows, begin, length, network_at)
            self._ether(link, rows, begin + network_at, self._words(begin + type_at))
        elif link in LOOPBACK:
            rows, begin = self._long_enough(rows, begin, length, 4)
            self._families(rows, begin)
        elif link in RAW_IP:
            rows, begin = self._long_enough(rows, begin, length, 1)
            self._versions(rows, begin)
        elif link in UNCOMMON_LINKS:
            self._left.append((link, rows))
        elif link == NO_PACKET:
            self._unread("no packet: a journal entry, system call or custom block", rows)
        elif link == NO_LINK:
            self._unread("packet of an interface that the file does not describe", rows)
        else:
            self._unread(f"{link_name(link)} is not read", rows)

    def _long_enough(self, rows: Rows, begin: Rows, length: Rows, least: int) -> tuple[Rows, Rows]:
        short = length < least
        if short.any():
            self._unread("frame ends inside its link headers", rows[short])
            return rows[~short], begin[~short]
        return rows, begin

    def _words(self, places: Rows) -> npt.NDArray[np.uint16]:
        """The 16-bit words at some places, shape (n,)."""
        words: npt.NDArray[np.uint16] = np.ndarray(
            (len(self._data) - 1,), ">u2", self._data, 0, (1,)
        )
        return words[places]

    def _ports(self, places: Rows) -> npt.NDArray[np.uint32]:
        """Source and destination port in one word, shape (n,)."""
        words: npt.NDArray[np.uint32] = np.ndarray(
            (len(self._data) - 3,), ">u4", self._data, 0, (1,)
        )
        return words[places].astype(np.uint32)

    def _ether(
        self, link: int, rows: Rows, network: Rows, ether_type: npt.NDArray[np.uint16]
    ) -> None:
        """By EtherType, through any stack of VLAN tags."""
        if (ether_type == IPV4).all():
            self._ipv4(rows, network)
            return
        for _ in range(MOST_VLAN_TAGS):
            tagged = np.flatnonzero(np.isin(ether_type, VLAN_TAGS))
            fits = network[tagged] + VLAN_TAG_BYTES <= self._records.end[rows[tagged]]
            tagged = tagged[fits]
            if not len(tagged):
                break
            ether_type[tagged] = self._words(network[tagged] + 2)
            network[tagged] += VLAN_TAG_BYTES
        ipv4, ipv6 = ether_type == IPV4, ether_type == IPV6
        self._ipv4(rows[ipv4], network[ipv4])
        self._ipv6(rows[ipv6], network[ipv6])
        neither = np.flatnonzero(~(ipv4 | ipv6))
        if len(neither):
            for kind, those in _grouped(ether_type[neither], rows[neither]):
                if kind in ETHER_OTHER:
                    self._something_else(ETHER_OTHER[kind], those)
                else:
                    self._left.append((link, those))

    def _families(self, rows: Rows, begin: Rows) -> None:
        """By address family, a 32-bit word in the writer's byte order."""
        words: npt.NDArray[np.uint32] = np.ndarray(
            (len(self._data) - 3,), "<u4", self._data, 0, (1,)
        )
        family = words[begin].astype(np.uint32)
        family = np.where(family > 0xFFFF, family.byteswap(), family)
        ip = np.isin(family, (*FAMILIES_IPV4, *FAMILIES_IPV6))
        self._versions(rows[ip], begin[ip] + 4)
        for number, those in _grouped(family[~ip], rows[~ip]):
            self._unread(f"address family {number}", those)

    def _versions(self, rows: Rows, at: Rows) -> None:
        """IP packets by the version in their first four bits."""
        empty = at >= self._records.end[rows]
        version = np.where(empty, 0, self._data[at] >> 4)
        self._ipv4(rows[version == 4], at[version == 4])
        self._ipv6(rows[version == 6], at[version == 6])
        self._unread("no IP packet", rows[(version != 4) & (version != 6)])

    def _ipv4(self, rows: Rows, at: Rows) -> None:
        if not len(rows):
            return
        end = self._records.end[rows]
        data = self._data
        heads = np.ndarray((len(data) - IPV4_UDP.itemsize + 1,), IPV4_UDP, data, 0, (1,))[at]
        first = heads["version_length"]
        length = (first & 15).astype(np.int64) * 4
        sound = (first >> 4 == 4) & (length >= IPV4_HEADER) & (at + length <= end)
        whole = (heads["fragment"] & NOT_WHOLE) == 0
        plain = sound & whole & (heads["protocol"] == UDP)
        if not plain.all():
            self._unread("IPv4 header damaged or cut", rows[~sound])
            self._unread("IPv4 fragment", rows[sound & ~whole])
            rest = sound & whole & ~plain
            self._protocols(rows[rest], heads["protocol"][rest])
            rows, at, end, length = rows[plain], at[plain], end[plain], length[plain]
            heads, first = heads[plain], first[plain]
        ports, udp_length = heads["ports"].astype(np.uint32), heads["udp_length"].astype(np.int64)
        optioned = np.flatnonzero(first != PLAIN)
        if len(optioned):
            there = at[optioned] + length[optioned]
            ports[optioned] = self._ports(there)
            udp_length[optioned] = self._words(there + 4)
        sent_end = at + heads["total_length"]
        offloaded = heads["total_length"] == 0
        if offloaded.any():
            self._offloaded(rows, sent_end, offloaded)
            udp_length = np.where(offloaded & (udp_length == 0), sent_end - at - length, udp_length)
        keys = self._flows.ipv4(heads["src"], heads["dst"], ports)
        self._udp(rows, at + length, sent_end, end, udp_length, keys)

    def _ipv6(self, rows: Rows, at: Rows) -> None:
        if not len(rows):
            return
        end = self._records.end[rows]
        heads = self._ipv6_heads(at)
        sound = (heads["first"] >> 4 == 6) & (at + IPV6_HEADER <= end)
        plain = sound & (heads["next"] == UDP)
        if not plain.all():
            self._unread("IPv6 header damaged or cut", rows[~sound])
            extended = sound & np.isin(heads["next"], EXTENDED)
            self._extended.append((rows[extended], at[extended]))
            rest = sound & ~plain & ~extended
            self._protocols(rows[rest], heads["next"][rest])
            rows, at, heads = rows[plain], at[plain], heads[plain]
        udp_length = heads["udp_length"].astype(np.int64)
        self._ipv6_udp(rows, at, at + IPV6_HEADER, heads, heads["ports"], udp_length)

    def _ipv6_heads(self, at: Rows) -> npt.NDArray[np.void]:
        data = self._data
        return np.ndarray((len(data) - IPV6_UDP.itemsize + 1,), IPV6_UDP, data, 0, (1,))[at]

    def _ipv6_udp(
        self,
        rows: Rows,
        at: Rows,
        udp_at: Rows,
        heads: npt.NDArray[np.void],
        ports: npt.NDArray[np.uint32],
        udp_length: Rows,
    ) -> None:
        """UDP at `udp_at` in IPv6 packets at `at`."""
        sent_end = at + IPV6_HEADER + heads["payload_length"]
        offloaded = heads["payload_length"] == 0
        if offloaded.any():
            self._offloaded(rows, sent_end, offloaded)
        if not udp_length.all():
            # RFC 2675, section 4: a jumbogram's UDP length is 0 and means the rest of the packet.
            udp_length = np.where(udp_length == 0, sent_end - udp_at, udp_length)
        keys = self._flows.ipv6(heads["addresses"], ports)
        self._udp(rows, udp_at, sent_end, self._records.end[rows], udp_length, keys)

    def _offloaded(self, rows: Rows, sent_end: Rows, offloaded: Mask) -> None:
        """Correct the end of packets whose length is 0, left to the network card: the frame's."""
        rows = rows[offloaded]
        records = self._records
        begin, end = records.begin[rows], records.end[rows]
        sent_end[offloaded] = np.maximum(begin + records.original[rows], end)

    def _udp(
        self,
        rows: Rows,
        at: Rows,
        sent_end: Rows,
        captured_end: Rows,
        length: Rows,
        keys: npt.NDArray[np.int32],
    ) -> None:
        """UDP headers at `at`, of packets that ended on the wire at `sent_end`."""
        wire_end = at + length
        begin = at + UDP_HEADER
        short = begin > captured_end
        wrong = ~short & ((length < UDP_HEADER) | (wire_end > sent_end))
        if short.any() or wrong.any():
            self._unread("capture ends inside the UDP header", rows[short])
            self._unread("UDP length does not fit its IP packet", rows[wrong])
            good = ~(short | wrong)
            rows, keys, begin = rows[good], keys[good], begin[good]
            wire_end, captured_end = wire_end[good], captured_end[good]
        end = np.minimum(wire_end, captured_end)
        self._parts.append(_Part(rows, keys, begin, end, wire_end > captured_end))

    def _protocols(self, rows: Rows, protocol: npt.NDArray[np.uint8]) -> None:
        """IP packets that carry something else than UDP."""
        for number, those in _grouped(protocol, rows):
            if number in IP_OTHER:
                self._something_else(IP_OTHER[number], those)
            elif number in IP_TUNNELS:
                self._unread(f"tunnel: {IP_TUNNELS[number]}", those)
            else:
                self._unread(f"IP protocol {number}", those)

    def uncommon(self) -> None:
        """What the common shapes left over, frame by frame."""
        if not self._left and not any(len(rows) for rows, _ in self._extended):
            return
        # Not at the top: most captures do without it, and it brings a whole package.
        from rtpcap.capture.uncommon import Unread, behind_extensions, network_packet

        found: dict[int, list[tuple[int, int]]] = {IPV4: [], IPV6: []}
        unread: dict[Unread, list[int]] = {}
        begins, ends = self._records.begin, self._records.end
        for link, rows in self._left:
            for row in rows.tolist():
                begin = int(begins[row])
                place = network_packet(self._data[begin : int(ends[row])].tobytes(), link)
                if isinstance(place, Unread):
                    unread.setdefault(place, []).append(row)
                else:
                    found[place.kind].append((row, begin + place.at))
        self._ipv4(*_columns(found[IPV4], 2))
        self._ipv6(*_columns(found[IPV6], 2))

        behind: list[tuple[int, int, int, int]] = []
        for rows, places in self._extended:
            for row, at in zip(rows.tolist(), places.tolist(), strict=True):
                place = behind_extensions(self._data[at : int(ends[row])].tobytes())
                if isinstance(place, Unread):
                    unread.setdefault(place, []).append(row)
                else:
                    behind.append((row, at, at + place.at, place.kind))
        self._behind(*_columns(behind, 4))
        for place, those in unread.items():
            count = self._something_else if place.understood else self._unread
            count(place.reason, np.array(those))

    def _behind(self, rows: Rows, at: Rows, upper: Rows, protocol: Rows) -> None:
        """What stands at `upper`, behind the extension headers of IPv6 packets at `at`."""
        udp = protocol == UDP
        self._protocols(rows[~udp], protocol[~udp])
        rows, at, upper = rows[udp], at[udp], upper[udp]
        if len(rows):
            ports = self._ports(upper)
            udp_length = self._words(upper + 4).astype(np.int64)
            self._ipv6_udp(rows, at, upper, self._ipv6_heads(at), ports, udp_length)

    def _frames(self, rows: Rows) -> npt.NDArray[np.uint32]:
        return (rows + self._records.first_frame).astype(np.uint32)

    def _unread(self, reason: str, rows: Rows) -> None:
        self._not_understood.add(reason, self._frames(rows))

    def _something_else(self, protocol: str, rows: Rows) -> None:
        self._other.add(protocol, self._frames(rows))

    def datagrams(self) -> Datagrams:
        """All that was found, in order of frames."""
        records = self._records
        if len(self._parts) == 1 and not self._left and not self._extended:
            (part,) = self._parts
        else:
            joined: dict[str, npt.NDArray[Any]] = {
                name: np.concatenate(
                    [*(getattr(part, name) for part in self._parts), np.empty(0, kind)]
                )
                for name, kind in COLUMNS.items()
            }
            order = np.argsort(joined["rows"], kind="stable")
            part = _Part(**{name: column[order] for name, column in joined.items()})
        return Datagrams(
            blocks=(self._data,),
            base=records.base,
            flows=self._flows,
            block=np.zeros(len(part.rows), np.uint8),
            frame=self._frames(part.rows),
            time_ns=records.time_ns[part.rows],
            flow=self._flows.number(part.keys),
            begin=part.begin,
            end=part.end,
            cut=part.cut,
        )


def _grouped(numbers: npt.NDArray[np.unsignedinteger], rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Each number with its rows, which stay in order; linear, however many numbers there are."""
    if not len(numbers):
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for those in np.split(order, edges):
        yield int(numbers[those[0]]), rows[those]


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> tuple[Rows, ...]:
    """Tuples as columns, shape (n,) each, also where there are none."""
    table = np.array(rows, np.int64).reshape(len(rows), width)
    return tuple(table[:, i] for i in range(width))
