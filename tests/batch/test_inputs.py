"""Files, folders and globs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rtpcap.batch import expand
from tests.capture.packs import PACKS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/two.pcap", "a.pcap", "b/c/three.dat", "odd[1].pcap"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FIXTURES / "tun-raw.pcap", path)
    (tmp_path / "notes.txt").write_text("no capture")
    (tmp_path / "b" / "empty.pcap").write_bytes(b"")
    return tmp_path


def names(folder: Path, *given: str) -> list[str]:
    found = expand([folder / name for name in given])
    assert found.errors == []
    return [os.path.relpath(file, folder) for file in found.files]


def test_a_folder_is_its_captures_by_their_first_bytes(folder: Path) -> None:
    assert names(folder, ".") == ["a.pcap", "odd[1].pcap", "b/two.pcap", "b/c/three.dat"]


def test_globs(folder: Path) -> None:
    assert names(folder, "*.pcap") == ["a.pcap", "odd[1].pcap"]
    assert names(folder, "**/*.pcap") == ["a.pcap", "b/empty.pcap", "b/two.pcap", "odd[1].pcap"]
    assert names(folder, "b/t*") == ["b/two.pcap"]


def test_a_file_whose_name_looks_like_a_glob(folder: Path) -> None:
    assert names(folder, "odd[1].pcap") == ["odd[1].pcap"]


def test_a_named_file_is_taken_whatever_it_holds(folder: Path) -> None:
    assert names(folder, "notes.txt", "missing.pcap") == ["notes.txt", "missing.pcap"]


def test_a_compressed_capture_in_a_folder(folder: Path) -> None:
    whole = (FIXTURES / "tun-raw.pcap").read_bytes()
    for name, pack in PACKS.items():
        (folder / f"c.{name}").write_bytes(pack(whole))
        (folder / f"text.{name}").write_bytes(pack(b"no capture at all"))
    assert [name for name in names(folder, ".") if name.startswith(("c.", "text"))] == [
        f"c.{name}" for name in sorted(PACKS)
    ]


def test_what_is_no_file_is_taken_as_it_is() -> None:
    given = ["-", "s3://bucket/*.pcap", "/dev/fd/63", "-"]
    assert expand(given).files == ["-", "s3://bucket/*.pcap", "/dev/fd/63"]


def test_each_file_once(folder: Path) -> None:
    (folder / "link.pcap").symlink_to(folder / "a.pcap")
    assert names(folder, "a.pcap", "link.pcap", "a.pcap", "*.pcap") == ["a.pcap", "odd[1].pcap"]


def test_names_that_lead_to_nothing_are_errors(folder: Path) -> None:
    (folder / "none").mkdir()
    found = expand([folder / "none", folder / "*.nothing", folder / "a.pcap"])
    assert len(found.files) == 1
    assert [str(error).rpartition(": ")[2] for error in found.errors] == [
        "no capture in this folder",
        "no capture matches",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.pcap")
    assert "pipe.pcap" not in names(folder, ".")
