"""Key presses sent and received (RFC 4733), on a made-up clock."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap import PayloadType, RTPParseError, TransmitType
from rtpcap.rtp.events import EventReport, parse_events
from tests.live.made import START_NS, event, message, packet, sent, session


def reports(
    seconds: float, digits: str, duration_ms: int = 100
) -> list[tuple[bool, int, EventReport]]:
    """(marker, timestamp, report) of the packets that a press sends, from timestamp 0."""
    made = session()
    made.send_dtmf(digits, duration_ms=duration_ms)
    messages = [message(data) for _, data in sent(made, seconds)]
    return [
        (m.marker, m.timestamp, parse_events(m.payload)[0])
        for m in messages
        if m.payload_number == 101
    ]


def test_a_press_is_updated_every_packet_and_ended_three_times() -> None:
    # The time table of RFC 4733 section 2.3.5 for a press of 60 ms.
    assert reports(1, "5", 60) == [
        (True, 0, EventReport(5, False, 10, 160)),
        (False, 0, EventReport(5, False, 10, 320)),
        (False, 0, EventReport(5, True, 10, 480)),
        (False, 0, EventReport(5, True, 10, 480)),
        (False, 0, EventReport(5, True, 10, 480)),
    ]


def test_keys_follow_each_other_with_a_pause() -> None:
    found = reports(2, "12#")
    begins = sorted({(timestamp, report.event) for _, timestamp, report in found})
    assert [code for _, code in begins] == [1, 2, 11]
    # A press has 5 packets, its end 2 more, and the pause 5.
    assert [timestamp for timestamp, _ in begins] == [0, 12 * 160, 24 * 160]
    assert sum(marker for marker, _, _ in found) == 3


def test_sequence_numbers_go_on_through_a_press_and_audio_waits() -> None:
    made = session()
    made.send_dtmf("1")
    made.write(b"\x20" * 160)
    messages = [message(data) for _, data in sent(made, 0.2)]
    assert [m.sequence for m in messages] == list(range(10))
    assert [m.payload_number for m in messages] == [101] * 7 + [0] * 3
    assert messages[7].marker
    assert messages[7].timestamp == 7 * 160


def test_a_long_press_goes_on_in_segments() -> None:
    # 10 s are 80,000 ticks: more than the 65,535 a report can state.
    found = reports(11, "A", 10_000)
    segments = {timestamp for _, timestamp, _ in found}
    assert segments == {0, 0xFFFF}
    first = [report for _, timestamp, report in found if timestamp == 0]
    assert first[-1] == EventReport(12, False, 10, 0xFFFF)
    assert not any(report.end for report in first)
    last = [report for _, timestamp, report in found if timestamp == 0xFFFF]
    assert [report.end for report in last].count(True) == 3
    assert last[-1].duration == 80_000 - 0xFFFF
    assert [marker for marker, _, _ in found].count(True) == 1


def test_what_is_on_no_keypad_is_refused_before_anything_is_sent() -> None:
    made = session()
    with pytest.raises(ValueError, match="'X'"):
        made.send_dtmf("12X")
    assert made.keys_waiting == 0
    with pytest.raises(ValueError, match="volume"):
        made.send_dtmf("1", volume=64)
    with pytest.raises(RTPParseError, match="telephone-event"):
        session(assoc={0: PayloadType.PCMU}).send_dtmf("1")


def heard(packets: list[bytes]) -> str:
    made = session()
    return "".join(key for data in packets for key in made.receive(data, START_NS))


PRESS = [
    event(8000, 7, 160, marker=True),
    event(8000, 7, 320),
    *[event(8000, 7, 480, end=True) for _ in range(3)],
]


def test_dtmf_one_callback_for_each_key_press_on_its_first_packet() -> None:
    made = session()
    assert [made.receive(data, START_NS) for data in PRESS] == [["7"], [], [], [], []]


@settings(max_examples=200)
@given(st.permutations(PRESS), st.integers(1, 5))
def test_dtmf_any_order_and_any_loss_is_one_press(order: list[bytes], kept: int) -> None:
    assert heard(order[:kept]) == "7"


def test_dtmf_whatever_the_marker_says() -> None:
    without = [event(8000, 7, 160), event(8000, 7, 320)]
    everywhere = [event(8000, 7, 160, marker=True), event(8000, 7, 320, marker=True)]
    assert heard(without) == heard(everywhere) == "7"


def test_dtmf_the_same_key_twice_is_two_presses() -> None:
    assert heard([*PRESS, event(9600, 7, 160), event(9600, 7, 320, end=True)]) == "77"


def test_dtmf_another_source_is_another_press() -> None:
    assert heard([event(8000, 7, 160), event(8000, 7, 160, ssrc=9)]) == "77"


def test_dtmf_a_continuation_segment_is_no_new_press() -> None:
    long = [event(100, 4, 0xFFFF), event(100 + 0xFFFF, 4, 160), event(100 + 2 * 0xFFFF, 4, 160)]
    assert heard(long) == "4"
    # The second segment overtakes the first.
    assert heard([long[1], long[0], long[2]]) == "4"
    # The timestamp wraps between them.
    near = (1 << 32) - 100
    assert heard([event(near, 4, 0xFFFF), event(near + 0xFFFF, 4, 160)]) == "4"


def test_dtmf_after_an_end_the_same_distance_is_a_new_press() -> None:
    assert heard([event(100, 4, 0xFFFF, end=True), event(100 + 0xFFFF, 4, 160)]) == "44"


def test_dtmf_event_codes_above_15_are_no_keys() -> None:
    assert heard([event(8000 * code, code, 160) for code in range(256)]) == "0123456789*#ABCD"


def test_dtmf_several_events_in_one_payload() -> None:
    payload = bytes.fromhex("01 8a 0140  02 8a 0140")
    assert heard([packet(1, 800, payload, payload_type=101)]) == "12"


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x01\x0a\x00"])
def test_dtmf_a_payload_too_short_for_a_report_is_none(payload: bytes) -> None:
    assert heard([packet(1, 800, payload, payload_type=101)]) == ""


@pytest.mark.parametrize("direction", [TransmitType.SENDONLY, TransmitType.INACTIVE])
def test_sendrecv_sendonly_and_inactive_deliver_no_keys(direction: TransmitType) -> None:
    made = session(direction)
    assert [made.receive(data, START_NS) for data in PRESS] == [[]] * 5


def test_what_one_session_sends_another_understands() -> None:
    one, other = session(), session(ssrc=8)
    digits = "0123456789*#ABCD" + "11"
    one.send_dtmf(digits, duration_ms=80, pause_ms=0)
    got = [other.receive(data, now_ns) for now_ns, data in sent(one, 10)]
    assert "".join(itertools.chain(*got)) == digits
    assert other.statistics().digits == len(digits)
    assert one.keys_waiting == 0
