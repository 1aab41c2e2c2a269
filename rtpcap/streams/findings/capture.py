"""What is wrong with the capture itself: cut, doubled, dropped, damaged, or its clock set.

These say that figures and audio are worse, or other, than the calls were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import MOST_FRAMES, Finding, evidence_frames
from rtpcap.streams.findings.instants import coincidence
from rtpcap.streams.findings.words import listed, quoted

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "snaplen-cut": "packets were captured without their ends",
    "captured-twice": "packets are in the capture more than once",
    "capture-dropped-packets": "the capture itself lost packets",
    "damaged-file": "the file is damaged",
    "capture-clock-set-back": "times of the capture go back",
    "incomplete-tcp": "parts of TCP connections are not in the capture",
}

STEP_BACK_NS = 128_000_000
"""From this on it was no slewing: the offset at which ntpd steps a clock, and chrony and systemd
have theirs higher. Frames out of order by the queues of an interface are apart by far less."""

UNLIKELY = 1e-3
"""How likely at most that packets were lost at one instant by chance, where the capture is blamed
for it: one capture in a thousand is wronged."""

PERCENT = 100.0
SECOND_NS = 1_000_000_000


def cut(evidence: Evidence) -> Iterator[Finding]:
    """Packets of streams that the snap length cut, and how much of them is not there."""
    frames, captured, packets = [np.empty(0, np.uint32)], 0, 0
    streams = 0
    for stream in evidence.streams:
        table = stream.packets
        short = table.fault == Fault.CUT
        packets += len(table)
        if short.any():
            streams += 1
            frames.append(table.frame[short])
            captured += int(table.payload_size[short].sum())
    which = np.unique(np.concatenate(frames))
    if not streams:
        return
    missing, snap = _bytes_missing(evidence, which)
    whole = missing + captured
    share = PERCENT * missing / whole if whole else 0.0
    yield Finding(
        "snaplen-cut",
        "warning",
        f"{counted(len(which), 'packet')} of {packets:,} were captured without their ends: "
        f"{share:.0f} % of their payload is not in the file, and cannot be heard. Whoever captured "
        f"kept no more than {counted(snap, 'byte')} of a frame; a snap length of 0 keeps all.",
        {
            "packets": len(which),
            "streams": streams,
            "missing_bytes": missing,
            "missing_pct": share,
            "longest_frame_bytes": snap,
        },
        evidence_frames(which[:MOST_FRAMES].tolist()),
    )


def _bytes_missing(evidence: Evidence, frames: npt.NDArray[np.uint32]) -> tuple[int, int]:
    """How many bytes of some frames were not captured, and how long the longest of them is here."""
    missing = longest = 0
    for records in evidence.source.chunks():
        mine = np.isin(records.frame, frames)
        size = (records.end - records.begin)[mine]
        missing += int(np.maximum(records.original[mine] - size, 0).sum())
        longest = max(longest, int(size.max(initial=0)))
    return missing, longest


def doubled(evidence: Evidence) -> Iterator[Finding]:
    """Packets that the capture has more than once, as from two interfaces."""
    copies = packets = streams = 0
    frames: list[int] = []
    for stream in evidence.streams:
        own = stream.quality.captured_twice
        packets += stream.quality.packets
        if own:
            copies, streams = copies + own, streams + 1
            if len(frames) < MOST_FRAMES:
                rows = np.flatnonzero(stream.ledger.captured_twice)[:MOST_FRAMES]
                frames += stream.packets.frame[rows].tolist()
    if copies:
        yield Finding(
            "captured-twice",
            "note",
            f"The capture has {counted(copies, 'packet')} of {packets:,} only as copies of others, "
            f"in {counted(streams, 'stream')}: it ran on several interfaces, or on both sides of a "
            "router. The figures leave such copies out.",
            {"packets": copies, "streams": streams},
            evidence_frames(frames),
        )


def dropped_as_counted(evidence: Evidence) -> Iterator[Finding]:
    """Packets that the file itself says the capture lost (pcapng's interface statistics)."""
    lost = received = 0
    names: list[str] = []
    for source in getattr(evidence.source, "sources", [evidence.source]):
        interfaces = source.kept.interfaces
        for number, counts in source.kept.statistics.items():
            own = (counts.dropped or 0) + (counts.dropped_by_system or 0)
            if not own:
                continue
            lost += own
            received += counts.received or 0
            told = interfaces[number].name or interfaces[number].description
            names.append(quoted(told) if told else f"number {number}")
    if lost:
        told = f" of {received:,} that it saw" if received else ""
        yield Finding(
            "capture-dropped-packets",
            "warning",
            f"The capture lost {counted(lost, 'packet')}{told}, as its file says (interface "
            f"{listed(names)}): what streams lack may never have been lost in the network.",
            {"dropped": lost, "received": received},
        )


def dropped_at_once(evidence: Evidence) -> Iterator[Finding]:
    """Both directions lose packets in the same instants: no network does that."""
    found = coincidence(evidence.streams)
    if not found.instants or found.probability >= UNLIKELY:
        return
    much = "about once" if found.instants == 1 else f"{found.instants} times"
    odds = f"{1 / found.probability:,.0f}" if found.probability > 1e-9 else "a billion"
    yield Finding(
        "capture-dropped-packets",
        "warning",
        f"Packets of both directions are missing in the same instants, {much} "
        f"({counted(found.packets, 'packet')}): by chance that happens in less than one of {odds} "
        "captures, so it was the capture that dropped them, not the network.",
        {
            "instants": found.instants,
            "packets": found.packets,
            "expected_instants": found.expected,
            "probability": found.probability,
        },
        evidence_frames(found.frames),
    )


def damaged(evidence: Evidence) -> Iterator[Finding]:
    """A file that ends too early, or holds what can be no frame."""
    for damage in evidence.source.damage:
        last = (damage.frame or 1) - 1
        yield Finding(
            "damaged-file",
            "warning",
            f"The file is damaged: {quoted(str(damage), 200)}. What comes before was read.",
            {"offset_bytes": damage.offset},
            # The last that could be read; of several files it has another number here.
            evidence_frames([last] if damage.file is None and last else []),
        )


def clock_set_back(evidence: Evidence) -> Iterator[Finding]:
    """Times that fall from one frame to the next by more than queues can explain."""
    tables = [stream.packets for stream in evidence.streams]
    if not tables:
        return
    frame = np.concatenate([table.frame for table in tables])
    time_ns = np.concatenate([table.time_ns for table in tables])
    known = time_ns != NO_TIME
    frame, time_ns = frame[known], time_ns[known]
    order = np.argsort(frame, kind="stable")
    frame, time_ns = frame[order], time_ns[order]
    back = np.flatnonzero(np.diff(time_ns) <= -STEP_BACK_NS) + 1
    if len(back):
        most = float((time_ns[back - 1] - time_ns[back]).max()) / SECOND_NS
        yield Finding(
            "capture-clock-set-back",
            "warning",
            f"The times of the capture go back {counted(len(back), 'time')}, by {most:.3f} s at "
            "most: its clock was set, or files were joined out of order. Jitter, drift and lengths "
            "across that are wrong.",
            {"steps": len(back), "most_s": most},
            evidence_frames(frame[back[:MOST_FRAMES]].tolist()),
        )


def incomplete_tcp(evidence: Evidence) -> Iterator[Finding]:
    """Byte streams of which the capture lacks a part: messages in it are lost."""
    for row in evidence.incomplete.rows():
        count, reason = int(row["count"]), str(row["reason"])
        yield Finding(
            "incomplete-tcp",
            "note",
            f"A part of what went over TCP is not in the capture ({quoted(reason)}, "
            f"{counted(count, 'time')}): messages and packets in it are missing here.",
            {"count": count},
            evidence_frames([int(row["first_frame"])]),
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    damaged,
    cut,
    dropped_as_counted,
    dropped_at_once,
    clock_set_back,
    doubled,
    incomplete_tcp,
)
