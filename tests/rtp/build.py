"""RTP packets from labelled fields, and what is to come out of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from rtpcap.errors import Fault

VOICE = bytes(range(100, 120))


def packet(
    *,
    version: int = 2,
    padding: bool = False,
    csrc: tuple[int, ...] = (),
    csrc_count: int | None = None,
    extension: bytes = b"",
    has_extension: bool | None = None,
    marker: bool = False,
    payload_type: int = 0,
    sequence: int = 17,
    timestamp: int = 4711,
    ssrc: int = 0x343FFA34,
    payload: bytes = VOICE,
    tail: bytes = b"",
) -> bytes:
    """A packet laid out by hand as RFC 3550 section 5.1 draws it."""
    has_extension = bool(extension) if has_extension is None else has_extension
    count = len(csrc) if csrc_count is None else csrc_count
    first = version << 6 | padding << 5 | has_extension << 4 | count
    head = struct.pack(">BBHII", first, marker << 7 | payload_type, sequence, timestamp, ssrc)
    sources = b"".join(source.to_bytes(4, "big") for source in csrc)
    return head + sources + extension + payload + tail


def extension(profile: int, words: int, data: bytes) -> bytes:
    """A header extension that says it has so many words."""
    return struct.pack(">HH", profile, words) + data


@dataclass(frozen=True)
class Expected:
    """What is right: a fault, or the payload and what stands around it."""

    fault: Fault = Fault.NONE
    payload: bytes = VOICE
    csrc: tuple[int, ...] = ()
    profile: int | None = None
    extension: bytes = b""
    padding: int = 0


Scenario = Callable[[], tuple[bytes, Expected]]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


@scenario
def plain() -> tuple[bytes, Expected]:
    return packet(), Expected()


@scenario
def no_payload() -> tuple[bytes, Expected]:
    return packet(payload=b""), Expected(payload=b"")


@scenario
def empty() -> tuple[bytes, Expected]:
    return b"", Expected(Fault.HEADER)


@scenario
def eleven_bytes() -> tuple[bytes, Expected]:
    return packet()[:11], Expected(Fault.HEADER)


@scenario
def version_0() -> tuple[bytes, Expected]:
    return packet(version=0), Expected(Fault.VERSION)


@scenario
def version_1() -> tuple[bytes, Expected]:
    return packet(version=1), Expected(Fault.VERSION)


@scenario
def version_3_with_everything_else_wrong() -> tuple[bytes, Expected]:
    raw = packet(version=3, padding=True, csrc_count=15, has_extension=True, payload=b"")
    return raw, Expected(Fault.VERSION)


@scenario
def two_contributing_sources() -> tuple[bytes, Expected]:
    return packet(csrc=(1, 0xFFFFFFFF)), Expected(csrc=(1, 0xFFFFFFFF))


@scenario
def fifteen_contributing_sources_and_no_payload() -> tuple[bytes, Expected]:
    sources = tuple(range(15))
    return packet(csrc=sources, payload=b""), Expected(payload=b"", csrc=sources)


@scenario
def contributing_sources_that_do_not_fit() -> tuple[bytes, Expected]:
    return packet(csrc_count=1, payload=b"abc"), Expected(Fault.CSRC)


@scenario
def extension_of_two_words() -> tuple[bytes, Expected]:
    raw = packet(extension=extension(0xBEDE, 2, b"12345678"))
    return raw, Expected(profile=0xBEDE, extension=b"12345678")


@scenario
def extension_of_no_words() -> tuple[bytes, Expected]:
    return packet(extension=extension(0, 0, b"")), Expected(profile=0)


@scenario
def extension_that_ends_the_packet() -> tuple[bytes, Expected]:
    raw = packet(extension=extension(1, 1, b"1234"), payload=b"")
    return raw, Expected(payload=b"", profile=1, extension=b"1234")


@scenario
def extension_without_room_for_its_length() -> tuple[bytes, Expected]:
    return packet(has_extension=True, payload=b"abc"), Expected(Fault.EXTENSION)


@scenario
def extension_longer_than_the_packet() -> tuple[bytes, Expected]:
    raw = packet(extension=extension(0xBEDE, 6, b""), payload=VOICE)
    return raw, Expected(Fault.EXTENSION)


@scenario
def extension_of_65535_words() -> tuple[bytes, Expected]:
    return packet(extension=extension(0xBEDE, 65535, b"")), Expected(Fault.EXTENSION)


@scenario
def padding_of_one_byte() -> tuple[bytes, Expected]:
    return packet(padding=True, tail=b"\x01"), Expected(padding=1)


@scenario
def padding_of_four_bytes() -> tuple[bytes, Expected]:
    return packet(padding=True, tail=b"\0\0\0\x04"), Expected(padding=4)


@scenario
def nothing_but_padding() -> tuple[bytes, Expected]:
    raw = packet(padding=True, payload=b"", tail=b"\0\0\0\x04")
    return raw, Expected(payload=b"", padding=4)


@scenario
def padding_of_zero_bytes() -> tuple[bytes, Expected]:
    return packet(padding=True, tail=b"\0"), Expected(Fault.PADDING)


@scenario
def padding_longer_than_packet() -> tuple[bytes, Expected]:
    return packet(padding=True, payload=b"", tail=b"\xff"), Expected(Fault.PADDING)


@scenario
def padding_that_would_reach_into_the_extension() -> tuple[bytes, Expected]:
    raw = packet(padding=True, extension=extension(1, 1, b"1234"), payload=b"", tail=b"\0\0\x04")
    return raw, Expected(Fault.PADDING)


@scenario
def padding_without_a_byte_for_its_count() -> tuple[bytes, Expected]:
    return packet(padding=True, payload=b""), Expected(Fault.PADDING)


@scenario
def everything_at_once() -> tuple[bytes, Expected]:
    raw = packet(
        padding=True,
        csrc=(5, 6),
        extension=extension(0xBEDE, 1, b"\x10\xff\0\0"),
        marker=True,
        payload_type=8,
        sequence=65535,
        timestamp=0xFFFFFFFF,
        ssrc=0,
        tail=b"\0\x02",
    )
    return raw, Expected(csrc=(5, 6), profile=0xBEDE, extension=b"\x10\xff\0\0", padding=2)
