"""The verbs calls and sip, and --call on all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import FIXTURES, csv_of, json_of, rtpcap
from tests.streams.scene import Film
from tests.streams.test_export_calls import two_calls

CALL = FIXTURES / "pj-pcmu.pcap"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return two_calls().write(tmp_path)


def test_calls_in_rows() -> None:
    (row,) = json_of("calls", CALL)
    assert row["caller"] == "sip:127.0.0.1"
    assert row["callee"] == "sip:bob@127.0.0.1"
    assert (row["state"], row["status"], row["guessed"]) == ("completed", 200, False)
    assert row["hung_up"] == "caller"
    assert row["matched"] == ["announced"]
    assert row["streams"] == [stream["ssrc"] for stream in json_of("streams", CALL)]
    (line,) = csv_of("calls", CALL)
    assert line["call_id"] == row["call_id"]


def test_the_table_of_calls_fits_a_terminal() -> None:
    lines = rtpcap("calls", CALL).out.splitlines()
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)
    assert "bob@127.0.0.1" in lines[1]
    assert "completed" in lines[1]


def test_the_ladder_is_text_in_the_table() -> None:
    lines = rtpcap("sip", CALL).out.splitlines()
    assert lines[0].startswith("sip:127.0.0.1 > sip:bob@127.0.0.1, completed")
    ends = next(i for i, line in enumerate(lines) if "127.0.0.1:5070" in line)
    assert "INVITE sip:bob@127.0.0.1" in lines[ends + 1]
    assert lines[ends + 1].endswith(">|")
    assert len(lines) == ends + 1 + 6


def test_messages_in_rows() -> None:
    rows = json_of("sip", CALL)
    assert rows[0]["frame"] == 1
    assert [str(row["text"]).split()[0] for row in rows] == [
        "INVITE",
        "100",
        "200",
        "ACK",
        "BYE",
        "200",
    ]


def test_one_call_of_two(two: Path) -> None:
    assert [row["call_id"] for row in json_of("calls", two)] == ["call-0@x", "call-1@x"]
    assert [row["call_id"] for row in json_of("calls", two, "--call", "call-1@x")] == ["call-1@x"]
    streams = json_of("streams", two, "--call", "call-1@x")
    assert {row["ssrc"] for row in streams} == {"0x0000000b", "0x00000015"}
    assert {row["call_id"] for row in json_of("sip", two, "--call", "call-0@x")} == {"call-0@x"}


def test_one_call_of_two_as_sound_and_as_frames(two: Path, tmp_path: Path) -> None:
    (row,) = json_of("decode", two, "-o", tmp_path / "out", "--call", "call-1@x")
    assert row["call"] == "call-1@x"
    assert row["channels"] == 2
    out = tmp_path / "one.pcapng"
    (written,) = json_of("export", two, "-o", out, "--call", "call-1@x")
    assert written["frames"] == 108
    assert [row["call_id"] for row in json_of("calls", out)] == ["call-1@x"]


@pytest.mark.parametrize("verb", ["calls", "sip", "streams"])
def test_no_such_call(verb: str, two: Path) -> None:
    done = rtpcap(verb, two, "--call", "nobody")
    assert done.code == 1
    assert "matched" in done.err


def test_a_call_id_cannot_steer_the_terminal(tmp_path: Path) -> None:
    film = Film()
    film.answered(call_id="\x1b[31mred\x1b[0m@x")
    path = film.write(tmp_path)
    for verb in ("calls", "sip"):
        done = rtpcap(verb, path)
        assert done.code == 0
        assert "\x1b" not in done.out


def test_the_summary_lists_calls() -> None:
    lines = rtpcap("info", CALL).out.splitlines()
    assert any("bob@127.0.0.1" in line and "completed" in line for line in lines)
