"""What a capture holds is text in a picture, never markup, never a formula; files are the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes

import rtpcap
from rtpcap.streams.findings.finding import Finding
from rtpcap.views import plot
from tests.signalling.build import audio, request, response
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film
from tests.views.build import capture, steady

EVIL = '$\\frac{a}{--><script>alert(1)</script>]]>"&amp;\x07'
"""A formula that cannot be set, markup, ends of comments, and what rings a bell."""
EVIL_URI = 'sip:$\\frac{--<script&"\x07@example.org'
EVIL_CODEC = "$\\frac{--><b>"


def evil_call(folder: Path) -> rtpcap.Capture:
    """A call whose every word is that."""
    film = Film()
    lines = [f"a=rtpmap:96 {EVIL_CODEC}/8000"]
    offer = audio(4000, "96", lines=lines)
    answer = audio(5000, "96", host="10.0.0.2", lines=lines)
    invite = request("INVITE", uri=EVIL_URI, caller=EVIL_URI, callee=EVIL_URI, body=offer)
    film.say(0.0, ALICE_AT, BOB_AT, invite)
    for at_s, status, body in ((0.1, 180, b""), (0.2, 200, answer)):
        said = response(status, EVIL, caller=EVIL_URI, callee=EVIL_URI, body=body)
        film.say(at_s, BOB_AT, ALICE_AT, said)
    film.say(2.0, ALICE_AT, BOB_AT, request("BYE", to_tag="b", cseq=9))
    film.speak(("10.0.0.1", 4000), ("10.0.0.2", 5000), talk(50, start_s=0.3, payload_type=96))
    return film.shown(folder)


def finding(found: rtpcap.Capture) -> Finding:
    return Finding("an-example", "error", EVIL, call=found.calls[0].call_id)


DRAW: dict[str, Callable[[rtpcap.Capture], Axes]] = {
    "gaps": lambda found: found.streams[0].plot(),
    "waveform": lambda found: found.streams[0].plot(kind="waveform"),
    "timeline": lambda found: found.plot(),
    "ladder": lambda found: plot.ladder(found),
    "call": lambda found: found.calls[0].plot(findings=[finding(found)]),
}


@pytest.mark.parametrize("kind", DRAW)
def test_svg_of_hostile_text_is_sound(tmp_path: Path, kind: str) -> None:
    figure = DRAW[kind](evil_call(tmp_path)).figure.figure
    plot.save(figure, tmp_path / "evil.svg")
    root = ElementTree.parse(tmp_path / "evil.svg").getroot()
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "path" in names
    # Letters are outlines, and nothing else came in.
    assert not {"script", "b", "text"} & names
    assert "\x07" not in (tmp_path / "evil.svg").read_text(encoding="utf-8")


def test_what_the_font_has_no_picture_of_is_written_out(tmp_path: Path) -> None:
    sent = [replace(packet, payload_type=96) for packet in steady(30)]
    named = rtpcap.Format("\u4e2d\U00020000", 8000)
    ax = rtpcap.open(capture(tmp_path / "c.pcap", sent), pt_map={96: named}).plot()
    # Else matplotlib warns when it draws, which fails here.
    plot.save(ax.figure.figure, tmp_path / "c.png")
    (label,) = ax.get_yticklabels()
    assert label.get_text() == "0x00001234 \\u4e2d\\U00020000"


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", steady(40))
    code = (
        "import sys, rtpcap\n"
        f"ax = rtpcap.open({str(path)!r}).streams[0].plot()\n"
        "for name in sys.argv[1:]:\n"
        "    rtpcap.plot.save(ax.figure.figure, name)\n"
    )
    others = [tmp_path / "other.svg", tmp_path / "other.pdf"]
    # In another process, whose hashes and ids are others.
    subprocess.run([sys.executable, "-c", code, *map(str, others)], check=True)
    figure = rtpcap.open(path).streams[0].plot().figure.figure
    for other in others:
        mine = tmp_path / f"mine{other.suffix}"
        plot.save(figure, mine)
        assert mine.read_bytes() == other.read_bytes()
