"""Where media was to go: which call, epoch and side an address and port belong to, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from rtpcap.signalling.arrival import Moment
from rtpcap.signalling.dialog import SIDES, Dialog
from rtpcap.signalling.media import NOWHERE, Media
from rtpcap.signalling.offers import Epoch, Side

__all__ = ["Endpoint", "Endpoints", "Kind"]

Kind = Literal["rtp", "rtcp"]

MOST_PAIRS = 16
"""Port pairs of a line like ``4000/2`` that are listed."""
RTCP_COMPONENT = 2


class Endpoint(NamedTuple):
    """An address and port at which one side of a call wanted to receive."""

    begin: Moment
    """From this message on it belongs to this epoch."""
    end: Moment | None
    """What ended the epoch; late packets may follow. None: the capture ended first."""
    dialog: int
    """The row of the call in `Signalling.calls`."""
    epoch: int
    """The row of the epoch in the call's `epochs`."""
    side: Side
    media: int
    """The row of the media line."""
    kind: Kind
    candidate: bool
    """Whether it is an ICE candidate, not the address of the media line itself."""


class Endpoints:
    """All of them, by address and port, each list in order of `begin`."""

    def __init__(self, calls: Sequence[Dialog]) -> None:
        self._rows: dict[tuple[str, int], list[Endpoint]] = {}
        for number, call in enumerate(calls):
            self._add(number, call)
        for rows in self._rows.values():
            rows.sort(key=lambda row: row.begin.frame)
        self._frames = {
            place: [row.begin.frame for row in rows] for place, rows in self._rows.items()
        }

    def _add(self, number: int, call: Dialog) -> None:
        before: dict[tuple[int, Side], set[tuple[str, int]]] = {}
        for index, epoch in enumerate(call.epochs):
            for side in SIDES:
                since = epoch.since(side)
                if since is None:
                    continue
                known = before.get((epoch.leg, side), set())
                mine = set()
                for row, media in enumerate(epoch.media(side)):
                    for place, kind, candidate in places(media):
                        mine.add(place)
                        begin = _begin(epoch, since, place in known)
                        if begin is None:
                            continue
                        self._rows.setdefault(place, []).append(
                            Endpoint(begin, epoch.ended, number, index, side, row, kind, candidate)
                        )
                before[epoch.leg, side] = mine

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._rows)

    def at(self, address: str, port: int) -> Sequence[Endpoint]:
        """All that an address and port were, in order of `begin`."""
        return self._rows.get((address, port), ())

    def find(self, address: str, port: int, frame: int) -> Endpoint | None:
        """What an address and port were at a frame: the last that had begun.

        An epoch that has ended is still found until another begins: see `Endpoint.end`.
        """
        place = (address, port)
        frames = self._frames.get(place)
        if frames is None:
            return None
        row = bisect_right(frames, frame) - 1
        return self._rows[place][row] if row >= 0 else None


def _begin(epoch: Epoch, since: Moment, known: bool) -> Moment | None:
    """From when on a place belongs to an epoch.

    A place that the epoch before had too stays with that until the new offer is answered: until
    then the other side knows nothing else (RFC 3264 section 8.3.1).
    """
    return epoch.answered if known else since


def places(media: Media) -> Iterable[tuple[tuple[str, int], Kind, bool]]:
    """The addresses and ports of a media line, each with its kind; candidates last."""
    found: dict[tuple[str, int], tuple[Kind, bool]] = {}
    if media.port and media.address and media.address not in NOWHERE:
        for pair in range(min(media.port_count, MOST_PAIRS)):
            found.setdefault((media.address, media.port + 2 * pair), ("rtp", False))
        if media.rtcp_port and not media.rtcp_mux:
            found.setdefault((media.rtcp_address, media.rtcp_port), ("rtcp", False))
    if media.port:
        for candidate in media.candidates:
            if candidate.transport == "udp":
                kind: Kind = "rtcp" if candidate.component == RTCP_COMPONENT else "rtp"
                found.setdefault((candidate.address, candidate.port), (kind, True))
    return [(place, kind, candidate) for place, (kind, candidate) in found.items()]
