"""The figures of a stream packet by packet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.streams.fates import PacketClass
from rtpcap.streams.stream_ledger import StreamLedger
from rtpcap.streams.timing import Transit, bandwidth_now, delta

__all__ = ["KEYS", "LABELS", "PerPacket", "packet_values"]

Floats = npt.NDArray[np.float64]

PLACES = 6
"""A nanosecond, in milliseconds: no capture tells more, and what floats add is left out."""


BITS = 3
"""A bit, in thousands."""


@dataclass(frozen=True, eq=False)
class PerPacket:
    """Columns of shape (n,), in capture order; nan where a packet has no such figure."""

    delta_ms: Floats
    """Time since the packet before, copies on the wire included, those of the capture not."""
    skew_ms: Floats
    """How much earlier than its timestamp says a media packet came, beside the first."""
    jitter_ms: Floats
    """Interarrival jitter after it."""
    kbps: Floats
    """Bits of the second that ends with it, headers of IP and UDP included."""
    packet_class: npt.NDArray[np.uint8]
    """What it was to its stream, a `PacketClass` each."""

    @classmethod
    def of(
        cls,
        packets: Packets,
        ledger: StreamLedger,
        transit: Transit,
        jitter_ms: Floats,
        header_bytes: int,
    ) -> PerPacket:
        """Of one stream, from its ledger, the transit of its media packets, and its jitter."""
        n = len(packets)
        own = np.flatnonzero(~ledger.captured_twice)
        begin = np.zeros(1, np.int64)
        since, now = np.full(n, np.nan), np.full(n, np.nan)
        since[own] = delta(packets.time_ns[own], begin)
        now[own] = bandwidth_now(packets.size[own], packets.time_ns[own], begin, header_bytes)
        return cls(
            delta_ms=since.round(PLACES),
            skew_ms=transit.skew_ms(n).round(PLACES) + 0.0,
            jitter_ms=jitter_ms,
            kbps=now.round(BITS),
            packet_class=ledger.packet_class,
        )


NAMES = ("sequence", "timestamp", "payload_type", "marker", "size", "payload_size")
FIGURES = ("delta_ms", "skew_ms", "jitter_ms", "kbps")
KEYS = ("frame", "time_ns", "ssrc", *NAMES, "fault", "class", *FIGURES)
"""The keys of a packet, as ``rtpcap packets`` prints them."""

LABELS = [kind.label for kind in PacketClass]


def packet_values(
    packets: Packets, ssrc: int, figures: PerPacket, rows: npt.NDArray[np.int64]
) -> Iterator[tuple[object, ...]]:
    """The values of `KEYS` for some packets of a stream."""
    part = packets[rows]
    times = [None if time == NO_TIME else time for time in part.time_ns.tolist()]
    columns: list[list[object]] = [getattr(part, name).tolist() for name in NAMES]
    columns.append([Fault(fault).label or None for fault in part.fault.tolist()])
    columns.append([LABELS[kind] for kind in figures.packet_class[rows].tolist()])
    for name in FIGURES:
        # JSON has no number for what is none.
        values: list[float | None] = getattr(figures, name)[rows].tolist()
        columns.append([None if value != value else value for value in values])
    names = [f"0x{ssrc:08x}"] * len(part)
    yield from zip(part.frame.tolist(), times, names, *columns, strict=True)
