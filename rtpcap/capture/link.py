"""Frames -> IP packets: the common link headers, whole chunks at a time.

Where a frame's link header is none of the common ones, `uncommon` finds the network packet in it,
frame by frame. Every frame ends as a datagram, as other traffic, or as not understood, with the
reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.capture.names import (
    ETHER_OTHER,
    ETHER_PLACES,
    NO_LINK,
    NO_PACKET,
    UNCOMMON_LINKS,
    VLAN_TAGS,
    link_name,
)
from rtpcap.capture.network import Network, Rows, grouped
from rtpcap.capture.tables import Datagrams, Flows, Records, Tally

__all__ = ["Decoder"]

IPV4, IPV6 = 0x0800, 0x86DD
VLAN_TAG_BYTES = 4
MOST_VLAN_TAGS = 8

LOOPBACK = (0, 108)
RAW_IP = (12, 14, 101, 228, 229)

FAMILIES_IP = (2, 10, 24, 28, 30)
"""Address families: 2 is IPv4, the others are IPv6 of Linux, the BSDs and macOS."""


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
        network = Network(records, self._flows, self._other, self._not_understood)
        links = _Links(records, network)
        if isinstance(records.link, int):
            links.link(records.link, np.arange(len(records)))
        else:
            for link, rows in grouped(records.link, np.arange(len(records))):
                links.link(link, rows)
        links.uncommon()
        return network.datagrams()


class _Links:
    """The frames of one chunk, on their way through the link headers."""

    def __init__(self, records: Records, network: Network) -> None:
        self._records = records
        self._data = records.data
        self._network = network
        self._left: list[tuple[int, Rows]] = []

    def link(self, link: int, rows: Rows) -> None:
        """The frames of one link type."""
        if link in ETHER_PLACES:
            type_at, network_at = ETHER_PLACES[link]
            rows, begin = self._long_enough(rows, network_at)
            self._ether(link, rows, begin + network_at, self._network.words(begin + type_at))
        elif link in LOOPBACK:
            rows, begin = self._long_enough(rows, 4)
            self._families(rows, begin)
        elif link in RAW_IP:
            rows, begin = self._long_enough(rows, 1)
            self._network.versions(rows, begin)
        elif link in UNCOMMON_LINKS:
            self._left.append((link, rows))
        elif link == NO_PACKET:
            self._network.unread("no packet: a journal entry, system call or custom block", rows)
        elif link == NO_LINK:
            self._network.unread("packet of an interface that the file does not describe", rows)
        else:
            self._network.unread(f"{link_name(link)} is not read", rows)

    def _long_enough(self, rows: Rows, least: int) -> tuple[Rows, Rows]:
        """The frames of at least so many bytes, and where they begin."""
        begin = self._records.begin[rows]
        short = self._records.end[rows] - begin < least
        if short.any():
            self._network.unread("frame ends inside its link headers", rows[short])
            return rows[~short], begin[~short]
        return rows, begin

    def _ether(
        self, link: int, rows: Rows, network: Rows, ether_type: npt.NDArray[np.uint16]
    ) -> None:
        """By EtherType, through any stack of VLAN tags."""
        if (ether_type == IPV4).all():
            self._network.ipv4(rows, network)
            return
        for _ in range(MOST_VLAN_TAGS):
            tagged = np.flatnonzero(np.isin(ether_type, VLAN_TAGS))
            fits = network[tagged] + VLAN_TAG_BYTES <= self._records.end[rows[tagged]]
            tagged = tagged[fits]
            if not len(tagged):
                break
            ether_type[tagged] = self._network.words(network[tagged] + 2)
            network[tagged] += VLAN_TAG_BYTES
        ipv4, ipv6 = ether_type == IPV4, ether_type == IPV6
        self._network.ipv4(rows[ipv4], network[ipv4])
        self._network.ipv6(rows[ipv6], network[ipv6])
        neither = np.flatnonzero(~(ipv4 | ipv6))
        if len(neither):
            for kind, those in grouped(ether_type[neither], rows[neither]):
                if kind in ETHER_OTHER:
                    self._network.something_else(ETHER_OTHER[kind], those)
                else:
                    self._left.append((link, those))

    def _families(self, rows: Rows, begin: Rows) -> None:
        """By address family, a 32-bit word in the writer's byte order."""
        words: npt.NDArray[np.uint32] = np.ndarray(
            (len(self._data) - 3,), "<u4", self._data, 0, (1,)
        )
        family = words[begin].astype(np.uint32)
        family = np.where(family > 0xFFFF, family.byteswap(), family)
        ip = np.isin(family, FAMILIES_IP)
        self._network.versions(rows[ip], begin[ip] + 4)
        for number, those in grouped(family[~ip], rows[~ip]):
            self._network.unread(f"address family {number}", those)

    def uncommon(self) -> None:
        """What the common shapes left over, frame by frame."""
        if not self._left and not any(len(rows) for rows, _ in self._network.extended):
            return
        # Not at the top: most captures do without it, and it brings a whole package.
        from rtpcap.capture.uncommon import Unread, behind_extensions, network_packet

        network = self._network
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
        network.ipv4(*_columns(found[IPV4], 2))
        network.ipv6(*_columns(found[IPV6], 2))

        behind: list[tuple[int, int, int, int]] = []
        for rows, places in network.extended:
            for row, at in zip(rows.tolist(), places.tolist(), strict=True):
                place = behind_extensions(self._data[at : int(ends[row])].tobytes())
                if isinstance(place, Unread):
                    unread.setdefault(place, []).append(row)
                else:
                    behind.append((row, at, at + place.at, place.kind))
        network.behind(*_columns(behind, 4))
        for place, those in unread.items():
            count = network.something_else if place.understood else network.unread
            count(place.reason, np.array(those, np.int64))


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> tuple[Rows, ...]:
    """Tuples as columns, shape (n,) each, by their first member, the row."""
    table = np.array(sorted(rows), np.int64).reshape(len(rows), width)
    return tuple(table[:, i] for i in range(width))
