"""rtpdump files from named fields, as rtptools lays them out."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Dumped:
    """A packet: `own` is the length it says it had, 0 for RTCP."""

    data: bytes
    offset_ms: int = 0
    own: int | None = None


def rtpdump(
    packets: Sequence[Dumped],
    *,
    line: bytes = b"10.0.0.2/4002",
    seconds: int = 1_700_000_000,
    micros: int = 123_456,
    address: str = "10.0.0.2",
    port: int = 4002,
) -> bytes:
    parts = [b"#!rtpplay1.0 " + line + b"\n"]
    number = int(ipaddress.IPv4Address(address))
    parts.append(struct.pack(">IIIHH", seconds, micros, number, port, 0))
    for packet in packets:
        own = len(packet.data) if packet.own is None else packet.own
        parts.append(struct.pack(">HHI", 8 + len(packet.data), own, packet.offset_ms) + packet.data)
    return b"".join(parts)
