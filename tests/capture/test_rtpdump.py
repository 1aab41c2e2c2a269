"""rtpdump files: packets without headers, from rtptools and from others."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import rtpcap
from rtpcap.capture.decoder import Decoder
from rtpcap.capture.formats import is_capture, open_source
from rtpcap.capture.names import RTPDUMP
from rtpcap.capture.tables import Datagram, Flows, Tally
from rtpcap.errors import CaptureError
from tests.capture.rtpdumps import Dumped, rtpdump
from tests.streams.made import rtp

START_NS = 1_700_000_000_123_456_000
RTCP = struct.pack(">BBHI", 0x80, 201, 1, 0x1234)
PACKETS = [
    Dumped(rtp(1, 0)),
    Dumped(RTCP, 5, own=0),
    Dumped(rtp(2, 160)[:40], 20, own=172),
    Dumped(b"", 21),
    Dumped(rtp(3, 320), 4_294_967_295),
]
CAPTURES = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"


def found(path: Path, chunk_bytes: int = 4 << 20) -> tuple[list[Datagram], list[bool], list[str]]:
    """The datagrams, whether each is cut, and the damage."""
    source = open_source(path)
    decoder = Decoder(Flows(), Tally(), Tally())
    rows: list[Datagram] = []
    cut: list[bool] = []
    for records in source.chunks(chunk_bytes):
        assert records.link == RTPDUMP
        chunk = decoder.datagrams(records)
        rows += chunk
        cut += chunk.cut.tolist()
    assert source.frames == len(rows)
    return rows, cut, [str(damage) for damage in source.damage]


@pytest.mark.parametrize("chunk_bytes", [1, 28, 100, 4 << 20])
def test_each_record_is_a_packet(chunk_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "call.rtpdump"
    path.write_bytes(rtpdump(PACKETS))
    rows, cut, damage = found(path, chunk_bytes)
    assert rows == [
        Datagram(
            frame,
            START_NS + packet.offset_ms * 1_000_000,
            "0.0.0.0",
            0,
            "10.0.0.2",
            4002,
            packet.data,
        )
        for frame, packet in enumerate(PACKETS, 1)
    ]
    assert cut == [False, False, True, False, False]
    assert damage == []
    assert is_capture(path)


@pytest.mark.parametrize(
    ("line", "address", "port", "src", "dst", "dst_port"),
    [
        (b"192.0.2.1/5004", "10.0.0.2", 4002, "0.0.0.0", "192.0.2.1", 5004),
        (b"2001:db8::1/5004", "0.0.0.0", 4002, "::", "2001:db8::1", 5004),
        (b"", "10.0.0.2", 4002, "0.0.0.0", "10.0.0.2", 4002),
        (b"a.host.name/5004", "10.0.0.2", 4002, "0.0.0.0", "10.0.0.2", 4002),
        (b"192.0.2.1/99999", "10.0.0.2", 4002, "0.0.0.0", "192.0.2.1", 0),
        (b"192.0.2.1/\xb2", "10.0.0.2", 4002, "0.0.0.0", "192.0.2.1", 0),
        (b"192.0.2.1", "10.0.0.2", 4002, "0.0.0.0", "192.0.2.1", 0),
    ],
)
def test_where_the_packets_went(
    line: bytes, address: str, port: int, src: str, dst: str, dst_port: int, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(rtpdump(PACKETS[:1], line=line, address=address, port=port))
    ((row,), _, _) = found(path)
    assert (row.src, row.src_port, row.dst, row.dst_port) == (src, 0, dst, dst_port)


def test_cut_at_every_byte(tmp_path: Path) -> None:
    whole, path = rtpdump(PACKETS), tmp_path / "x"
    ends = [len(rtpdump(PACKETS[:n])) for n in range(len(PACKETS) + 1)]
    for size in range(len(b"#!rtpplay1.0 "), len(whole) + 1):
        path.write_bytes(whole[:size])
        if size < ends[0]:
            with pytest.raises(CaptureError, match="ends inside its header"):
                found(path)
            continue
        rows, _, damage = found(path)
        kept = sum(end <= size for end in ends) - 1
        assert [row.payload for row in rows] == [packet.data for packet in PACKETS[:kept]]
        assert len(damage) == (size not in ends)


def test_a_record_shorter_than_its_header(tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = rtpdump(PACKETS[:1])
    path.write_bytes(whole + struct.pack(">HHI", 7, 0, 0) + bytes(50))
    rows, _, damage = found(path)
    assert len(rows) == 1
    assert damage == [f"a record is shorter than its own header (frame 2, offset {len(whole)})"]


def test_a_first_line_that_does_not_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"#!rtpplay1.0 " + b"a" * 1000)
    with pytest.raises(CaptureError, match="whose first line does not end"):
        found(path)


def test_its_streams(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(rtpdump([Dumped(rtp(i, 160 * i), 20 * i) for i in range(50)]))
    capture = rtpcap.open(path)
    (stream,) = capture.streams
    assert (capture.format, capture.link_types) == ("rtpdump", ["RTP without headers"])
    assert (stream.codec, stream.dst, stream.dst_port) == ("PCMA", "10.0.0.2", 4002)
    assert (stream.quality.packets, stream.quality.jitter_ms) == (50, 0.0)
    assert stream.audio().length == 50 * 160


# rtptools' own count, by walking the records: packets, and those that are RTP of version 2.
@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside the project")
@pytest.mark.parametrize(
    "name",
    ["ALWISHARIFF+wireshark/vega.rtp", "webrtc-sdk+webrtc/vp8.rtpdump"]
    + [f"webrtc-sdk+webrtc/{name}.rtp" for name in ("stereo_pcmu", "stereo_g729_jitter")],
)
def test_files_of_others(name: str) -> None:
    data = (CAPTURES / name).read_bytes()
    pos, expected = data.index(b"\n") + 17, []
    while pos < len(data):
        length, _, _ = struct.unpack_from(">HHI", data, pos)
        expected.append(data[pos + 8 : pos + length])
        pos += length
    rows, _, damage = found(CAPTURES / name)
    assert [row.payload for row in rows] == expected
    assert damage == []
