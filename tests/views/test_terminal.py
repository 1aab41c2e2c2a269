"""Terminal tables: they fit, they show what matters, and nothing in them steers the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from rtpcap.views.cells import short
from rtpcap.views.terminal import table
from tests.views.rows import DECODED, LONGEST, PACKET, STREAM


def lines(verb: str, *rows: dict[str, object], width: int = 80, files: bool = False) -> list[str]:
    return list(table(verb, rows, width, files=files))


@pytest.mark.parametrize("verb", LONGEST)
@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_every_table_fits(verb: str, width: int) -> None:
    row = LONGEST[verb]
    assert max(map(len, lines(verb, row, row, width=width))) <= width
    if verb != "decode":
        named = {"file": "/some/where/a-capture-with-a-long-name.pcapng", **row}
        assert max(map(len, lines(verb, named, width=width, files=True))) <= width


@pytest.mark.parametrize("verb", LONGEST)
def test_a_wider_terminal_shows_no_less(verb: str) -> None:
    shown = [
        set(lines(verb, LONGEST[verb], width=width)[0].split()) for width in (60, 80, 120, 200)
    ]
    for narrow, wide in pairwise(shown):
        assert narrow <= wide
    assert len(shown[0]) < len(shown[-1]) or verb == "dtmf"


def test_streams_in_80_columns_say_who_what_and_how_good() -> None:
    row = STREAM | {"codec": "PCMU", "src": "10.0.0.1", "jitter_ms": 0.5}
    head, line = lines("streams", row)
    said = dict(zip(head.split(), line.split(), strict=True))
    assert (
        said
        | {
            "ssrc": "0xffffffff",
            "codec": "PCMU",
            "src": "10.0.0.1:65535",
            "dst": "192.168.100.200:65534",
            "packets": "1234567",
            "lost": "432",
            "jit_ms": "0.500",
        }
        == said
    )


def test_a_stream_without_a_name_shows_its_payload_types() -> None:
    row = STREAM | {"codec": None, "payload_types": [96]}
    assert "pt 96" in lines("streams", row)[1]


def test_columns_stand_under_their_headings() -> None:
    found = lines("gaps", LONGEST["gaps"], LONGEST["gaps"] | {"packets": 1, "reason": "lost"})
    end = found[0].index("packets") + len("packets")
    assert found[2][:end].endswith(" 1")
    assert found[1][:end].endswith(" -")


def test_a_column_without_a_value_takes_no_room() -> None:
    row = STREAM | {"why_not": None, "call": None}
    assert "why_not" not in lines("streams", row, width=300)[0]
    assert "why_not" in lines("streams", STREAM, width=300)[0]


def test_no_text_reaches_the_terminal_as_it_is() -> None:
    evil = "x\x1b[31m\r\n\u202e"
    row = STREAM | {"codec": evil, "why_not": evil, "call": evil, "src": evil}
    for line in lines("streams", row, width=400):
        assert line.isprintable()
    named = {"file": evil, **PACKET}
    assert all(line.isprintable() for line in lines("packets", named, files=True))
    assert all(line.isprintable() for line in lines("decode", DECODED | {"output": evil}))


def test_what_was_not_written_is_named_by_its_input() -> None:
    row = DECODED | {"input": "a/call.pcap", "output": None, "why_not": "G722: no decoder"}
    assert lines("decode", row)[1].split()[1] == "(call.pcap)"


def test_no_rows_no_table() -> None:
    assert lines("streams") == []


def test_packets_are_printed_as_they_come() -> None:
    taken = 0

    def endless() -> Iterator[dict[str, object]]:
        nonlocal taken
        while True:
            taken += 1
            yield PACKET

    printed = table("packets", endless(), 80)
    found = [next(printed) for _ in range(2000)]
    assert taken < 2100
    assert max(map(len, found)) <= 80


def test_short_keeps_both_ends_or_the_start() -> None:
    assert short("abcdefghij", 10) == "abcdefghij"
    assert short("abcdefghij", 7) == "abc…hij"
    assert short("abcdefghij", 7, keep="start") == "abcdef…"
    # Each of these letters takes two places.
    assert short("日本日本日本", 7) == "日…本"
