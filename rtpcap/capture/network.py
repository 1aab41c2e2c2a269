"""IP packets -> UDP payloads, whole chunks at a time: the second half of the way through a frame.

Each packet is looked at through one unaligned record laid over its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture.names import IP_OTHER, IP_TUNNELS, IPV6_EXTENSIONS
from rtpcap.capture.tables import Datagrams, Flows, Records, Tally

__all__ = ["Network", "Rows", "grouped"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

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


class Network:
    """The IP packets in the frames of one chunk, and the datagrams found in them.

    `rows` are rows of the chunk's records, `at` places in its bytes, both of shape (n,). A frame
    is handed on once; what it is instead of a datagram is counted in one of the two tallies.
    """

    def __init__(self, records: Records, flows: Flows, other: Tally, not_understood: Tally) -> None:
        self._records = records
        self._data = records.data
        self._flows = flows
        self._other, self._not_understood = other, not_understood
        self._parts: list[_Part] = []
        self.extended: list[tuple[Rows, Rows]] = []
        """Rows and places of IPv6 packets with extension headers, still to be looked into."""

    def words(self, places: Rows) -> npt.NDArray[np.uint16]:
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

    def versions(self, rows: Rows, at: Rows) -> None:
        """IP packets by the version in their first four bits."""
        empty = at >= self._records.end[rows]
        version = np.where(empty, 0, self._data[at] >> 4)
        self.ipv4(rows[version == 4], at[version == 4])
        self.ipv6(rows[version == 6], at[version == 6])
        self.unread("no IP packet", rows[(version != 4) & (version != 6)])

    def ipv4(self, rows: Rows, at: Rows) -> None:
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
            self.unread("IPv4 header damaged or cut", rows[~sound])
            self.unread("IPv4 fragment", rows[sound & ~whole])
            rest = sound & whole & ~plain
            self._protocols(rows[rest], heads["protocol"][rest])
            rows, at, end, length = rows[plain], at[plain], end[plain], length[plain]
            heads, first = heads[plain], first[plain]
        ports, udp_length = heads["ports"].astype(np.uint32), heads["udp_length"].astype(np.int64)
        optioned = np.flatnonzero(first != PLAIN)
        if len(optioned):
            there = at[optioned] + length[optioned]
            ports[optioned] = self._ports(there)
            udp_length[optioned] = self.words(there + 4)
        sent_end = at + heads["total_length"]
        offloaded = heads["total_length"] == 0
        if offloaded.any():
            self._offloaded(rows, sent_end, offloaded)
            udp_length = np.where(offloaded & (udp_length == 0), sent_end - at - length, udp_length)
        keys = self._flows.ipv4(heads["src"], heads["dst"], ports)
        self._udp(rows, at + length, sent_end, end, udp_length, keys)

    def ipv6(self, rows: Rows, at: Rows) -> None:
        if not len(rows):
            return
        end = self._records.end[rows]
        heads = self._ipv6_heads(at)
        sound = (heads["first"] >> 4 == 6) & (at + IPV6_HEADER <= end)
        plain = sound & (heads["next"] == UDP)
        if not plain.all():
            self.unread("IPv6 header damaged or cut", rows[~sound])
            extended = sound & np.isin(heads["next"], EXTENDED)
            self.extended.append((rows[extended], at[extended]))
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
            self.unread("capture ends inside the UDP header", rows[short])
            self.unread("UDP length does not fit its IP packet", rows[wrong])
            good = ~(short | wrong)
            rows, keys, begin = rows[good], keys[good], begin[good]
            wire_end, captured_end = wire_end[good], captured_end[good]
        end = np.minimum(wire_end, captured_end)
        self._parts.append(_Part(rows, keys, begin, end, wire_end > captured_end))

    def _protocols(self, rows: Rows, protocol: npt.NDArray[np.uint8]) -> None:
        """IP packets that carry something else than UDP."""
        for number, those in grouped(protocol, rows):
            if number in IP_OTHER:
                self.something_else(IP_OTHER[number], those)
            elif number in IP_TUNNELS:
                self.unread(f"tunnel: {IP_TUNNELS[number]}", those)
            else:
                self.unread(f"IP protocol {number}", those)

    def behind(self, rows: Rows, at: Rows, upper: Rows, protocol: Rows) -> None:
        """What stands at `upper`, behind the extension headers of IPv6 packets at `at`."""
        udp = protocol == UDP
        self._protocols(rows[~udp], protocol[~udp])
        rows, at, upper = rows[udp], at[udp], upper[udp]
        if len(rows):
            ports = self._ports(upper)
            udp_length = self.words(upper + 4).astype(np.int64)
            self._ipv6_udp(rows, at, upper, self._ipv6_heads(at), ports, udp_length)

    def _frames(self, rows: Rows) -> npt.NDArray[np.uint32]:
        return self._records.frame[rows]

    def unread(self, reason: str, rows: Rows) -> None:
        self._not_understood.add(reason, self._frames(rows))

    def something_else(self, protocol: str, rows: Rows) -> None:
        self._other.add(protocol, self._frames(rows))

    def datagrams(self) -> Datagrams:
        """All that was found, in order of frames."""
        records = self._records
        if len(self._parts) == 1:
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
            file=records.file,
            flows=self._flows,
            block=np.zeros(len(part.rows), np.uint16),
            frame=self._frames(part.rows),
            time_ns=records.time_ns[part.rows],
            flow=self._flows.number(part.keys),
            begin=part.begin,
            end=part.end,
            cut=part.cut,
            header=(part.begin - records.begin[part.rows]).astype(np.uint16),
            interface=(
                np.full(len(part.rows), records.interface, np.uint16)
                if isinstance(records.interface, int)
                else records.interface[part.rows]
            ),
        )


def grouped(numbers: npt.NDArray[np.unsignedinteger], rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Each number with its rows, which stay in order; linear, however many numbers there are."""
    if not len(numbers):
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for those in np.split(order, edges):
        yield int(numbers[those[0]]), rows[those]
