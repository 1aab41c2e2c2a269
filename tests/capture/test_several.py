"""Several files as one capture: order, numbers, places; mergecap is asked too."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.capture.files.formats import open_source
from rtpcap.capture.files.several import Several
from rtpcap.errors import CaptureError
from tests.capture.build import (
    START_NS,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    section,
    simple,
    udp,
)
from tests.effort import examples
from tests.peers import require
from tests.streams.made import Sent, rtp, talk

Times = Sequence[Sequence[int | None]]
"""Of each file, the times of its frames in microseconds; None where a frame has none."""


def frame(file: int, number: int, time_us: int | None) -> Frame:
    """A frame whose payload says where it is."""
    payload = bytes([file, number % 256, number // 256])
    return Frame(ethernet(ipv4(udp(payload))), START_NS // 1000 * 1000 + (time_us or 0) * 1000)


def written(folder: Path, times: Times) -> list[Path]:
    """A file for each list, pcap where all its frames have times and its number is even."""
    paths = []
    for file, own in enumerate(times):
        frames = [frame(file, number, time_us) for number, time_us in enumerate(own)]
        if file % 2 == 0 and None not in own:
            data = pcap(frames)
        else:
            blocks = [
                simple(each) if time_us is None else enhanced(each)
                for each, time_us in zip(frames, own, strict=True)
            ]
            data = section() + interface() + b"".join(blocks)
        paths.append(folder / f"{file}.cap")
        paths[-1].write_bytes(data)
    return paths


def one_by_one(times: Times) -> list[tuple[int, int]]:
    """(file, number in it) in order, by the rule: the earliest of those that come next."""
    at = [0] * len(times)
    order = []
    while any(at[i] < len(own) for i, own in enumerate(times)):
        _, file = min(
            (-1 if (time_us := own[at[i]]) is None else time_us, i)
            for i, own in enumerate(times)
            if at[i] < len(own)
        )
        order.append((file, at[file]))
        at[file] += 1
    return order


def check(paths: list[Path], times: Times, chunk_bytes: int) -> None:
    order = one_by_one(times)
    whole = Several([open_source(path) for path in paths])
    found: dict[int, tuple[int, int]] = {}
    last = 0
    for turn in whole.turns(chunk_bytes):
        numbers = []
        for records in turn:
            for row, number in enumerate(records.frame.tolist()):
                payload = records.data[records.end[row] - 3 : records.end[row]].tolist()
                assert payload[0] == records.file
                found[number] = (payload[0], payload[1] + 256 * payload[2])
                numbers.append(number)
        assert min(numbers) == last + 1
        last = max(numbers)
    assert [found[number] for number in range(1, last + 1)] == order
    assert whole.frames == len(order) == len(found)
    for number, (file, at) in enumerate(order, 1):
        assert whole.place_of(number) == (str(paths[file]), at + 1)
    timed = [time for file, at in order if (time := times[file][at]) is not None]
    if timed:
        base = START_NS // 1000 * 1000
        assert whole.first_time_ns == base + timed[0] * 1000
        assert whole.last_time_ns == base + timed[-1] * 1000


CASES: dict[str, Times] = {
    "one behind the other": [[0, 1, 2], [3, 4], [5]],
    "named in another order": [[7, 8], [0, 1, 2], [4, 5]],
    "side by side": [[0, 10, 20, 30], [1, 11, 21, 31]],
    "one inside the other": [[0, 1, 50, 51], [10, 11, 12]],
    "equal times": [[5, 5, 6], [5, 5], [5, 6, 6]],
    "an order of its own is kept": [[5, 3, 9, 1], [4, 6, 2]],
    "empty ones": [[], [3], [], [1, 2]],
    "frames without a time": [[1, 5, 9], [None, 4, None, 8, None], [None]],
    "none has a time": [[None, None], [None]],
}


@pytest.mark.parametrize("chunk_bytes", [28, 150, 4 << 20])
@pytest.mark.parametrize("case", CASES)
def test_in_order_of_time(case: str, chunk_bytes: int, tmp_path: Path) -> None:
    check(written(tmp_path, CASES[case]), CASES[case], chunk_bytes)


@settings(deadline=None, max_examples=examples(30))
@given(
    times=st.lists(
        st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=12), min_size=2, max_size=4
    ),
    chunk_bytes=st.sampled_from([28, 90, 300, 1000]),
)
def test_any_times(
    times: Times, chunk_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(written(tmp_path_factory.mktemp("several"), times), times, chunk_bytes)


@pytest.mark.peer
def test_mergecap_gives_the_same_order(tmp_path: Path) -> None:
    """mergecap 4.0 prefers the file named last where times are equal: it is told them backwards."""
    rng = random.Random(3)
    times = [sorted(rng.choices(range(300), k=100)) for _ in range(3)]
    rng.shuffle(times[1])
    paths = written(tmp_path, times)
    out = tmp_path / "merged.pcap"
    command = [require("mergecap"), "-F", "pcap", "-w", str(out), *map(str, reversed(paths))]
    subprocess.run(command, check=True, capture_output=True)
    merged = [datagram.payload for datagram in rtpcap.open(out).datagrams]
    assert len(merged) == 300
    assert [datagram.payload for datagram in rtpcap.open(paths).datagrams] == merged


def pcap_of(sent: list[Sent], port: int) -> bytes:
    frames = [
        Frame(
            ethernet(ipv4(udp(payload, src_port=port, dst_port=port))),
            START_NS + round(time_s * 1e9),
        )
        for time_s, payload in sorted(sent)
    ]
    return pcap(frames, nanoseconds=True)


def test_streams_of_rotated_and_of_parallel_files(tmp_path: Path) -> None:
    """However the packets of a capture are dealt to files, the streams are the same."""
    first, second = talk(200, ssrc=1, start_s=0.005), talk(200, ssrc=2, payload=b"\x55" * 160)
    flows = [(4000, first), (5000, second)]
    frames = sorted(((time_s, port, payload) for port, sent in flows for time_s, payload in sent))

    def file(rows: list[tuple[float, int, bytes]]) -> bytes:
        return pcap(
            [
                Frame(
                    ethernet(ipv4(udp(payload, src_port=port, dst_port=port))),
                    START_NS + round(time_s * 1e9),
                )
                for time_s, port, payload in rows
            ],
            nanoseconds=True,
        )

    whole = tmp_path / "whole.pcap"
    whole.write_bytes(file(frames))
    expected = rtpcap.open(whole)
    assert [stream.ssrc for stream in expected.streams] == [2, 1]
    deals: dict[str, list[list[tuple[float, int, bytes]]]] = {
        "rotated": [frames[:150], frames[150:151], frames[151:]],
        "parallel": [frames[::2], frames[1::2]],
        "by_port": [[row for row in frames if row[1] == port] for port, _ in flows],
        "at_random": [[], [], [], []],
    }
    rng = random.Random(1)
    for row in frames:
        deals["at_random"][rng.randrange(4)].append(row)
    for name, deal in deals.items():
        paths = []
        for number, rows in enumerate(deal):
            paths.append(tmp_path / f"{name}{number}.pcap")
            paths[-1].write_bytes(file(rows))
        for order in (paths, paths[::-1]):
            capture = rtpcap.open(order)
            assert capture.streams.rows() == expected.streams.rows()
            assert list(capture.datagrams) == list(expected.datagrams)
            assert capture.calls.rows() == expected.calls.rows()
            assert capture.duration_s == expected.duration_s
            for ours, theirs in zip(capture.streams, expected.streams, strict=True):
                assert ours.packets.frame.tolist() == theirs.packets.frame.tolist()
                assert ours.packets.sequence.tolist() == theirs.packets.sequence.tolist()
                assert ours.audio().samples.tobytes() == theirs.audio().samples.tobytes()


def test_what_is_said_of_several(tmp_path: Path) -> None:
    paths = written(tmp_path, [[0, 1, 2], [1, 2], [9]])
    paths[1].write_bytes(paths[1].read_bytes()[:-5])
    capture = rtpcap.open(iter(paths))
    assert capture.files == [str(path) for path in paths]
    assert capture.path == ", ".join(capture.files)
    assert capture.format == "pcap, pcapng"
    assert capture.bytes == sum(path.stat().st_size for path in paths)
    assert capture.frames == 5
    assert capture.link_types == ["Ethernet"]
    (damage,) = capture.damage
    assert damage.file == str(paths[1])
    assert damage.frame == 2
    assert str(damage).startswith(f"{paths[1]}: the file ends inside a record: ")
    assert capture.place_of(5) == (str(paths[2]), 1)
    with pytest.raises(IndexError):
        capture.place_of(6)
    with pytest.raises(IndexError):
        capture.place_of(0)
    capture.release()
    five = rtpcap.open([*paths, *paths[:2]])
    assert five.path == f"{paths[0]} and 4 more"


def test_one_in_a_list_is_one(tmp_path: Path) -> None:
    (path,) = written(tmp_path, [[0, 1]])
    capture = rtpcap.open([path])
    assert (capture.path, capture.frames) == (str(path), 2)
    assert capture.place_of(2) == (str(path), 2)
    with pytest.raises(IndexError):
        capture.place_of(3)


def test_none_is_refused_and_so_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        rtpcap.open([])
    (path,) = written(tmp_path, [[0, 1]])
    with pytest.raises(CaptureError, match="missing"):
        rtpcap.open([path, tmp_path / "missing"])


def test_interfaces_of_different_files_are_different(tmp_path: Path) -> None:
    paths = written(tmp_path, [[0, 2, 4], [1, 3, 5]])
    capture = rtpcap.open(paths)
    numbers = {
        (chunk.file, number)
        for chunk in capture.datagram_chunks()
        for number in chunk.interface.tolist()
    }
    assert len({number for _, number in numbers}) == len(numbers) == 2


def test_a_stream_across_a_gap_between_files(tmp_path: Path) -> None:
    sent = [(0.02 * i, rtp(i, 160 * i)) for i in range(60)]
    for name, rows in (("a", sent[:20]), ("b", sent[30:])):
        (tmp_path / name).write_bytes(pcap_of(rows, 4000))
    (stream,) = rtpcap.open([tmp_path / "b", tmp_path / "a"]).streams
    assert (stream.quality.packets, stream.quality.lost) == (50, 10)
