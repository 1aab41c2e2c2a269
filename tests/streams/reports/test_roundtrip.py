"""Round-trip times where the delay on each side of the tap is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.capture.tables import Flows
from rtpcap.rtp import rtcp
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp.reports import middle
from rtpcap.streams.reports.roundtrip import (
    Echoes,
    Stamps,
    extended_round_trips,
    match,
    paths,
    round_trips,
)
from tests.streams.reports.conversation import A, B, block, conversation, ntp, sender
from tests.streams.reports.kept import made

UNIT_MS = 1000 / 65536
"""What DLSR may be rounded by."""


def test_each_side_of_the_tap_and_both_together(tmp_path: Path) -> None:
    control = made(tmp_path, *conversation())
    trips = round_trips(control)
    by_reporter: dict[int, list[float]] = {A: [], B: []}
    for ssrc, rtt in zip(control.blocks.ssrc.tolist(), trips.rtt_ns.tolist(), strict=True):
        by_reporter[ssrc].append(rtt / 1e6)
    assert len(by_reporter[A]) == 3
    assert by_reporter[A] == pytest.approx([20.0] * 3, abs=UNIT_MS)
    assert len(by_reporter[B]) == 4
    assert by_reporter[B] == pytest.approx([70.0] * 4, abs=UNIT_MS)
    of_b, of_a = paths(control)
    assert (of_b.ssrc, of_b.about_ssrc, of_b.reports) == (B, A, 4)
    assert (of_a.ssrc, of_a.about_ssrc, of_a.reports) == (A, B, 3)
    assert of_a.median_ms == pytest.approx(20.0, abs=UNIT_MS)
    assert of_b.min_ms <= of_b.median_ms <= of_b.max_ms
    assert of_a.end_to_end_ms == of_b.end_to_end_ms == pytest.approx(90.0, abs=2 * UNIT_MS)


def test_no_figure_without_a_report_to_answer(tmp_path: Path) -> None:
    stamp = ntp(5000.0)
    there = [(0.0, sender(A, stamp)), (3.0, sender(A, ntp(5003.0)))]
    back = [
        (1.0, sender(B, 1 << 40, block(A, 0, 0.0))),  # none came
        (1.1, sender(B, 2 << 40, block(A, 0x1234, 0.1))),  # not captured
        (1.2, sender(B, 3 << 40, block(A, middle(ntp(5003.0)), 0.0))),  # captured only later
        (1.3, sender(B, 4 << 40, block(B, middle(stamp), 0.0))),  # another source's
    ]
    trips = round_trips(made(tmp_path, there, back))
    assert trips.rtt_ns.tolist() == [NO_TIME] * 4
    assert trips.stamp.tolist() == [-1] * 4


def test_a_delay_longer_than_the_time_since_is_no_figure(tmp_path: Path) -> None:
    stamp = ntp(5000.0)
    held = (block(A, middle(stamp), 0.5009), block(A, middle(stamp), 0.5018))
    back = [(0.5 + 0.001 * i, sender(B, i << 40, held[i])) for i in range(2)]
    control = made(tmp_path, [(0.0, sender(A, stamp))], back)
    # Less than a millisecond may be rounding; 500 - 501.8 ms may not.
    assert round_trips(control).rtt_ns / 1e6 == pytest.approx([-0.9, -0.8], abs=UNIT_MS)
    other = made(tmp_path, [(0.0, sender(A, stamp))], [(0.5, sender(B, 1 << 40, held[1]))])
    assert round_trips(other).rtt_ns.tolist() == [NO_TIME]
    assert round_trips(other).stamp.tolist() == [0]


def test_a_report_captured_twice_counts_from_its_last_copy(tmp_path: Path) -> None:
    stamp = ntp(5000.0)
    there = [(0.0, sender(A, stamp)), (0.004, sender(A, stamp))]
    back = [(0.5, sender(B, 1 << 40, block(A, middle(stamp), 0.25)))]
    trips = round_trips(made(tmp_path, there, back))
    assert trips.rtt_ns.tolist() == [246_000_000]


def test_receivers_without_media_by_extended_reports(tmp_path: Path) -> None:
    stamp = ntp(7000.0)
    ask = rtcp.ExtendedReport(B, (rtcp.ReceiverReferenceTime(stamp),))
    answer = rtcp.DelaySinceLastRR((rtcp.LastRR(B, middle(stamp), 32768),))
    there = [(0.6, rtcp.build([rtcp.ReceiverReport(A), rtcp.ExtendedReport(A, (answer,))]))]
    back = [(0.0, rtcp.build([rtcp.ReceiverReport(B), ask]))]
    control = made(tmp_path, there, back)
    echoes, trips, rows = extended_round_trips(control)
    assert (echoes.ssrc.tolist(), echoes.about_ssrc.tolist(), rows) == ([A], [B], [1])
    assert trips.rtt_ns.tolist() == [100_000_000]
    assert len(round_trips(control).rtt_ns) == 0


stamp = st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 20), st.integers(0, 2))
echo = st.tuples(stamp, st.integers(0, 3))


@given(st.lists(stamp, max_size=12), st.lists(echo, max_size=12))
def test_the_last_stamp_of_the_flow_back_is_taken(
    stamps: list[tuple[int, int, int, int]], echoes: list[tuple[tuple[int, int, int, int], int]]
) -> None:
    """Against a search of all stamps for each echo: two flows that are each other's back, and one
    between others."""
    flows = Flows()
    keys = [
        flows.key(bytes([10, 0, 0, i]), bytes([10, 0, 0, 3 - i]), 1, 1, tcp=False) for i in (1, 2)
    ]
    keys.append(flows.key(bytes([10, 0, 0, 8]), bytes([10, 0, 0, 9]), 1, 1, tcp=False))
    assert flows.number(np.array(keys, np.int32)).tolist() == [0, 1, 2]
    s = np.array(stamps, np.int64).reshape(-1, 4)
    e = np.array([row for row, _ in echoes], np.int64).reshape(-1, 4)
    delay = np.array([row for _, row in echoes], np.uint32)
    clock = e[:, 1] - 1  # 0 among them: no clock
    found = match(
        Stamps(
            s[:, 0].astype(np.uint32),
            s[:, 1].astype(np.uint32),
            s[:, 2] * 10**9,
            s[:, 3].astype(np.int32),
        ),
        Echoes(
            e[:, 0].astype(np.uint32),
            np.full(len(e), 99, np.uint32),
            clock.astype(np.uint32),
            delay * np.uint32(65536),
            e[:, 2] * 10**9,
            e[:, 3].astype(np.int32),
        ),
        flows,
    )
    for row, ((about, _, time, flow), held) in enumerate(echoes):
        fitting = [
            (other[3] == 1 - flow, other[2], i)
            for i, other in enumerate(stamps)
            if other[0] == about and other[1] == clock[row] != 0 and other[2] <= time
        ]
        _, when, last = max(fitting, default=(False, 0, -1))
        if last < 0 or stamps[last][3] == flow:
            assert (found.rtt_ns[row], found.stamp[row]) == (NO_TIME, -1)
            continue
        figure = time - when - held
        assert found.rtt_ns[row] == (figure * 10**9 if figure >= 0 else NO_TIME)
        assert found.stamp[row] == last
