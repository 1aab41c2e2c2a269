"""What a notebook shows of each object: what is drawn, what is said; nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import rtpcap
from rtpcap.streams.digits import Digit, Digits
from rtpcap.streams.findings.finding import Finding, Findings
from rtpcap.views.cards import streams_html
from rtpcap.views.html import fragment
from rtpcap.views.style import STYLE
from tests.streams.made import rtp
from tests.streams.scene import Film
from tests.views.build import capture, eventful, steady, without_times
from tests.views.test_html import Tags

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture
def events(tmp_path: Path) -> rtpcap.Capture:
    return rtpcap.open(capture(tmp_path / "c.pcap", eventful()))


def drawings(html: str) -> list[ElementTree.Element]:
    """The charts, which are XML too."""
    return [ElementTree.fromstring(svg) for svg in SVG.findall(html)]


def rectangles(chart: ElementTree.Element, colour: str) -> list[tuple[float, float]]:
    """(left, width) of the rectangles of a colour, from left to right."""
    return sorted(
        (float(each.attrib["x"]), float(each.attrib["width"]))
        for each in chart.iter("rect")
        if each.attrib["class"] == f"rtpcap-{colour}"
    )


def bars(chart: ElementTree.Element) -> list[float]:
    """The left ends of the bars of loss, which are one path."""
    (path,) = (each for each in chart.iter("path") if each.attrib["class"] == "rtpcap-bad")
    return [float(left) for left in re.findall(r"M([\d.]+) ", path.attrib["d"])]


def test_every_rule_of_style_stays_inside_the_fragment() -> None:
    rules = re.sub(r"@media[^{]*\{(.*?\})\}", r"\1", STYLE.removeprefix("<style>"))
    selectors = re.findall(r"([^{}]+)\{[^}]*\}", rules.removesuffix("</style>"))
    assert len(selectors) > 20
    for selector in (each for group in selectors for each in group.split(",")):
        assert re.match(
            r'\s*(\[data-jp-theme-light="(true|false)"\] |\.vscode-\w+ )?\.rtpcap\b', selector
        )


def test_light_and_dark_both_by_the_system_and_by_the_notebook() -> None:
    for rule in (
        "@media (prefers-color-scheme:dark)",
        '[data-jp-theme-light="true"]',
        '[data-jp-theme-light="false"]',
        ".vscode-dark",
    ):
        assert rule in STYLE


def test_nothing_is_fetched_or_run(events: rtpcap.Capture) -> None:
    objects = (events, events.streams, events.streams[0], events.gaps, events.streams[0].audio())
    for shown in objects:
        html = shown._repr_html_()
        tags = set(Tags(html).tags)
        assert not tags & {
            "script",
            "link",
            "img",
            "iframe",
            "object",
            "embed",
            "a",
            "image",
            "use",
        }
        assert not re.search(r"https?:|url\(|@import|\son\w+=", html)
        for source in re.findall(r'src="([^"]*)', html):
            assert source.startswith("data:audio/")


def test_the_course_of_a_stream_shows_where_packets_were_lost(events: rtpcap.Capture) -> None:
    stream = events.streams[0]
    course, gaps = drawings(stream._repr_html_())
    # Of 12.48 s on 560 pixels: 30 packets are missing before the one at 2.6 s, one before 6.26 s.
    assert [round(left / (560 / 60)) for left in bars(course)] == [
        int(time_s / 12.48 * 60) for time_s in (2.6, 6.26)
    ]
    # The silence lasts 2 s by the timestamps, the restart from 3.98 s to 4.5 s.
    ((left, width),) = rectangles(gaps, "other")
    assert left == pytest.approx(3.98 / 12.48 * 560, abs=1)
    assert width == pytest.approx(0.52 / 12.48 * 560, abs=2)
    ((_, width),) = rectangles(gaps, "calm")
    assert width == pytest.approx(2 / 12.48 * 560, abs=2)


def test_charts_are_small_however_long_the_stream(tmp_path: Path) -> None:
    sent = [packet for packet in steady(6000) if packet.sequence % 3]
    html = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams[0]._repr_html_()
    (course, *_) = drawings(html)
    assert 55 <= len(bars(course)) <= 60
    assert len(html) < 45_000


def test_many_streams_are_told_in_words(tmp_path: Path) -> None:
    sent = [
        replace(packet, ssrc=ssrc, src_port=4000 + ssrc, time_s=packet.time_s + ssrc / 1000)
        for packet in steady(5)
        for ssrc in range(70)
    ]
    streams = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams
    assert len(streams) == 70
    found = Tags(streams._repr_html_())
    assert found.tags.count("tr") == 1 + 50
    assert "the first 50 of 70 streams" in found.shown
    assert streams_html(streams[:50], "fifty").count("the first") == 0


def test_who_spoke_when_in_a_call(tmp_path: Path) -> None:
    film = Film()
    film.answered(at_s=0)

    def talk(ssrc: int, begin_s: float, count: int) -> list[tuple[float, bytes]]:
        return [
            (begin_s + 0.02 * i, rtp(i, 160 * i, payload_type=0, ssrc=ssrc)) for i in range(count)
        ]

    film.speak(("10.0.0.1", 4000), ("10.0.0.2", 5000), talk(1, 1.0, 101))
    film.speak(("10.0.0.2", 5000), ("10.0.0.1", 4000), talk(2, 2.0, 151))
    film.hung_up(9.9)
    call = film.shown(tmp_path).calls[0]
    chart, *_ = drawings(call._repr_html_())
    # From the INVITE at 0 s to the BYE at 9.9 s on 560 pixels, less 48 for the names.
    scale = 512 / 9.9
    ((left, width),) = rectangles(chart, "ink")
    assert [left, width] == pytest.approx([48 + scale, 2 * scale], abs=1)
    ((left, width),) = rectangles(chart, "other")
    assert [left, width] == pytest.approx([48 + 2 * scale, 3 * scale], abs=1)
    ((left, _),) = rectangles(chart, "text")
    assert left == pytest.approx(48 + 0.2 * scale, abs=1)
    shown = Tags(call._repr_html_()).shown
    assert "sip:alice@example.org" in shown
    assert "✔" in shown


def test_digits_stand_on_their_line_of_time() -> None:
    digits = rtpcap.open(FIXTURES / "gst-dtmf.pcap").dtmf
    (chart,) = drawings(digits._repr_html_())
    letters = [each.text for each in chart.iter("text") if each.attrib.get("class")]
    assert letters == list("1590*#AD")
    assert len(rectangles(chart, "ink")) == 8


def test_a_press_says_which_other_ways_it_went() -> None:
    press = Digit("5", 0.5, 0.1, "sip-info", 3, 7, also_in=("rfc4733", "inband"))
    (row,) = re.findall(r"<tbody>(.*?)</tbody>", Digits([press])._repr_html_())
    told = ["5", "0.500", "0.100", "sip-info", "rfc4733, inband", "0x00000007", "3"]
    assert Tags(row).shown == told


def test_words_of_charts_are_apart_where_nothing_else_is_left_of_them() -> None:
    # As in notebooks that are not trusted: their tags are taken away, and not what is inside.
    cap = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    words = " ".join(re.sub("<[^>]*>", "", cap.calls[0].audio()._repr_html_()).split())
    assert words.endswith("outline of the sound left right 0.00 s 5.01 s")


def test_findings_say_how_grave_they_are_in_words_and_signs() -> None:
    found = Findings(
        [
            Finding("a", "error", "nobody was heard", {"lost_pct": 12.5}, (1, 2)),
            Finding("b", "warning", "it crackled"),
            Finding("c", "note", "no signalling"),
        ]
    )
    shown = Tags(found._repr_html_()).shown
    assert {"✖ error", "▲ warning", "● note", "lost_pct 12.5", "1, 2"} <= set(shown)
    assert "none" in Findings([])._repr_html_()


def test_without_times_there_are_no_charts(tmp_path: Path) -> None:
    path = without_times(tmp_path / "c.pcapng", [p for p in steady(60) if p.sequence != 30])
    cap = rtpcap.open(path)
    for shown in (cap, cap.streams, cap.streams[0], cap.gaps):
        assert drawings(shown._repr_html_()) == []


def test_an_empty_capture_shows_its_facts(tmp_path: Path) -> None:
    cap = rtpcap.open(capture(tmp_path / "empty.pcap", []))
    shown = Tags(cap._repr_html_()).shown
    assert "frames" in shown
    for nothing in (cap.streams, cap.calls, cap.dtmf, cap.gaps):
        assert "<svg" not in nothing._repr_html_()


def test_a_fragment_brings_its_style_along() -> None:
    assert fragment("x") == f'<div class="rtpcap">{STYLE}x</div>'
