"""quality and ledger: what is printed is what the package says, and adds up."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtpcap import open as open_capture
from tests.cli.harness import FIXTURES, Row, csv_of, json_of, rtpcap
from tests.views.build import capture, eventful

LOSS = FIXTURES / "gst-loss.pcap"
WINDOW_KEYS = (
    "ssrc src src_port dst dst_port codec start_s duration_s packets expected lost lost_pct "
    "duplicates reordered delta_ms delta_max_ms skew_min_ms skew_max_ms jitter_ms jitter_max_ms "
    "kbps not_heard mos_nb mos_wb"
)


def total(row: Row, side: str) -> int:
    return sum(int(str(value)) for key, value in row.items() if key.startswith(f"{side}_"))


def test_rows_are_those_of_the_package() -> None:
    streams = open_capture(FIXTURES / "pj-pcmavad.pcap").streams
    path = FIXTURES / "pj-pcmavad.pcap"
    assert json_of("quality", path) == [stream.quality_row() for stream in streams]
    assert json_of("ledger", path) == [stream.ledger_row() for stream in streams]
    rows = [row for stream in streams for row in stream.window_rows(0.5)]
    assert json_of("quality", path, "--window", "500ms") == rows
    assert list(streams.to_frame(quality=True).columns) == list(streams[0].quality_row())


def test_the_ledger_adds_up(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", eventful())
    (row,) = json_of("ledger", path)
    (stream,) = json_of("streams", path)
    assert total(row, "packets") == row["packets"] == stream["packets"] == 470
    assert total(row, "slots") == row["slots"] == 468 + 31 + 1 + 100 + 1
    assert row["expected"] == stream["expected"] == 500
    assert (row["packets_late"], row["slots_discarded_late"]) == (1, 1)
    (patient,) = json_of("ledger", path, "--buffer", "150")
    assert (patient["packets_late"], patient["packets_reordered"]) == (0, 1)
    assert total(patient, "packets") == 470


def test_the_buffer_is_chosen(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", eventful())
    (usual,) = json_of("quality", path)
    (same,) = json_of("quality", path, "--buffer", "60ms")
    (larger,) = json_of("quality", path, "--buffer", "150")
    (adaptive,) = json_of("quality", path, "--buffer", "20-200")
    assert same == usual
    assert usual["loss_after_buffer_pct"] == pytest.approx(100 * 32 / 500)
    assert larger["loss_after_buffer_pct"] == pytest.approx(100 * 31 / 500)
    assert float(str(adaptive["buffer_delay_ms"])) < float(str(usual["buffer_delay_ms"]))
    (far,) = json_of("quality", path, "--network", "100")
    assert float(str(usual["r"])) - float(str(far["r"])) == pytest.approx(2.4)
    assert "as told" in str(far["emodel_delay_source"])
    assert "assumed" in str(usual["emodel_delay_source"])


def test_windows() -> None:
    rows = json_of("quality", LOSS, "--window", "1s")
    assert {" ".join(row) for row in rows} == {WINDOW_KEYS}
    assert [row["start_s"] for row in rows] == [0, 1, 2, 3]
    (whole,) = json_of("quality", LOSS)
    for key in ("packets", "expected", "lost"):
        assert sum(int(str(row[key])) for row in rows) == whole[key]
    assert list(csv_of("quality", LOSS, "--window", "1")[0]) == WINDOW_KEYS.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--window", "soon"),
        ("--window", "0"),
        ("--window", "5s", "--explain"),
        ("--buffer", "200-20"),
        ("--buffer", "-5"),
        ("--buffer", "1e9"),
        ("--network", "-1"),
        ("--explain", "--format", "json"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    done = rtpcap("quality", LOSS, *arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_the_sum_is_explained() -> None:
    done = rtpcap("quality", LOSS, "--explain")
    assert done.code == 0
    (stream,) = open_capture(LOSS).streams
    printed = " ".join(done.out.split())
    for line in stream.quality.explain().splitlines():
        assert " ".join(line.split()) in printed
    assert max(map(len, done.out.splitlines())) <= 80
    other = rtpcap("quality", LOSS, "--explain", "--buffer", "100")
    assert " ".join(stream.play(100).explain().splitlines()[2].split()) in " ".join(
        other.out.split()
    )


def test_no_stream_is_told() -> None:
    for verb in ("quality", "ledger"):
        done = rtpcap(verb, LOSS, "--ssrc", "1")
        assert (done.code, done.err) == (1, "rtpcap: no RTP stream matched\n")


def test_a_picture_of_buffers(tmp_path: Path) -> None:
    picture = tmp_path / "c.png"
    done = rtpcap("plot", LOSS, "--kind", "buffer", "-o", picture, "--width", "400")
    assert (done.code, done.err) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")
