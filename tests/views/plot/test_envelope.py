"""Long lines made short: what stands out stays."""

from __future__ import annotations

import numpy as np

from rtpcap.views.plot.envelope import envelope, thinned


def test_short_lines_stay() -> None:
    x, y = np.arange(10.0), np.arange(10.0)
    np.testing.assert_array_equal(envelope(x, y, 5)[1], y)


def test_a_single_spike_among_a_million_is_there() -> None:
    x, y = np.arange(1e6), np.zeros(1_000_000)
    y[345_678] = 7.0
    short_x, short_y = envelope(x, y, 1000)
    assert len(short_x) == len(short_y) == 2000
    at = int(np.argmax(short_y))
    assert short_y[at] == 7.0
    assert abs(short_x[at] - 345_678) < 1000
    assert (short_y != 0).sum() == 1


def test_lowest_and_highest_of_each_span() -> None:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 100, 5000))
    y = rng.normal(size=5000)
    short_x, short_y = envelope(x, y, 10)
    edges = np.linspace(x.min(), x.max(), 11)
    for i in range(10):
        inside = (x >= edges[i]) & ((x < edges[i + 1]) | (i == 9))
        assert short_y[2 * i] == y[inside].min()
        assert short_y[2 * i + 1] == y[inside].max()
        assert edges[i] < short_x[2 * i] < edges[i + 1]


def test_order_of_arrival_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(3000.0)
    y = rng.normal(size=3000)
    mixed = rng.permutation(3000)
    for straight, other in zip(envelope(x, y, 50), envelope(x[mixed], y[mixed], 50), strict=True):
        np.testing.assert_array_equal(straight, other)


def test_a_hole_interrupts_the_line() -> None:
    x = np.concatenate([np.arange(0.0, 100.0, 0.1), np.arange(300.0, 400.0, 0.1)])
    short_x, short_y = envelope(x, np.ones(len(x)), 40)
    assert np.isnan(short_y).sum() == np.isnan(short_x).sum() == 1
    hole = int(np.flatnonzero(np.isnan(short_x))[0])
    assert short_x[hole - 1] < 101
    assert short_x[hole + 1] > 299


def test_all_at_one_time() -> None:
    x, y = envelope(np.zeros(100), np.arange(100.0), 10)
    assert x.tolist() == [0.0, 0.0]
    assert y.tolist() == [0.0, 99.0]


def test_thinned_keeps_a_point_in_each_cell() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 10, 20_000), rng.uniform(0, 1, 20_000)
    kept = thinned(x, y, 10, 10)
    assert 100 <= len(kept) <= 121
    width, height = np.ptp(x) / 10, np.ptp(y) / 10

    def cells(rows: np.typing.NDArray[np.int64]) -> set[tuple[int, int]]:
        columns = ((x[rows] - x.min()) / width).astype(int).tolist()
        lines = ((y[rows] - y.min()) / height).astype(int).tolist()
        return set(zip(columns, lines, strict=True))

    assert cells(kept) == cells(np.arange(20_000))


def test_few_points_are_all_kept() -> None:
    assert thinned(np.zeros(3), np.zeros(3), 10, 10).tolist() == [0, 1, 2]
