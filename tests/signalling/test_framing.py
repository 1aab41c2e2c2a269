"""Which payloads are worth a look: one by one and by the thousand."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.signalling import looks_like_sip, parse_sip, sip_candidates
from tests.signalling.build import audio, request, response

WIDTH = 8
SIP = [
    request("INVITE", body=audio()),
    request("ACK"),
    request("UNHEARD-OF"),
    response(100, "Trying"),
    b"\r\n\r\n" + response(200, "OK"),
    b"sip/2.0 200 OK\r\n",
    b"REGISTER sip:x",
    b"BYE tel:+1",
    b"INFO anything",
    b"!odd*method~ sip:x",
    b"XYZ unknown:scheme SIP/2.0\r\n",
    b"SIP/2.0 1",
]
OTHER = [
    b"",
    b"\r\n\r\n",
    bytes(12),
    b"\x80\x00\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78" + b"\xd5" * 160,
    b"\x81\xc8\x00\x0c" + bytes(48),
    b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(20),
    b"\x16\xfe\xff\x00\x00" + bytes(30),
    b"GET /x HTTP/1.1\r\n\r\n",
    b"NOTIFY * HTTP/1.1\r\n\r\n",
    b"OPTIONS rtsp://x RTSP/1.0\r\n\r\n",
    b"SIP/2.0",
    b"hello sip:x",
]


def first_bytes(*payloads: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    rows = b"".join(payload[:WIDTH].ljust(WIDTH, b"\0") for payload in payloads)
    return np.frombuffer(rows, np.uint8).reshape(len(payloads), WIDTH)


@pytest.mark.parametrize("payload", SIP)
def test_sip(payload: bytes) -> None:
    assert looks_like_sip(payload)
    assert sip_candidates(first_bytes(payload)).tolist() == [True]


@pytest.mark.parametrize("payload", OTHER[:-1])
def test_other(payload: bytes) -> None:
    assert not looks_like_sip(payload)


def test_a_word_before_a_sip_uri_is_worth_a_look_and_no_message() -> None:
    assert looks_like_sip(OTHER[-1])
    assert parse_sip(OTHER[-1]) is None


@pytest.mark.parametrize("whole", SIP[:5])
def test_first_bytes_are_enough(whole: bytes) -> None:
    for length in range(20, 64):
        assert looks_like_sip(whole[:length])


def test_media_is_never_a_candidate() -> None:
    chance = random.Random(3)
    rows = [bytes([chance.randrange(0x80, 0xC0)]) + chance.randbytes(7) for _ in range(5000)]
    assert not sip_candidates(first_bytes(*rows)).any()


def test_no_rows() -> None:
    assert sip_candidates(np.zeros((0, WIDTH), np.uint8)).tolist() == []


def test_rows_of_a_larger_table_may_be_apart() -> None:
    table = np.zeros((4, 64), np.uint8)
    table[2, :8] = np.frombuffer(b"SIP/2.0 ", np.uint8)
    table[::2, 60] = 255
    assert sip_candidates(table[:, :WIDTH]).tolist() == [True, True, True, True]
    table[[0, 1, 3], 0] = 0x80
    assert sip_candidates(table[:, :WIDTH]).tolist() == [False, False, True, False]


STARTS = st.sampled_from(
    [b"", b"\r\n", b"SIP/2.0 ", b"INVITE ", b"BYE ", b"sip:", b" sip:x", b"Y sips:\xff", b"\0"]
)


@given(st.lists(st.one_of(STARTS, st.binary(max_size=12)), max_size=6).map(b"".join))
def test_no_message_is_missed_by_the_whole_table(payload: bytes) -> None:
    if len(payload) >= WIDTH and looks_like_sip(payload):
        assert sip_candidates(first_bytes(payload)).all()


@given(st.binary(max_size=200))
def test_what_is_parsed_from_its_first_byte_looks_like_it(payload: bytes) -> None:
    data = b"SIP/2.0 200 OK\r\n" + payload
    assert looks_like_sip(data)
    assert parse_sip(data) is not None
