"""assert_agrees and compare: what is found, how it is named, and what a person reads."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from types import SimpleNamespace

import pytest

from rtpcap.testing import ParserDied, assert_agrees, compare, packets
from rtpcap.testing.agree import Outcome, judge
from rtpcap.testing.aliases import ALIASES, Rename
from rtpcap.testing.marked import hex_lines
from tests.cli.harness import FIXTURES
from tests.rtp.build import extension, packet
from tests.testing.made import made

SOUND = made(packet(sequence=17, timestamp=4711, ssrc=0x343FFA34, payload=b"voice"))
RIGHT: Mapping[str, object] = {
    "version": 2,
    "padding": False,
    "extension": False,
    "csrc_count": 0,
    "marker": False,
    "payload_type": 0,
    "sequence": 17,
    "timestamp": 4711,
    "ssrc": 0x343FFA34,
    "csrc": [],
    "header_bytes": 12,
    "extension_profile": None,
    "extension_payload": b"",
    "payload": b"voice",
    "padding_bytes": 0,
}


def said(value: object, over: object = SOUND, **how: object) -> str:
    """What assert_agrees says of a parser that gives this."""
    with pytest.raises(AssertionError) as raised:
        assert_agrees(lambda data: value, over, **how)  # type: ignore[arg-type]
    return str(raised.value)


def test_a_mapping_or_an_object_by_our_names() -> None:
    assert_agrees(lambda data: RIGHT, SOUND)
    assert_agrees(lambda data: SimpleNamespace(**RIGHT), SOUND)


@pytest.mark.parametrize(
    ("name", "alias"), [(name, alias) for name, all in ALIASES["rtp"].items() for alias in all]
)
def test_usual_other_names_are_known(name: str, alias: str) -> None:
    assert_agrees(lambda data: {alias: RIGHT[name]}, SOUND, fields=[name])
    wrong = {"payload": b"other", "csrc": [1], "extension_profile": 7, "extension_payload": b"x"}
    assert name in said({alias: wrong.get(name, 99)}, fields=[name])


class Types(IntEnum):
    PCMU = 0


@pytest.mark.parametrize(
    "alike",
    [
        {"marker": 0, "padding": 0, "extension": 0},
        {"payload": bytearray(b"voice"), "csrc": ()},
        {"payload": memoryview(b"voice"), "csrc": b""},
        {"payload_type": Types.PCMU},
        {"extension_profile": 0, "extension_payload": b""},
        {"payload": "voice"},
    ],
)
def test_what_stands_for_the_same_is_the_same(alike: Mapping[str, object]) -> None:
    assert_agrees(lambda data: alike, SOUND, fields=list(alike))


def test_sources_may_be_words_as_they_stand_in_the_packet() -> None:
    two = made(packet(csrc=(5, 0xFFFFFFFF)))
    assert_agrees(lambda data: {"csrc": data[12:20]}, two)
    assert "csrc" in said({"csrc": b"\0\0\0\5"}, two)


@pytest.mark.parametrize("name", RIGHT)
def test_each_field_that_differs_is_told(name: str) -> None:
    changed = {"payload": b"voicf", "csrc": [1], "extension_payload": b"x", "extension_profile": 1}
    wrong = {**RIGHT, name: changed.get(name, 77)}
    first, *_ = said(wrong).splitlines()
    assert first == "made:1: 1 of 15 fields differs"
    assert {d.field for d in judge(lambda data: wrong, SOUND).differences} == {name}


def test_the_message_says_all_that_a_person_needs() -> None:
    found = next(p for p in packets(FIXTURES / "ai-opus.pcap") if p.frame == 9)
    # From tshark: 20 bytes of header with the extension, 500 of payload.
    assert said({"sequence_number": 1, "payload": found.data[12:]}, found).splitlines() == [
        "ai-opus.pcap:9: 2 of 2 fields differ",
        f"  rtp, 520 bytes, frame 9 of {FIXTURES / 'ai-opus.pcap'}, "
        "10.9.0.1:38803 > 10.9.0.1:59665",
        "  sequence  expected 6384",
        "            got      1",
        "  payload   expected 500 bytes, from byte 0 on f0 3f 55 69 64 a1 06 0b 87 62 be e3 ...",
        "            got      508 bytes, from byte 0 on be de 00 01 10 30 20 21 f0 3f 55 69 ...",
        "  0000  90 e0 18 f0 2f db ab 19 93 73 b7 24 be de 00 01",
        "              ^^ ^^                         ^^ ^^ ^^ ^^",
        "  0010  10 30 20 21 f0 3f 55 69 64 a1 06 0b 87 62 be e3",
        "        ^^ ^^ ^^ ^^",
        f"  again: rtpcap packets {FIXTURES / 'ai-opus.pcap'}, frame 9",
    ]


def test_padding_that_stays_is_marked() -> None:
    padded = made(packet(padding=True, payload=b"abcd", tail=b"\0\0\0\4"))
    assert said({"payload": padded.data[12:]}, padded).splitlines()[4:6] == [
        "  0010  00 00 00 04",
        "        ^^ ^^ ^^ ^^",
    ]


def test_many_marked_lines_are_cut_short() -> None:
    lines = hex_lines(bytes(1600), set(range(1600)))
    assert len(lines) == 17
    assert lines[-1] == "... and 92 more lines"


def test_names_of_ones_own() -> None:
    nested = SimpleNamespace(head=SimpleNamespace(number=17), raw=SOUND.data)
    names: Rename = {"sequence": "head.number", "payload": lambda parsed: parsed.raw[12:]}
    assert_agrees(lambda data: nested, SOUND, rename=names)
    assert "sequence" in said(nested, rename={"sequence": "head"})


def test_what_is_asked_for_has_to_be_there() -> None:
    text = said({"seq": 17}, fields=["sequence", "ssrc"])
    assert text.startswith("made:1: the parser's result has no ssrc: name them with rename=")
    assert "the parser's result has no version" in said({"number": 17})
    with pytest.raises(ValueError, match="no field 'seq': rtp has version, padding"):
        assert_agrees(lambda data: RIGHT, SOUND, fields=["seq"])


def test_a_method_is_no_field() -> None:
    class Parsed:
        seq = 17

        def marker(self) -> bool:
            return True

    assert judge(lambda data: Parsed(), SOUND).outcome == Outcome.AGREED


def test_a_parser_that_raises_is_one_clear_line() -> None:
    def parse(data: bytes) -> object:
        raise KeyError("nothing\nhere")

    with pytest.raises(AssertionError) as raised:
        assert_agrees(parse, SOUND)
    first = str(raised.value).splitlines()[0]
    assert first == "made:1: the parser raised KeyError: 'nothing\\nhere', on a sound packet"
    assert isinstance(raised.value.__cause__, KeyError)


def test_none_is_no_answer_to_a_sound_packet() -> None:
    assert said(None).startswith("made:1: the parser returned None, for a sound packet")


NO_PACKETS = {
    "header": packet()[:11],
    "version": packet(version=1),
    "csrc": packet(csrc_count=15),
    "extension": packet(extension=extension(0xBEDE, 99, b"")),
    "padding": packet(padding=True, tail=b"\0"),
}


@pytest.mark.parametrize("fault", NO_PACKETS)
def test_what_is_no_packet_has_to_be_refused(fault: str) -> None:
    none = made(NO_PACKETS[fault])
    assert (none.fault, none.refused) == (fault, True)
    first = said(RIGHT, none).splitlines()[0]
    assert first == f"made:1: the parser took it for a packet, which it is not: {fault}"

    def parse(data: bytes) -> object:
        raise ValueError

    assert_agrees(parse, none)
    assert_agrees(lambda data: None, none)
    assert_agrees(lambda data: [], none)


def test_what_the_standard_leaves_open_asks_nothing() -> None:
    # A report on 31 sources, of which one is there.
    short = made(bytes([REPORT[0] | 31]) + REPORT[1:], "rtcp")
    assert (short.fault, short.refused) == ("count", False)
    assert_agrees(lambda data: None, short)
    assert_agrees(lambda data: ["whatever"], short)


def test_a_crash_is_never_a_refusal() -> None:
    def parse(data: bytes) -> object:
        raise ParserDied("the parser ended its process: exit code 3")

    for each in (SOUND, made(b"")):
        with pytest.raises(AssertionError, match="made:1: the parser ended its process: exit code"):
            assert_agrees(parse, each)


REPORT = struct.pack(">BBHI", 0x81, 201, 7, 0x11) + struct.pack(
    ">IIIIII", 0x22, 3 << 24 | 0xFFFFFF, 70_000, 12, 0x12345678, 65_536
)
GOODBYE = struct.pack(">BBHI", 0x81, 203, 1, 0x11)


def test_packets_of_a_compound_one_are_compared_inside() -> None:
    both = made(REPORT + GOODBYE, "rtcp")
    block = {"ssrc": 0x22, "fraction_lost": 3, "packets_lost": -1, "lsr": 0x12345678}
    right = [{"ssrc": 0x11, "reports": [block]}, {"sources": [0x11]}]
    assert_agrees(lambda data: right, both)
    wrong = [{"ssrc": 0x11, "reports": [{**block, "lsr": 1}]}, {"sources": [0x11]}]
    lines = said(wrong, both).splitlines()
    assert lines[2:4] == [
        "  packets[0].blocks[0].last_sr  expected 305419896",
        "                                got      1",
    ]
    # The word stands at byte 24.
    assert lines[5].split() == ["^^"] * 4
    text = said(right[:1], both)
    assert "expected 2: RR, BYE" in text
    assert "got      1: [{'ssrc': 17, 'reports'" in text


INVITE = (
    b"INVITE sip:bob@example.org SIP/2.0\r\nv: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\n"
    b"i: 1@a\r\nSubject: one\r\n two\r\nl: 4\r\n\r\nbody"
)


def test_headers_by_any_of_their_names() -> None:
    asked = made(INVITE, "sip")
    headers: dict[str, object] = {
        "via": ["SIP/2.0/UDP a", b"SIP/2.0/UDP b"],
        "call-id": "1@a",
        "SUBJECT": "one two",
        "content-length": " 4 ",
    }
    right: dict[str, object] = {"method": b"INVITE", "headers": headers, "body": "body"}
    assert_agrees(lambda data: right, asked)
    pairs = [
        *(("Via", "SIP/2.0/UDP a"), ("Via", "SIP/2.0/UDP b"), ("Call-ID", "1@a")),
        *(("Subject", "one two"), ("Content-Length", "4")),
    ]
    assert_agrees(lambda data: {"headers": pairs}, asked)
    one_only = {**right, "headers": {**headers, "via": "SIP/2.0/UDP b"}}
    (different,) = judge(lambda data: one_only, asked).differences
    assert different.field == "headers.Via"
    more = {**right, "headers": {**headers, "from": "x"}}
    assert [d.field for d in judge(lambda data: more, asked).differences] == ["headers.From"]
    assert judge(lambda data: {"headers": pairs[1:]}, asked).outcome == Outcome.DIFFERS


def test_what_was_changed_comes_with_its_bytes() -> None:
    grown = SOUND.changed(SOUND.data[:-1], "one byte less")
    text = said({"payload": b""}, grown)
    assert text.startswith("made:1 (one byte less): 1 of 1 fields differs")
    assert text.endswith(f'again: read("rtp", bytes.fromhex("{SOUND.data[:-1].hex()}"))')


def test_compare_counts_what_is_wrong() -> None:
    three = [made(packet(sequence=n, marker=n == 2), frame=n) for n in (1, 2, 3)]
    none = made(b"short", frame=4)

    def parse(data: bytes) -> object:
        if data[3:4] == b"\3":
            raise ValueError("no threes")
        return {"pt": data[1] if len(data) > 1 else 0}

    report = compare(parse, [*three, none])
    assert report.packets == 4
    assert report.outcomes == {"agreed": 1, "differs": 1, "raised": 1, "accepted": 1}
    assert report.rows() == [
        {"what": "payload_type", "count": 1, "first": "made:2"},
        {"what": "raised ValueError", "count": 1, "first": "made:3"},
        {"what": "accepted header", "count": 1, "first": "made:4"},
    ]
    assert "sequence" in report.absent
    assert "payload_type" not in report.absent
    assert not report.good
    assert compare(lambda data: {"pt": data[1]}, three[:1]).good
