"""Rules about time without packets: media that stops, and silence that nobody fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.excused import call_of, on_hold, talk_ns
from rtpcap.streams.findings.finding import Finding, Severity
from rtpcap.streams.findings.telling import capital, of_call, of_stream, side_of, speaks, what
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "media-stopped": "a side sent nothing for a while, though the call went on",
    "dtx-without-comfort-noise": "silence is not sent, and nothing fills it",
}

STOPPED_S = 2.0
"""A pause in speech is shorter, with silence suppression too: the limit that dead air has."""
NOT_HEARD_S = 5.0
"""After so long people ask whether the other one is still there."""
AT_THE_END_S = 5.0
"""A side that falls silent so long before the end of the call has stopped; a program that is shut
down may send its last packet a little before its BYE."""
SILENCE_LASTS_S = 30.0
"""A sender that is silent, or described its silence, says no more for as long as that does not
change (RFC 3389 section 4; G.729 annex B), but not for ever."""
LOST_SHARE = 0.5
"""Where so many of the packets of a pause were sent, by their numbers, they are lost."""

SUPPRESSED = 2
"""Pauses of speech that a sender left out, from which on it is known for it."""
USUAL_MS = 20.0
"""Sound in a packet, where that is not known."""

LEAST_PAUSE_S = 0.1
"""A shorter pause is covered by concealment, or nearly so."""
HEARD_S = 2.0
"""So much of it in all is heard: the line sounds cut off again and again."""

NO_SILENCE_FRAME = frozenset(
    (
        *("pcmu", "pcma", "pcmu-wb", "pcma-wb", "l8", "l16", "l20", "l24", "g722", "gsm", "ilbc"),
        *("g726-16", "g726-24", "g726-32", "g726-40", "g728", "dvi4", "vdvi", "lpc"),
        *("aal2-g726-16", "aal2-g726-24", "aal2-g726-32", "aal2-g726-40"),
    )
)
"""Codecs, lower case, without a frame of their own that describes silence: for them there is
comfort noise (RFC 3389). AMR, EVS, G.723.1, Opus and Speex have one."""
G729_FRAME_BYTES, G729_SID_BYTES = 10, 2
"""A packet of G.729 may end with a frame of annex B (RFC 3551 section 4.5.6)."""


@dataclass(frozen=True)
class _Hole:
    """Time in which a side sent nothing."""

    begin_ns: int
    end_ns: int
    frames: tuple[int, ...]
    """Of the packets around it."""
    follows: bool = False
    """Whether the packet behind it is the next one in sequence: it may have been silence."""
    at_end: bool = False

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.begin_ns) / 1e9


def media_stopped(evidence: Evidence) -> Iterator[Finding]:
    """``media-stopped``: a side sends nothing for a while though the call goes on.

    Not while somebody is on hold, and not after a sender has described its silence.
    """
    of_calls: set[int] = set()
    for call in evidence.calls:
        if call.dialog is not None and call.dialog.answered is None:
            of_calls.update(stream.index for stream in call.streams)
            continue
        for side, streams in enumerate((call.left, call.right)):
            of_calls.update(stream.index for stream in streams)
            mine = [stream for stream in streams if speaks(stream) and stream.start_ns is not None]
            others = (call.right, call.left)[side]
            holes = [hole for hole in _holes(call, mine, others) if _odd(evidence, call, hole)]
            if holes:
                yield _stopped(evidence, call, side, mine, holes)
    for stream in evidence.streams:
        if stream.index in of_calls or not speaks(stream) or stream.start_ns is None:
            continue
        if (stream.quality.delta_max_ms or 0.0) < STOPPED_S * 1e3:
            continue
        holes = list(_inside([stream]))
        if holes:
            longest = max(holes, key=lambda hole: hole.seconds)
            yield of_stream(
                stream,
                "media-stopped",
                # Whether somebody waited for it is not known here: it may be a radio.
                "note",
                f"Nothing came for {longest.seconds:.1f} s in the middle of {what(stream)}"
                f"{_times(holes)}.",
                {"longest_s": round(longest.seconds, 3), "times": len(holes)},
                longest.frames,
            )


def _stopped(
    evidence: Evidence, call: Call, side: int, streams: list[Stream], holes: list[_Hole]
) -> Finding:
    longest = max(holes, key=lambda hole: hole.seconds)
    start_ns = _start_ns(evidence)
    at_s = (longest.begin_ns - start_ns) / 1e9
    severity: Severity = "error" if longest.seconds >= NOT_HEARD_S else "warning"
    if longest.follows and all(_unknown(stream) for stream in streams):
        severity = "note"
    goes_on = "until the end of the call" if longest.at_end else "and then went on"
    return of_call(
        call,
        "media-stopped",
        severity,
        f"{capital(side_of(call, side))} sent nothing for {longest.seconds:.1f} s, from "
        f"{at_s:.1f} s into the capture, {goes_on}{_times(holes)}.",
        {
            "longest_s": round(longest.seconds, 3),
            "start_s": round(at_s, 3),
            "times": len(holes),
        },
        longest.frames,
        streams[0].ssrc if len(streams) == 1 else None,
    )


def _unknown(stream: Stream) -> bool:
    """Whether nobody can say what a pause is: with some codecs silence is not sent."""
    return stream.format is None or stream.encrypted


def _times(holes: list[_Hole]) -> str:
    return "" if len(holes) == 1 else f"; {len(holes)} times in all"


def _start_ns(evidence: Evidence) -> int:
    return int(evidence.source.first_time_ns)


def _odd(evidence: Evidence, call: Call, hole: _Hole) -> bool:
    """Whether nothing excuses a hole."""
    start_ns = _start_ns(evidence)
    return not on_hold(call, (hole.begin_ns - start_ns) / 1e9, (hole.end_ns - start_ns) / 1e9)


def _holes(call: Call, mine: list[Stream], others: list[Stream]) -> Iterator[_Hole]:
    """Where a side of a call sent nothing, also before the end, if the other side was there."""
    if not mine:
        return
    yield from _inside(mine)
    talk = talk_ns(call)
    last = max(mine, key=lambda stream: stream.end_ns or 0)
    if talk is None or last.end_ns is None or _is_silence(last, len(last) - 1):
        return
    heard_until = [stream.end_ns for stream in others if stream.end_ns is not None]
    # The one who is still there proves that the call was, and that the capture was.
    end_ns = min(talk[1], max(heard_until, default=0))
    if end_ns - last.end_ns >= AT_THE_END_S * 1e9:
        yield _Hole(last.end_ns, end_ns, (last.last_frame,), at_end=True)


def _inside(streams: list[Stream]) -> Iterator[_Hole]:
    """Where none of some streams has packets, between the first and the last of all."""
    parts = []
    for number, stream in enumerate(streams):
        rows = np.flatnonzero(stream.packets.time_ns != NO_TIME)
        parts.append(np.column_stack([stream.packets.time_ns[rows], rows, rows * 0 + number]))
    table = np.concatenate(parts)
    table = table[np.argsort(table[:, 0], kind="stable")]
    for i in np.flatnonzero(np.diff(table[:, 0]) >= STOPPED_S * 1e9).tolist():
        (begin_ns, row, number), (end_ns, after, follower) = table[i : i + 2].tolist()
        before, behind = streams[number], streams[follower]
        lasts_s = SILENCE_LASTS_S if _is_silence(before, row) else STOPPED_S
        seconds = (end_ns - begin_ns) / 1e9
        follows = False
        if before is behind:
            ahead = int(before.ledger.extended[after] - before.ledger.extended[row])
            follows = ahead == 1 and before.ledger.epoch[after] == before.ledger.epoch[row]
            packets = seconds * 1e3 / (before.quality.ptime_ms or USUAL_MS)
            if ahead - 1 >= LOST_SHARE * packets:
                continue
            if follows and (before.packets.marker[after] or _suppresses_silence(before)):
                # It begins a talkspurt (RFC 3551 section 4.1): the pause was silence.
                lasts_s = SILENCE_LASTS_S
        if seconds >= lasts_s:
            frames = int(before.packets.frame[row]), int(behind.packets.frame[after])
            yield _Hole(begin_ns, end_ns, frames, follows)


def _suppresses_silence(stream: Stream) -> bool:
    """Whether a sender leaves out silence again and again, with marks or without."""
    pauses = [
        gap
        for gap in stream.gaps
        if gap.reason == "dtx"
        and gap.duration_s is not None
        and LEAST_PAUSE_S <= gap.duration_s < STOPPED_S
    ]
    return len(pauses) >= SUPPRESSED


def _is_silence(stream: Stream, row: int) -> bool:
    """Whether a packet says that its sender is silent from now on."""
    packets = stream.packets
    fmt = stream.formats.get(int(packets.payload_type[row]))
    if fmt is None:
        return False
    if fmt.is_comfort_noise:
        return True
    size = int(packets.payload_size[row])
    if fmt.name.lower() == "g729":
        return size % G729_FRAME_BYTES == G729_SID_BYTES
    least = SILENCE_BYTES.get(fmt.name.lower())
    return least is not None and size <= least


SILENCE_BYTES: Mapping[str, int] = {"amr": 7, "amr-wb": 7, "evs": 7, "g723": 4, "opus": 3}
"""The largest packet with nothing but a description of silence, by codec in lower case: a frame of
5 bytes and the headers of RFC 4867; G.723.1 in RFC 3551; one or two bytes besides Opus's first."""


def dtx_without_comfort_noise(evidence: Evidence) -> Iterator[Finding]:
    """``dtx-without-comfort-noise``: the sender leaves silence out and does not say how it sounds.

    The line falls dead in every pause.
    """
    calls = call_of(evidence)
    for stream in evidence.streams:
        if not speaks(stream) or _describes_silence(stream):
            continue
        silent = stream.quality.further.account["slots_silent"]
        if not silent:
            continue
        call = calls.get(stream.call or "")
        pauses = [
            gap
            for gap in stream.gaps
            if gap.reason == "dtx"
            and gap.duration_s is not None
            and LEAST_PAUSE_S <= gap.duration_s < SILENCE_LASTS_S
            # What is longer and begins no talkspurt has stopped: another rule tells it.
            and (
                gap.duration_s < STOPPED_S
                or _begins_talkspurt(stream, gap.frame_after)
                or _suppresses_silence(stream)
            )
            and not on_hold(call, gap.start_s or 0.0, (gap.start_s or 0.0) + gap.duration_s)
        ]
        if not pauses:
            continue
        total_s = sum(gap.duration_s or 0.0 for gap in pauses)
        yield of_stream(
            stream,
            "dtx-without-comfort-noise",
            "warning" if total_s >= HEARD_S else "note",
            f"The sender of {what(stream)} leaves silence out, {counted(len(pauses), 'time')} and "
            f"{total_s:.1f} s in all, and sends no comfort noise: the line sounds dead meanwhile.",
            {"pauses": len(pauses), "silent_s": round(total_s, 3)},
            _around((gap.frame_before, gap.frame_after) for gap in pauses),
        )


def _begins_talkspurt(stream: Stream, frame: int) -> bool:
    packets = stream.packets
    return bool(packets.marker[packets.frame == frame].any())


def _around(pairs: Iterable[tuple[int, int]]) -> list[int]:
    return [frame for pair in pairs for frame in pair]


def _describes_silence(stream: Stream) -> bool:
    """Whether a stream has packets that describe silence, or a codec of which that is unknown."""
    name = (stream.codec or "").lower()
    if any(
        fmt.is_comfort_noise and number in stream.payload_types
        for number, fmt in stream.formats.items()
    ):
        return True
    if name == "g729":
        size = stream.packets.payload_size
        return bool((size % G729_FRAME_BYTES == G729_SID_BYTES).any())
    return name not in NO_SILENCE_FRAME


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    media_stopped,
    dtx_without_comfort_noise,
)
