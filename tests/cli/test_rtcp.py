"""The verb rtcp: its tables in every format, and whatever sources say of themselves."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import rtpcap as package
from rtpcap.rtp import rtcp
from rtpcap.views.columns import COLUMNS
from tests.cli.harness import FIXTURES, csv_of, json_of, rtpcap
from tests.streams.made import capture, talk
from tests.streams.reports.conversation import A, B, conversation

FILE = FIXTURES / "pj-pcmu.pcap"
TABLES = {
    "packets": "rtcp",
    "round-trips": "round-trips",
    "loss": "loss",
    "clocks": "clocks",
    "participants": "participants",
    "vq": "vq",
}
HOSTILE = "=cmd|'/c x'!A0\x1b[31m<script>\u202e"


@pytest.mark.parametrize("show", TABLES)
def test_a_table_is_the_same_in_all_formats(show: str) -> None:
    rows = json_of("rtcp", FILE, "--show", show)
    keys = [column.name for column in COLUMNS[TABLES[show]]]
    assert rows
    assert all(list(row) == keys for row in rows)
    table = csv_of("rtcp", FILE, "--show", show)
    assert len(table) == len(rows)
    assert all(list(line) == keys for line in table)
    for columns in (80, 120):
        done = rtpcap("rtcp", FILE, "--show", show, columns=columns)
        assert done.code == 0
        assert len(done.lines()) == 1 + len(rows)
        assert max(map(len, done.lines())) <= columns


def test_it_prints_what_the_package_has() -> None:
    reports = package.open(FILE).rtcp
    assert json_of("rtcp", FILE) == reports.rows()
    assert json_of("rtcp", FILE, "--show", "loss") == reports.loss.rows()
    ssrc = str(reports[0]["ssrc"])
    mine = json_of("rtcp", FILE, "--ssrc", ssrc)
    assert 0 < len(mine) < len(reports)
    assert all(ssrc in (row["ssrc"], row["about_ssrc"]) for row in mine)
    (call,) = json_of("calls", FILE)
    assert json_of("rtcp", FILE, "--call", str(call["call_id"])) == reports.rows()


def test_the_round_trip_in_quality(tmp_path: Path) -> None:
    made = capture(
        tmp_path,
        talk(850, ssrc=A),
        *conversation(),
        ports=[(4000, 5000), (4001, 5001), (5001, 4001)],
    )
    (row,) = json_of("quality", made.path)
    assert row["round_trip_ms"] == pytest.approx(90, abs=0.05)
    assert row["round_trip_path"] == "end-to-end"
    assert "half of RTCP's round trip" in str(row["emodel_delay_source"])
    (told,) = json_of("quality", made.path, "--network", "10")
    assert "10 ms as told" in str(told["emodel_delay_source"])
    assert told["round_trip_ms"] == row["round_trip_ms"]
    assert {row["ssrc"] for row in json_of("rtcp", made.path, "--show", "round-trips")} == {
        f"0x{A:08x}",
        f"0x{B:08x}",
    }


def test_no_rtcp_and_no_stream(tmp_path: Path) -> None:
    made = capture(tmp_path, [(0.0, b"nothing of the kind")])
    done = rtpcap("rtcp", made.path)
    assert (done.code, done.out) == (1, "")
    assert done.err == "rtpcap: no RTCP matched, and no RTP stream\n"


def test_hostile_names_steer_nothing(tmp_path: Path) -> None:
    item = rtcp.Item(1, HOSTILE.encode())
    described = rtcp.SourceDescription((rtcp.Chunk(A, (item, rtcp.Item.private("=p", HOSTILE))),))
    leaving = rtcp.Goodbye((A,), HOSTILE.encode())
    app = rtcp.ApplicationDefined(A, b"\x1b[0m")
    data = rtcp.build([rtcp.ReceiverReport(A), described, leaving, app])
    made = capture(tmp_path, [(0.0, data)])
    for show in ("packets", "participants"):
        done = rtpcap("rtcp", made.path, "--show", show, columns=400)
        assert done.code == 0
        assert all(line.isprintable() for line in done.lines())
        assert "\\x1b[31m" in done.out
        plain = rtpcap("rtcp", made.path, "--show", show, "--format", "csv").out
        cells = [cell for line in csv.reader(io.StringIO(plain)) for cell in line]
        assert any(cell.startswith("'=cmd") for cell in cells)
        assert not any(cell.startswith("=") for cell in cells)
        assert "\x1b" not in rtpcap("rtcp", made.path, "--show", show, "--format", "json").out
    for table in (made.rtcp, made.rtcp.participants):
        html = table._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
    (name,) = (row["cname"] for row in json_of("rtcp", made.path, "--show", "participants"))
    assert name == HOSTILE
