"""The verb check: findings for people and for programs, and thresholds for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rtpcap as package
from rtpcap.streams.findings import rules
from tests.cli.harness import FIXTURES, Ran, json_of, rtpcap
from tests.signalling.build import audio
from tests.streams.findings.scenes import CALL_ID, RULES, call
from tests.streams.made import talk

LOSSY = FIXTURES / "gst-loss.pcap"
SOUND = FIXTURES / "pj-pcmu.pcap"


@pytest.fixture(autouse=True)
def rules_about_signalling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb is asked here, not the ear: the scenes have no speech."""
    monkeypatch.setattr(rules, "RULES", RULES)


@pytest.fixture(name="bad")
def a_call_with_an_error_and_notes(tmp_path: Path) -> Path:
    """The callee is silent, and the caller sends another codec and packet time than asked for."""
    answer = audio(5000, "0", host="10.0.0.2", lines=["a=ptime:30"])
    return call(answer=answer, callee=[]).write(tmp_path)


def test_the_gravest_come_first(bad: Path) -> None:
    rows = json_of("check", bad)
    assert [(row["severity"], row["id"]) for row in rows] == [
        ("error", "one-way-audio"),
        ("warning", "codec-mismatch"),
        ("note", "wrong-ptime"),
    ]
    assert rows == package.open(bad).findings.rows()
    assert rows[1]["ssrc"] == "0x0000000a"
    assert rows[1]["numbers"] == {"packets": 150, "payload_type": 8}
    assert rows[1]["frames"] == [5]


def test_what_a_person_reads(bad: Path) -> None:
    done = rtpcap("check", bad)
    lines = done.lines()
    assert done.code == 0
    assert lines[0].startswith("error    The callee (sip:bob@example.org) sent no packet in the")
    assert max(map(len, lines)) <= 80
    assert f"         [one-way-audio; call {CALL_ID}; frames 1, 3]" in lines
    assert lines[-1] == "1 error, 1 warning, 1 note in 1 stream of 156 frames"


def test_nothing_to_tell() -> None:
    done = rtpcap("check", SOUND)
    assert (done.code, done.err) == (0, "")
    assert done.lines()[-1].startswith("nothing found in 2 streams of ")


def test_severities(bad: Path) -> None:
    for severity, count in (("error", 1), ("warning", 2), ("note", 3)):
        assert len(json_of("check", bad, "--severity", severity)) == count


def test_selected(tmp_path: Path) -> None:
    film = call(callee=[])
    between = (("10.0.0.3", 5060), ("10.0.0.4", 5060))
    offer, answer = audio(6000, host="10.0.0.3"), audio(6002, "0", host="10.0.0.4")
    film.answered(offer, answer, call_id="call-2", between=between)
    film.speak(("10.0.0.3", 6000), ("10.0.0.4", 6002), talk(150, start_s=1.0, ssrc=0xC))
    film.speak(("10.0.0.4", 6002), ("10.0.0.3", 6000), talk(150, start_s=1.0, ssrc=0xD))
    path = film.write(tmp_path)
    assert [row["call"] for row in json_of("check", path)] == [CALL_ID, "call-2"]
    for selector, expected in (
        (("--call", CALL_ID), [CALL_ID]),
        (("--call", "call-2"), ["call-2"]),
        (("--ssrc", "0xc"), ["call-2"]),
        (("--src", "10.0.0.1"), [CALL_ID]),
        (("--ssrc", "0xd"), []),
    ):
        rows = json_of("check", path, *selector)
        # What is of the call but of no stream stays with each of its streams.
        assert [row["call"] for row in rows] == expected


def failing(*arguments: str | Path) -> Ran:
    return rtpcap("check", *arguments, "--format", "json")


def test_a_threshold_that_trips() -> None:
    done = failing(LOSSY, "--fail-if", "lost_pct>1 or mos_nb<3.5")
    assert done.code == 1
    (row,) = json_of("quality", LOSSY)
    assert done.err.startswith(f"rtpcap: stream {row['ssrc']} {row['src']}:{row['src_port']} > ")
    assert f"lost_pct {row['lost_pct']:.6g}, mos_nb {row['mos_nb']:.6g}" in done.err
    assert json.loads(done.out) == json_of("check", LOSSY)


def test_loss_goes_by_either_name() -> None:
    # 12 of 159 are missing, as GStreamer was told: 7.5 %.
    for threshold, code in (("loss_pct>7.5", 1), ("loss_pct>7.6", 0)):
        assert failing(LOSSY, "--fail-if", threshold).code == code


@pytest.mark.parametrize(
    "threshold",
    ["lost_pct>50", "mos_wb<5", "errors", "errors > 0 or warnings > 0", "jitter_ms<0 and lost"],
)
def test_a_threshold_that_does_not(threshold: str) -> None:
    done = failing(LOSSY, "--fail-if", threshold)
    assert (done.code, done.err) == (0, "")


def test_thresholds_count_findings(bad: Path) -> None:
    for threshold, told in (
        ("errors", "errors 1"),
        ("errors>0 and warnings>0", "errors 1, warnings 1"),
        ("notes==1", "notes 1"),
        ("one_way_audio", "one_way_audio 1"),
    ):
        done = failing(bad, "--fail-if", threshold)
        # Once for the capture, not once for each stream.
        assert (done.code, done.err) == (1, f"rtpcap: {told}, so {threshold}\n")
    assert failing(bad, "--fail-if", "no_audio").code == 0


def test_hidden_findings_count_all_the_same(bad: Path) -> None:
    assert failing(bad, "--severity", "error", "--fail-if", "notes").code == 1


def test_one_of_several_thresholds_and_files() -> None:
    done = failing(SOUND, LOSSY, "--fail-if", "lost_pct>50", "--fail-if", "lost>1")
    assert done.code == 1
    assert done.err.startswith(f"rtpcap: {LOSSY}: stream ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("threshold", "why"),
    [("los_pct>1", "did you mean 'lost_pct'"), ("lost>", "no comparison"), ("codec==1", "codec")],
)
def test_a_threshold_that_cannot_be_read(threshold: str, why: str) -> None:
    done = failing(LOSSY, "--fail-if", threshold)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_exit_codes_of_other_verbs(tmp_path: Path) -> None:
    empty = tmp_path / "none.pcap"
    empty.write_bytes(b"no capture")
    assert failing(empty).code == 3
    assert failing(empty, LOSSY, "--fail-if", "lost").code == 4
    assert failing(LOSSY, "--ssrc", "0x1").code == 1
    # A call without a stream is what one looks for here.
    silent = call(caller=[], callee=[]).write(tmp_path)
    assert failing(silent).code == 0


def test_the_kinds_are_listed() -> None:
    done = rtpcap("check", "--kinds")
    assert (done.code, done.err) == (0, "")
    said = " ".join(done.out.split())
    assert said == " ".join(f"{kind} {text}" for kind, text in sorted(rules.KINDS.items()))
    assert max(map(len, done.lines())) <= 80


def test_a_frame_for_pandas(bad: Path) -> None:
    findings = package.open(bad).findings
    frame = findings.to_frame()
    assert list(frame["id"]) == [finding.id for finding in findings]
    assert frame["numbers"][1] == {"packets": 150, "payload_type": 8}
    assert repr(findings) == "<Findings 1 error, 1 warning, 1 note>"
    assert "packets 150, payload_type 8" in findings._repr_html_()


def test_parquet_has_numbers_as_text(bad: Path, tmp_path: Path) -> None:
    import pandas as pd

    from rtpcap.views.table import write_parquet

    pytest.importorskip("pyarrow", reason="parquet needs it")
    path = tmp_path / "findings.parquet"
    with path.open("wb") as file:
        write_parquet(package.open(bad).findings.to_frame(), file)
    read = pd.read_parquet(path)
    assert json.loads(read["numbers"][1]) == {"packets": 150, "payload_type": 8}


def test_every_finding_is_of_a_kind_that_has_a_name(bad: Path) -> None:
    assert {finding.id for finding in package.open(bad).findings} <= rules.KINDS.keys()
    assert all(kind == kind.lower() and "_" not in kind for kind in rules.KINDS)
