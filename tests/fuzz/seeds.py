"""Where fuzzing begins: the project's own fixtures, said in the language of each target.

Nothing else ever seeds it, so that what it finds can be kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import rtpcap
from tests.capture.build import ETHERNET
from tests.damage.forms import FIXTURES, FORMS
from tests.fuzz.pieces import CONTROL_BYTES, Piece, join
from tests.fuzz.targets import LINKS, TCP_PORTS

__all__ = ["SEEDS"]

MOST_BYTES = 6000
MOST_FRAMES = 40
FILE_HEADER_BYTES, RECORD_HEADER_BYTES = 24, 16
ETHERNET_BYTES, IPV4_BYTES = 14, 20
NO_CONTROL = bytes(CONTROL_BYTES)
RTCP_TYPES = range(192, 224)


def _frames(name: str) -> tuple[int, list[bytes]]:
    """The link type and the first frames of a little-endian pcap."""
    data = (FIXTURES / name).read_bytes()
    (link,) = struct.unpack_from("<I", data, FILE_HEADER_BYTES - 4)
    frames: list[bytes] = []
    at = FILE_HEADER_BYTES
    while at + RECORD_HEADER_BYTES <= len(data) and len(frames) < MOST_FRAMES:
        (size,) = struct.unpack_from("<I", data, at + 8)
        at += RECORD_HEADER_BYTES
        frames.append(data[at : at + size])
        at += size
    return link, frames


def _pcaps() -> list[str]:
    return sorted(path.name for path in FIXTURES.glob("*.pcap"))


def _pcap() -> Iterator[bytes]:
    for name in _pcaps():
        yield b"\0" + (FIXTURES / name).read_bytes()[4:MOST_BYTES]


def _pcapng() -> Iterator[bytes]:
    for name in ("ff-l16m.pcapng", "pj-pcmu as pcapng"):
        data = FORMS[name].bytes()
        (size,) = struct.unpack_from("<I", data, 4)
        yield b"\0" + data[size : size + MOST_BYTES]


def _link() -> Iterator[bytes]:
    for name in _pcaps():
        link, frames = _frames(name)
        pieces = [Piece(NO_CONTROL, frame) for frame in frames[:20]]
        yield bytes([LINKS.index(link)]) + join(pieces)


def _fragments() -> Iterator[bytes]:
    """What lies behind the IPv4 headers of the fixture that is in pieces."""
    link, frames = _frames("tun-frag.pcap")
    assert link == ETHERNET
    pieces = []
    for frame in frames:
        (number, place) = struct.unpack_from(">HH", frame, ETHERNET_BYTES + 4)
        control = struct.pack(">BBHHH", place >> 12 & 2, number & 0xFF, place & 0x1FFF, 0, 1)
        pieces.append(Piece(control, frame[ETHERNET_BYTES + IPV4_BYTES :]))
    yield join(pieces[:12])
    yield join(pieces[6:])


def _tcp() -> Iterator[bytes]:
    """The segments of the fixtures with TCP in them, on the target's own ports."""
    for connection, name in enumerate(("pj-tcp.pcap", "ff-rtsp.pcap", "gst-rfc4571.pcap")):
        link, frames = _frames(name)
        assert link == ETHERNET
        pieces = []
        first: int | None = None
        for frame in frames:
            segment = frame[ETHERNET_BYTES + IPV4_BYTES :]
            if frame[ETHERNET_BYTES + 9] != 6:
                continue
            src_port, _, sequence = struct.unpack_from(">HHI", segment)
            first = src_port if first is None else first
            which = connection % len(TCP_PORTS) | (0 if src_port == first else 0x80)
            control = struct.pack(">BBIh", which, segment[13], sequence, 0)
            pieces.append(Piece(control, segment[(segment[12] >> 4) * 4 :]))
        yield join(pieces)


def _payloads(wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    for name in _pcaps():
        pieces: list[Piece] = []
        for datagram in rtpcap.open(FIXTURES / name).datagrams:
            if len(pieces) >= MOST_FRAMES:
                break
            if len(datagram.payload) >= 2 and wanted(datagram.payload):
                pieces.append(Piece(NO_CONTROL, datagram.payload))
        if pieces:
            yield join(pieces)[:MOST_BYTES]


def _rtp() -> Iterator[bytes]:
    return _payloads(lambda payload: payload[1] not in RTCP_TYPES)


def _rtcp() -> Iterator[bytes]:
    return _payloads(lambda payload: payload[0] >> 6 == 2 and payload[1] in RTCP_TYPES)


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "pcap": _pcap,
    "pcapng": _pcapng,
    "link": _link,
    "fragments": _fragments,
    "tcp": _tcp,
    "rtp": _rtp,
    "rtcp": _rtcp,
}
"""By the name of the target: the inputs that its corpus begins with."""
