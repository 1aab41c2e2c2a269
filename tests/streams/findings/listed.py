"""What is found in the captures of our own, and why each of it is true: the lists beside this file.

``python -m tests.streams.findings`` prints what is found and not listed, and what is listed and not
found, as lines for a list; a reason has to be written behind each.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import rtpcap

__all__ = ["LISTS", "Found", "captures", "found_in", "listed"]

HERE = Path(__file__).resolve().parent
LISTS = sorted(HERE.glob("*.tsv"))
ROOT = HERE.parents[2]
FOLDERS = (ROOT / "fixtures", ROOT.parent / "shared" / "fixtures")
"""The captures that come with the project, and all of those they were chosen from."""
SUFFIXES = (".pcap", ".pcapng")


class Found(NamedTuple):
    """A finding as it is listed."""

    file: str
    id: str
    severity: str


def captures() -> dict[str, Path]:
    """All captures of our own that are here, by name."""
    found = {}
    for folder in reversed(FOLDERS):
        if folder.is_dir():
            found.update({p.name: p for p in folder.iterdir() if p.suffix in SUFFIXES})
    return dict(sorted(found.items()))


def found_in(path: Path) -> set[Found]:
    return {Found(path.name, f.id, f.severity) for f in rtpcap.open(path).findings}


def listed() -> dict[Found, str]:
    """What is to be found, with the reasons."""
    out: dict[Found, str] = {}
    for path in LISTS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                file, name, severity, reason = line.split("\t")
                out[Found(file, name, severity)] = reason
    return out
