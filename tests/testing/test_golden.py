"""What is written down of a capture is what other programs find; what changes is told, and no more.

How a capture was changed is known from the truth of `impair` or from the sound it was made of.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.codecs.g711 import MU_LAW, encode_mu_law
from rtpcap.errors import CaptureError, RtpcapError
from rtpcap.rtp.payload_types import Format
from rtpcap.testing import Differences, Expectation, SchemaError, expect, verify
from rtpcap.testing.golden.comparison import compare_sections
from rtpcap.testing.golden.sound import prints
from rtpcap.testing.golden.tolerance import Tolerances
from rtpcap.testing.impairing import Done, Faults, Impairment, impair
from rtpcap.testing.making import Made, make
from tests.cli.harness import FIXTURES
from tests.testing.test_make import RATE, speech_like
from tests.testing.test_plugin import run

SECONDS = 6
HEADER_BITS = 12 * 8
BLOCK = 800
"""Samples in 100 ms."""
COUNTS = ("packets", "lost", "duplicates", "reordered")


def call(path: Path, samples: npt.NDArray[np.int16], codec: str = "PCMU") -> Made:
    return make(path, (samples, RATE), codec=codec, digits="159#", digits_at_s=0.4)


def both_sides() -> npt.NDArray[np.int16]:
    return np.stack([speech_like(SECONDS), speech_like(SECONDS, 2)], axis=1)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "clean.pcap"
    call(path, both_sides())
    return path


def levels(samples: npt.NDArray[np.int16]) -> list[int]:
    """dBov of each 100 ms, -80 where it is less."""
    blocks = samples.reshape(-1, BLOCK) / 32768.0
    powers: list[float] = (blocks**2).mean(axis=1).tolist()
    return [round(max(-80.0, 10 * math.log10(power))) if power else -80 for power in powers]


def paths(differences: Differences) -> list[str]:
    return [difference.path for difference in differences]


# What is written


NAMES = ("gst-loss", "gst-dup", "pj-pcmu", "gst-opus", "gst-stereo", "ch-opus-dtls")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_down_is_what_tshark_found_and_is_found_again(
    name: str, tmp_path: Path
) -> None:
    capture = FIXTURES / f"{name}.pcap"
    written = expect(capture)
    known = json.loads((FIXTURES / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    content = json.loads(written.to_json())
    assert content["files"][0]["sha256"] == known["sha256"]
    assert content["files"][0]["bytes"] == capture.stat().st_size
    assert content["capture"]["frames"] == known["frames"]
    assert len(content["streams"]) == len(known["streams"])
    seen: Counter[str] = Counter()
    for stream in known["streams"]:
        ssrc = stream.pop("ssrc")
        seen[ssrc] += 1
        ours = content["streams"][ssrc if seen[ssrc] == 1 else f"{ssrc}#{seen[ssrc]}"]
        del stream["distinct"], stream["tshark"]
        assert {key: ours[key] for key in stream} == stream
    # Written twice it is the same, and so it is when it was read.
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    written.write(first)
    expect(capture).write(second)
    assert first.read_bytes() == second.read_bytes()
    assert Expectation.read(first).to_json().encode() == first.read_bytes()
    differences = verify(first)
    assert not differences
    assert (len(differences), differences.notes) == (0, ())
    # What cannot be heard has no sound.
    heard = {key.partition("/")[0] for key in content["sound"]}
    assert (heard & set(content["streams"]) == set(content["streams"])) is (name != "ch-opus-dtls")


@pytest.mark.parametrize("golden", sorted((FIXTURES / "golden").iterdir()), ids=lambda p: p.stem)
def test_what_ships_is_found_again(golden: Path) -> None:
    # Whatever Python, numpy and FFmpeg are here.
    differences = verify(golden)
    assert not differences
    assert differences.notes == ()


def test_it_is_json_of_a_row_a_line_that_names_its_capture_from_where_it_lies(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "tests" / "golden" / "clean.json"
    capture = tmp_path / "captures" / "clean.pcap"
    capture.parent.mkdir()
    capture.write_bytes(clean.read_bytes())
    written = expect(capture)
    written.write(there)
    text = there.read_text(encoding="ascii")
    content = json.loads(text)
    assert content["files"][0]["path"] == "../../captures/clean.pcap"
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    for section in ("calls", "streams", "gaps"):
        for key, row in content[section].items():
            assert f"{json.dumps(key)}: {json.dumps(dict(sorted(row.items())))}" in lines
    for row in content["digits"]:
        assert json.dumps(dict(sorted(row.items()))) in lines
    assert [row["digit"] for row in content["digits"]] == [*"159#"]
    assert max(len(line) for line in lines if line.startswith("-")) < 100
    # From anywhere the capture is found; and where only it was moved, it is said which is missing.
    monkeypatch.chdir(tmp_path / "captures")
    assert not verify(there)
    there.rename(tmp_path / "clean.json")
    with pytest.raises(CaptureError, match=r"clean.pcap: the capture of an expectation is not"):
        verify(tmp_path / "clean.json")
    assert not verify(tmp_path / "clean.json", capture)
    # What went to stdout is found from where it was made.
    (tmp_path / "printed.json").write_text(written.to_json())
    monkeypatch.undo()
    monkeypatch.chdir(Path(os.path.commonpath([written.folder])))
    assert not verify(tmp_path / "printed.json")


def test_how_it_was_opened_is_written_down_too(tmp_path: Path) -> None:
    capture = rtpcap.open(FIXTURES / "gst-opus.pcap", pt_map={111: "L16/8000"}, rtp=["[::1]:9"])
    written = expect(capture, sound=False)
    assert written.content["opened"] == {"pt_map": {"111": "L16/8000"}, "rtp": ["[::1]:9"]}
    assert [row["codec"] for row in written.content["streams"].values()] == ["L16"]
    written.write(tmp_path / "a.json")
    assert not verify(tmp_path / "a.json")
    again = rtpcap.open(FIXTURES / "gst-opus.pcap", pt_map={111: Format("L16", 16000)})
    assert "clock_rate" in {path.rpartition(".")[2] for path in paths(verify(written, again))}


def test_of_several_files_or_a_compressed_one_it_is_as_of_one(clean: Path, tmp_path: Path) -> None:
    capture = rtpcap.open(clean)
    parts = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    capture.export(parts[0], end_s=2)
    capture.export(parts[1], start_s=2.000001)
    expect(rtpcap.open(parts)).write(tmp_path / "several.json")
    packed = tmp_path / "clean.pcap.gz"
    packed.write_bytes(gzip.compress(clean.read_bytes()))
    expect(packed).write(tmp_path / "packed.json")
    for name, files in (("several", ["a.pcap", "b.pcap"]), ("packed", ["clean.pcap.gz"])):
        written = Expectation.read(tmp_path / f"{name}.json")
        assert [row["path"] for row in written.content["files"]] == files
        assert not verify(written)
        whole = verify(written, capture, tolerances={"_s": 0})
        assert not whole
        assert len(whole.notes) == 1


def test_levels_and_digest_are_those_of_the_samples(clean: Path) -> None:
    sound = expect(clean).content["sound"]
    left, right = rtpcap.open(clean).streams
    for stream, said in ((left, speech_like(SECONDS)), (right, speech_like(SECONDS, 2))):
        print_ = sound[f"0x{stream.ssrc:08x}"]
        samples = stream.audio().samples
        decoded = MU_LAW[encode_mu_law(said)]
        assert print_["sha256"] == hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
        assert (print_["rate"], print_["samples"], print_["step_s"]) == (RATE, len(samples), 0.1)
        if stream is right:
            np.testing.assert_array_equal(samples, decoded)
        assert print_["level_dbov"] == levels(samples)


@pytest.mark.parametrize(("hertz", "band"), [(250, "0-500"), (1500, "1000-2000")])
def test_a_tone_is_in_its_band_alone(hertz: int, band: str, tmp_path: Path) -> None:
    time = np.arange(RATE) / RATE
    tone = (32767 / 2 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    make(tmp_path / "a.pcap", (tone, RATE), codec="L16/8000")
    (sound,) = expect(tmp_path / "a.pcap").content["sound"].values()
    # Half of full scale, and a sine's power is half that of a square: -6.02 - 3.01 dBov.
    assert set(sound["level_dbov"]) == set(sound["bands_dbov"][band]) == {-9}
    for name, several in sound["bands_dbov"].items():
        assert name == band or max(several) <= -70


class Steady:
    """Three hours of a square wave at full scale, ten samples a second."""

    rate, channels, length = 10, 1, 3 * 3600 * 10

    def read(self, start: int, stop: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        return np.full(stop - start, -32768, np.int16), np.ones(stop - start, np.uint8)


def test_long_sound_has_no_more_levels_than_short() -> None:
    (made,) = prints(Steady(), exact=False)
    row = made.row()
    # 10,800 s in at most 600 steps of 1, 2, 5, 10, 20 ... blocks of 0.1 s.
    assert row["step_s"] == 20.0
    assert row["level_dbov"] == [0] * 540
    assert made.row(step_s=50.0)["level_dbov"] == [0] * 216


# What is told


def counts(path: Path) -> dict[str, dict[str, int]]:
    streams = json.loads(expect(path, sound=False).to_json())["streams"]
    return {ssrc: {name: row[name] for name in COUNTS} for ssrc, row in streams.items()}


def sums(done: Done) -> dict[str, Mapping[str, Any]]:
    return {str(told["ssrc"]): told for told in done.streams}


def lost_runs(done: Done) -> set[str]:
    """The gaps that the truth says there are: sequence numbers lost one after the other."""
    lost = [
        (str(c["ssrc"]), int(str(c["sequence"]))) for c in done.changes if c["done"] == ["lost"]
    ]
    known = set(lost)
    return {
        f"gaps[{ssrc}/lost/{sequence}]"
        for ssrc, sequence in lost
        if (ssrc, (sequence - 1) % 65536) not in known
    }


def test_lost_doubled_and_reordered_packets_are_told_as_the_truth_has_them(
    clean: Path, tmp_path: Path
) -> None:
    network = Impairment(loss_pct=4, mean_run=2, duplicate_pct=3, reorder_pct=3)
    done = impair(rtpcap.open(clean), tmp_path / "bad.pcap", network, seed=11)
    differences = verify(expect(clean), tmp_path / "bad.pcap", tolerances={"_s": 1, "_ms": None})
    assert differences
    assert len(differences.notes) == 1
    assert differences.notes[0].startswith(f"{tmp_path / 'bad.pcap'}: another file than was")
    told = {each.path: (each.expected, each.found) for each in differences}
    before, after = counts(clean), sums(done)
    assert {path: pair for path, pair in told.items() if path.startswith("streams[")} == {
        f"streams[{ssrc}].{name}": (before[ssrc][name], after[ssrc][name])
        for ssrc in before
        for name in COUNTS
        if before[ssrc][name] != after[ssrc][name]
    }
    assert {path for path in told if path.startswith("gaps[")} == lost_runs(done)
    assert not [path for path in told if path.startswith(("calls[", "digits["))]
    # With as much loss as that allowed, the counts pass; all else is told as before.
    most = max(abs(int(str(told["lost"]))) for told in after.values())
    allowed: dict[str, float | None] = {"_s": 1, "_ms": None, "lost": most, "packets": most}
    passed = verify(expect(clean, tolerances=allowed), tmp_path / "bad.pcap")
    assert set(told) - set(paths(passed)) == {
        f"streams[{ssrc}].{name}" for ssrc in before for name in ("lost", "packets")
    } & set(told)


def test_jitter_is_told_as_arithmetic_has_it_and_no_count(clean: Path, tmp_path: Path) -> None:
    done = impair(rtpcap.open(clean), tmp_path / "bad.pcap", Impairment(jitter_ms=6), seed=2)
    differences = verify(expect(clean), tmp_path / "bad.pcap")
    kinds = {path.rpartition(".")[2] for path in paths(differences)}
    assert {"jitter_ms", "jitter_max_ms", "jitter_last_ms"} <= kinds
    assert not kinds & {*COUNTS, "expected"}
    found = {each.path: each.found for each in differences}
    # RFC 3550 A.8 over the callee's packets, which all are media: sent each 20 ms.
    ssrc = str(done.streams[1]["ssrc"])
    delays = {
        int(str(change["sequence"])): float(str(change["delay_ms"]))
        for change in done.changes
        if change["ssrc"] == ssrc
    }
    sequences = rtpcap.open(clean).streams[1].packets.sequence.tolist()
    times = [20.0 * slot + delays.get(sequence, 0.0) for slot, sequence in enumerate(sequences)]
    jitter, course = 0.0, []
    for before, now in pairwise(times):
        jitter += (abs(now - before - 20.0) - jitter) / 16
        course.append(jitter)
    assert found[f"streams[{ssrc}].jitter_ms"] == pytest.approx(np.mean(course), abs=0.001)
    assert found[f"streams[{ssrc}].jitter_max_ms"] == pytest.approx(max(course), abs=0.001)


def test_bit_errors_are_heard_where_they_are_and_seen_nowhere_else(tmp_path: Path) -> None:
    # So quiet that a wrong bit of mu-law is loud.
    call(tmp_path / "quiet.pcap", both_sides() // 128)
    (one,) = rtpcap.open(tmp_path / "quiet.pcap").calls
    (callee,) = one.right
    done = impair(
        rtpcap.open(tmp_path / "quiet.pcap"),
        tmp_path / "bad.pcap",
        faults=Faults(bit_error_pct=8),
        streams=[callee],
        seed=1,
    )
    differences = verify(expect(tmp_path / "quiet.pcap"), tmp_path / "bad.pcap")
    # What the truth does to the bytes, as the table of mu-law has it: 160 in a packet of 20 ms.
    packets = callee.packets
    before = np.concatenate([np.frombuffer(each, np.uint8) for each in packets.payloads()])
    after = before.copy()
    row = {frame: number for number, frame in enumerate(packets.frame.tolist())}
    for change in done.changes:
        at, bit = divmod(int(str(change["bit"])) - HEADER_BITS, 8)
        after[160 * row[int(str(change["from_frame"]))] + at] ^= 0x80 >> bit
    then, now = levels(MU_LAW[before]), levels(MU_LAW[after])
    wrong = {step for step in range(len(then)) if abs(then[step] - now[step]) > 1}
    assert wrong
    ssrc = f"0x{callee.ssrc:08x}"
    told: set[int] = set()
    for path in paths(differences):
        # The call has a side of the same.
        assert path.startswith((f"sound[{ssrc}].", f"sound[{one.call_id}/right]."))
        if path.startswith(f"sound[{ssrc}].level_dbov["):
            start, stop = map(int, path.rpartition("[")[2].rstrip("]").split(":"))
            assert {start, stop - 1} <= wrong
            told |= set(range(start, stop))
    assert wrong <= told


def test_a_change_too_small_for_levels_is_told_by_the_digest(clean: Path, tmp_path: Path) -> None:
    data = bytearray(clean.read_bytes())
    stream = rtpcap.open(clean).streams[1]
    # The lowest bit of one sample of mu-law.
    data[int(stream.packets.begin[40]) + 12 + 80] ^= 1
    (tmp_path / "bad.pcap").write_bytes(data)
    (difference,) = verify(expect(clean), tmp_path / "bad.pcap")
    assert difference.path == f"sound[0x{stream.ssrc:08x}].sha256"
    assert difference.sentence == "samples differ by less than levels show"
    assert not verify(expect(clean), tmp_path / "bad.pcap", tolerances={"sha256": None})


def test_sound_at_half_its_level_is_told_with_its_time(clean: Path, tmp_path: Path) -> None:
    samples = both_sides()
    samples[int(3.2 * RATE) : 4 * RATE, 1] //= 2
    call(tmp_path / "half.pcap", samples)
    differences = verify(expect(clean), tmp_path / "half.pcap")
    (one,) = rtpcap.open(clean).calls
    ssrc = f"0x{one.right[0].ssrc:08x}"
    (change,) = [each for each in differences if each.path.startswith(f"sound[{ssrc}]")]
    assert change.path == f"sound[{ssrc}].level_dbov[32:40]"
    assert change.sentence in (
        f"3.2 to 4.0 s: up to {amount} dB quieter" for amount in (6, 7)
    )  # Half is 6.02 dB; levels are whole ones.
    assert change.tolerance == 1
    assert change.expected in levels(MU_LAW[encode_mu_law(speech_like(SECONDS, 2))])[32:40]
    assert {path.partition("]")[0] for path in paths(differences)} == {
        f"sound[{ssrc}",
        f"sound[{one.call_id}/right",
    }
    allowed: dict[str, float | None] = {"_dbov": 7, "sha256": None}
    assert not verify(expect(clean), tmp_path / "half.pcap", tolerances=allowed)


def test_another_codec_of_the_same_sound_is_told_and_the_sound_is_not(
    clean: Path, tmp_path: Path
) -> None:
    call(tmp_path / "pcma.pcap", both_sides(), "PCMA")
    differences = verify(expect(clean), tmp_path / "pcma.pcap", tolerances={"sha256": None})
    (one,) = rtpcap.open(clean).calls
    changed = ("codec", "formats", "payload_types")
    assert set(paths(differences)) == {f"calls[{one.call_id}].codecs"} | {
        f"streams[0x{stream.ssrc:08x}].{name}" for stream in one.streams for name in changed
    }
    told = {each.path: (each.expected, each.found) for each in differences}
    ssrc = f"0x{one.streams[1].ssrc:08x}"
    assert told[f"streams[{ssrc}].codec"] == ("PCMU", "PCMA")
    assert told[f"streams[{ssrc}].payload_types"] == ([0, 101], [8, 101]) or told[
        f"streams[{ssrc}].payload_types"
    ] == ([0], [8])


def test_a_key_press_less_is_one_difference(clean: Path, tmp_path: Path) -> None:
    make(tmp_path / "a.pcap", (both_sides(), RATE), digits="15#", digits_at_s=0.4)
    found = verify(expect(clean, sound=False), tmp_path / "a.pcap", tolerances={"_s": None})
    assert [(d.path, d.found) for d in found if d.path.startswith("digits")] == [
        ("digits[2]", None)
    ]
    back = verify(expect(tmp_path / "a.pcap", sound=False), clean, tolerances={"_s": None})
    assert [d.path for d in back if d.path.startswith("digits")] == ["digits[+2]"]


def test_keys_in_the_sound_are_written_down_where_it_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    make(path, (speech_like(3) // 64, RATE), digits="42", digits_by="inband", digits_at_s=1.0)
    written = expect(path)
    assert [(row["digit"], row["source"]) for row in written.content["digits"]] == [
        ("4", "inband"),
        ("2", "inband"),
    ]
    assert not verify(written)
    # Also where somebody took the sound itself out; without it nobody listens.
    del written.content["sound"]
    assert not verify(written)
    silent = expect(path, sound=False)
    assert silent.content["digits"] == []
    assert not verify(silent)


def test_a_stream_that_is_gone_takes_its_gaps_and_sound_with_it() -> None:
    differences = verify(expect(FIXTURES / "gst-loss.pcap"), FIXTURES / "ff-pcmu.pcap")
    (now,) = rtpcap.open(FIXTURES / "ff-pcmu.pcap").streams
    streams = [path for path in paths(differences) if not path.startswith("capture.")]
    assert streams == ["streams[0xc3cd4bf6]", f"streams[0x{now.ssrc:08x}]"]
    gone, new = [each for each in differences if each.path in streams]
    assert (gone.expected, gone.found) == ("codec PCMA, packets 147, lost 12", None)
    assert new.expected is None


def test_differences_are_true_and_show_themselves(clean: Path, tmp_path: Path) -> None:
    written = expect(clean)
    assert repr(written) == (
        "<Expectation of 'clean.pcap': 1 call, 2 streams, 0 gaps, 4 presses, 4 sounds>"
    )
    (ssrc, *_) = written.content["streams"]
    written.content["streams"][ssrc]["lost"] = 2
    differences = verify(written)
    assert differences
    place = f"streams[{ssrc}].lost"
    assert str(differences).splitlines()[1:] == [f"  {place}: expected 2, found 0"]
    assert repr(differences).endswith(f": 1 difference; {place}: expected 2, found 0>")
    (row,) = differences.rows()
    assert row == {
        "path": place, "expected": 2, "found": 0, "tolerance": 0.0, "sentence": ""
    }  # fmt: skip
    frame = differences.to_frame()
    assert frame.to_dict("records") == [row]
    assert place in differences._repr_html_()


def test_what_a_capture_holds_steers_no_terminal(clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    data = clean.read_bytes()
    path.write_bytes(data.replace(b"sip:callee@", b"sip:\x1b[31m\xe9@"))
    written = expect(path, sound=False)
    assert written.to_json().isascii()
    assert "\x1b" not in written.to_json()
    assert not verify(written)
    found = verify(expect(clean, sound=False), path)
    assert any(".callee: expected sip:callee@" in str(each) for each in found)
    assert all(str(each).isprintable() for each in found)


def test_damage_is_the_same_wherever_the_file_lies(clean: Path, tmp_path: Path) -> None:
    data = clean.read_bytes()
    damaged = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files = [tmp_path / folder / name for name in ("a.pcap", "b.pcap")]
        files[0].write_bytes(data[: len(data) // 2])
        files[1].write_bytes(data)
        damaged.append(expect(rtpcap.open(files), sound=False).content["capture"])
    assert damaged[0] == damaged[1]
    (line,) = damaged[0]["damage"]
    assert line.startswith("a.pcap: the file ends inside a record")


# Every leaf


Place = tuple[str, list[str | int]]
"""A path as differences have it, and the way to it in the JSON."""


def leaves(content: Mapping[str, Any]) -> Iterator[Place]:
    """What was found, value by value; how levels were taken (`step_s`) is no such value."""
    for name in content["capture"]:
        yield f"capture.{name}", ["capture", name]
    for section in ("calls", "streams", "gaps"):
        for key, row in content[section].items():
            for name in row:
                yield f"{section}[{key}].{name}", [section, key, name]
    for number, row in enumerate(content["digits"]):
        for name in row:
            yield f"digits[{number}].{name}", ["digits", number, name]
    for key, row in content["sound"].items():
        here = f"sound[{key}]"
        for name in row.keys() - {"step_s", "level_dbov", "bands_dbov"}:
            yield f"{here}.{name}", ["sound", key, name]
        for at in range(len(row["level_dbov"])):
            yield f"{here}.level_dbov[{at}:{at + 1}]", ["sound", key, "level_dbov", at]
        for band, several in row.get("bands_dbov", {}).items():
            for at in range(len(several)):
                yield (
                    f"{here}.bands_dbov[{band}][{at}:{at + 1}]",
                    ["sound", key, "bands_dbov", band, at],
                )


def edited(value: object) -> object:
    """Another value of the kind, further away than any tolerance."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 5
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value, "x"]
    return "x" if value is None else {"x": {"count": 1, "first_frame": 1}}


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> rtpcap.Capture:
    folder = tmp_path_factory.mktemp("lossy")
    sound = np.stack([speech_like(1.5), speech_like(1.5, 2)], axis=1)
    make(folder / "clean.pcap", (sound, RATE), digits="1123", digits_at_s=0.2)
    impair(rtpcap.open(folder / "clean.pcap"), folder / "a.pcap", Impairment(loss_pct=6), seed=3)
    return rtpcap.open(folder / "a.pcap")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_an_edit_of_any_value_is_told_by_its_path_alone(
    lossy: rtpcap.Capture, data: st.DataObject
) -> None:
    written = expect(lossy)
    assert written.content["gaps"]
    assert len(written.content["digits"]) == 4
    every = sorted(leaves(written.content))
    section = data.draw(st.sampled_from(sorted({path[:4] for path, _ in every})))
    path, way = data.draw(st.sampled_from([each for each in every if each[0].startswith(section)]))
    content = copy.deepcopy(written.content)
    inside: Any = content
    for step in way[:-1]:
        inside = inside[step]
    inside[way[-1]] = edited(inside[way[-1]])
    # What a dictionary holds is rows with keys of their own.
    wanted = f"{path}[x]" if isinstance(inside[way[-1]], dict) else path
    assert paths(verify(Expectation(content, written.folder), lossy)) == [wanted]


@pytest.mark.parametrize("section", ["capture", "calls", "gaps", "digits", "sound"])
def test_what_is_taken_out_is_not_compared(section: str, lossy: rtpcap.Capture) -> None:
    content = copy.deepcopy(expect(lossy).content)
    for row in content["streams"].values():
        del row["lost"], row["packets"]
    other = {key: value for key, value in content.items() if key != section}
    assert not verify(Expectation(other, "."), lossy)


@pytest.mark.parametrize(("more", "alike"), [(0.000001, True), (0.000002, False)])
@pytest.mark.parametrize("start_s", [0.1, 5.0, 86400.3])
def test_a_tolerance_is_met_where_it_is_reached(
    lossy: rtpcap.Capture, start_s: float, more: float, alike: bool
) -> None:
    content = copy.deepcopy(expect(lossy).content)
    now = copy.deepcopy(content)
    ssrc = next(iter(content["streams"]))
    content["streams"][ssrc]["start_s"] = start_s
    now["streams"][ssrc]["start_s"] = round(start_s + more, 6)
    found = compare_sections(content, now, Tolerances({"_s": 0.000001}))
    assert [each.path for each in found] == ([] if alike else [f"streams[{ssrc}].start_s"])


# What is wrong with it


@pytest.fixture(scope="module")
def plain() -> rtpcap.Capture:
    return rtpcap.open(FIXTURES / "ff-pcmu.pcap")


def test_what_is_no_expectation_is_one_line(tmp_path: Path) -> None:
    written = expect(FIXTURES / "ff-pcmu.pcap", sound=False)
    good = json.loads(written.to_json())
    (ssrc,) = good["streams"]
    no_files = {key: value for key, value in good.items() if key != "files"}
    cases: list[tuple[str | bytes, str]] = [
        (
            json.dumps({**good, "schema": 2}),
            "of schema 2, this rtpcap reads 1: write it again with",
        ),
        (json.dumps({**good, "schema": None}), "of no schema, this rtpcap reads 1: write it"),
        (written.to_json()[:-40], "damaged JSON: "),
        (written.to_json().replace('"lost": 0', '"lost": NaN', 1), "NaN is no number"),
        ('{"a":' * 100_000, "damaged JSON: "),
        ((FIXTURES / "ff-pcmu.pcap").read_bytes(), "no expectation, which rtpcap expect writes"),
        (json.dumps(no_files), "no expectation, which rtpcap expect writes"),
        ("[]", "no expectation, which rtpcap expect writes"),
        ("", "no expectation, which rtpcap expect writes"),
        (json.dumps({**good, "streams": []}), "damaged: streams is no object of objects"),
        (json.dumps({**good, "files": [{"path": 3}]}), "damaged: files is no list of paths"),
        (json.dumps({**good, "digits": {}}), "damaged: digits is no list of objects"),
        (json.dumps({**good, "opened": {"pt_map": {"x": "PCMU"}}}), "damaged: opened is no pt_map"),
        (json.dumps({**good, "opened": {"pt_map": {"200": "PCMU"}}}), "payload type 200 is not in"),
        (json.dumps({**good, "opened": {"pt_map": {"96": "/"}}}), "damaged: opened: "),
        (json.dumps({**good, "opened": {"rtp": ["here"]}}), "'here' is no address and port"),
        (json.dumps({**good, "streams": {ssrc: {"lost": 10**40}}}), "a number of 41 digits"),
        (json.dumps({**good, "sound": {ssrc: {"step_s": 0.25}}}), "is no multiple of 0.1"),
        (json.dumps({**good, "sound": {ssrc: {"level_dbov": 3}}}), "are no lists"),
        (json.dumps({**good, "tolerances": {"lots": 1}}), "tolerances: no value has the name or"),
        (json.dumps({**good, "tolerances": {"lost": "2"}}), "tolerances: lost is '2', no number"),
        (json.dumps({**good, "tolerances": {"lost": -1}}), "a tolerance is a number from 0 on"),
    ]
    path = tmp_path / "a.json"
    for text, says in cases:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SchemaError) as raised:
            verify(path)
        assert str(raised.value).startswith(f"{path}: ")
        assert says in str(raised.value)
        assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="no value has the name or unit '_db'"):
        expect(FIXTURES / "ff-pcmu.pcap", tolerances={"_db": 1})


ROWS = st.sampled_from(["lost", "0x12", "path", "sha256", "level_dbov", "bands_dbov"])
VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text("a0./")
)


def around(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return inside | st.lists(inside, max_size=3) | st.dictionaries(ROWS, inside)


ANYTHING = around(around(around(VALUES)))


@given(
    ANYTHING,
    st.sampled_from(["files", "opened", "tolerances", "capture", "streams", "digits", "sound"]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_it_is_compared_or_refused(
    plain: rtpcap.Capture, tmp_path_factory: pytest.TempPathFactory, value: object, section: str
) -> None:
    content = {**expect(plain, sound=False).content, section: value}
    path = tmp_path_factory.getbasetemp() / "anything.json"
    path.write_text(json.dumps(content))
    try:
        verify(path, plain)
    except RtpcapError as error:
        lines = str(error).splitlines()
        assert len(lines) == 1


def test_one_written_again_keeps_its_tolerances_and_nothing_else_is_written_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.json"
    written = expect(FIXTURES / "ff-pcmu.pcap", sound=False, tolerances={"lost": 3})
    assert written.renew(path)
    assert not written.renew(path)
    assert not expect(FIXTURES / "ff-pcmu.pcap", sound=False).renew(path)
    assert Expectation.read(path).tolerances["lost"] == 3
    assert expect(FIXTURES / "gst-dup.pcap", sound=False).renew(path)
    assert Expectation.read(path).tolerances["lost"] == 3
    assert written.renew(path, tolerances={"lost": 0, "_ms": None})
    assert Expectation.read(path).tolerances["lost"] == 0
    assert Expectation.read(path).tolerances["_ms"] is None
    # One of another schema is written anew.
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 0'))
    assert written.renew(path)
    capture = tmp_path / "ff-pcmu.pcap"
    capture.write_bytes((FIXTURES / "ff-pcmu.pcap").read_bytes())
    with pytest.raises(SchemaError, match="no expectation"):
        written.renew(capture)
    assert capture.read_bytes() == (FIXTURES / "ff-pcmu.pcap").read_bytes()


# In a test


def test_the_fixture_writes_compares_and_says_how(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    capture = tmp_path / "captures" / "call.pcap"
    capture.write_bytes(clean.read_bytes())
    code = """
import rtpcap

def test_path(rtpcap_golden):
    rtpcap_golden("captures/call.pcap")

def test_capture(rtpcap_golden):
    rtpcap_golden(rtpcap.open("captures/call.pcap"), "kept/other.json", sound=False)
"""
    none = run(tmp_path, code)
    assert none.outcomes == {"test_path": "FAILED", "test_capture": "FAILED"}
    for name in ("golden/call.json", "kept/other.json"):
        line = f"{name}: no expectation yet: pytest --rtpcap-update writes it, or rtpcap expect"
        assert line in none.out.splitlines()
    update = run(tmp_path, code, "--rtpcap-update")
    assert update.outcomes == {"test_path": "PASSED", "test_capture": "PASSED"}
    wrote = [line for line in update.out.splitlines() if line.startswith("rtpcap: wrote ")]
    assert wrote == ["rtpcap: wrote golden/call.json", "rtpcap: wrote kept/other.json"]
    written = json.loads((tmp_path / "golden" / "call.json").read_text())
    assert written["files"][0]["path"] == "../captures/call.pcap"
    assert "sound" not in json.loads((tmp_path / "kept" / "other.json").read_text())
    # A bit of the sound: what has no sound in it is as it was.
    data = bytearray(clean.read_bytes())
    stream = rtpcap.open(clean).streams[1]
    data[int(stream.packets.begin[40]) + 12 + 80] ^= 0x80
    capture.write_bytes(data)
    changed = run(tmp_path, code)
    assert changed.outcomes == {"test_path": "FAILED", "test_capture": "PASSED"}
    assert "AssertionError: captures/call.pcap: " in changed.out
    assert f"sound[0x{stream.ssrc:08x}]." in changed.out
    assert "pytest --rtpcap-update writes what is found now" in changed.out
    # What the kit does inside is no part of the trace.
    assert "check.py" not in changed.out
