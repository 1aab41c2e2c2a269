"""RTCP by the validity check of RFC 3550 appendix A.2."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from rtpcap.rtp.compound import is_compound

Scenario = Callable[[], tuple[bytes, bool]]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


def part(kind: int, words: int, *, first: int = 0x80, told: int | None = None) -> bytes:
    """A packet of a header word and `words` more; its length field is `told` where that is not."""
    return struct.pack(">BBH", first, kind, words if told is None else told) + bytes(4 * words)


@scenario
def report_and_description() -> tuple[bytes, bool]:
    return part(200, 6) + part(202, 3), True


@scenario
def receiver_report_alone() -> tuple[bytes, bool]:
    return part(201, 1), True


@scenario
def feedback_alone_of_reduced_size() -> tuple[bytes, bool]:
    return part(206, 2), True  # RFC 5506


@scenario
def last_part_padded() -> tuple[bytes, bool]:
    return part(200, 6) + part(203, 2, first=0xA0), True


@scenario
def first_part_padded() -> tuple[bytes, bool]:
    return part(200, 6, first=0xA0) + part(202, 3), False


@scenario
def second_part_of_version_1() -> tuple[bytes, bool]:
    return part(200, 6) + part(202, 3, first=0x40), False


@scenario
def second_part_of_no_rtcp_type() -> tuple[bytes, bool]:
    return part(200, 6) + part(96, 3), False


@scenario
def length_beyond_the_datagram() -> tuple[bytes, bool]:
    return part(200, 6, told=7), False


@scenario
def bytes_behind_the_last_part() -> tuple[bytes, bool]:
    return part(200, 6) + b"\x80\xca", False


@scenario
def rtp() -> tuple[bytes, bool]:
    return part(0, 6), False


@scenario
def three_bytes() -> tuple[bytes, bool]:
    return part(200, 0)[:3], False


@scenario
def nothing() -> tuple[bytes, bool]:
    return b"", False


@scenario
def many_empty_parts() -> tuple[bytes, bool]:
    return part(202, 0) * 1000, False


def test_all_at_once_in_two_blocks() -> None:
    made = [function() for function in SCENARIOS]
    data = np.frombuffer(b"".join(raw for raw, _ in made), np.uint8)
    ends = np.cumsum([len(raw) for raw, _ in made])
    begins = ends - [len(raw) for raw, _ in made]
    found = is_compound(
        (data, data),
        np.arange(len(made), dtype=np.uint16) % 2,
        begins.astype(np.int64),
        ends.astype(np.int64),
    )
    assert found.tolist() == [expected for _, expected in made]


@pytest.mark.parametrize("function", SCENARIOS, ids=lambda function: function.__name__)
def test_alone(function: Scenario) -> None:
    raw, expected = function()
    data = np.frombuffer(raw, np.uint8)
    begin, end = np.zeros(1, np.int64), np.array([len(raw)], np.int64)
    assert is_compound((data,), np.zeros(1, np.uint16), begin, end).tolist() == [expected]
