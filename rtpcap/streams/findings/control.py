"""What RTCP tells, or fails to tell, beside the streams: reports missing, loss elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, evidence_frames
from rtpcap.streams.findings.words import end, listed
from rtpcap.streams.ledger import FOREIGN
from rtpcap.streams.reports.beside import (
    LossReports,
    SeenPackets,
    beside,
    has_start,
    loss_reports,
)
from rtpcap.streams.reports.control import Control
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "missing-rtcp": "streams without any RTCP beside them",
    "no-reports-back": "the far end sends RTCP, but reports nothing of a stream",
    "loss-after-capture": "the far end lost packets that the capture has",
    "capture-dropped-packets": "the capture itself lost packets",
}

SILENT_S = 25.0
"""Five times the minimal interval of 5 s: who sends no RTCP for so long counts as gone (RFC 3550
sections 6.2 and 6.3.5)."""
FEWEST_LOST = 5
"""Fewer may be on their way, or counted by the other side in the report after."""
AUDIBLE_PCT = 1.0
"""Loss from which on it is heard with any codec: ITU-T G.113 appendix I has 1 % as the first step
that costs even codecs with concealment."""
MOSTLY = 0.5
"""The part of what the capture lacks that its receiver may lack too, where the capture is blamed
for the rest."""
PERCENT = 100.0
RTPDUMP = "rtpdump"
"""The format of files that hold what came to one port: RTCP goes to another."""

NOTHING = np.empty(0, np.int64)

Hosts = tuple[str, str]


def missing(evidence: Evidence) -> Iterator[Finding]:
    """Streams long enough for several reports, and no RTCP of either side beside them."""
    # A stream alone, in no call, was cut out of something: its RTCP may have been cut off.
    long = [s for s in evidence.streams if (s.duration_s or 0.0) > SILENT_S and s.call is not None]
    if not long or evidence.source.format == RTPDUMP:
        return
    there = _by_hosts(evidence.control)
    without = [s for s in long if not there.keys() & {(s.src, s.dst), (s.dst, s.src)}]
    if not without:
        return
    which = listed([f"0x{stream.ssrc:08x}" for stream in without])
    seconds = max(stream.duration_s or 0.0 for stream in without)
    yield Finding(
        "missing-rtcp",
        "note",
        f"{counted(len(without), 'stream')} ({which}) {'have' if len(without) > 1 else 'has'} no "
        f"RTCP beside {'them' if len(without) > 1 else 'it'} in {seconds:.0f} s: nothing tells "
        "what the far end received, and how long the way there is.",
        {"streams": len(without), "seconds": seconds},
        evidence_frames(stream.first_frame for stream in without),
        _only(stream.call for stream in without),
        without[0].ssrc if len(without) == 1 else None,
    )


def _only(calls: Iterable[str | None]) -> str | None:
    """The call that all are of; None where there are several."""
    found = set(calls)
    return found.pop() if len(found) == 1 else None


def _by_hosts(control: Control) -> dict[Hosts, list[int]]:
    """(from, to) -> the flows of RTCP between two hosts."""
    found: dict[Hosts, list[int]] = {}
    for number in np.unique(control.flow).tolist():
        flow = control.flows[number]
        found.setdefault((flow.src, flow.dst), []).append(number)
    return found


def no_reports(evidence: Evidence) -> Iterator[Finding]:
    """Streams of which the far end says nothing in its RTCP: it probably receives nothing."""
    long = [s for s in evidence.streams if (s.duration_s or 0.0) > SILENT_S]
    if not long:
        return
    control = evidence.control
    about = {int(ssrc) for ssrc in np.unique(control.blocks.about_ssrc)}
    reporters = {control.flows[n].src for n in np.unique(control.flow[control.blocks.row]).tolist()}
    speaking = np.unique(np.concatenate([control.senders.row, control.blocks.row]))
    to_place = _by_place(control, speaking)
    for stream in long:
        if stream.ssrc in about:
            continue
        # RTCP comes to the port of RTP, or to the next one (RFC 3550 section 11, RFC 5761).
        ports = (stream.src_port, stream.src_port + 1)
        mine = [to_place.get((stream.dst, stream.src, port), NOTHING) for port in ports]
        rows = np.sort(np.concatenate(mine))
        frame = control.frame[rows]
        rows = rows[(frame >= stream.first_frame) & (frame <= stream.last_frame)]
        times = control.time_ns[rows]
        # Of one report it may be that nothing had come yet.
        if len(rows) < 2 or NO_TIME in times or (times[-1] - times[0]) / 1e9 < SILENT_S:
            continue
        # Some report on nobody, whatever they receive.
        ever = stream.dst in reporters
        yield Finding(
            "no-reports-back",
            "warning" if ever else "note",
            f"{stream.dst} sends RTCP to {end(stream.src, stream.src_port)}, but does not report "
            f"on the stream from there in any of {counted(len(rows), 'datagram')}: it does not "
            f"receive it{'.' if ever else ', or never reports on anything.'}",
            {"datagrams": len(rows)},
            evidence_frames(control.frame[rows].tolist()),
            stream.call,
            stream.ssrc,
        )


def _by_place(
    control: Control, rows: npt.NDArray[np.int64]
) -> dict[tuple[str, str, int], npt.NDArray[np.int64]]:
    """(from, to, to which port) -> which of some datagrams went that way, in order of frames."""
    order = rows[np.argsort(control.flow[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(control.flow[order])) + 1
    found: dict[tuple[str, str, int], npt.NDArray[np.int64]] = {}
    for part in np.split(order, edges):
        if len(part):
            flow = control.flows[int(control.flow[part[0]])]
            place = (flow.src, flow.dst, flow.dst_port)
            found[place] = np.concatenate([found.get(place, NOTHING), part])
    return found


def compared(evidence: Evidence) -> Iterator[Finding]:
    """What the far ends lost, beside what the capture lacks."""
    by_ssrc: dict[int, list[Stream]] = {}
    for stream in evidence.streams:
        by_ssrc.setdefault(stream.ssrc, []).append(stream)
    if not by_ssrc:
        return
    control = evidence.control
    told: set[tuple[int, str]] = set()
    for (_, about, number), reports in loss_reports(control).items():
        flow = control.flows[number]
        # A report goes back to where the stream comes from.
        streams = [s for s in by_ssrc.get(about, ()) if s.src == flow.dst]
        streams = [s for s in streams if s.dst == flow.src] or streams
        if len(streams) != 1 or (streams[0].index, flow.src) in told:
            continue
        told.add((streams[0].index, flow.src))
        yield from _compared(control, reports, streams[0])


def _compared(control: Control, reports: LossReports, stream: Stream) -> Iterator[Finding]:
    lost = reports.cumulative_lost
    most_told = int(lost.max(initial=0)) - int(lost.min(initial=0))
    if max(most_told, stream.quality.lost) < FEWEST_LOST:
        # As of nearly every stream: nobody lost anything, and no ledger has to be looked at.
        return
    ledger = stream.ledger
    own = ~ledger.captured_twice & (ledger.epoch != FOREIGN)
    frame = stream.packets.frame[own]
    seen = SeenPackets(frame, ledger.extended[own], ledger.epoch[own], ledger.duplicate[own])
    found = beside(reports, seen, from_start=has_start(control, stream.ssrc, seen))
    if not found.known.any():
        return
    expected = int(found.expected[found.known].sum())
    captured, after = found.total()
    reported = captured + after
    worst = np.flatnonzero(found.known & (found.after > 0))
    numbers: dict[str, int | float | str] = {
        "expected": expected,
        "lost_at_receiver": reported,
        "lost_at_capture": captured,
    }
    if after >= FEWEST_LOST and expected:
        share = PERCENT * after / expected
        yield Finding(
            "loss-after-capture",
            "warning" if share >= AUDIBLE_PCT else "note",
            f"{stream.dst} reports {counted(reported, 'packet')} lost of {expected:,}, of which "
            f"the capture lacks only {captured:,}: {counted(after, 'packet')} ({share:.1f} %) got "
            "lost behind the place of the capture.",
            {**numbers, "lost_after_pct": share},
            evidence_frames(reports.frame[worst].tolist()),
            stream.call,
            stream.ssrc,
        )
    # Copies and late packets make a receiver's count less than what it lacked (RFC 3550 A.3).
    elif captured >= FEWEST_LOST and reported <= MOSTLY * captured and not seen.duplicate.any():
        fewer = np.flatnonzero(found.known & (found.after < 0))
        yield Finding(
            "capture-dropped-packets",
            "warning",
            f"The capture lacks {counted(captured, 'packet')} of {expected:,} that {stream.dst} "
            f"was sent, which itself reports {max(reported, 0):,} lost: the capture dropped the "
            "others, or frames were taken out of it.",
            numbers,
            evidence_frames(reports.frame[fewer].tolist()),
            stream.call,
            stream.ssrc,
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (missing, no_reports, compared)
