"""The header, the object and the columns are one definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.errors import RTPParseError
from rtpcap.rtp.header import FIXED_HEADER, split
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import PayloadType
from tests.rtp.build import SCENARIOS, Expected, Scenario, packet

EVERY_NUMBER = dict.fromkeys(range(128), PayloadType.UNKNOWN)


def columns(raws: list[bytes], gap: bytes = b"") -> Packets:
    """The packets of a block in which they lie with `gap` between them."""
    sizes = np.array([len(raw) for raw in raws], np.int64)
    end = np.cumsum(sizes + len(gap)) - len(gap)
    return Packets.parse((np.frombuffer(gap.join(raws), np.uint8),), end - sizes, end)


def test_the_fields_cover_every_bit_of_the_header_once() -> None:
    for word in range(3):
        masks = [field.mask << field.shift for field in FIXED_HEADER if field.word == word]
        assert sum(masks) == 0xFFFFFFFF
        assert np.bitwise_or.reduce(np.array(masks, np.uint64)) == 0xFFFFFFFF


def test_split_gives_ints_for_ints_and_arrays_for_arrays() -> None:
    words = (0xB2E0FFFE, 0xFFFFFFFF, 0x80000000)
    expected = {
        "version": 2,
        "padding": 1,
        "extension": 1,
        "csrc_count": 2,
        "marker": 1,
        "payload_type": 96,
        "sequence": 0xFFFE,
        "timestamp": 0xFFFFFFFF,
        "ssrc": 0x80000000,
    }
    assert split(words) == expected
    arrays = split(tuple(np.array([word, 0], np.uint32) for word in words))
    assert {name: column.tolist() for name, column in arrays.items()} == {
        name: [value, 0] for name, value in expected.items()
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario_as_an_object(scenario: Scenario) -> None:
    raw, expected = scenario()
    if expected.fault:
        with pytest.raises(RTPParseError) as caught:
            RTPMessage(raw, EVERY_NUMBER)
        assert caught.value.fault is expected.fault
        return
    message = RTPMessage(raw, EVERY_NUMBER)
    assert message.payload == expected.payload
    assert (len(expected.csrc), list(expected.csrc)) == (message.CC, message.CSRC)
    assert message.extension_profile == expected.profile
    assert message.extension_payload == expected.extension
    assert message.extension is (expected.profile is not None)
    assert message.padding_size == expected.padding
    assert message.padding is (expected.padding > 0)
    assert message.raw == raw


def check_row(packets: Packets, row: int, raw: bytes, expected: Expected) -> None:
    assert packets.fault[row] == expected.fault
    assert packets.size[row] == len(raw)
    assert packets.payload(row) == (b"" if expected.fault else expected.payload)
    if not expected.fault:
        assert packets.csrc_count[row] == len(expected.csrc)
        assert packets.padding[row] == (expected.padding > 0)
        assert packets.extension[row] == (expected.profile is not None)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario_as_a_column(scenario: Scenario) -> None:
    raw, expected = scenario()
    check_row(columns([raw]), 0, raw, expected)


def test_all_scenarios_as_one_table() -> None:
    cases = [scenario() for scenario in SCENARIOS]
    packets = columns([raw for raw, _ in cases], gap=b"\xff\xff\xff")
    for row, (raw, expected) in enumerate(cases):
        check_row(packets, row, raw, expected)
        if expected.fault:
            with pytest.raises(RTPParseError, match=f"frame {row + 1}$"):
                packets[row]
        else:
            assert packets[row].payload == expected.payload


def agree(raw: bytes, packets: Packets, row: int) -> None:
    """Both paths say the same of these bytes."""
    if packets.fault[row]:
        with pytest.raises(RTPParseError) as caught:
            RTPMessage(raw, EVERY_NUMBER)
        assert caught.value.fault == packets.fault[row]
        assert packets.payload_size[row] == 0
        assert packets.payload_begin[row] == packets.begin[row] + len(raw)
        return
    message = RTPMessage(raw, EVERY_NUMBER)
    assert packets.version[row] == message.version
    assert packets.padding[row] == message.padding
    assert packets.extension[row] == message.extension
    assert packets.csrc_count[row] == message.CC
    assert packets.marker[row] == message.marker
    assert packets.payload_type[row] == message.payload_number
    assert packets.sequence[row] == message.sequence
    assert packets.timestamp[row] == message.timestamp
    assert packets.ssrc[row] == message.SSRC
    begin = packets.payload_begin[row] - packets.begin[row]
    assert raw[begin : packets.payload_end[row] - packets.begin[row]] == message.payload
    assert packets.payload(row) == message.payload
    assert begin == 12 + 4 * message.CC + (
        0 if message.extension_profile is None else 4 + len(message.extension_payload)
    )


VALID = [raw for raw, expected in (scenario() for scenario in SCENARIOS) if not expected.fault]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A packet that was valid before some of its bytes were changed and its end cut off."""
    raw = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 3))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))])


@given(st.lists(st.one_of(st.binary(max_size=80), mutated()), max_size=12))
def test_object_and_columns_agree_on_any_bytes(raws: list[bytes]) -> None:
    packets = columns(raws)
    for row, raw in enumerate(raws):
        agree(raw, packets, row)


def test_every_first_byte_agrees() -> None:
    raws = [bytes([first]) + packet(payload=bytes(70))[1:] for first in range(256)]
    packets = columns(raws)
    for row, raw in enumerate(raws):
        agree(raw, packets, row)


def test_every_prefix_agrees() -> None:
    whole = SCENARIOS[-1]()[0]
    raws = [whole[:length] for length in range(len(whole) + 1)]
    packets = columns(raws)
    for row, raw in enumerate(raws):
        agree(raw, packets, row)
