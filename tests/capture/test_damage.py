"""Files that are cut short, mutated, or no captures: an answer or a CaptureError, in time."""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rtpcap.capture.files.formats import is_capture, open_source
from rtpcap.errors import CaptureError, RtpcapError
from tests.capture import scenarios_links, scenarios_tunnels  # noqa: F401
from tests.capture.build import (
    Frame,
    block,
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
from tests.capture.read import Reading, read_bytes
from tests.capture.scenarios import SCENARIOS
from tests.damage.harm import mutated

PAYLOADS = [bytes([i]) * size for i, size in enumerate((160, 160, 20, 33, 160, 0, 160))]
FRAMES = [Frame(ethernet(ipv4(udp(payload)))) for payload in PAYLOADS]
FIRST_BYTES = 1024


def ends_of_pcap() -> list[int]:
    """Where the file could end without damage: behind its header, and behind each record."""
    ends = [24]
    for frame in FRAMES:
        ends.append(ends[-1] + 16 + len(frame.data))
    return ends


def pcapng_file() -> tuple[bytes, list[int], list[int]]:
    """A file of two sections in both byte orders, the ends of its blocks, and those of packets."""
    blocks = [section(), interface(tsresol=9)]
    blocks += [enhanced(frame) for frame in FRAMES[:4]]
    blocks += [section(order=">"), interface(order=">"), block(5, bytes(12), order=">")]
    blocks += [enhanced(frame, order=">") for frame in FRAMES[4:]]
    ends = [sum(map(len, blocks[: i + 1])) for i in range(len(blocks))]
    packets = [ends[i] for i in (*range(2, 6), *range(9, 12))]
    return b"".join(blocks), ends, packets


def check_cut(reading: Reading, size: int, ends: list[int], packets: list[int]) -> None:
    """All packets that end before the cut are there, and the cut is told, where there is one."""
    kept = sum(end <= size for end in packets)
    assert [datagram.payload for datagram in reading.datagrams] == PAYLOADS[:kept]
    assert reading.frames == kept
    if size in ends:
        assert reading.damage == []
    else:
        (damage,) = reading.damage
        assert damage.offset == max(end for end in ends if end < size)
        assert damage.frame == kept + 1
        assert damage.reason.startswith("the file ends inside a record: ")
        assert f"offset {damage.offset}" in str(damage)


@pytest.mark.parametrize("chunk_bytes", [100, 4 << 20])
def test_a_pcap_cut_anywhere(chunk_bytes: int, tmp_path: Path) -> None:
    file, ends = pcap(FRAMES), ends_of_pcap()
    assert len(file) == ends[-1] > FIRST_BYTES
    for size in range(24, len(file) + 1):
        reading = read_bytes(tmp_path, file[:size], chunk_bytes)
        check_cut(reading, size, ends, ends[1:])


@pytest.mark.parametrize("chunk_bytes", [100, 4 << 20])
def test_a_pcapng_cut_anywhere(chunk_bytes: int, tmp_path: Path) -> None:
    file, ends, packets = pcapng_file()
    assert len(file) > FIRST_BYTES
    for size in range(28, len(file) + 1):
        reading = read_bytes(tmp_path, file[:size], chunk_bytes)
        check_cut(reading, size, ends, packets)


@pytest.mark.parametrize("file", [pcap(FRAMES), pcapng_file()[0]], ids=["pcap", "pcapng"])
def test_a_file_cut_in_its_own_header_is_no_capture(file: bytes, tmp_path: Path) -> None:
    for size in range(24 if file[0] == 0xD4 else 28):
        with pytest.raises(CaptureError, match=str(tmp_path / "capture")):
            read_bytes(tmp_path, file[:size])


def test_the_reason_for_each_kind_of_file_that_is_none(tmp_path: Path) -> None:
    reasons = {
        b"": "empty file",
        b"\x1f\x8b\x08\x00": "nothing can be unpacked: the gzip data are cut off",
        b"\x28\xb5\x2f\xfd": "nothing can be unpacked: the zstd data are cut off",
        b"\x1f\x8b\x09": "no capture: begins with 1f 8b 09",
        b"PK\x03\x04": "a zip archive: unpack it first",
        b"#!rtpplay1.0 10.0.0.1/4000\n": "the file ends inside its header",
        b"Hello, world": "no capture: begins with 48 65 6c 6c",
        b"\xd4": "no capture: begins with d4",
        pcap([])[:23]: "the file ends inside its header: 23 of 24 bytes",
        section()[:27]: "the file ends inside its section header: 27 of 28 bytes",
        section(major=2): "pcapng version 2.0, only 1 is known",
        block(0x0A0D0D0A, bytes(16)): "no capture: a pcapng without a byte-order magic",
    }
    for data, reason in reasons.items():
        with pytest.raises(CaptureError) as caught:
            read_bytes(tmp_path, data)
        assert str(caught.value) == f"{tmp_path / 'capture'}: {reason}"


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a folder, not a capture file"):
        open_source(tmp_path)
    with pytest.raises(CaptureError, match="No such file"):
        open_source(tmp_path / "absent.pcap")
    with pytest.raises(CaptureError, match="null"):
        open_source("a\0b")
    gone = tmp_path / "gone.pcap"
    gone.write_bytes(pcap(FRAMES))
    source = open_source(gone)
    gone.unlink()
    with pytest.raises(CaptureError, match="No such file"):
        list(source.chunks())


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaptureError, match="a pipe or a device"):
        open_source(tmp_path / "pipe")


def test_a_file_that_becomes_another_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "changed.pcap"
    path.write_bytes(pcap([]))
    source = open_source(path)
    path.write_bytes(b"something else that is as long")
    with pytest.raises(CaptureError, match="changed while it was read"):
        list(source.chunks())


def test_a_path_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    path.write_bytes(pcap([]))
    assert open_source(os.fsencode(path)).path == str(path)  # type: ignore[arg-type]


def test_is_capture_looks_at_first_bytes_only(tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    for data, expected in (
        (pcap([]), True),
        (pcap([], order=">", nanoseconds=True)[:4], True),
        (section(order=">")[:4], True),
        (b"\x0a\x0d\x0d", False),
        (b"", False),
        (b"\x1f\x8b\x08\x00", False),
    ):
        path.write_bytes(data)
        assert is_capture(path) is expected
    assert is_capture(tmp_path) is False
    assert is_capture(tmp_path / "absent") is False


def test_mutated_files_give_an_answer_or_a_capture_error(tmp_path: Path) -> None:
    files = [made().file for made in SCENARIOS.values()]
    read = 0
    for seed in range(200):
        file = mutated(files[seed % len(files)], random.Random(seed))
        for chunk_bytes in (100, 1 << 20):
            try:
                reading = read_bytes(tmp_path, file, chunk_bytes)
            except RtpcapError:
                continue
            read += 1
            # What was said of it must be readable too.
            assert all(str(damage) for damage in reading.damage)
    assert read > 300


def test_mutations_behind_a_place_leave_the_frames_before_it_alone(tmp_path: Path) -> None:
    file = pcap(FRAMES * 40)
    expected = read_bytes(tmp_path, file).datagrams
    for seed in range(50):
        rng = random.Random(seed)
        at = rng.randrange(24, len(file) - 200)
        mutated = file[:at] + rng.randbytes(40) + file[at + 40 :]
        untouched, end = 0, 24
        while (end := end + 16 + len(FRAMES[untouched % len(FRAMES)].data)) <= at:
            untouched += 1
        found = read_bytes(tmp_path, mutated).datagrams
        assert found[:untouched] == expected[:untouched]


def _random_types() -> bytes:
    rng = random.Random(1)
    data = [ethernet(bytes(46), ether_type=rng.randrange(0x600, 0x10000)) for _ in range(20_000)]
    return pcap([Frame(frame) for frame in data])


def _sections() -> bytes:
    one = section() + interface() + simple(Frame(bytes(20)))
    return one * 20_000


def _turning_sections() -> bytes:
    # 256 and 65536 are each other's bytes reversed: both readings lead somewhere.
    def of(order: str) -> bytes:
        return section(order="<" if order == "<" else ">", options=option(2, bytes(224)))

    return (of("<") + of(">")) * 4_000


def _interfaces() -> bytes:
    count = 30_000
    bodies = [struct.pack("<HHI", i % 0xFFF0, 0, 0) for i in range(count)]
    packets = [enhanced(Frame(b""), number=i) for i in range(count)]
    return section() + b"".join(block(1, body) for body in bodies) + b"".join(packets)


def _false_starts() -> bytes:
    # Each payload looks like records that lead past the real next one.
    fake = struct.pack("<IIII", 1_700_000_000, 0, 24, 24) + bytes(24)
    frames = [Frame(ethernet(fake * 20 + bytes(i % 7))) for i in range(4_000)]
    return pcap(frames)


def _tiny_records() -> bytes:
    return pcap([Frame(bytes(i % 3)) for i in range(150_000)])


def _flows() -> bytes:
    frames = [
        Frame(ethernet(ipv4(udp(b"", src_port=i % 60_000, dst_port=i // 60_000 + 1))))
        for i in range(65_000)
    ]
    return pcap(frames)


@pytest.mark.parametrize(
    ("made", "frames"),
    [
        (_random_types, 20_000),
        (_sections, 20_000),
        (_turning_sections, 0),
        (_interfaces, 30_000),
        (_false_starts, 4_000),
        (_tiny_records, 150_000),
        (_flows, 65_000),
    ],
)
def test_hostile_files_take_time_in_proportion(
    made: Callable[[], bytes], frames: int, tmp_path: Path
) -> None:
    file = made()
    begin = time.process_time()
    reading = read_bytes(tmp_path, file)
    seconds = time.process_time() - begin
    assert (reading.frames, reading.damage) == (frames, [])
    # Seconds where nothing is quadratic, minutes where something is.
    assert seconds < 2 + 2e-6 * len(file)
