"""Rules about both sides of a call together: one or none is heard, dead air, echo."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rtpcap.audio.echo import find_echo
from rtpcap.audio.line import Line, Samples
from rtpcap.audio.one_way import LEAST_S, Side, judge
from rtpcap.errors import CodecUnavailable
from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.excused import both_may_speak, on_hold, talk_ns
from rtpcap.streams.findings.finding import MOST_FRAMES, Finding
from rtpcap.streams.findings.telling import (
    capital,
    frames_at,
    of_call,
    of_stream,
    side_of,
    speaks,
    what,
)
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "one-way-audio": "one side of an answered call was not heard",
    "no-audio": "neither side of an answered call was heard",
    "dead-air": "nobody was heard for a while",
    "echo": "what one side says comes back on the other",
}

SPOKEN_BY_S = 10.0
"""Who has said nothing by then may still be listening; in a longer call everybody has spoken."""
OTHER_HEARD_S = 1.0
"""A word: less sound of the other side is no conversation, with which one could compare."""

BOTH_SILENT_S = 5.0
"""In conversation both are silent for half a second on average (ITU-T P.59), and hardly ever for
more than two or three; after five one asks whether the other is still there."""
ALONE_SILENT_S = 20.0
"""Of a stream that nothing answers: the other one may have been talking elsewhere."""

ECHO_LOOKED_AT_S = 60.0
"""An echo is there from the beginning or not at all; both sides are decoded once more for it."""
NOTICED_MS = 25.0
"""A shorter delay makes the voice fuller and is no echo to those who hear it (ITU-T G.131)."""
LEAST_HEARD_S = 2.0
"""Sound of both sides without which an echo cannot be told."""
SYLLABLE_S = 0.1
"""Over this time loudness is like itself: what is longer apart counts as independent ..."""
SURE = 4.5
"""... so the correlation of two people who know nothing of each other is 0, within the root of the
number of syllables. Of 200 delays the highest lies 3 such deviations off, 4.5 in no call of
10,000."""


def _spoken(side: list[Stream]) -> list[Stream]:
    return [stream for stream in side if speaks(stream)]


def _side(streams: list[Stream], seconds: float) -> Side:
    """What a side brought; of several streams the one with the most sound speaks for it."""
    packets = sum(stream.quality.packets for stream in streams)
    if any(stream.heard is None for stream in streams):
        # One of them may have been heard.
        return Side(packets, seconds)
    sides = [Side(packets, seconds, stream.heard.levels) for stream in streams if stream.heard]
    return max(sides, key=lambda side: side.heard_s or 0.0, default=Side(0, seconds))


def _conversations(evidence: Evidence) -> Iterator[tuple[Call, float]]:
    """The calls in which both sides were to be heard, and for how long."""
    for call in evidence.calls:
        talk = talk_ns(call)
        if talk is not None and both_may_speak(call) and not _all_held(call):
            seconds = (talk[1] - talk[0]) / 1e9
            if seconds >= LEAST_S:
                yield call, seconds


def _all_held(call: Call) -> bool:
    """Whether somebody was on hold as good as all the time."""
    held = sum((hold.end_s or 0.0) - (hold.start_s or 0.0) for hold in call.holds)
    return any(hold.end_s is None for hold in call.holds) or held > (call.talk_s or 0.0) / 2 > 0


def one_way_audio(evidence: Evidence) -> Iterator[Finding]:
    """``one-way-audio``: one side is heard, and of the other nothing comes but silence.

    Who sent no packets at all is told by the rules about signalling.
    """
    for call, seconds in _conversations(evidence):
        sides = _spoken(call.left), _spoken(call.right)
        found = judge(*(_side(side, seconds) for side in sides))
        if found is None or found.reason != "silent" or found.heard_s < OTHER_HEARD_S:
            continue
        mine = sides[found.silent]
        packets = sum(stream.quality.packets for stream in mine)
        yield of_call(
            call,
            "one-way-audio",
            "error" if seconds >= SPOKEN_BY_S else "warning",
            f"{capital(side_of(call, found.silent))} was not heard: it sent nothing but silence in "
            f"{counted(packets, 'packet')}, in a call of {seconds:.1f} s in which the other side "
            f"was heard for {found.heard_s:.1f} s.",
            {
                "packets": packets,
                "call_s": round(seconds, 3),
                "other_heard_s": round(found.heard_s, 3),
            },
            [stream.first_frame for stream in mine],
            mine[0].ssrc if len(mine) == 1 else None,
        )


def no_audio(evidence: Evidence) -> Iterator[Finding]:
    """``no-audio``: both sides send, and neither is heard.

    Calls without packets are told by the rules about signalling.
    """
    for call, seconds in _conversations(evidence):
        sides = [_side(_spoken(side), seconds) for side in (call.left, call.right)]
        if seconds < SPOKEN_BY_S or not all(s.packets and s.heard_s == 0.0 for s in sides):
            continue
        yield of_call(
            call,
            "no-audio",
            "error",
            f"Nobody was heard in a call of {seconds:.1f} s: both sides sent nothing but silence.",
            {"packets": sum(side.packets for side in sides), "call_s": round(seconds, 3)},
            [stream.first_frame for stream in _spoken(call.streams)],
        )


@dataclass(frozen=True)
class _Stretch:
    """Seconds from the file's first frame."""

    begin_s: float
    end_s: float


def _silences(side: list[Stream], begin_s: float, end_s: float) -> list[_Stretch] | None:
    """Where a side was not heard between two moments; None where that is not known."""
    silent = [_Stretch(begin_s, end_s)]
    for stream in side:
        if stream.heard is None or stream.start_s is None:
            return None
        start_s, levels = stream.start_s, stream.heard.levels
        # Before and after a stream is silence, and so is its dead air.
        mine = [_Stretch(begin_s, start_s)]
        mine += [_Stretch(start_s + s.start_s, start_s + s.end_s) for s in levels.dead_air]
        mine.append(_Stretch(start_s + levels.duration_s, end_s))
        silent = _both(silent, _joined(mine))
    return silent


def _joined(stretches: list[_Stretch]) -> list[_Stretch]:
    """Stretches in order, those that touch made one."""
    out: list[_Stretch] = []
    for each in sorted(stretches, key=lambda stretch: stretch.begin_s):
        if each.end_s <= each.begin_s:
            continue
        if out and each.begin_s <= out[-1].end_s:
            out[-1] = _Stretch(out[-1].begin_s, max(out[-1].end_s, each.end_s))
        else:
            out.append(each)
    return out


def _both(one: list[_Stretch], other: list[_Stretch]) -> list[_Stretch]:
    """Where both are; each is in order and without overlaps."""
    out = []
    i = j = 0
    while i < len(one) and j < len(other):
        begin_s = max(one[i].begin_s, other[j].begin_s)
        end_s = min(one[i].end_s, other[j].end_s)
        if begin_s < end_s:
            out.append(_Stretch(begin_s, end_s))
        if one[i].end_s <= other[j].end_s:
            i += 1
        else:
            j += 1
    return out


def dead_air(evidence: Evidence) -> Iterator[Finding]:
    """``dead-air``: neither side of a call is heard for a while; a note for a stream alone."""
    start_ns = int(evidence.source.first_time_ns)
    for call, _ in _conversations(evidence):
        talk = talk_ns(call)
        left, right = _spoken(call.left), _spoken(call.right)
        if talk is None or not left or not right:
            continue
        begin_s, end_s = ((ns - start_ns) / 1e9 for ns in talk)
        # What comes before both send, and after one has stopped, other rules tell.
        for side in (left, right):
            timed = [(s.start_s, s.duration_s or 0.0) for s in side if s.start_s is not None]
            begin_s = max(begin_s, min((start_s for start_s, _ in timed), default=end_s))
            end_s = min(end_s, max((start_s + long_s for start_s, long_s in timed), default=0.0))
        mine, others = (_silences(side, begin_s, end_s) for side in (left, right))
        if mine is None or others is None:
            continue
        dead = [
            each
            for each in _both(mine, others)
            if each.end_s - each.begin_s >= BOTH_SILENT_S
            and not on_hold(call, each.begin_s, each.end_s)
        ]
        if not dead or _nothing(left, right):
            continue
        longest = max(dead, key=lambda each: each.end_s - each.begin_s)
        total_s = sum(each.end_s - each.begin_s for each in dead)
        length_s = longest.end_s - longest.begin_s
        yield of_call(
            call,
            "dead-air",
            "warning",
            f"Neither side was heard for {length_s:.1f} s, from {longest.begin_s:.1f} s into the "
            f"capture" + ("." if len(dead) == 1 else f"; {total_s:.1f} s in all."),
            {
                "longest_s": round(length_s, 3),
                "start_s": round(longest.begin_s, 3),
                "total_s": round(total_s, 3),
                "times": len(dead),
            },
            frames_at(left[0], (each.begin_s for each in dead[:MOST_FRAMES])),
        )
    for stream in evidence.streams:
        if stream.call is not None or not speaks(stream) or stream.heard is None:
            continue
        spans = [s for s in stream.heard.levels.dead_air if s.duration_s >= ALONE_SILENT_S]
        # What did not come at all has another rule.
        spans = [span for span in spans if span.received >= 0.5]
        if not spans or not stream.heard.levels.heard:
            continue
        span = max(spans, key=lambda span: span.duration_s)
        at_s = (stream.start_s or 0.0) + span.start_s
        yield of_stream(
            stream,
            "dead-air",
            "note",
            f"{capital(what(stream))} is silent for {span.duration_s:.1f} s, from {at_s:.1f} s "
            f"into the capture.",
            {
                "longest_s": round(span.duration_s, 3),
                "start_s": round(at_s, 3),
                "total_s": round(sum(span.duration_s for span in spans), 3),
                "times": len(spans),
            },
            frames_at(stream, [at_s]),
        )


def _nothing(left: list[Stream], right: list[Stream]) -> bool:
    """Whether a side was never heard: that is told by other rules."""
    return any(
        not any(stream.heard is not None and stream.heard.levels.heard for stream in side)
        for side in (left, right)
    )


@dataclass(frozen=True)
class _Beginning:
    """The first seconds of a line."""

    whole: Line
    rate: int
    channels: int
    length: int

    @classmethod
    def of(cls, line: Line) -> _Beginning:
        length = min(line.length, round(ECHO_LOOKED_AT_S * line.rate))
        return cls(line, line.rate, line.channels, length)

    def read(self, start: int, stop: int) -> Samples:
        return self.whole.read(start, stop)


def echo(evidence: Evidence) -> Iterator[Finding]:
    """``echo``: what one side says comes back on the other."""
    for call, _ in _conversations(evidence):
        sides = call.heard()
        sound_s = min((sum(_sound_s(stream) for stream in side) for side in sides), default=0.0)
        if sound_s < LEAST_HEARD_S:
            continue
        try:
            lines = [_Beginning.of(line) for line in call.lines()]
        except CodecUnavailable:
            continue
        by_chance = SURE / math.sqrt(min(sound_s, ECHO_LOOKED_AT_S) / SYLLABLE_S)
        # Who began is not who repeats.
        for side in sorted((0, 1), key=lambda side: sides[side][0].first_frame):
            found = find_echo(lines[side], lines[1 - side])
            if found is None or found.strength < by_chance:
                continue
            back = sides[1 - side][0]
            heard = found.delay_ms >= NOTICED_MS
            yield of_call(
                call,
                "echo",
                "warning" if heard else "note",
                f"What {side_of(call, side)} says comes back after {found.delay_ms:.0f} ms in what "
                f"{side_of(call, 1 - side)} sends.",
                {
                    "delay_ms": round(found.delay_ms, 1),
                    "strength": round(found.strength, 3),
                    "chance": round(found.chance, 3),
                },
                [back.first_frame],
                back.ssrc,
            )
            break


def _sound_s(stream: Stream) -> float:
    if stream.heard is None:
        return 0.0
    levels = stream.heard.levels
    return (levels.activity or 0.0) * levels.received_s


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    one_way_audio,
    no_audio,
    dead_air,
    echo,
)
