"""All further figures of streams at once: what `quality.measure` has not, in columns.

Copies that the capture made count nowhere here: delta, bandwidth and jitter are those of the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.streams.bursts import Bursts, Markov, burst_ratio, bursts, longest, markov
from rtpcap.streams.codec_rows import CodecRow
from rtpcap.streams.drift import Drift, drift
from rtpcap.streams.emodel import NetworkDelay, Rating, rate_heard
from rtpcap.streams.fates import Account, SlotClass, account
from rtpcap.streams.jitter import Jitter, interarrival
from rtpcap.streams.jitterbuffer import Arrivals, Buffer, Fixed, Playout, play
from rtpcap.streams.ledger import Ledger
from rtpcap.streams.silence import Held
from rtpcap.streams.slots import LossRuns, stream_numbers
from rtpcap.streams.timing import IP_UDP_BYTES, HeaderBytes, Spread, bandwidth, delta, spread

__all__ = ["DEFAULT_BUFFER", "Figures"]

DEFAULT_BUFFER = Fixed(60.0)

MOST_LOST, LEAST_LOST = 0x7FFFFF, -0x800000
"""Cumulative loss in RTCP is a signed number of 24 bits (RFC 3550 section 6.4.1)."""


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of k streams: arrays of shape (k,), nan where there is none."""

    cum_lost_rfc3550: npt.NDArray[np.int64]
    """Expected less received as RFC 3550 A.3 has it: copies and late ones make it less."""
    restarts: npt.NDArray[np.int64]
    jitter_rfc: Jitter
    """Interarrival jitter over every packet that has its stream's clock."""
    delta_ms: Spread
    skew_ms: Spread
    """How much earlier than their timestamps say media packets came, beside the first."""
    drift: Drift
    packet_ms: npt.NDArray[np.float64]
    """Media time in a packet."""
    kbps: npt.NDArray[np.float64]
    """Mean bandwidth on the wire, IP and UDP headers included."""
    runs: LossRuns
    """Runs of packets lost in the network."""
    bursts: Bursts
    markov: Markov
    longest_outage: npt.NDArray[np.int64]
    """The most packets lost in a row."""
    burst_ratio: npt.NDArray[np.float64]
    """BurstR of what is lost after the jitter buffer."""
    playout: Playout
    account: Account
    ratings: tuple[Rating | None, ...]
    """The E-model's rating of each stream; None where its codec has no row."""

    @classmethod
    def of(
        cls,
        packets: Packets,
        ledger: Ledger,
        clocks: npt.NDArray[np.int32],
        media: npt.NDArray[np.bool_],
        main_clock: npt.NDArray[np.int32],
        codecs: Sequence[CodecRow | None],
        *,
        noise: npt.NDArray[np.bool_] | None = None,
        held: Held | None = None,
        jitter: Jitter | None = None,
        buffer: Buffer = DEFAULT_BUFFER,
        networks: Sequence[NetworkDelay | None] | None = None,
        header_bytes: HeaderBytes = IP_UDP_BYTES,
    ) -> Figures:
        """The figures of the streams of a ledger, whose packets are the rows of `packets`.

        `clocks`, `media` and `noise` are those of each packet, as in `Arrivals.of`; `main_clock`,
        shape (k,), is the stream's own, 0 where unknown. `jitter` over the media packets, where it
        is known already, spares working it out again for streams of nothing else. `networks` are
        the delays of codec and network one way, assumed to be 0 where they are not known.
        """
        n, k = len(packets), len(ledger.starts)
        stream = stream_numbers(ledger.starts, n)
        time_ns, size, starts = packets.time_ns, packets.size, ledger.starts
        own: npt.NDArray[np.bool_] | None = None
        if ledger.captured_twice.any():
            own = ~ledger.captured_twice
            time_ns, size, owner = time_ns[own], size[own], stream[own]
            starts = np.searchsorted(owner, np.arange(k))
        else:
            owner = stream

        arrivals = Arrivals.of(
            packets.timestamp, packets.time_ns, clocks, media, ledger, noise=noise, held=held
        )
        runs = arrivals.slots.loss_runs()
        playout = play(arrivals, buffer)
        both = arrivals.transit
        ticks = arrivals.packet_ticks
        packet_ms = np.full(k, np.nan)
        known = (ticks > 0) & (main_clock > 0)
        packet_ms[known] = ticks[known] / main_clock[known] * 1e3

        every = clocks == main_clock[stream]
        if own is not None:
            every &= own
        if jitter is not None and len(jitter.rows) + k == n and every.all():
            jitter_rfc = jitter
        else:
            rows = None if every.all() else np.flatnonzero(every)
            jitter_rfc = interarrival(
                packets.timestamp, packets.time_ns, clocks, ledger.epoch, stream, rows, k
            )

        counts = ledger.counts()
        received = counts.packets - np.bincount(stream[ledger.epoch < 0], minlength=k)
        if own is not None:
            received -= np.bincount(stream[~own], minlength=k)
        ratio = burst_ratio(playout.runs)
        table = account(packets, ledger, arrivals, playout=playout)
        ratings = [
            None if row is None else rate_heard(row, loss, burst, added, network)
            for row, loss, burst, added, network in zip(
                codecs,
                playout.loss_pct.tolist(),
                ratio.tolist(),
                np.nan_to_num(playout.delay_ms).tolist(),
                networks or [None] * k,
                strict=True,
            )
        ]
        return cls(
            cum_lost_rfc3550=np.clip(counts.expected - received, LEAST_LOST, MOST_LOST),
            restarts=table.slots[:, SlotClass.RESTART],
            jitter_rfc=jitter_rfc,
            delta_ms=spread(delta(time_ns, starts), owner, k),
            skew_ms=spread(-both.late_ms, both.stream, k),
            drift=drift(both, k),
            packet_ms=packet_ms,
            kbps=bandwidth(size, time_ns, starts, header_bytes),
            runs=runs,
            bursts=bursts(runs),
            markov=markov(runs, np.nan_to_num(packet_ms)),
            longest_outage=longest(runs),
            burst_ratio=ratio,
            playout=playout,
            account=table,
            ratings=tuple(ratings),
        )

    def rows(self) -> list[dict[str, object]]:
        """A dict a stream, keys as in tables and JSON; None where there is no figure."""
        columns: dict[str, npt.NDArray[np.generic]] = {
            "cum_lost_rfc3550": self.cum_lost_rfc3550,
            "restarts": self.restarts,
            "jitter_rfc_ms": self.jitter_rfc.mean_ms,
            "jitter_rfc_max_ms": self.jitter_rfc.max_ms,
            "delta_min_ms": self.delta_ms.least,
            "delta_ms": self.delta_ms.mean,
            "delta_max_ms": self.delta_ms.most,
            "skew_min_ms": self.skew_ms.least,
            "skew_ms": self.skew_ms.mean,
            "skew_max_ms": self.skew_ms.most,
            "drift_ppm": self.drift.ppm,
            "drift_error_ppm": self.drift.error_ppm,
            "ptime_ms": self.packet_ms,
            "kbps": self.kbps,
            "longest_outage": self.longest_outage,
            "longest_outage_ms": self.longest_outage * self.packet_ms,
            "bursts": self.bursts.bursts,
            "burst_density_pct": self.bursts.burst_density_pct,
            "burst_ms": self.bursts.burst_ms(self.packet_ms),
            "gap_density_pct": self.bursts.gap_density_pct,
            "gap_ms": self.bursts.gap_ms(self.packet_ms),
            **{f"rfc3611_{f.name}": getattr(self.markov, f.name) for f in fields(Markov)},
            "loss_after_buffer_pct": self.playout.loss_pct,
            "buffer_delay_ms": self.playout.delay_ms,
            "burst_ratio": self.burst_ratio,
        }
        lists = [column.tolist() for column in columns.values()]
        out: list[dict[str, object]] = []
        for values, rating in zip(zip(*lists, strict=True), self.ratings, strict=True):
            row: dict[str, object] = {
                name: None if value != value else value
                for name, value in zip(columns, values, strict=True)
            }
            row["r"] = rating.r if rating else None
            row["mos_nb"] = rating.mos_nb if rating else None
            row["mos_wb"] = rating.mos_wb if rating else None
            row["mos_provisional"] = rating.provisional if rating else False
            out.append(row)
        return out
