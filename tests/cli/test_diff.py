"""The verb diff: its rows are those of the package, its exit code says whether captures differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rtpcap as package
from rtpcap.testing import Tolerance, diff
from rtpcap.testing.impairing import Faults, Impairment, impair
from rtpcap.testing.making import make
from tests.cli.harness import rtpcap
from tests.testing.test_make import RATE, speech_like

KEYS = (
    "kind result a b route_a route_b codec_a codec_b how packets_a packets_b matched lost added "
    "changed duplicates duplicates_fewer reordered changes renumbered delay_ms delay_min_ms "
    "delay_max_ms drift_ppm residual_dbfs level_db offset_ms sound lost_frames added_frames "
    "changed_frames duplicate_frames reordered_frames frame_a frame_b start_a_s start_b_s beyond "
    "detail"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """Two captures, and how many packets are lost between them."""
    folder = tmp_path_factory.mktemp("pair")
    make(folder / "a.pcap", (speech_like(3), RATE), digits="5")
    network, faults = Impairment(loss_pct=8, jitter_ms=3), Faults(bit_error_pct=5)
    done = impair(package.open(folder / "a.pcap"), folder / "b.pcap", network, faults, seed=1)
    return folder / "a.pcap", folder / "b.pcap", int(str(done.row()["lost"]))


def test_rows_are_those_of_the_package(pair: tuple[Path, Path, int]) -> None:
    a, b, lost = pair
    done = rtpcap("diff", a, b, "--format", "json")
    rows = json.loads(done.out)
    found = diff(package.open(a), package.open(b))
    assert rows == found.rows(Tolerance())
    assert [" ".join(row) for row in rows] == [KEYS] * len(rows)
    assert (done.code, rows[0]["lost"]) == (1, lost)
    assert [row["kind"] for row in rows] == ["stream", "digit", "call"]
    assert rtpcap("diff", a, b, "--format", "csv").out.splitlines()[0] == KEYS.replace(" ", ",")
    frame = found.to_frame()
    assert [*frame.columns] == KEYS.split()
    assert frame["lost"][0] == lost


def test_the_exit_code_says_whether_they_differ(pair: tuple[Path, Path, int]) -> None:
    a, b, lost = pair
    assert rtpcap("diff", a, a).code == 0
    assert rtpcap("diff", a, b, "--no-audio").code == 1
    told = f"lost={lost},changed_pct=15"
    assert rtpcap("diff", a, b, "--tolerance", told).code == 0
    assert rtpcap("diff", a, b, "--tolerance", f"lost={lost - 1},changed_pct=15").code == 1
    assert rtpcap("diff", a, b, "--tolerance", told + ",residual_dbfs=-100").code == 1


def test_what_a_person_reads_fits(pair: tuple[Path, Path, int]) -> None:
    a, b, lost = pair
    done = rtpcap("diff", a, b)
    sentence, heading, row = done.out.splitlines()
    assert sentence.startswith(f"{150 - lost} packets matched, {lost} lost, ")
    assert heading.split()[:4] == ["result", "a", "codec", "matched"]
    assert row.split()[:5] == ["differs", f"0x{package.open(a).streams[0].ssrc:08x}", "PCMU",
                               str(150 - lost), str(lost)]  # fmt: skip
    assert max(map(len, done.out.splitlines())) <= 80


def test_keys_and_calls_that_differ_are_told(pair: tuple[Path, Path, int], tmp_path: Path) -> None:
    a, _, _ = pair
    make(tmp_path / "b.pcap", (speech_like(3), RATE), digits="6", codec="PCMA")
    done = rtpcap("diff", a, tmp_path / "b.pcap")
    assert "key presses that are not the same:\nresult   key a  key b" in done.out
    assert "codecs PCMU/8000 > PCMA/8000" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_what_is_asked_for_wrongly(pair: tuple[Path, Path, int], tmp_path: Path) -> None:
    a, b, _ = pair
    done = rtpcap("diff", a, b, "--tolerance", "lots=3")
    assert (done.code, done.out) == (2, "")
    assert "'lots=3' is none of lost lost_pct" in done.err
    assert rtpcap("diff", a).code == 2
    (tmp_path / "no.pcap").write_text("no capture")
    for files in ((a, tmp_path / "no.pcap"), (tmp_path / "no.pcap", b), (a, tmp_path / "none")):
        done = rtpcap("diff", *files)
        assert (done.code, done.out) == (3, "")
        assert done.err.count("\n") == 1
    done = rtpcap("diff", a, b, "--ssrc", "1")
    assert (done.code, done.err) == (1, "rtpcap: no RTP stream matched\n")
