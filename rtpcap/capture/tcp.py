"""TCP segments -> byte streams -> messages (RFC 9293): whatever order the segments came in.

Captures are full of TCP that carries no calls. A direction whose first bytes are of no framing that
is known is let go for good, and its segments cost nothing but a look-up for whole chunks.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.framing.reader import Mark, Message, Reader
from rtpcap.capture.tables import Tally
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import signed_delta

__all__ = ["ByteStreams", "Messages", "Segments"]

FIN, SYN, RST = 1, 2, 4

SEQUENCE_BITS = 32
SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1

MOST_BYTES = 64 << 20
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

GAP = "part of a TCP stream with messages was not captured"

# What is known of a direction.
NEW, OPENED, LIVE, UNWANTED, CLOSED = range(5)


@dataclass(frozen=True, eq=False)
class Segments:
    """TCP segments of a chunk: columns of shape (n,), in order of frames; places are in `data`."""

    data: npt.NDArray[np.uint8]
    """The bytes of the chunk, which holds others after the call."""
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    key: npt.NDArray[np.int32]
    """The number of the directed pair of ends, from 0 without large gaps."""
    sequence: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    begin: npt.NDArray[np.int64]
    """Where the payload begins; it may be empty."""
    end: npt.NDArray[np.int64]
    """Where what was captured of it ends."""
    missing: npt.NDArray[np.int64]
    """How many bytes more were sent than captured."""

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class Messages:
    """Messages out of byte streams as columns of shape (n,), in order of frames.

    Several may end in one frame. A message may be of an earlier frame than those of the call
    before: what a stream is may only be seen some frames later.
    """

    data: npt.NDArray[np.uint8]
    """All of them, one behind the other."""
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    frame: npt.NDArray[np.uint32]
    """The frame whose segment completed it."""
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    key: npt.NDArray[np.int32]
    cut: npt.NDArray[np.bool_]
    """Whether its end was not captured."""

    def __len__(self) -> int:
        return len(self.frame)


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


class _Direction:
    """One direction of a connection: its segments in order of sequence numbers.

    Numbers are counted on beyond 32 bits from the first one.
    """

    __slots__ = ("_mark", "_pieces", "_waiting", "fin", "first", "gaps", "next", "out", "reader")

    def __init__(self, first: int, *, started: bool) -> None:
        self.first = first
        self.next = first
        self.fin: int | None = None
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

    def place(self, sequence: int) -> int:
        """A sequence number, counted on beyond 32 bits."""
        return self.next + signed_delta(sequence, self.next & SEQUENCE_MASK, SEQUENCE_BITS)

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


class ByteStreams:
    """The byte streams of a capture, both directions of a connection apart; made once for a pass.

    At most `most_bytes` are held for all of them together. Parts of a stream with messages that
    were not captured are counted in `not_understood`, by the frame that came behind.
    """

    def __init__(self, not_understood: Tally, *, most_bytes: int = MOST_BYTES) -> None:
        self._not_understood = not_understood
        self._most_bytes = most_bytes
        self._state = np.zeros(0, np.uint8)
        # The number that the next byte should have, of directions that are opened or closed.
        self._next = np.zeros(0, np.int64)
        self._live: dict[int, _Direction] = {}
        # Directions that hold bytes, and how many; the oldest first.
        self._holding: dict[int, int] = {}
        self._held = 0
        self._out: list[tuple[int, Message]] = []

    def take(self, segments: Segments) -> Messages | None:
        """The messages that the segments of a chunk complete."""
        key, flags = segments.key, segments.flags
        if not len(key):
            return None
        self._grow(int(key.max()) + 1)
        opens = (flags & SYN) != 0
        dropped = self._state.take(key) == UNWANTED
        rows = np.flatnonzero(opens | ~dropped)
        # Ports that are used again are looked at from their opening on.
        gone: set[int] = set(key[opens & dropped].tolist()) if len(rows) else set()
        if gone:
            rows = np.flatnonzero(~dropped | np.isin(key, list(gone)))
        bears = (segments.end[rows] > segments.begin[rows]) | (segments.missing[rows] > 0)
        rows = rows[bears | ((flags[rows] & (FIN | SYN | RST)) != 0)]
        if not len(rows):
            return None
        columns = (
            segments.frame,
            segments.time_ns,
            segments.interface,
            key,
            segments.sequence,
            flags,
            segments.begin,
            segments.end,
            segments.missing,
        )
        view = segments.data.data
        for frame, time_ns, interface, number, sequence, flag, begin, end, missing in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            if number in gone and not flag & SYN:
                continue
            self._segment(
                number,
                sequence,
                flag,
                view[begin:end],
                missing,
                Mark(frame, time_ns, interface),
            )
            if number not in self._live and self._state[number] == UNWANTED:
                gone.add(number)
            else:
                gone.discard(number)
        return self._messages()

    def finish(self) -> Messages | None:
        """What was still held: messages behind holes, and the beginnings of others."""
        for number in list(self._live):
            self._close(number)
        return self._messages()

    @property
    def held(self) -> int:
        """How many bytes are held."""
        return self._held

    def _grow(self, count: int) -> None:
        known = len(self._state)
        if count > known:
            added = max(count, 2 * known) - known
            self._state = np.concatenate([self._state, np.full(added, NEW, np.uint8)])
            self._next = np.concatenate([self._next, np.zeros(added, np.int64)])

    def _segment(
        self,
        number: int,
        sequence: int,
        flags: int,
        payload: memoryview,
        missing: int,
        mark: Mark,
    ) -> None:
        direction = self._live.get(number)
        if flags & SYN:
            sequence = (sequence + 1) & SEQUENCE_MASK
            if direction is None or direction.first & SEQUENCE_MASK != sequence:
                self._close(number)
                direction = None
                self._state[number], self._next[number] = OPENED, sequence
        bears = len(payload) or missing
        if direction is None:
            if not bears:
                return
            direction = self._new(number, sequence)
            if direction is None:
                return
        start = direction.place(sequence)
        if abs(start - direction.next) > FAR:
            if not bears:
                return
            self._close(number)
            direction = self._live[number] = _Direction(sequence, started=False)
            self._state[number], start = LIVE, sequence
        if bears:
            direction.take(start, bytes(payload), missing, mark)
        if flags & FIN:
            direction.fin = start + len(payload) + missing
        self._collect(number, direction)
        if direction.reader.unwanted:
            self._drop(number, UNWANTED)
        elif flags & RST or (direction.fin is not None and direction.next >= direction.fin):
            self._close(number)
        elif self._held > self._most_bytes:
            self._make_room()

    def _new(self, number: int, sequence: int) -> _Direction | None:
        """A direction of which these are the first bytes; None where they are old ones."""
        state, first = int(self._state[number]), int(self._next[number])
        ahead = signed_delta(sequence, first, SEQUENCE_BITS)
        if state == CLOSED and -FAR <= ahead <= 0:
            return None
        started = state == OPENED and 0 <= ahead <= FAR
        direction = _Direction(first if started else sequence, started=started)
        self._live[number] = direction
        self._state[number] = LIVE
        return direction

    def _collect(self, number: int, direction: _Direction) -> None:
        """Take over what came out of a direction."""
        if direction.out:
            self._out += [(number, message) for message in direction.out]
            direction.out.clear()
        if direction.gaps:
            self._not_understood.add(GAP, direction.gaps)
            direction.gaps = []
        held, before = direction.held, self._holding.get(number, 0)
        if held != before:
            self._held += held - before
            if held:
                self._holding[number] = held
            else:
                del self._holding[number]

    def _drop(self, number: int, state: int) -> None:
        direction = self._live.pop(number)
        self._held -= self._holding.pop(number, 0)
        self._state[number], self._next[number] = state, direction.next & SEQUENCE_MASK

    def _close(self, number: int) -> None:
        """A direction ended: what it held comes out."""
        direction = self._live.get(number)
        if direction is not None:
            direction.finish()
            self._collect(number, direction)
            self._drop(number, CLOSED)

    def _make_room(self) -> None:
        """Let the oldest go that are not known for what they are, then those that wait."""
        for wanted in (False, True):
            for number in list(self._holding):
                if self._held <= self._most_bytes:
                    return
                direction = self._live[number]
                if direction.reader.wanted == wanted:
                    direction.release()
                    self._collect(number, direction)
                    if not direction.reader.wanted:
                        self._drop(number, UNWANTED)

    def _messages(self) -> Messages | None:
        out, self._out = self._out, []
        if not out:
            return None
        out.sort(key=lambda entry: entry[1].mark.frame)
        lengths = np.array([len(message.data) for _, message in out], np.int64)
        end = lengths.cumsum()
        marks = [message.mark for _, message in out]
        return Messages(
            data=np.frombuffer(b"".join(message.data for _, message in out), np.uint8),
            begin=end - lengths,
            end=end,
            frame=np.array([mark.frame for mark in marks], np.uint32),
            time_ns=np.array([mark.time_ns for mark in marks], np.int64),
            interface=np.array([mark.interface for mark in marks], np.uint16),
            key=np.array([number for number, _ in out], np.int32),
            cut=np.array([message.cut for _, message in out], np.bool_),
        )
