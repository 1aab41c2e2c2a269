"""STUN: the sample of RFC 5769, messages laid out by hand, and aioice over the same bytes."""

from __future__ import annotations

import struct

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp.stun import MAGIC_COOKIE, StunAttribute, StunFault, StunMessage, build, parse

# RFC 5769 section 2.1: a request with fields that are padded with blanks.
SAMPLE = bytes.fromhex(
    "00010058 2112a442 b7e7a701 bc34d686 fa87dfae"
    "80220010 5354554e 20746573 7420636c 69656e74"
    "00240004 6e0001ff"
    "80290008 932ff9b1 51263b36"
    "00060009 6576746a 3a683676 59202020"
    "00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2"
    "80280004 e57a3bcf"
)
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def message(
    kind: int = 1,
    body: bytes = b"",
    *,
    length: int | None = None,
    cookie: int = MAGIC_COOKIE,
) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">HHI12s", kind, size, cookie, TRANSACTION) + body


def attribute(kind: int, value: bytes, *, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    return struct.pack(">HH", kind, size) + value + bytes(-len(value) % 4)


def test_the_sample_of_rfc_5769() -> None:
    found = parse(SAMPLE)
    assert found.fault == StunFault.NONE
    assert (found.method_name, found.message_class) == ("Binding", "request")
    assert (found.length, found.transaction_id) == (0x58, TRANSACTION)
    assert [(each.type, len(each.value)) for each in found.attributes] == [
        *((0x8022, 16), (0x0024, 4), (0x8029, 8), (0x0006, 9), (0x0008, 20), (0x8028, 4)),
    ]
    assert found.get(0x0006) == b"evtj:h6vY"
    assert found.get(0x8022) == b"STUN test client"
    assert found.get(0x0020) is None


@pytest.mark.parametrize(
    ("kind", "method", "name"),
    [
        # RFC 8489 section 5: M11..M7 C1 M6..M4 C0 M3..M0.
        (0x0001, 0x001, "request"),
        (0x0011, 0x001, "indication"),
        (0x0101, 0x001, "success"),
        (0x0111, 0x001, "error"),
        (0x0016, 0x006, "indication"),
        (0x3EEF, 0xFFF, "request"),
        (0x3FFF, 0xFFF, "error"),
        (0x2000, 0x800, "request"),
        (0x0020, 0x010, "request"),
    ],
)
def test_method_and_class(kind: int, method: int, name: str) -> None:
    found = parse(message(kind))
    assert (found.method, found.message_class, found.type) == (method, name, kind)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", StunFault.HEADER),
        (message()[:19], StunFault.HEADER),
        (message(0x4001), StunFault.FIRST_BITS),
        (message(0x8001), StunFault.FIRST_BITS),
        (message(length=4), StunFault.LENGTH),
        (message(body=bytes(4), length=0), StunFault.LENGTH),
        (message(body=attribute(6, b"abc") + b"xy"), StunFault.LENGTH),
        (message(cookie=1), StunFault.COOKIE),
        (message(body=attribute(6, b"abcd", length=5)), StunFault.ATTRIBUTE),
        (message(body=attribute(6, b"abcd", length=0xFFFF)), StunFault.ATTRIBUTE),
    ],
)
def test_what_is_wrong_is_told(data: bytes, fault: StunFault) -> None:
    assert parse(data).fault == fault


def test_an_old_message_has_a_transaction_of_16_bytes() -> None:
    found = parse(message(cookie=0x01020304))
    assert found.transaction_id == bytes((1, 2, 3, 4)) + TRANSACTION


def test_attributes_before_the_wrong_one_are_there() -> None:
    found = parse(message(body=attribute(6, b"abcde") + attribute(8, b"", length=1)))
    assert found.attributes == (StunAttribute(6, b"abcde"),)


def test_aioice_reads_the_sample_alike() -> None:
    theirs = aioice.stun.parse_message(SAMPLE)
    ours = parse(SAMPLE)
    assert theirs.transaction_id == ours.transaction_id
    assert theirs.attributes["USERNAME"].encode() == ours.get(0x0006)
    assert theirs.attributes["MESSAGE-INTEGRITY"] == ours.get(0x0008)
    assert theirs.message_method.value == ours.method


ATTRIBUTES = st.builds(StunAttribute, st.integers(0, 0xFFFF), st.binary(max_size=40))


@given(
    st.integers(0, 0x3FFF), st.binary(min_size=12, max_size=12), st.lists(ATTRIBUTES, max_size=5)
)
def test_what_is_built_is_read(kind: int, transaction: bytes, found: list[StunAttribute]) -> None:
    read = parse(build(kind, transaction, found))
    sizes = sum(4 + -(-len(each.value) // 4) * 4 for each in found)
    assert read == StunMessage(kind, sizes, transaction, tuple(found))


@pytest.mark.parametrize("kind", [0x4000, 0x10000, -1])
def test_a_type_of_more_than_14_bits_is_refused(kind: int) -> None:
    with pytest.raises(ValueError, match=r"STUN|type"):
        build(kind, bytes(12), [])


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_read(data: bytes, headed: bool) -> None:
    raw = SAMPLE[:20] + data if headed else data
    found = parse(raw)
    assert sum(len(each.value) for each in found.attributes) <= len(raw)
