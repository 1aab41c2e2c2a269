"""Calls that did not go as their signalling says: no sound, no end, sound after the end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.counted import counted
from rtpcap.streams.findings import descriptions
from rtpcap.streams.findings.agreed import Spoken, announced_places, sides, to_speak_s
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import MOST_FRAMES, Finding, evidence_frames
from rtpcap.streams.findings.words import quoted

if TYPE_CHECKING:
    from rtpcap.signalling import Dialog
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "no-audio": "neither side of an answered call was heard",
    "one-way-audio": "one side of an answered call was not heard",
    "signalling-only": "answered calls, and no RTP at all",
    "no-bye": "media ended, and no BYE was seen",
    "media-after-bye": "media went on after the call was hung up",
    **descriptions.KINDS,
}

SHORTEST_S = 2.0
"""For so long a side has to have been expected to send: less is over before media has begun. An
answer and its ACK may be sent again for a second or two (RFC 3261: T1 of 0.5 s, doubled)."""
LATE_S = 1.0
"""Media after a BYE that was on its way already, or went on until the BYE came, is none to tell
of: no path takes longer, and the BYE is first sent again after 0.5 s (RFC 3261 17.1.2.2)."""
GONE_S = 32.0
"""64 * T1 (RFC 3261 section 17.1.2.2): a BYE that nobody answers is sent again for so long."""

MOST_LOOKED_AT = 64
"""Streams at one place or host that a call is held against."""
SECOND_NS = 1_000_000_000


def no_sound(evidence: Evidence) -> Iterator[Finding]:
    """Answered calls, not on hold, in which a side or both sent nothing."""
    end_ns = evidence.source.last_time_ns
    silent = 0
    frames: list[int] = []
    if end_ns == NO_TIME:
        return
    running = _Running(evidence)
    for call in evidence.calls:
        dialog = call.dialog
        if dialog is None or dialog.answered is None:
            continue
        lacking = [
            (spoken, expected)
            for spoken in sides(call)
            if (expected := to_speak_s(dialog, spoken.side, end_ns)) >= SHORTEST_S
            and not any(stream.last_frame > dialog.answered.frame for stream in spoken.streams)
        ]
        if not lacking:
            continue
        if not len(evidence.streams):
            silent += 1
            frames.append(dialog.answered.frame)
        elif not running.may_be(call, dialog):
            finding = _silence(dialog, lacking, seen=running.passes(dialog))
            if finding is not None:
                yield finding
    if silent:
        yield Finding(
            "signalling-only",
            "note",
            f"{counted(silent, 'call')} {'were' if silent > 1 else 'was'} answered, and there is "
            "no RTP in the capture: the media took another way, or was not captured.",
            {"calls": silent},
            evidence_frames(frames),
        )


def _silence(dialog: Dialog, lacking: list[tuple[Spoken, float]], *, seen: bool) -> Finding | None:
    """The finding, where media of the call would have been `seen` at all."""
    assert dialog.answered is not None
    spoken, expected_s = lacking[0]
    call = spoken.call
    frames = evidence_frames([dialog.first.frame, dialog.answered.frame])
    if len(lacking) == 2:
        if not seen:
            return None
        return Finding(
            "no-audio",
            "error",
            f"Neither side sent a packet in the {expected_s:.1f} s of the answered call: nobody "
            "heard anything.",
            {"answered_s": expected_s},
            frames,
            call.call_id,
        )
    name = dialog.caller if spoken.side == "caller" else dialog.callee
    hearing = "callee" if spoken.side == "caller" else "caller"
    if not (call.right if spoken.side == "caller" else call.left):
        # The other one was not expected to send, and did not.
        return None
    return Finding(
        "one-way-audio",
        "error",
        f"The {spoken.side} ({quoted(name)}) sent no packet in the {expected_s:.1f} s of the "
        f"answered call: the {hearing} heard nothing, or the capture does not see this direction.",
        {"answered_s": expected_s, "side": spoken.side},
        frames,
        call.call_id,
    )


class _Running:
    """The streams of a capture by the places and hosts they run between."""

    def __init__(self, evidence: Evidence) -> None:
        told = {call.call_id for call in evidence.calls if call.dialog is not None}
        self._at_place: dict[tuple[str, int], list[Stream]] = {}
        self._at_host: dict[str, list[Stream]] = {}
        self._hosts: set[str] = set()
        for stream in evidence.streams:
            self._hosts |= {stream.src, stream.dst}
            if stream.call in told:
                for place in ((stream.src, stream.src_port), (stream.dst, stream.dst_port)):
                    self._at_place.setdefault(place, []).append(stream)
            else:
                for host in (stream.src, stream.dst):
                    self._at_host.setdefault(host, []).append(stream)

    def may_be(self, call: Call, dialog: Dialog) -> bool:
        """Whether a stream that is no stream of a call may be its all the same.

        One of another call that runs at a place this one named: an agent between two calls lets
        their ends send to each other. One that signalling tells nothing of, at a host of this one.
        """
        places = _places(dialog)
        hosts = {*dialog.hosts, *(address for address, _ in places)}
        beside = chain(
            *(_latest(self._at_place.get(place, ()), dialog) for place in places),
            *(_latest(self._at_host.get(host, ()), dialog) for host in hosts),
        )
        return any(
            stream.call != call.call_id and stream.last_frame >= dialog.first.frame
            for stream in beside
        )

    def passes(self, dialog: Dialog) -> bool:
        """Whether media of a call would have been seen: it was to go where its messages went, or
        other media goes there."""
        hosts = {address for address, _ in _places(dialog)}
        return bool(hosts & {*dialog.hosts, *self._hosts})


def _places(dialog: Dialog) -> set[tuple[str, int]]:
    return announced_places(dialog, "caller") | announced_places(dialog, "callee")


def _latest(streams: Sequence[Stream], dialog: Dialog) -> Sequence[Stream]:
    """The last of some streams that had begun when a call was over."""
    count = len(streams)
    if dialog.ended is not None:
        count = bisect_right(streams, dialog.ended.frame, key=lambda stream: stream.first_frame)
    return streams[max(count - MOST_LOOKED_AT, 0) : count]


def no_end(evidence: Evidence) -> Iterator[Finding]:
    """Calls without a BYE, though their media ended long before the capture did."""
    end_ns = evidence.source.last_time_ns
    for call in evidence.calls:
        dialog = call.dialog
        if dialog is None or dialog.state != "in-progress" or not call.streams:
            continue
        if dialog.last.time_ns is None or (call.holds and call.holds[-1].end_s is None):
            continue
        ends = [stream.end_ns for stream in call.streams if stream.end_ns is not None]
        last_ns = max([dialog.last.time_ns, *ends])
        quiet_s = (end_ns - last_ns) / SECOND_NS
        if end_ns != NO_TIME and quiet_s > GONE_S:
            frame = max(stream.last_frame for stream in call.streams)
            yield Finding(
                "no-bye",
                "note",
                f"The call has no end: its media stopped {quiet_s:.0f} s before the end of the "
                "capture, and no BYE was seen since.",
                {"quiet_s": quiet_s},
                evidence_frames([dialog.last.frame, frame]),
                call.call_id,
            )


def after_the_end(evidence: Evidence) -> Iterator[Finding]:
    """Media that went on after the BYE."""
    for call in evidence.calls:
        dialog = call.dialog
        # Who was transferred may keep his stream.
        if dialog is None or dialog.hung_up is None or dialog.successors:
            continue
        if dialog.ended is None or dialog.ended.time_ns is None or dialog.answered is None:
            continue
        for stream in call.streams:
            yield from _after(evidence, call, stream, dialog.ended.frame, dialog.ended.time_ns)


def _after(
    evidence: Evidence, call: Call, stream: Stream, frame: int, over_ns: int
) -> Iterator[Finding]:
    if stream.end_ns is None or stream.end_ns - over_ns <= LATE_S * SECOND_NS:
        return
    if evidence.signalling is not None:
        # The place may have become another call's meanwhile.
        for place in ((stream.dst, stream.dst_port), (stream.src, stream.src_port)):
            end = evidence.signalling.endpoints.find(*place, stream.last_frame)
            if end is not None and evidence.signalling.calls[end.dialog] is not call.dialog:
                return
    table = stream.packets
    late = np.flatnonzero(table.time_ns > over_ns + LATE_S * SECOND_NS)
    last_s = (stream.end_ns - over_ns) / SECOND_NS
    side = "caller" if stream in call.left else "callee"
    yield Finding(
        "media-after-bye",
        "note",
        f"The {side} sent on after the call was hung up: {counted(len(late), 'packet')} came more "
        f"than {LATE_S:.0f} s after the BYE, the last one {last_s:.1f} s after it.",
        {"packets": len(late), "last_s": last_s},
        evidence_frames([frame, *table.frame[late[: MOST_FRAMES - 1]].tolist()]),
        call.call_id,
        stream.ssrc,
    )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    no_sound,
    *descriptions.RULES,
    no_end,
    after_the_end,
)
