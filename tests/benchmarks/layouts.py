"""How the frames of the benchmarks' captures look: headers as numpy records, files, tunnels.

A capture is written a shape at a time: all frames of one kind and length are one array, whose
fields are the headers in order, then a body, in the record of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTAINERS", "FILE_KINDS", "IPV4", "IPV6", "RTP", "TCP", "UDP", "WAYS", "Container"]
__all__ += ["Part", "Way", "blank", "bytes_of", "checksum"]

MACS = np.frombuffer(bytes.fromhex("02000000000b02000000000a"), dtype=np.uint8)
ETHERNET = np.dtype([("macs", "u1", 12), ("ether_type", ">u2")])
VLAN = np.dtype([("tag", ">u2"), ("tag_type", ">u2")])
SNAP = np.dtype([("llc", "u1", 6), ("snap_type", ">u2")])
PPPOE = np.dtype(
    [("pppoe_first", ">u2"), ("session", ">u2"), ("ppp_length", ">u2"), ("ppp", ">u2")]
)
IPV4 = np.dtype(
    [
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("ip_length", ">u2"),
        ("ip_id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("ip_sum", ">u2"),
        ("src", ">u4"),
        ("dst", ">u4"),
    ]
)
IPV6 = np.dtype(
    [
        ("version_flow", ">u4"),
        ("ip6_length", ">u2"),
        ("next_header", "u1"),
        ("hop_limit", "u1"),
        ("src6", ">u4", 4),
        ("dst6", ">u4", 4),
    ]
)
UDP = np.dtype(
    [("src_port", ">u2"), ("dst_port", ">u2"), ("udp_length", ">u2"), ("udp_sum", ">u2")]
)
TCP = np.dtype(
    [
        ("src_port", ">u2"),
        ("dst_port", ">u2"),
        ("tcp_seq", ">u4"),
        ("tcp_ack", ">u4"),
        ("tcp_offset", "u1"),
        ("tcp_flags", "u1"),
        ("window", ">u2"),
        ("tcp_rest", "u1", 4),
    ]
)
RTP = np.dtype([("first", "u1"), ("second", "u1"), ("seq", ">u2"), ("ts", ">u4"), ("ssrc", ">u4")])
VXLAN = np.dtype([("vxlan_flags", ">u4"), ("vni", ">u4")])
GTP = np.dtype([("gtp_flags", "u1"), ("gtp_type", "u1"), ("gtp_length", ">u2"), ("teid", ">u4")])

Part = tuple[str, "np.dtype[Any]"]
"""A header, and what stands before the names of its fields where a frame has two of a kind."""

# Values that a header has wherever it stands, by the name of the field.
ALWAYS: Mapping[str, object] = {
    "macs": MACS,
    "ether_type": 0x0800,
    "tag": 100,
    "tag_type": 0x0800,
    "llc": (0xAA, 0xAA, 3, 0, 0, 0),
    "snap_type": 0x0800,
    "pppoe_first": 0x1100,
    "session": 1,
    "ppp": 0x0021,
    "version_ihl": 0x45,
    "ttl": 64,
    "protocol": 17,
    "version_flow": 6 << 28,
    "next_header": 17,
    "hop_limit": 64,
    "tcp_offset": 5 << 4,
    "tcp_flags": 0x10,
    "window": 0xFFFF,
    "first": 0x80,
    "vxlan_flags": 0x08000000,
    "vni": 42 << 8,
    "gtp_flags": 0x30,
    "gtp_type": 255,
    "teid": 7,
}
# What a length field counts: all from its header on, less so many bytes.
LENGTHS = {
    "ip_length": 0,
    "ip6_length": IPV6.itemsize,
    "udp_length": 0,
    "gtp_length": GTP.itemsize,
    "ppp_length": PPPOE.itemsize - 2,
}
OUTER_ADDRESSES = {"outer_src": 0x0A630001, "outer_dst": 0x0A630002}


@dataclass(frozen=True)
class Way:
    """How a datagram travels: the headers before its network header, and that one."""

    before: tuple[Part, ...]
    network: np.dtype[Any]
    fixed: Mapping[str, object]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.before, ("", self.network), ("", UDP), ("", RTP))


OUTER: tuple[Part, ...] = (("", ETHERNET), ("outer_", IPV4), ("outer_", UDP))
WAYS = {
    "plain": Way((("", ETHERNET),), IPV4, {}),
    "ipv6": Way((("", ETHERNET),), IPV6, {"ether_type": 0x86DD}),
    "vlan": Way((("", ETHERNET), ("", VLAN)), IPV4, {"ether_type": 0x8100}),
    "vxlan": Way(
        (*OUTER, ("", VXLAN), ("inner_", ETHERNET)),
        IPV4,
        {"outer_src_port": 49152, "outer_dst_port": 4789, **OUTER_ADDRESSES},
    ),
    "gtp": Way(
        (*OUTER, ("", GTP)),
        IPV4,
        {"outer_src_port": 2152, "outer_dst_port": 2152, **OUTER_ADDRESSES},
    ),
    "pppoe": Way((("", ETHERNET), ("", PPPOE)), IPV4, {"ether_type": 0x8864}),
    "snap": Way((("", ETHERNET), ("", SNAP)), IPV4, {}),
}


@dataclass(frozen=True)
class Container:
    """A file format: what begins the file, what stands before each frame and behind it."""

    file_header: bytes
    head: np.dtype[Any]
    multiple: int
    """Frames are padded to a multiple of this."""
    tail: tuple[tuple[str, str], ...] = ()

    @property
    def overhead(self) -> int:
        return self.head.itemsize + np.dtype(list(self.tail)).itemsize

    def record_bytes(self, frame_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
        padding = -frame_bytes % self.multiple
        sizes: NDArray[np.int64] = frame_bytes + padding + self.overhead
        return sizes


PCAP_HEAD = np.dtype([("ts_s", "<u4"), ("ts_us", "<u4"), ("captured", "<u4"), ("original", "<u4")])
EPB_HEAD = np.dtype(
    [
        ("block", "<u4"),
        ("block_length", "<u4"),
        ("interface", "<u4"),
        ("ts_high", "<u4"),
        ("ts_low", "<u4"),
        ("captured", "<u4"),
        ("original", "<u4"),
    ]
)
ETHERNET_LINK = 1
CONTAINERS = {
    "pcap": Container(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET_LINK), PCAP_HEAD, 1
    ),
    "pcapng": Container(
        struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        + struct.pack("<IIHHII", 1, 20, ETHERNET_LINK, 0, 262144, 20),
        EPB_HEAD,
        4,
        (("trailer", "<u4"),),
    ),
}
FILE_KINDS = tuple(CONTAINERS)


def bytes_of(parts: Sequence[Part]) -> int:
    return sum(part.itemsize for _, part in parts)


def blank(
    container: Container,
    parts: Sequence[Part],
    frame_bytes: int,
    time_ns: NDArray[np.int64],
    fixed: Mapping[str, object],
) -> NDArray[np.void]:
    """Records of frames of one shape: constants, lengths and times are filled in.

    Behind the headers the field `body` takes what is left of `frame_bytes`.
    """
    padding = -frame_bytes % container.multiple
    layout: list[Any] = list(container.head.descr)
    for prefix, part in parts:
        layout += [(prefix + name, *rest) for name, *rest in part.descr]
    layout += [("body", "u1", frame_bytes - bytes_of(parts)), ("filling", "u1", padding)]
    frames = np.zeros(len(time_ns), dtype=np.dtype([*layout, *container.tail]))
    frames["captured"] = frames["original"] = frame_bytes
    place = 0
    for prefix, part in parts:
        for name in part.names or ():
            if name in ALWAYS:
                frames[prefix + name] = ALWAYS[name]
            if name in LENGTHS:
                frames[prefix + name] = frame_bytes - place - LENGTHS[name]
        place += part.itemsize
    if ("", SNAP) in parts:
        # IEEE 802.3: a length stands where the type would.
        frames["ether_type"] = frame_bytes - ETHERNET.itemsize
    for name, value in fixed.items():
        frames[name] = value
    if container.head is EPB_HEAD:
        microseconds = time_ns // 1000
        frames["block"] = 6
        frames["block_length"] = frames["trailer"] = frames.dtype.itemsize
        frames["ts_high"] = microseconds >> 32
        frames["ts_low"] = microseconds & 0xFFFFFFFF
    else:
        frames["ts_s"] = time_ns // 1_000_000_000
        frames["ts_us"] = time_ns % 1_000_000_000 // 1000
    for prefix, part in parts:
        if part is IPV4 and prefix:
            checksum(frames, prefix)
    return frames


def checksum(frames: NDArray[np.void], prefix: str = "") -> None:
    """Fill in the IPv4 header checksums of RFC 791."""
    assert frames.dtype.fields is not None
    first = frames.dtype.fields[prefix + "version_ihl"][1]
    raw = frames.view(np.uint8).reshape(len(frames), -1)[:, first : first + IPV4.itemsize]
    words: NDArray[np.int64] = np.ascontiguousarray(raw).view(">u2").sum(axis=1, dtype=np.int64)
    words = (words & 0xFFFF) + (words >> 16)
    words = (words & 0xFFFF) + (words >> 16)
    frames[prefix + "ip_sum"] = words ^ 0xFFFF
