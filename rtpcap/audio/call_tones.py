"""The tones of a call that are heard: ringing, busy, dial tone, special information, fax, modem.

Frames of 100 ms tell frequencies 40 Hz apart. Frames that hold nothing but one signal (a tone, or
a pair) make bursts; bursts in the rhythm of a plan (`tone_plans`) make a tone. What fits no plan
is not a call tone, and is not told.

An answer tone is told from its variants by its frames (V.25, V.8): the phase turns over every
450 ms where echo cancellers are to be disabled (``/ANS``), and the amplitude swings by a fifth
15 times a second where the modem is one of V.8 (``ANSam``, ``/ANSam``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtpcap.audio.bank import HOPS, Bank, Frames, Narrowed, Narrower, mono
from rtpcap.audio.line import Line, windows
from rtpcap.audio.tone_plans import ANSWER_HZ, PLANS, SIT_HZ, SIT_S, TonePlan

__all__ = ["CallTone", "CallToneDetector", "find_tones"]

HOP_S = 0.025
FARTHEST_HZ = 10.0
"""A tone's deviation; 425 and 440 Hz are 15 Hz apart."""
PURE = 0.8
SCREEN = 0.15
"""The share of the strongest tone before it is made up for what lies beside its frequency: half
of a pair, or a tone at 10 Hz, of which a quarter is seen."""
TWIST_DB = 8.0
LEAST_DBOV = -50.0
BRIDGED_S = 0.075
"""Silence that does not end a burst: a turned phase or a few lost packets."""
TOLERANCE = 0.15
TOLERANCE_S = 0.02
"""How far times may be from those of a plan: a share of them, and as much as an edge is off."""
NEAR = 0.05
"""Plans that fit nearly as well as the best are told too."""
EDGE_S = 0.05
"""A burst this close to where the sound begins or ends may have been cut."""
SIT_PAUSE_S = 0.05
"""E.180: silence of up to 30 ms between the tones."""

REACH = HOPS + 2
LOWEST_RATE = 4400

TURN_S = 0.2
"""Phases turn no more often than this."""
TURNED = 2.0
"""Radians across a turn of the phase: nearly pi, where the tone goes on it is nearly 0."""
SWING_HZ = 15.0
SWING = 0.015
"""The share of 15 Hz in the amplitudes of frames; a fifth in the sound leaves 0.035 in them."""
ANSWER_FRAMES = 240
"""Frames of an answer tone that are looked at: 6 s."""

SIGNALS: tuple[tuple[float, ...], ...] = tuple(
    dict.fromkeys(
        [plan.hertz for plan in PLANS] + [(hertz,) for group in SIT_HZ for hertz in group]
    )
)
"""What may sound together, each once."""
BANK_HZ = tuple(sorted({hertz for signal in SIGNALS for hertz in signal}))
COLUMNS = [[BANK_HZ.index(hertz) for hertz in signal] for signal in SIGNALS]
SIT_STEP = {SIGNALS.index((hertz,)): step for step, group in enumerate(SIT_HZ) for hertz in group}
ANSWER = SIGNALS.index((ANSWER_HZ,))


@dataclass(frozen=True)
class CallTone:
    """One tone of a call, from its first burst to its last."""

    name: str
    """As in `TonePlan`; ``SIT`` for special information, ``CNG ANS /ANS ANSam /ANSam`` for fax
    and modems."""
    start_s: float
    """From the line's first sample."""
    duration_s: float
    hertz: tuple[float, ...]
    """The nominal frequencies; one after the other for ``SIT``."""
    bursts: int
    level_dbov: float
    """While it sounds."""
    places: tuple[str, ...] = ()
    """Countries whose tone of this name it may be."""
    also: tuple[str, ...] = ()
    """Other names that fit as well, elsewhere."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass
class _Burst:
    signal: int
    start: float
    """In samples."""
    end: float
    power: float
    frames: int
    seen: list[tuple[int, npt.NDArray[np.complex64]]] = field(default_factory=list)
    """Of an answer tone: the number of a frame, and frames from there."""

    def add(self, more: _Burst) -> None:
        self.end = more.end
        self.power += more.power
        self.frames += more.frames
        if sum(len(tones) for _, tones in self.seen) < ANSWER_FRAMES:
            self.seen += more.seen


class CallToneDetector:
    """Hears the tones of a call in samples that come piece by piece."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._deaf = rate < LOWEST_RATE
        self._narrower = Narrower(rate)
        self._bank = Bank(rate, BANK_HZ, HOP_S)
        self._frames: Frames | None = None
        self._first = 0
        self._next = 0
        self._at = 0
        self._bursts: list[_Burst] = []

    def feed(self, samples: npt.NDArray[np.int16]) -> None:
        """The samples that follow, shape (n,) or (n, channels)."""
        if not self._deaf:
            self.hear(self._narrower.feed(mono(samples)), len(samples))

    def hear(self, narrowed: Narrowed, length: int) -> None:
        """The same of `length` samples that the caller's own `Narrower` averaged."""
        if self._deaf:
            return
        self._at += length
        self._judge(self._bank.feed(narrowed), last=False)

    def close(self) -> list[CallTone]:
        """All tones in order of time, after the last samples."""
        if self._deaf:
            return []
        self._judge(self._bank.feed(self._narrower.flush()), last=False)
        self._judge(self._bank.flush(2 * REACH), last=True)
        found = _special(self._bursts, self.rate)
        for signal in range(len(SIGNALS)):
            plans = [plan for plan in PLANS if plan.hertz == SIGNALS[signal]]
            mine = [burst for burst in self._bursts if burst.signal == signal]
            found += _rhythms(mine, plans, self.rate, self._at, self._bank)
        return sorted(found, key=lambda tone: tone.start_s)

    def _judge(self, more: Frames, *, last: bool) -> None:
        frames = more if self._frames is None else self._frames.joined(more)
        begin = self._next - self._first
        end = len(frames) if last else len(frames) - REACH
        if end > begin:
            self._find_bursts(frames, begin, end)
            self._next = self._first + end
        keep = max(0, self._next - self._first - REACH)
        self._frames = frames[keep:]
        self._first += keep

    def _find_bursts(self, frames: Frames, begin: int, end: int) -> None:
        tones, total = frames.tones[begin:end], frames.total[begin:end]
        power = tones.real**2 + tones.imag**2
        loud = total > np.float32(10 ** (LEAST_DBOV / 10))
        rows = np.flatnonzero(loud & (power.max(axis=1) > SCREEN * total)) + begin
        if not len(rows):
            return
        power, off = self._corrected(frames, rows)
        signal = np.full(len(rows), -1)
        nearest = np.full(len(rows), np.inf)
        for number, columns in enumerate(COLUMNS):
            part = power[:, columns]
            share = part.sum(axis=1) / frames.total[rows]
            astray = off[:, columns].max(axis=1)
            fits = (share >= PURE) & (astray <= FARTHEST_HZ) & (astray < nearest)
            if len(columns) > 1:
                fits &= part.min(axis=1) >= part.max(axis=1) * 10 ** (-TWIST_DB / 10)
            signal[fits] = number
            nearest[fits] = astray[fits]
        held = signal >= 0
        if not held.any():
            return
        rows, signal, power = rows[held], signal[held], power[held]
        new = (np.diff(rows, prepend=-2) != 1) | (np.diff(signal, prepend=-1) != 0)
        firsts = np.flatnonzero(new).tolist()
        for a, b in zip(firsts, [*firsts[1:], len(rows)], strict=True):
            columns = COLUMNS[signal[a]]
            burst = _Burst(
                int(signal[a]),
                self._edge(frames, columns, int(rows[a]), begin, -1),
                self._edge(frames, columns, int(rows[b - 1]), end - 1, 1),
                float(power[a:b, columns].sum()),
                b - a,
            )
            if burst.signal == ANSWER:
                kept = frames.tones[rows[a:b], columns[0]]
                burst.seen = [(self._first + int(rows[a]), kept[:ANSWER_FRAMES])]
            if burst.end > burst.start:
                self._join(burst)

    def _corrected(
        self, frames: Frames, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The power of every tone in some frames, and how far each is off its frequency, Hz."""
        now = frames.tones[rows]
        every = np.arange(len(BANK_HZ))
        back = self._bank.drift(now, frames.tones[np.maximum(rows - 1, 0)], every)
        after = frames.tones[np.minimum(rows + 1, len(frames) - 1)]
        onward = self._bank.drift(after, now, every)
        drift = np.where(np.abs(back) < np.abs(onward), back, onward)
        off = np.abs(drift)
        power = (now.real**2 + now.imag**2) / self._bank.loss(np.minimum(off, FARTHEST_HZ))
        return power, off

    def _edge(self, frames: Frames, columns: list[int], row: int, border: int, way: int) -> float:
        """The sample where a burst begins (`way` -1) or ends (1)."""
        at = frames.half(columns, row, way, REACH)
        if at is None:
            # At the border of a block it goes on in the next one.
            at = row + way / 2 if row == border else float(row)
        return self._bank.sample(self._first + at)

    def _join(self, burst: _Burst) -> None:
        before = self._bursts[-1] if self._bursts else None
        if before is not None and before.signal == burst.signal:
            pause = burst.start - before.end
            if pause <= BRIDGED_S * self.rate:
                before.add(burst)
                return
        self._bursts.append(burst)


def _level(bursts: list[_Burst]) -> float:
    power = sum(burst.power for burst in bursts) / sum(burst.frames for burst in bursts)
    return 10 * math.log10(power)


def _special(bursts: list[_Burst], rate: int) -> list[CallTone]:
    """Special information tones: a burst of each group, rising, one close behind the other."""
    found = []
    shortest, longest = (limit * rate for limit in SIT_S)
    for three in zip(bursts, bursts[1:], bursts[2:], strict=False):
        if [SIT_STEP.get(burst.signal) for burst in three] != [0, 1, 2]:
            continue
        lengths = [burst.end - burst.start for burst in three]
        pauses = [after.start - before.end for before, after in pairwise(three)]
        if min(lengths) < shortest or max(lengths) > longest or max(pauses) > SIT_PAUSE_S * rate:
            continue
        found.append(
            CallTone(
                "SIT",
                max(0.0, three[0].start) / rate,
                (three[2].end - max(0.0, three[0].start)) / rate,
                tuple(SIGNALS[burst.signal][0] for burst in three),
                len(three),
                _level(list(three)),
            )
        )
    return found


def _rhythms(
    bursts: list[_Burst], plans: list[TonePlan], rate: int, length: int, bank: Bank
) -> list[CallTone]:
    """The tones that bursts of one signal make."""
    found = []
    at = 0
    while at < len(bursts):
        fits = []
        for plan in plans:
            count, error = _fit(bursts, at, plan, rate, length)
            if count:
                fits.append((-count, error, plan))
        if not fits:
            at += 1
            continue
        most, error, plan = min(fits, key=lambda fit: fit[:2])
        alike = [other for count, near, other in fits if count == most and near <= error + NEAR]
        mine = bursts[at : at - most]
        names = list(dict.fromkeys(other.name for other in [plan, *alike]))
        start = max(0.0, mine[0].start)
        name = _answer(mine[0], bank) if mine[0].signal == ANSWER else plan.name
        edge = EDGE_S * rate
        if len(mine) == 1 and (mine[0].start < edge or mine[0].end > length - edge):
            # It may have been longer.
            least = (1 - TOLERANCE) * (mine[0].end - mine[0].start) / rate
            alike = [other for other in plans if other.rhythm[0] >= least]
        places = [place for other in [plan, *alike] if other.name == name for place in other.places]
        found.append(
            CallTone(
                name,
                start / rate,
                (min(mine[-1].end, length) - start) / rate,
                plan.hertz,
                len(mine),
                _level(mine),
                tuple(dict.fromkeys(places)),
                tuple(names[1:]),
            )
        )
        at += len(mine)
    return found


def _fit(
    bursts: list[_Burst], at: int, plan: TonePlan, rate: int, length: int
) -> tuple[int, float]:
    """How many bursts from `at` on keep a plan's rhythm, and how far they are off, as a share.

    0 where they are too few. The sound may have begun in the middle of the rhythm, and the last
    burst may be cut short.
    """
    if plan.steady:
        long = bursts[at].end - bursts[at].start
        return (1, 0.0) if long >= plan.rhythm[0] * (1 - TOLERANCE) * rate else (0, 0.0)
    best = (0, 0.0)
    for phase in range(0, len(plan.rhythm), 2):
        count, errors = _follow(bursts, at, plan.rhythm, phase, rate, length)
        whole = len(errors) + 1 >= 2 * plan.least
        if whole and (count, -sum(errors) / len(errors)) > (best[0], -best[1]):
            best = count, sum(errors) / len(errors)
    return best


def _follow(
    bursts: list[_Burst], at: int, rhythm: tuple[float, ...], phase: int, rate: int, length: int
) -> tuple[int, list[float]]:
    """The bursts that follow a rhythm from one of its places on, and the errors of their times."""
    errors: list[float] = []
    count = 0
    for number in range(at, len(bursts)):
        burst = bursts[number]
        place = (phase + 2 * (number - at)) % len(rhythm)
        sound, silence = rhythm[place], rhythm[place + 1]
        long = (burst.end - burst.start) / rate
        edge = EDGE_S * rate
        cut = burst.start < edge or burst.end > length - edge
        error = _error(long, sound)
        if error is None:
            # Answered, or hung up, in the middle of it; or the recording began there.
            if long < sound and (cut or count):
                count += 1
            break
        errors.append(error)
        count += 1
        if number + 1 == len(bursts):
            break
        pause = (bursts[number + 1].start - burst.end) / rate
        error = _error(pause, silence)
        if error is None:
            break
        errors.append(error)
    else:
        return count, errors
    return count, errors


def _error(seconds: float, nominal: float) -> float | None:
    """How far a time is from the nominal one, as a share of it; None beyond the tolerance."""
    off = abs(seconds - nominal)
    return off / nominal if off <= TOLERANCE * nominal + TOLERANCE_S else None


def _answer(burst: _Burst, bank: Bank) -> str:
    """Which answer tone it is, by the phases and amplitudes of its frames."""
    first = burst.seen[0][0]
    tones = np.zeros(ANSWER_FRAMES, np.complex64)
    there = np.zeros(ANSWER_FRAMES, np.bool_)
    for number, seen in burst.seen:
        seen = seen[: max(0, ANSWER_FRAMES - (number - first))]
        tones[number - first : number - first + len(seen)] = seen
        there[number - first : number - first + len(seen)] = True
    column = BANK_HZ.index(ANSWER_HZ)
    hop_s = bank.hop / bank.rate
    steps = bank.drift(tones[1:], tones[:-1], column)[there[1:] & there[:-1]]
    middle = float(np.median(steps)) if len(steps) else 0.0
    # Two windows that do not reach over the middle between them.
    apart = HOPS
    turn = 2 * np.pi * apart * hop_s * (ANSWER_HZ + middle)
    pairs = tones[apart:] * tones[:-apart].conj() * np.exp(-1j * turn)
    turned = np.flatnonzero((np.abs(np.angle(pairs)) > TURNED) & there[apart:] & there[:-apart])
    turns = int((np.diff(turned, prepend=-ANSWER_FRAMES) > TURN_S / hop_s).sum())
    amplitude = np.abs(tones)
    steady = there.copy()
    for place in turned.tolist():
        steady[place : place + apart + 1] = False
    # The tone's ends are seen by their windows only in part.
    edges = np.flatnonzero(there)
    steady[edges[0] : edges[0] + HOPS] = steady[edges[-1] - HOPS : edges[-1] + 1] = False
    swing = 0.0
    if steady.any():
        mean = amplitude[steady].mean()
        wave = np.exp(-2j * np.pi * SWING_HZ * hop_s * np.arange(ANSWER_FRAMES))
        moving = np.where(steady, amplitude - mean, 0.0)
        swing = 2 * float(np.abs((moving * wave).sum())) / (steady.sum() * mean)
    return ("/" if turns else "") + ("ANSam" if swing > SWING else "ANS")


def find_tones(line: Line) -> list[CallTone]:
    """The call tones heard on a line, in order of time."""
    detector = CallToneDetector(line.rate)
    for samples, _ in windows([line]):
        detector.feed(samples)
    return detector.close()
