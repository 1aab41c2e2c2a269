"""A whole stream on its line of samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.audio.placement import Placement, place
from rtpcap.rtp.packets import NO_TIME

SECOND = 1_000_000_000
Row = tuple[int, float | None]
"""Timestamp, and when it came in seconds."""
Rows = Sequence[Row] | Sequence[tuple[int, float]]


def placed(
    rows: Rows,
    *,
    samples: int = 160,
    clock_rate: int = 8000,
    sample_rate: int = 8000,
    origin_s: float | None = None,
    reanchor_s: float | None = None,
) -> Placement:
    return place(
        np.array([ts % 2**32 for ts, _ in rows], np.uint32),
        np.array([NO_TIME if t is None else round(t * SECOND) for _, t in rows], np.int64),
        np.full(len(rows), samples, np.int64),
        clock_rate,
        sample_rate,
        origin_ns=None if origin_s is None else round(origin_s * SECOND),
        reanchor_s=reanchor_s,
    )


def steady(count: int, *, timestamp: int = 0, time_s: float = 100.0) -> list[Row]:
    """A packet of 160 ticks each 20 ms."""
    return [(timestamp + 160 * i, time_s + 0.02 * i) for i in range(count)]


def test_no_packets() -> None:
    placement = placed([])
    assert placement.length == 0
    assert placement.position.tolist() == []


def test_one_behind_the_other() -> None:
    placement = placed(steady(4, timestamp=4711))
    assert placement.position.tolist() == [0, 160, 320, 480]
    assert placement.length == 640
    assert placement.starts.tolist() == [0]


def test_a_lost_packet_leaves_its_place() -> None:
    rows = steady(5)
    assert placed(rows[:2] + rows[3:]).position.tolist() == [0, 160, 480, 640]


def test_late_ones_lie_where_they_belong_also_before_the_first() -> None:
    rows = steady(4)
    shuffled = [rows[1], rows[0], rows[3], rows[2]]
    assert placed(shuffled).position.tolist() == [160, 0, 480, 320]


def test_arrival_does_not_move_audio() -> None:
    rows = [(160 * i, 100 + 0.02 * i + (0.3 if i % 7 == 0 else 0)) for i in range(50)]
    assert placed(rows).position.tolist() == [160 * i for i in range(50)]


def test_the_timestamp_wraps() -> None:
    assert placed(steady(5, timestamp=2**32 - 320)).position.tolist() == [160 * i for i in range(5)]


def test_silence_of_minutes_with_the_clock_is_one_epoch() -> None:
    rows = steady(2) + steady(2, timestamp=8000 * 300, time_s=400.0)
    placement = placed(rows)
    assert placement.position.tolist() == [0, 160, 2_400_000, 2_400_160]
    assert placement.starts.tolist() == [0]


@pytest.mark.parametrize("jump", [1_500_000_000, -1_500_000_000, 80_000 + 1, -80_000 - 1])
def test_a_jump_of_the_timestamp_is_laid_where_it_arrives(jump: int) -> None:
    rows = steady(50) + steady(50, timestamp=8000 + jump, time_s=101.0)
    placement = placed(rows)
    assert placement.starts.tolist() == [0, 50]
    assert placement.position.tolist() == [160 * i for i in range(100)]


def test_ten_seconds_out_of_step_are_still_followed() -> None:
    rows = steady(50) + steady(50, timestamp=8000 + 79_000, time_s=101.0)
    placement = placed(rows)
    assert placement.starts.tolist() == [0]
    assert placement.position[50] == 87_000


def test_another_sample_rate_than_the_clock() -> None:
    # G.722: a clock of 8000 for samples of 16 kHz (RFC 3551 section 4.5.2).
    placement = placed(steady(3), samples=320, sample_rate=16000)
    assert placement.position.tolist() == [0, 320, 640]
    rows = [(441 * i, 100 + 0.01 * i) for i in range(3)]
    placement = placed(rows, samples=80, clock_rate=44100, sample_rate=8000)
    assert placement.position.tolist() == [0, 80, 160]


def test_without_times_the_timestamps_alone_count() -> None:
    rows: list[Row] = [(ts, None) for ts, _ in steady(3) + steady(3, timestamp=16000)]
    assert placed(rows).position.tolist() == [0, 160, 320, 16000, 16160, 16320]


def test_without_times_a_jump_is_laid_right_behind() -> None:
    rows: list[Row] = [(ts, None) for ts, _ in steady(3) + steady(3, timestamp=10**9)]
    assert placed(rows).position.tolist() == [160 * i for i in range(6)]


@pytest.mark.parametrize("clock_s", [-50.0, 1_700_000_000.0])
def test_a_clock_that_is_set_moves_nothing(clock_s: float) -> None:
    rows = steady(50) + steady(50, timestamp=8000, time_s=101.0 + clock_s)
    assert placed(rows).position.tolist() == [160 * i for i in range(100)]


def test_origin_on_the_clock() -> None:
    placement = placed(steady(3), origin_s=99.5)
    assert placement.position.tolist() == [4000, 4160, 4320]
    assert placement.length == 4480


def test_before_the_origin_is_below_zero() -> None:
    rows = steady(3)
    assert placed([rows[1], rows[0], rows[2]], origin_s=100.02).position.tolist() == [0, -160, 160]


def test_drift_is_made_up_for_at_a_pause() -> None:
    # The sender's clock stands still for the three seconds in which it says nothing.
    rows = steady(50) + steady(50, timestamp=8000, time_s=104.0)
    assert placed(rows).position[50] == 8000
    anchored = placed(rows, reanchor_s=0.5)
    assert anchored.starts.tolist() == [0, 50]
    assert anchored.position[50] == 4 * 8000
    assert anchored.position[99] == 4 * 8000 + 49 * 160


def test_drift_without_a_pause_is_left() -> None:
    # 2 % too slow: a second after 50, and not a packet missing.
    rows = [(160 * i, 100 + 0.0204 * i) for i in range(2500)]
    assert placed(rows, reanchor_s=0.5).starts.tolist() == [0]


def test_drift_is_made_up_for_at_the_first_pause_behind_it() -> None:
    rows = [(160 * i + (320 if i >= 2000 else 0), 100 + 0.0204 * i) for i in range(2500)]
    anchored = placed(rows, reanchor_s=0.5)
    assert anchored.starts.tolist() == [0, 2000]
    assert anchored.position[2000] == round(0.0204 * 2000 * 8000)


def test_a_packet_held_up_is_no_drift() -> None:
    # For 0.8 s nothing arrives, then everything at once: the sender never paused.
    rows = [(160 * i, 100 + max(0.02 * i, 1.8 if i >= 50 else 0)) for i in range(200)]
    assert placed(rows, reanchor_s=0.5).starts.tolist() == [0]


hostile_rows = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 2**32 - 1),
            st.sampled_from([0, 79_000, 158_000, 237_000, 2**32 - 79_000, 160]),
        ),
        st.one_of(st.integers(0, 60), st.integers(0, 3)),
        st.integers(1, 1440),
    ),
    min_size=1,
    max_size=60,
)


@given(hostile_rows, st.one_of(st.none(), st.just(0.5)))
def test_a_line_is_never_longer_than_the_contract_allows(
    rows: list[tuple[int, int, int]], reanchor_s: float | None
) -> None:
    rate = 8000
    times = np.cumsum([step for _, step, _ in rows])
    samples = np.array([count for _, _, count in rows], np.int64)
    placement = place(
        np.array([ts for ts, _, _ in rows], np.uint32),
        (times * SECOND).astype(np.int64),
        samples,
        rate,
        rate,
        reanchor_s=reanchor_s,
    )
    # Capture span, media, and 10 s for each end of an epoch that reaches back or ahead.
    span = int(times[-1] - times[0]) * rate
    assert placement.position.min() == 0
    assert placement.length <= 2 * span + int(samples.sum()) + 2 * 10 * rate + 1440
    assert placement.starts[0] == 0
    assert (np.diff(placement.starts) > 0).all()
    for first, last in zip(placement.starts, [*placement.starts[1:], len(rows)], strict=True):
        epoch = slice(int(first), int(last))
        extent = int(np.ptp(placement.position[epoch]))
        allowed = int(times[epoch][-1] - times[epoch][0]) * rate + int(samples[epoch].sum())
        assert extent <= allowed + 10 * rate


def test_a_sender_whose_clock_runs_away_is_bounded() -> None:
    # Each step is 9.9 s of timestamp in no time at all: 1,000 packets would be three hours.
    rows = [(79_200 * i, 100.0) for i in range(1000)]
    placement = placed(rows)
    assert placement.length <= 1000 * 160 + 2 * 80_000
