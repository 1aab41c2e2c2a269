"""When packets were spoken, by their senders' reports (RFC 3550 section 6.4.1).

A packet's arrival is late by what the network held it. A sender report says which instant of the
sender's clock a timestamp was; the report that came quickest says where that clock stands beside
the capture's. So each timestamp has a time on the capture's clock that no jitter moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.serial import signed_delta, unwrap
from rtpcap.streams.ledger import UNRELATED_S
from rtpcap.streams.reports.wallclock import WallClock, wall_clocks

if TYPE_CHECKING:
    from rtpcap.capture.tables import Flow
    from rtpcap.streams.reports.control import Control

__all__ = ["SenderClocks", "spoken"]

SECOND_NS = 1_000_000_000


class SenderClocks:
    """The clocks of the senders of a capture, by SSRC and the two addresses."""

    def __init__(self, control: Control) -> None:
        self._clocks: dict[tuple[int, str, str], WallClock] = {}
        for clock in wall_clocks(control):
            self._clocks.setdefault((clock.ssrc, clock.flow.src, clock.flow.dst), clock)

    def of(self, ssrc: int, flow: Flow) -> WallClock | None:
        """The clock of a stream's sender; None without a report that has a time."""
        return self._clocks.get((ssrc, flow.src, flow.dst))


def spoken(packets: Packets, clock: WallClock, clock_rate: int) -> Packets:
    """A stream's packets, each with the time at which its timestamp was, on the capture's clock.

    Unchanged where packets have no time, or where the reports cannot be of their timestamps: then
    they would lie further from their arrival than any network holds a packet.
    """
    offset = clock.capture_offset_ns
    reports = clock.timestamp
    timed = bool((packets.time_ns != NO_TIME).all())
    if offset is None or not len(packets) or not timed or (np.diff(reports) < 0).any():
        return packets
    timestamp = packets.timestamp.astype(np.int64)
    first = int(reports[0]) + signed_delta(int(timestamp[0]), int(reports[0]), 32)
    extended = unwrap(timestamp, 32) - int(timestamp[0]) + first
    after = np.searchsorted(reports, extended).clip(1, max(len(reports) - 1, 1))
    after = np.minimum(after, len(reports) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(extended - reports[before]) <= np.abs(reports[after] - extended)
    nearest = np.where(nearer, before, after)
    ahead_ns = (extended - reports[nearest]) * SECOND_NS // clock_rate
    time_ns = clock.wall_ns[nearest] + offset + ahead_ns
    if np.abs(time_ns - packets.time_ns).max() > UNRELATED_S * SECOND_NS:
        return packets
    return replace(packets, time_ns=time_ns)
