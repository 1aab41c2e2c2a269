"""Rules about a sender that changes: another SSRC, a new beginning, another packet length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from rtpcap.rtp.serial import steps
from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.excused import agreed_anew, call_of, on_hold
from rtpcap.streams.findings.finding import Finding
from rtpcap.streams.findings.telling import Numbers, of_stream, route, speaks, what
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "ssrc-change": "a stream goes on under another SSRC, unannounced",
    "restart": "sequence numbers and timestamps begin anew",
    "packet-time-change": "packets become longer or shorter in the middle",
}

SAME_TALK_S = 5.0
"""Between streams further apart there was a call's end, as far as the packets tell."""
OVERLAP_S = 0.5
"""Streams that run side by side longer are two sources, none of which takes the other's place."""
LEAST_PACKETS = 10
"""Fewer are strays."""
NOTICED_S = 0.2
"""A pause that people hear: 200 ms is a syllable."""
LEAST_RUN = 25
"""Packets of one length in a row, half a second as a rule, that are no accident."""


def ssrc_change(evidence: Evidence) -> Iterator[Finding]:
    """``ssrc-change``: a stream ends and one with another SSRC goes on between the same ends.

    Nobody had agreed on it: the change that a new answer brings is as it should be.
    """
    flows: dict[tuple[str, int, str, int], list[Stream]] = {}
    for stream in evidence.streams:
        if len(stream) >= LEAST_PACKETS and speaks(stream) and stream.start_ns is not None:
            key = (stream.src, stream.src_port, stream.dst, stream.dst_port)
            flows.setdefault(key, []).append(stream)
    calls = call_of(evidence)
    for streams in flows.values():
        if len(streams) < 2:
            continue
        streams.sort(key=lambda stream: stream.start_ns or 0)
        changes = [
            (old, new, gap_s)
            for old, new in pairwise(streams)
            if (gap_s := _taken_over_s(old, new, calls)) is not None
        ]
        if not changes:
            continue
        gap_s = max(gap_s for _, _, gap_s in changes)
        old, new, _ = changes[0]
        silent = f", {gap_s:.1f} s after the last packet before" if gap_s >= NOTICED_S else ""
        times = "" if len(changes) == 1 else f" {len(changes)} times"
        numbers: Numbers = {
            "changes": len(changes),
            "longest_gap_s": round(max(gap_s, 0.0), 3),
            "ssrc_before": f"0x{old.ssrc:08x}",
        }
        yield of_stream(
            new,
            "ssrc-change",
            "warning" if gap_s >= NOTICED_S else "note",
            f"The sender from {route(new)} changed its SSRC{times} in the middle{silent}.",
            numbers,
            [frame for old, new, _ in changes for frame in (old.last_frame, new.first_frame)],
        )


def _taken_over_s(old: Stream, new: Stream, calls: dict[str, Call]) -> float | None:
    """The pause between a stream and one that takes its place; None where it does not."""
    if old.ssrc == new.ssrc or old.call != new.call:
        return None
    if old.end_ns is None or new.start_ns is None:
        return None
    gap_s = (new.start_ns - old.end_ns) / 1e9
    if not -OVERLAP_S <= gap_s <= SAME_TALK_S:
        return None
    call = calls.get(new.call or "")
    if agreed_anew(call, min(old.end_ns, new.start_ns), new.start_ns):
        return None
    return gap_s


def restarts(evidence: Evidence) -> Iterator[Finding]:
    """``restart``: sequence numbers and timestamps begin anew under the same SSRC."""
    calls = call_of(evidence)
    for stream in evidence.streams:
        if not stream.quality.restarts or not speaks(stream):
            continue
        call = calls.get(stream.call or "")
        found = []
        for gap in stream.gaps:
            if gap.reason != "restart":
                continue
            if gap.start_s is not None and stream.start_ns is not None:
                end_s = gap.start_s + (gap.duration_s or 0.0)
                since_ns = stream.start_ns - round((stream.start_s or 0.0) * 1e9)
                at = (since_ns + round(gap.start_s * 1e9), since_ns + round(end_s * 1e9))
                if agreed_anew(call, *at) or on_hold(call, gap.start_s, end_s):
                    continue
            found.append(gap)
        if not found:
            continue
        pause_s = max(gap.duration_s or 0.0 for gap in found)
        heard = pause_s >= NOTICED_S
        silent = f", with a pause of up to {pause_s:.1f} s" if heard else ""
        yield of_stream(
            stream,
            "restart",
            "warning" if heard else "note",
            f"Sequence numbers and timestamps of {what(stream)} began anew "
            f"{counted(len(found), 'time')}{silent}.",
            {"restarts": len(found), "longest_gap_s": round(pause_s, 3)},
            [frame for gap in found for frame in (gap.frame_before, gap.frame_after)],
        )


def packet_time_change(evidence: Evidence) -> Iterator[Finding]:
    """``packet-time-change``: packets hold more or less sound than before, from one on."""
    calls = call_of(evidence)
    for stream in evidence.streams:
        if not speaks(stream) or stream.clock_rate is None or len(stream) < 2 * LEAST_RUN:
            continue
        runs = _runs(stream)
        lengths = sorted({ticks for ticks, _ in runs})
        if len(lengths) < 2:
            continue
        time_ns, frame = stream.packets.time_ns, stream.packets.frame
        changed = []
        for (before, _), (after, row) in pairwise(runs):
            at_ns = int(time_ns[row])
            if after != before and not agreed_anew(calls.get(stream.call or ""), at_ns, at_ns):
                changed.append(int(frame[row]))
        if not changed:
            continue
        lengths_ms = [ticks / stream.clock_rate * 1e3 for ticks in lengths]
        yield of_stream(
            stream,
            "packet-time-change",
            "note",
            f"Packets of {what(stream)} change their length in the middle: from "
            f"{_first_ms(runs, stream.clock_rate):g} ms to others "
            f"between {lengths_ms[0]:g} and {lengths_ms[-1]:g} ms.",
            {
                "changes": len(changed),
                "shortest_ms": round(lengths_ms[0], 3),
                "longest_ms": round(lengths_ms[-1], 3),
            },
            changed,
        )


def _first_ms(runs: list[tuple[int, int]], clock_rate: int) -> float:
    return runs[0][0] / clock_rate * 1e3


def _runs(stream: Stream) -> list[tuple[int, int]]:
    """(ticks in a packet, row of the first) of each long run of packets of one length.

    Of packets that follow each other in the sequence and have one payload number; others end no
    run and are in none, such as those beside a loss or a key press.
    """
    packets = stream.packets
    media = [number for number, fmt in stream.formats.items() if fmt == stream.format]
    rows = np.flatnonzero(np.isin(packets.payload_type, media))
    ahead = steps(packets.timestamp[rows])[1:]
    follows = steps(packets.sequence[rows])[1:] == 1
    rows, ahead = rows[:-1][follows], ahead[follows]
    if not len(rows):
        return []
    heads = np.append(0, np.flatnonzero(np.diff(ahead)) + 1)
    lengths = np.diff(heads, append=len(ahead))
    long = (lengths >= LEAST_RUN) & (ahead[heads] > 0)
    return [(int(ahead[i]), int(rows[i])) for i in heads[long]]


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    ssrc_change,
    restarts,
    packet_time_change,
)
