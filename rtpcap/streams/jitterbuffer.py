"""A simulated jitter buffer: which packets would have been played, and when.

A packet is played at its playout time, its media time moved by the buffer's offset, and is late
when it comes after that. A `Fixed` buffer sets its offset with the first packet of each talkspurt,
and anew when it has run dry; an `Adaptive` one with every packet, as receivers do that stretch
speech, from smoothed mean and deviation of the delays before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtpcap.streams.bursts import burst_ratio
from rtpcap.streams.codec_rows import CodecRow
from rtpcap.streams.emodel import NetworkDelay, Rating, rate_heard
from rtpcap.streams.jitter import smooth
from rtpcap.streams.ledger import FOREIGN, Ledger
from rtpcap.streams.silence import Held, Silences, silences
from rtpcap.streams.slots import LossRuns, Slots, stream_numbers
from rtpcap.streams.timing import Transit, packet_ticks, transit

__all__ = [
    "SIZES_MS",
    "Adaptive",
    "Arrivals",
    "Buffer",
    "Curve",
    "Fate",
    "Fixed",
    "Playout",
    "curve",
    "play",
]

RUN_DRY = 10
"""A fixed buffer that got so many late packets in a row has nothing left and fills anew."""

DEVIATIONS = 4.0
"""How many smoothed deviations an adaptive buffer waits beyond the mean (after R. Ramjee et al.,
"Adaptive Playout Mechanisms for Packetized Audio Applications", 1994)."""

SIZES_MS = tuple(range(0, 201, 10))
"""The sizes of buffer that a curve goes over."""

MARGIN_MS = 1e-6
"""A packet that comes exactly at its playout time is played, whatever rounding makes of it."""


class Fate(IntEnum):
    """What becomes of a packet at the buffer; one code a row."""

    PLAYED = 0
    LATE = 1
    """It came after its playout time."""
    UNNEEDED = 2
    """A copy, or of no sequence."""
    OUTSIDE = 3
    """The buffer has no say: no media, no time or no clock rate. It counts as received."""


@dataclass(frozen=True)
class Fixed:
    """A buffer that holds the first packet of a talkspurt for `size_ms`."""

    size_ms: float = 60.0

    def __post_init__(self) -> None:
        if not self.size_ms >= 0:
            raise ValueError(f"a buffer of {self.size_ms} ms is not possible")


@dataclass(frozen=True)
class Adaptive:
    """A buffer that waits as long as the delays of the packets before ask for, within limits."""

    least_ms: float = 20.0
    most_ms: float = 200.0

    def __post_init__(self) -> None:
        if not 0 <= self.least_ms <= self.most_ms:
            raise ValueError(f"limits {self.least_ms} to {self.most_ms} ms are not possible")


Buffer = Fixed | Adaptive


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What a buffer looks at of k streams of n packets; made once, played with any buffer."""

    packets: int
    slots: Slots
    outside: npt.NDArray[np.bool_]
    """First copies that the buffer has no say about, shape (n,)."""
    unneeded: npt.NDArray[np.bool_]
    transit: Transit
    """Of the first copies of media packets, m of them."""
    spurts: npt.NDArray[np.int64]
    """The place among these of the first packet of each talkspurt."""
    packet_ticks: npt.NDArray[np.int64]
    """Ticks of media in a packet of each stream, 0 where none shows, shape (k,)."""
    silences: Silences

    @classmethod
    def of(
        cls,
        timestamp: npt.NDArray[np.uint32],
        time_ns: npt.NDArray[np.int64],
        clock_rate: npt.NDArray[np.int32],
        media: npt.NDArray[np.bool_],
        ledger: Ledger,
        *,
        noise: npt.NDArray[np.bool_] | None = None,
        held: Held | None = None,
    ) -> Arrivals:
        """From columns of shape (n,) and the ledger of the same packets.

        `clock_rate` is that of each row's payload type, 0 where unknown; `media` and `noise`
        whether it is a media packet, or comfort noise. `held` tells what packets hold.
        """
        n = len(timestamp)
        stream = stream_numbers(ledger.starts, n)
        slots = Slots.of(ledger)
        unneeded = ledger.duplicate | (ledger.epoch == FOREIGN)
        counted = media & ~unneeded
        both = transit(timestamp, time_ns, clock_rate, ledger.epoch, stream, counted)
        outside = ~unneeded
        outside[both.rows] = False
        usual = packet_ticks(slots, timestamp, media)
        spoken = media if noise is None else media | noise
        silent = silences(slots, timestamp, spoken, clock_rate, usual, held)
        # A talkspurt begins with the first media packet after a silence.
        after = np.searchsorted(both.rows, slots.rows[silent.before + 1])
        spurts = np.union1d(both.heads, after[after < len(both.rows)])
        return cls(n, slots, outside, unneeded, both, spurts, usual, silent)


@dataclass(frozen=True, eq=False)
class Playout:
    """What became of n packets of k streams."""

    fate: npt.NDArray[np.uint8]
    """A `Fate` each, shape (n,)."""
    wait_ms: npt.NDArray[np.float64]
    """How long each played packet lay in the buffer; nan for all others."""
    runs: LossRuns
    """Slots without a packet that could be played."""
    delay_ms: npt.NDArray[np.float64]
    """From the arrival of the fastest packet's like to playout, on average over the packets
    played, shape (k,): what the buffer adds to the delay of the network. nan where none is."""

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """The packets to decode for the audio as it was heard: neither late nor unneeded."""
        return np.asarray((self.fate != Fate.LATE) & (self.fate != Fate.UNNEEDED))

    def count(self, starts: npt.NDArray[np.int64], fate: Fate) -> npt.NDArray[np.int64]:
        """How many packets of each stream have this fate, shape (k,)."""
        stream = stream_numbers(starts, len(self.fate))
        return np.bincount(stream[self.fate == fate], minlength=len(starts))

    @property
    def loss_pct(self) -> npt.NDArray[np.float64]:
        """Slots that were not heard, in percent, shape (k,)."""
        return 100 * self.runs.lost() / np.maximum(self.runs.expected, 1)


def play(arrivals: Arrivals, buffer: Buffer) -> Playout:
    """What becomes of each packet with this buffer."""
    both = arrivals.transit
    late_ms = both.late_ms
    if isinstance(buffer, Fixed):
        offset = _fixed(late_ms, arrivals.spurts, buffer.size_ms)
    else:
        offset = _adaptive(late_ms, both.heads, buffer)
    wait = offset - late_ms
    late = wait < -MARGIN_MS

    fate = np.full(arrivals.packets, Fate.PLAYED, np.uint8)
    fate[arrivals.outside] = Fate.OUTSIDE
    fate[arrivals.unneeded] = Fate.UNNEEDED
    fate[both.rows[late]] = Fate.LATE
    wait_ms = np.full(arrivals.packets, np.nan)
    played = ~late
    wait_ms[both.rows[played]] = np.maximum(wait[played], 0)

    k = len(arrivals.slots.expected)
    lengths = np.diff(both.heads, append=len(late_ms))
    if len(both.heads):
        fastest = np.repeat(np.minimum.reduceat(late_ms, both.heads), lengths)
        added = (offset - fastest)[played]
    else:
        added = np.zeros(0)
    owner = both.stream[played]
    counts = np.bincount(owner, minlength=k)
    delay = np.full(k, np.nan)
    np.divide(np.bincount(owner, weights=added, minlength=k), counts, out=delay, where=counts > 0)
    heard = fate[arrivals.slots.rows] != Fate.LATE
    return Playout(fate, wait_ms, arrivals.slots.loss_runs(heard), delay)


def _fixed(
    late_ms: npt.NDArray[np.float64], spurts: npt.NDArray[np.int64], size_ms: float
) -> npt.NDArray[np.float64]:
    """The offset of each packet's playout: the first of its talkspurt waits for `size_ms`."""
    lengths = np.diff(spurts, append=len(late_ms))
    offset = np.repeat(late_ms[spurts], lengths) + size_ms
    late = late_ms > offset + MARGIN_MS
    if not late.any():
        return offset
    # Only talkspurts where so many late ones in a row begin can have run dry.
    bad = np.flatnonzero(late)
    dry = bad[: 1 - RUN_DRY][bad[RUN_DRY - 1 :] - bad[: 1 - RUN_DRY] == RUN_DRY - 1]
    spurt = np.searchsorted(spurts, dry, side="right") - 1
    for i in np.unique(spurt).tolist():
        begin, end = int(spurts[i]), int(spurts[i] + lengths[i])
        _refill(late_ms, offset, begin, end, size_ms)
    return offset


def _refill(
    late_ms: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    begin: int,
    end: int,
    size_ms: float,
) -> None:
    """Set the offsets of one talkspurt, filling anew after each `RUN_DRY` late packets in a row.

    Looks ahead by stretches that double in length, so the work is linear in the packets.
    """
    while begin < end:
        level = late_ms[begin] + size_ms
        place, step, run = begin, 8 * RUN_DRY, 0
        refill = end
        while place < end and refill == end:
            stop = min(place + step, end)
            late = late_ms[place:stop] > level + MARGIN_MS
            count = np.arange(1, len(late) + 1)
            last_good = np.maximum.accumulate(np.where(late, 0, count))
            streak = np.where(last_good > 0, count - last_good, count + run)
            full = np.flatnonzero(streak >= RUN_DRY)
            if len(full):
                refill = place + int(full[0]) + 1
            run = int(streak[-1])
            place, step = stop, 2 * step
        offset[begin:refill] = level
        begin = refill


def _adaptive(
    late_ms: npt.NDArray[np.float64], heads: npt.NDArray[np.int64], buffer: Adaptive
) -> npt.NDArray[np.float64]:
    """The offset of each packet's playout from the delays of the packets before it.

    Mean and deviation are smoothed by 1/16, as RFC 3550 smooths jitter, and begin at the first
    packet's delay and 0.
    """
    lengths = np.diff(heads, append=len(late_ms))
    first = np.repeat(late_ms[heads], lengths)
    mean = smooth(late_ms - first, lengths)
    deviation = smooth(np.abs(late_ms - first - mean), lengths)
    wait = np.clip(DEVIATIONS * deviation, buffer.least_ms, buffer.most_ms)
    offset = np.empty_like(late_ms)
    offset[1:] = (first + mean + wait)[:-1]
    offset[heads] = late_ms[heads] + buffer.least_ms
    return offset


@dataclass(frozen=True, eq=False)
class Curve:
    """What one stream sounds like with buffers of several sizes; columns of shape (s,)."""

    size_ms: npt.NDArray[np.float64]
    ratings: tuple[Rating, ...]
    """The rating with each size, all inputs included."""

    @property
    def mos(self) -> npt.NDArray[np.float64]:
        return np.array([rating.mos for rating in self.ratings])

    @property
    def r(self) -> npt.NDArray[np.float64]:
        return np.array([rating.r for rating in self.ratings])

    @property
    def loss_pct(self) -> npt.NDArray[np.float64]:
        """Lost in the network or late at the buffer."""
        return np.array([rating.loss_pct for rating in self.ratings])

    @property
    def delay_ms(self) -> npt.NDArray[np.float64]:
        """One way, the buffer included."""
        return np.array([rating.delay_ms for rating in self.ratings])

    @property
    def best(self) -> int:
        """The place of the smallest size with the highest R."""
        return int(self.r.argmax())

    def rows(self) -> list[dict[str, object]]:
        """A dict a size."""
        return [
            {"buffer_ms": size, **rating.row()}
            for size, rating in zip(self.size_ms.tolist(), self.ratings, strict=True)
        ]


def curve(
    arrivals: Arrivals,
    codec: CodecRow,
    sizes_ms: Sequence[float] = SIZES_MS,
    *,
    network: NetworkDelay | None = None,
) -> Curve:
    """The rating of one stream over sizes of a fixed buffer.

    The buffer adds its own delay to that of codec and `network`, which is assumed to be 0 where
    nothing is known of it. Raises ValueError for several streams.
    """
    if len(arrivals.slots.expected) != 1:
        raise ValueError("a curve is of one stream")
    ratings = []
    for size in sizes_ms:
        playout = play(arrivals, Fixed(size))
        added = float(playout.delay_ms[0])
        rating = rate_heard(
            codec,
            float(playout.loss_pct[0]),
            float(burst_ratio(playout.runs)[0]),
            size if np.isnan(added) else added,
            network,
        )
        ratings.append(rating)
    return Curve(np.array(sizes_ms, np.float64), tuple(ratings))
