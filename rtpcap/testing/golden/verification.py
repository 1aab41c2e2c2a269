"""verify: whether a capture still holds what was written down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtpcap.capture.files.held import is_stream
from rtpcap.errors import CaptureError
from rtpcap.testing.golden.comparison import compare_sections
from rtpcap.testing.golden.difference import Differences
from rtpcap.testing.golden.expectation import Expectation, digest, relative
from rtpcap.testing.golden.found import FRAMES, HEARD, find
from rtpcap.testing.golden.tolerance import Tolerances

if TYPE_CHECKING:
    from rtpcap.api import Capture

__all__ = ["verify"]


def verify(
    expectation: Expectation | str | os.PathLike[str],
    capture: Capture | str | os.PathLike[str] | None = None,
    *,
    tolerances: Mapping[str, float | None] | None = None,
) -> Differences:
    """What of a capture is not as it was written down; false, as empty, where all is.

    The capture is the one that the expectation names, opened as it was then, unless another is
    given. Where its file is another one than was written down a note says so, and the numbers of
    frames are not compared. `tolerances` go before those of the expectation. Raises SchemaError for
    what is no expectation, CaptureError where the capture cannot be read, OSError where a file
    cannot, ValueError for a tolerance of no name.

    >>> from rtpcap.testing import expect
    >>> verify(expect("fixtures/ff-pcmu.pcap"))
    <Differences of fixtures/ff-pcmu.pcap: as expected>
    """
    from rtpcap.api import Capture

    if not isinstance(expectation, Expectation):
        expectation = Expectation.read(expectation)
    content = expectation.content
    if not isinstance(capture, Capture):
        capture = _opened(expectation, capture)
    notes = _notes(expectation, capture)
    frames = dict.fromkeys(FRAMES if notes else ())
    allowed = Tolerances(tolerances or {}, expectation.tolerances, frames)
    sounds = content.get("sound", {})
    steps_s = {key: float(row["step_s"]) for key, row in sounds.items() if "step_s" in row}
    listen = "sound" in content or any(HEARD in row for row in content.get("digits", ()))
    found = find(capture, content, steps_s, listen=listen)
    return Differences(compare_sections(content, found, allowed), capture.path, notes)


def _opened(expectation: Expectation, path: str | os.PathLike[str] | None) -> Capture:
    from rtpcap.api import open

    paths = [_there(each) for each in expectation.paths] if path is None else [os.fspath(path)]
    opened = expectation.content.get("opened", {})
    named = {int(number): fmt for number, fmt in opened.get("pt_map", {}).items()}
    return open(paths[0] if len(paths) == 1 else paths, pt_map=named, rtp=opened.get("rtp"))


def _there(path: str) -> str:
    """The path as people here name it. Raises CaptureError where there is nothing."""
    if not is_stream(path) and not os.path.exists(path):
        raise CaptureError(f"{path}: the capture of an expectation is not there: name another")
    return min(relative(path, os.getcwd()), path, key=len)


def _notes(expectation: Expectation, capture: Capture) -> list[str]:
    rows = expectation.content["files"]
    if len(rows) != len(capture.files):
        return [
            f"{capture.path}: {len(capture.files)} files, {len(rows)} were written down; "
            "numbers of frames are not compared"
        ]
    return [
        f"{path}: another file than was written down; numbers of frames are not compared"
        for path, row in zip(capture.files, rows, strict=True)
        if row.get("sha256") is not None and digest(path) not in (None, row["sha256"])
    ]
