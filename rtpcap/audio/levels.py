"""How loud a line is: level, active speech level, noise floor, silence, clipping, dead air.

Levels are in dBov: 0 dBov is the power of a square wave at full scale, so a full-scale sine has
-3.01 dBov (RFC 6464, ITU-T G.711). What was not received is not heard, and counts in nothing.

**Active speech level** is by ITU-T P.56, method B. The envelope q of the rectified signal goes
through two equal smoothing filters of 30 ms. For thresholds c an octave apart, a(c) is how long
speech is active: while ``q >= c``, and 200 ms on. With the power of all samples spread over that
time, A(c) is the level of what is active above c. As c rises A(c) does too; the active speech
level is A where it lies 15.9 dB above c, between two thresholds interpolated. Here the envelope is
taken in steps of 2.5 ms instead of single samples, which moves the level by less than 0.1 dB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtpcap.audio.bank import FULL_SCALE, mono
from rtpcap.audio.line import Line, came, windows

__all__ = [
    "DIGITAL_SILENCE",
    "QUIET_DBOV",
    "LevelMeter",
    "Levels",
    "Span",
    "dbov",
    "measure",
]

DIGITAL_SILENCE = -127.0
"""What stands for no signal at all, as in RFC 6464: one bit of 16 has -90 dBov."""

WINDOW_S = 0.02
QUIET_DBOV = -60.0
"""A window below holds nothing that people hear: comfort noise is about as loud."""
DEAD_S = 2.0
"""A pause in speech is shorter."""
FLOOR_SHARE = 0.1
"""The noise floor is what this share of the windows stays below."""
LIMIT = 32767
"""The largest sample; a decoder may have a smaller one (mu-law 32124, A-law 32256)."""
CLIPPED_S = 0.0003
"""Samples one after the other at the limit, at least three: a peak that just reaches it has
fewer."""
LEAST_CLIPPED = 3

SMOOTH_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
THRESHOLDS = 15
"""c = 1, 2, 4 ... 2**14 of 16 bits."""
STEP_S = 0.0025
LANE = 64
"""Steps of the envelope that one product of matrices takes."""

MOST_SPANS = 1000
"""Stretches that are listed; more are only counted."""


def dbov(power: float) -> float:
    """The level of a mean square, full scale being 1; never below `DIGITAL_SILENCE`."""
    return max(DIGITAL_SILENCE, 10 * math.log10(power)) if power > 0 else DIGITAL_SILENCE


@dataclass(frozen=True)
class Span:
    """A stretch of a line, in seconds from its first sample."""

    start_s: float
    duration_s: float
    received: float = 1.0
    """The share of it that packets brought."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, eq=False)
class Levels:
    """What `measure` found on a line. A level is None where nothing was received."""

    duration_s: float
    received_s: float
    level_dbov: float | None
    """Of everything received."""
    peak_dbov: float | None
    """Of the largest sample, as a sine's peak: 0 is full scale."""
    active_dbov: float | None
    """The active speech level; None also where nothing is active."""
    activity: float | None
    """The share of the time received in which speech is active."""
    noise_dbov: float | None
    """The level that a tenth of the windows stays below."""
    silence: float | None
    """The share of the windows below -60 dBov."""
    dc_offset: float | None
    """The mean of the samples, as a share of full scale."""
    clipped: int
    """How often the signal stayed at the limit."""
    clipped_s: float
    clips: tuple[Span, ...]
    """The first thousand of them."""
    dead_air: tuple[Span, ...]
    """Stretches of 2 s and more below -60 dBov, or not received."""
    window_dbov: npt.NDArray[np.float32] = field(repr=False)
    """The level of each 20 ms, shape (windows,); nan where most of it was not received.

    Without those that were passed over, of which nothing was received.
    """
    passed_over: tuple[Span, ...] = ()

    @property
    def heard(self) -> bool:
        """Whether anything came that people hear."""
        return self.silence is not None and self.silence < 1


class LevelMeter:
    """Measures samples that come piece by piece; all it keeps is 4 bytes a window."""

    def __init__(self, rate: int, limit: int = LIMIT) -> None:
        self.rate = rate
        self.limit = limit
        self.window = self._window = max(1, round(rate * WINDOW_S))
        """Samples that are one window of levels."""
        self._held = np.empty(0, np.float32)
        self._held_there = np.empty(0, np.bool_)
        self._power: list[npt.NDArray[np.float32]] = []
        self._there: list[npt.NDArray[np.float32]] = []
        self._length = 0
        self._skipped: list[tuple[int, int]] = []
        """Windows that were measured before samples were passed over, and how many these are."""
        self._measured = 0
        self._received = 0
        self._sum = self._squares = 0.0
        self._peak = 0.0
        self._clips: list[Span] = []
        self._clipped = self._clipped_samples = 0
        self._at_limit = 0
        self._speech = _SpeechMeter(rate)

    def feed(
        self,
        samples: npt.NDArray[np.int16],
        received: npt.NDArray[np.bool_] | None = None,
        values: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """The samples that follow, and which of them were received (all, if None).

        Of several channels their mean is measured: `values`, where the caller has it already.
        """
        if not len(samples):
            return
        self._clipping(samples)
        values = mono(samples) if values is None else values
        if received is None or received.all():
            received = np.ones(len(values), np.bool_)
        else:
            values = np.where(received, values, np.float32(0))
        self._length += len(values)
        self._received += int(np.count_nonzero(received))
        self._peak = max(self._peak, float(values.max()), -float(values.min()))
        self._speech.feed(values, received)
        held = np.concatenate([self._held, values])
        there = np.concatenate([self._held_there, received])
        whole = len(held) // self._window * self._window
        self._windows(held[:whole], there[:whole])
        self._held, self._held_there = held[whole:], there[whole:]

    @property
    def at(self) -> int:
        """How many samples there were."""
        return self._length

    def skip(self, samples: int) -> None:
        """Pass over samples that were not received; a window has to begin or end here."""
        if samples <= 0:
            return
        assert not len(self._held)
        self._flush_clip()
        self._speech.skip()
        self._skipped.append((self._measured, samples))
        self._length += samples

    def _windows(self, values: npt.NDArray[np.float32], received: npt.NDArray[np.bool_]) -> None:
        rows = values.reshape(-1, self._window)
        if received.all():
            count = np.full(len(rows), self._window, np.float32)
        else:
            there = received.reshape(-1, self._window)
            count = np.count_nonzero(there, axis=1).astype(np.float32)
        self._sum += float(np.einsum("ij->i", rows).sum(dtype=np.float64))
        self._measured += len(rows)
        squares = np.einsum("ij,ij->i", rows, rows)
        self._squares += float(squares.sum(dtype=np.float64))
        self._power.append(squares / np.maximum(count, 1))
        self._there.append(count / np.float32(self._window))

    def _clipping(self, samples: npt.NDArray[np.int16]) -> None:
        """Note runs of samples at the limit, in the first channel where there are several."""
        values = samples if samples.ndim == 1 else samples[:, 0]
        reached = int(values.max()) >= self.limit or int(values.min()) <= -self.limit
        if not self._at_limit and not reached:
            return
        high = values >= self.limit
        low = values <= -self.limit
        side = high.astype(np.int8) - low.astype(np.int8)
        edges = np.flatnonzero(np.diff(side, prepend=np.int8(0), append=np.int8(0)))
        edges = np.unique(np.concatenate([[0], edges, [len(side)]]))
        least = max(LEAST_CLIPPED, math.ceil(CLIPPED_S * self.rate))
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            here = int(side[begin])
            if begin == 0 and self._at_limit and np.sign(self._at_limit) == here:
                count = abs(self._at_limit) + end
            elif begin == 0 and self._at_limit:
                self._clip(abs(self._at_limit), self._length, least)
                count = end
            else:
                count = end - begin
            self._at_limit = 0
            if here and end == len(side):
                self._at_limit = here * count
            elif here:
                self._clip(count, self._length + end, least)

    def _clip(self, count: int, end: int, least: int) -> None:
        if count < least:
            return
        self._clipped += 1
        self._clipped_samples += count
        if len(self._clips) < MOST_SPANS:
            self._clips.append(Span((end - count) / self.rate, count / self.rate))

    def _flush_clip(self) -> None:
        """A run of samples at the limit is over."""
        least = max(LEAST_CLIPPED, math.ceil(CLIPPED_S * self.rate))
        self._clip(abs(self._at_limit), self._length, least)
        self._at_limit = 0

    def close(self) -> Levels:
        """The figures, after the last samples."""
        self._flush_clip()
        rest = len(self._held)
        if rest:
            # The last window is short: its share of what was received is that of a whole one.
            pad = self._window - rest
            self._windows(
                np.concatenate([self._held, np.zeros(pad, np.float32)]),
                np.concatenate([self._held_there, np.zeros(pad, np.bool_)]),
            )
            self._there[-1] *= np.float32(self._window / rest)
            self._held = self._held[:0]
        empty = [np.empty(0, np.float32)]
        power, there = np.concatenate(self._power or empty), np.concatenate(self._there or empty)
        received = self._received
        counted = there >= 0.5
        quietest = 10 ** (DIGITAL_SILENCE / 10)
        with np.errstate(divide="ignore"):
            level = (10 * np.log10(np.maximum(power, quietest))).astype(np.float32)
        level[~counted] = np.nan
        known = level[counted]
        active_dbov, active_s = self._speech.result(self._squares)
        return Levels(
            duration_s=self._length / self.rate,
            received_s=received / self.rate,
            level_dbov=dbov(self._squares / received) if received else None,
            peak_dbov=dbov(self._peak**2) if received else None,
            active_dbov=active_dbov,
            activity=min(1.0, active_s * self.rate / received) if received else None,
            noise_dbov=float(np.quantile(known, FLOOR_SHARE)) if len(known) else None,
            silence=float((known < QUIET_DBOV).mean()) if len(known) else None,
            dc_offset=self._sum / received if received else None,
            clipped=self._clipped,
            clipped_s=self._clipped_samples / self.rate,
            clips=tuple(self._clips),
            dead_air=tuple(self._dead(level, there)),
            window_dbov=level,
            passed_over=tuple(self._passed_over()),
        )

    def _passed_over(self) -> Iterator[Span]:
        before = 0
        for measured, samples in self._skipped:
            start = measured * self._window + before
            yield Span(start / self.rate, samples / self.rate, 0.0)
            before += samples

    def _dead(self, level: npt.NDArray[np.float32], there: npt.NDArray[np.float32]) -> list[Span]:
        dead = ~(level >= QUIET_DBOV)
        size = np.full(len(dead), self._window)
        if self._skipped:
            # What was passed over is one window of its own length.
            at, skipped = np.array(self._skipped, np.int64).T
            dead, size = np.insert(dead, at, True), np.insert(size, at, skipped)
            there = np.insert(there, at, 0)
        edge = np.minimum(np.concatenate([[0], size.cumsum()]), self._length)
        heard = np.concatenate([[0], (np.minimum(there, 1) * np.diff(edge)).cumsum()])
        turns = np.flatnonzero(np.diff(np.concatenate([[False], dead, [False]])))
        starts, stops = turns[::2], turns[1::2]
        long = edge[stops] - edge[starts] >= DEAD_S * self.rate
        spans = []
        for start, stop in zip(starts[long].tolist(), stops[long].tolist(), strict=True):
            begin, end = int(edge[start]), int(edge[stop])
            received = float(heard[stop] - heard[start]) / (end - begin)
            spans.append(Span(begin / self.rate, (end - begin) / self.rate, min(1.0, received)))
        return spans


class _SpeechMeter:
    """ITU-T P.56, method B, in steps of 2.5 ms."""

    def __init__(self, rate: int) -> None:
        self._step = max(1, round(rate * STEP_S))
        self._step_s = self._step / rate
        keep = math.exp(-self._step_s / SMOOTH_S)
        # p' = keep * p + (1 - keep) * u and q' = keep * q + (1 - keep) * p', for a lane at once:
        # what each input and the state before add to each q, and to the state after.
        push = 1 - keep
        power = np.arange(LANE)
        behind = power[:, None] - power[None, :]
        reach = np.where(behind >= 0, keep ** np.maximum(behind, 0), 0.0)
        self._from_inputs = (push * push * (behind + 1) * reach).T.astype(np.float32)
        self._p_inputs = (push * keep ** (LANE - 1 - power)).astype(np.float32)
        self._from_p = (push * (power + 1) * keep ** (power + 1)).astype(np.float32)
        self._from_q = (keep ** (power + 1)).astype(np.float32)
        self._keep_lane = keep**LANE
        self._p = self._q = 0.0
        self._held = np.empty(0, np.float32)
        self._held_there = np.empty(0, np.bool_)
        self._hang = max(1, round(HANGOVER_S / self._step_s))
        self._recent = np.zeros(self._hang, np.float32)
        self._counts = np.zeros(THRESHOLDS + 1, np.int64)

    def feed(self, values: npt.NDArray[np.float32], received: npt.NDArray[np.bool_]) -> None:
        held = np.concatenate([self._held, values])
        there = np.concatenate([self._held_there, received])
        long = self._step * LANE
        whole = len(held) // long * long
        self._lanes(held[:whole], there[:whole])
        self._held, self._held_there = held[whole:], there[whole:]

    def skip(self) -> None:
        """A long silence follows, in which nothing is received."""
        self._flush()
        self._p = self._q = 0.0
        self._recent = np.zeros(self._hang, np.float32)

    def _lanes(self, values: npt.NDArray[np.float32], there: npt.NDArray[np.bool_]) -> None:
        if not len(values):
            return
        inputs = np.einsum("ij->i", np.abs(values).reshape(-1, self._step)).reshape(-1, LANE)
        inputs /= np.float32(self._step)
        q = inputs @ self._from_inputs
        last = q[:, -1].tolist()
        pushed = (inputs @ self._p_inputs).tolist()
        before = np.empty((len(q), 2), np.float32)
        p_now, q_now = self._p, self._q
        keep, from_p = self._keep_lane, float(self._from_p[-1])
        for number, (more_q, more_p) in enumerate(zip(last, pushed, strict=True)):
            before[number] = p_now, q_now
            q_now = more_q + from_p * p_now + keep * q_now
            p_now = more_p + keep * p_now
        self._p, self._q = p_now, q_now
        q += before[:, :1] * self._from_p + before[:, 1:] * self._from_q
        # Active while the greatest envelope of the last 200 ms is above a threshold.
        line = np.concatenate([self._recent, q.reshape(-1)])
        self._recent = line[-self._hang :]
        greatest = _greatest(line, self._hang + 1)
        counted = there.reshape(-1, self._step)[:, 0]
        _, exponent = np.frexp(greatest[counted] * np.float32(FULL_SCALE))
        # x in 2**(e-1) .. 2**e is above the thresholds 2**0 .. 2**(e-1): e of them.
        above = np.clip(exponent, 0, THRESHOLDS)
        self._counts += np.bincount(above, minlength=THRESHOLDS + 1)

    def _flush(self) -> None:
        """Measure what is held, as if silence followed that was not received."""
        rest = len(self._held)
        if rest:
            long = self._step * LANE
            held = np.concatenate([self._held, np.zeros(long - rest, np.float32)])
            there = np.concatenate([self._held_there, np.zeros(long - rest, np.bool_)])
            self._held, self._held_there = self._held[:0], self._held_there[:0]
            self._lanes(held, there)

    def result(self, squares: float) -> tuple[float | None, float]:
        """The active speech level and the seconds of activity, given the sum of all squares."""
        self._flush()
        active = self._counts[::-1].cumsum()[::-1][1:]
        before: tuple[float, float] | None = None
        for number, steps in enumerate(active.tolist()):
            if not steps or squares <= 0:
                break
            threshold = 20 * math.log10(2**number / FULL_SCALE)
            level = 10 * math.log10(squares / (steps * self._step))
            margin = level - threshold
            if margin <= MARGIN_DB:
                if before is not None and before[1] > margin:
                    share = (before[1] - MARGIN_DB) / (before[1] - margin)
                    level = before[0] + share * (level - before[0])
                power: float = 10 ** (level / 10)
                return level, squares / power * self._step_s / self._step
            before = level, margin
        return None, 0.0


def _greatest(values: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """The greatest of each `width` neighbours, shape (n - width + 1,)."""
    done, out = 1, values
    while done * 2 <= width:
        out = np.maximum(out[: len(out) - done], out[done:])
        done *= 2
    rest = width - done
    return np.maximum(out[: len(out) - rest], out[rest:])


def measure(line: Line, limit: int = LIMIT) -> Levels:
    """The levels of a whole line; `limit` is the largest sample that its codec has."""
    meter = LevelMeter(line.rate, limit)
    for samples, heard in windows([line]):
        meter.feed(samples, came(heard))
    return meter.close()
