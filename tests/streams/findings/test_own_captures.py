"""Nothing that is found in our own captures goes unexplained: `own_captures.tsv` says why it is so.

A line a capture, kind and severity, with the reason; of the rules about captures, signalling and
reports.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from tests.streams.findings.scenes import found

HERE = Path(__file__).resolve().parent
LIST = HERE / "own_captures.tsv"
FOLDERS = (HERE.parents[2] / "fixtures", HERE.parents[3] / "shared" / "fixtures")
SUFFIXES = (".pcap", ".pcapng")

Line = tuple[str, str, str]


def listed() -> dict[Line, str]:
    lines = [line.split("\t") for line in LIST.read_text(encoding="utf-8").splitlines()]
    return {(file, kind, severity): reason for file, kind, severity, reason in lines}


@pytest.mark.parametrize("folder", FOLDERS, ids=["shipped", "others"])
def test_no_finding_without_a_reason(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"no captures in {folder.name}")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]
    seen = {
        (path.name, finding.id, finding.severity)
        for path in paths
        for finding in found(rtpcap.open(path))
    }
    names = {path.name for path in paths}
    assert seen == {line for line in listed() if line[0] in names}
    assert all(len(reason.split()) > 3 for reason in listed().values())
