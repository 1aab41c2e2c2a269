"""What a network or a sender does to packets, done on purpose: columns and a seed in, columns and
the truth out.

Every impairment draws from a generator of its own, so the same seed loses the same packets with
and without jitter. The truth says of every packet and every slot what was done to it; hence each
figure that is measured afterwards is known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.truth import Columns, Impaired, Packetlike, Truth

__all__ = ["Distribution", "Impairment"]

Distribution = Literal["uniform", "exponential", "normal", "gamma", "pareto"]
"""How the delay of single packets is spread round its mean."""

GAMMA_SHAPE = 2.0
PARETO_SHAPE = 3.0
"""The smallest whole shape whose variance is finite."""
NORMAL_PART = 1 / 3
"""Standard deviation of the normal distribution as a part of its mean; delays below 0 are 0."""

EDGE = 2
"""How many packets at the beginning of an epoch stay whole and in order.

RFC 3550 A.1 believes a restart when two packets in sequence agree. Nobody can see a loss before
the first or after the last packet either, so the last one stays too.
"""
LEAST_EPOCH = 2 * EDGE + 2

UNRELATED_TICKS = (1 << 30, 3 << 30)
"""How far a restart moves the timestamp: hours at any clock, in both directions."""

SEQUENCES = 1 << 16
TIMESTAMPS = 1 << 32
STEP_NS = 1000
"""How long after the packet that overtook it a held packet comes."""


@dataclass(frozen=True)
class Impairment:
    """What is to be done; nothing by default. Shares are percent of the packets that are sent."""

    loss_pct: float = 0.0
    mean_run: float | None = None
    """Mean length of a run of lost packets (Gilbert's two states); None: each by itself."""
    jitter_ms: float = 0.0
    """Mean of the delay that each packet gets."""
    jitter: Distribution = "exponential"
    keep_order: bool = True
    """Whether jitter lets no packet overtake another, as in a queue."""
    duplicate_pct: float = 0.0
    duplicate_ms: float = 1.0
    """How long after the first copy the second one comes."""
    reorder_pct: float = 0.0
    reorder_by: int = 1
    """How many packets overtake a held one."""
    late_pct: float = 0.0
    late_ms: float = 200.0
    """Extra delay of a late packet. RFC 3550 A.1 takes one 100 packets late for a restart's."""
    drift_ppm: float = 0.0
    """How much faster than the capture's clock the sender's runs, in parts per million."""
    silence_pct: float = 0.0
    silence_packets: float = 50.0
    """Mean length of a suppressed silence, in packets."""
    restarts: int = 0
    """How often the sender begins anew with other sequence numbers and timestamps."""
    new_ssrc: bool = False
    """Whether it takes another SSRC too: then each restart begins a stream."""
    first_sequence: int | None = None
    """Moves all sequence numbers so that the first is this one: 65530 makes them wrap soon."""
    first_timestamp: int | None = None

    def __post_init__(self) -> None:
        for name in ("loss_pct", "duplicate_pct", "reorder_pct", "late_pct", "silence_pct"):
            if not 0 <= getattr(self, name) < 100:
                raise ValueError(f"{name} is {getattr(self, name)}, not 0 or more and below 100")
        for name in ("jitter_ms", "duplicate_ms", "late_ms", "restarts"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is negative")
        if self.reorder_by < 1 or self.silence_packets < 1:
            raise ValueError("reorder_by and silence_packets are 1 or more")
        if abs(self.drift_ppm) >= 1e6:
            raise ValueError("drift_ppm is a million or more: time would stand still")
        if self.mean_run is not None:
            # The good state must be entered at all: p = share / (run * (1 - share)) <= 1.
            share = self.loss_pct / 100
            if self.mean_run < 1 or share > self.mean_run * (1 - share):
                raise ValueError(
                    f"runs of {self.mean_run} on average cannot make {self.loss_pct} % loss"
                )

    def apply(self, packets: Packetlike, seed: int) -> Impaired:
        """The packets as they arrive after all this, in order of arrival, and the truth.

        `packets` are one stream in the order they were sent, each with a time (ValueError
        otherwise). The same seed gives the same result.
        """
        sent = Columns.of(packets)
        n = len(sent)
        if (sent.time_ns == NO_TIME).any():
            raise ValueError("packets without a time cannot be delayed")
        draws = iter(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(8))
        section = self._sections(n, next(draws))
        kept = _kept(section)
        silent = self._runs(n, self.silence_pct, self.silence_packets, next(draws)) & ~kept
        sent, stream, epoch, ssrc = self._numbered(sent, section, silent, next(draws))

        spoken = np.flatnonzero(~silent)
        gone = self._lost(len(spoken), next(draws))
        lost = np.zeros(n, np.bool_)
        lost[spoken[gone]] = True
        lost &= ~kept
        here = np.flatnonzero(~silent & ~lost)
        arrival = sent.time_ns[here].copy()
        arrival += _ns(self._jitter(len(here), next(draws)))
        if self.keep_order:
            arrival = np.maximum.accumulate(arrival)

        rng = next(draws)
        free = ~kept[here]
        late = _share(len(here), self.late_pct, rng) & free
        arrival[late] += round(self.late_ms * 1e6)
        held = _share(len(here), self.reorder_pct, rng) & free
        follower = np.flatnonzero(held) + self.reorder_by
        # Nothing of a later section overtakes, and what is held does not wait for what is held.
        able = follower < len(here)
        able[able] &= section[here[follower[able]]] == section[here[np.flatnonzero(held)[able]]]
        held[np.flatnonzero(held)[~able]] = False
        base = np.maximum.accumulate(arrival)
        rows = np.flatnonzero(held)
        arrival[rows] = np.maximum(arrival[rows], base[rows + self.reorder_by] + STEP_NS)
        doubled = _share(len(here), self.duplicate_pct, next(draws))
        again = arrival[doubled] + round(self.duplicate_ms * 1e6)

        slots = np.concatenate([here, here[doubled]])
        copy = np.arange(len(slots)) >= len(here)
        times = _in_sections(np.concatenate([arrival, again]), section[slots], copy)
        order = np.lexsort((copy, times))
        source, copy, times = slots[order], copy[order], times[order]

        def marked(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
            out = np.zeros(n, np.bool_)
            out[rows] = True
            return out

        delay = np.zeros(n, np.int64)
        delay[source[~copy]] = times[~copy] - sent.time_ns[source[~copy]]
        truth = Truth(
            silent=silent,
            lost=lost,
            doubled=marked(here[doubled]),
            held=marked(here[held]),
            late=marked(here[late]),
            stream=stream,
            epoch=epoch,
            delay_ns=delay,
            ssrc=ssrc,
            source=source,
            copy=copy,
        )
        columns = sent[source]
        return Impaired(
            Columns(
                sequence=columns.sequence,
                timestamp=columns.timestamp,
                marker=columns.marker,
                ssrc=columns.ssrc,
                payload_size=columns.payload_size,
                time_ns=times,
            ),
            truth,
        )

    def _sections(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Restarts before each slot, shape (n,): each section has `LEAST_EPOCH` slots or more."""
        room = n // LEAST_EPOCH - 1
        count = min(self.restarts, max(room, 0))
        places = np.sort(rng.choice(room, count, replace=False)) + 1 if count else np.zeros(0)
        return np.searchsorted(places * LEAST_EPOCH, np.arange(n), side="right").astype(np.int64)

    def _numbered(
        self,
        sent: Columns,
        section: npt.NDArray[np.int64],
        silent: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Columns, npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
        """(packets as sent, stream and epoch of each, SSRC of each stream).

        Silence takes no sequence number, and what follows it is marked (RFC 3551 section 4.1).
        """
        n, sections = len(sent), int(section[-1]) + 1 if len(section) else 1
        first = sent[np.arange(min(n, 1))]
        shift = np.zeros(sections, np.int64)
        turn = np.zeros(sections, np.int64)
        if self.first_sequence is not None and n:
            shift += self.first_sequence - int(first.sequence[0])
        if self.first_timestamp is not None and n:
            turn += self.first_timestamp - int(first.timestamp[0])
        shift[1:] += rng.integers(0, SEQUENCES, sections - 1)
        # Each moves on from where the one before it stood, so neighbours are always far apart.
        turn[1:] += rng.integers(*UNRELATED_TICKS, sections - 1).cumsum()
        sequence = sent.sequence.astype(np.int64) - silent.cumsum() + shift[section]
        timestamp = sent.timestamp.astype(np.int64) + turn[section]

        marker = sent.marker.copy()
        marker[1:] |= silent[:-1] & ~silent[1:]
        begins = np.flatnonzero(np.diff(section)) + 1
        marker[begins] = True
        stream = np.zeros(n, np.int32)
        epoch = section.astype(np.int32)
        numbers = first.ssrc
        owner = sent.ssrc
        if self.new_ssrc and n:
            stream, epoch = epoch, stream
            others = int(first.ssrc[0]) + 1 + rng.integers(0, SEQUENCES, sections - 1).cumsum()
            numbers = np.concatenate([first.ssrc, others.astype(np.uint32)])
            owner = numbers[section]
        time = sent.time_ns
        if self.drift_ppm and n:
            start = int(time[0])
            time = start + np.rint((time - start) / (1 + self.drift_ppm * 1e-6)).astype(np.int64)
        out = Columns(
            sequence=(sequence % SEQUENCES).astype(np.uint16),
            timestamp=(timestamp % TIMESTAMPS).astype(np.uint32),
            marker=marker,
            ssrc=owner,
            payload_size=sent.payload_size,
            time_ns=time,
        )
        return out, stream, epoch, numbers

    def _lost(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        if self.mean_run is None:
            return _share(n, self.loss_pct, rng)
        return self._runs(n, self.loss_pct, self.mean_run, rng)

    def _runs(
        self, n: int, share_pct: float, mean_run: float, rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """A row of two states, of which the second has this share and mean run length."""
        if not share_pct or not n:
            return np.zeros(n, np.bool_)
        share = share_pct / 100
        leave = 1 / mean_run
        enter = min(leave * share / (1 - share), 1.0)
        # So many runs of each state that they reach over n whatever their lengths.
        count = n + 1
        lengths = np.empty(2 * count, np.int64)
        lengths[0::2] = rng.geometric(enter, count)
        lengths[1::2] = rng.geometric(leave, count)
        if rng.random() < share:
            lengths[0] = 0
        begins = lengths.cumsum()
        return np.asarray(np.searchsorted(begins, np.arange(n), side="right") % 2 == 1)

    def _jitter(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """The delay of each of n packets, in milliseconds."""
        mean = self.jitter_ms
        match self.jitter:
            case "uniform":
                return rng.uniform(0, 2 * mean, n)
            case "exponential":
                return rng.exponential(mean, n)
            case "normal":
                return np.maximum(rng.normal(mean, mean * NORMAL_PART, n), 0)
            case "gamma":
                return rng.gamma(GAMMA_SHAPE, mean / GAMMA_SHAPE, n)
            case "pareto":
                return rng.pareto(PARETO_SHAPE, n) * mean * (PARETO_SHAPE - 1)
        raise ValueError(f"no distribution {self.jitter!r}")


def _share(n: int, share_pct: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    return rng.random(n) < share_pct / 100


def _ns(values_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.rint(values_ms * 1e6).astype(np.int64)


def _kept(section: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The first `EDGE` slots and the last one of each section."""
    kept = np.zeros(len(section), np.bool_)
    begins = np.flatnonzero(np.diff(section, prepend=-1))
    for ahead in range(EDGE):
        kept[np.minimum(begins + ahead, len(section) - 1)] = True
    kept[begins[1:] - 1] = True
    kept[-1:] = True
    return kept


def _in_sections(
    times: npt.NDArray[np.int64], section: npt.NDArray[np.int64], copy: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Times of arrival such that no section mixes with the next, nor its first packets with others.

    A packet sent before a restart that would come after it is let go just before.
    """
    times = times.copy()
    for number in range(int(section.max(initial=0)), 0, -1):
        edge = times[np.flatnonzero(section == number)[0]]
        before = section < number
        times[before] = np.minimum(times[before], edge - 1)
    for number in range(int(section.max(initial=0)) + 1):
        rows = np.flatnonzero(section == number)
        head, rest = rows[:EDGE], rows[EDGE:]
        times[head] = np.maximum.accumulate(times[head])
        if len(head) == EDGE:
            times[rest] = np.maximum(times[rest], times[head[-1]])
    return times
