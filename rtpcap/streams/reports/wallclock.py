"""Sender reports as the wall clock: which instant a timestamp is (RFC 3550 section 6.4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Flow
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp.reports import NTP_EPOCH_S
from rtpcap.rtp.serial import signed_delta, unwrap
from rtpcap.streams.reports.control import Control

__all__ = ["WallClock", "ntp_to_ns", "wall_clocks"]

SECOND = 1_000_000_000
ERA_S = 1 << 32
MOST_NS = (1 << 63) - 1
PLAUSIBLE_NS = 10 * 365 * 86400 * SECOND
"""A clock further from the capture's than ten years counts since something else, as uptime."""


def ntp_to_ns(ntp: int, near_ns: int | None = None) -> int:
    """Nanoseconds since 1970 of an NTP timestamp of 64 bits.

    Its seconds wrap in 2036 and every 136 years: of the eras, the one that comes nearest to
    `near_ns`, or that of today where that is not given.

    >>> ntp_to_ns(2_208_988_800 << 32 | 1 << 31)
    500000000
    """
    fraction = ((ntp & 0xFFFFFFFF) * SECOND + (1 << 31)) >> 32
    ns = ((ntp >> 32) - NTP_EPOCH_S) * SECOND + fraction
    if near_ns is not None:
        era = ERA_S * SECOND
        ns += (near_ns - ns + era // 2) // era * era
        # A capture's clock may stand anywhere, a time has 64 bits.
        ns -= era if ns > MOST_NS else 0
        ns += era if ns < -MOST_NS else 0
    return ns


@dataclass(frozen=True, eq=False)
class WallClock:
    """One source's sender reports in one direction, in order of frames; columns of shape (n,)."""

    ssrc: int
    flow: Flow
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    """When each passed the tap, by the capture's clock."""
    wall_ns: npt.NDArray[np.int64]
    """What the sender's clock said, nanoseconds since 1970."""
    timestamp: npt.NDArray[np.int64]
    """The RTP timestamp of that instant, without wraps."""
    clock_rate: int | None = None
    """Of its media in Hz; None where it is not known."""

    @property
    def is_wall_clock(self) -> bool:
        """Whether it tells the date, and not the time since some start."""
        timed = self.time_ns != NO_TIME
        apart = np.abs((self.wall_ns - self.time_ns)[timed])
        return bool(len(apart)) and bool(np.median(apart) <= PLAUSIBLE_NS)

    @property
    def measured_rate(self) -> float | None:
        """Timestamp units a second of the sender's clock, over all reports; None without two."""
        wall = (self.wall_ns - self.wall_ns[:1]) / SECOND
        units = (self.timestamp - self.timestamp[:1]).astype(np.float64)
        if len(wall) < 2 or not np.ptp(wall):
            return None
        wall -= wall.mean()
        return float((wall * units).sum() / (wall * wall).sum())

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the media's clock runs than the sender's wall clock, in 1/1,000,000."""
        rate = self.measured_rate
        if rate is None or not self.clock_rate:
            return None
        return (rate / self.clock_rate - 1) * 1e6

    @property
    def capture_offset_ns(self) -> int | None:
        """The capture's clock minus the sender's: their difference and the way to the tap.

        The least of all reports, that of the quickest way; None without times.
        """
        timed = self.time_ns != NO_TIME
        if not timed.any():
            return None
        return int((self.time_ns - self.wall_ns)[timed].min())

    def row(self) -> dict[str, object]:
        """The clock with the keys of ``rtpcap rtcp --show clocks``."""
        offset = self.capture_offset_ns
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "src": self.flow.src,
            "src_port": self.flow.src_port,
            "dst": self.flow.dst,
            "dst_port": self.flow.dst_port,
            "reports": len(self.frame),
            "first_frame": int(self.frame[0]),
            "ntp_time": f"{np.datetime64(int(self.wall_ns[0]), 'ns')}Z",
            "rtp_timestamp": int(self.timestamp[0]) & 0xFFFFFFFF,
            "clock_rate": self.clock_rate,
            "measured_rate": self.measured_rate,
            "drift_ppm": self.drift_ppm,
            "capture_offset_ms": None if offset is None else offset / 1e6,
            "span_s": int(self.wall_ns[-1] - self.wall_ns[0]) / SECOND,
            "is_wall_clock": self.is_wall_clock,
        }

    def wall_time_ns(self, timestamp: int) -> int | None:
        """When a timestamp was, by the sender's clock: nanoseconds since 1970.

        From the nearest report by the nominal clock rate, or the measured one where that is not
        known; None with neither.
        """
        rate = self.clock_rate or self.measured_rate
        if not len(self.timestamp) or not rate:
            return None
        ahead = signed_delta(np.full(len(self.timestamp), timestamp, np.int64), self.timestamp, 32)
        nearest = int(np.abs(ahead).argmin())
        units, wall = int(ahead[nearest]), int(self.wall_ns[nearest])
        if isinstance(rate, int):
            return wall + (units * SECOND + rate // 2) // rate
        return wall + round(units * SECOND / rate)


def wall_clocks(control: Control, clock_rates: dict[int, int] | None = None) -> list[WallClock]:
    """A clock for each source and direction, in order of first report.

    `clock_rates` are those of the sources' media, by SSRC. Reports with an NTP timestamp of zero,
    which say that there is no clock, are left out.
    """
    senders = control.senders
    rows = np.flatnonzero(senders.ntp != 0)
    flow = control.flow[senders.row[rows]]
    key = senders.ssrc[rows].astype(np.int64) << 32 | flow
    order = np.argsort(key, kind="stable")
    edges = np.flatnonzero(np.diff(key[order])) + 1
    clocks = []
    for own in np.split(rows[order], edges) if len(rows) else []:
        at = senders.row[own]
        time_ns = control.time_ns[at]
        wall = [
            ntp_to_ns(ntp, None if time == NO_TIME else time)
            for ntp, time in zip(senders.ntp[own].tolist(), time_ns.tolist(), strict=True)
        ]
        ssrc = int(senders.ssrc[own[0]])
        clocks.append(
            WallClock(
                ssrc=ssrc,
                flow=control.flows[int(control.flow[at[0]])],
                frame=control.frame[at],
                time_ns=time_ns,
                wall_ns=np.array(wall, np.int64),
                timestamp=unwrap(senders.timestamp[own].astype(np.int64), 32),
                clock_rate=(clock_rates or {}).get(ssrc),
            )
        )
    return sorted(clocks, key=lambda clock: int(clock.frame[0]))
