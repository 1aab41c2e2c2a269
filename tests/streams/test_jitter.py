"""Interarrival jitter against the recursion of RFC 3550 A.8 written as a loop."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.jitter import Jitter, interarrival
from tests.effort import examples

Row = tuple[int, int | None, int, int]
"""(timestamp, time in ns, clock rate, epoch)"""


def plain(rows: list[Row]) -> list[float]:
    """J in seconds after each packet that has one."""
    j = 0.0
    out = []
    for (ts, time, rate, epoch), (old_ts, old_time, old_rate, old_epoch) in zip(
        rows[1:], rows, strict=False
    ):
        if time is None or old_time is None or not rate or rate != old_rate or epoch != old_epoch:
            continue
        ticks = (ts - old_ts + (1 << 31)) % (1 << 32) - (1 << 31)
        d = (time - old_time) / 1e9 - ticks / rate
        j += (abs(d) - j) / 16
        out.append(j)
    return out


def measured(streams: list[list[Row]], rows: npt.NDArray[np.int64] | None = None) -> Jitter:
    flat = [row for stream in streams for row in stream]
    return interarrival(
        np.array([ts for ts, _, _, _ in flat], np.uint32),
        np.array([NO_TIME if time is None else time for _, time, _, _ in flat], np.int64),
        np.array([rate for _, _, rate, _ in flat], np.int64),
        np.array([epoch for _, _, _, epoch in flat], np.int32),
        np.repeat(np.arange(len(streams), dtype=np.int32), [len(stream) for stream in streams]),
        rows,
        len(streams),
    )


ROWS = st.tuples(
    st.integers(0, (1 << 32) - 1),
    st.one_of(st.none(), st.integers(0, 10**13), st.integers(0, 10**13), st.integers(0, 10**13)),
    st.sampled_from([8000, 8000, 8000, 11025, 0]),
    st.sampled_from([0, 0, 0, 1]),
)


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(st.lists(ROWS, min_size=1, max_size=300), min_size=1, max_size=5))
def test_it_is_the_recursion_of_the_rfc(streams: list[list[Row]]) -> None:
    figures = measured(streams)
    expected = [plain(stream) for stream in streams]
    flat = [j for stream in expected for j in stream]
    np.testing.assert_allclose(figures.value_s, flat, rtol=1e-9)
    for i, js in enumerate(expected):
        if js:
            assert figures.mean_ms[i] == pytest.approx(1e3 * sum(js) / len(js), rel=1e-9)
            assert figures.max_ms[i] == pytest.approx(1e3 * max(js), rel=1e-9)
            assert figures.last_ms[i] == pytest.approx(1e3 * js[-1], rel=1e-9)
        else:
            assert math.isnan(figures.mean_ms[i])


def test_packets_left_out_move_no_anchor() -> None:
    media: list[Row] = [(160 * i, 20_000_000 * i + 1_000_000 * (i % 2), 8000, 0) for i in range(50)]
    mixed: list[Row] = []
    rows = []
    for i, row in enumerate(media):
        rows.append(len(mixed))
        mixed.append(row)
        mixed.append((0, 20_000_000 * i + 5, 8000, 0))
    figures = measured([mixed], np.array(rows))
    np.testing.assert_allclose(figures.value_s, plain(media), rtol=1e-12)
    assert figures.rows.tolist() == rows[1:]


def test_constant_deviation_converges_to_it() -> None:
    # |D| is 1 ms for every packet, so J = 1 ms * (1 - (15/16)**n).
    rows: list[Row] = [(160 * i, 21_000_000 * i, 8000, 0) for i in range(200)]
    figures = measured([rows])
    assert figures.last_ms[0] == pytest.approx(1 - (15 / 16) ** 199, rel=1e-9)
    assert figures.max_ms[0] == pytest.approx(figures.last_ms[0])
