"""What tshark says of each frame of a capture: its innermost UDP datagram, or that it has none.

As a command it goes through whole folders: ``python -m tests.capture.tshark FOLDER...``
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rtpcap.errors import CaptureError
from tests.capture.read import read_path

FIELDS = (
    "frame.number",
    "frame.protocols",
    "frame.len",
    "frame.cap_len",
    "ip.src",
    "ip.dst",
    "ip.len",
    "ip.hdr_len",
    "ip.flags.mf",
    "ip.frag_offset",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.fraghdr.offset",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
)
SETTINGS = ("ip.defragment:FALSE", "ipv6.defragment:FALSE")
NO_FRAGMENT = ("", "0", "False")
NETWORKS = ("ip", "ipv6")
UPPER = {*NETWORKS, "eth", "arp", "tcp", "icmp", "icmpv6", "esp", "sctp"}
"""Behind the last UDP header in a frame: it was a tunnel's."""
QUOTING = {"icmp", "icmpv6"}
SUFFIXES = {".pcap", ".pcapng", ".cap", ".rtp"}


@dataclass(frozen=True)
class Udp:
    """A datagram; the payload's length is what its header says."""

    src: str
    src_port: int
    dst: str
    dst_port: int
    length: int
    cut: bool


Opinion = Udp | str
"""A datagram; or why there is none; or, where it is empty, a frame that is no matter here."""


def opinions(path: Path) -> dict[int, Opinion]:
    """Frame -> what tshark says."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t"]
    for setting in SETTINGS:
        command += ["-o", setting]
    for name in FIELDS:
        command += ["-e", name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[int, Opinion] = {}
    for line in run.stdout.splitlines():
        row = dict(zip(FIELDS, line.split("\t"), strict=True))
        found[int(row["frame.number"])] = _opinion(row)
    return found


def _opinion(row: dict[str, str]) -> Opinion:
    def last(name: str) -> str:
        return row[name].rpartition(",")[2]

    pieces = (*row["ip.flags.mf"].split(","), *row["ip.frag_offset"].split(","))
    if row["ipv6.fraghdr.offset"] or any(piece not in NO_FRAGMENT for piece in pieces):
        return ""
    stack = row["frame.protocols"].split(":")
    if "udp" not in stack:
        return "no UDP"
    place = len(stack) - 1 - stack[::-1].index("udp")
    if UPPER & set(stack[place + 1 :]):
        return "something else in a tunnel"
    if QUOTING & set(stack[:place]):
        return "quoted in an error"
    if not last("udp.length"):
        return "cut inside its UDP header"
    family = [name for name in stack[:place] if name in NETWORKS][-1]
    length = int(last("udp.length"))
    room = int(last("ip.len")) - int(last("ip.hdr_len")) if family == "ip" else length
    if length < 8 or length > room > 0:
        return "UDP length that cannot be"
    return Udp(
        src=last(f"{family}.src"),
        src_port=int(last("udp.srcport")),
        dst=last(f"{family}.dst"),
        dst_port=int(last("udp.dstport")),
        length=length - 8,
        cut=row["frame.len"] != row["frame.cap_len"],
    )


def differences(path: Path) -> tuple[int, list[str]]:
    """How many datagrams are the same, and each frame that is not; CaptureError if not readable.

    An rtpdump is left out: tshark 4.0.17 does not open it.
    """
    reading = read_path(path)
    if reading.source.format == "rtpdump":
        return 0, []
    ours = {
        datagram.frame: datagram for datagram in reading.datagrams if datagram.transport == "udp"
    }
    same, other = 0, list[str]()
    theirs = opinions(path)
    for frame, opinion in theirs.items():
        found = ours.get(frame)
        if not opinion:
            continue
        if isinstance(opinion, str) or found is None:
            if not (isinstance(opinion, str) and found is None):
                other.append(f"frame {frame}: {opinion} in tshark, {found} here")
            continue
        ends = (found.src, found.src_port, found.dst, found.dst_port)
        length = len(found.payload)
        if ends != (opinion.src, opinion.src_port, opinion.dst, opinion.dst_port):
            other.append(f"frame {frame}: {opinion} in tshark, {ends} here")
        elif length > opinion.length or (length < opinion.length and not opinion.cut):
            other.append(f"frame {frame}: {opinion} in tshark, {length} bytes here")
        else:
            same += 1
    other += [f"frame {frame}: only here" for frame in sorted(set(ours) - set(theirs))]
    return same, other


def captures(folders: list[Path]) -> Iterator[Path]:
    """The capture files below some folders, in order."""
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def main(folders: list[Path]) -> int:
    """Print each difference; 1 where there was one."""
    agreed, differing = 0, 0
    for path in captures(folders):
        try:
            same, other = differences(path)
        except CaptureError:
            continue
        agreed, differing = agreed + same, differing + len(other)
        for line in other:
            sys.stdout.write(f"{path}: {line}\n")
    sys.stdout.write(f"{agreed} datagrams are the same, {differing} frames differ\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main([Path(folder) for folder in sys.argv[1:]]))
