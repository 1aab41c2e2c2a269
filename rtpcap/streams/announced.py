"""Where signalling said that media would go, and what payload numbers mean there, from when on.

An address and port may be announced in many calls, one after the other, and in two at once where
one agent hands the description of another on. The numbers that a side names are those that it
wants to receive (RFC 3264 section 5.1); what it does not name is looked for in what it sends, as
most senders use their numbers both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.payload_types import PAYLOAD_NUMBERS, Format

if TYPE_CHECKING:
    from rtpcap.capture.tables import Flow, Flows
    from rtpcap.signalling import Dialog, Endpoint, Media, Moment, RtspStream, Signalling
    from rtpcap.signalling.offers import Side

__all__ = ["Announced", "Line", "Meanings"]

Meanings = Mapping[int, Format]
"""What payload numbers mean."""
Place = tuple[str, int]

FEW = 32
"""Lines of one place that are looked at one by one."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Line:
    """An address and port at which one side of a call wants to receive, in one epoch."""

    begin: Moment
    end: Moment | None
    dialog: int
    """The row of the call in `Signalling.calls`."""
    epoch: int
    leg: int
    side: Side
    media: tuple[int, ...]
    """The rows of the media lines: several where they share one transport (RFC 9143)."""


class Announced:
    """All that the signalling of a capture announced."""

    def __init__(self, signalling: Signalling | None, sessions: Sequence[RtspStream] = ()) -> None:
        self.calls: Sequence[Dialog] = () if signalling is None else signalling.calls
        self.signalling = signalling
        self._lines: dict[Place, tuple[Line, ...]] = {}
        self._spans: dict[Place, tuple[npt.NDArray[np.int64], ...]] = {}
        self._by_call: dict[Place, dict[tuple[int, Side, int], list[Line]]] = {}
        self._meanings: dict[tuple[int, int, Side, tuple[int, ...]], Meanings] = {}
        self._sessions: dict[Place, list[RtspStream]] = {}
        for session in sessions:
            for place in _session_places(session):
                self._sessions.setdefault(place, []).append(session)

    def __bool__(self) -> bool:
        places = 0 if self.signalling is None else len(self.signalling.endpoints)
        return bool(places or self._sessions)

    def places(self) -> Iterable[Place]:
        """Every address and port that a call announced."""
        return () if self.signalling is None else self.signalling.endpoints

    def lines(self, address: str, port: int) -> tuple[Line, ...]:
        """What RTP an address and port were to receive, in order of beginning."""
        place = (address, port)
        known = self._lines.get(place)
        if known is None:
            known = self._lines[place] = tuple(self._gathered(place))
        return known

    def during(self, address: str, port: int, first: int, last: int) -> list[Line]:
        """Those of them that are in force somewhere between two frames."""
        lines = self.lines(address, port)
        if len(lines) < FEW:
            return [line for line in lines if _in_force(line, first, last)]
        begin, end = self._spans_of(address, port)
        return [lines[i] for i in np.flatnonzero((begin <= last) & (end >= first)).tolist()]

    def beside(self, address: str, port: int, frame: int) -> tuple[Line, ...]:
        """Those of them that begin next to a frame, some before and some behind it."""
        lines = self.lines(address, port)
        if len(lines) < FEW:
            return lines
        at = int(np.searchsorted(self._spans_of(address, port)[0], frame))
        return lines[max(at - FEW, 0) : at + FEW]

    def _spans_of(self, address: str, port: int) -> tuple[npt.NDArray[np.int64], ...]:
        """(first frames, last frames) of the lines of a place that many calls used."""
        place = (address, port)
        known = self._spans.get(place)
        if known is None:
            lines = self.lines(address, port)
            ends = [line.end.frame if line.end is not None else NEVER for line in lines]
            begin = np.array([line.begin.frame for line in lines], np.int64)
            known = self._spans[place] = begin, np.array(ends, np.int64)
        return known

    def of_call(self, address: str, port: int, chosen: Line) -> list[Line]:
        """What a place was to one side of one call on one hop, in order of beginning."""
        place = (address, port)
        known = self._by_call.get(place)
        if known is None:
            known = self._by_call[place] = {}
            for line in self.lines(address, port):
                known.setdefault((line.dialog, line.side, line.leg), []).append(line)
        return known.get((chosen.dialog, chosen.side, chosen.leg), [])

    def _gathered(self, place: Place) -> Iterable[Line]:
        if self.signalling is None:
            return
        together: dict[tuple[int, int, Side], list[int]] = {}
        first: dict[tuple[int, int, Side], Endpoint] = {}
        for end in self.signalling.endpoints.at(*place):
            if end.kind == "rtp":
                key = (end.dialog, end.epoch, end.side)
                together.setdefault(key, []).append(end.media)
                first.setdefault(key, end)
        for key, media in together.items():
            dialog, epoch, side = key
            leg = self.calls[dialog].epochs[epoch].leg
            found = first[key]
            yield Line(found.begin, found.end, dialog, epoch, leg, side, tuple(media))

    def meanings(self, line: Line, *, receiving: bool) -> Meanings:
        """What payload numbers mean to who receives: this side, or the other one."""
        other: Side = "callee" if line.side == "caller" else "caller"
        hearing = line.side if receiving else other
        key = (line.dialog, line.epoch, hearing, line.media)
        known = self._meanings.get(key)
        if known is None:
            epoch = self.calls[line.dialog].epochs[line.epoch]
            speaking = other if receiving else line.side
            known = self._meanings[key] = {
                **_formats(epoch.media(speaking), line.media),
                **_formats(epoch.media(hearing), line.media),
            }
        return known

    def sessions(self, flow: Flow) -> list[RtspStream]:
        """What RTSP set up between the ends of a flow, in order."""
        found = self._sessions.get((flow.dst, flow.dst_port))
        return found or self._sessions.get((flow.src, flow.src_port), [])

    def numbers(self, flow: Flow) -> set[int]:
        """The payload numbers that any description of either end of a flow names."""
        found: set[int] = set()
        for receiving, place in ((True, flow[2:4]), (False, flow[:2])):
            for line in self.lines(*place):
                found.update(self.meanings(line, receiving=receiving))
        for session in self.sessions(flow):
            if session.media is not None:
                found.update(session.media.formats)
        return found

    def table(
        self, flows: Flows, flow: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """The same for rows of several flows, which are numbers of `flows`.

        (table, row): a row of payload numbers for each flow, shape (k, 128), and which of them is
        whose, shape as `flow`.
        """
        own, row = np.unique(flow, return_inverse=True)
        table = np.zeros((len(own), PAYLOAD_NUMBERS), np.bool_)
        for i, number in enumerate(own.tolist()):
            table[i, list(self.numbers(flows[number]))] = True
        return table, row


def _in_force(line: Line, first: int, last: int) -> bool:
    return line.begin.frame <= last and (line.end is None or line.end.frame >= first)


def _formats(media: Sequence[Media], rows: Iterable[int]) -> dict[int, Format]:
    """Those of some media lines together; the first that names a number counts."""
    found: dict[int, Format] = {}
    for row in rows:
        if row < len(media):
            for number, fmt in media[row].formats.items():
                found.setdefault(number, fmt)
    return found


def _session_places(session: RtspStream) -> Iterable[Place]:
    """Where a stream of RTSP runs: to the client's port, from the server's, or inside RTSP."""
    if session.interleaved is not None:
        yield session.connection
    if session.client_port:
        yield session.client, session.client_port
    if session.server_port:
        yield session.server, session.server_port
