"""decode: WAV files, rows, and only what is new."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

import rtpcap
from rtpcap.batch import DecodeOptions, decode
from tests.cli.harness import FIXTURES, Ran, Row
from tests.cli.harness import rtpcap as run
from tests.views.build import Sent, capture, steady

CALL = FIXTURES / "pj-pcmu.pcap"
ONE_WAY = FIXTURES / "gst-loss.pcap"
# Encrypted, or of a codec whose configuration only signalling tells: a row a stream.
WITHOUT_CODEC = ["ai-opus.pcap"] * 2 + ["ch-opus-dtls.pcap"] * 2 + ["ff-aac.pcap", "ff-latm.pcap"]


def decoded(out: Path, *arguments: str | Path) -> Ran:
    return run("decode", *arguments, "-o", out, "--format", "json")


def sound(row: Row) -> tuple[npt.NDArray[np.int16], int]:
    samples, rate = soundfile.read(str(row["output"]), dtype="int16")
    return samples, rate


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


def test_a_call_is_one_stereo_file(tmp_path: Path) -> None:
    done = decoded(tmp_path, CALL)
    assert (done.code, done.err) == (0, "")
    (row,) = done.rows()
    found = rtpcap.open(CALL)
    assert row["ssrc"] == [f"0x{stream.ssrc:08x}" for stream in found.streams]
    assert row["call"] == found.calls[0].call_id
    assert (row["rate"], row["channels"], row["codec"]) == (8000, 2, "PCMU")
    assert (row["input"], row["why_not"], row["skipped"]) == (str(CALL), None, False)
    samples, rate = sound(row)
    audio = found.calls[0].audio()
    np.testing.assert_array_equal(samples, audio.samples)
    assert rate == audio.rate == 8000
    assert row["duration_s"] == pytest.approx(len(samples) / 8000)
    assert soundfile.info(str(row["output"])).subtype == "PCM_16"


def test_split_is_a_file_a_stream(tmp_path: Path) -> None:
    rows = decoded(tmp_path, CALL, "--split").rows()
    streams = rtpcap.open(CALL).streams
    assert [row["ssrc"] for row in rows] == [[f"0x{stream.ssrc:08x}"] for stream in streams]
    assert len({row["call"] for row in rows}) == 1
    for row, stream in zip(rows, streams, strict=True):
        samples, _ = sound(row)
        np.testing.assert_array_equal(samples, stream.audio().samples)
        assert row["channels"] == 1


def test_one_side_selected_is_mono(tmp_path: Path) -> None:
    stream = rtpcap.open(CALL).streams[1]
    (row,) = decoded(tmp_path, CALL, "--ssrc", hex(stream.ssrc)).rows()
    np.testing.assert_array_equal(sound(row)[0], stream.audio().samples)


def test_received_and_filled_add_up(tmp_path: Path) -> None:
    (row,) = decoded(tmp_path, ONE_WAY).rows()
    # 147 packets of 20 ms were captured, 12 between them are missing.
    assert row["received_s"] == pytest.approx(147 * 0.02)
    assert row["filled_s"] == pytest.approx(12 * 0.02)
    assert row["duration_s"] == pytest.approx(159 * 0.02)


def test_every_fixture_decodes(tmp_path: Path) -> None:
    done = decoded(tmp_path, FIXTURES)
    assert (done.code, done.err) == (0, "")
    rows = done.rows()
    without = [Path(str(row["input"])).name for row in rows if row["output"] is None]
    assert without == WITHOUT_CODEC
    outputs = {str(row["output"]) for row in rows if row["output"] is not None}
    assert len(outputs) == len(rows) - len(without)
    assert outputs == {str(p) for p in tmp_path.glob("*.wav")}
    inputs = [str(row["input"]) for row in rows]
    assert inputs == sorted(inputs)
    assert set(inputs) == {str(path) for path in FIXTURES.glob("*.pcap*")}


def test_a_second_run_skips(tmp_path: Path) -> None:
    first = decoded(tmp_path, CALL, ONE_WAY)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")}
    second = decoded(tmp_path, CALL, ONE_WAY)
    assert second.code == 0
    assert second.rows() == [{**row, "skipped": True} for row in first.rows()]
    assert "2 of 2 captures" in second.err
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")} == before


def test_what_changed_is_done_anew(tmp_path: Path) -> None:
    source, out = tmp_path / "c.pcap", tmp_path / "out"
    capture(source, steady(50))
    skipped = []

    def again(*more: str) -> None:
        skipped.append([row["skipped"] for row in decoded(out, source, *more).rows()])

    again()
    again()
    os.utime(source, ns=(1, 1))
    again()
    capture(source, steady(60))
    again()
    again("--split")
    again("--split", "--map", "96=PCMA/8000")
    again("--split", "--map", "96=PCMA/8000")
    next(out.glob("*.wav")).unlink()
    again("--split", "--map", "96=PCMA/8000")
    assert skipped == [[False], [True], [False], [False], [False], [False], [True], [False]]


def test_another_version_is_done_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded(tmp_path, ONE_WAY)
    monkeypatch.setattr("rtpcap.batch.decoding.__version__", "99")
    assert [row["skipped"] for row in decoded(tmp_path, ONE_WAY).rows()] == [False]


def test_a_manifest_that_was_broken_off(tmp_path: Path) -> None:
    decoded(tmp_path, CALL, ONE_WAY)
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert [row["skipped"] for row in decoded(tmp_path, CALL, ONE_WAY).rows()] == [True, False]


def test_a_bad_file_among_good_ones(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bad = folder / "b.pcap"
    bad.write_text("this is no capture")
    for name in ("a.pcap", "c.pcap"):
        shutil.copy(ONE_WAY, folder / name)
    done = decoded(tmp_path / "out", folder / "a.pcap", bad, folder / "c.pcap")
    assert done.code == 4
    assert [row["input"] for row in done.rows()] == [str(folder / "a.pcap"), str(folder / "c.pcap")]
    assert done.err.startswith(f"rtpcap: {bad}: ")
    assert done.err.count("\n") == 1
    # In a folder what is no capture is no input.
    assert decoded(tmp_path / "out", folder).code == 0
    assert decoded(tmp_path / "other", bad).code == 3


def test_two_processes_write_the_same_as_one(tmp_path: Path) -> None:
    one = decoded(tmp_path / "one", FIXTURES, "--jobs", "1")
    two = decoded(tmp_path / "two", FIXTURES, "--jobs", "2")
    assert (two.code, two.err) == (0, "")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert [row["ssrc"] for row in one.rows()] == [row["ssrc"] for row in two.rows()]
    assert "two of" not in two.err


def test_equal_names_in_different_folders(tmp_path: Path) -> None:
    for folder, source in (("a", CALL), ("b", ONE_WAY), ("c", ONE_WAY)):
        (tmp_path / folder).mkdir()
        shutil.copy(source, tmp_path / folder / "x.pcap")
    folders = [tmp_path / name for name in "abc"]
    rows = decoded(tmp_path / "out", *folders).rows()
    assert len({row["output"] for row in rows}) == 3
    assert len(list((tmp_path / "out").glob("*.wav"))) == 3
    again = decoded(tmp_path / "out", *reversed(folders)).rows()
    assert {row["output"] for row in again} == {row["output"] for row in rows}
    assert all(row["skipped"] for row in again)


def test_names_of_outputs(tmp_path: Path) -> None:
    for row in decoded(tmp_path, FIXTURES).rows():
        if row["output"] is None:
            continue
        name = os.path.relpath(str(row["output"]), tmp_path)
        assert re.fullmatch(r"[A-Za-z0-9._-]+\.wav", name)
        assert name.startswith(Path(str(row["input"])).stem + ".")


def test_5_where_every_stream_lacks_a_codec(tmp_path: Path) -> None:
    sent = [Sent(i, 160 * i, 0.02 * i, bytes(40), payload_type=97) for i in range(40)]
    unnamed = capture(tmp_path / "unnamed.pcap", sent)
    done = decoded(tmp_path / "out", unnamed)
    assert done.code == 5
    (row,) = done.rows()
    assert row["output"] is None
    assert "--map 97=" in str(row["why_not"])
    assert list((tmp_path / "out").glob("*.wav")) == []
    # Beside one that has a codec it is a row.
    done = decoded(tmp_path / "out", unnamed, ONE_WAY)
    assert done.code == 0
    assert [row["output"] is None for row in done.rows()] == [True, False]


def test_1_where_no_stream_matches(tmp_path: Path) -> None:
    done = decoded(tmp_path, CALL, "--ssrc", "0x1")
    assert (done.code, done.rows()) == (1, [])
    assert done.err == "rtpcap: no RTP stream matched\n"


def test_a_call_with_one_side_that_cannot_be_decoded(tmp_path: Path) -> None:
    there = steady(50)
    back = [
        Sent(
            packet.sequence,
            packet.timestamp,
            packet.time_s + 0.001,
            payload_type=97,
            ssrc=2,
            src=packet.dst,
            src_port=packet.dst_port,
            dst=packet.src,
            dst_port=packet.src_port,
        )
        for packet in there
    ]
    both = sorted(there + back, key=lambda packet: packet.time_s)
    done = decoded(tmp_path / "out", capture(tmp_path / "c.pcap", both))
    assert done.code == 0
    left, right = done.rows()
    assert (left["ssrc"], left["channels"], left["call"]) == (["0x00001234"], 1, right["call"])
    assert (right["ssrc"], right["output"]) == (["0x00000002"], None)


def test_damage_is_told_each_time(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(ONE_WAY.read_bytes()[:-30])
    first, second = decoded(tmp_path / "out", cut), decoded(tmp_path / "out", cut)
    assert first.code == second.code == 0
    assert ", offset " in first.err
    assert second.err.startswith(first.err)


def test_from_python(tmp_path: Path) -> None:
    results = list(decode([CALL, ONE_WAY], tmp_path, DecodeOptions(split=True)))
    assert [result.error for result in results] == [None, None]
    values = [result.value for result in results if result.value is not None]
    assert [len(value.rows) for value in values] == [2, 1]
    # The same options from the command line are the same run.
    assert decoded(tmp_path, CALL, ONE_WAY, "--split").rows()[0]["skipped"] is True


def test_the_table_fits(tmp_path: Path) -> None:
    done = run("decode", FIXTURES, "-o", tmp_path)
    assert max(map(len, done.lines())) <= 80
    # Under a line of names, a line a file written and one a stream that cannot be.
    assert len(done.lines()) == 1 + len(list(tmp_path.glob("*.wav"))) + len(WITHOUT_CODEC)


def test_names_are_said_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ONE_WAY, "call.pcap")
    Path("bad.pcap").write_text("no capture")
    done = decoded(Path("out"), "call.pcap", "./call.pcap", "bad.pcap")
    (row,) = done.rows()
    assert row["input"] == "call.pcap"
    assert str(row["output"]).startswith("out/call.1-")
    assert done.err.startswith("rtpcap: bad.pcap: ")


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").mkdir()
    done = decoded(tmp_path, ONE_WAY)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


def test_a_manifest_made_by_others_names_no_other_file(tmp_path: Path) -> None:
    decoded(tmp_path, ONE_WAY)
    path = tmp_path / "manifest.jsonl"
    path.write_text(path.read_text().replace('"prefix": "gst-loss"', '"prefix": "../x"'))
    (row,) = decoded(tmp_path, ONE_WAY).rows()
    assert row["skipped"] is False
    assert Path(str(row["output"])).parent == tmp_path


@pytest.mark.parametrize(("to", "container"), [("flac", "FLAC"), ("opus", "OGG")])
def test_other_file_formats(to: str, container: str, tmp_path: Path) -> None:
    (row,) = decoded(tmp_path, ONE_WAY, "--to", to).rows()
    assert str(row["output"]).endswith(f".{to}")
    info = soundfile.info(str(row["output"]))
    assert (info.format, info.samplerate) == (container, 8000)
    assert info.duration == pytest.approx(159 * 0.02, abs=0.001)
    if to == "flac":
        audio = rtpcap.open(ONE_WAY).streams[0].audio()
        np.testing.assert_array_equal(sound(row)[0], audio.samples)


def test_opus_has_rates_of_its_own(tmp_path: Path) -> None:
    (row,) = decoded(tmp_path, FIXTURES / "ff-l16s.pcap", "--to", "opus").rows()
    assert (row["rate"], row["channels"]) == (48000, 2)


def test_one_rate_for_all(tmp_path: Path) -> None:
    rows = decoded(tmp_path, CALL, FIXTURES / "gst-opus.pcap", "--rate", "16000").rows()
    assert [row["rate"] for row in rows] == [16000, 16000]
    assert [soundfile.info(str(row["output"])).samplerate for row in rows] == [16000, 16000]


def test_loss_is_concealed_where_it_is_asked_for(tmp_path: Path) -> None:
    (row,) = decoded(tmp_path, ONE_WAY, "--fill", "conceal").rows()
    # 12 packets, one at a time.
    assert row["concealed_s"] == pytest.approx(12 * 0.02)
    assert (row["lost"], row["lost_after_repair"], row["late"]) == (12, 12, 0)
    assert row["received_s"] == pytest.approx(147 * 0.02)


def test_the_sidecar_says_what_each_moment_is_made_from(tmp_path: Path) -> None:
    (row,) = decoded(tmp_path, ONE_WAY, "--sidecar").rows()
    told = json.loads(Path(f"{row['output']}.json").read_text())
    assert (told["file"], told["rate"]) == (Path(str(row["output"])).name, 8000)
    (line,) = told["lines"]
    assert line["ssrc"] == row["ssrc"]
    intervals = line["intervals"]
    assert [each["start_s"] for each in intervals[1:]] == [each["end_s"] for each in intervals[:-1]]
    holes = [each for each in intervals if each["heard"] != "received"]
    assert len(holes) == 12
    assert {(each["heard"], each["reason"]) for each in holes} == {("silence", "lost")}
    assert sum(each["end_s"] - each["start_s"] for each in holes) == pytest.approx(0.24)
    # It is an output: without it the work is not done.
    Path(f"{row['output']}.json").unlink()
    assert not decoded(tmp_path, ONE_WAY, "--sidecar").rows()[0]["skipped"]


def test_frames_as_they_were_sent(tmp_path: Path) -> None:
    rows = decoded(tmp_path, CALL, FIXTURES / "pj-amr.pcap", "--raw").rows()
    endings = [Path(str(row["output"])).suffix for row in rows]
    assert endings == [".amr", ".amr", ".ul", ".ul"] or endings == [".ul", ".ul", ".amr", ".amr"]
    for row in rows:
        data = Path(str(row["output"])).read_bytes()
        if str(row["output"]).endswith(".amr"):
            assert data.startswith(b"#!AMR\n")
        else:
            assert len(data) == pytest.approx(float(str(row["received_s"])) * 8000)


def test_delay_is_left_where_it_is_asked_for(tmp_path: Path) -> None:
    name = FIXTURES / "gst-g722.pcap"
    (plain,) = decoded(tmp_path / "a", name).rows()
    (late,) = decoded(tmp_path / "b", name, "--no-delay-compensation").rows()
    # 22 samples (ITU-T G.722: filters of 24 taps).
    np.testing.assert_array_equal(sound(plain)[0][:-22], sound(late)[0][22:])


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    assert decoded(tmp_path, ONE_WAY, "--rate", "5").code == 2
    assert decoded(tmp_path, ONE_WAY, "--fill", "music").code == 2
    assert decoded(tmp_path, ONE_WAY, "--buffer", "-1").code == 2
    with pytest.raises(ValueError, match="wav, flac, opus"):
        DecodeOptions(to="mp3")
