"""All that a capture's RTCP tells, from the file on: tables, and the figures of streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.rtp import rtcp
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.reports.rows import KEYS
from rtpcap.streams.reports.wallclock import ntp_to_ns
from tests.capture.build import START_NS
from tests.streams.made import CALLEE, CALLER, capture, talk
from tests.streams.reports.conversation import TO_A_S, TO_B_S, A, B, conversation
from tests.streams.reports.kept import control_of

UNIT_MS = 1000 / 65536
"""What a delay in a report may be rounded by."""
PORTS = [(4000, 5000), (4001, 5001), (5001, 4001)]
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
BEFORE, AFTER = range(100, 110), range(300, 305)
"""What is lost before the tap, and what after it: the numbers of 20 ms from the beginning."""


def received(at_b: float) -> tuple[int, int]:
    """What B lost by a time of its, and the highest number that came."""
    came = int((at_b - TO_B_S) / 0.02 + 1e-9)
    return sum(number <= came for number in [*BEFORE, *AFTER]), came


def call(folder: Path, *, a_hears: bool = True) -> rtpcap.Capture:
    """17 s from A to B, which report to each other."""
    media = [sent for i, sent in enumerate(talk(850, ssrc=A)) if i not in BEFORE]
    return capture(folder, media, *conversation(received, a_hears=a_hears), ports=PORTS)


def test_the_figures_of_a_stream(tmp_path: Path) -> None:
    (stream,) = call(tmp_path).streams
    quality = stream.quality
    whole_ms = 2000 * (TO_A_S + TO_B_S)
    assert quality.round_trip_ms == pytest.approx(whole_ms, abs=2 * UNIT_MS)
    assert quality.round_trip_path == "end-to-end"
    # The last report is that of 17 s: 848 is the highest, from 0 on.
    assert quality.far_lost == len(BEFORE) + len(AFTER)
    assert quality.far_lost_pct == pytest.approx(100 * 15 / 849)
    assert quality.far_jitter_ms == 5.0
    assert quality.lost == len(BEFORE)


def test_half_of_the_round_trip_is_the_delay_of_the_e_model(tmp_path: Path) -> None:
    (stream,) = call(tmp_path).streams
    row = stream.quality_row()
    added = stream.quality.buffer_delay_ms
    assert added is not None
    assert row["emodel_delay_ms"] == pytest.approx(45.0 + added, abs=UNIT_MS)
    assert str(row["emodel_delay_source"]).startswith("network's 45 ms half of RTCP's round trip")
    # G.107's shortcut: 0.024 a millisecond below 177.3 ms.
    told = stream.play(60, network_ms=0).rating
    assert told is not None
    assert stream.quality.r == pytest.approx(told.r - 0.024 * 45, abs=0.001)
    assert "0 ms as told" in told.delay_source
    played = stream.play(60).rating
    assert played is not None
    assert played.delay_ms == pytest.approx(45.0 + added, abs=UNIT_MS)


def test_one_side_of_the_capture_alone(tmp_path: Path) -> None:
    (stream,) = call(tmp_path, a_hears=False).streams
    assert stream.quality.round_trip_path == "capture-to-receiver"
    assert stream.quality.round_trip_ms == pytest.approx(2000 * TO_B_S, abs=UNIT_MS)


def test_nothing_is_said_without_rtcp(tmp_path: Path) -> None:
    found = capture(tmp_path, talk(50))
    (stream,) = found.streams
    assert stream.quality.far_lost is stream.quality.round_trip_ms is None
    assert "0 ms assumed" in str(stream.quality_row()["emodel_delay_source"])
    assert stream.wall_clock is None
    assert (len(found.rtcp), found.rtcp.rows(), repr(found.rtcp)) == (
        0,
        [],
        "<Reports in 0 datagrams>",
    )


def test_losses_on_both_sides_of_the_capture(tmp_path: Path) -> None:
    reports = call(tmp_path).rtcp
    of_b, of_a = reports.loss
    row = of_b.row()
    assert (row["ssrc"], row["about_ssrc"], row["src"]) == ("0xbbbbbbbb", "0xaaaaaaaa", CALLEE)
    assert (of_b.reports, of_b.compared, of_b.expected) == (4, 4, 849)
    assert (of_b.reported, of_b.before, of_b.after, of_b.place) == (15, 10, 5, "both")
    assert of_b.missed == 0
    # Of B the capture has no packets: nothing to compare.
    assert (of_a.about_ssrc, of_a.reports, of_a.compared, of_a.place) == (B, 3, 0, None)
    assert repr(reports.loss) == "<Losses 2 reporters, 10 before, 5 after>"


def test_what_the_capture_alone_lacks_is_lost_nowhere(tmp_path: Path) -> None:
    media = [sent for i, sent in enumerate(talk(850, ssrc=A)) if i not in BEFORE]
    reports = conversation(lambda at_b: (0, received(at_b)[1]))
    of_b, _ = capture(tmp_path, media, *reports, ports=PORTS).rtcp.loss
    assert (of_b.expected, of_b.reported, of_b.before, of_b.after) == (849, 0, 0, 0)
    assert (of_b.missed, of_b.place) == (len(BEFORE), "capture")


def test_the_tables(tmp_path: Path) -> None:
    reports = call(tmp_path).rtcp
    assert repr(reports) == "<Reports in 8 datagrams: 8 SR>"
    assert len(reports) == len(reports.rows()) == 8
    assert list(reports[0]) == list(KEYS)
    assert [round(trip.median_ms) for trip in reports.round_trips] == [70, 20]
    assert {trip.clock for trip in reports.round_trips} == {"SR"}
    assert [clock.ssrc for clock in reports.wall_clocks] == [A, B]
    for table in (
        reports,
        reports.packets,
        reports.round_trips,
        reports.loss,
        reports.wall_clocks,
        reports.participants,
        reports.voice_quality,
    ):
        frame = table.to_frame()
        assert len(frame) == len(table)
        if len(table):
            assert list(frame.columns) == list(table.rows()[0])
        assert ("<table" in table._repr_html_()) == bool(len(table))


def test_what_is_selected(tmp_path: Path) -> None:
    reports = call(tmp_path).rtcp
    assert len(reports.select(ssrc=A)) == 8
    assert len(reports.select(ssrc=7)) == 0
    assert {line["src"] for line in reports.select(src=CALLER)} == {CALLER}
    assert len(reports.select(dst=f"{CALLER}:4001")) == 4
    assert len(reports.select(dst=f"{CALLER}:4000")) == 0
    assert len(reports.select(payload_type=8)) == 8
    assert len(reports.select(payload_type=0)) == 0
    assert len(reports.select(src=CALLEE).loss) == 1


def test_the_wall_clock_of_a_stream(tmp_path: Path) -> None:
    (stream,) = call(tmp_path).streams
    clock = stream.wall_clock
    assert clock is not None
    assert (clock.ssrc, clock.clock_rate, len(clock.frame)) == (A, 8000, 4)
    # The clock of A was 3,000,000,000 s after 1900 at the tap's 0; its reports came 10 ms later.
    assert clock.capture_offset_ns == pytest.approx(
        START_NS + TO_A_S * 1e9 - (3_000_000_000 - 2_208_988_800) * 1e9, abs=1000
    )


def test_a_clock_beyond_all_times_is_read() -> None:
    for time_ns in (np.iinfo(np.int64).max, NO_TIME + 1):
        for ntp in (1, (1 << 64) - 1, 1 << 63):
            assert abs(ntp_to_ns(ntp, int(time_ns))) < 1 << 63


def test_voice_quality_of_rtcp_and_of_sip(tmp_path: Path) -> None:
    metrics = rtcp.VoIPMetrics(
        A, 64, 32, 128, 0, 100, 5000, 90, 120, -21, -50, 55, 16, 85, 127, 42, 127, 0, 40, 80, 120
    )
    heard = rtcp.build([rtcp.ReceiverReport(B), rtcp.ExtendedReport(B, (metrics,))])
    body = (
        "VQSessionReport: CallTerm\r\nCallID: 17@host\r\n"
        "LocalAddr: IP=10.0.0.2 PORT=5000 SSRC=bbbbbbbb\r\n"
        "RemoteAddr: IP=10.0.0.1 PORT=4000 SSRC=-1\r\n"
        "LocalMetrics:\r\nPacketLoss:NLR=5.0 JDR=2.0\r\nQualityEst:MOSCQ=4.3\r\n"
    )
    publish = (
        "PUBLISH sip:c@host SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
        "From: <sip:b@host>;tag=1\r\nTo: <sip:c@host>\r\nCall-ID: p\r\nCSeq: 1 PUBLISH\r\n"
        f"Content-Type: application/vq-rtcpxr\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    found = capture(
        tmp_path, [(0.0, heard)], [(1.0, publish.encode())], ports=[(5001, 4001), (5060, 5060)]
    )
    by_rtcp, by_sip = found.rtcp.voice_quality.rows()
    told = ("source", "ssrc", "about_ssrc", "loss_pct", "discard_pct", "mos_lq", "mos_cq", "r_cq")
    assert [by_rtcp[key] for key in told] == [
        *("rtcp-xr", "0xbbbbbbbb", "0xaaaaaaaa", 25.0, 12.5, 4.2, None, 85)
    ]
    assert [by_sip[key] for key in told] == ["sip", "0xbbbbbbbb", None, 5.0, 2.0, None, 4.3, None]
    assert (by_sip["kind"], by_sip["call_id"]) == ("session local CallTerm", "17@host")
    assert [row["source"] for row in found.rtcp.select(call="17@host").voice_quality.rows()] == [
        "sip"
    ]


@pytest.mark.parametrize("name", ["pj-rtcpmux.pcap", "ff-rtsp.pcap", "ai-opus.pcap"])
def test_what_is_kept_while_streams_are_found_is_all_that_there_is(name: str) -> None:
    every, kept = control_of(FIXTURES / name), rtpcap.open(FIXTURES / name).rtcp
    assert len(every)
    assert {line["frame"] for line in kept} == set(every.frame.tolist())
    assert kept.datagrams == len(every)
