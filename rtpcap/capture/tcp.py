"""TCP segments -> byte streams -> messages (RFC 9293): whatever order the segments came in.

Captures are full of TCP that carries no calls: `screen` lets go of it by whole arrays, and what it
leaves is let go of here when nothing is found in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from rtpcap.capture.direction import FAR, MOST_REWOUND, SEQUENCE_BITS, SEQUENCE_MASK, Direction
from rtpcap.capture.framing.beginnings import HEAD, may_begin
from rtpcap.capture.framing.choice import LONG, begins, begins_sure, has_constant, is_foreign
from rtpcap.capture.framing.reader import Mark, Message
from rtpcap.capture.screen import Rows, Screen, State
from rtpcap.capture.segments import FIN, RST, SYN, Messages, Segments
from rtpcap.capture.tables import Tally
from rtpcap.rtp.serial import signed_delta

__all__ = ["ByteStreams", "Messages", "Segments"]

MOST_BYTES = 64 << 20
MOST_LONE = 1 << 17
"""Lone segments that are held."""
AT_ONCE = 1 << 12
"""Lone segments that are let go of together."""

GAP = "part of a TCP stream with messages was not captured"

_Lone = tuple[int, bytes, int, int, int, int]
"""The first segment that was captured of a direction, from its middle, until the next one comes:
its sequence number, bytes, how many more were not captured, and the parts of its mark."""


class ByteStreams:
    """The byte streams of a capture, both directions of a connection apart; made once for a pass.

    At most `most_bytes` are held for all of them together. Parts of a stream with messages that
    were not captured are counted in `not_understood`, by the frame that came behind.
    """

    def __init__(self, not_understood: Tally, *, most_bytes: int = MOST_BYTES) -> None:
        self._not_understood = not_understood
        self._most_bytes = most_bytes
        self._screen = Screen()
        self._live: dict[int, Direction] = {}
        self._lone: dict[int, _Lone] = {}
        # Directions that hold bytes, and how many; the oldest first.
        self._holding: dict[int, int] = {}
        self._held = 0
        self._out: list[tuple[int, Message]] = []

    def take(self, segments: Segments) -> Messages | None:
        """The messages that the segments of a chunk complete."""
        if not len(segments):
            return None
        rows, lone = self._screen.sieve(segments)
        if len(lone):
            self._take_lone(segments, lone)
        if len(rows):
            self._take_rows(segments, rows)
        return self._messages()

    def finish(self) -> Messages | None:
        """What was still held: messages behind holes, and the beginnings of others."""
        while self._lone:
            self._end_lone(list(islice(self._lone, AT_ONCE)))
        for number in list(self._live):
            self._close(number)
        return self._messages()

    @property
    def held(self) -> int:
        """How many bytes are held."""
        return self._held

    def _take_rows(self, segments: Segments, rows: Rows) -> None:
        """Segments that are looked at one after the other."""
        view, state = segments.data.data, self._screen.state
        gone: set[int] = set()
        for number, sequence, flags, begin, end, missing, *mark in _listed(segments, rows):
            if number in gone and (not flags & SYN or state[number] == State.HOPELESS):
                continue
            self._segment(number, sequence, flags, view[begin:end], missing, Mark(*mark))
            if number in self._live or state[number] < State.UNWANTED:
                gone.discard(number)
            else:
                gone.add(number)

    def _take_lone(self, segments: Segments, rows: Rows) -> None:
        """The only segments of directions that are new."""
        view, lone, ended = segments.data.data, self._lone, []
        self._screen.state[segments.key[rows]] = State.LIVE
        for row in _listed(segments, rows):
            number, sequence, flags, begin, end, missing, frame, time_ns, interface = row
            data = bytes(view[begin:end])
            lone[number] = sequence, data, missing, frame, time_ns, interface
            self._held += len(data)
            if flags & (FIN | RST):
                ended.append(number)
            elif begins_sure(data):
                self._settle(number, self._wake(number))
        self._end_lone([number for number in ended if number in lone])
        if len(lone) > MOST_LONE or self._held > self._most_bytes:
            self._make_room()

    def _segment(
        self,
        number: int,
        sequence: int,
        flags: int,
        payload: memoryview,
        missing: int,
        mark: Mark,
    ) -> None:
        if flags & SYN:
            sequence = (sequence + 1) & SEQUENCE_MASK
            if not self._open(number, sequence):
                return
        bears = len(payload) or missing
        direction = self._live.get(number)
        if direction is not None and abs(direction.ahead(sequence)) > FAR:
            if not bears:
                return
            self._close(number)
            direction = None
        if direction is None:
            if number in self._lone and self._continues(number, sequence):
                direction = self._wake(number)
            elif len(payload):
                direction = self._new(number, sequence, bytes(payload), missing, mark)
                if direction is None and flags & (FIN | RST):
                    self._close(number)
            if direction is None:
                return
        start = direction.place(sequence)
        if bears:
            direction.take(start, bytes(payload), missing, mark)
        if flags & FIN:
            direction.fin = start + len(payload) + missing
        self._settle(number, direction, reset=bool(flags & RST))

    def _settle(self, number: int, direction: Direction, *, reset: bool = False) -> None:
        """What a direction is after a segment."""
        self._collect(number, direction)
        if direction.reader.unwanted:
            self._drop(number, State.UNWANTED)
        elif reset or (direction.fin is not None and direction.next >= direction.fin):
            self._close(number)
        elif self._held > self._most_bytes:
            self._make_room()

    def _open(self, number: int, first: int) -> bool:
        """A connection opens; False where no other one is looked at."""
        known: int | None = None
        if number in self._live:
            known = self._live[number].first & SEQUENCE_MASK
        elif number in self._lone:
            known = self._lone[number][0]
        if known == first:
            return True
        self._close(number)
        if self._screen.state[number] == State.HOPELESS:
            return False
        self._screen.state[number], self._screen.next[number] = State.OPENED, first
        return True

    def _new(
        self, number: int, sequence: int, data: bytes, missing: int, mark: Mark
    ) -> Direction | None:
        """A direction of which these are the first bytes, if they are to be looked at now."""
        self._close(number)
        screen = self._screen
        state, first = screen.state[number], int(screen.next[number])
        ahead = signed_delta(sequence, first, SEQUENCE_BITS)
        if state == State.HOPELESS or (state == State.CLOSED and -FAR <= ahead <= 0):
            return None
        if state == State.OPENED and 0 <= ahead <= FAR:
            return self._start(number, first, started=True)
        if is_foreign(data):
            screen.end(number, State.UNWANTED, sequence, fruitful=False)
            return None
        if begins_sure(data):
            return self._start(number, sequence, started=False)
        self._lone[number] = sequence, data, missing, *mark
        self._held += len(data)
        screen.state[number] = State.LIVE
        return None

    def _start(self, number: int, first: int, *, started: bool) -> Direction:
        direction = self._live[number] = Direction(first, started=started)
        self._screen.state[number] = State.LIVE
        return direction

    def _continues(self, number: int, sequence: int) -> bool:
        """Whether a segment may be of the connection of the lone one that is held."""
        ahead = signed_delta(sequence, self._lone[number][0], SEQUENCE_BITS)
        return abs(ahead) <= MOST_REWOUND

    def _wake(self, number: int) -> Direction:
        """A direction that begins with the lone segment that is held."""
        sequence, data, missing, *mark = self._lone.pop(number)
        self._held -= len(data)
        direction = self._start(number, sequence, started=False)
        direction.take(sequence, data, missing, Mark(*mark))
        return direction

    def _end_lone(self, numbers: Sequence[int]) -> None:
        """Lone segments stay so; what can be read of them comes out."""
        lone = [self._lone[number] for number in numbers]
        head = np.frombuffer(b"".join([one[1][:HEAD].ljust(HEAD) for one in lone]), np.uint8)
        sizes = np.array([len(one[1]) for one in lone], np.int64)
        passed = may_begin(head.reshape(-1, HEAD), sizes) & (sizes > HEAD)
        # Most hold nothing: all together are searched faster than one by one.
        some_hold = has_constant(b"".join([one[1] for one in lone]))
        vain, ends = [], []
        for number, (sequence, data, missing, *_), passes in zip(
            numbers, lone, passed.tolist(), strict=True
        ):
            searched = len(data) >= LONG or (some_hold and has_constant(data))
            if searched or (passes and begins(data)):
                self._wake(number)
                self._close(number)
                continue
            del self._lone[number]
            self._held -= len(data)
            vain.append(number)
            ends.append(sequence + len(data) + missing)
        self._screen.end_in_vain(np.array(vain, np.intp), np.array(ends, np.int64))

    def _close_lone(self, number: int) -> None:
        sequence, data, missing, *_ = self._lone[number]
        if len(data) >= LONG or has_constant(data) or begins(data):
            self._wake(number)
            self._close(number)
            return
        del self._lone[number]
        self._held -= len(data)
        end = sequence + len(data) + missing
        self._screen.end(number, State.CLOSED, end, fruitful=False)

    def _collect(self, number: int, direction: Direction) -> None:
        """Take over what came out of a direction."""
        if direction.out:
            self._out += [(number, message) for message in direction.out]
            direction.out.clear()
            direction.fruitful = True
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
        self._screen.end(number, state, direction.next, fruitful=direction.fruitful)

    def _close(self, number: int) -> None:
        """A direction ended: what it held comes out."""
        if number in self._lone:
            self._close_lone(number)
        elif number in self._live:
            direction = self._live[number]
            direction.finish()
            self._collect(number, direction)
            self._drop(number, State.CLOSED)

    def _make_room(self) -> None:
        """Let the oldest go: lone ones, those not known for what they are, those that wait."""
        lone = self._lone
        while lone and (self._held > self._most_bytes or len(lone) > MOST_LONE):
            self._end_lone(list(islice(lone, min((len(lone) + 1) // 2, AT_ONCE))))
        for wanted in (False, True):
            for number in list(self._holding):
                if self._held <= self._most_bytes:
                    return
                direction = self._live[number]
                if direction.reader.wanted == wanted:
                    direction.release()
                    self._collect(number, direction)
                    if not direction.reader.wanted:
                        self._drop(number, State.UNWANTED)

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


def _listed(segments: Segments, rows: Rows) -> Iterator[tuple[int, ...]]:
    """Some segments one by one: their columns but for the data, those of their marks last."""
    columns = (
        segments.key,
        segments.sequence,
        segments.flags,
        segments.begin,
        segments.end,
        segments.missing,
        segments.frame,
        segments.time_ns,
        segments.interface,
    )
    return zip(*(column[rows].tolist() for column in columns), strict=True)
