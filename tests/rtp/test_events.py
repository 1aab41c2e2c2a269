"""Telephone-event payloads, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp.events import (
    EVENT_NAMES,
    EventReport,
    build_event,
    parse_events,
    split_events,
)

reports = st.builds(
    EventReport,
    event=st.integers(0, 255),
    end=st.booleans(),
    volume=st.integers(0, 63),
    duration=st.integers(0, 0xFFFF),
)


def built(report: EventReport) -> bytes:
    return build_event(report.event, end=report.end, volume=report.volume, duration=report.duration)


@given(st.lists(reports, max_size=5))
def test_parse_what_was_built(sent: list[EventReport]) -> None:
    payload = b"".join(map(built, sent))
    assert parse_events(payload) == sent
    fields = split_events(np.frombuffer(payload, ">u4").astype(np.uint32))
    assert fields["event"].tolist() == [report.event for report in sent]
    assert fields["end"].tolist() == [report.end for report in sent]
    assert fields["volume"].tolist() == [report.volume for report in sent]
    assert fields["duration"].tolist() == [report.duration for report in sent]
    assert not fields["reserved"].any()


def test_layout() -> None:
    # RFC 4733 section 2.3: event 11 (#), end, volume 10, duration 1200 = 0x04b0.
    assert build_event(11, end=True, volume=10, duration=1200).hex() == "0b8a04b0"
    assert parse_events(bytes.fromhex("0b8a04b0")) == [EventReport(11, True, 10, 1200)]
    assert split_events(np.array([0x05400001], np.uint32))["reserved"].tolist() == [1]


@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x05\x0a\x00"])
def test_less_than_a_report_is_none(payload: bytes) -> None:
    assert parse_events(payload) == []


def test_a_torn_report_is_left_aside() -> None:
    assert parse_events(bytes.fromhex("058a0320 06")) == [EventReport(5, True, 10, 800)]


@pytest.mark.parametrize(
    ("event", "volume", "duration"), [(256, 0, 0), (-1, 0, 0), (0, 64, 0), (0, 0, 65536)]
)
def test_values_that_do_not_fit(event: int, volume: int, duration: int) -> None:
    with pytest.raises(ValueError):
        build_event(event, end=False, volume=volume, duration=duration)


def test_names() -> None:
    assert "".join(EVENT_NAMES[code] for code in range(16)) == "0123456789*#ABCD"
    assert EVENT_NAMES[16] == "flash"
    assert [EVENT_NAMES[code] for code in range(32, 37)] == [
        "ANS",
        "/ANS",
        "ANSam",
        "/ANSam",
        "CNG",
    ]
