"""The manifest: what it says is believed only as far as it holds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rtpcap.batch.manifest import Entry, Manifest


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    source = tmp_path / "call.pcap"
    source.write_bytes(b"capture")
    out = tmp_path / "out"
    out.mkdir()
    (out / "call.wav").write_bytes(b"12345")
    found = source.stat()
    return Entry(
        input=str(source),
        prefix="call",
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        options={"split": False},
        version="1",
        outputs={"call.wav": 5},
        rows=[{"output": "call.wav"}],
    )


def holds(entry: Entry) -> bool:
    return entry.holds(Path(entry.input).parent / "out", {"split": False}, "1")


def test_unchanged(entry: Entry) -> None:
    assert holds(entry)


def test_each_change_is_seen(entry: Entry, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert not entry.holds(out, {"split": True}, "1")
    assert not entry.holds(out, {"split": False}, "2")
    assert not holds(replace(entry, size=8))
    os.utime(entry.input, ns=(1, entry.mtime_ns + 1))
    assert not holds(entry)
    os.utime(entry.input, ns=(1, entry.mtime_ns))
    assert holds(entry)
    (out / "call.wav").write_bytes(b"1234")
    assert not holds(entry)
    (out / "call.wav").unlink()
    assert not holds(entry)


def test_entries_come_back(entry: Entry, tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "out")
    manifest.add(entry)
    manifest.add(replace(entry, input="/other\udcff", prefix="other"))
    # Each is there when it is added, not only at the end.
    assert len(Manifest(tmp_path / "out").entries) == 2
    manifest.add(replace(entry, version="2"))
    manifest.close()
    back = Manifest(tmp_path / "out").entries
    assert back == {
        entry.input: replace(entry, version="2"),
        "/other\udcff": replace(entry, input="/other\udcff", prefix="other"),
    }
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 2


def test_lines_that_make_no_sense_are_left_out(entry: Entry, tmp_path: Path) -> None:
    good = json.dumps(asdict(entry))
    bad = [
        good[:50],
        "[]",
        "null",
        json.dumps(asdict(replace(entry, prefix="../up"))),
        json.dumps(asdict(replace(entry, outputs={"../../x": 1}))),
        json.dumps({**asdict(entry), "size": "7"}),
        json.dumps({**asdict(entry), "rows": [1]}),
        "\x00\xff",
    ]
    path = tmp_path / "out" / "manifest.jsonl"
    path.write_text("\n".join([*bad, good, good[:70]]), encoding="latin-1")
    manifest = Manifest(tmp_path / "out")
    assert list(manifest.entries.values()) == [entry]
    # What is added after a line that was cut short is a line of its own.
    manifest.add(replace(entry, input="/b", prefix="b"))
    assert set(Manifest(tmp_path / "out").entries) == {entry.input, "/b"}
    manifest.close()


def test_a_folder_without_one(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    assert manifest.entries == {}
    manifest.close()
    assert list(tmp_path.iterdir()) == []
