"""A file as bytes that are fetched as they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtpcap.capture.files.mapped import MappedFile


def test_the_bytes_of_the_file_also_after_they_were_given_back(tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    path = tmp_path / "file"
    path.write_bytes(content)
    mapped = MappedFile.of(path)
    assert mapped.data.tobytes() == content
    mapped.release()
    assert mapped.data.tobytes() == content
    with pytest.raises(ValueError, match="read-only"):
        mapped.data[0] = 1


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    mapped = MappedFile.of(path)
    assert len(mapped.data) == 0
    mapped.release()
