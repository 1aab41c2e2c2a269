"""The pictures of captures and calls: what stands in them, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import rtpcap
from rtpcap.streams.findings.finding import Finding
from rtpcap.views import plot
from rtpcap.views.plot.colours import DARK
from tests.signalling.build import audio, request, response
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film
from tests.views.build import Sent, capture, steady
from tests.views.images import bursty, many

ALICE_RTP, BOB_RTP = ("10.0.0.1", 4000), ("10.0.0.2", 5000)


def held_call(folder: Path) -> rtpcap.Capture:
    """Answered after 0.2 s, held from 2 s to 3 s by the caller, ended after 5 s by the caller."""
    film = Film()
    film.answered()
    for cseq, at_s, lines in ((3, 2.0, ["a=sendonly"]), (4, 3.0, [])):
        offer = audio(4000, "0 8", lines=lines)
        film.answered(offer, at_s=at_s, cseq=cseq, to_tag="b")
    film.speak(ALICE_RTP, BOB_RTP, talk(80, start_s=0.3, ssrc=0xA11CE))
    film.speak(BOB_RTP, ALICE_RTP, talk(80, start_s=0.4, ssrc=0xB0B)[:60])
    film.hung_up(5.0)
    return film.shown(folder)


def texts_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def lanes_of(ax: Axes) -> dict[str, Axes]:
    lanes = [lane for lane in ax.child_axes[::-1] if isinstance(lane, Axes)]
    return {lane.get_ylabel(): lane for lane in lanes}


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_the_steps_of_a_call(tmp_path: Path) -> None:
    (call,) = held_call(tmp_path).calls
    steps = [(step.name, step.side) for step in call.steps]
    assert steps == [
        ("INVITE", "caller"),
        ("ringing", "callee"),
        ("answer", "callee"),
        ("hold", "caller"),
        ("offer", "caller"),
        ("BYE", "caller"),
    ]
    times = [step.time_s for step in call.steps]
    assert times == pytest.approx([0.0, 0.1, 0.2, 2.0, 3.0, 5.0])


@pytest.mark.parametrize(("status", "name"), [(486, "486"), (503, "503")])
def test_the_last_step_of_a_call_that_was_refused(tmp_path: Path, status: int, name: str) -> None:
    film = Film()
    film.say(0, ALICE_AT, BOB_AT, request("INVITE", body=audio()))
    film.say(1, BOB_AT, ALICE_AT, response(status, "No"))
    (call,) = film.shown(tmp_path).calls
    assert [step.name for step in call.steps] == ["INVITE", name]
    # Its picture has one lane: there is nothing but signalling.
    assert list(lanes_of(call.plot())) == ["SIP"]


def test_the_lanes_of_a_call_share_one_clock(tmp_path: Path) -> None:
    found = held_call(tmp_path)
    (call,) = found.calls
    frame = call.left[0].first_frame
    findings = [
        Finding("an-example", "error", "nobody spoke", frames=(frame,), call=call.call_id),
        Finding("an-example", "note", "of one stream", ssrc=0xB0B),
        Finding("an-example", "error", "of another call", call="another"),
    ]
    ax = call.plot(findings=findings)
    lanes = lanes_of(ax)
    assert list(lanes) == [
        "SIP",
        "caller",
        "callee",
        "gaps",
        "jitter, ms",
        "MOS",
        "codec",
        "findings",
    ]
    assert len({lane.get_xlim() for lane in lanes.values()}) == 1
    assert texts_of(lanes["SIP"]) == ["INVITE, ringing, answer", "hold", "offer", "BYE"]
    assert texts_of(lanes["codec"]) == ["PCMA/8000  0x000a11ce", "PCMA/8000  0x00000b0b"]
    told = texts_of(lanes["findings"])
    assert told == ["1", "2", "1 error: nobody spoke", "2 note: of one stream"]
    marks = [float(np.asarray(line.get_xdata())[0]) for line in lanes["findings"].lines]
    assert marks[0] == pytest.approx(0.3)
    assert legend_of(ax)[:5] == ["caller", "callee", "calling", "ringing", "talking"]


def test_a_call_that_is_guessed_has_no_signalling(tmp_path: Path) -> None:
    back = [
        replace(p, ssrc=7, src="10.0.0.2", dst="10.0.0.1", src_port=4002, dst_port=4000)
        for p in steady(60)
    ]
    sent = sorted(steady(60) + back, key=lambda packet: packet.time_s)
    (call,) = rtpcap.open(capture(tmp_path / "c.pcap", sent)).calls
    ax = call.plot()
    assert list(lanes_of(ax))[:2] == ["first", "second"]
    mine = Figure().add_subplot()
    assert call.plot(mine) is mine
    assert len(mine.child_axes) == len(ax.child_axes)


def test_the_ladder_has_messages_and_media(tmp_path: Path) -> None:
    found = held_call(tmp_path)
    ax = plot.ladder(found)
    texts = texts_of(ax)
    assert [text for text in texts if text.startswith("10.0.0.")] == ["10.0.0.1", "10.0.0.2"]
    said = [text for text in texts if not text.startswith("10.0.0.") and not text.endswith("s")]
    rungs = [rung.text for rung in found.ladder(found.calls[0].call_id)]
    assert [text.rstrip("…") for text in said if not text.startswith("RTP")] == [
        text[: len(shown.rstrip("…"))] for text, shown in zip(rungs, said_only(said), strict=True)
    ]
    media = [text for text in texts if text.startswith("RTP")]
    assert media == ["RTP PCMA/8000, 80 packets, 1.6 s", "RTP PCMA/8000, 60 packets, 1.2 s"]
    with pytest.raises(ValueError, match="no call"):
        plot.ladder(found, "nobody")


def said_only(said: list[str]) -> list[str]:
    return [text for text in said if not text.startswith("RTP")]


def test_a_capture_without_calls_has_an_empty_ladder(tmp_path: Path) -> None:
    ax = plot.ladder(rtpcap.open(capture(tmp_path / "c.pcap", steady(30))))
    assert texts_of(ax) == ["no call to draw"]


def boxes_of(ax: Axes) -> dict[str, list[tuple[float, float, float]]]:
    """Label of the legend -> (row, begin, end) of the boxes of its colour."""
    legend = ax.get_legend()
    assert legend is not None
    found = {}
    for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True):
        colour = to_rgba(patch.get_facecolor())
        found[text.get_text()] = [
            (round(box.y0 + box.y1) / 2, float(box.x0), float(box.x1))
            for each in ax.collections
            if isinstance(each, PolyCollection)
            and to_rgba(np.asarray(each.get_facecolor())[0]) == colour
            for box in (path.get_extents() for path in each.get_paths())
        ]
    return found


def test_bars_have_the_colour_of_what_was_lost(tmp_path: Path) -> None:
    # 10 s; of second 4 to 6 every fourth packet is lost.
    sent = [p for p in steady(500) if not (200 <= p.sequence < 300 and p.sequence % 4 == 0)]
    ax = rtpcap.open(capture(tmp_path / "c.pcap", sent)).plot()
    found = boxes_of(ax)
    assert list(found) == ["nothing lost", "more than 5 % lost"]
    (bad,) = found["more than 5 % lost"]
    assert bad[1:] == pytest.approx((4.0, 6.0), abs=0.05)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0x00001234 PCMU"]


def test_hundreds_of_streams_are_numbered(tmp_path: Path) -> None:
    sent = [
        Sent(i, 160 * i, number / 10 + 0.02 * i, ssrc=number, src_port=5000 + number)
        for number in range(120)
        for i in range(30)
    ]
    sent.sort(key=lambda packet: packet.time_s)
    found = rtpcap.open(capture(tmp_path / "c.pcap", sent))
    ax = found.plot()
    assert ax.get_ylabel() == "stream, in order of time"
    rows = [row for row, *_ in boxes_of(ax)["nothing lost"]]
    assert len(rows) == 120
    assert plot.timeline(found.streams[:5]).get_ylabel() == ""


def test_the_score_over_time_is_that_of_the_windows(tmp_path: Path) -> None:
    stream = rtpcap.open(capture(tmp_path / "c.pcap", bursty())).streams[0]
    ax = stream.plot(kind="quality")
    windows = stream.windows(1.0)
    line = next(line for line in ax.lines if len(np.asarray(line.get_xdata())) == 2 * len(windows))
    assert np.asarray(line.get_ydata())[::2].tolist() == windows.mos.tolist()
    assert legend_of(ax) == ["MOS (narrowband)", "25 lost", "38 too late for 60 ms"]
    with pytest.raises(ValueError, match="not possible"):
        plot.quality(stream, window_s=0)


def test_jitter_delta_and_skew(tmp_path: Path) -> None:
    stream = rtpcap.open(capture(tmp_path / "c.pcap", bursty())).streams[0]
    lanes = lanes_of(stream.plot(kind="jitter"))
    figures = stream.per_packet
    drawn = {
        "jitter, ms": figures.jitter_ms,
        "delta, ms": figures.delta_ms,
        "skew, ms": figures.skew_ms,
    }
    assert list(lanes) == list(drawn)
    for name, column in drawn.items():
        y = np.asarray(lanes[name].lines[0].get_ydata())
        assert (np.nanmin(y), np.nanmax(y)) == (np.nanmin(column), np.nanmax(column))


def test_dark_paper(tmp_path: Path) -> None:
    stream = rtpcap.open(capture(tmp_path / "c.pcap", steady(30))).streams[0]
    for kind in plot.STREAM_KINDS:
        figure = plot.chart([stream], 400, kind=kind, dark=True)
        corner = np.asarray(figure.get_facecolor()[:3])
        assert corner == pytest.approx([int(DARK.paper[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    # The paper of a figure that is somebody else's is theirs.
    own = Figure()
    stream.plot(own.add_subplot(), dark=True)
    assert own.get_facecolor() == Figure().get_facecolor()


def test_the_size_that_is_asked_for(tmp_path: Path) -> None:
    found = rtpcap.open(capture(tmp_path / "c.pcap", many()))
    figure = plot.page(found, "timeline", 1200, height_px=300, dpi=150)
    assert figure.get_size_inches().tolist() == [8.0, 2.0]
    assert figure.dpi == 150
    with pytest.raises(ValueError, match="which"):
        plot.page(found, "ladder")


def test_plot_is_a_room_of_its_own() -> None:
    assert rtpcap.plot is plot
    assert {"gaps", "jitter", "waveform", "spectrogram", "quality", "buffer"} == set(
        plot.STREAM_KINDS
    )
    assert "plot" in dir(rtpcap)
