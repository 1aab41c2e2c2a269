"""Export: what is written is read again as it was, here and by other programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.capture.files.formats import open_source
from rtpcap.capture.write import export
from rtpcap.errors import CaptureError
from tests.capture.build import (
    START_NS,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    option,
    pcap,
    section,
    simple,
    udp,
)
from tests.capture.read import read_path
from tests.capture.rtpdumps import Dumped, rtpdump
from tests.capture.scenarios import SCENARIOS
from tests.capture.test_kept import KEY_LOG, names, secrets, sound, statistics
from tests.effort import sample
from tests.peers import require
from tests.streams.made import capture, rtp, talk

FIXTURES = sorted((Path(__file__).resolve().parents[2] / "fixtures").glob("*.pcap*"))
Row = tuple[int | None, int, bytes, str]


def frames_of(path: Path) -> list[Row]:
    """Time, length on the wire, bytes, and link type of each frame."""
    rows: list[Row] = []
    for records in open_source(path).chunks():
        for i in range(len(records)):
            time_ns = int(records.time_ns[i])
            link = records.link if isinstance(records.link, int) else records.link[i]
            data = records.data[records.begin[i] : records.end[i]].tobytes()
            none = time_ns == np.iinfo(np.int64).min
            rows.append((None if none else time_ns, int(records.original[i]), data, str(link)))
    return rows


@pytest.mark.parametrize("to", ["pcap", "pcapng"])
@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_there_and_back(path: Path, to: str, tmp_path: Path) -> None:
    out = tmp_path / f"out.{to}"
    done = rtpcap.open(path).export(out)
    assert frames_of(out) == frames_of(path)
    assert (done.format, done.frames, len(done.left_out)) == (to, len(frames_of(path)), 0)
    assert done.bytes == out.stat().st_size
    again = tmp_path / f"again.{to}"
    rtpcap.open(out).export(again, to=to)
    assert frames_of(again) == frames_of(out)
    if to == "pcap":
        assert again.read_bytes() == out.read_bytes()
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_goes_into_a_pcapng(name: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in", tmp_path / "out.pcapng"
    path.write_bytes(SCENARIOS[name]().file)
    negative = [row for row in frames_of(path) if row[0] is not None and row[0] < 0]
    if negative:
        with pytest.raises(CaptureError, match="cannot hold the time of frame"):
            rtpcap.open(path).export(out)
        assert not out.exists()
        return
    done = rtpcap.open(path).export(out)
    dropped = (str(0xFFFF), str(0xFFFE))
    expected = [row for row in frames_of(path) if row[3] not in dropped]
    found = frames_of(out)
    # A frame without a time whose length a simple block cannot tell gets the time 0.
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    assert [row[0] or None for row in found] == [row[0] or None for row in expected]
    assert done.frames + len(done.left_out) == len(frames_of(path))
    if len(expected) == len(frames_of(path)) and all(row[0] for row in expected):
        ours, theirs = read_path(out), read_path(path)
        assert (ours.datagrams, ours.other, ours.not_understood) == (
            theirs.datagrams,
            theirs.other,
            theirs.not_understood,
        )


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(st.binary(max_size=50), st.integers(0, 2**32 * 10**9 - 1), st.integers(0, 99)),
        max_size=8,
    ),
    to=st.sampled_from(["pcap", "pcapng"]),
)
def test_any_frames_there_and_back(
    rows: list[tuple[bytes, int, int]], to: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    frames = [Frame(data, time_ns, len(data) + more) for data, time_ns, more in rows]
    (folder / "in").write_bytes(pcap(frames, nanoseconds=True))
    rtpcap.open(folder / "in").export(folder / "out", to=to)
    assert frames_of(folder / "out") == frames_of(folder / "in")


def test_microseconds_where_they_do(tmp_path: Path) -> None:
    for time_ns, magic in ((START_NS, "d4c3b2a1"), (START_NS + 1, "4d3cb2a1")):
        (tmp_path / "in").write_bytes(pcap([Frame(b"x", time_ns)], nanoseconds=True))
        rtpcap.open(tmp_path / "in").export(tmp_path / "out.pcap")
        assert (tmp_path / "out.pcap").read_bytes()[:4].hex() == magic


def test_chosen_streams_frames_and_times(tmp_path: Path) -> None:
    opened = capture(tmp_path, talk(ssrc=1), talk(ssrc=2, start_s=0.005), talk(ssrc=3, start_s=9))
    out = tmp_path / "out.pcapng"

    def numbers(**chosen: object) -> list[int]:
        opened.export(out, **chosen)  # type: ignore[arg-type]
        frames = frames_of(Path(opened.path))
        return [frames.index(row) + 1 for row in frames_of(out)]

    second = opened.streams.select(ssrc=2)
    assert numbers(streams=second) == second[0].packets.frame.tolist()
    assert numbers(frames=[7, 3, 3, 150]) == [3, 7, 150]
    assert numbers(frames=[]) == []
    assert numbers(frames=np.arange(-1, 3)) == [1, 2]
    assert numbers(frames=range(149, 2**32, 2**31)) == [149]
    assert numbers(streams=second, frames=[1]) == [1, *second[0].packets.frame.tolist()]
    assert numbers(start_s=0.0, end_s=0.02) == [1, 2, 3]
    assert numbers(start_s=9.97) == [150]
    assert numbers(streams=second, end_s=0.03) == [2, 4]
    assert numbers(end_s=-1e300) == []
    assert numbers(start_s=-1e300, end_s=1e300) == list(range(1, 151))
    streams = rtpcap.open(out).streams
    assert [stream.ssrc for stream in streams] == [1, 2, 3]


def test_what_a_pcapng_says_is_kept(tmp_path: Path) -> None:
    path, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    path.write_bytes(sound(">") + sound("<"))
    rtpcap.open(path).export(out)
    source, again = open_source(path), open_source(out)
    assert len(list(source.chunks())) == 2
    assert len(list(again.chunks())) == 1
    assert [s.data for s in again.kept.secrets] == [s.data for s in source.kept.secrets]
    assert [s.kind for s in again.kept.secrets] == [KEY_LOG] * 2
    assert [n.records for n in again.kept.names] == [n.records for n in source.kept.names]
    assert again.kept.comments == source.kept.comments
    # Those of which frames were written: the first of each section.
    assert [i.name for i in again.kept.interfaces] == ["eth0", "eth0"]
    assert [i.snap_length for i in again.kept.interfaces] == [1500, 1500]
    assert again.kept.statistics == {0: source.kept.statistics[0], 1: source.kept.statistics[2]}


def test_one_link_type_in_a_pcap(tmp_path: Path) -> None:
    path = tmp_path / "in"
    mixed = enhanced(Frame(b"a" * 20)) + enhanced(Frame(b"b" * 20), number=1)
    path.write_bytes(section() + interface() + interface(link=101) + mixed)
    out = tmp_path / "out.pcap"
    with pytest.raises(CaptureError, match="these frames have Ethernet and Raw IP: use pcapng"):
        rtpcap.open(path).export(out)
    assert list(tmp_path.iterdir()) == [path]
    assert rtpcap.open(path).export(out, frames=[2]).frames == 1


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(pcap([Frame(b"a" * 20)]))
    opened = rtpcap.open(path)
    with pytest.raises(ValueError, match="is a file of the capture itself"):
        opened.export(path)
    with pytest.raises(ValueError, match="does not end with"):
        opened.export(tmp_path / "out.txt")
    with pytest.raises(ValueError, match="is none of"):
        opened.export(tmp_path / "out.txt", to="erf")
    with pytest.raises(OSError, match="No such file"):
        opened.export(tmp_path / "missing" / "out.pcap")
    assert list(tmp_path.iterdir()) == [path]


def test_several_files_become_one(tmp_path: Path) -> None:
    frames = [Frame(bytes([i]) * 20, START_NS + i * 1000) for i in range(60)]
    (tmp_path / "a").write_bytes(pcap(frames[::2]))
    blocks = [enhanced(frame, number=i % 2) for i, frame in enumerate(frames[1::2])]
    (tmp_path / "b").write_bytes(section() + interface() * 2 + b"".join(blocks))
    out = tmp_path / "out.pcapng"
    rtpcap.open([tmp_path / "a", tmp_path / "b"]).export(out)
    assert [row[2][0] for row in frames_of(out)] == list(range(60))
    source = open_source(out)
    assert len(list(source.chunks())) == 1
    assert [each.name for each in source.kept.interfaces] == [None, "eth0", "eth0"]


def test_an_rtpdump_of_streams(tmp_path: Path) -> None:
    opened = capture(tmp_path, talk(20, ssrc=1), [(0.001 * i, b"no RTP") for i in range(5)])
    out = tmp_path / "out.rtpdump"
    done = opened.export(out)
    seconds, ns = divmod(START_NS, 10**9)
    packets = [Dumped(rtp(i, 160 * i, ssrc=1), 20 * i) for i in range(20)]
    expected = rtpdump(
        packets, line=b"10.0.0.2/5000", port=5000, seconds=seconds, micros=ns // 1000
    )
    assert out.read_bytes() == expected
    assert (done.frames, done.bytes) == (20, len(expected))


def test_an_rtpdump_there_and_back(tmp_path: Path) -> None:
    data = rtpdump([Dumped(rtp(i, 160 * i), 20 * i) for i in range(50)])
    (tmp_path / "in").write_bytes(data)
    opened = rtpcap.open(tmp_path / "in")
    opened.export(tmp_path / "out.rtpdump")
    assert (tmp_path / "out.rtpdump").read_bytes() == data


def test_an_rtpdump_in_a_pcap_gets_headers(tmp_path: Path) -> None:
    for line, dst in ((b"10.0.0.2/4002", "10.0.0.2"), (b"2001:db8::7/4002", "2001:db8::7")):
        packets = [Dumped(rtp(i, 160 * i), 20 * i) for i in range(50)]
        (tmp_path / "in").write_bytes(rtpdump(packets, line=line))
        out = tmp_path / "out.pcap"
        rtpcap.open(tmp_path / "in").export(out)
        found = read_path(out).datagrams
        assert [datagram.payload for datagram in found] == [packet.data for packet in packets]
        assert {(d.dst, d.dst_port, d.src_port) for d in found} == {(dst, 4002, 0)}


def tshark(path: Path, *fields: str) -> list[list[str]]:
    options = [part for field in fields for part in ("-e", field)]
    command = [require("tshark"), "-n", "-r", str(path), "-T", "fields", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.peer
def test_tshark_reads_what_is_written(tmp_path: Path) -> None:
    path, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    noted = Frame(ethernet(ipv4(udp(b"noted"))), START_NS)
    path.write_bytes(
        section(options=option(1, b"of a section"))
        + interface(snap_length=2000)
        + names((1, b"\x0a\0\0\x01a.host\0"))
        + secrets(b"CLIENT_RANDOM 00 11\n")
        + simple(noted)
        + enhanced(noted, comment=b"a remark")
        + enhanced(noted)
        + statistics(0, received=3, dropped=1)
    )
    rtpcap.open(path).export(out, frames=[1, 2])
    assert tshark(out, "frame.number", "frame.comment", "frame.time_epoch") == [
        ["1", "", ""],
        ["2", "a remark,frame 2 of the original", "1700000000.123456000"],
    ]


@pytest.mark.peer
@pytest.mark.parametrize("to", ["pcap", "pcapng"])
@pytest.mark.parametrize("path", sample(FIXTURES, 3), ids=lambda path: path.name)
def test_tshark_sees_the_same_frames(path: Path, to: str, tmp_path: Path) -> None:
    out = tmp_path / f"out.{to}"
    rtpcap.open(path).export(out)
    fields = ("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "udp.payload")
    assert tshark(out, *fields) == tshark(path, *fields)


@pytest.mark.peer
def test_editcap_and_capinfos_agree(tmp_path: Path) -> None:
    path = FIXTURES[0]
    out, theirs = tmp_path / "out.pcap", tmp_path / "theirs.pcap"
    chosen = [1, 2, 3, 7, 20, 21]
    rtpcap.open(path).export(out, frames=chosen)
    command = [require("editcap"), "-F", "pcap", "-r", str(path), str(theirs), *map(str, chosen)]
    subprocess.run(command, check=True, capture_output=True)
    assert frames_of(out) == frames_of(theirs)
    command = [require("capinfos"), "-M", "-c", str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == str(len(chosen))
    out = tmp_path / "out.pcapng"
    rtpcap.open(path).export(out)
    done = subprocess.run([*command[:-1], str(out)], check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == str(len(frames_of(path)))


def test_it_is_the_capture_stage_that_writes(tmp_path: Path) -> None:
    """A set of frames in, a file out: what selects by calls needs no more."""
    frames = np.array([2, 5], np.uint32)
    done = export(open_source(FIXTURES[0]), tmp_path / "out.pcap", frames=frames)
    assert frames_of(tmp_path / "out.pcap") == [frames_of(FIXTURES[0])[i] for i in (1, 4)]
    assert done.row() == {
        "output": str(tmp_path / "out.pcap"),
        "format": "pcap",
        "frames": 2,
        "bytes": done.bytes,
        "left_out": 0,
    }
