"""The packets of several streams as rows, in order of frames."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from rtpcap.views.packets import packet_rows
from tests.views.build import Sent, capture, eventful, without_times

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.mark.parametrize("name", ["pj-pcmu.pcap", "gst-dtmf.pcap", "ff-l16m.pcapng"])
def test_rows_are_those_of_the_streams_by_frame(name: str) -> None:
    streams = rtpcap.open(FIXTURES / name).streams
    expected = [row for stream in streams for row in stream.rows()]
    expected.sort(key=lambda row: int(str(row["frame"])))
    assert list(packet_rows(streams)) == expected


def test_many_streams_over_several_blocks(tmp_path: Path) -> None:
    sent = [
        Sent(
            i // 7, 160 * (i // 7), 0.02 * i / 7, b"\xff", ssrc=1000 + i % 7, src_port=5000 + i % 7
        )
        for i in range(20_000)
    ]
    streams = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams
    rows = list(packet_rows(streams))
    assert [row["frame"] for row in rows] == list(range(1, 20_001))
    assert [row["ssrc"] for row in rows] == [f"0x{p.ssrc:08x}" for p in sent]
    assert [row["sequence"] for row in rows] == [p.sequence for p in sent]


def test_selected_streams_only(tmp_path: Path) -> None:
    streams = rtpcap.open(FIXTURES / "pj-pcmu.pcap").streams
    rows = list(packet_rows(streams.select(ssrc=streams[1].ssrc)))
    assert {row["ssrc"] for row in rows} == {f"0x{streams[1].ssrc:08x}"}
    assert len(rows) == 250
    assert list(packet_rows(streams.select(ssrc=1))) == []


def test_faults_and_missing_times(tmp_path: Path) -> None:
    sent = eventful()
    sent[7].tail = 50
    rows = list(packet_rows(rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams))
    assert [row["frame"] for row in rows if row["fault"]] == [8]
    assert rows[7]["fault"] == "cut"
    timeless = rtpcap.open(without_times(tmp_path / "c.pcapng", eventful()[:50])).streams
    assert {row["time_ns"] for row in packet_rows(timeless)} == {None}
