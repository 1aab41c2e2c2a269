"""Which call each stream belongs to, which side speaks in it, and why that is believed.

The address that a description names is the first evidence. Behind an address translator media
comes from elsewhere, and may go elsewhere: then the other direction of the same flow tells, the
ports, and at last what is spoken and when.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.announced import Announced, Line, Meanings

if TYPE_CHECKING:
    from rtpcap.capture.tables import Flow, Flows
    from rtpcap.rtp.payload_types import Format
    from rtpcap.signalling import Dialog
    from rtpcap.signalling.offers import Side
    from rtpcap.streams.discover import Found

__all__ = ["SIDES", "Match", "Matched", "Reason", "match_streams"]

Reason = Literal["announced", "symmetric flow", "by port", "by payload types and time"]
"""Its destination is in a description; its source is, or its other direction is known; an address
was translated and the port left as it was; or nothing but these fits one call alone."""

LATE_NS = 10_000_000_000
"""How long before its description, or after the end of its call, a stream may still begin."""
MOST_LOOKED_AT = 64
"""Calls that one stream is held against, where addresses do not tell."""


@dataclass(frozen=True, slots=True)
class Match:
    """A stream's place in a call."""

    dialog: int
    """The row of the call in `Signalling.calls`."""
    side: Side
    """Who speaks."""
    leg: int
    """The hop of the signalling that the stream belongs to: 0 where the call was seen first."""
    reason: Reason


@dataclass(frozen=True)
class Matched:
    """What signalling tells of the streams of a capture."""

    calls: Sequence[Dialog]
    matches: dict[int, Match]
    """Stream -> its place, for those that belong to a call."""
    meanings: dict[int, list[tuple[int, Meanings]]]
    """Stream -> from which of its packets on payload numbers mean what."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A stream as it is looked at here."""

    index: int
    flow: Flow
    first: int
    last: int
    """Frames."""
    begin_ns: int
    end_ns: int
    numbers: frozenset[int]


def match_streams(found: Found, flows: Flows, announced: Announced) -> Matched:
    """The calls of streams, and the meanings of their payload numbers over time."""
    if not announced:
        return Matched(announced.calls, {}, {})
    return _Matching(found, announced).run(list(_spans(found, flows)))


def _spans(found: Found, flows: Flows) -> Iterable[_Span]:
    packets = found.packets
    edges = [*found.starts.tolist(), len(packets)]
    number = packets.payload_type
    for index, flow in enumerate(found.flow.tolist()):
        begin, end = edges[index], edges[index + 1]
        yield _Span(
            index,
            flows[flow],
            int(packets.frame[begin]),
            int(packets.frame[end - 1]),
            int(packets.time_ns[begin]),
            int(packets.time_ns[end - 1]),
            frozenset(np.flatnonzero(np.bincount(number[begin:end])).tolist()),
        )


class _Matching:
    def __init__(self, found: Found, announced: Announced) -> None:
        self._frame = found.packets.frame
        self._edges = [*found.starts.tolist(), len(found.packets)]
        self._announced = announced
        self._matches: dict[int, Match] = {}
        self._spoken: dict[int, set[Side]] = {}
        """The sides of each call that a stream was found for."""
        self._meanings: dict[int, list[tuple[int, Meanings]]] = {}

    def run(self, spans: list[_Span]) -> Matched:
        rest = [span for span in spans if not self._by_address(span)]
        if rest and self._announced.calls:
            rest = self._by_other_direction(spans, rest)
        if rest and self._announced.calls:
            known = _Lines(self._announced)
            rest = [span for span in rest if not self._by_port(span, known)]
            rest = self._by_other_direction(spans, rest)
            rest = [span for span in rest if not self._by_time(span, known)]
            self._by_other_direction(spans, rest)
        return Matched(self._announced.calls, self._matches, self._meanings)

    def _by_address(self, span: _Span) -> bool:
        """Where one of its ends is in a description."""
        flow, announced = span.flow, self._announced
        to, from_ = (flow.dst, flow.dst_port), (flow.src, flow.src_port)
        if not announced.lines(*to) and not announced.lines(*from_):
            return self._by_session(span)
        for near in (False, True):
            heard = self._lines_at(span, to, near=near)
            spoken = self._lines_at(span, from_, near=near)
            both = {(line.dialog, _other(line.side)) for line in spoken}
            agreed = [line for line in heard if (line.dialog, line.side) in both]
            lines = agreed or heard
            if lines:
                line = _latest(span, lines, announced.calls)
                mine = announced.of_call(*to, line)
                self._take(span, line, mine, "announced", receiving=True)
                return True
            if spoken:
                line = _latest(span, spoken, announced.calls)
                mine = announced.of_call(*from_, line)
                self._take(span, line, mine, "symmetric flow", receiving=False)
                return True
        return False

    def _lines_at(self, span: _Span, place: tuple[str, int], *, near: bool) -> list[Line]:
        """The lines of a place that are in force while a stream runs, or that are near to it."""
        if not near:
            return self._announced.during(*place, span.first, span.last)
        beside = self._announced.beside(*place, span.first)
        return [line for line in beside if _is_near(span, line)]

    def _take(
        self, span: _Span, chosen: Line, lines: Iterable[Line], reason: Reason, *, receiving: bool
    ) -> None:
        """Note a stream's call, and what its numbers mean in each epoch that it runs through."""
        side = _other(chosen.side) if receiving else chosen.side
        self._matches[span.index] = Match(chosen.dialog, side, chosen.leg, reason)
        self._spoken.setdefault(chosen.dialog, set()).add(side)
        place = (chosen.dialog, chosen.side, chosen.leg)
        mine = [line for line in lines if (line.dialog, line.side, line.leg) == place]
        mine.sort(key=lambda line: line.begin.frame)
        turns: list[tuple[int, Meanings]] = []
        begin, end = self._edges[span.index], self._edges[span.index + 1]
        for line in mine:
            if line.begin.frame > span.last and turns:
                break
            meanings = self._announced.meanings(line, receiving=receiving)
            row = int(np.searchsorted(self._frame[begin:end], line.begin.frame))
            if turns and turns[-1][0] >= row:
                turns[-1] = (turns[-1][0], meanings)
            else:
                # What comes before the first description is told by nothing else.
                turns.append((row if turns else 0, meanings))
        self._meanings[span.index] = turns

    def _by_session(self, span: _Span) -> bool:
        """A stream that RTSP set up: no call, but its numbers have names."""
        named: dict[int, Format] = {}
        for session in self._announced.sessions(span.flow):
            if session.media is not None and session.began.frame <= span.last:
                named.update(session.media.formats)
        if named:
            self._meanings[span.index] = [(0, named)]
        return bool(named)

    def _by_other_direction(self, spans: list[_Span], rest: list[_Span]) -> list[_Span]:
        """Those that stay without a call; a flow belongs where its other direction does."""
        by_ends: dict[tuple[str, int, str, int], list[_Span]] = {}
        for span in spans:
            if span.index in self._matches:
                by_ends.setdefault(span.flow[:4], []).append(span)
        left = []
        for span in rest:
            flow = span.flow
            back = by_ends.get((flow.dst, flow.dst_port, flow.src, flow.src_port), ())
            near = [other for other in back if _together(span, other)]
            if near and span.index not in self._meanings:
                known = self._matches[near[-1].index]
                match = Match(known.dialog, _other(known.side), known.leg, "symmetric flow")
                self._matches[span.index] = match
                self._spoken.setdefault(match.dialog, set()).add(match.side)
                self._meanings[span.index] = self._meanings[near[-1].index]
            else:
                left.append(span)
        return left

    def _by_port(self, span: _Span, known: _Lines) -> bool:
        """Where a translator has changed an address and left the port."""
        to = [line for line in known.at_port(span.flow.dst_port) if _overlaps(span, line)]
        from_ = [line for line in known.at_port(span.flow.src_port) if _overlaps(span, line)]
        both = {(line.dialog, _other(line.side)) for line in from_}
        agreed = [line for line in to if (line.dialog, line.side) in both]
        for lines, receiving in ((agreed or to, True), (from_, False)):
            fitting = [line for line in lines if self._names(span, line, receiving=receiving)]
            if not agreed:
                fitting = [line for line in fitting if known.has_host(line.dialog, span.flow)]
            if len({line.dialog for line in fitting}) == 1:
                chosen = _latest(span, fitting, self._announced.calls)
                self._take(span, chosen, fitting, "by port", receiving=receiving)
                return True
        return False

    def _by_time(self, span: _Span, known: _Lines) -> bool:
        """Where one call alone, between whose hosts it runs, lacks such a stream at that time."""
        fitting = [
            line
            for line in known.at_host(span.flow)
            if _overlaps(span, line) and self._names(span, line, receiving=True)
        ]
        if len({line.dialog for line in fitting}) != 1:
            return False
        spoken = self._spoken.get(fitting[0].dialog, set())
        lacking = [line for line in fitting if _other(line.side) not in spoken]
        speaker = known.side_of_host(fitting[0].dialog, span.flow)
        if speaker is not None:
            lacking = [line for line in lacking if line.side != speaker]
        if len({line.side for line in lacking}) != 1:
            return False
        chosen = _latest(span, lacking, self._announced.calls)
        self._take(span, chosen, lacking, "by payload types and time", receiving=True)
        return True

    def _names(self, span: _Span, line: Line, *, receiving: bool) -> bool:
        return span.numbers <= set(self._announced.meanings(line, receiving=receiving))


class _Lines:
    """All lines by port and by host, for streams whose address nobody announced."""

    def __init__(self, announced: Announced) -> None:
        self._announced = announced
        self._by_port: dict[int, list[Line]] = {}
        self._by_host: dict[str, list[Line]] = {}
        self._hosts: dict[int, dict[str, Side | None]] = {}
        for place in announced.places():
            for line in announced.lines(*place):
                self._by_port.setdefault(place[1], []).append(line)
                hosts = self._hosts.setdefault(line.dialog, {})
                side = hosts.get(place[0], line.side)
                hosts[place[0]] = side if side == line.side else None
        for dialog, hosts in self._hosts.items():
            call = announced.calls[dialog]
            if call.invited_between is not None and len(set(call.invited_between)) > 1:
                for host, side in zip(call.invited_between, SIDES, strict=True):
                    hosts.setdefault(host, side)
            for host in call.hosts:
                hosts.setdefault(host, None)
        for place in announced.places():
            for line in announced.lines(*place):
                for host in self._hosts[line.dialog]:
                    self._by_host.setdefault(host, []).append(line)

    def at_port(self, port: int) -> list[Line]:
        return self._by_port.get(port, [])[-MOST_LOOKED_AT:]

    def at_host(self, flow: Flow) -> list[Line]:
        lines = [*self._by_host.get(flow.src, ())[-MOST_LOOKED_AT:]]
        return [*lines, *self._by_host.get(flow.dst, ())[-MOST_LOOKED_AT:]]

    def has_host(self, dialog: int, flow: Flow) -> bool:
        hosts = self._hosts.get(dialog, {})
        return flow.src in hosts or flow.dst in hosts

    def side_of_host(self, dialog: int, flow: Flow) -> Side | None:
        """Who speaks, where a host is that of one side alone."""
        hosts = self._hosts.get(dialog, {})
        side = hosts.get(flow.src)
        if side is None:
            heard = hosts.get(flow.dst)
            side = None if heard is None else _other(heard)
        return side


SIDES: tuple[Side, Side] = ("caller", "callee")


def _other(side: Side) -> Side:
    return "callee" if side == "caller" else "caller"


def _overlaps(span: _Span, line: Line) -> bool:
    """Whether a line is in force while the stream runs."""
    return line.begin.frame <= span.last and (line.end is None or line.end.frame >= span.first)


def _is_near(span: _Span, line: Line) -> bool:
    """Whether the stream ends shortly before a line begins, or begins shortly after it ends."""
    if line.begin.frame > span.last:
        return _passed(span.end_ns, line.begin.time_ns)
    return line.end is not None and _passed(line.end.time_ns, span.begin_ns)


def _passed(earlier: int | None, later: int | None) -> bool:
    if earlier is None or later is None or NO_TIME in (earlier, later):
        return False
    return later - earlier <= LATE_NS


def _latest(span: _Span, lines: Sequence[Line], calls: Sequence[Dialog]) -> Line:
    """Of several lines one of the last call that had begun when the stream did; else of the first.

    The call decides, not the line: where an agent hands a description on, both directions have to
    find the same of two calls. Of a call's hops the first counts.
    """

    def begun(line: Line) -> int:
        return calls[line.dialog].first.frame

    before = [line for line in lines if begun(line) <= span.first]
    if before:
        return max(before, key=lambda line: (begun(line), line.dialog, -line.leg))
    return min(lines, key=lambda line: (begun(line), line.dialog, line.leg))


def _together(one: _Span, other: _Span) -> bool:
    """Whether two streams run at the same time, or nearly."""
    if one.first <= other.last and other.first <= one.last:
        return True
    early, late = (one, other) if one.last < other.first else (other, one)
    return _passed(early.end_ns, late.begin_ns)
