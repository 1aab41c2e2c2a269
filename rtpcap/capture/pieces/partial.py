"""A packet while its fragments come in, and what is remembered of it afterwards."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

__all__ = ["Partial", "Piece", "Settled"]

PACKET_BYTES, PIECE_BYTES = 1024, 256
"""What it takes to keep a packet, and a piece of one, beside the bytes themselves."""


class Piece(NamedTuple):
    """A part of a packet's payload."""

    start: int
    end: int
    """Where it ends on the wire, however much of it was captured."""
    more: bool
    """Whether others follow it."""
    payload: bytes
    """What was captured of it."""


class Partial:
    """The fragments of a packet so far; no two of the pieces kept overlap."""

    __slots__ = (
        "arrival",
        "covered",
        "frames",
        "header",
        "held",
        "packet_at",
        "pieces",
        "reach",
        "starts",
        "time_ns",
        "total",
    )

    def __init__(self, time_ns: int, arrival: int) -> None:
        self.time_ns = time_ns
        self.arrival = arrival
        """How many fragments had come before and with its first."""
        self.frames: list[int] = []
        self.starts: list[int] = []
        self.pieces: dict[int, Piece] = {}
        """By their starts."""
        self.covered = self.reach = 0
        self.total = -1
        """The payload's length, once the last fragment told it."""
        self.header = bytearray()
        """From the begin of the first fragment's frame to the payload."""
        self.packet_at = 0
        """Where in it the IP header begins."""
        self.held = PACKET_BYTES

    def contradicted(self, piece: Piece) -> bool:
        """Whether a fragment ends where none of this packet can, or is not the last and should."""
        if self.total < 0:
            return not piece.more and piece.end <= self.reach
        return piece.end > self.total or piece.more == (piece.end == self.total)

    def add(self, piece: Piece) -> bool:
        """Keep a piece that overlaps no other; tells whether it was one."""
        start, end, more, payload = piece
        starts = self.starts
        at = bisect_right(starts, start)
        if at and self.pieces[starts[at - 1]].end > start:
            return False
        if at < len(starts) and starts[at] < end:
            return False
        starts.insert(at, start)
        self.pieces[start] = piece
        self.covered += end - start
        self.held += PIECE_BYTES + len(payload)
        if end > self.reach:
            self.reach = end
        if not more:
            self.total = end
        return True

    def has(self, piece: Piece) -> bool:
        """Whether a fragment is one that is there already."""
        there = self.pieces.get(piece.start)
        return there is not None and there.end == piece.end and _agree(there.payload, piece.payload)

    def fill(self, piece: Piece) -> bool:
        """Keep what is new of a fragment that overlaps others; tells whether they agree."""
        start, end, more, payload = piece
        first = max(bisect_right(self.starts, start) - 1, 0)
        pos, gaps, agrees = start, [], True
        for other in self.starts[first : bisect_left(self.starts, end)]:
            there = self.pieces[other]
            if there.end <= start:
                continue
            if other > pos:
                gaps.append((pos, other))
            begin, stop = max(start, other), min(end, there.end)
            known = there.payload[begin - other : stop - other]
            agrees = agrees and _agree(known, payload[begin - start : stop - start])
            pos = there.end
        if pos < end:
            gaps.append((pos, end))
        for begin, stop in gaps:
            self.add(Piece(begin, stop, True, payload[begin - start : stop - start]))
        if not more:
            self.total = end
        return agrees

    def payload(self) -> bytes:
        """What was captured of it from its begin up to the first hole."""
        parts = []
        for start in self.starts:
            _, end, _, payload = self.pieces[start]
            parts.append(payload)
            if len(payload) < end - start:
                break
        return b"".join(parts)


class Settled(NamedTuple):
    """A packet for which no fragment is awaited: put together, or (without `payload`) discarded."""

    time_ns: int
    arrival: int
    total: int = 0
    payload: bytes | None = None

    @property
    def held(self) -> int:
        return PACKET_BYTES + len(self.payload or b"")

    def has(self, piece: Piece) -> bool:
        """Whether a fragment is a part of what was put together."""
        if self.payload is None:
            return False
        start, end, more, payload = piece
        fits = end < self.total if more else end == self.total
        return fits and _agree(self.payload[start:end], payload)


def _agree(one: bytes, other: bytes) -> bool:
    """Whether the same bytes are the same as far as both were captured."""
    return one.startswith(other) or other.startswith(one)
