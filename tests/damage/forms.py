"""What is damaged: every fixture as it is, and one of them in the other forms that are read."""

from __future__ import annotations

import gzip
import lzma
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import dpkt

from tests.capture.build import Frame, enhanced, interface, section

__all__ = ["FIXTURES", "FORMS", "Form"]

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
WRAPPED = FIXTURES / "pj-pcmu.pcap"
RTPDUMP_PORTS = (4100, 4200)
IPV4_UDP_BYTES = 14 + 20 + 8
RECORD = struct.Struct("<IIII")
FILE_HEADER_BYTES = 24


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd(data: bytes) -> bytes:
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    packed: bytes = import_module(module).compress(data)
    return packed


def _lz4(data: bytes) -> bytes:
    packed: bytes = import_module("lz4.frame").compress(data)
    return packed


def _frames(pcap: bytes) -> list[tuple[int, bytes]]:
    """Time in nanoseconds and bytes of each whole frame of a little-endian pcap."""
    frames = []
    at = FILE_HEADER_BYTES
    while at + RECORD.size <= len(pcap):
        seconds, micros, size, _ = RECORD.unpack_from(pcap, at)
        at += RECORD.size
        frames.append((seconds * 1_000_000_000 + micros * 1000, pcap[at : at + size]))
        at += size
    return frames


def _pcapng(data: bytes) -> bytes:
    blocks = [enhanced(Frame(frame, time_ns)) for time_ns, frame in _frames(data)]
    return section() + interface() + b"".join(blocks)


def _rtpdump(data: bytes) -> bytes:
    """The packets that one side of the call sent, as rtptools' rtpdump writes them."""
    frames = [(time_ns, frame) for time_ns, frame in _frames(data) if _ports(frame)]
    start_ns = frames[0][0]
    out = [
        b"#!rtpplay1.0 127.0.0.1/%d\n" % RTPDUMP_PORTS[0],
        # Start in seconds and microseconds, source address and port, padding.
        struct.pack(
            ">IIIHH", *divmod(start_ns // 1000, 1_000_000), 0x7F000001, RTPDUMP_PORTS[0], 0
        ),
    ]
    for time_ns, frame in frames:
        packet = frame[IPV4_UDP_BYTES:]
        # Length with these eight bytes, length of the packet, milliseconds since the start.
        offset = (time_ns - start_ns) // 1_000_000
        out.append(struct.pack(">HHI", 8 + len(packet), len(packet), offset) + packet)
    return b"".join(out)


def _ports(frame: bytes) -> bool:
    packet = dpkt.ethernet.Ethernet(frame).data
    datagram = packet.data if isinstance(packet, dpkt.ip.IP) else None
    return isinstance(datagram, dpkt.udp.UDP) and (datagram.sport, datagram.dport) == RTPDUMP_PORTS


@dataclass(frozen=True)
class Form:
    """A capture file to damage: a fixture, as it is or turned into something else."""

    name: str
    fixture: Path
    turn: Callable[[bytes], bytes] | None = None

    def bytes(self, most: int | None = None) -> bytes:
        """The file; only the first `most` bytes of the fixture go into it, where that is given."""
        data = self.fixture.read_bytes()[:most]
        return data if self.turn is None else self.turn(data)


FORMS = {
    form.name: form
    for form in (
        *(Form(path.name, path) for path in sorted(FIXTURES.glob("*.pcap*"))),
        Form("pj-pcmu as pcapng", WRAPPED, _pcapng),
        Form("pj-pcmu as gzip", WRAPPED, _gzip),
        Form("pj-pcmu as xz", WRAPPED, lzma.compress),
        Form("pj-pcmu as zstd", WRAPPED, _zstd),
        Form("pj-pcmu as lz4", WRAPPED, _lz4),
        Form("pj-pcmu as rtpdump", WRAPPED, _rtpdump),
    )
}
