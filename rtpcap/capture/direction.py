"""One direction of a TCP connection: segments in whatever order they came -> bytes in order."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from rtpcap.capture.framing.reader import Mark, Message, Reader
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import signed_delta

__all__ = ["FAR", "MOST_REWOUND", "SEQUENCE_BITS", "SEQUENCE_MASK", "Direction"]

SEQUENCE_BITS = 32
SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1

MOST_WAITING = 1 << 20
"""Bytes held behind a hole, for which it is waited for."""
MOST_WAITING_UNDECIDED = 1 << 16
MOST_PIECES = 1024
MOST_WAIT_NS = 30_000_000_000
"""Time of the capture for which a hole is waited for."""
FAR = 1 << 26
"""Numbers that are further apart are not of one connection: no window is so wide in practice."""
MOST_REWOUND = 1 << 16
"""So many bytes before the first ones that were captured may still come."""


@dataclass(slots=True)
class _Piece:
    """Bytes that came before those in front of them."""

    start: int
    data: bytes
    missing: int
    mark: Mark

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Direction:
    """One direction of a connection: its segments in order of sequence numbers.

    Numbers are counted on beyond 32 bits from the first one.
    """

    __slots__ = (
        "_mark",
        "_pieces",
        "_waiting",
        "fin",
        "first",
        "fruitful",
        "gaps",
        "next",
        "out",
        "reader",
    )

    def __init__(self, first: int, *, started: bool) -> None:
        self.first = first
        self.next = first
        self.fin: int | None = None
        self.fruitful = False
        """Whether any message came out."""
        self.out: list[Message] = []
        self.reader = Reader(self.out, started=started)
        self.gaps: list[int] = []
        """Frames behind parts that never came."""
        self._pieces: list[_Piece] = []
        self._waiting = 0
        self._mark = Mark(0, NO_TIME, 0)

    @property
    def held(self) -> int:
        return self.reader.held + self._waiting

    def ahead(self, sequence: int) -> int:
        """How far a sequence number is ahead of the byte that is waited for."""
        return signed_delta(sequence, self.next & SEQUENCE_MASK, SEQUENCE_BITS)

    def place(self, sequence: int) -> int:
        """A sequence number, counted on beyond 32 bits."""
        return self.next + self.ahead(sequence)

    def take(self, start: int, data: bytes, missing: int, mark: Mark) -> None:
        """The payload of a segment."""
        if self._pieces:
            self._overdue(mark.time_ns)
        if start < self.next and self.reader.rewindable and self.next - start <= MOST_REWOUND:
            self._rewind(start)
        if start <= self.next:
            self._in_order(start, data, missing, mark)
            self._join()
        else:
            self._keep(start, data, missing, mark)
            most = MOST_WAITING if self.reader.wanted else MOST_WAITING_UNDECIDED
            while self._waiting > most or len(self._pieces) > MOST_PIECES:
                self.give_up()

    def _in_order(self, start: int, data: bytes, missing: int, mark: Mark) -> None:
        end = start + len(data)
        if mark.frame > self._mark.frame:
            self._mark = mark
        if end > self.next:
            # What came first stays: the rest of a segment that was sent again is dropped.
            self.reader.feed(data[self.next - start :] if start < self.next else data, self._mark)
            self.next = end
        if missing and end == self.next:
            lacking = missing
            if self._pieces:
                lacking = min(lacking, max(self._pieces[0].start - self.next, 0))
            self._lack(lacking)

    def _lack(self, size: int) -> None:
        if size:
            self.reader.hole(size, self._mark)
            self.next += size

    def _join(self) -> None:
        """The pieces that are no longer behind a hole."""
        pieces = self._pieces
        while pieces and pieces[0].start <= self.next:
            piece = pieces.pop(0)
            self._waiting -= len(piece.data)
            self._in_order(piece.start, piece.data, piece.missing, piece.mark)

    def give_up(self) -> None:
        """No longer wait for the part in front of the first piece."""
        if self._pieces:
            piece = self._pieces[0]
            if self.reader.wanted:
                self.gaps.append(piece.mark.frame)
            self._lack(piece.start - self.next)
            self._join()

    def _overdue(self, time_ns: int) -> None:
        while self._pieces:
            since = self._pieces[0].mark.time_ns
            if NO_TIME in (since, time_ns) or time_ns - since <= MOST_WAIT_NS:
                return
            self.give_up()

    def _keep(self, start: int, data: bytes, missing: int, mark: Mark) -> None:
        """Hold a piece, but for what of it is held already."""
        pieces = self._pieces
        i = bisect_right(pieces, start, key=lambda piece: piece.start)
        if i and pieces[i - 1].end > start:
            data = data[pieces[i - 1].end - start :]
            start = pieces[i - 1].end
        while data:
            if i < len(pieces) and pieces[i].start < start + len(data):
                room = pieces[i].start - start
                if room:
                    pieces.insert(i, _Piece(start, data[:room], 0, mark))
                    self._waiting += room
                    i += 1
                data = data[pieces[i].end - start :]
                start = pieces[i].end
                i += 1
            else:
                pieces.insert(i, _Piece(start, data, missing, mark))
                self._waiting += len(data)
                return

    def _rewind(self, start: int) -> None:
        """Bytes of before the first that were captured: those come behind them."""
        held = self.reader.held
        at = self.next - held
        if start >= at:
            return
        pieces = []
        for data, mark in self.reader.unread():
            pieces.append(_Piece(at, data, 0, mark))
            at += len(data)
        self._waiting += held
        self._pieces[:0] = pieces
        self.next = self.first = start

    def finish(self) -> None:
        """There is nothing more to come."""
        self.release()
        self.reader.close()

    def release(self) -> None:
        """Hold nothing: what can be read of it comes out, and the next frame is looked for."""
        while self._pieces:
            self.give_up()
        self.reader.release()
