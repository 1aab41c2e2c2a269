"""byte_to_bits, add_bytes and the two enums of the profile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp import RTPProtocol, TransmitType, add_bytes, byte_to_bits


def test_every_byte() -> None:
    for value in range(256):
        bits = byte_to_bits(byte=bytes([value]))
        assert len(bits) == 8
        assert int(bits, 2) == value
    assert byte_to_bits(b"\x01") == "00000001"
    assert byte_to_bits(b"\x80") == "10000000"


@pytest.mark.parametrize("byte", [b"", b"ab", "a", 7, None])
def test_anything_but_one_byte(byte: object) -> None:
    with pytest.raises(ValueError):
        byte_to_bits(byte)  # type: ignore[arg-type]


@given(st.binary(max_size=40))
def test_add_bytes(data: bytes) -> None:
    total = 0
    for value in data:
        total = total * 256 + value
    assert add_bytes(bytes=data) == total


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (RTPProtocol.UDP, "udp"),
        (RTPProtocol.AVP, "RTP/AVP"),
        (RTPProtocol.SAVP, "RTP/SAVP"),
        (TransmitType.RECVONLY, "recvonly"),
        (TransmitType.SENDRECV, "sendrecv"),
        (TransmitType.SENDONLY, "sendonly"),
        (TransmitType.INACTIVE, "inactive"),
    ],
)
def test_profile(member: RTPProtocol | TransmitType, text: str) -> None:
    assert str(member) == text
    assert type(member)(text) is member
