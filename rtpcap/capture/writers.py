"""What capture files are made of: a class for each format, which writes frames one by one."""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rtpcap.capture.files.kept import (
    INTERFACE,
    NAMES,
    SECRETS,
    SECTION_HEADER,
    STATISTICS,
    Interface,
    Statistics,
)
from rtpcap.capture.files.options import COMMENT, Options, build_options
from rtpcap.capture.files.pcap import LONGEST_USUAL
from rtpcap.capture.files.pcapng import ENHANCED_PACKET, SIMPLE_PACKET
from rtpcap.capture.files.rtpdump import BINARY_HEADER, MAGIC
from rtpcap.capture.files.several import Several
from rtpcap.capture.files.source import Source
from rtpcap.capture.tables import Datagram, Flow
from rtpcap.errors import CaptureError
from rtpcap.version import __version__

__all__ = [
    "ETHERNET",
    "RAW_IP",
    "InterfaceKey",
    "PcapWriter",
    "PcapngWriter",
    "RtpdumpWriter",
    "Written",
    "whole_file",
    "with_headers",
]

ETHERNET, RAW_IP = 1, 101
SECOND = 1_000_000_000
WORD, LONG = 1 << 32, 1 << 64

BYTE_ORDER_MAGIC = 0x1A2B3C4D
UNKNOWN_LENGTH = -1
USER_APPLICATION = 4
RESOLUTION, RESOLUTION_NS = 9, b"\x09"
KEPT_INTERFACE_OPTIONS = (COMMENT, 2, 3, 4, 5, 6, 7, 11, 12, 15)
"""Name, description, addresses, filter, system, hardware: alike in both byte orders."""
SPEED = 8
STATISTICS_OPTIONS = {4: "received", 5: "dropped", 7: "dropped_by_system"}

RTCP_SECOND_BYTE = range(192, 224)
"""RFC 5761, section 4."""
LONGEST_RTPDUMP = 0xFFFF - 8
UDP, UDP_HEADER = 17, 8
LONGEST_PAYLOAD = 0xFFFF - 20 - UDP_HEADER


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write, which gets its name when it is whole and is gone where that fails."""
    half = Path(f"{os.fspath(path)}.part")
    try:
        with open(half, "wb") as file:
            yield file
        os.replace(half, path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


class InterfaceKey(NamedTuple):
    """An interface of the capture, and its link type."""

    interface: int
    link: int


class Written(NamedTuple):
    """A frame to be written."""

    number: int
    """Its number in the capture."""
    time_ns: int | None
    original: int
    data: bytes
    interface: InterfaceKey
    options: Options
    """What its own file said of it; numbers are little-endian."""


class PcapWriter:
    """A classic pcap, little-endian, in microseconds or nanoseconds."""

    def __init__(self, file: BinaryIO, link: int, nanoseconds: bool) -> None:
        self._file = file
        self._unit_ns = 1 if nanoseconds else 1000
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        file.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, LONGEST_USUAL, link))

    def write(self, rows: Iterable[Written]) -> int:
        """Write frames; gives how many. One without a time gets the time 0."""
        count = 0
        pack = struct.Struct("<IIII").pack
        for row in rows:
            seconds, ns = divmod(row.time_ns or 0, SECOND)
            if not 0 <= seconds < WORD:
                raise CaptureError(f"a pcap cannot hold the time of frame {row.number}: use pcapng")
            original = min(row.original, WORD - 1)
            head = pack(seconds, ns // self._unit_ns, len(row.data), original)
            self._file.write(head + row.data)
            count += 1
        return count


class PcapngWriter:
    """A pcapng of one section, little-endian, in nanoseconds."""

    def __init__(
        self, file: BinaryIO, source: Source | Several, interfaces: list[InterfaceKey]
    ) -> None:
        """Write all that stands before the frames, whose interfaces these are."""
        self._file = file
        self._number = {key: number for number, key in enumerate(interfaces)}
        self._sources = source.sources if isinstance(source, Several) else [source]
        kept = [each.kept for each in self._sources]
        comments = [(COMMENT, text.encode()) for each in kept for text in each.comments]
        head = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, UNKNOWN_LENGTH)
        application = (USER_APPLICATION, f"rtpcap {__version__}".encode())
        self._block(SECTION_HEADER, head + build_options([*comments, application]))
        self._snap_lengths: list[int] = []
        self._statistics: list[tuple[int, Statistics]] = []
        described = [each.interfaces for each in kept]
        counted = [each.statistics for each in kept]
        for number, key in enumerate(interfaces):
            which, own = source.interface_of(key.interface)
            known = described[which][own] if own < len(described[which]) else None
            self._describe(key, known)
            if own in counted[which]:
                self._statistics.append((number, counted[which][own]))
        for each in kept:
            for names in each.names:
                self._block(NAMES, build_options(names.records) or bytes(4))
            for secrets in each.secrets:
                body = struct.pack("<II", secrets.kind, len(secrets.data)) + secrets.data
                self._block(SECRETS, body)

    def _block(self, kind: int, body: bytes) -> None:
        body += bytes(-len(body) % 4)
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)

    def _describe(self, key: InterfaceKey, known: Interface | None) -> None:
        options = [(RESOLUTION, RESOLUTION_NS)]
        snap_length = 0
        if known is not None and known.link == key.link:
            snap_length = known.snap_length
            options += [o for o in known.options if o[0] in KEPT_INTERFACE_OPTIONS]
            options += [
                (SPEED, value if known.order == "<" else value[::-1])
                for code, value in known.options
                if code == SPEED and len(value) == 8
            ]
        self._snap_lengths.append(snap_length)
        body = struct.pack("<HHI", key.link, 0, snap_length) + build_options(options)
        self._block(INTERFACE, body)

    def write(self, rows: Iterable[Written]) -> int:
        """Write frames, each with a comment of what its number was, and what interfaces counted."""
        count = 0
        for row in rows:
            self._packet(row)
            count += 1
        for number, counts in self._statistics:
            told = [
                (code, struct.pack("<Q", value))
                for code, name in STATISTICS_OPTIONS.items()
                if (value := getattr(counts, name)) is not None
            ]
            body = struct.pack("<III", number, 0, 0) + build_options(told)
            self._block(STATISTICS, body)
        return count

    def _packet(self, row: Written) -> None:
        number = self._number[row.interface]
        original = min(row.original, WORD - 1)
        if row.time_ns is None and self._can_be_simple(number, row):
            self._block(SIMPLE_PACKET, struct.pack("<I", original) + row.data)
            return
        note = f"frame {row.number} of the original"
        if row.time_ns is None:
            note += ", without a time"
        time_ns = row.time_ns or 0
        if not 0 <= time_ns < LONG:
            raise CaptureError(f"a pcapng cannot hold the time of frame {row.number}")
        upper, lower = divmod(time_ns, WORD)
        head = struct.pack("<IIIII", number, upper, lower, len(row.data), original)
        data = row.data + bytes(-len(row.data) % 4)
        options = build_options([*row.options, (COMMENT, note.encode())])
        self._block(ENHANCED_PACKET, head + data + options)

    def _can_be_simple(self, number: int, row: Written) -> bool:
        """Whether a simple packet block says how much of a frame there is (section 4.4)."""
        limit = self._snap_lengths[0] or row.original
        return number == 0 and len(row.data) == min(row.original, limit)


class RtpdumpWriter:
    """An rtpdump. Its header names the address that the first packet went to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, datagrams: Iterator[Datagram]) -> int:
        """Write UDP payloads as RTP or RTCP packets, by their second byte; gives how many.

        One without a time gets that of the one before.
        """
        count, start_ns, offset_ms = 0, 0, 0
        pack = struct.Struct(">HHI").pack
        for datagram in datagrams:
            if not count:
                start_ns = self._begin(datagram)
            if datagram.time_ns is not None:
                # An earlier time than the first one's cannot be told.
                offset_ms = max((datagram.time_ns - start_ns + 500_000) // 1_000_000, 0)
            if offset_ms >= WORD:
                raise CaptureError(f"an rtpdump cannot hold the time of frame {datagram.frame}")
            payload = datagram.payload[:LONGEST_RTPDUMP]
            is_rtcp = len(payload) > 1 and payload[1] in RTCP_SECOND_BYTE
            own = 0 if is_rtcp else len(payload)
            self._file.write(pack(len(payload) + 8, own, offset_ms) + payload)
            count += 1
        if not count:
            self._begin(None)
        return count

    def _begin(self, first: Datagram | None) -> int:
        """Write the header; gives the time that offsets count from."""
        dst, port = (first.dst, first.dst_port) if first else ("0.0.0.0", 0)
        time_ns = (first.time_ns or 0) if first else 0
        seconds, ns = divmod(time_ns, SECOND)
        if not 0 <= seconds < WORD:
            raise CaptureError("an rtpdump cannot hold the time of the first packet")
        address = ipaddress.ip_address(dst)
        number = int(address) if address.version == 4 else 0
        self._file.write(MAGIC + f"{dst}/{port}\n".encode())
        self._file.write(BINARY_HEADER.pack(seconds, ns // 1000, number, port, 0))
        return seconds * SECOND + ns // 1000 * 1000


def with_headers(payload: bytes, original: int, flow: Flow) -> tuple[bytes, int]:
    """A payload that came without headers as an IP packet, and its whole length.

    So that it can stand in a capture file. What was not captured of it counts as zeros in the
    checksum of UDP.
    """
    import dpkt

    missing = max(min(original, LONGEST_PAYLOAD) - len(payload), 0)
    udp = dpkt.udp.UDP(
        sport=flow.src_port,
        dport=flow.dst_port,
        ulen=min(UDP_HEADER + len(payload) + missing, 0xFFFF),
        data=payload + bytes(missing),
    )
    ends = {
        "src": ipaddress.ip_address(flow.src).packed,
        "dst": ipaddress.ip_address(flow.dst).packed,
    }
    if len(ends["src"]) == 4:
        packet = bytes(dpkt.ip.IP(p=UDP, data=udp, **ends))
    else:
        packet = bytes(dpkt.ip6.IP6(nxt=UDP, hlim=64, plen=len(udp), data=udp, **ends))
    return packet[: len(packet) - missing], len(packet) - missing - len(payload) + original
