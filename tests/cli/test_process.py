"""The command line as a process: pipes that close, modules that start it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import FIXTURES, process, rtpcap, run_process
from tests.views.build import Sent, capture

# All but two whose streams are encrypted, and two whose configuration only signalling tells.
MUTE = {"ai-opus", "ch-opus-dtls", "ff-aac", "ff-latm"}
DECODABLE = {path.stem for path in FIXTURES.glob("*.pcap*")} - MUTE
CALL = FIXTURES / "pj-pcmu.pcap"


def test_a_process_says_the_same() -> None:
    for given in (["streams", CALL, "--format", "json"], [CALL, "--format", "csv"], ["stream"]):
        assert run_process(*given) == rtpcap(*given)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_a_reader_that_has_seen_enough(tmp_path: Path, form: str) -> None:
    sent = [Sent(i, 160 * i, 0.02 * i, b"\xff" * 160) for i in range(20_000)]
    path = capture(tmp_path / "c.pcap", sent)
    command = process("packets", path, "--format", form)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(30) == 0


def test_decode_over_processes(tmp_path: Path) -> None:
    done = run_process("decode", FIXTURES, "-o", tmp_path, "--jobs", "2", "--format", "jsonl")
    assert (done.code, done.err) == (0, "")
    written = [row["output"] for row in map(json.loads, done.lines()) if row["output"]]
    assert sorted(written) == sorted(str(path) for path in tmp_path.glob("*.wav"))
    assert {Path(path).name.split(".")[0] for path in written} == DECODABLE
