"""Where a packet's audio belongs: one packet at a time for live use, a whole stream at once.

Both unwrap timestamps, let later packets win where they overlap, and leave silence where nothing
came. Only the manager forgets: it drops audio that comes too late to be read.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from operator import index as as_int

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import signed_delta, steps

__all__ = ["Placement", "RTPPacketManager", "place"]

TIMESTAMP_BITS = 32
LAST_TIMESTAMP = (1 << TIMESTAMP_BITS) - 1
FURTHEST_BACK = 100_000
"""Ticks before the next one to be read; audio from before is a sender that begins anew."""

PAGE_BITS = 12
PAGE_TICKS = 1 << PAGE_BITS
PAGE_MASK = PAGE_TICKS - 1

SECOND_NS = 1_000_000_000
OUT_OF_STEP_NS = 10 * SECOND_NS
"""A timestamp that is this far from the capture's clock has nothing to do with the one before."""
CLOCK_CHANGE_NS = SECOND_NS // 10
"""How far a packet of another clock may arrive from the end of the one before, and lie there."""
LONGEST_PAUSE_NS = 24 * 3600 * SECOND_NS
"""Between two packets of a stream; what is longer is a clock that was set."""


class RTPPacketManager:
    """A buffer of audio that is written at RTP timestamps, in any order, and read front to back.

    `offset` is in ticks, of `bytes_per_tick` bytes each; lengths are in bytes. What was not
    written reads as `silence`, which is one tick long: in unsigned 8-bit audio that is 0x80.

    >>> manager = RTPPacketManager()
    >>> manager.write(160, b"second")
    >>> manager.write(154, b"first ")
    >>> manager.read(14)
    b'first second\\x80\\x80'
    """

    def __init__(self, bytes_per_tick: int = 1, silence: bytes = b"\x80") -> None:
        if bytes_per_tick < 1 or len(silence) != bytes_per_tick:
            raise ValueError(f"silence is one tick of {bytes_per_tick} bytes, not {silence!r}")
        self._width = bytes_per_tick
        self._silence = silence
        self._quiet_page = silence * PAGE_TICKS
        self._lock = threading.Lock()
        self._wipe()

    def _wipe(self) -> None:
        # Pages are made when they are written to, so that a jump in the timestamps costs nothing.
        self._pages: dict[int, bytearray] = {}
        self._begun = False
        self._next = 0
        self._highest = 0
        self._end = 0
        self._heard = False

    def write(self, offset: int, data: bytes) -> None:
        """Put audio at an RTP timestamp.

        Audio from before what was already read is dropped; from more than 100,000 ticks before,
        everything held is dropped and reading begins anew there. Raises TypeError for what is no
        bytes, ValueError for an offset outside 0..2**32-1 or a length that is no whole ticks.
        """
        with self._lock:
            self._write(offset, data)

    def _write(self, offset: int, data: bytes, reset: bool = False) -> None:
        if type(data) is not bytes:
            data = _as_bytes(data)
        if type(offset) is not int:
            offset = as_int(offset)
        if not 0 <= offset <= LAST_TIMESTAMP:
            raise ValueError(f"offset {offset} is not in 0..{LAST_TIMESTAMP}")
        width = self._width
        ticks = len(data) // width
        if width > 1 and ticks * width != len(data):
            raise ValueError(f"{len(data)} bytes are no whole ticks of {width} bytes")
        if reset:
            self._wipe()
        if not ticks:
            return
        if not self._begun:
            self._begun = True
            self._next = self._highest = self._end = at = offset
        else:
            at = self._highest + signed_delta(offset, self._highest, TIMESTAMP_BITS)
            if at < self._next:
                late = self._next - at
                if late > FURTHEST_BACK:
                    self._wipe()
                    self._begun = True
                    self._next = self._highest = self._end = at
                elif not self._heard:
                    self._next = at
                elif late >= ticks:
                    return
                else:
                    data = data[late * width :]
                    ticks -= late
                    at = self._next
        if at > self._highest:
            self._highest = at
        if at + ticks > self._end:
            self._end = at + ticks
        while True:
            number, begin = at >> PAGE_BITS, at & PAGE_MASK
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = bytearray(self._quiet_page)
            room = PAGE_TICKS - begin
            if ticks <= room:
                page[begin * width : (begin + ticks) * width] = data
                return
            page[begin * width :] = data[: room * width]
            data = data[room * width :]
            at += room
            ticks -= room

    def read(self, length: int = 160) -> bytes:
        """The next `length` bytes; what is missing, or not there yet, is silence.

        Where nothing is held at all, only silence is given, and reading goes on at the same place.
        """
        length = as_int(length)
        if length < 0 or length % self._width:
            raise ValueError(f"{length} bytes are no whole ticks of {self._width} bytes")
        with self._lock:
            ticks = length // self._width
            held = min(ticks, self._end - self._next)
            if held <= 0:
                return self._silence * ticks
            audio = self._take(held)
            return audio + self._silence * (ticks - held)

    def _take(self, ticks: int) -> bytes:
        width, at, stop = self._width, self._next, self._next + ticks
        parts = []
        while at < stop:
            number, begin = at >> PAGE_BITS, at & PAGE_MASK
            part = min(PAGE_TICKS - begin, stop - at)
            page = self._pages.get(number, self._quiet_page)
            parts.append(page[begin * width : (begin + part) * width])
            at += part
            if begin + part == PAGE_TICKS:
                self._pages.pop(number, None)
        self._next = stop
        self._heard = True
        return b"".join(parts)

    @property
    def held(self) -> int:
        """How many bytes there are from the next one to be read to the last one written."""
        with self._lock:
            return max(self._end - self._next, 0) * self._width

    def rebuild(self, reset: bool, offset: int = 0, data: bytes = b"") -> None:
        """Write as `write` does; with `reset` after everything held was dropped."""
        with self._lock:
            self._write(offset, data, reset)


def _as_bytes(data: object) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"audio is bytes, not {type(data).__name__}")
    return bytes(data)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the audio of n packets lies on a line of samples."""

    position: npt.NDArray[np.int64]
    """The first sample of each packet, shape (n,); never below 0 unless an origin was given."""
    length: int
    """Where the last sample of all ends."""
    starts: npt.NDArray[np.int64]
    """The row that begins each epoch, shape (k,)."""


def place(
    timestamp: npt.NDArray[np.uint32],
    time_ns: npt.NDArray[np.int64],
    samples: npt.NDArray[np.int64],
    clock_rate: int | npt.NDArray[np.int64],
    sample_rate: int,
    *,
    origin_ns: int | None = None,
    reanchor_s: float | None = None,
) -> Placement:
    """Lay the packets of one stream, in capture order, on a line of samples.

    `timestamp`, `time_ns` and `samples` (how many each packet holds, at the sample rate) have
    shape (n,), and so has `clock_rate` where the packets have several. A packet lies where its
    timestamp says, counted from the first packet of its epoch, which lies where it arrived; one of
    another clock than the packet before it lies right behind that, or, if this is more than 100 ms
    from where it arrived, there: its timestamp says nothing (RFC 7160). A new epoch begins with a
    timestamp that is more than 10 s out of step with the capture's clock, and where the line would
    grow beyond the time that passed, the audio that came, and 10 s more: so however timestamps lie,
    a line is never longer than that. A clock that was set, or packets without a time, are bridged
    by the timestamps.

    The line begins with its lowest sample, or, with `origin_ns`, at that time of the capture's
    clock. With `reanchor_s` an epoch also begins at a pause after which the timestamps have
    drifted that many seconds from the capture's clock.
    """
    n = len(timestamp)
    if not n:
        return Placement(np.empty(0, np.int64), 0, np.empty(0, np.int64))
    course = _course(timestamp, time_ns, samples, clock_rate, sample_rate)
    starts = course.starts(reanchor_s)
    clock_rate = course.clock_rate
    base = _samples(course.arrival_ns[starts], sample_rate)
    if origin_ns is not None and time_ns[0] != NO_TIME:
        base += _samples(time_ns[:1] - origin_ns, sample_rate)
    position = course.ticks
    for start, stop, first in zip(starts, [*starts[1:], n], base, strict=True):
        epoch = position[start:stop]
        epoch -= epoch[0]
        if sample_rate != clock_rate:
            epoch *= sample_rate
            epoch //= clock_rate
        epoch += first
    if origin_ns is None:
        position -= position.min()
    return Placement(position, int((position + samples).max()), starts)


def _samples(time_ns: npt.NDArray[np.int64], sample_rate: int) -> npt.NDArray[np.int64]:
    """The nearest sample to each time; in two parts, so that no product overflows."""
    seconds, rest = np.divmod(time_ns, SECOND_NS)
    return np.asarray(seconds * sample_rate + (rest * sample_rate + SECOND_NS // 2) // SECOND_NS)


@dataclass(frozen=True, eq=False)
class _Course:
    """How a stream's timestamps and the capture's clock go on, both from the first packet."""

    ticks: npt.NDArray[np.int64]
    """Unwrapped timestamps."""
    arrival_ns: npt.NDArray[np.int64]
    """When each packet came."""
    out_of_step: npt.NDArray[np.bool_]
    """Whether the timestamp has nothing to do with the one before."""
    samples: npt.NDArray[np.int64]
    """How many each packet holds."""
    clock_rate: int
    sample_rate: int

    def starts(self, reanchor_s: float | None) -> npt.NDArray[np.int64]:
        """The rows that begin an epoch, ascending, 0 among them."""
        edges = [0, *np.flatnonzero(self.out_of_step).tolist(), len(self.ticks)]
        suspicious = self._may_outgrow(np.array(edges[:-1]))
        starts = []
        for i, first in enumerate(edges[:-1]):
            starts.append(first)
            stop = edges[i + 1]
            if reanchor_s is None and not suspicious[i]:
                continue
            delay = self._delay_ns(first, stop) if reanchor_s is not None else None
            while True:
                start = starts[-1]
                following = stop
                if suspicious[i]:
                    following = self._outgrown(start, stop)
                if delay is not None and reanchor_s is not None:
                    limit = int(reanchor_s * SECOND_NS)
                    following = self._drifted(start, following, delay[start - first :], limit)
                if following == stop:
                    break
                starts.append(following)
        return np.array(starts, np.int64)

    def _media_ns(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """How long the audio of each packet is."""
        media: npt.NDArray[np.int64] = self.samples[start:stop] * SECOND_NS // self.sample_rate
        return media

    def _may_outgrow(self, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which stretches, beginning at `edges`, could be longer than the time that passed.

        How far the steps of a stretch exceed the time between their packets, all in all, is more
        than its line can exceed the time that passed.
        """
        step = np.abs(np.diff(self.ticks, prepend=0)) / self.clock_rate
        beyond = np.maximum(step - np.diff(self.arrival_ns, prepend=0) / SECOND_NS, 0)
        beyond[edges] = 0
        return np.asarray(np.add.reduceat(beyond, edges) > OUT_OF_STEP_NS / SECOND_NS)

    def _outgrown(self, start: int, stop: int) -> int:
        """The first row of ``start..stop`` at which the line is too long; `stop` for none."""
        for hi in _growing(start, stop):
            line = self.ticks[start:hi]
            extent = np.maximum.accumulate(line) - np.minimum.accumulate(line)
            elapsed = np.maximum.accumulate(self.arrival_ns[start:hi]) - self.arrival_ns[start]
            allowed = elapsed + np.cumsum(self._media_ns(start, hi)) + OUT_OF_STEP_NS
            over = np.flatnonzero(extent / self.clock_rate > allowed / SECOND_NS)
            if len(over):
                return start + int(over[0])
        return stop

    def _delay_ns(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """How far behind its timestamp each row arrives; the least of it and some rows after it.

        A packet that was held up says nothing about the clock; the ones behind it do.
        """
        media = self.ticks[start:stop] * (SECOND_NS / self.clock_rate)
        delay = self.arrival_ns[start:stop] - media
        for reach in (1, 2, 4, 8, 16):
            delay[:-reach] = np.minimum(delay[:-reach], delay[reach:])
        return delay

    def _drifted(self, start: int, stop: int, delay: npt.NDArray[np.float64], limit_ns: int) -> int:
        """The first row after a pause in ``start..stop`` whose delay differs from the start's."""
        for hi in _growing(start, stop):
            rows = slice(start + 1, hi)
            before = slice(start, hi - 1)
            step_ns = (self.ticks[rows] - self.ticks[before]) * (SECOND_NS / self.clock_rate)
            waited = self.arrival_ns[rows] - self.arrival_ns[before]
            longest = np.maximum(step_ns, waited)
            paused = longest >= 2 * self._media_ns(start, hi - 1)
            drifted = np.abs(delay[1 : hi - start] - delay[0]) > limit_ns
            found = np.flatnonzero(paused & drifted)
            if len(found):
                return start + 1 + int(found[0])
        return stop


def _growing(start: int, stop: int) -> list[int]:
    """Ends of ever longer stretches from `start`, so that a search costs what it has to look at."""
    ends = []
    width = 1024
    while start + width < stop:
        ends.append(start + width)
        width *= 4
    return [*ends, stop]


def _course(
    timestamp: npt.NDArray[np.uint32],
    time_ns: npt.NDArray[np.int64],
    samples: npt.NDArray[np.int64],
    clock_rate: int | npt.NDArray[np.int64],
    sample_rate: int,
) -> _Course:
    # In place where it can be: these columns are the most that decoding takes.
    step = steps(timestamp)
    step_ns = step.astype(np.int64)
    step_ns *= SECOND_NS
    step_ns //= clock_rate
    elapsed = np.diff(time_ns, prepend=time_ns[0])
    no_time = time_ns == NO_TIME
    unknown = (elapsed < -OUT_OF_STEP_NS) | (elapsed > LONGEST_PAUSE_NS) | no_time
    unknown[1:] |= no_time[:-1]
    changed = np.empty(0, np.int64)
    if isinstance(clock_rate, np.ndarray):
        changed = 1 + np.flatnonzero(np.diff(clock_rate))
        before = samples[changed - 1] * SECOND_NS // sample_rate
        behind = unknown[changed] | (np.abs(elapsed[changed] - before) <= CLOCK_CHANGE_NS)
        step_ns[changed] = np.where(behind, before, elapsed[changed])
    rows = np.flatnonzero(unknown)
    if len(rows):
        before = samples[np.maximum(rows - 1, 0)] * SECOND_NS // sample_rate
        bridged = np.where(np.abs(step_ns[rows]) <= OUT_OF_STEP_NS, step_ns[rows], before)
        elapsed[rows] = bridged
    if isinstance(clock_rate, np.ndarray):
        ticks = _joined(step, step_ns, changed, clock_rate, sample_rate)
        clock_rate = sample_rate
    else:
        ticks = step.cumsum(dtype=np.int64)
    step_ns -= elapsed
    out_of_step = np.abs(step_ns, out=step_ns) > OUT_OF_STEP_NS
    out_of_step[0] = False
    return _Course(
        ticks,
        elapsed.cumsum(out=elapsed),
        out_of_step,
        samples,
        clock_rate,
        sample_rate,
    )


def _joined(
    step: npt.NDArray[np.int32],
    step_ns: npt.NDArray[np.int64],
    changed: npt.NDArray[np.int64],
    clock_rate: npt.NDArray[np.int64],
    sample_rate: int,
) -> npt.NDArray[np.int64]:
    """The unwrapped timestamps of several clocks as samples, exact between changes of the clock."""
    own = step.astype(np.int64)
    own[changed] = 0
    own = own.cumsum()
    begins = np.concatenate([[0], changed])
    lengths = np.diff(begins, append=len(step))
    own -= np.repeat(own[begins], lengths)
    # In two parts, so that no product overflows.
    seconds, rest = np.divmod(own, clock_rate)
    own = seconds * sample_rate + rest * sample_rate // clock_rate
    base = np.zeros(len(begins), np.int64)
    base[1:] = (own[changed - 1] + _samples(step_ns[changed], sample_rate)).cumsum()
    own += np.repeat(base, lengths)
    return own
