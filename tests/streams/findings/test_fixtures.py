"""Nothing is found in the captures of our own that is not explained, and all that is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.errors import RtpcapError
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


HEADER_BYTES = 24
"""Of the file: without it nothing is read at all."""
CALL = CAPTURES["pj-pcmu.pcap"].read_bytes()
CHANGES = st.lists(st.tuples(st.integers(HEADER_BYTES, len(CALL) - 1), st.integers(0, 255)))


@settings(max_examples=20, deadline=None)
@given(changes=CHANGES)
def test_a_damaged_call_has_findings_or_none(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(CALL)
    for at, value in changes:
        data[at] = value
    path = tmp_path_factory.mktemp("damaged") / "call.pcap"
    path.write_bytes(data)
    try:
        found = rtpcap.open(path).findings
    except RtpcapError:
        return
    frames = rtpcap.open(path).frames
    assert all(0 < frame <= frames for finding in found for frame in finding.frames)
