"""All frames of some calls: their signalling, their streams, and what runs beside these.

RTCP, ICE and the handshakes of keys use the ports of the media or those next to them. What is
between such ports while a call lasts is of the call, but for the streams of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Datagrams, Flow
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.call import Call
from rtpcap.streams.endpoints import Named
from rtpcap.streams.stream import Stream

__all__ = ["Extent", "connections"]

Frames = npt.NDArray[np.uint32]
Place = tuple[str, int]

AFTER_NS = 5_000_000_000
"""How long after its last message or packet something may still be of a call, as RTCP's BYE is."""
HIGHEST_PORT = 65535


@dataclass(frozen=True, eq=False)
class _Of:
    """Where and when one call is."""

    places: frozenset[Place]
    named: Named
    first: int
    last: int
    """Frames."""
    end_ns: int | None


class Extent:
    """Takes a capture's datagrams and gives the frames of `calls`; `streams` are all there are."""

    def __init__(self, calls: Iterable[Call], streams: Sequence[Stream]) -> None:
        calls = list(calls)
        self._of = [found for call in calls if (found := _of(call)) is not None]
        own = {stream.index for call in calls for stream in call.streams}
        self._own: list[Frames] = [np.empty(0, np.uint32)]
        self._near: list[Frames] = [np.empty(0, np.uint32)]
        for call in calls:
            if call.dialog is not None:
                self._own.append(np.array(call.dialog.frames, np.uint32))
            self._own += [stream.packets.frame for stream in call.streams]
        places = frozenset(place for of in self._of for place in of.places)
        foreign = [
            stream.packets.frame
            for stream in streams
            if stream.index not in own and not places.isdisjoint(_ends(stream))
        ]
        self._foreign = np.concatenate([np.empty(0, np.uint32), *foreign])

    def feed(self, datagrams: Datagrams) -> None:
        """Look at a chunk."""
        for of in self._of:
            near = of.named.rows(datagrams.flows, datagrams.flow)
            frame = datagrams.frame
            during = (frame >= of.first) & (frame <= of.last)
            if of.end_ns is not None:
                time_ns = datagrams.time_ns
                during |= (
                    (frame > of.last) & (time_ns != NO_TIME) & (time_ns <= of.end_ns + AFTER_NS)
                )
            self._near.append(frame[near & during])

    def finish(self) -> Frames:
        """The frames, each once, in order."""
        near = np.setdiff1d(np.concatenate(self._near), self._foreign)
        return np.union1d(np.concatenate(self._own), near)


def _of(call: Call) -> _Of | None:
    places = frozenset(_places(call))
    firsts = [stream.first_frame for stream in call.streams]
    lasts = [stream.last_frame for stream in call.streams]
    ends = [stream.end_ns for stream in call.streams]
    if call.dialog is not None:
        firsts.append(call.dialog.first.frame)
        lasts.append(call.dialog.last.frame)
        ends.append(call.dialog.last.time_ns)
    times = [end for end in ends if end is not None]
    if not places or not firsts:
        return None
    return _Of(places, Named(places), min(firsts), max(lasts), max(times, default=None))


def _places(call: Call) -> Iterator[Place]:
    for stream in call.streams:
        for address, port in _ends(stream):
            yield address, port
            if port < HIGHEST_PORT:
                yield address, port + 1
    if call.dialog is not None:
        from rtpcap.signalling import Endpoints

        yield from Endpoints([call.dialog])


def _ends(stream: Stream) -> tuple[Place, Place]:
    return (stream.src, stream.src_port), (stream.dst, stream.dst_port)


def connections(calls: Iterable[Call], streams: Iterable[Stream]) -> set[Flow]:
    """The byte streams over TCP that calls and streams run in."""
    found = {stream.flow for stream in streams if stream.flow.transport == "tcp"}
    for call in calls:
        found |= {stream.flow for stream in call.streams if stream.flow.transport == "tcp"}
        if call.dialog is not None:
            found |= {Flow(*ends, "tcp") for ends in call.dialog.connections}
    return found
