"""The pytest plugin, in a pytest of its own: the marker, its options, what is wrong in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rtpcap.testing import packets
from tests.cli.harness import FIXTURES

ROOT = FIXTURES.parent
PLUGIN = "rtpcap.testing.plugin"
CALL = FIXTURES / "pj-pcmu.pcap"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    outcomes: dict[str, str]
    """Test -> PASSED, FAILED, ..."""


def run(folder: Path, code: str, *options: str) -> Ran:
    """Run tests that are written to a file, as somebody does who has rtpcap installed."""
    (folder / "test_given.py").write_text(code, encoding="utf-8")
    files = ["."] if "." in options else ["test_given.py"]
    # An installed one is there by itself; another time it would be there twice.
    installed = any(e.value == PLUGIN for e in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", "-v", "-W", "error", "--strict-markers"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:benchmark", *plugin]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [*command, *(option for option in options if option != "."), *files],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^test_given\.py::(.*?) (PASSED|FAILED|SKIPPED|ERROR)", done.stdout, re.M)
    return Ran(done.returncode, done.stdout + done.stderr, dict(found))


HEAVY = ("numpy", "click", "hypothesis", "rtpcap.api", "rtpcap.testing.captured")


def test_it_loads_nothing_heavy_until_it_is_asked(tmp_path: Path) -> None:
    code = f"""
import sys

def test_light():
    assert {PLUGIN!r} in sys.modules
    assert not set({HEAVY!r}) & set(sys.modules)
"""
    assert run(tmp_path, code, "-p", "no:hypothesispytest").outcomes == {"test_light": "PASSED"}
    modules = subprocess.run(
        [sys.executable, "-c", f"import sys, {PLUGIN}\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert PLUGIN in modules
    assert not set(HEAVY) & set(modules)


def test_a_test_runs_once_for_each_packet(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures/call.pcap").write_bytes(CALL.read_bytes())
    code = f"""
import pytest
from rtpcap.testing import assert_agrees

@pytest.mark.rtpcap("captures/", kind="sdp")
def test_bodies(packet):
    assert packet.kind == "sdp"
    assert packet.data.startswith(b"v=0")

@pytest.mark.rtpcap({str(CALL)!r}, limit=3)
class TestMedia:
    @pytest.mark.parametrize("place", [1])
    def test_type(self, packet, place):
        assert_agrees(lambda data: {{"pt": data[place] & 0x7F}}, packet)

@pytest.mark.rtpcap("captures/*.pcap", kind="rtp", unique=True, limit=3)
def test_wrong(packet):
    assert_agrees(lambda data: {{"seq": 1}}, packet)
"""
    done = run(tmp_path, code, "--rtpcap-limit", "2")
    bodies = [p.frame for p in packets(CALL, kind="sdp")]
    media = [p.frame for p in packets(CALL, limit=2)]
    shapes = [p.frame for p in packets(CALL, unique=True, limit=2)]
    assert done.outcomes == {
        **{f"test_bodies[call.pcap:{frame}]": "PASSED" for frame in bodies},
        **{f"TestMedia::test_type[pj-pcmu.pcap:{frame}-1]": "PASSED" for frame in media},
        **{f"test_wrong[call.pcap:{frame}]": "FAILED" for frame in shapes},
    }
    sequence = next(packets(CALL)).fields["sequence"]
    assert f"E       AssertionError: call.pcap:{shapes[0]}: 1 of 1 fields differs" in done.out
    assert f"E         sequence  expected {sequence}" in done.out.splitlines()
    # What the kit does inside is no part of the trace.
    assert "agree.py" not in done.out


def test_what_is_wrong_with_a_marker_is_one_line(tmp_path: Path) -> None:
    none = FIXTURES / "gst-loss.pcap"
    cases = {
        f"({str(none)!r}, kind='sip')": f"marker rtpcap: {none}: no sip packet",
        "('nothing.pcap')": "nothing.pcap: No such file or directory",
        f"({str(none)!r}, kind='udp')": "no kind 'udp': there are rtp, rtcp, sip, sdp, stun",
        f"({str(none)!r}, kinds='sip')": "no kinds: it takes paths, kind, limit, unique, cut, ",
        "()": "which captures?",
    }
    code = "import pytest\n@pytest.mark.rtpcap{}\ndef test_{}({}): pass\n"
    for number, marker in enumerate(cases):
        file = tmp_path / f"test_{number}.py"
        file.write_text(code.format(marker, number, "packet"), encoding="utf-8")
    done = run(tmp_path, code.format(f"({str(none)!r})", "given", ""), ".")
    assert done.code == pytest.ExitCode.INTERRUPTED
    lines = done.out.splitlines()
    for number, line in enumerate(cases.values()):
        told = [each for each in lines if each.startswith(f"test_{number}: ")]
        assert len(told) == 1, done.out
        assert line in told[0]
    assert "test_given: the marker rtpcap wants an argument `packet` of the test" in lines
    assert "Traceback" not in done.out


def test_a_parser_that_ends_its_process_fails_its_test_alone(tmp_path: Path) -> None:
    code = f"""
import ctypes, os, pytest, time
from rtpcap.testing import packets

frames = [p.frame for p in packets({str(CALL)!r}, limit=6)]

@pytest.fixture
def shared():
    return os.getpid()

@pytest.mark.rtpcap({str(CALL)!r}, limit=6)
def test_parser(packet, shared):
    what = frames.index(packet.frame)
    assert os.getpid() != shared
    if what == 1:
        os._exit(3)
    if what == 2:
        ctypes.string_at(0)
    if what == 3:
        time.sleep(60)
    if what == 4:
        pytest.skip("not this one")
    assert what != 5, "wrong here"

def test_other():
    pass
"""
    done = run(tmp_path, code, "--rtpcap-isolate", "--rtpcap-timeout", "4", "-rs")
    ids = [f"pj-pcmu.pcap:{p.frame}" for p in packets(CALL, limit=6)]
    assert done.outcomes == {
        f"test_parser[{ids[0]}]": "PASSED",
        f"test_parser[{ids[1]}]": "FAILED",
        f"test_parser[{ids[2]}]": "FAILED",
        f"test_parser[{ids[3]}]": "FAILED",
        f"test_parser[{ids[4]}]": "SKIPPED",
        f"test_parser[{ids[5]}]": "FAILED",
        "test_other": "PASSED",
    }
    lines = done.out.splitlines()
    assert f"{ids[1]}: the parser ended its process: exit code 3" in lines
    assert f"{ids[2]}: the parser ended its process: signal 11 (SIGSEGV)" in lines
    assert f"{ids[3]}: the parser did not end within 4 s" in lines
    assert "E       AssertionError: wrong here" in lines


def test_pytest_is_told_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"rtpcap": PLUGIN}


def test_a_limit_that_is_none_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_it(): pass", "--rtpcap-limit", "0")
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert "argument --rtpcap-limit: invalid" in done.out
