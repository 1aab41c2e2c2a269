"""Reports and their intervals (RFC 3550 6.2 to 6.4, A.7), by hand and on a made-up clock."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.live.interval import Interval, interval_s
from rtpcap.live.reports import build_bye, build_report, ntp, read_compound
from rtpcap.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport
from tests.capture.build import Frame, ethernet, ipv4, pcap, udp
from tests.live.made import MS, SECOND, START_NS, message, packet, sent, session
from tests.peers import require


def test_a_sender_report_in_the_bytes_of_the_rfc() -> None:
    block = ReportBlock(0x55667788, 25, -2, 0x10005, 12, 0x7E808000, 65536)
    report = SenderReport(0x11223344, 0x83AA7E80_80000000, 160, 50, 8000, (block,))
    data = build_report(report, "ab")
    assert data.hex(" ", 4) == (
        "81c8000c 11223344 83aa7e80 80000000 000000a0 00000032 00001f40 "
        "55667788 19fffffe 00010005 0000000c 7e808000 00010000 "
        # SDES: one chunk, CNAME of 2 bytes, four zeros up to the word.
        "81ca0003 11223344 01026162 00000000"
    )


def test_goodbye_is_a_compound_packet() -> None:
    data = build_bye(0x11223344, "a")
    assert data.hex(" ", 4) == "80c90001 11223344 81ca0002 11223344 01016100 81cb0001 11223344"
    found = read_compound(data)
    assert found is not None
    assert found.left == [0x11223344]


words = st.integers(0, (1 << 32) - 1)
blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    cumulative_lost=st.integers(-(1 << 23), (1 << 23) - 1),
    highest_sequence=words,
    jitter=words,
    last_sr=words,
    delay_since_last_sr=words,
)
several = st.lists(blocks, max_size=31).map(tuple)
reports = st.builds(ReceiverReport, words, several) | st.builds(
    SenderReport, words, st.integers(0, (1 << 64) - 1), words, words, words, several
)


@given(reports, st.text(st.characters(codec="ascii"), max_size=255))
def test_what_is_built_is_read(report: SenderReport | ReceiverReport, cname: str) -> None:
    found = read_compound(build_report(report, cname))
    assert found is not None
    assert found.blocks == list(report.blocks)
    sent = isinstance(report, SenderReport)
    assert found.senders == ({report.ssrc: report} if sent else {})


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_are_none(data: bytes) -> None:
    read_compound(data)
    read_compound(b"\x81\xc8\x00\x06" + data)


def test_ntp_counts_from_1900() -> None:
    assert ntp(0) >> 32 == 2_208_988_800
    assert ntp(SECOND // 4) & 0xFFFFFFFF == 1 << 30


def deterministic(
    members: int, senders: int, *, we_sent: bool = False, first: bool = False
) -> float:
    return interval_s(
        members=members, senders=senders, bandwidth=10_000, we_sent=we_sent, size=100, first=first
    )


def test_interval_is_never_under_its_least() -> None:
    assert deterministic(2, 1, we_sent=True) == 5.0
    assert deterministic(2, 1, we_sent=True, first=True) == 2.5


def test_interval_grows_with_the_members() -> None:
    # 5 % of 10,000 bytes/s are 500: a quarter of it for the senders where they are few.
    assert deterministic(1000, 100) == pytest.approx(900 * 100 / 375)
    assert deterministic(1000, 100, we_sent=True) == pytest.approx(100 * 100 / 125)
    assert deterministic(1000, 900) == pytest.approx(1000 * 100 / 500)


def test_intervals_are_random_and_five_seconds_in_the_mean() -> None:
    timer = Interval(10_000, random.Random(1))
    timer.begin(START_NS)
    times: list[int] = []
    while len(times) < 4000:
        now = timer.next_ns
        assert now is not None
        if timer.due(now, 2, 2, True):
            times.append(now)
    gaps = np.diff(times) / SECOND
    # 6.3.1: between half and one and a half of Td, divided by e - 3/2; what is drawn twice is
    # the larger, so that the mean is Td.
    assert gaps.min() >= 2.5 / 1.21829
    assert gaps.mean() == pytest.approx(5.0, rel=0.03)
    assert gaps.std() > 0.5


def test_goodbyes_make_the_timer_faster() -> None:
    timer = Interval(10_000, random.Random(1))
    timer.begin(START_NS)
    while not timer.due(timer.next_ns or 0, 1000, 10, False):
        pass
    begin, before = START_NS, timer.next_ns
    assert before is not None
    now = before - SECOND
    timer.left(now, 500)
    assert timer.next_ns == now + SECOND // 2
    timer.left(now, 900)
    assert timer.next_ns == now + SECOND // 2
    assert begin < now


def two_ends(seconds: int) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """What two sessions with RTCP send each other, each datagram 10 ms on its way."""
    one, other = session(rtcp=True), session(ssrc=8, rtcp=True)
    flows: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]] = ([], [])
    under_way: list[tuple[int, int, bytes]] = []
    now = START_NS
    while now < START_NS + seconds * SECOND:
        for end, flow in ((0, flows[0]), (1, flows[1])):
            for datagram in (one, other)[end].due(now):
                flow.append((now, datagram.data))
                under_way.append((now + 10 * MS, 1 - end, datagram.data))
        for _, end, data in [each for each in under_way if each[0] <= now]:
            (one, other)[end].receive(data, now)
        under_way = [each for each in under_way if each[0] > now]
        now += 5 * MS
    for made in (one, other):
        told = made.statistics()
        assert told.rtcp_sent > 3
        assert told.rtcp_received > 3
        # 10 ms each way; reports go out on the ticks of this clock.
        assert told.rtt_ms == pytest.approx(20, abs=0.1)
        assert (told.remote_lost, told.source and told.source.lost) == (0, 0)
        assert made.bye()[0].is_rtcp
    return flows


def test_two_ends_tell_each_other_loss_jitter_and_round_trip() -> None:
    ours, _ = two_ends(60)
    reports = [(when, data) for when, data in ours if data[1] in (200, 201)]
    packets = [(when, message(data)) for when, data in ours if data[1] < 192]
    when, last = reports[-1]
    assert last[1] == 200
    found = read_compound(last)
    assert found is not None
    info = found.senders[7]
    before = [m for at, m in packets if at <= when]
    assert (info.packet_count, info.octet_count) == (len(before), 160 * len(before))
    # The timestamp of the report is the one that media at that instant has.
    assert info.timestamp == (when - START_NS) * 8000 // SECOND
    assert info.ntp == ntp(when)
    assert found.blocks[0].ssrc == 8


def test_no_report_goes_out_unasked() -> None:
    made = session()
    assert {data[1] for _, data in sent(made, 60)} == {0}
    assert made.bye() == []


def test_rtcp_on_the_rtp_port_is_read_and_no_audio() -> None:
    made = session()
    made.receive(packet(1, 160), START_NS)
    made.receive(build_report(SenderReport(0x1234, ntp(START_NS), 160, 1, 160), "x"), START_NS)
    made.receive(build_bye(0x1234, "x"), START_NS)
    told = made.statistics()
    assert (told.rtcp_received, told.ignored, told.sources) == (2, {}, [])


@pytest.mark.peer
def test_tshark_reads_our_reports_without_a_complaint(tmp_path: Path) -> None:
    tshark = require("tshark")
    ours, _ = two_ends(40)
    frames = [
        Frame(ethernet(ipv4(udp(data, src_port=4000, dst_port=4001))), when)
        for when, data in [*ours, (START_NS + 41 * SECOND, build_bye(7, "x"))]
        if data[1] >= 192
    ]
    path = tmp_path / "rtcp.pcap"
    path.write_bytes(pcap(frames, nanoseconds=True))
    command = [tshark, "-r", str(path), "-d", "udp.port==4001,rtcp", "-T", "fields"]
    fields = ["rtcp.pt", "rtcp.length_check", "_ws.malformed", "rtcp.senderssrc"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(frames)
    assert {row[0] for row in rows[:-1]} <= {"200,202", "201,202"}
    assert rows[-1][0] == "201,202,203"
    assert {row[1] for row in rows} == {"1"}
    assert {row[2] for row in rows} == {""}
