"""Rows of reports, participants, and the datagrams that are taken for RTCP."""

from __future__ import annotations

from pathlib import Path

from rtpcap.rtp import rtcp
from rtpcap.streams.reports.control import ControlKeeper
from rtpcap.streams.reports.participants import participants
from rtpcap.streams.reports.rows import KEYS, rtcp_rows
from tests.capture.build import START_NS
from tests.rtp.rtcp.build import SCENARIOS
from tests.streams.made import CALLEE, CALLER, rtp
from tests.streams.reports.kept import made

A, B = 0xAAAAAAAA, 0xBBBBBBBB
NTP = 3_909_600_000 << 32 | 1 << 31
NAMED = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, b"a@host"), rtcp.Item(6, b"tool"))),))


def test_a_row_each(tmp_path: Path) -> None:
    answer = rtcp.ReportBlock(A, 64, 3, 70_000, 80, 3_909_600_000 << 16 & 0xFFFFFFFF | 0x8000, 6554)
    there = [
        (0.0, rtcp.build([rtcp.SenderReport(A, NTP, 160, 5, 800), NAMED])),
        (0.5, rtp(1, 160)),
        (2.0, rtcp.build([rtcp.ReceiverReport(A), rtcp.Goodbye((A,), b"gone")])),
    ]
    back = [(0.2, rtcp.build([rtcp.ReceiverReport(B, (answer,)), rtcp.NACK(B, A, ((7, 1),))]))]
    control = made(tmp_path, there, back)
    rows = list(rtcp_rows(control, start_ns=START_NS, clock_rates={A: 8000}))
    assert [tuple(row) for row in rows] == [KEYS] * 6
    assert [(row["frame"], row["kind"], row["ssrc"]) for row in rows] == [
        (1, "SR", "0xaaaaaaaa"),
        (1, "SDES", "0xaaaaaaaa"),
        (2, "RR", "0xbbbbbbbb"),
        (2, "NACK", "0xbbbbbbbb"),
        (4, "RR", "0xaaaaaaaa"),
        (4, "BYE", "0xaaaaaaaa"),
    ]
    report, described, heard, nack, _, bye = rows
    # 3,909,600,000 - 2,208,988,800 = 1,700,611,200 s after 1970.
    assert report["ntp_time"] == "2023-11-22T00:00:00.500000000Z"
    assert (report["rtp_timestamp"], report["sender_packets"], report["sender_octets"]) == (
        160,
        5,
        800,
    )
    assert (report["src"], report["src_port"], report["dst"]) == (CALLER, 4001, CALLEE)
    assert report["cname"] == "a@host"
    assert described["detail"] == "CNAME=a@host TOOL=tool"
    assert heard["about_ssrc"] == "0xaaaaaaaa"
    assert (heard["lost"], heard["fraction_lost_pct"], heard["jitter"]) == (3, 25.0, 80)
    assert (heard["jitter_ms"], heard["highest_sequence"]) == (10.0, 70_000)
    assert heard["rtt_ms"] == (200_000_000 - 100_006_104) / 1e6
    assert (heard["time_ns"], heard["start_s"]) == (START_NS + 200_000_000, 0.2)
    assert nack["detail"] == "lost=7,8"
    assert bye["detail"] == "reason=gone"


def test_participants(tmp_path: Path) -> None:
    there = [
        (0.0, rtcp.build([NAMED])),
        (2.0, rtcp.build([rtcp.Goodbye((A, B), b"gone")])),
        (3.0, rtcp.build([rtcp.Goodbye((A,))])),
    ]
    who = participants(made(tmp_path, there, []))
    assert [(one.ssrc, one.cname, one.first_frame) for one in who] == [
        (A, "a@host", 1),
        (B, None, 2),
    ]
    assert who[0].items == {"CNAME": "a@host", "TOOL": "tool"}
    assert (who[0].bye_frame, who[0].bye_time_ns) == (2, START_NS + 2_000_000_000)
    assert who[0].bye_reason == "gone"


def test_protected_and_damaged(tmp_path: Path) -> None:
    report = rtcp.build([rtcp.ReceiverReport(A)])
    encrypted = report[:8] + bytes(range(40)) + (1 << 31 | 3).to_bytes(4, "big") + bytes(10)
    there = [(0.0, encrypted), (1.0, report + b"\x80\xca\x00\x05ab"), (2.0, bytes(20))]
    rows = list(rtcp_rows(made(tmp_path, there, [])))
    assert [(row["kind"], row["ssrc"]) for row in rows] == [
        ("SRTCP", "0xaaaaaaaa"),
        ("RR", "0xaaaaaaaa"),
        ("SDES", None),
    ]
    assert rows[0]["detail"] == "index=3 first=201"
    assert rows[1]["fault"] == (
        "RTCP SDES, length: needs 24 bytes from offset 8, 6 available; "
        "RTCP SDES, trailing: needs 0 bytes from offset 12, 2 available"
    )
    assert rows[2]["fault"] is None


def test_no_rtcp_at_all() -> None:
    control = ControlKeeper().finish()
    assert (len(control), list(rtcp_rows(control)), participants(control)) == (0, [], [])


def test_every_scenario_has_rows(tmp_path: Path) -> None:
    sent = [(0.01 * i, function()[0]) for i, function in enumerate(SCENARIOS)]
    control = made(tmp_path, sent, [])
    rows = list(rtcp_rows(control))
    assert {row["frame"] for row in rows} == set(control.frame.tolist())
    # What goes beyond its datagram is RTCP only where the capture cut it.
    none = {"nothing", "sender_report_cut_in_its_second_block"}
    taken = set(control.frame.tolist())
    left = {SCENARIOS[frame - 1].__name__ for frame in range(1, len(SCENARIOS) + 1)} - {
        SCENARIOS[frame - 1].__name__ for frame in taken
    }
    assert left == none
    assert all(tuple(row) == KEYS for row in rows)
