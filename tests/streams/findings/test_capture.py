"""What is wrong with captures themselves; and beside each case a capture that is sound."""

from __future__ import annotations

import random
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.streams.findings.instants import coincidence
from tests.capture.build import (
    START_NS,
    TCP,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    section,
    udp,
)
from tests.capture.framed import sip
from tests.capture.test_kept import statistics
from tests.streams.findings.scenes import ids, of, slow
from tests.streams.made import CALLEE, CALLER, Sent, capture, rtp, talk

MS = 1_000_000
HEADERS = 14 + 20 + 8


def frames(count: int = 40) -> list[Frame]:
    """A stream of G.711, as frames of a file."""
    return [
        Frame(ethernet(ipv4(udp(payload))), START_NS + round(time_s * 1e9))
        for time_s, payload in talk(count)
    ]


def opened(folder: Path, data: bytes, name: str = "made.pcap") -> rtpcap.Capture:
    path = folder / name
    path.write_bytes(data)
    return rtpcap.open(path)


def test_nothing_is_found_in_a_sound_capture(tmp_path: Path) -> None:
    assert ids(opened(tmp_path, pcap(frames()))) == []


# --- cut, doubled, damaged


def test_cut_by_the_snap_length(tmp_path: Path) -> None:
    # Of each payload of 160 bytes 40 are there, but for the first ten packets.
    kept = HEADERS + 12 + 40
    cut = [
        Frame(each.data[:kept], each.time_ns, len(each.data)) if i >= 10 else each
        for i, each in enumerate(frames())
    ]
    (finding,) = of(opened(tmp_path, pcap(cut)), "snaplen-cut")
    assert (finding.severity, finding.ssrc) == ("warning", None)
    assert finding.numbers == {
        "packets": 30,
        "streams": 1,
        "missing_bytes": 30 * 120,
        "missing_pct": pytest.approx(75.0),
        "longest_frame_bytes": kept,
    }
    assert finding.frames == tuple(range(11, 21))
    assert "75 % of their payload" in finding.sentence


def test_captured_twice(tmp_path: Path) -> None:
    doubled = [Frame(f.data, f.time_ns + i * MS // 10) for f in frames() for i in (0, 1)]
    (finding,) = of(opened(tmp_path, pcap(doubled, nanoseconds=True)), "captured-twice")
    assert (finding.severity, finding.numbers) == ("note", {"packets": 40, "streams": 1})
    assert finding.frames == tuple(range(2, 22, 2))


def test_sent_twice_is_another_matter(tmp_path: Path) -> None:
    sent = [Frame(f.data, f.time_ns + i * 5 * MS) for f in frames() for i in (0, 1)]
    capture = opened(tmp_path, pcap(sent, nanoseconds=True))
    assert capture.streams[0].quality.duplicates == 40
    assert "captured-twice" not in ids(capture)


def test_a_damaged_file(tmp_path: Path) -> None:
    whole = pcap(frames())
    (finding,) = of(opened(tmp_path, whole[:-5]), "damaged-file")
    # The last that could be read.
    assert (finding.severity, finding.frames) == ("warning", (39,))
    # The record of the last frame is not whole: its header of 16 bytes and its data.
    assert finding.numbers == {"offset_bytes": len(whole) - 16 - HEADERS - 172}
    assert "damaged-file" not in ids(opened(tmp_path, whole))


def test_several_files_as_one(tmp_path: Path) -> None:
    # What a file says counts for the capture; frames of a file have other numbers in it.
    one, other = tmp_path / "one.pcapng", tmp_path / "other.pcapng"
    one.write_bytes(counted(dropped=3))
    other.write_bytes(counted(dropped=4)[:-8] + b"\0" * 8)
    shown = rtpcap.open([one, other])
    assert [f.numbers for f in of(shown, "capture-dropped-packets")] == [
        {"dropped": 3, "received": 0}
    ]
    (finding,) = of(shown, "damaged-file")
    assert finding.frames == ()
    assert "other.pcapng" in finding.sentence


# --- the clock


def later(after: int, shift_ns: int) -> list[Frame]:
    return [
        Frame(each.data, each.time_ns + (shift_ns if i >= after else 0))
        for i, each in enumerate(frames())
    ]


def test_the_clock_was_set_back(tmp_path: Path) -> None:
    capture = opened(tmp_path, pcap(later(20, -3_000 * MS), nanoseconds=True))
    (finding,) = of(capture, "capture-clock-set-back")
    assert (finding.severity, finding.frames) == ("warning", (21,))
    # The packet after comes 20 ms later by its own time.
    assert finding.numbers == {"steps": 1, "most_s": pytest.approx(2.98)}


@pytest.mark.parametrize("shift_ms", [-100, 3_000])
def test_frames_out_of_order_are_no_clock_set_back(shift_ms: int, tmp_path: Path) -> None:
    capture = opened(tmp_path, pcap(later(20, shift_ms * MS), nanoseconds=True))
    assert "capture-clock-set-back" not in ids(capture)


# --- dropped


def counted(*, received: int = 0, dropped: int = 0, dropped_by_system: int = 0) -> bytes:
    blocks = [section(), interface(), *(enhanced(each) for each in frames())]
    told = statistics(0, received=received, dropped=dropped, dropped_by_system=dropped_by_system)
    return b"".join([*blocks, told])


def test_the_file_counts_what_was_dropped(tmp_path: Path) -> None:
    data = counted(received=1000, dropped=7, dropped_by_system=5)
    (finding,) = of(opened(tmp_path, data, "a.pcapng"), "capture-dropped-packets")
    assert (finding.severity, finding.numbers) == ("warning", {"dropped": 12, "received": 1000})
    assert "12 packets of 1,000 that it saw" in finding.sentence
    assert "eth0" in finding.sentence


def test_the_file_counts_nothing_dropped(tmp_path: Path) -> None:
    data = counted(received=1000, dropped=0)
    assert ids(opened(tmp_path, data, "a.pcapng")) == []


BOTH = [(4000, 5000), (5000, 4000)]


def without(packets: list[Sent], *holes: tuple[float, float]) -> list[Sent]:
    return [each for each in packets if not any(a <= each[0] < b for a, b in holes)]


def conversation(
    folder: Path, there: tuple[float, float], back: tuple[float, float]
) -> rtpcap.Capture:
    """A minute both ways, each way with a hole from one second to another."""
    ways = [
        without(talk(1500, start_s=1.0, ssrc=0xA), there),
        without(talk(1500, start_s=1.007, ssrc=0xB), back),
    ]
    return capture(folder, *ways, ports=BOTH)


def test_both_directions_have_the_same_hole(tmp_path: Path) -> None:
    shown = conversation(tmp_path, (10.0, 11.0), (10.0, 11.0))
    (finding,) = of(shown, "capture-dropped-packets")
    assert finding.severity == "warning"
    assert finding.numbers["instants"] == 1
    # A second of packets of 20 ms in each direction.
    assert finding.numbers["packets"] == 100
    # 2 T / D = 0.04 s / 30 s that they begin together, and 0.04 s / 1 s that they end together.
    assert finding.numbers["expected_instants"] == pytest.approx(0.04 / 30 * 0.04, rel=0.1)


@pytest.mark.parametrize("back", [(20.0, 21.0), (10.0, 11.5), (0.0, 0.0)])
def test_each_direction_has_a_hole_of_its_own(back: tuple[float, float], tmp_path: Path) -> None:
    shown = conversation(tmp_path, (10.0, 11.0), back)
    assert "capture-dropped-packets" not in ids(shown)


def test_an_echo_has_the_holes_of_what_it_echoes(tmp_path: Path) -> None:
    packets = without(talk(1500, start_s=1.0), (10.0, 11.0))
    shown = capture(tmp_path, packets, [(t + 0.001, raw) for t, raw in packets], ports=BOTH)
    assert "capture-dropped-packets" not in ids(shown)


@pytest.mark.parametrize("seed", range(4))
def test_losses_strewn_by_chance_do_not_blame_the_capture(seed: int, tmp_path: Path) -> None:
    # 5 % of the packets of each direction, in runs of one to three: many coincide.
    chance = random.Random(seed)
    ways = []
    for ssrc in (0xA, 0xB):
        packets = talk(1500, start_s=1.0, ssrc=ssrc)
        starts = [i for i in range(10, 1490) if chance.random() < 0.025]
        lost = {i + k for i in starts for k in range(chance.randint(1, 3))}
        ways.append([each for i, each in enumerate(packets) if i not in lost])
    shown = capture(tmp_path, *ways, ports=BOTH)
    assert coincidence(shown.streams).expected > 0
    assert "capture-dropped-packets" not in ids(shown)


def test_packets_that_come_late_leave_no_hole(tmp_path: Path) -> None:
    # In both directions the same ten packets come a second late, but for one each that is lost.
    ways = []
    for ssrc, lost in ((0xA, 300), (0xB, 700)):
        packets = [each for i, each in enumerate(talk(1500, ssrc=ssrc)) if i != lost]
        ways.append([(t + 1.0 * (100 <= i < 110), raw) for i, (t, raw) in enumerate(packets)])
    found = coincidence(capture(tmp_path, *ways, ports=BOTH).streams)
    assert (found.instants, found.packets) == (0, 0)


def test_how_many_instants_coincide_is_counted_by_hand(tmp_path: Path) -> None:
    holes = [(5.0, 5.5), (9.0, 9.02), (13.0, 13.1), (20.0, 20.3)]
    other = [(5.0, 5.5), (9.0, 9.02), (13.0, 13.3), (25.0, 25.3)]
    ways = [
        without(talk(1500, start_s=1.0, ssrc=0xA), *holes),
        without(talk(1500, start_s=1.0, ssrc=0xB), *other),
    ]
    found = coincidence(capture(tmp_path, *ways, ports=BOTH).streams)
    assert found.instants == 2
    assert found.packets == 2 * (25 + 1)
    assert found.probability == pytest.approx(
        np.exp(2 - found.expected) * (found.expected / 2) ** 2
    )


def test_rounds_of_slow_packets(tmp_path: Path) -> None:
    # The time within which holes begin together is a packet's: here 200 ms.
    ways = [
        slow(60.0, ssrc=0xA, without=frozenset(range(100, 110))),
        slow(60.0, ssrc=0xB, start_s=1.1, without=frozenset(range(100, 110))),
    ]
    found = coincidence(capture(tmp_path, *ways, ports=BOTH).streams)
    assert (found.instants, found.packets) == (1, 20)


# --- TCP


def over_tcp(*, missing: bool) -> bytes:
    data = b"".join(sip(n=n) for n in range(12))
    edges = [0, *range(300, len(data), 300), len(data)]
    out = []
    for number, (begin, end) in enumerate(pairwise(edges)):
        if missing and number == 2:
            continue
        head = struct.pack(">HHIIBBHHH", 5060, 5060, 1000 + begin, 0, 0x50, 0x18, 8192, 0, 0)
        packet = ipv4(head + data[begin:end], src=CALLER, dst=CALLEE, protocol=TCP)
        out.append(Frame(ethernet(packet), START_NS + number * MS))
    return pcap(out)


def test_a_part_of_a_byte_stream_is_missing(tmp_path: Path) -> None:
    (finding,) = of(opened(tmp_path, over_tcp(missing=True)), "incomplete-tcp")
    assert (finding.severity, finding.numbers) == ("note", {"count": 1})
    assert len(finding.frames) == 1
    assert "incomplete-tcp" not in ids(opened(tmp_path, over_tcp(missing=False)))


def test_no_rtp_and_no_times(tmp_path: Path) -> None:
    assert ids(opened(tmp_path, pcap([]))) == []
    assert ids(opened(tmp_path, pcap([Frame(ethernet(ipv4(udp(rtp(0, 0)))))]))) == []
