"""The figures of a stream packet by packet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.streams.fates import PacketClass
from rtpcap.streams.stream_ledger import StreamLedger
from rtpcap.streams.timing import Transit, bandwidth_now, delta

__all__ = ["PerPacket"]

Floats = npt.NDArray[np.float64]

PLACES = 6
"""A nanosecond, in milliseconds: no capture tells more, and what floats add is left out."""


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
            skew_ms=transit.skew_ms(n).round(PLACES),
            jitter_ms=jitter_ms,
            kbps=now,
            packet_class=ledger.packet_class,
        )

    def labels(self) -> list[str]:
        """The name of each packet's class."""
        names = [kind.label for kind in PacketClass]
        return [names[kind] for kind in self.packet_class.tolist()]
