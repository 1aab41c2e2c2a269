"""Real captures: each opens or says why not, and dpkt finds the same datagrams frame by frame."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dpkt
import pytest

from rtpcap.capture.files.formats import open_source
from rtpcap.errors import CaptureError
from tests.capture.read import read_path
from tests.effort import pick

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
SUFFIXES = {".pcap", ".pcapng", ".cap", ".rtp", ".rtpdump", ".erf", ".gz"}
FILES = sorted(
    path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in SUFFIXES
)
pytestmark = pytest.mark.skipif(not FILES, reason="the captures are not beside the project")

NO_CAPTURES = {
    "no capture: begins with 00 e4 02 00 when it is unpacked",
    "no capture: begins with 00 47 2f 00",
    *(f"no capture: begins with 02 00 {bytes_}" for bytes_ in ("0f a0", "0f a2", "13 c6", "0c ae")),
    *(f"no capture: begins with 02 00 {bytes_}" for bytes_ in ("40 00", "40 02")),
}
# tshark 4.0.17 stops at the same frame of it: "unknown SHB version 2.0".
DAMAGED = {"google+gopacket/le_test901.pcapng": "a section of an unknown pcapng version"}


def raw(data: bytes) -> dpkt.Packet:
    """An IP packet, by its version."""
    return (dpkt.ip6.IP6 if data[0] >> 4 == 6 else dpkt.ip.IP)(data)


# Link type -> the packet in a frame. dpkt knows PPP only with address and control.
LINKS: dict[int, Callable[[bytes], object]] = {
    0: lambda data: dpkt.loopback.Loopback(data).data,
    1: lambda data: dpkt.ethernet.Ethernet(data).data,
    9: lambda data: dpkt.ppp.PPP(data).data,
    12: raw,
    14: raw,
    101: raw,
    108: lambda data: dpkt.loopback.Loopback(data).data,
    113: lambda data: dpkt.sll.SLL(data).data,
    228: dpkt.ip.IP,
    229: dpkt.ip6.IP6,
    276: lambda data: dpkt.sll2.SLL2(data).data,
}
# What dpkt does not look into, and this package does.
TUNNEL_PROTOCOLS = {4, 41, 47}
TUNNEL_PORTS = {1701, 2152, 3386, 3544, 4789, 4790, 6081, 8472, 9060, 37008}
FRAGMENT_HEADER = 44
DPKT_ERRORS = (dpkt.UnpackError, struct.error, ValueError, IndexError, KeyError, AttributeError)


@dataclass(frozen=True)
class Udp:
    """What dpkt says of a frame that it takes for plain UDP."""

    src: str
    src_port: int
    dst: str
    dst_port: int
    payload: bytes


def dpkt_frames(path: Path) -> Iterator[Udp | str]:
    """For each frame: the datagram, ``"other"`` for another plain packet, ``""`` for no opinion."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        is_pcapng = magic == b"\x0a\x0d\x0d\x0a"
        reader = (dpkt.pcapng.Reader if is_pcapng else dpkt.pcap.Reader)(file)
        link = LINKS.get(reader.datalink() & 0xFFFF)
        for _, data in reader:
            yield _look(data, link) if link is not None else ""


def _look(data: bytes, link: Callable[[bytes], object]) -> Udp | str:
    try:
        packet = link(data)
    except DPKT_ERRORS:
        return ""
    if isinstance(packet, dpkt.ip.IP):
        if packet.mf or packet.offset or packet.p in TUNNEL_PROTOCOLS:
            return ""
        room = packet.len - packet.hl * 4 if packet.len else len(data)
        family = socket.AF_INET
    elif isinstance(packet, dpkt.ip6.IP6):
        if FRAGMENT_HEADER in packet.extension_hdrs or packet.p in TUNNEL_PROTOCOLS:
            return ""
        room = (packet.plen or len(data)) - sum(
            header.length for header in packet.all_extension_headers
        )
        family = socket.AF_INET6
    else:
        return ""
    if not isinstance(packet.data, dpkt.udp.UDP):
        return "other"
    udp = packet.data
    if {udp.sport, udp.dport} & TUNNEL_PORTS:
        return ""
    if not 8 <= udp.ulen <= room:
        return "other"
    ends = [socket.inet_ntop(family, end) for end in (packet.src, packet.dst)]
    payload = bytes(udp.data)[: udp.ulen - 8]
    return Udp(ends[0], udp.sport, ends[1], udp.dport, payload)


@pytest.mark.parametrize("name", FILES)
def test_a_capture_opens_or_says_why_not(name: str) -> None:
    try:
        reading = read_path(FOLDER / name)
    except CaptureError as error:
        path, _, reason = str(error).partition(": ")
        assert path == str(FOLDER / name)
        assert reason in NO_CAPTURES
    else:
        assert [damage.reason for damage in reading.damage] == (
            [DAMAGED[name]] if name in DAMAGED else []
        )
        assert reading.facts == read_path(FOLDER / name, 70_000).facts


def agreement(path: Path) -> int:
    """How many frames dpkt and this package both found a datagram in; none may differ."""
    ours = {
        datagram.frame: datagram
        for datagram in read_path(path).datagrams
        if datagram.transport == "udp"
    }
    agreed = 0
    for frame, theirs in enumerate(dpkt_frames(path), 1):
        found = ours.get(frame)
        if isinstance(theirs, Udp):
            assert found is not None, frame
            assert found.src_port == theirs.src_port, frame
            assert found.dst_port == theirs.dst_port, frame
            assert (found.src, found.dst) == (theirs.src, theirs.dst), frame
            assert found.payload == theirs.payload, frame
            agreed += 1
        elif theirs:
            assert found is None, frame
    return agreed


def readable_by_dpkt(path: Path) -> bool:
    """One interface, packets with times, and no length in a byte order of its own.

    dpkt gives all packets of a pcapng the first interface's link type, and passes over those
    without a time and those that are no packets.
    """
    try:
        source = open_source(path)
        chunks = list(source.chunks())
    except CaptureError:
        return False
    if path.read_bytes()[:4] == bytes.fromhex("34cdb2a1") or source.format == "rtpdump":
        return False
    if source.format == "pcap":
        return True
    if source.damage:
        return False
    single = all(isinstance(records.link, int) and records.link < 0xFFFE for records in chunks)
    timed = all((records.time_ns > 0).all() for records in chunks)
    return single and timed and len(source.link_types) == 1


def test_dpkt_finds_the_same_datagrams() -> None:
    """In captures of up to half a megabyte, nine in ten; in a long run in all."""
    largest = pick(500_000, 1 << 40)
    names = [name for name in FILES if (FOLDER / name).stat().st_size <= largest]
    compared = {name: agreement(FOLDER / name) for name in names if readable_by_dpkt(FOLDER / name)}
    assert len(compared) > 180
    assert sum(compared.values()) > pick(40_000, 150_000)


@pytest.mark.parametrize("name", ["br-sll2", "br-ipv6", "tun-sll2", "tun-sll", "tun-raw"])
def test_dpkt_finds_the_same_datagrams_on_other_links(name: str) -> None:
    assert agreement(FOLDER.parent / "fixtures" / f"{name}.pcap") > 90
