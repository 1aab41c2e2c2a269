"""Sender reports as the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtpcap.rtp import rtcp
from rtpcap.streams.reports.wallclock import WallClock, ntp_to_ns, wall_clocks
from tests.streams.made import Sent
from tests.streams.reports.kept import made

EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
S = 1_000_000_000


def ntp_of(when: datetime) -> int:
    seconds = int((when - EPOCH).total_seconds())
    return (seconds & 0xFFFFFFFF) << 32


def unix_ns(when: datetime) -> int:
    return int(when.timestamp()) * S


def test_ntp_in_both_eras() -> None:
    now, later = datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2036, 2, 7, 6, 28, 17, tzinfo=UTC)
    assert ntp_to_ns(ntp_of(now)) == unix_ns(now)
    assert ntp_of(later) >> 32 == 1  # the second of the next era
    assert ntp_to_ns(ntp_of(later), unix_ns(now)) == unix_ns(later)
    assert ntp_to_ns(ntp_of(now) | 1 << 31, unix_ns(later)) == unix_ns(now) + S // 2


def clocks(folder: Path, rate: float, start: int, wall: datetime, told: int | None) -> WallClock:
    """Reports each 5 s of a source whose timestamps run at `rate`."""
    sent: list[Sent] = []
    for i in range(20):
        stamp = round(start + rate * 5 * i) & 0xFFFFFFFF
        report = rtcp.SenderReport(7, ntp_of(wall) + (5 * i << 32), stamp, 0, 0)
        sent.append((5.0 * i + 0.25, rtcp.build([report])))
    control = made(folder, sent, [(0.1, rtcp.build([rtcp.SenderReport(8, 0, 0, 0, 0)]))])
    (clock,) = wall_clocks(control, None if told is None else {7: told})
    return clock


def test_timestamps_become_instants_also_over_the_wrap(tmp_path: Path) -> None:
    wall = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    start = (1 << 32) - 8000
    clock = clocks(tmp_path, 8000, start, wall, 8000)
    assert (clock.ssrc, len(clock.frame)) == (7, 20)
    assert clock.wall_time_ns(start) == unix_ns(wall)
    assert clock.wall_time_ns(start - 800) == unix_ns(wall) - S // 10
    assert clock.wall_time_ns(40_001 - 8000) == unix_ns(wall) + 5 * S + S // 8000
    assert clock.drift_ppm == pytest.approx(0, abs=1e-6)


def test_drift_and_rate(tmp_path: Path) -> None:
    clock = clocks(tmp_path, 8000.8, 0, datetime(2023, 11, 14, tzinfo=UTC), 8000)
    # 8000.8 / 8000 is 100 parts in a million; timestamps are whole, and so a little less exact.
    assert clock.drift_ppm == pytest.approx(100, abs=1)
    assert clock.measured_rate == pytest.approx(8000.8, abs=0.01)


def test_without_a_clock_rate_the_measured_one_counts(tmp_path: Path) -> None:
    wall = datetime(2023, 11, 14, tzinfo=UTC)
    clock = clocks(tmp_path, 48000, 0, wall, None)
    assert clock.drift_ppm is None
    assert clock.wall_time_ns(24000) == unix_ns(wall) + S // 2


def test_clock_of_the_capture_beside_it(tmp_path: Path) -> None:
    from tests.capture.build import START_NS

    wall = datetime(2023, 11, 14, tzinfo=UTC)
    clock = clocks(tmp_path, 8000, 0, wall, 8000)
    assert clock.capture_offset_ns == START_NS + S // 4 - unix_ns(wall)
    assert clock.is_wall_clock
    assert not clocks(tmp_path, 8000, 0, EPOCH, 8000).is_wall_clock  # uptime


def test_one_report_has_no_rate(tmp_path: Path) -> None:
    report = rtcp.build([rtcp.SenderReport(7, ntp_of(datetime(2024, 1, 1, tzinfo=UTC)), 5, 0, 0)])
    (clock,) = wall_clocks(made(tmp_path, [(0.0, report)], []))
    assert clock.measured_rate is None
    assert clock.wall_time_ns(5) is None
