"""The exit codes, and what goes to stderr with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rtpcap.cli.main import VERBS
from tests.cli.harness import FIXTURES, rtpcap
from tests.views.build import capture, steady

GOOD = FIXTURES / "tun-raw.pcap"
ROWS = ["streams", "packets", "gaps", "dtmf"]


@pytest.fixture
def no_rtp(tmp_path: Path) -> Path:
    """A capture with frames, but without RTP."""
    sent = steady(30)
    for packet in sent:
        packet.sequence = packet.timestamp = 7 * packet.sequence**3
    path = capture(tmp_path / "no-rtp.pcap", sent)
    path.write_bytes(path.read_bytes().replace(b"\x80\x00", b"\x00\x00"))
    return path


@pytest.fixture
def no_capture(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("no capture")
    return path


@pytest.mark.parametrize("verb", ROWS)
def test_1_where_no_stream_matched(verb: str, no_rtp: Path) -> None:
    for given in ([no_rtp], [GOOD, "--ssrc", "0x1"], [GOOD, "--src", "1.2.3.4"]):
        done = rtpcap(verb, *given, "--format", "json")
        assert (done.code, done.rows()) == (1, [])
        assert done.err == "rtpcap: no RTP stream matched\n"


def test_0_where_there_are_streams_without_rows() -> None:
    done = rtpcap("gaps", GOOD, "--format", "json")
    assert (done.code, done.rows(), done.err) == (0, [], "")


def test_0_for_what_can_be_said_of_any_capture(no_rtp: Path) -> None:
    done = rtpcap(no_rtp)
    assert (done.code, done.err) == (0, "")
    assert "0 RTP streams" in done.out


@pytest.mark.parametrize(
    "given",
    [
        ["streams"],
        ["streams", GOOD, "--format", "yaml"],
        ["streams", GOOD, "--ssrc", "0x1ffffffff"],
        ["streams", GOOD, "--ssrc", "many"],
        ["streams", GOOD, "--pt", "128"],
        ["streams", GOOD, "--map", "96"],
        ["streams", GOOD, "--map", "128=PCMU/8000"],
        ["streams", GOOD, "--map", "x=PCMU/8000"],
        ["streams", GOOD, "--nothing"],
        ["decode", GOOD],
        ["decode", GOOD, "-o", "x", "--jobs", "0"],
        ["plot", GOOD],
        ["plot", GOOD, "-o", "x.gif"],
        ["plot", FIXTURES, "-o", "x.png"],
        ["--nothing"],
        ["stream", GOOD],
    ],
    ids=lambda given: " ".join(str(g) for g in given if g is not GOOD and g is not FIXTURES),
)
def test_2_for_wrong_usage_in_one_line(given: list[str | Path]) -> None:
    done = rtpcap(*given)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("rtpcap")
    assert done.err.count("\n") == 1


def test_2_without_anything_to_do() -> None:
    done = rtpcap()
    assert (done.code, done.out) == (2, "")
    assert "Usage:" in done.err


def test_2_where_nothing_can_be_written(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    assert rtpcap("decode", GOOD, "-o", occupied / "out").code == 2
    assert rtpcap("plot", GOOD, "-o", tmp_path / "missing" / "x.png").code == 2


@pytest.mark.parametrize("verb", ["info", *ROWS])
def test_3_where_nothing_can_be_read(verb: str, no_capture: Path, tmp_path: Path) -> None:
    for given in (
        [no_capture],
        [tmp_path / "missing.pcap"],
        [tmp_path],
        [tmp_path / "*.nothing"],
        [no_capture, tmp_path / "missing.pcap"],
    ):
        done = rtpcap(verb, *given, "--format", "jsonl")
        assert (done.code, done.out) == (3, "")
        assert done.err.count("\n") == len(given)
        assert str(given[0]) in done.err
        assert "Traceback" not in done.err


@pytest.mark.parametrize("verb", ["info", *ROWS])
def test_4_where_some_failed(verb: str, no_capture: Path) -> None:
    done = rtpcap(verb, GOOD, no_capture, "--format", "jsonl")
    assert done.code == 4
    assert done.err.startswith(f"rtpcap: {no_capture}: ")
    alone = rtpcap(verb, GOOD, "--format", "jsonl")
    assert len(done.lines()) == len(alone.lines())


def test_damage_is_a_warning(tmp_path: Path) -> None:
    whole = GOOD.read_bytes()
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[: len(whole) // 2])
    done = rtpcap("streams", path, "--format", "json")
    assert done.code == 0
    (row,) = done.rows()
    assert 40 < int(str(row["packets"])) < 60
    assert done.err.count("\n") == 1
    assert f"frame {int(str(row['last_frame'])) + 1}, offset " in done.err


def test_help_and_version_are_answers() -> None:
    for given in (["--help"], ["-h"], ["--version"], ["streams", "--help"], ["decode", "-h"]):
        done = rtpcap(*given)
        assert done.code == 0
        assert done.out
        assert done.err == ""


def test_every_verb_is_told_by_help() -> None:
    text = rtpcap("--help").out
    for verb in VERBS:
        (line,) = [line for line in text.splitlines() if line.startswith(f"  {verb} ")]
        assert not line.endswith("...")
        assert len(line) <= 80


def test_a_file_that_is_named_like_a_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(GOOD, tmp_path / "streams")
    done = rtpcap("./streams")
    assert done.code == 0
    assert done.out.startswith("./streams: pcap")
    assert rtpcap("streams").code == 2


def test_a_file_that_is_nearly_named_like_a_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(GOOD, tmp_path / "stream")
    assert rtpcap("stream").code == 0


def test_parquet_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpcap.cli.output.find_spec", lambda name: None)
    done = rtpcap("streams", GOOD, "--format", "parquet")
    assert (done.code, done.out) == (2, "")
    assert "pip install 'rtpcap[parquet]'" in done.err
