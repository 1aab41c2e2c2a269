"""Keys pressed that are heard: DTMF in the sound (ITU-T Q.23, Q.24).

A key is a pair of sines, one of each group (Q.23)::

    Hz     1209 1336 1477 1633
     697    1    2    3    A
     770    4    5    6    B
     852    7    8    9    C
     941    *    0    #    D

Q.24 lists what administrations ask of a receiver. Here it is AT&T's column, and where a receiver
may do as it likes, the limit lies in the middle:

==================  ================  ==================  ==========
what                accepted          rejected            limit here
==================  ================  ==================  ==========
frequency           within 1.5 %      beyond 3.5 %        2 %
level of a tone     0 to -25 dBm      below -55 dBm       -40 dBm0
high over low tone  -8 to 4 dB        not said            -9, 5 dB
tone                40 ms or more     less than 23 ms     31 ms
interruption        bridged to 10 ms  a pause from 40 ms  25 ms
==================  ================  ==================  ==========

What protects against speech: in every 20 ms window nearly all of the power must lie in the two
tones, and their frequencies must stand still. A voice has overtones, and glides.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtpcap.audio.bank import HOPS, Bank, Frames, Narrowed, Narrower, mono
from rtpcap.audio.line import Line, came, windows

__all__ = ["DBM0_DBOV", "HIGH_HZ", "KEYS", "LOW_HZ", "DTMFDetector", "KeyTone", "find_keys"]

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"
"""The keys, row by row of the low group."""

DBM0_DBOV = -6.15
"""The level of 0 dBm0 in dBov: G.711's full-scale sine has 3.14 dBm0 (A-law) and -3.01 dBov."""

HOP_S = 0.005
FARTHEST = 0.02
"""A tone's deviation from its frequency, as a share of it."""
FARTHER = 0.035
"""The same in a single window."""
UNSTEADY = 0.008
"""The standard deviation of that along a press: noise 15 dB below a tone makes 0.001."""
LEAST_DBM0 = -40.0
TWIST_DB = (-9.0, 5.0)
SHORTEST_S = 0.031
BRIDGED_S = 0.025
LOST_S = 0.1
"""A pause in which packets are missing is bridged up to here, where little of it was heard."""

PURE = 0.7
"""The share of the two tones in the power of a window that counts."""
PURE_MEAN = 0.85
"""The same over a whole press: noise 10 dB below makes 0.91."""
SCREEN = 0.5
"""The same before a tone that is off its frequency is made up for: 0.73 at 1.5 % of 1633 Hz."""

FULL = 0.8
"""Frames of a run with less of its greatest power hold its beginning or end, and say nothing of its
level and frequency."""
REACH = HOPS + 2
"""Frames that an edge may lie away from the frames that count, and that are kept for it."""
LOWEST_RATE = 4000
"""Below, the tones do not fit in."""


@dataclass(frozen=True)
class KeyTone:
    """One key press in the sound. Deviations are in per cent of the nominal frequency."""

    digit: str
    start_s: float
    """From the line's first sample."""
    duration_s: float
    """From the first sound of it to the last, bridged interruptions included."""
    low_deviation_pct: float
    high_deviation_pct: float
    low_dbov: float
    high_dbov: float
    purity: float
    """The share of the two tones in the power while it lasted."""

    @property
    def twist_db(self) -> float:
        """The level of the high tone over that of the low one."""
        return self.high_dbov - self.low_dbov

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass
class _Run:
    """Frames one after the other that hold one key; sums over them."""

    key: int
    start: float
    """In samples."""
    end: float
    frames: int
    low: float
    high: float
    purity: float
    steps: int = 0
    """Pairs of neighbouring frames, and the sums of what their phases say, Hz."""
    low_drift: float = 0.0
    high_drift: float = 0.0
    low_squares: float = 0.0
    high_squares: float = 0.0
    sound: float = field(init=False)
    """Samples without what was bridged."""

    def __post_init__(self) -> None:
        self.sound = self.end - self.start

    def add(self, more: _Run) -> None:
        self.end = more.end
        self.sound += more.sound
        for name in ("frames", "low", "high", "purity", "steps"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        for name in ("low_drift", "high_drift", "low_squares", "high_squares"):
            setattr(self, name, getattr(self, name) + getattr(more, name))


class DTMFDetector:
    """Hears key presses in samples that come piece by piece; memory stays the same."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._deaf = rate < LOWEST_RATE
        self._narrower = Narrower(rate)
        self._bank = Bank(rate, LOW_HZ + HIGH_HZ, HOP_S)
        self._frames: Frames | None = None
        self._first = 0
        """The number of the first frame that is kept."""
        self._next = 0
        """The first frame that was not judged."""
        self._missing: list[tuple[float, float]] = []
        self._at = 0
        self._open: _Run | None = None
        self._found: list[KeyTone] = []

    def feed(
        self, samples: npt.NDArray[np.int16], received: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """The samples that follow, and which of them were received (shape (n,); all, if None)."""
        if not self._deaf:
            self.hear(self._narrower.feed(mono(samples)), len(samples), received)

    def hear(
        self, narrowed: Narrowed, length: int, received: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """The same of `length` samples that the caller's own `Narrower` averaged."""
        if self._deaf:
            return
        self._note_missing(length, received)
        self._judge(self._bank.feed(narrowed), last=False)

    def close(self) -> list[KeyTone]:
        """All presses, after the last samples."""
        if not self._deaf:
            self._judge(self._bank.feed(self._narrower.flush()), last=False)
            self._judge(self._bank.flush(2 * REACH), last=True)
            self._settle()
        return self._found

    def _note_missing(self, length: int, received: npt.NDArray[np.bool_] | None) -> None:
        if received is not None and not received.all():
            edges = np.flatnonzero(np.diff(np.concatenate([[True], received, [True]])))
            begin: float
            for begin, end in (edges + self._at).reshape(-1, 2).tolist():
                if self._missing and self._missing[-1][1] == begin:
                    begin = self._missing.pop()[0]
                self._missing.append((begin, end))
        self._at += length
        # Only what may lie in a pause yet to be judged; a run that is still open ends later.
        horizon = self._open.end if self._open else self._bank.sample(self._next)
        horizon -= REACH * HOP_S * self.rate
        if self._missing and self._missing[0][1] < horizon:
            self._missing = [gap for gap in self._missing if gap[1] >= horizon]

    def _judge(self, more: Frames, *, last: bool) -> None:
        frames = more if self._frames is None else self._frames.joined(more)
        begin = self._next - self._first
        end = len(frames) if last else len(frames) - REACH
        if end > begin:
            self._runs(frames, begin, end)
            self._next = self._first + end
            heard = self._bank.sample(self._next - REACH)
            if self._open and heard - self._open.end > LOST_S * self.rate:
                self._settle()
        keep = max(0, self._next - self._first - REACH)
        self._frames = frames[keep:]
        self._first += keep

    def _runs(self, frames: Frames, begin: int, end: int) -> None:
        """Find the runs of frames that hold one key, from row `begin` to `end`."""
        bank = self._bank
        # From one frame before: whether a run goes on from it.
        start = max(0, begin - 1)
        tones, total = frames.tones[start:end], frames.total[start:end]
        power = tones.real**2 + tones.imag**2
        low = power[:, : len(LOW_HZ)].max(axis=1)
        high = power[:, len(LOW_HZ) :].max(axis=1)
        least = np.float32(10 ** ((LEAST_DBM0 + DBM0_DBOV) / 10) * SCREEN)
        # A total of 0 is what rounding leaves beside a large mean: no tone stands out of it.
        screened = (total > 0) & (low + high > SCREEN * total)
        rows = np.flatnonzero(screened & (low > least) & (high > least))
        if not len(rows):
            return
        first = power[rows, : len(LOW_HZ)].argmax(axis=1)
        second = power[rows, len(LOW_HZ) :].argmax(axis=1) + len(LOW_HZ)
        here = rows + start
        held = _Held(bank, frames.tones, here, first), _Held(bank, frames.tones, here, second)
        share = (held[0].power + held[1].power) / total[rows]
        near = (held[0].off <= FARTHER) & (held[1].off <= FARTHER)
        counts = near & (share >= PURE)
        if not counts.any():
            return
        here, share = here[counts], share[counts]
        key = (first * len(HIGH_HZ) + second - len(LOW_HZ))[counts]
        low, high = held[0].power[counts], held[1].power[counts]
        steps = held[0].step[counts], held[1].step[counts]
        new = (np.diff(here, prepend=-2) != 1) | (np.diff(key, prepend=-1) != 0)
        firsts = np.flatnonzero(new).tolist()
        for a, b in zip(firsts, [*firsts[1:], len(here)], strict=True):
            loud = low[a:b] + high[a:b]
            full = loud >= FULL * loud.max()
            # A step leads from one whole frame of the run to the next, also over a block's border.
            linked = np.arange(a + 1, b)[full[1:] & full[:-1]]
            if int(here[a]) < begin:
                a, full = a + 1, full[1:]
                if not full.any():
                    continue
            counted = np.arange(a, b)[full]
            one, two = int(here[a]), int(here[b - 1])
            kind = int(key[a])
            run = _Run(
                kind,
                self._edge(frames, kind, one, begin, -1),
                self._edge(frames, kind, two, end - 1, 1),
                len(counted),
                float(low[counted].sum()),
                float(high[counted].sum()),
                float(share[counted].sum()),
                len(linked),
                float(steps[0][linked].sum()),
                float(steps[1][linked].sum()),
                float((steps[0][linked] ** 2).sum()),
                float((steps[1][linked] ** 2).sum()),
            )
            if run.end > run.start:
                self._join(run)

    def _edge(self, frames: Frames, key: int, row: int, border: int, way: int) -> float:
        """The sample where the sound of a run begins (`way` -1) or ends (1)."""
        low, high = divmod(key, len(HIGH_HZ))
        at = frames.half([low, len(LOW_HZ) + high], row, way, REACH)
        if at is None:
            # At the border of a block it goes on in the next one, whose run begins there.
            at = row + way / 2 if row == border else float(row)
        return self._bank.sample(self._first + at)

    def _join(self, run: _Run) -> None:
        before = self._open
        if before is not None and before.key == run.key and self._bridges(before.end, run.start):
            before.add(run)
            return
        self._settle()
        self._open = run

    def _bridges(self, end: float, start: float) -> bool:
        pause = start - end
        if pause <= BRIDGED_S * self.rate:
            return True
        if pause > LOST_S * self.rate:
            return False
        lost = 0.0
        # The gaps are in order of time: from the last before `start` back to `end`.
        for number in range(bisect_left(self._missing, (start,)) - 1, -1, -1):
            a, b = self._missing[number]
            if b <= end:
                break
            lost += min(b, start) - max(a, end)
        return pause - lost <= BRIDGED_S * self.rate

    def _settle(self) -> None:
        """Judge the run that is open, which nothing can join any more."""
        run, self._open = self._open, None
        if run is None or run.steps < 2 or run.sound < SHORTEST_S * self.rate:
            return
        low, high = divmod(run.key, len(HIGH_HZ))
        off = []
        for hertz, drift, squares in (
            (LOW_HZ[low], run.low_drift, run.low_squares),
            (HIGH_HZ[high], run.high_drift, run.high_squares),
        ):
            mean = drift / run.steps
            spread = math.sqrt(max(0.0, squares / run.steps - mean**2))
            if abs(mean) > FARTHEST * hertz or spread > UNSTEADY * hertz:
                return
            off.append(100 * mean / hertz)
        levels = [10 * math.log10(power / run.frames) for power in (run.low, run.high)]
        twist = levels[1] - levels[0]
        if min(levels) < LEAST_DBM0 + DBM0_DBOV or not TWIST_DB[0] <= twist <= TWIST_DB[1]:
            return
        purity = run.purity / run.frames
        if purity < PURE_MEAN:
            return
        start = max(0.0, run.start)
        end = min(run.end, float(self._at))
        self._found.append(
            KeyTone(
                digit=KEYS[run.key],
                start_s=start / self.rate,
                duration_s=(end - start) / self.rate,
                low_deviation_pct=off[0],
                high_deviation_pct=off[1],
                low_dbov=levels[0],
                high_dbov=levels[1],
                purity=min(1.0, purity),
            )
        )


class _Held:
    """One tone of the pair in each of some frames: its drift and its power."""

    def __init__(
        self,
        bank: Bank,
        tones: npt.NDArray[np.complex64],
        rows: npt.NDArray[np.int64],
        kind: npt.NDArray[np.int64],
    ) -> None:
        now = tones[rows, kind]
        after = tones[np.minimum(rows + 1, len(tones) - 1), kind]
        self.step = bank.drift(now, tones[np.maximum(rows - 1, 0), kind], kind)
        """Hz, from the frame before to this one."""
        onward = bank.drift(after, now, kind)
        drift = np.where(np.abs(self.step) < np.abs(onward), self.step, onward)
        self.off = np.abs(drift) / bank.frequencies[kind]
        # What is farther off than any tone that counts is not made up for.
        drift = np.where(self.off <= FARTHER, drift, 0.0)
        self.power = (now.real**2 + now.imag**2) / bank.loss(drift)


def find_keys(line: Line) -> list[KeyTone]:
    """The key presses heard on a line, in order of time."""
    detector = DTMFDetector(line.rate)
    for samples, heard in windows([line]):
        detector.feed(samples, came(heard))
    return detector.close()
