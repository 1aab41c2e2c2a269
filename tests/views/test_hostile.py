"""A capture whose every text was written by an enemy of the one who looks at it.

SIP identities, header fields, reason phrases, SDP, DTMF by INFO and RTCP names hold markup, escape
sequences, marks that turn text round, formulas, line ends and NULs. None of it may become a tag, an
attribute, a control sequence or a formula: in notebooks, on terminals, in CSV, JSON and pictures.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import rtpcap
from rtpcap.audio.audio import Audio
from rtpcap.cli.main import VERBS
from rtpcap.streams.findings.finding import Finding, Findings
from tests.cli.harness import rtpcap as command
from tests.signalling.build import audio, request, response
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film

MARKUP = "".join(
    (
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "</style></title><svg onload=alert(1)>",
        "&lt;b&gt;&#0;&amp;",
        "$\\frac{1}{$_{",
        "%s%n{0}{x!r}\\x1b",
        "<img src=x onerror=alert(1)//",
    )
)
CONTROLS = "".join(
    (
        "\x1b[2J\x1b]0;owned\x07\x9b31m",
        "a\u202egpj.exe\u2066\u200f\ufeff",
        "one\u2028two\x85three\x0bfour",
        "a\x00b\x7f",
    )
)
FORMULAS = ("=cmd|'/C calc'!A1", "+1+HYPERLINK(1)", "@SUM(1)", "-2+3", "\t=1+1", "＝1+1")
"""Line ends proper would end a header field; they come as folds."""

WRITING = {"decode", "export", "replay", "record", "plot", "make", "impair", "corpus"}
OTHER = {"diff", "expect", "verify"}
"""They do not print rows of one capture: tests of their own see to them."""
READ_ONLY = sorted(set(VERBS) - WRITING - OTHER)

TAGS = {"div", "style", "table", "thead", "tbody", "tr", "th", "td", "b", "span", "audio"}
TAGS |= {"svg", "title", "rect", "path", "text"}
ATTRIBUTES = {"class", "role", "aria-label", "width", "height", "viewbox", "x", "y", "fill", "d"}
ATTRIBUTES |= {"stroke", "stroke-width", "text-anchor", "controls", "src"}


def hostile(folder: Path, evil: str) -> Path:
    """A call of which every text is evil, as far as its syntax lets it be."""
    word = evil.replace(" ", "%20")
    caller, callee = f"sip:{word}@a.example", f"sip:bob{word}@b.example"
    call_id = f"{word}id"
    ask = partial(request, caller=caller, callee=callee, call_id=call_id)
    more = [
        ("User-Agent", evil),
        ("Subject", f"{evil}\r\n folded {evil}"),
        ("P-Asserted-Identity", f'"{evil}" <{caller}>'),
        ("Reason", f'Q.850;cause=16;text="{evil}"'),
        (evil or "X", evil),
    ]
    lines = (
        f"a=rtpmap:0 {word}/8000",
        f"a=rtpmap:96 {word}/8000",
        f"a=fmtp:96 {evil}",
        f"i={evil}",
        f"a={evil}",
    )
    offer = audio(4000, "0 96", lines=lines)
    answer = audio(5000, "0 96", host="10.0.0.2", lines=lines)
    film = Film()
    film.say(0, ALICE_AT, BOB_AT, ask("INVITE", more=more, body=offer))
    ok = response(
        200,
        evil,
        caller=caller,
        callee=callee,
        call_id=call_id,
        more=[("Server", evil), *more],
        body=answer,
    )
    film.say(0.2, BOB_AT, ALICE_AT, ok)
    key = f"Signal={word}\r\nDuration=160\r\n".encode()
    info = ask(
        "INFO",
        cseq=2,
        to_tag="b",
        body=key,
        content_type="application/dtmf-relay",
    )
    film.say(0.5, ALICE_AT, BOB_AT, info)
    film.say(0.6, ALICE_AT, BOB_AT, ask("OPTIONS", cseq=3, more=more))
    film.say(0.7, ALICE_AT, BOB_AT, ask(word or "X", cseq=4))
    film.speak(("10.0.0.1", 4000), ("10.0.0.2", 5000), talk(30, payload_type=0, ssrc=1))
    numbered = talk(30, payload_type=96, ssrc=2)
    film.speak(("10.0.0.2", 5000), ("10.0.0.1", 4000), numbered)
    cname = evil.encode()[:255]
    chunk = struct.pack(">IBB", 1, 1, len(cname)) + cname
    chunk += bytes(4 - len(chunk) % 4)
    report = struct.pack(">BBHI", 0x80, 201, 1, 1)
    described = struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk
    film.say(0.8, ("10.0.0.1", 4001), ("10.0.0.2", 5001), report + described)
    film.say(0.9, ALICE_AT, BOB_AT, ask("BYE", cseq=9, to_tag="b", more=more))
    return film.write(folder)


@pytest.fixture(params=[MARKUP, CONTROLS, FORMULAS[0]], ids=["markup", "controls", "formula"])
def evil(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(evil: str, tmp_path: Path) -> Path:
    return hostile(tmp_path, evil)


def objects(path: Path, evil: str) -> dict[str, object]:
    """Everything that shows itself in a notebook."""
    cap = rtpcap.open(path)
    call = cap.calls[0]
    finding = Finding(evil, "error", f"it said {evil}", {evil: evil}, (1,), evil, 1)
    return {
        "capture": cap,
        "streams": cap.streams,
        **{f"stream {i}": stream for i, stream in enumerate(cap.streams)},
        "calls": cap.calls,
        "call": call,
        "digits": cap.dtmf,
        "gaps": cap.gaps,
        "explanations": cap.explain(),
        "findings": Findings([finding]),
        "quality": cap.streams[0].quality,
        "ledger": cap.streams[0].ledger,
        "audio": Audio(
            np.zeros((80, 2), np.int16), 8000, np.ones(80, np.bool_), sides=(evil, f"{evil}{evil}")
        ),
    }


class Strict(HTMLParser):
    """Notes every tag, attribute and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.shown = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.shown += data


def printable(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_the_capture_holds_what_it_should(tmp_path: Path) -> None:
    """Otherwise none of these tests would prove anything."""
    call = rtpcap.open(hostile(tmp_path, MARKUP)).calls[0]
    # An address in brackets ends with the first that closes.
    assert call.caller == "sip:<script"
    assert call.call_id.startswith("<script>alert(1)</script>")
    assert call.dialog is not None
    assert call.dialog.caller_agent == MARKUP
    assert MARKUP in (call.reason or "")
    assert len(call.streams) == 2


def test_notebooks_get_no_tag_and_no_attribute_of_it(path: Path, evil: str) -> None:
    for name, shown in objects(path, evil).items():
        render: Callable[[], str] = getattr(shown, "_repr_html_")  # noqa: B009 - typed so
        html = render()
        found = Strict(html)
        assert found.tags <= TAGS, name
        assert set(found.attributes) <= ATTRIBUTES, name
        assert all(
            src.startswith("data:audio/wav;base64,") for src in found.attributes.get("src", [])
        )
        assert all(each.startswith("rtpcap") for each in found.attributes["class"]), name
        assert printable(html), name
        assert html.count("<style>") == html.count("</style>") == html.count('<div class="rtpcap">')
    # It is not kept from whoever looks, either.
    if evil.isprintable():
        assert evil in Strict(rtpcap.open(path).calls[0]._repr_html_()).shown


def test_what_a_prompt_prints_is_one_printable_line(path: Path, evil: str) -> None:
    for name, shown in objects(path, evil).items():
        assert repr(shown).isprintable(), name
    cap = rtpcap.open(path)
    assert repr(cap.signalling).isprintable()
    assert repr(cap.calls[0].dialog).isprintable()
    for stream in cap.streams:
        assert repr(stream.format).isprintable()


@pytest.mark.parametrize("evil", [MARKUP, CONTROLS], ids=["markup", "controls"])
def test_terminals_and_json(evil: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, evil)
    for verb in READ_ONLY:
        done = command(verb, path, columns=300)
        assert done.code == 0
        assert printable(done.out), verb
        assert printable(done.err), verb
        done = command(verb, path, "--format", "json")
        assert printable(done.out), verb
        assert isinstance(json.loads(done.out), list)
        assert printable(command(verb, path, "--format", "csv").out), verb


@pytest.mark.parametrize("evil", FORMULAS)
def test_no_cell_of_a_spreadsheet_is_a_formula(evil: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, evil)
    cells = 0
    for verb in READ_ONLY:
        done = command(verb, path, "--format", "csv")
        for row in csv.reader(io.StringIO(done.out)):
            for cell in row:
                cells += cell.startswith("'")
                if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")):
                    float(cell)
    assert cells or evil.startswith("\t")


@pytest.mark.parametrize("evil", [MARKUP + CONTROLS])
def test_pictures_and_files(evil: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, evil)
    picture = tmp_path / "out.svg"
    done = command("plot", path, "-o", picture)
    assert (done.code, printable(done.err)) == (0, True)
    tree = ElementTree.parse(picture)
    kinds = {str(each.tag).rpartition("}")[2] for each in tree.iter()}
    assert not kinds & {"script", "image", "foreignObject", "a"}
    assert not re.search(r"\son\w+=", picture.read_text(encoding="utf-8"))
    out = tmp_path / "out"
    done = command("decode", path, "-o", out, "--split")
    assert printable(done.out)
    for file in out.iterdir():
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", file.name)
