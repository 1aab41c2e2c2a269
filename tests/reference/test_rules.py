"""The transcribed rules, on numbers that can be worked out by hand."""

from __future__ import annotations

import pytest

from tests.reference.rules import STATIC_CLOCKS, Arrival, published_jitter, tshark_jitter

MS = 1_000_000


def packets_at(*packets: tuple[int, int, int, bool]) -> list[Arrival]:
    """(time in ms, timestamp, payload type, marker) of each packet."""
    return [
        Arrival(time * MS, timestamp, number, mark) for time, timestamp, number, mark in packets
    ]


def test_tshark_divides_the_mean_by_all_packets_after_the_first() -> None:
    jitter = tshark_jitter(
        packets_at((0, 0, 0, False), (36, 160, 0, True), (56, 320, 0, False)), STATIC_CLOCKS
    )
    # 16 ms late: J = 1, not in the mean for its marker; then on time: J = 15/16, over two.
    assert jitter.last == pytest.approx(15 / 16)
    assert jitter.maximum == pytest.approx(15 / 16)
    assert jitter.mean == pytest.approx(15 / 32)


def test_tshark_moves_the_time_but_not_the_timestamp_at_a_packet_without_a_clock() -> None:
    jitter = tshark_jitter(
        packets_at((0, 0, 0, False), (20, 160, 101, False), (40, 320, 0, False)), STATIC_CLOCKS
    )
    # 20 ms after the event, 40 ms of timestamp after the first packet: D = 20.
    assert jitter.last == pytest.approx(20 / 16)


def test_tshark_takes_whole_kilohertz() -> None:
    jitter = tshark_jitter(packets_at((0, 0, 11, False), (10, 441, 11, False)), STATIC_CLOCKS)
    assert jitter.last == pytest.approx((441 / 44 - 10) / 16)


def test_tshark_leaves_out_what_lies_before_the_first_packet() -> None:
    jitter = tshark_jitter(packets_at((0, 160, 0, False), (20, 0, 0, False)), STATIC_CLOCKS)
    assert jitter.last == 0


def test_timestamps_go_on_over_the_wrap() -> None:
    jitter = tshark_jitter(packets_at((0, 2**32 - 80, 0, False), (20, 80, 0, False)), STATIC_CLOCKS)
    assert jitter.last == 0


def test_published_floors_each_arrival_to_ticks() -> None:
    late = Arrival(20 * MS + 124_999, 160, 0, False)
    assert published_jitter([Arrival(0, 0, 0, False), late]).last == 0
    late = Arrival(20 * MS + 125_000, 160, 0, False)
    assert published_jitter([Arrival(0, 0, 0, False), late]).last == 1 / 16


def test_published_makes_no_jitter_from_a_duplicate() -> None:
    jitter = published_jitter(
        packets_at((0, 0, 0, False), (19, 0, 0, False), (39, 160, 0, False), (59, 320, 0, False))
    )
    assert jitter.maximum == 0
