"""Nothing is found in the captures of our own that is not explained, and all that is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streams.findings.listed import FOLDERS, captures, found_in, listed

CAPTURES = captures()


@pytest.mark.parametrize("path", CAPTURES.values(), ids=CAPTURES)
def test_what_is_found_is_explained(path: Path) -> None:
    assert found_in(path) == {found for found in listed() if found.file == path.name}


def test_each_line_has_a_reason_and_a_capture() -> None:
    for found, reason in listed().items():
        assert len(reason.split()) > 3, found
    if not FOLDERS[1].is_dir():
        pytest.skip(f"the rest of the captures is not here: {FOLDERS[1]}")
    assert {found.file for found in listed()} <= set(CAPTURES)
