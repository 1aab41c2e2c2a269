"""What is known of the captures beside the project: their list, and other programs' figures.

The captures are not the project's own and are read where they stand, in ``../shared/captures``;
without that folder the tests over them are skipped, unless ``RTPCAP_REQUIRE_CAPTURES=1`` says that
it has to be there.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from tests.reference.rules import STATIC_CLOCKS

__all__ = [
    "CAPTURES",
    "Golden",
    "PartD",
    "StreamKey",
    "TableRow",
    "capture_names",
    "clocks_for_tshark",
    "golden_streams",
    "part_d",
    "require_captures",
    "stream_tables",
]

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT.parent / "shared" / "captures"
REFERENCE = CAPTURES / "reference"

StreamKey = tuple[str, int, str, int, int]
"""src, src_port, dst, dst_port, ssrc."""


@dataclass(frozen=True)
class PartD:
    """A row of part D: one SSRC from one sender to one port, counted from the sequence numbers.

    `packets` and `copies` hold copies made by the capture and packets quoted in ICMP errors too.
    The ports are None where tshark found the packet outside UDP.
    """

    ssrc: int
    src: str
    src_port: int | None
    dst_port: int | None
    packets: int
    expected: int
    lost: int
    copies: int
    reordered: int


@dataclass(frozen=True)
class TableRow:
    """A row of tshark's stream list (parts A and B)."""

    key: StreamKey
    packets: int
    delta_ms: tuple[float, float, float]
    """Smallest, mean and largest."""
    jitter_mean_ms: float
    jitter_max_ms: float
    announced: bool
    """Whether signalling announced the stream (part A); else only tshark's heuristic found it."""


@dataclass(frozen=True)
class Golden:
    """A row of ``GOLDEN_STREAMS.tsv``: ticks of 1/8000 s as published, ms by our definition."""

    capture: str
    ssrc: int
    packets: int
    duplicates: int
    lost: int
    last_ticks: float
    mean_ticks: float
    max_ticks: float
    jitter_ms: float
    jitter_max_ms: float
    jitter_last_ms: float


def require_captures() -> Path:
    """The folder of captures; skips the test where it is absent, or fails where it must be."""
    if CAPTURES.is_dir():
        return CAPTURES
    if os.environ.get("RTPCAP_REQUIRE_CAPTURES") == "1":
        pytest.fail(f"RTPCAP_REQUIRE_CAPTURES=1, but there is no {CAPTURES}")
    pytest.skip("the folder shared/captures is not beside the project")


def capture_names() -> list[str]:
    """Names of all captures, as in the manifest; empty where the folder is absent."""
    manifest = CAPTURES / "MANIFEST.tsv"
    if not manifest.exists():
        return []
    lines = manifest.read_text(encoding="utf-8").splitlines()
    return [line.split("\t", 1)[0] for line in lines[1:]]


def _reference(capture: str) -> str:
    path = REFERENCE / (capture.replace("/", "__") + ".streams.txt")
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _part(text: str, letter: str) -> str:
    begin = text.find(f"### {letter}.")
    end = text.find("\n### ", begin)
    return "" if begin < 0 else text[begin : end if end >= 0 else None]


def part_d(capture: str) -> list[PartD]:
    """The rows of part D, in the order of the file."""
    rows = []
    for line in _part(_reference(capture), "D").splitlines():
        if not line.startswith("{"):
            continue
        row = cast(Mapping[str, str | int], json.loads(line))
        src, _, src_port = str(row["src"]).rpartition(":")
        rows.append(
            PartD(
                ssrc=int(str(row["ssrc"]), 16),
                src=src,
                src_port=int(src_port) if src_port else None,
                dst_port=int(row["dport"]) if row["dport"] else None,
                packets=int(row["pkts"]),
                expected=int(row["expected"]),
                lost=int(row["lost"]),
                copies=int(row["dup"]),
                reordered=int(row["reordered"]),
            )
        )
    return rows


def _table(text: str, announced: bool) -> dict[StreamKey, TableRow]:
    rows = {}
    for line in text.splitlines():
        before, ssrc, after = line.partition(" 0x")
        addresses = before.split()
        # A payload text with blanks in it stands between the SSRC and the figures; an X at the end
        # says that tshark sees a problem.
        words = after.split()
        if not ssrc or len(addresses) != 6:
            continue
        if words[-1] == "X":
            words.pop()
        src, src_port, dst, dst_port = addresses[2:]
        key = (src, int(src_port), dst, int(dst_port), int(words[0], 16))
        rows[key] = TableRow(
            key=key,
            packets=int(words[-9]),
            delta_ms=(float(words[-6]), float(words[-5]), float(words[-4])),
            jitter_mean_ms=float(words[-2]),
            jitter_max_ms=float(words[-1]),
            announced=announced,
        )
    return rows


def stream_tables(capture: str) -> list[TableRow]:
    """tshark's streams: those of part B, which holds all of part A, often more of it."""
    text = _reference(capture)
    announced = _table(_part(text, "A"), announced=True)
    found = _table(_part(text, "B"), announced=False)
    return [replace(row, announced=row.key in announced) for row in found.values()]


def clocks_for_tshark(capture: Path, announced: bool) -> Mapping[int, int] | None:
    """Clock rates that tshark knows for a stream of this capture.

    Without signalling only the static ones. With it, the dynamic numbers of the SDP bodies in the
    file; None where bodies disagree about a number, because then it takes the signalling itself to
    tell which stream is meant.
    """
    clocks = dict(STATIC_CLOCKS)
    if not announced:
        return clocks
    told = re.findall(rb"a=rtpmap:(\d+) ([\w.-]+)/(\d+)", capture.read_bytes())
    for number, name, rate in told:
        payload_type = int(number)
        if payload_type < 96 or name.lower() == b"telephone-event":
            continue
        if clocks.setdefault(payload_type, int(rate)) != int(rate):
            return None
    return clocks


def golden_streams() -> list[Golden]:
    """The rows of ``GOLDEN_STREAMS.tsv``; empty where the folder is absent."""
    path = REFERENCE / "GOLDEN_STREAMS.tsv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Golden(
                capture=row["capture"],
                ssrc=int(row["ssrc"], 16),
                packets=int(row["packets"]),
                duplicates=int(row["duplicates"]),
                lost=int(row["lost"]),
                last_ticks=float(row["last_jitter_ticks"]),
                mean_ticks=float(row["average_jitter_ticks"]),
                max_ticks=float(row["max_jitter_ticks"]),
                jitter_ms=float(row["our_jitter_ms"]),
                jitter_max_ms=float(row["our_jitter_max_ms"]),
                jitter_last_ms=float(row["our_jitter_last_ms"]),
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]
