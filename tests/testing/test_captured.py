"""packets(): which there are, their ids, bytes and fields; beside what dpkt finds in the file."""

from __future__ import annotations

import itertools
import shutil
import socket
import struct
from collections import Counter
from pathlib import Path

import dpkt
import pytest

import rtpcap
from rtpcap.errors import CaptureError
from rtpcap.testing import Packet, packets
from rtpcap.testing.captured import NoPacket
from rtpcap.testing.fields import read
from rtpcap.testing.kinds import KINDS, Kind
from rtpcap.testing.shapes import shape
from tests.capture.build import START_NS, Frame, ethernet, ipv4, pcap, udp
from tests.capture.framed import framed
from tests.cli.harness import FIXTURES
from tests.rtp.build import packet
from tests.streams.made import rtp, talk

CALL = FIXTURES / "pj-pcmu.pcap"


def datagrams(path: Path) -> dict[int, bytes]:
    """The UDP payload of each frame, by dpkt."""
    found = {}
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        for frame, (_, data) in enumerate(reader, 1):
            link = dpkt.ethernet.Ethernet(data)
            if isinstance(link.data.data, dpkt.udp.UDP):
                found[frame] = bytes(link.data.data.data)
    return found


def written(folder: Path, payloads: list[bytes], *, cut: int = 0, name: str = "made.pcap") -> Path:
    """A capture with a datagram each, of which the last `cut` bytes were not captured."""
    frames = []
    for number, payload in enumerate(payloads):
        whole = ethernet(ipv4(udp(payload)))
        data = whole[: len(whole) - cut]
        frames.append(Frame(data, START_NS + number * 20_000_000, len(whole)))
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(pcap(frames))
    return path


def test_rtp_of_a_capture_by_its_frames() -> None:
    there = datagrams(CALL)
    # RTP's first byte, and no RTCP behind it: the two streams of this call have nothing else.
    media = {f: d for f, d in there.items() if d[0] >> 6 == 2 and not 192 <= d[1] <= 223}
    found = list(packets(CALL))
    assert {p.frame: p.data for p in found} == media
    assert [p.id for p in found] == [f"pj-pcmu.pcap:{frame}" for frame in sorted(media)]


def test_where_and_when_a_packet_is_from() -> None:
    first = next(packets(CALL))
    with CALL.open("rb") as file:
        time, data = next(itertools.islice(dpkt.pcap.Reader(file), first.frame - 1, None))
    inner = dpkt.ethernet.Ethernet(data).data
    assert first.time_ns == round(float(time) * 1e6) * 1000
    assert (first.src, first.dst) == (socket.inet_ntoa(inner.src), socket.inet_ntoa(inner.dst))
    assert (first.src_port, first.dst_port) == (inner.data.sport, inner.data.dport)
    assert (first.file, first.kind, first.transport) == (str(CALL), "rtp", "udp")


def test_the_fields_of_rtp(tmp_path: Path) -> None:
    plain = [rtp(n, 160 * n) for n in range(30)]
    everything = packet(
        padding=True,
        csrc=(5, 0xFFFFFFFF),
        extension=struct.pack(">HH", 0xBEDE, 1) + b"\x10\xff\0\0",
        marker=True,
        payload_type=8,
        sequence=30,
        timestamp=4800,
        ssrc=0x1234,
        payload=b"voice",
        tail=b"\0\0\x03",
    )
    found = list(packets(written(tmp_path, [*plain, everything])))
    assert len(found) == 31
    assert found[-1].fields == {
        "version": 2,
        "padding": True,
        "extension": True,
        "csrc_count": 2,
        "marker": True,
        "payload_type": 8,
        "sequence": 30,
        "timestamp": 4800,
        "ssrc": 0x1234,
        "csrc": [5, 0xFFFFFFFF],
        "header_bytes": 28,
        "extension_profile": 0xBEDE,
        "extension_payload": b"\x10\xff\0\0",
        "payload": b"voice",
        "padding_bytes": 3,
    }


def test_what_columns_say_is_what_the_bytes_say() -> None:
    files = [FIXTURES / f"{name}.pcap" for name in ("ai-opus", "ch-pcmu-plain", "gst-red")]
    for found in packets(files):
        assert found.reading == read("rtp", found.data), found


def test_a_packet_of_a_stream_that_is_none_says_why(tmp_path: Path) -> None:
    lies = packet(padding=True, payload_type=8, sequence=30, ssrc=0x1234, tail=b"\xff")
    found = list(packets(written(tmp_path, [*(rtp(n, 160 * n) for n in range(30)), lies])))
    assert (found[-1].fault, found[-1].refused, found[-1].fields) == ("padding", True, {})
    assert {p.fault for p in found[:-1]} == {None}


def test_a_single_packet_is_named_by_its_endpoint(tmp_path: Path) -> None:
    path = written(tmp_path, [rtp(7, 0)])
    with pytest.raises(NoPacket):
        next(packets(path))
    (found,) = packets(path, rtp=["10.0.0.1:4000"])
    assert found.fields["sequence"] == 7


def test_what_was_cut_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, [data for _, data in talk(30)], cut=100)
    with pytest.raises(NoPacket):
        next(packets(path))
    found = list(packets(path, cut=True))
    assert {(p.fault, p.refused, len(p.data)) for p in found} == {("cut", False, 72)}


def segment(data: bytes, sequence: int) -> bytes:
    """A frame with a segment of TCP, as RFC 9293 section 3.1 draws it."""
    head = struct.pack(">HHIIBBHHH", 4000, 5000, sequence, 1, 5 << 4, 0x18, 0xFFFF, 0, 0)
    return ethernet(ipv4(head + data, protocol=6))


def segments(path: Path, media: list[bytes], together: int) -> Path:
    """A capture of a TCP stream with so many packets (RFC 4571) in each segment."""
    pieces = [
        b"".join(map(framed, media[n : n + together])) for n in range(0, len(media), together)
    ]
    sequence = itertools.accumulate((len(piece) for piece in pieces), initial=1000)
    frames = [
        Frame(segment(piece, at), START_NS + 60_000_000 * n)
        for n, (piece, at) in enumerate(zip(pieces, sequence, strict=False))
    ]
    path.write_bytes(pcap(frames))
    return path


def test_several_in_a_frame_are_numbered(tmp_path: Path) -> None:
    media = [data for _, data in talk(30)]
    found = list(packets(segments(tmp_path / "tcp.pcap", media, 3)))
    assert [p.data for p in found] == media
    assert [p.id for p in found[:4]] == [
        *("tcp.pcap:1", "tcp.pcap:1#2", "tcp.pcap:1#3", "tcp.pcap:2"),
    ]
    assert {p.transport for p in found} == {"tcp"}


def test_padding_of_an_encrypted_stream_is_not_read() -> None:
    path = FIXTURES / "ch-opus-dtls.pcap"
    streams = rtpcap.open(path).streams
    padded = {f for s in streams for f in s.packets.frame[s.packets.padding].tolist()}
    every = {f for s in streams for f in s.packets.frame.tolist()}
    assert padded
    assert {p.frame for p in packets(path)} == every - padded


def test_sip_is_what_begins_as_sip() -> None:
    starts = (b"SIP/2.0 ", b"INVITE ", b"ACK ", b"BYE ")
    there = {f: d for f, d in datagrams(CALL).items() if d.startswith(starts)}
    found = list(packets(CALL, kind="sip"))
    assert {p.frame: p.data for p in found} == there
    first = found[0].fields
    assert (first["method"], first["version"]) == ("INVITE", "SIP/2.0")
    headers = first["headers"]
    assert isinstance(headers, list)
    assert headers[0][0] == "Via"


def test_sdp_is_what_stands_behind_the_blank_line() -> None:
    bodies = [
        data.partition(b"\r\n\r\n")[2]
        for data in datagrams(CALL).values()
        if b"Content-Type: application/sdp" in data
    ]
    found = list(packets(CALL, kind="sdp"))
    assert [p.data for p in found] == bodies
    media = found[0].fields["media"]
    assert isinstance(media, list)
    assert [(m["kind"], m["port"], m["protocol"]) for m in media] == [("audio", 4100, "RTP/AVP")]


def test_rtcp_is_what_has_its_types() -> None:
    there = {f: d for f, d in datagrams(CALL).items() if d[0] >> 6 == 2 and 200 <= d[1] <= 207}
    found = list(packets(CALL, kind="rtcp"))
    assert {p.frame: p.data for p in found} == there
    kinds = [part["kind"] for p in found for part in listed(p.fields["packets"])]
    assert {"SR", "SDES"} <= set(kinds)


def listed(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def test_stun_is_what_has_the_cookie() -> None:
    path = FIXTURES / "ai-opus.pcap"
    there = {f: d for f, d in datagrams(path).items() if d[0] < 4 and d[4:8] == b"\x21\x12\xa4B"}
    found = list(packets(path, kind="stun"))
    assert {p.frame: p.data for p in found} == there
    assert {p.fields["message_class"] for p in found} == {"request", "success"}


def test_of_each_shape_the_first() -> None:
    every = list(packets(CALL, kind="rtp"))
    first: dict[object, Packet] = {}
    for each in every:
        first.setdefault(shape(each), each)
    assert [p.id for p in packets(CALL, unique=True)] == [p.id for p in first.values()]
    # Voice and digits, each with the marker and without.
    types = Counter(p.fields["payload_type"] for p in first.values())
    assert set(types.values()) == {2}


def test_a_limit_is_kept() -> None:
    assert [p.id for p in packets(CALL, limit=3)] == [p.id for p in list(packets(CALL))[:3]]


def test_ids_of_a_folder_say_where_in_it(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / "site" / folder).mkdir(parents=True)
        shutil.copy(CALL, tmp_path / "site" / folder / "call.pcap")
    (tmp_path / "site" / "notes.txt").write_text("no capture")
    found = {p.origin.name for p in packets(tmp_path / "site", kind="sdp")}
    assert found == {"a/call.pcap", "b/call.pcap"}
    named = [tmp_path / "site" / folder / "call.pcap" for folder in ("a", "b")]
    assert {p.origin.name for p in packets(named, kind="sdp")} == {str(path) for path in named}
    assert {p.origin.name for p in packets(str(tmp_path / "site/*/call.pcap"), kind="sdp")} == {
        str(path) for path in named
    }
    assert {p.origin.name for p in packets([named[0], named[0]], kind="sdp")} == {"call.pcap"}


def test_without_the_kind_asked_for_there_is_one_clear_line() -> None:
    path = FIXTURES / "gst-loss.pcap"
    with pytest.raises(NoPacket) as raised:
        list(packets(path, kind="sip"))
    assert str(raised.value) == f"{path}: no sip packet"
    with pytest.raises(NoPacket) as raised:
        list(packets([path, FIXTURES / "gst-gsm.pcap"], kind="sip"))
    assert str(raised.value).endswith(": no sip packet in 2 captures")


def test_where_others_have_the_kind_one_without_it_is_no_error() -> None:
    assert list(packets([FIXTURES / "gst-loss.pcap", CALL], kind="sdp"))


@pytest.mark.parametrize("name", ["nothing.pcap", "*.nothing"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptureError, match=r"nothing.*: "):
        list(packets(tmp_path / name))


def test_misuse_is_told_at_the_call() -> None:
    with pytest.raises(ValueError, match="no kind 'rtsp': there are rtp, rtcp, sip, sdp, stun"):
        packets(CALL, kind="rtsp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a limit of 0 packets is none"):
        packets(CALL, limit=0)


def test_a_damaged_capture_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(CALL.read_bytes()[:50_000])
    some, every = list(packets(path)), list(packets(CALL))
    assert 0 < len(some) < len(every)
    assert [p.data for p in some] == [p.data for p in every[: len(some)]]


@pytest.mark.parametrize("kind", KINDS)
def test_any_bytes_are_read(kind: Kind) -> None:
    for data in (b"", b"\0", b"\x80" * 11, bytes(300), b"\xff" * 300, b"v=0", b"\x80\xc8\0\0"):
        reading = read(kind, data)
        assert reading.fault is None or not reading.fields
