"""Key presses by RFC 4733, however their packets came."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rtpcap.streams.digits import Digit, find_digits
from tests.streams.build import Sent, packets


def report(event: int, duration: int, *, end: bool = False) -> bytes:
    """RFC 4733 section 2.3: event(8) E(1) R(1) volume(6) duration(16)."""
    return struct.pack(">BBH", event, end << 7 | 10, duration)


def press(
    event: int, timestamp: int, *, sequence: int = 0, time_s: float = 0.0, ticks: int = 800
) -> list[Sent]:
    """A press as sent: an update each 20 ms, then the end three times."""
    updates = [
        Sent(sequence + i, timestamp, time_s + 0.02 * i, report(event, 160 * (i + 1)), 101, i == 0)
        for i in range(ticks // 160)
    ]
    after = sequence + len(updates)
    ends = [
        Sent(after + i, timestamp, time_s + 0.1, report(event, ticks, end=True), 101)
        for i in range(3)
    ]
    return updates + ends


def digits_of(sent: list[Sent], *, rate: int = 8000) -> list[Digit]:
    columns = packets(sent)
    rates = np.full(128, rate, np.int32)
    return find_digits(columns, np.arange(len(columns)), 0x1234, rates[columns.payload_type], 0)


def test_one_row_a_press() -> None:
    sent = press(1, 1000) + press(1, 5000, sequence=20, time_s=1.0)
    first, second = digits_of(sent)
    assert (first.digit, first.frame, first.source) == ("1", 1, "rfc4733")
    assert first.duration_s == pytest.approx(0.1)
    assert second.start_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("event", "name"),
    [(0, "0"), (9, "9"), (10, "*"), (11, "#"), (12, "A"), (15, "D"), (16, "flash"), (36, "CNG")],
)
def test_events_have_their_names(event: int, name: str) -> None:
    assert [digit.digit for digit in digits_of(press(event, 1000))] == [name]


def test_the_marker_does_not_matter() -> None:
    every = press(5, 1000)
    none = press(5, 1000)
    for packet in every:
        packet.marker = True
    for packet in none:
        packet.marker = False
    assert len(digits_of(every)) == len(digits_of(none)) == 1


def test_a_lost_end_and_a_lost_start_are_still_one_press() -> None:
    whole = press(7, 1000)
    (cut_short,) = digits_of(whole[:3])
    assert cut_short.duration_s == pytest.approx(0.06)
    (only_end,) = digits_of(whole[-1:])
    assert only_end.duration_s == pytest.approx(0.1)


def test_doubled_and_reordered_packets_are_one_press() -> None:
    sent = [packet for packet in press(3, 1000) for _ in range(2)]
    assert len(digits_of(sent[::-1])) == 1
    assert digits_of(sent[::-1])[0].duration_s == pytest.approx(0.1)


def test_a_long_press_is_its_segments_together() -> None:
    # RFC 4733 section 2.5.1.3: 20 s at 8 kHz is two whole segments and a rest, each
    # starting where the one before reached 0xFFFF.
    total, start = 160_000, 4_294_900_000
    sent: list[Sent] = []
    for segment in range(3):
        begin = segment * 0xFFFF
        last = min(total - begin, 0xFFFF)
        ended = begin + last == total
        for ticks in (last // 2, last):
            sent.append(
                Sent(
                    len(sent),
                    start + begin,
                    (begin + ticks) / 8000,
                    report(2, ticks, end=ended and ticks == last),
                    101,
                )
            )
    (digit,) = digits_of(sent)
    assert digit.duration_s == pytest.approx(20.0)
    assert digit.frame == 1


def test_the_same_key_again_after_an_end_is_a_new_press() -> None:
    # The second begins where a segment would, but the first has ended.
    sent = press(2, 1000) + press(2, 1000 + 0xFFFF, sequence=20, time_s=8.2)
    assert len(digits_of(sent)) == 2


def test_several_events_in_one_packet_are_consecutive() -> None:
    payload = report(1, 400, end=True) + report(2, 400, end=True)
    sent = [Sent(0, 1000, 0.0, payload, 101)]
    assert [digit.digit for digit in digits_of(sent)] == ["1", "2"]


def test_the_clock_is_that_of_the_event_type() -> None:
    (digit,) = digits_of(press(4, 0, ticks=4800), rate=48_000)
    assert digit.duration_s == pytest.approx(0.1)


def test_unnamed_events_and_torn_payloads_are_no_press() -> None:
    sent = [Sent(0, 0, 0.0, report(200, 160), 101), Sent(1, 160, 0.02, b"\x01\x02", 101)]
    assert digits_of(sent) == []
