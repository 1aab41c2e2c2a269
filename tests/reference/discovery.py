"""How well streams are found: ``python -m tests.reference.discovery``.

Over every capture of ``../shared/captures`` the streams found are held against part D, which lists
every SSRC that another program found three packets of. A stream found that part D does not list
is false, a row of part D that is not found is missed, unless ``discovery.tsv`` says why not: each
of its rows is a judgement on one stream, with its reason. A capture without rows of either kind
holds no RTP; an rtpdump holds nothing else. Over ``../shared/fixtures``, whose senders are known,
tshark's heuristic takes the place of part D.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import rtpcap
from tests.reference.facts import CAPTURES, capture_names, part_d

__all__ = ["FIXTURE", "Judged", "Key", "Verdict", "judge", "judge_fixtures", "verdicts"]

HERE = Path(__file__).resolve().parent
FIXTURES = CAPTURES.parent / "fixtures"
PART_D_EXCEPTIONS = HERE.parent / "part_d_exceptions.tsv"
FIXTURE = "fixtures/"
"""Before the name of a capture in the list that is one of the fixtures."""
FEWEST = 3
"""Part D leaves out what has fewer packets."""

Key = tuple[str, int, str, int | None]
"""capture, ssrc, src (address:port), dst_port: as part D has it."""

Verdict = Literal["real", "no RTP", "missed"]
"""``real``: found, though not in part D; ``no RTP``: in part D, but none; ``missed``: RTP that is
not found."""


@dataclass
class Judged:
    """What came of all captures; `false` and `missed` are what nothing excuses."""

    without_rtp: list[str] = field(default_factory=list)
    with_rtp: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    streams: int = 0
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    """What a row of the lists explains, with its reason."""
    used: set[Key] = field(default_factory=set)
    """The keys of those rows."""


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _key(row: dict[str, str]) -> Key:
    dst_port = int(row["dport"]) if row["dport"] else None
    return row["capture"], int(row["ssrc"], 16), row["src"], dst_port


def verdicts() -> dict[Key, tuple[str, str]]:
    """(verdict, reason) of each stream that is listed."""
    return {_key(row): (row["verdict"], row["reason"]) for row in _rows(HERE / "discovery.tsv")}


def _elsewhere() -> dict[Key, str]:
    """Why rows of part D cannot be met at all, as the test of their counts has it."""
    return {_key(row): row["reason"] for row in _rows(PART_D_EXCEPTIONS)}


def _of(stream: rtpcap.Stream, capture: str, told: set[Key]) -> Key:
    """The key of a stream; without ports where part D, as for all of TCP, tells none."""
    portless: Key = (capture, stream.ssrc, f"{stream.src}:", None)
    if stream.flow.transport == "tcp" and portless in told:
        return portless
    return capture, stream.ssrc, f"{stream.src}:{stream.src_port}", stream.dst_port


def judge(names: Iterable[str]) -> Judged:
    """Find the streams of captures and hold them against part D."""
    listed, elsewhere = verdicts(), _elsewhere()
    judged = Judged()
    real = {key[0] for key, (verdict, _) in listed.items() if verdict == "real"}
    for name in names:
        told: set[Key] = {
            (
                name,
                row.ssrc,
                f"{row.src}:{'' if row.src_port is None else row.src_port}",
                row.dst_port,
            )
            for row in part_d(name)
        }
        rtp = {key for key in told if listed.get(key, ("",))[0] != "no RTP"}
        try:
            capture = rtpcap.open(CAPTURES / name)
            found = {
                _of(stream, name, told)
                for stream in capture.streams
                # What signalling announced is a stream however short; part D lists none of these.
                if len(stream) >= FEWEST
            }
        except rtpcap.CaptureError:
            judged.unreadable.append(name)
            found = set()
        else:
            if capture.format == "rtpdump":
                # It holds RTP and nothing else; part D knows none, as tshark does not read it.
                rtp |= found
        (judged.with_rtp if rtp or name in real else judged.without_rtp).append(name)
        judged.streams += len(found)
        for key in sorted(found - rtp, key=str):
            _enter(key, "real", listed, {}, judged, judged.false)
        for key in sorted(rtp - found, key=str):
            _enter(key, "missed", listed, elsewhere, judged, judged.missed)
        judged.used |= told - rtp
    return judged


def _enter(
    key: Key,
    verdict: Verdict,
    listed: dict[Key, tuple[str, str]],
    elsewhere: dict[Key, str],
    judged: Judged,
    failures: list[str],
) -> None:
    capture, ssrc, src, dst_port = key
    text = f"{capture} 0x{ssrc:08x} {src} > {dst_port}"
    said, reason = listed.get(key, ("", ""))
    if said == verdict:
        judged.used.add(key)
        judged.excused.append(f"{verdict}: {text}: {reason}")
    elif key in elsewhere:
        judged.excused.append(f"{verdict}: {text}: {elsewhere[key]}")
    else:
        failures.append(text)


def _heuristic(path: Path) -> dict[tuple[int, str, int, int], int]:
    """Packets of each (ssrc, src, src_port, dst_port) that tshark's heuristic sees."""
    names = ("rtp.ssrc", "ip.src", "ipv6.src", "udp.srcport", "udp.dstport")
    command = ["tshark", "-r", str(path), "--enable-heuristic", "rtp_udp", "-Y", "rtp && !icmp"]
    command += ["-T", "fields", "-E", "occurrence=l"]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counts: dict[tuple[int, str, int, int], int] = {}
    for line in done.stdout.splitlines():
        ssrc, ip, ipv6, src_port, dst_port = line.split("\t")
        if ssrc and src_port:
            key = (int(ssrc, 16), ipv6 or ip, int(src_port), int(dst_port))
            counts[key] = counts.get(key, 0) + 1
    return counts


def judge_fixtures() -> Judged:
    """The same for the fixtures, of which every flow of RTP has a known sender."""
    listed = verdicts()
    judged = Judged()
    for path in sorted(FIXTURES.glob("*.pcap*")):
        name = FIXTURE + path.name
        told: set[Key] = {
            (name, ssrc, f"{src}:{src_port}", dst_port)
            for (ssrc, src, src_port, dst_port), count in _heuristic(path).items()
            if count >= FEWEST
        }
        found = {_of(stream, name, told) for stream in rtpcap.open(path).streams}
        judged.streams += len(found)
        (judged.with_rtp if told else judged.without_rtp).append(name)
        for key in sorted(found - told, key=str):
            _enter(key, "real", listed, {}, judged, judged.false)
        for key in sorted(told - found, key=str):
            _enter(key, "missed", listed, {}, judged, judged.missed)
    return judged


def _report(what: str, judged: Judged) -> None:
    lines = [
        f"{what}: {len(judged.with_rtp)} captures with RTP, {len(judged.without_rtp)} without, "
        f"{len(judged.unreadable)} of them of no readable format; {judged.streams} streams found"
    ]
    for heading, streams in (
        ("false streams", judged.false),
        ("missed streams", judged.missed),
        ("explained", judged.excused),
    ):
        lines += [f"  {heading}: {len(streams)}", *(f"    {stream}" for stream in streams)]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    """Print the figures, and every stream that is not plainly right."""
    _report("others' captures", judge(capture_names()))
    if FIXTURES.is_dir():
        _report("fixtures", judge_fixtures())


if __name__ == "__main__":
    main()
