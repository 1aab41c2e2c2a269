"""Whether packets of one flow and SSRC behave as RTP does: the figures, the limits, the verdict.

Both the search for streams and the explanation of what was not taken for one come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.serial import signed_delta, steps
from rtpcap.streams.counted import counted

__all__ = ["FEWEST_PACKETS", "FEW_STEPS", "IN_PLACE", "PACES", "Judgement", "judge"]

FEWEST_PACKETS = 3
"""A flow of fewer packets shows no row to judge."""

NEAR = 64
"""A step of this many sequence numbers forwards or backwards is one a live flow makes."""

IN_PLACE = 0.8
"""The share of steps that stay near, at the least."""
FORWARDS = 0.2
"""The share of steps that go forwards, at the least."""

STEPPING = 0.04
"""The share of forward steps at which the timestamp grows, at the least (a picture may take many
packets, a telephone event more)."""
FALLING = 0.25
"""The share of forward steps at which the timestamp falls, at the most."""
FEW_STEPS = 8
"""Below so many steps no timestamp may fall at all."""

VIDEO_CLOCK = 90_000
VIDEO_DRIFT = 0.1
"""How far from that clock video may run whose pictures are sent in another order than shown."""
ENOUGH_PICTURES = 20
"""So many steps tell."""

PACES = (1_000, 1_000_000)
"""Timestamp ticks a second that some RTP clock could show, lowest and highest (the lowest clock in
use is 8,000 Hz; senders that stamp late or in bursts are why the range is wide)."""

LONGEST_STEP = 900_000
"""Ticks that a step still tells of the clock: 10 s at 90 kHz. Longer ones are senders that began
anew; where they are many, the timestamps are none."""
SHORT_STEPS = 0.75
"""The share of growing steps that are no longer, at the least."""

EVENT_BYTES = 4
MOST_EVENT_BYTES = 16

NOTHING = np.empty(0, np.int64)

Figures = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judgement:
    """What k candidates did, and whether each demand is met: columns of shape (k,)."""

    packets: Figures
    near: Figures
    """Steps of the sequence number by at most `NEAR`, exact copies among them."""
    forwards: Figures
    """Those of them that go forwards."""
    stepped: Figures
    """Forward steps at which the timestamp grows."""
    fell: Figures
    """Forward steps at which it falls."""
    short: Figures
    """Growing steps of at most `LONGEST_STEP`."""
    pace: npt.NDArray[np.float64]
    """Ticks a second over these; inf or nan where no time passes."""

    enough: Verdicts
    in_place: Verdicts
    advancing: Verdicts
    stepping: Verdicts
    rising: Verdicts
    paced: Verdicts
    events: Verdicts
    """Whether all payloads could be telephone events, which hold their timestamp."""

    @classmethod
    def joined(cls, parts: Sequence[Judgement]) -> Judgement:
        """The judgements of several batches as one; of none, an empty one."""
        if not parts:
            parts = [judge(Packets.parse((), NOTHING, NOTHING), NOTHING)]
        return cls(
            **{
                column.name: np.concatenate([getattr(part, column.name) for part in parts])
                for column in fields(cls)
            }
        )

    @property
    def passed(self) -> Verdicts:
        """Which behave as RTP."""
        timed = (self.stepping & self.rising & self.paced) | self.events
        return self.enough & self.in_place & self.advancing & timed

    @property
    def beside(self) -> Verdicts:
        """Which are RTP if a stream of another SSRC is in their flow: their timestamps stand still.

        So do those of a probe for bandwidth or of a retransmitted picture (RFC 4588), which never
        come alone.
        """
        still = (self.stepped == 0) & (self.fell == 0)
        return np.asarray(self.enough & self.in_place & self.advancing & still)

    def reason(self, i: int) -> str:
        """What decided on candidate i, in words: the first demand not met, or what it does."""
        packets, made = int(self.packets[i]), int(self.packets[i]) - 1
        forwards, stepped, fell = (int(f[i]) for f in (self.forwards, self.stepped, self.fell))
        if not self.enough[i]:
            return f"only {counted(packets, 'packet')}, {FEWEST_PACKETS} are needed"
        if not self.in_place[i]:
            share = _percent(int(self.near[i]), made)
            return f"sequence numbers go on in {share} of the steps; RTP needs {_limit(IN_PLACE)}"
        if not self.advancing[i]:
            if forwards < FEWEST_PACKETS - 1:
                return f"sequence numbers advance {counted(forwards, 'time')} in {made:,} steps"
            share = _percent(forwards, made)
            return f"sequence numbers advance in {share} of the steps; RTP needs {_limit(FORWARDS)}"
        if self.events[i] and not (self.stepping[i] & self.rising[i] & self.paced[i]):
            share = _percent(forwards, made)
            return (
                f"sequence numbers advance in {share} of the steps, all payloads could be "
                "telephone events"
            )
        if not self.rising[i]:
            share = _percent(fell, forwards)
            most = "none may" if made < FEW_STEPS else f"{_limit(FALLING)} may"
            return f"timestamps fall in {share} of the steps; of {made:,} steps {most}"
        if not self.stepping[i]:
            if self.beside[i]:
                return "timestamps do not step, and no stream of another SSRC is in the flow"
            if not stepped:
                return "timestamps do not step"
            share = _percent(stepped, forwards)
            return f"timestamps step with {share} of the packets; RTP needs {_limit(STEPPING)}"
        if not self.paced[i]:
            short = int(self.short[i])
            if short < SHORT_STEPS * stepped:
                share = _percent(stepped - short, stepped)
                return (
                    f"timestamps jump by more than {LONGEST_STEP:,} ticks in {share} of the steps"
                )
            return (
                f"timestamps run at {_pace(self.pace[i])}; clocks of RTP run at "
                f"{PACES[0]:,} to {PACES[1]:,}"
            )
        share = _percent(forwards, made)
        return (
            f"sequence numbers advance in {share} of the steps, timestamps run at "
            f"{_pace(self.pace[i])}"
        )


def _percent(part: int, whole: int) -> str:
    """Rounded down, so that what is below a limit reads so."""
    return f"{1000 * part // max(whole, 1) / 10:g} %"


def _limit(share: float) -> str:
    return f"{100 * share:.0f} %"


def _pace(ticks: float) -> str:
    return f"{ticks:,.0f} ticks a second" if np.isfinite(ticks) else "a pace that nothing tells"


def judge(packets: Packets, starts: npt.NDArray[np.int64]) -> Judgement:
    """The figures of k candidates whose packets lie one after the other from `starts`.

    Where few packets came out of order, so that hardly a step goes forwards, they are judged in
    the order of their sequence numbers.
    """
    found = _judge(packets, starts)
    overtaken = found.enough & (found.packets <= FEW_STEPS) & (found.near > found.forwards)
    again = np.flatnonzero(overtaken & ~found.passed)
    if not len(again):
        return found
    lengths = found.packets[again]
    begins = lengths.cumsum() - lengths
    rows = np.arange(lengths.sum()) + np.repeat(starts[again] - begins, lengths)
    sequence = packets.sequence[rows].astype(np.int64)
    place = signed_delta(sequence, np.repeat(sequence[begins], lengths), 16)
    rows = rows[np.lexsort((place, np.repeat(np.arange(len(again)), lengths)))]
    ordered = _judge(packets[rows], begins)
    better = ordered.passed
    for column in fields(Judgement):
        getattr(found, column.name)[again[better]] = getattr(ordered, column.name)[better]
    return found


def _judge(packets: Packets, starts: npt.NDArray[np.int64]) -> Judgement:
    """The same, in capture order."""
    n = len(packets)
    advance = steps(packets.sequence)
    ticks = steps(packets.timestamp)
    advance[starts] = 0
    first = np.zeros(n, np.bool_)
    first[starts] = True

    def count(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.add.reduceat(mask, starts, dtype=np.int64)

    made = np.diff(starts, append=n) - 1
    forward = (advance > 0) & (advance <= NEAR)
    copies = count((advance == 0) & (ticks == 0) & ~first)
    forwards = count(forward)
    near = forwards + copies + count((advance < 0) & (advance >= -NEAR))

    growing = forward & (ticks > 0)
    stepped = count(growing)
    fell = count(forward & (ticks < 0))
    few = made < FEW_STEPS
    rising = np.where(few, fell == 0, fell <= FALLING * forwards)
    in_place, advancing = near >= IN_PLACE * made, forwards >= FORWARDS * made
    advancing &= forwards >= FEWEST_PACKETS - 1
    if not rising.all():
        doubtful = np.flatnonzero(~rising & in_place & advancing & (made >= ENOUGH_PICTURES))
        rising[doubtful] = _shown_later(packets, ticks, forward, starts, made, doubtful)
    short, pace, paced = _paced(packets, growing, ticks, starts)

    # A flow of telephone events only holds its timestamp through each press.
    small = count((packets.payload_size > 0) & (packets.payload_size <= MOST_EVENT_BYTES))
    whole = count(packets.payload_size % EVENT_BYTES == 0)
    return Judgement(
        packets=made + 1,
        near=near,
        forwards=forwards,
        stepped=stepped,
        fell=fell,
        short=short,
        pace=pace,
        enough=made + 1 >= FEWEST_PACKETS,
        in_place=in_place,
        advancing=advancing,
        stepping=(stepped >= STEPPING * forwards) & (stepped >= 1),
        rising=rising,
        paced=paced,
        events=(small == made + 1) & (whole == made + 1) & (fell == 0),
    )


def _shown_later(
    packets: Packets,
    ticks: npt.NDArray[np.int32],
    forward: npt.NDArray[np.bool_],
    starts: npt.NDArray[np.int64],
    made: Figures,
    doubtful: Figures,
) -> Verdicts:
    """Which candidates are video in the order of decoding: each picture has the time it is shown.

    So timestamps go to and fro with every picture that others refer to, and by and large at the
    pace of the one clock that video has.
    """
    net = np.add.reduceat(np.where(forward, ticks, 0), starts, dtype=np.float64)[doubtful]
    first, last = starts[doubtful], (starts + made)[doubtful]
    then, now = packets.time_ns[first], packets.time_ns[last]
    seconds = np.where((then == NO_TIME) | (now == NO_TIME), np.nan, (now - then) * 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(net / seconds / VIDEO_CLOCK - 1) <= VIDEO_DRIFT)


def _paced(
    packets: Packets,
    growing: npt.NDArray[np.bool_],
    ticks: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
) -> tuple[Figures, npt.NDArray[np.float64], Verdicts]:
    """(short steps, pace, whether it is one that a clock could have) of each candidate.

    A flow that came in a burst, or without times, is judged by its steps alone: they are equal.
    """
    stepped = np.add.reduceat(growing, starts, dtype=np.int64)
    growing = growing & (ticks <= LONGEST_STEP)
    short = np.add.reduceat(growing, starts, dtype=np.int64)
    time_ns = packets.time_ns
    elapsed = np.zeros(len(ticks))
    elapsed[1:] = np.diff(time_ns) * 1e-9
    elapsed[(time_ns == NO_TIME) | ~growing | (elapsed < 0)] = 0
    seconds = np.add.reduceat(elapsed, starts)
    total = np.add.reduceat(np.where(growing, ticks, 0), starts, dtype=np.float64)
    largest = np.maximum.reduceat(np.where(growing, ticks, 0), starts)
    smallest = np.minimum.reduceat(np.where(growing, ticks, np.iinfo(np.int32).max), starts)
    even = (smallest >= 10) & (largest <= 100 * smallest.astype(np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = total / seconds
    possible = (pace >= PACES[0]) & ((pace <= PACES[1]) | even)
    return short, pace, (short >= SHORT_STEPS * stepped) & possible
