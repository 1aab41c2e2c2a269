"""RFC 8285 header extensions: one by one, in columns, built, and hostile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.errors import RTPParseError
from rtpcap.rtp.extensions import (
    ONE_BYTE,
    TWO_BYTE,
    Elements,
    build_elements,
    find_elements,
    parse_elements,
)
from rtpcap.rtp.packets import Packets
from tests.rtp.build import extension, packet

Found = list[tuple[int, bytes]]


def columns(raws: list[bytes], *, blocks: int = 1) -> Packets:
    """The packets, laid into so many blocks in turn."""
    data = [b"".join(raws[number::blocks]) for number in range(blocks)]
    at = [0] * blocks
    begin = []
    for number, raw in enumerate(raws):
        begin.append(at[number % blocks])
        at[number % blocks] += len(raw)
    first = np.array(begin, np.int64)
    return Packets.parse(
        [np.frombuffer(part, np.uint8) for part in data],
        first,
        first + np.array([len(raw) for raw in raws], np.int64),
        block=(np.arange(len(raws)) % blocks).astype(np.uint16),
    )


def by_packet(elements: Elements, count: int) -> list[Found]:
    out: list[Found] = [[] for _ in range(count)]
    for index in range(len(elements)):
        out[int(elements.row[index])].append((int(elements.id[index]), elements.content(index)))
    return out


def extended(profile: int, data: bytes) -> bytes:
    assert len(data) % 4 == 0
    return packet(extension=extension(profile, len(data) // 4, data))


CASES: dict[str, tuple[int, str, Found]] = {
    "one": (ONE_BYTE, "10ff0000", [(1, b"\xff")]),
    "RFC 8285 4.2, three with padding between": (
        ONE_BYTE,
        "10aa21bbbb000033cccccccc",
        [(1, b"\xaa"), (2, b"\xbb\xbb"), (3, b"\xcc" * 4)],
    ),
    "sixteen bytes": (ONE_BYTE, "ef" + "01" * 16 + "000000", [(14, b"\x01" * 16)]),
    "ID 15 ends it": (ONE_BYTE, "10aaf0bb20cc0000", [(1, b"\xaa")]),
    "ID 0 with a length ends it": (ONE_BYTE, "10aa01bb20cc0000", [(1, b"\xaa")]),
    "only padding": (ONE_BYTE, "0000000000000000", []),
    "past the end by one": (ONE_BYTE, "10aa22bb", [(1, b"\xaa")]),
    "a head at the end": (ONE_BYTE, "10aa0020", [(1, b"\xaa")]),
    "empty": (ONE_BYTE, "", []),
    "two-byte": (TWO_BYTE, "01010a02000003030102", [(1, b"\x0a"), (2, b"")]),
    "two-byte with the application's bits": (0x100F, "ff01aa00", [(255, b"\xaa")]),
    "two-byte, ID 15 is one like any other": (TWO_BYTE, "0f01aa00", [(15, b"\xaa")]),
    "two-byte, a head without its length": (TWO_BYTE, "01000005", [(1, b"")]),
    "two-byte, past the end": (TWO_BYTE, "0101aa000205bbbb", [(1, b"\xaa")]),
    "another profile": (0x1234, "10ff0000", []),
    "encrypted (RFC 9335)": (0xC0DE, "10ff0000", []),
}


@pytest.mark.parametrize("name", CASES)
def test_elements_of_one_packet(name: str) -> None:
    profile, text, expected = CASES[name]
    data = bytes.fromhex(text)
    data += bytes(-len(data) % 4) if profile != TWO_BYTE else b""
    assert parse_elements(profile, data) == expected


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_columns_say_the_same(blocks: int) -> None:
    cases = [case for case in CASES.values() if len(bytes.fromhex(case[1])) % 4 == 0]
    assert len(cases) > 12
    raws = [extended(profile, bytes.fromhex(text)) for profile, text, _ in cases]
    found = find_elements(columns(raws, blocks=blocks))
    assert by_packet(found, len(raws)) == [expected for _, _, expected in cases]


def test_extensions_behind_contributing_sources_and_in_cut_packets() -> None:
    data = extension(ONE_BYTE, 1, b"\x10\xaa\x00\x00")
    raws = [packet(csrc=(1, 2, 3), extension=data), packet(), packet(extension=data)[:21]]
    assert by_packet(find_elements(columns(raws)), 3) == [[(1, b"\xaa")], [], [(1, b"\xaa")]]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x90",
        packet(has_extension=True, payload=b""),
        packet(has_extension=True, payload=b"\xbe\xde\x00"),
        packet(extension=extension(ONE_BYTE, 65535, b"\x10\xaa\x00\x00")),
        packet(version=1, extension=extension(ONE_BYTE, 1, b"\x10\xaa\x00\x00")),
        packet(csrc_count=15, has_extension=True, payload=b"\x10\xaa\x00\x00"),
    ],
)
def test_packets_without_a_whole_extension_have_no_elements(raw: bytes) -> None:
    good = extended(ONE_BYTE, b"\x10\xaa\x00\x00")
    assert by_packet(find_elements(columns([raw, good])), 2) == [[], [(1, b"\xaa")]]


def test_no_packets() -> None:
    empty = np.empty(0, np.int64)
    assert len(find_elements(Packets.parse((np.empty(0, np.uint8),), empty, empty))) == 0


def test_an_extension_of_64_kb_of_the_smallest_elements() -> None:
    data = b"\x10\xaa" * 32_000
    (found,) = by_packet(find_elements(columns([extended(ONE_BYTE, data)])), 1)
    assert found == [(1, b"\xaa")] * 32_000
    padding = bytes(64_000)
    assert len(find_elements(columns([extended(ONE_BYTE, padding)]))) == 0


def test_first_bytes_and_one_id() -> None:
    raws = [extended(TWO_BYTE, bytes((1, 1, n, 2, 0, 0, 0, 0))) for n in range(5)]
    found = find_elements(columns(raws))
    assert found.of(1).first_bytes().tolist() == list(range(5))
    assert found.of(2).first_bytes().tolist() == [0] * 5
    assert len(found.of(3)) == 0


one_byte_elements = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)))
two_byte_elements = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=6)


@given(one_byte_elements)
def test_one_byte_round_trip(elements: Found) -> None:
    assert parse_elements(ONE_BYTE, build_elements(elements)) == elements


@given(two_byte_elements)
def test_two_byte_round_trip(elements: Found) -> None:
    assert parse_elements(TWO_BYTE, build_elements(elements, two_byte=True)) == elements


@pytest.mark.parametrize(
    ("number", "content", "two_byte"),
    [
        (0, b"a", False),
        (15, b"a", False),
        (1, b"", False),
        (1, bytes(17), False),
        (0, b"a", True),
        (256, b"a", True),
        (1, bytes(256), True),
    ],
)
def test_what_no_element_can_be(number: int, content: bytes, two_byte: bool) -> None:
    with pytest.raises(ValueError, match=r"no (one|two)-byte element"):
        build_elements([(number, content)], two_byte=two_byte)


any_extension = st.tuples(
    st.sampled_from([ONE_BYTE, TWO_BYTE, 0x1007, 0x100F, 0x1010, 0xC0DE, 0]),
    st.binary(max_size=160).map(lambda data: data[: len(data) // 4 * 4]),
    st.integers(0, 60),
)


@settings(deadline=None)
@given(st.lists(any_extension, min_size=1, max_size=12), st.integers(1, 3))
def test_columns_and_objects_agree(some: list[tuple[int, bytes, int]], blocks: int) -> None:
    raws = [extended(profile, data)[: -lost or None] for profile, data, lost in some]
    packets = columns(raws, blocks=blocks)
    expected: list[Found] = []
    for row in range(len(raws)):
        try:
            message = packets[row]
        except RTPParseError:
            expected.append([])
            continue
        assert message.extension_profile is not None
        expected.append(parse_elements(message.extension_profile, message.extension_payload))
    assert by_packet(find_elements(packets), len(raws)) == expected
