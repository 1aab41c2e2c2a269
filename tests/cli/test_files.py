"""What the command line takes for a capture, and the verb export."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.capture.packs import PACKS
from tests.cli.harness import FIXTURES, json_of, process, rtpcap, run_process

GOOD = FIXTURES / "gst-dtmf.pcap"
BOTH = FIXTURES / "pj-pcmu.pcap"


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """A capture in two files, the second one's name first."""
    paths = [tmp_path / "b.pcap", tmp_path / "a.pcap"]
    for path, span in zip(paths, (":1.5", "1.500001:"), strict=True):
        assert rtpcap("export", BOTH, "-o", path, "--time", span).code == 0
    return paths


@pytest.mark.parametrize("verb", ["info", "streams", "gaps", "dtmf"])
@pytest.mark.parametrize("kind", PACKS)
def test_a_compressed_capture(kind: str, verb: str, tmp_path: Path) -> None:
    path = tmp_path / "call.bin"
    path.write_bytes(PACKS[kind](GOOD.read_bytes()))
    expected = json_of(verb, GOOD)
    if verb == "info":
        expected[0]["file"] = str(path)
    assert json_of(verb, path) == expected


def test_standard_input() -> None:
    expected = run_process("streams", GOOD, "--format", "json")
    for data in (GOOD.read_bytes(), gzip.compress(GOOD.read_bytes())):
        for name in ["-", "/dev/stdin"] if os.path.exists("/dev/stdin") else ["-"]:
            done = subprocess.run(
                process("streams", name, "--format", "json"), input=data, capture_output=True
            )
            assert (done.returncode, done.stderr) == (0, b"")
            assert done.stdout.decode() == expected.out
    done = subprocess.run(process("-"), input=GOOD.read_bytes(), capture_output=True, check=True)
    assert done.stdout.startswith(b"-: pcap, Ethernet, ")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_process_substitution() -> None:
    command = " ".join(process("streams", "--format", "json"))
    done = subprocess.run(
        ["bash", "-c", f"{command} <(cat {GOOD})"], capture_output=True, check=True
    )
    assert json.loads(done.stdout) == json_of("streams", GOOD)


def test_decode_takes_them_and_knows_them_again(tmp_path: Path) -> None:
    path, out = tmp_path / "call.pcap.gz", tmp_path / "out"
    path.write_bytes(gzip.compress(GOOD.read_bytes()))
    for given in (path, tmp_path):
        done = rtpcap("decode", given, "-o", out, "--format", "json")
        assert done.code == 0
        row = done.rows()[0]
        assert row["skipped"] is (given == tmp_path)
        assert Path(str(row["output"])).is_file()
    (entry,) = map(json.loads, (out / "manifest.jsonl").read_text().splitlines())
    assert entry["size"] == path.stat().st_size
    assert entry["mtime_ns"] == path.stat().st_mtime_ns


def test_decode_from_standard_input(tmp_path: Path) -> None:
    command = process(
        "decode", "-", GOOD, "-o", tmp_path / "out", "--format", "json", "--jobs", "2"
    )
    for _ in range(2):
        done = subprocess.run(command, input=GOOD.read_bytes(), capture_output=True, check=True)
        rows = json.loads(done.stdout)
        assert [row["input"] for row in rows] == ["-", str(GOOD)]
        assert not rows[0]["skipped"]
        first, second = (Path(row["output"]).read_bytes() for row in rows)
        assert first == second


def test_several_files_as_one(halves: list[Path]) -> None:
    assert json_of("streams", "--merge", *halves) == json_of("streams", BOTH)
    assert json_of("packets", "--merge", *halves) == json_of("packets", BOTH)
    (row,) = json_of("info", "--merge", *halves)
    (whole,) = json_of("info", BOTH)
    assert row["file"] == f"{halves[0]}, {halves[1]}"
    assert {**row, "file": 0, "bytes": 0} == {**whole, "file": 0, "bytes": 0}
    assert len(json_of("streams", *halves)) == 2 * len(json_of("streams", BOTH))


def test_damage_in_one_of_several_names_it(halves: list[Path]) -> None:
    halves[0].write_bytes(halves[0].read_bytes()[:-3])
    done = rtpcap("streams", "--merge", *halves, "--format", "json")
    assert done.code == 0
    assert done.err.startswith(f"rtpcap: damaged: {halves[0]}: the file ends inside a record")


def test_the_limit_of_what_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "call.gz"
    path.write_bytes(gzip.compress(GOOD.read_bytes()))
    for verb in ("info", "streams", "decode"):
        more = ["-o", str(tmp_path / "out")] if verb == "decode" else []
        done = rtpcap(verb, path, "--unpack-limit", "1K", *more)
        assert done.code == 3
        assert "holds more than 1 KiB when it is unpacked" in done.err
        assert "--unpack-limit" in done.err
    for size in ("1M", "1m", "1MiB", "1000000"):
        assert rtpcap("streams", path, "--unpack-limit", size).code == 0
    for size in ("0", "-1", "x", "1X", "", "9" * 40):
        assert rtpcap("streams", path, "--unpack-limit", size).code == 2


def test_export_of_a_stream(tmp_path: Path) -> None:
    one, other = json_of("streams", BOTH)[:2]
    out = tmp_path / "one.pcapng"
    (row,) = json_of("export", BOTH, "-o", out, "--ssrc", str(one["ssrc"]))
    assert row == {
        "output": str(out),
        "format": "pcapng",
        "frames": one["packets"],
        "bytes": out.stat().st_size,
        "left_out": 0,
    }
    (found,) = json_of("streams", out)
    same = ("ssrc", "src", "dst", "packets", "lost", "duration_s", "jitter_ms", "codec")
    assert [found[key] for key in same] == [one[key] for key in same]
    (row,) = json_of("export", BOTH, "-o", out, "--src", str(other["src"]), "--to", "rtpdump")
    assert row["format"] == "rtpdump"
    assert out.read_bytes().startswith(b"#!rtpplay1.0 ")
    assert rtpcap("export", BOTH, "-o", out).out.splitlines()[0].split() == [
        "output",
        "format",
        "frames",
        "bytes",
        "left_out",
    ]


def test_export_that_cannot_be(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    for given, code, told in (
        ([GOOD, "-o", tmp_path / "out.wav"], 2, "does not end with .pcap"),
        ([GOOD], 2, "-o"),
        ([GOOD, "-o", out, "--time", "5"], 2, "is not as 10:20, 10: or :20"),
        ([GOOD, "-o", out, "--time", "a:b"], 2, "is not as 10:20, 10: or :20"),
        ([GOOD, "-o", out, "--time", "nan:"], 2, "is not as 10:20, 10: or :20"),
        ([GOOD, "-o", tmp_path / "no" / "out.pcap"], 2, "cannot write"),
        ([GOOD, "-o", out, "--ssrc", "1"], 1, "no RTP stream matched"),
        ([tmp_path / "missing", "-o", out], 3, "No such file"),
        ([GOOD, FIXTURES / "tun-raw.pcap", "-o", out], 3, "use pcapng"),
    ):
        done = rtpcap("export", *given)
        assert (done.code, done.out) == (code, "")
        assert told in done.err
        assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    shutil.copy(GOOD, out)
    done = rtpcap("export", out, "-o", out)
    assert done.code == 2
    assert out.read_bytes() == GOOD.read_bytes()
