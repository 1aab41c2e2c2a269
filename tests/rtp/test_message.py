"""RTPMessage, item by item."""

from __future__ import annotations

import pytest

from rtpcap.errors import Fault, RTPParseError
from rtpcap.rtp import PayloadType, RTPMessage
from tests.rtp.build import VOICE, extension, packet


def test_attributes() -> None:
    raw = packet(marker=True, payload_type=8, sequence=65535, timestamp=0xFFFFFFFE, ssrc=7)
    message = RTPMessage(data=raw, assoc={})
    assert message.version == 2
    assert message.padding is False
    assert message.extension is False
    assert message.CC == 0
    assert message.CSRC == []
    assert message.marker is True
    assert message.payload_type is PayloadType.PCMA
    assert message.payload_number == 8
    assert message.sequence == 65535
    assert message.timestamp == 0xFFFFFFFE
    assert message.SSRC == 7
    assert message.payload == VOICE
    assert message.raw == raw
    assert message.extension_profile is None
    assert message.extension_payload == b""
    assert message.padding_size == 0


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_taken_and_bytes_come_out(kind: type) -> None:
    message = RTPMessage(kind(packet()), {})
    assert type(message.payload) is bytes
    assert type(message.raw) is bytes
    assert message.payload == VOICE


def test_the_packet_is_copied() -> None:
    buffer = bytearray(packet())
    message = RTPMessage(memoryview(buffer), {})
    buffer[:] = bytes(len(buffer))
    assert message.raw == packet()


@pytest.mark.parametrize("data", [5, "text", None, [1, 2]])
def test_what_is_no_bytes_is_refused_as_misuse(data: object) -> None:
    with pytest.raises(TypeError):
        RTPMessage(data, {})  # type: ignore[arg-type]


def test_assoc_wins_over_the_static_table() -> None:
    assert RTPMessage(packet(), {0: PayloadType.GSM}).payload_type is PayloadType.GSM


def test_dynamic_number_from_assoc() -> None:
    message = RTPMessage(packet(payload_type=101), {101: PayloadType.EVENT})
    assert message.payload_type is PayloadType.EVENT
    assert message.payload_number == 101


@pytest.mark.parametrize("number", [1, 2, 19, 35, 72, 96, 127])
def test_payload_number_without_a_name(number: int) -> None:
    with pytest.raises(RTPParseError, match=f"payload type {number} ") as caught:
        RTPMessage(packet(payload_type=number), {})
    assert caught.value.fault is Fault.PAYLOAD_TYPE


def test_errors_are_value_errors_and_carry_the_evidence() -> None:
    raw = packet(extension=extension(0xBEDE, 5, b""), payload=bytes(8))
    with pytest.raises(ValueError) as caught:
        RTPMessage(raw, {})
    error = caught.value
    assert isinstance(error, RTPParseError)
    assert (error.offset, error.needed, error.available) == (12, 24, 12)
    assert str(error) == "RTP extension: needs 24 bytes from offset 12, 12 available"


def test_parse_refreshes_every_attribute() -> None:
    raw = packet(
        padding=True,
        csrc=(1, 2, 3),
        extension=extension(9, 1, b"abcd"),
        marker=True,
        payload=b"one",
        tail=b"\x01",
    )
    message = RTPMessage(raw, {})
    other = packet(payload_type=18, sequence=3, timestamp=4, ssrc=5, payload=b"two")
    assert message.parse(data=other) is None  # type: ignore[func-returns-value]
    fresh = RTPMessage(other, {})
    for name in RTPMessage.__slots__:
        assert getattr(message, name) == getattr(fresh, name), name


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        packet(version=1),
        packet(csrc_count=9),
        packet(padding=True, tail=b"\0"),
        packet(payload_type=77),
    ],
    ids=["empty", "version", "csrc", "padding", "payload type"],
)
def test_parse_that_fails_leaves_the_old_packet(bad: bytes) -> None:
    message = RTPMessage(packet(csrc=(8,)), {})
    before = {name: getattr(message, name) for name in RTPMessage.__slots__}
    with pytest.raises(RTPParseError):
        message.parse(bad)
    assert {name: getattr(message, name) for name in RTPMessage.__slots__} == before


def test_summary_has_nine_lines_and_no_payload() -> None:
    message = RTPMessage(packet(marker=True, payload=b"secret"), {})
    assert message.summary().splitlines() == [
        "Version: 2",
        "Padding: False",
        "Extension: False",
        "CC: 0",
        "Marker: True",
        "Payload Type: PCMU (0)",
        "Sequence Number: 17",
        "Timestamp: 4711",
        f"SSRC: {0x343FFA34}",
    ]


def test_repr_is_one_line() -> None:
    text = repr(RTPMessage(packet(), {}))
    assert "PCMU (0)" in text
    assert "0x343ffa34" in text
    assert "\n" not in text
