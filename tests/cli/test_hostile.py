"""Whatever names hold, the terminal is not steered and no file is written elsewhere."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.harness import FIXTURES, json_of, rtpcap

GOOD = FIXTURES / "pj-pcmu.pcap"

NAMES = [
    "\x1b[31mred\x1b[0m.pcap",
    "two\nlines.pcap",
    "=HYPERLINK(1).pcap",
    "-rf.pcap",
    "$(touch x).pcap",
    "turned\u202egpj.pcap",
    "日本語.pcap",
    "x" * 200 + ".pcap",
    "...pcap",
]


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "in" / str(request.param)
    path.parent.mkdir()
    try:
        shutil.copy(GOOD, path)
    except OSError:
        pytest.skip("this file system has no such names")
    return path


def seen(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_nothing_unseen_is_printed(hostile: Path) -> None:
    for verb in ("info", "streams", "dtmf"):
        done = rtpcap(verb, hostile, GOOD, columns=300)
        assert done.code == 0
        assert seen(done.out)
    done = rtpcap("streams", hostile.with_name(hostile.name + "\x1b"))
    assert done.code == 3
    assert done.err.count("\n") == 1
    assert seen(done.err)


def test_json_has_the_name_as_it_is(hostile: Path) -> None:
    done = rtpcap(hostile, "--format", "json")
    assert seen(done.out)
    assert done.rows()[0]["file"] == str(hostile)


def test_outputs_have_safe_names_in_the_folder(hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = rtpcap("decode", hostile.parent, "-o", out, "--split")
    assert done.code == 0
    assert seen(done.out)
    names = [path.name for path in out.iterdir()]
    assert len(names) == 3
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{1,99}", name)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    assert [path.name for path in hostile.parent.iterdir()] == [hostile.name]


@pytest.mark.skipif(os.name != "posix", reason="file names are text here")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.pcap"
    try:
        shutil.copy(os.fsencode(GOOD), name)
    except OSError:
        pytest.skip("this file system has no such names")
    path = os.fsdecode(name)
    for form in ("table", "csv"):
        done = rtpcap("streams", path, GOOD, "--format", form, columns=200)
        assert done.code == 0
        assert r"\udcff\udcfe.pcap" in done.out
    assert json_of("info", path)[0]["file"] == path
    assert rtpcap("decode", path, "-o", tmp_path / "out").code == 0
    assert len(list((tmp_path / "out").glob("*.wav"))) == 1
