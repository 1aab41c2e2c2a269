"""Captured streams sent again, on a made-up clock and on loopback."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtpcap
from rtpcap.live import Lateness, Outlets, Part, Recorder, Replay, Rewrite, Target, parts_of, send
from rtpcap.live.outlets import check
from rtpcap.streams.stream import Stream
from tests.live.loopback import eventually, free_port
from tests.live.made import MS, SECOND, START_NS
from tests.streams.made import Sent, capture, rtp, talk

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


class Clock:
    """A clock that stands still but where it is waited for, and oversleeps by a fixed time."""

    def __init__(self, oversleeps_ns: int = 0) -> None:
        self.now_ns = START_NS
        self._late = oversleeps_ns

    def now(self) -> int:
        return self.now_ns

    def wait_until(self, due_ns: int) -> None:
        self.now_ns = due_ns + self._late


def ran(replay: Replay, clock: Clock | None = None) -> list[tuple[int, int, bytes]]:
    """(nanoseconds since the first, part, bytes) of everything that is sent."""
    clock = clock or Clock()
    out: list[tuple[int, int, bytes]] = []
    begin = clock.now()
    replay.run(
        lambda number, data: out.append((clock.now() - begin, number, data)),
        clock.now,
        clock.wait_until,
    )
    return out


def stream(folder: Path, sent: list[Sent]) -> Stream:
    return capture(folder, sent).streams[0]


def fields(data: bytes) -> tuple[int, int, int, int]:
    """(second byte, sequence, timestamp, SSRC)."""
    found: tuple[int, int, int, int] = struct.unpack_from(">xBHII", data)
    return found


@pytest.mark.parametrize("name", ["ff-pcmu.pcap", "gst-loss.pcap", "gst-dtmf.pcap", "ff-l16s.pcap"])
def test_as_captured_to_the_byte_and_the_microsecond(name: str) -> None:
    for each in rtpcap.open(FIXTURES / name).streams:
        packets = each.packets
        out = ran(Replay([Part(each)]))
        assert [data for _, _, data in out] == [packets.raw(row) for row in range(len(packets))]
        since = packets.time_ns - packets.time_ns[0]
        assert [at for at, _, _ in out] == since.tolist()


def test_faster(tmp_path: Path) -> None:
    out = ran(Replay([Part(stream(tmp_path, talk(50)))], speed=4))
    assert [at for at, _, _ in out] == [5 * MS * i for i in range(50)]


def test_timing_of_the_media_undoes_jitter_and_order(tmp_path: Path) -> None:
    sent = [(0.02 * i + (0.007 if i % 3 else 0), rtp(i, 160 * i)) for i in range(50)]
    sent[20:22] = [(sent[20][0], sent[21][1]), (sent[21][0], sent[20][1])]
    out = ran(Replay([Part(stream(tmp_path, sent), "media")]))
    assert [at for at, _, _ in out] == [20 * MS * i for i in range(50)]
    assert [fields(data)[1] for _, _, data in out] == list(range(50))


def test_timing_of_the_media_over_the_wrap_of_the_timestamp(tmp_path: Path) -> None:
    sent = talk(50, timestamp=(1 << 32) - 800, sequence=65_530)
    out = ran(Replay([Part(stream(tmp_path, sent), "media")]))
    assert [at for at, _, _ in out] == [20 * MS * i for i in range(50)]


def test_timing_of_the_media_keeps_the_reports_of_a_press_apart(tmp_path: Path) -> None:
    report = [struct.pack(">BBH", 5, 10, 160 * (n + 1)) for n in range(4)]
    sent = talk(30)
    sent += [(0.6 + 0.02 * n, rtp(30 + n, 4800, report[n], payload_type=101)) for n in range(4)]
    sent += talk(20, sequence=34, timestamp=34 * 160, start_s=0.68)
    each = capture(tmp_path, sent, pt_map={101: "telephone-event/8000"}).streams[0]
    out = ran(Replay([Part(each, "media")]))
    assert [at for at, _, _ in out] == [20 * MS * i for i in range(54)]


def test_timing_of_the_media_of_a_sender_that_began_anew(tmp_path: Path) -> None:
    sent = talk(50) + talk(50, sequence=30_000, timestamp=1 << 31, start_s=1.5)
    out = ran(Replay([Part(stream(tmp_path, sent), "media")]))
    assert [at for at, _, _ in out][50] == 1500 * MS
    assert len(out) == 100


def test_loops_go_on_in_sequence_and_timestamp(tmp_path: Path) -> None:
    sent = talk(50, sequence=65_500, timestamp=(1 << 32) - 1600)
    out = ran(Replay([Part(stream(tmp_path, sent))], loops=4))
    assert len(out) == 200
    sequences = np.array([fields(data)[1] for _, _, data in out])
    timestamps = np.array([fields(data)[2] for _, _, data in out])
    assert set(np.diff(sequences) % 65536) == {1}
    assert set(np.diff(timestamps) % (1 << 32)) == {160}
    assert [at for at, _, _ in out] == [20 * MS * i for i in range(200)]


def test_loops_of_parts_of_different_length_stay_together(tmp_path: Path) -> None:
    flows = [talk(50), talk(30, ssrc=9, start_s=0.1)]
    streams = list(capture(tmp_path, *flows).streams)
    out = ran(Replay(parts_of(streams), loops=3))
    for number, count in ((0, 50), (1, 30)):
        mine = [(at, fields(data)) for at, part, data in out if part == number]
        assert len(mine) == 3 * count
        # On each part's own clock, time and timestamp agree over all loops.
        at = np.array([when for when, _ in mine])
        ticks = np.array([each[2] for _, each in mine])
        assert ((at - at[0]) * 8000 // SECOND == ticks - ticks[0]).all()
        assert set(np.diff([each[1] for _, each in mine])) == {1}
    assert next(at for at, part, _ in out if part == 1) == 100 * MS


def test_rewritten_where_asked(tmp_path: Path) -> None:
    each = stream(tmp_path, talk(50, sequence=100))
    rewrite = Rewrite(ssrc=0xCAFE, payload_types={8: 96}, sequence=65_530)
    out = ran(Replay([Part(each, rewrite=rewrite)]))
    for i, (_, _, data) in enumerate(out):
        assert fields(data) == (96, (65_530 + i) & 0xFFFF, 160 * i, 0xCAFE)
        assert data[12:] == each.packets.payload(i)
    kept = ran(Replay([Part(each, rewrite=Rewrite(payload_types={0: 96}))]))
    assert [data for _, _, data in kept] == [each.packets.raw(i) for i in range(50)]


def test_what_the_capture_copied_is_sent_once_and_told(tmp_path: Path) -> None:
    each = rtpcap.open(FIXTURES / "ovs-vlan.pcap").streams[0]
    twice = each.quality.captured_twice
    part = Part(each)
    assert len(part) == len(each.packets) - twice
    assert part.left_out == ({"copied by the capture": twice} if twice else {})


def test_copies_of_the_wire_are_sent_as_often(tmp_path: Path) -> None:
    each = rtpcap.open(FIXTURES / "gst-dup.pcap").streams[0]
    assert each.quality.duplicates > 0
    assert len(Part(each)) == len(each.packets) - each.quality.captured_twice


def test_parts_begin_as_far_apart_as_they_were_captured(tmp_path: Path) -> None:
    streams = capture(tmp_path, talk(50), talk(50, ssrc=9, start_s=0.33)).streams
    out = ran(Replay(parts_of(list(streams))))
    assert next(at for at, part, _ in out if part == 1) == 330 * MS
    times = [at for at, _, _ in out]
    assert times == sorted(times)


def test_without_media_times_or_packets(tmp_path: Path) -> None:
    unnamed = stream(tmp_path, talk(50, payload_type=99))
    with pytest.raises(ValueError, match="clock rate"):
        Part(unnamed, "media")
    assert ran(Replay([])) == []
    assert Replay([]).peak == 0
    for wrong in ({"speed": 0.0}, {"speed": float("nan")}, {"loops": 0}):
        with pytest.raises(ValueError, match="none"):
            Replay([], **wrong)


def test_peak_counts_the_busiest_second(tmp_path: Path) -> None:
    part = Part(stream(tmp_path, talk(100)))
    assert Replay([part]).peak == 50
    assert Replay([part], speed=10).peak == 100
    # 100 packets in 2 s, 100 times as fast: 20 ms a loop, and so 50 loops a second.
    assert Replay([part], speed=100, loops=30).peak == 3000
    assert Replay([part], speed=100, loops=3000).peak == 5000


def test_more_than_10_000_packets_a_second_and_groups_have_to_be_meant(tmp_path: Path) -> None:
    part = Part(stream(tmp_path, talk(100)))
    here = Target("127.0.0.1", 9)
    check(Replay([part], speed=100, loops=3000), [here])
    with pytest.raises(ValueError, match=r"15,000 packets in a second, more than 10,000"):
        check(Replay([part], speed=300, loops=3000), [here])
    for host in ("239.1.2.3", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:239.1.2.3"):
        with pytest.raises(ValueError, match="no single receiver"):
            check(Replay([part]), [Target(host, 9)])


@given(st.lists(st.integers(0, 200_000_000), min_size=1, max_size=300))
def test_lateness_is_that_of_plain_counting(late_ns: list[int]) -> None:
    told = Lateness()
    for each in late_ns:
        told.add(each)
    ordered = sorted(late_ns)
    for percent in (50, 99):
        # The nearest rank; to a microsecond up to 0.1 s, beyond that the maximum.
        wanted = ordered[-(-len(ordered) * percent // 100) - 1]
        got = told.percentile_ms(percent) * 1e6
        assert wanted <= round(got) <= wanted + 1000 or (wanted >= 1e8 and got == ordered[-1])
    assert told.max_ms * 1e6 == pytest.approx(ordered[-1])
    assert told.packets == len(late_ns)


def test_lateness_is_measured_where_it_happens(tmp_path: Path) -> None:
    replay = Replay([Part(stream(tmp_path, talk(100)))])
    ran(replay, Clock(oversleeps_ns=3 * MS))
    # The first one is on time, the others 3 ms late each; and never later: deadlines are absolute.
    assert replay.lateness.row() == {
        "packets": 100,
        "late_median_ms": 3.0,
        "late_p99_ms": 3.0,
        "late_max_ms": 3.0,
    }


@pytest.fixture
def recorder() -> Iterator[tuple[Recorder, list[tuple[int, bytes]]]]:
    """A recorder at two ports, which collects in a thread: (port, bytes)."""
    first = free_port()
    got: list[tuple[int, bytes]] = []
    with Recorder([("127.0.0.1", first), ("127.0.0.1", first + 1)]) as made:
        thread = threading.Thread(
            target=lambda: got.extend((a.dst_port, a.data) for a in made.arrivals())
        )
        thread.start()
        yield made, got
        made.stop()
        thread.join(10)


def test_sent_and_received_again_it_is_the_same(
    recorder: tuple[Recorder, list[tuple[int, bytes]]],
) -> None:
    made, got = recorder
    call = rtpcap.open(FIXTURES / "pj-pcmavad.pcap").calls[0]
    streams = [*call.left, *call.right]
    replay = Replay(parts_of(streams), speed=20)
    targets = [Target("127.0.0.1", port) for _, port in made.addresses]
    to = [targets[0]] * len(call.left) + [targets[1]] * len(call.right)
    outlets = Outlets(replay, to)
    lateness = send(replay, outlets)
    outlets.close()
    assert lateness.packets == len(replay)
    made.stop()
    eventually(lambda: len(got) == len(replay))
    for target, side in zip(targets, (call.left, call.right), strict=True):
        sent = [part for part in replay.parts if part.src == (side[0].src, side[0].src_port)]
        wanted = sorted(part.packet(row) for part in sent for row in range(len(part)))
        assert sorted(data for port, data in got if port == target.address[1]) == wanted
    assert (outlets.refused, outlets.failed) == (0, 0)


def test_nobody_there_is_counted_and_no_failure(tmp_path: Path) -> None:
    replay = Replay([Part(stream(tmp_path, talk(50)))], speed=20)
    outlets = Outlets(replay, [Target("127.0.0.1", free_port())])
    assert send(replay, outlets).packets == 50
    outlets.close()
    assert outlets.refused > 0
    assert outlets.failed == 0


def test_parts_of_one_endpoint_share_a_socket_and_no_target_is_a_group_unasked(
    tmp_path: Path,
) -> None:
    both = capture(tmp_path, talk(50), talk(50, ssrc=9), ports=[(4000, 5000), (4000, 5000)])
    replay = Replay(parts_of(list(both.streams)))
    target = Target("127.0.0.1", 9)
    outlets = Outlets(replay, [target, target])
    assert outlets.sockets == 1
    outlets.close()
    with pytest.raises(OSError, match=r"255\.255\.255\.255:9"):
        Outlets(replay, [Target("255.255.255.255", 9)] * 2)
