"""One direction of a connection: bytes in order, with holes, become messages.

A reader first does not know what it reads; then it knows the framing and a place where a frame
begins, and goes on from frame to frame; and where it lost that place it looks for the next one.
"""

from __future__ import annotations

from typing import NamedTuple

from rtpcap.capture.framing.choice import (
    LONG,
    begins,
    begins_sure,
    choose,
    find,
    has_constant,
    has_foreign,
    is_foreign,
)
from rtpcap.capture.framing.frame import After, Framing, Verdict

__all__ = ["Mark", "Message", "Reader"]

MOST_FILLED = 1 << 16
"""A hole of at most so many bytes is kept as a hole, so that a frame may reach over it."""
MOST_UNDECIDED = 1 << 16
"""Bytes after which a stream that nothing was found in is let go."""
MOST_UNDECIDED_SEGMENTS = 4096
MIDDLE_BYTES, MIDDLE_SEGMENTS = 1 << 12, 8
"""So much of a stream from its middle is gathered before it is searched for the first time, and
`MIDDLE_FACTOR` times as much before each further time: a search costs as much as many segments."""
MIDDLE_FACTOR = 4
MOST_MIDDLE = 1 << 14
"""Bytes from the middle of a stream after which it is let go."""
WINDOW = 1 << 16
"""Bytes in which the next frame is looked for; then the first half of them is let go."""
MOST_LOOKED = 1 << 20
"""Bytes without a frame after which a stream of a known framing is let go."""
FREE_LOSSES, BYTES_A_LOSS = 64, 1 << 14
"""A stream that is no longer framed as it should be more often than once in so many bytes, the
first times apart, is not what it was taken for."""


class Mark(NamedTuple):
    """The frame of the capture that brought some bytes."""

    frame: int
    time_ns: int
    interface: int


class Message(NamedTuple):
    """What a frame of a stream carried; `cut` where its end was not captured."""

    mark: Mark
    data: bytes
    cut: bool


class Reader:
    """Reads one direction; `started` where its first byte is that of the connection.

    What comes out is appended to `out`.
    """

    __slots__ = (
        "_at",
        "_bytes",
        "_framing",
        "_held",
        "_holes",
        "_looked",
        "_looking",
        "_losses",
        "_marks",
        "_next_look",
        "_next_segments",
        "_segments",
        "_started",
        "out",
        "unwanted",
    )

    def __init__(self, out: list[Message], *, started: bool) -> None:
        self.out = out
        self.unwanted = False
        self._started = started
        self._framing: Framing | None = None
        self._looking = True
        # Bytes of which nothing came yet; holes are zeros in them.
        self._held = bytearray()
        self._at = 0
        self._holes: list[tuple[int, int]] = []
        # Which segment brought the bytes up to a place.
        self._marks: list[tuple[int, Mark]] = []
        # So many bytes must be held before it is worth looking at them again.
        self._next_look = self._next_segments = 0
        self._segments = self._looked = self._losses = self._bytes = 0

    @property
    def held(self) -> int:
        """How many bytes are held."""
        return len(self._held)

    @property
    def wanted(self) -> bool:
        """Whether a framing was found."""
        return self._framing is not None

    @property
    def rewindable(self) -> bool:
        """Whether bytes from before the first ones may still be put in front of them."""
        return not self._started and self._framing is None and not self._holes

    def feed(self, data: bytes, mark: Mark) -> None:
        """The next bytes of the stream."""
        held = self._held
        held += data
        self._bytes += len(data)
        self._segments += 1
        self._brought(mark)
        if self._in_middle:
            if self._due(data):
                self._run(last=False)
        elif len(held) >= self._next_look:
            self._run(last=False)

    @property
    def _in_middle(self) -> bool:
        """Whether it is not known what this is, nor where it begins."""
        return self._framing is None and (not self._started or bool(self._holes))

    def _due(self, segment: bytes) -> bool:
        """Whether it is time to look at a stream from its middle."""
        size = len(self._held)
        if size == len(segment):
            self._next_look, self._next_segments = MIDDLE_BYTES, MIDDLE_SEGMENTS
            self._segments, self._looked = 1, 0
            if is_foreign(self._held):
                return True
        if size >= self._next_look or self._segments >= self._next_segments:
            return True
        return 8 * size >= 9 * self._looked and begins_sure(segment)

    def hole(self, size: int, mark: Mark) -> None:
        """Bytes of the stream that were not captured."""
        if not self._held and self._framing is None:
            self._started = False
            return
        if size > MOST_FILLED:
            self.release()
            return
        begin = len(self._held)
        self._held += bytes(size)
        self._holes.append((begin, begin + size))
        self._brought(mark)
        if self._framing is not None or len(self._held) >= MOST_MIDDLE:
            self._run(last=False)

    def _brought(self, mark: Mark) -> None:
        """Note which segment the last bytes came with."""
        if not self._looking:
            # None of those that are held completed a frame: the segment that does is this one or
            # a later one.
            self._marks.clear()
        self._marks.append((len(self._held), mark))

    def close(self) -> None:
        """The stream ended: what is held and can be read comes out."""
        self.release()
        self.unwanted = True

    def release(self) -> None:
        """Hold nothing: what is held and can be read comes out, the next frame is looked for."""
        self._finish()
        self._started, self._looking = False, True

    def unread(self) -> list[tuple[bytes, Mark]]:
        """The bytes that are held, by segment; the reader then is as new."""
        parts, begin = [], 0
        for end, mark in self._marks:
            parts.append((bytes(self._held[begin:end]), mark))
            begin = end
        self._clear()
        return parts

    def _finish(self) -> None:
        if self._held:
            self._run(last=True)
            framing, at, end = self._framing, self._at, len(self._held)
            if framing and not self._looking and at < end and self._marks:
                self._torn(at, self._holes[0][0] if self._holes else end, self._marks[-1][1])
        self._clear()

    def _clear(self) -> None:
        self._held.clear()
        self._holes.clear()
        self._marks.clear()
        self._at = self._next_look = 0

    def _run(self, *, last: bool) -> None:
        """From frame to frame, as far as the bytes go."""
        marks, i = self._marks, 0
        while not self.unwanted:
            if self._looking:
                if not self._look(last=last):
                    break
                self._looking = False
            while i < len(marks) and marks[i][0] <= self._at:
                i += 1
            while i < len(marks) and not self._looking and not self.unwanted:
                self._frames(*marks[i])
                i += not self._looking
            if i == len(marks):
                break
        if self.unwanted:
            self._clear()
            return
        self._trim()

    def _trim(self) -> None:
        """Let go of the bytes that were read."""
        at, marks, holes = self._at, self._marks, self._holes
        if not at:
            return
        if at == len(self._held):
            self._clear()
            return
        del self._held[:at]
        marks[:] = [(end - at, mark) for end, mark in marks if end > at]
        if holes:
            holes[:] = [(max(begin - at, 0), end - at) for begin, end in holes if end > at]
        self._next_look = max(self._next_look - at, 0)
        self._at = 0

    def _frames(self, end: int, mark: Mark) -> None:
        """The frames that end in a segment, which brought the bytes up to `end`."""
        framing, held, holes, at = self._framing, self._held, self._holes, self._at
        assert framing is not None
        while at < end:
            while holes and holes[0][1] <= at:
                del holes[0]
            torn, hole = holes[0] if holes and holes[0][0] < end else (end, 0)
            if torn <= at:
                self._lost(hole)
                return
            head, size = framing.step(held, at, end)
            if hole and (torn < at + head or size <= 0):
                # What its head says is not to be trusted: that may be of the hole.
                self._torn(at, torn, mark)
                self._lost(at + 1 if size < 0 else hole)
                return
            if size < 0:
                self._losses += 1
                if self._losses > FREE_LOSSES + self._bytes // BYTES_A_LOSS:
                    self.unwanted = True
                self._lost(at + 1)
                return
            if not size:
                self._next_look = at + head if head else end + 1
                break
            if at + size > end:
                self._next_look = at + size
                break
            there = min(torn, at + size) if hole else at + size
            for data in framing.messages(held, at, size, there):
                self.out.append(Message(mark, data, there < at + size))
            at += size
            if framing.after is not None:
                self._at = at
                self.unwanted = framing.after is After.NOTHING
                self._framing, self._looking, self._started = None, True, True
                self._segments = self._next_look = 0
                return
            self._next_look = 0
        self._at = at

    def _torn(self, at: int, there: int, mark: Mark) -> None:
        """The frame at `at`, of which nothing was captured from `there` on."""
        framing = self._framing
        assert framing is not None
        head, size = framing.step(self._held, at, there)
        if size > 0 and at + head <= there:
            parts = framing.messages(self._held, at, size, min(there, at + size))
        else:
            parts = framing.torn(self._held, at, there)
        self.out += [Message(mark, data, True) for data in parts]

    def _lost(self, at: int) -> None:
        """Where frames begin is no longer known; it is looked for from here on."""
        self._at, self._looking, self._next_look = at, True, 0

    def _look(self, *, last: bool) -> bool:
        """Find the next place where frames begin."""
        held, end = self._held, len(self._held)
        if self._framing is None:
            return self._choose(last=last)
        if self._at >= end:
            return False
        place = self._framing.find(held, self._at, end)
        if place >= 0:
            self._at, self._next_look, self._looked = place, 0, 0
            return True
        if end - self._at > WINDOW:
            self._at = end - WINDOW // 2
            self._looked += WINDOW // 2
            self.unwanted = self._looked > MOST_LOOKED
        self._next_look = self._at + 2 * (end - self._at)
        return False

    def _choose(self, *, last: bool) -> bool:
        held, at, end = self._held, self._at, len(self._held)
        while at < end and held[at] in b"\r\n" and not self._holes:
            # Between messages SIP keeps its connections alive with these.
            at += 1
        self._at = at
        if at == end:
            self._segments = 0
            return False
        choice = choose(held, at, end, started=self._started)
        if isinstance(choice, Verdict) and self._in_middle:
            return self._search(last=last)
        if choice is Verdict.MAYBE:
            full = end - at >= MOST_UNDECIDED or self._segments >= MOST_UNDECIDED_SEGMENTS
            self.unwanted = last or full
            # In growing steps, so that all looks together are linear.
            self._next_look = min(end + (end - at) // 8, max(at + MOST_UNDECIDED, end))
            return False
        if isinstance(choice, Verdict):
            self.unwanted = True
            return False
        self._framing, self._at, self._next_look = choice.framing, choice.place, 0
        return True

    def _search(self, *, last: bool) -> bool:
        """Look for the first frame of anything, in a stream that does not begin with one."""
        held, at, end = self._held, self._at, len(self._held)
        vain = is_foreign(held)
        if last and self._segments < 2:
            segment = bytes(held)
            vain |= end < LONG and not (has_constant(segment) or begins(segment))
        found = None if vain else find(held, at, end)
        if found is None:
            self.unwanted = last or vain or end - at >= MOST_MIDDLE or has_foreign(held)
            self._looked = end
            self._next_look = min(max(MIDDLE_FACTOR * end, MIDDLE_BYTES), MOST_MIDDLE)
            self._next_segments = MIDDLE_FACTOR * max(self._segments, MIDDLE_SEGMENTS)
            return False
        framing, place = found
        if self._started and framing.step(held, at, end)[1] >= 0:
            # Up to the hole there were too few frames to tell, but now it is told.
            place = at
        self._framing, self._at, self._next_look, self._looked = framing, place, 0, 0
        return True
