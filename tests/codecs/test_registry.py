"""What is decoded here, and what is said of the rest; L16."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.codecs import available, find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format


def test_available() -> None:
    assert available() == ["L16", "PCMA", "PCMU"]


@pytest.mark.parametrize("name", available())
def test_names_in_any_case_and_a_fresh_decoder_each_time(name: str) -> None:
    decoder = find(Format(name.lower(), 16000))
    assert decoder.sample_rate == 16000
    assert decoder.channels == 1
    assert find(Format(name, 16000)) is not decoder


@pytest.mark.parametrize("name", ["G729", "opus", "X-unheard"])
def test_what_is_not_decoded_is_said_by_name(name: str) -> None:
    with pytest.raises(CodecUnavailable, match=f"no decoder for {name}; decoded here: L16, "):
        find(Format(name, 8000))


def test_what_is_no_audio() -> None:
    with pytest.raises(CodecUnavailable, match="video"):
        find(Format("H264", 90000))
    with pytest.raises(CodecUnavailable, match="CN alone is no audio"):
        find(Format("CN", 8000))


def test_absurd_rate() -> None:
    with pytest.raises(CodecUnavailable, match="clock rate"):
        find(Format("PCMU", 999_999_999))


def test_l16_is_in_network_order() -> None:
    decoder = find(Format("L16", 44100))
    assert decoder.decode(bytes.fromhex("0001 8000 7fff ffff")).tolist() == [1, -32768, 32767, -1]
    assert decoder.decode(b"").tolist() == []


def test_l16_stereo_and_a_torn_sample() -> None:
    decoder = find(Format("L16", 44100, 2))
    payload = bytes.fromhex("0001 0002 0003 0004 0005 00")
    assert decoder.decode(payload).tolist() == [[1, 2], [3, 4]]
    assert decoder.samples(np.array([0, 3, 4, 11])).tolist() == [0, 0, 1, 2]
    many = np.frombuffer(payload * 2, np.uint8).reshape(2, 11)
    assert decoder.decode_many(many).tolist() == [[[1, 2], [3, 4]]] * 2
