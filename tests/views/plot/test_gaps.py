"""The sequence-gap chart says what the stream says, for ten packets and for a million."""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import rtpcap
from rtpcap.views.plot import chart, gaps, save
from tests.views.build import Sent, capture, eventful, steady, without_times

PNG = b"\x89PNG\r\n\x1a\n"


def stream_of(path: Path, sent: list[Sent]) -> rtpcap.Stream:
    return rtpcap.open(capture(path / "c.pcap", sent)).streams[0]


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def texts_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def points_of(ax: Axes, marker: str) -> list[tuple[float, float]]:
    found = []
    for line in ax.lines:
        if line.get_marker() == marker:
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            found += list(zip(x.tolist(), y.tolist(), strict=True))
    return found


def test_ten_packets(tmp_path: Path) -> None:
    sent = [packet for packet in steady(13) if packet.sequence not in (3, 4, 8)]
    ax = gaps(stream_of(tmp_path, sent))
    assert legend_of(ax) == ["10 packets", "3 lost in 2 gaps"]
    # Each packet is a point, the gaps are holes in the line, and their sizes are written.
    points = [point for point in points_of(ax, ".") if np.isfinite(point[1])]
    assert [x for x, _ in points] == pytest.approx([packet.time_s for packet in sent])
    assert [y for _, y in points] == [packet.sequence for packet in sent]
    assert sum(not np.isfinite(y) for _, y in points_of(ax, ".")) == 2
    assert texts_of(ax) == ["2", "1"]
    bands = [c for c in ax.collections if isinstance(c, PolyCollection)]
    pale, bars = bands[0].get_paths(), bands[1].get_paths()
    assert [path.get_extents().x0 for path in pale] == pytest.approx([0.04, 0.14])
    assert [path.get_extents().x1 for path in pale] == pytest.approx([0.10, 0.18])
    heights = [path.get_extents().height for path in bars]
    assert heights[0] > heights[1] > 0


def test_everything_at_once(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, eventful())
    ax = gaps(stream)
    assert legend_of(ax) == [
        "470 packets",
        "1 silent (dtx), 2.00 s",
        "31 lost in 2 gaps",
        "1 restart",
        "1 duplicate",
        "1 late",
    ]
    assert set(texts_of(ax)) == {"30", "1", "2.00 s", "from 60012"}
    # The duplicate of 60 and the late 20, by shape and place.
    (doubled,) = points_of(ax, "s")
    assert doubled[0] == pytest.approx(59 * 0.02 + 0.0005)
    assert doubled[1] == 59
    (late,) = points_of(ax, "v")
    assert late[0] == pytest.approx(25 * 0.02 + 0.001)
    assert late[1] == 20
    # Each restart goes on above what was before: 200 slots, then 300.
    low, high = ax.get_ylim()
    assert low < 0
    assert 499 < high < 550


def test_jitter_stands_below_on_the_same_time_axis(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, eventful())
    figure = chart([stream])
    ax, jitter_ax = figure.axes
    assert ax.get_xlim() == jitter_ax.get_xlim()
    drawn = np.asarray(jitter_ax.lines[0].get_ydata())
    known = stream.jitter_ms[np.isfinite(stream.jitter_ms)]
    assert drawn.max() == known.max()
    assert stream.quality.jitter_max_ms is not None
    assert texts_of(jitter_ax) == [
        f"mean {stream.quality.jitter_ms:.2f}, max {stream.quality.jitter_max_ms:.2f}"
    ]


def test_a_long_call_is_drawn_by_its_envelope(tmp_path: Path) -> None:
    sent = [packet for packet in steady(20_000) if packet.sequence % 25 != 7]
    stream = stream_of(tmp_path, sent)
    ax = gaps(stream)
    assert legend_of(ax) == ["19,200 packets", "800 lost in 800 gaps"]
    assert all(len(np.asarray(line.get_xdata())) < 10_000 for line in ax.lines)
    assert all(len(c.get_paths()) < 2000 for c in ax.collections)
    # What stands under one bar is summed: together they are all that was lost.
    assert len(texts_of(ax)) <= 10
    bars = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert len(bars) == 1


def test_sequence_numbers_do_not_fall_at_the_wrap(tmp_path: Path) -> None:
    ax = gaps(stream_of(tmp_path, steady(40, sequence=65520)))
    y = np.array([point[1] for point in points_of(ax, ".")])
    assert y.tolist() == list(range(65520, 65560))


def test_without_times_frames_are_the_axis(tmp_path: Path) -> None:
    sent = [packet for packet in steady(30) if packet.sequence != 10]
    stream = rtpcap.open(without_times(tmp_path / "c.pcapng", sent)).streams[0]
    figure = chart([stream])
    ax, jitter_ax = figure.axes
    assert jitter_ax.get_xlabel() == "frame"
    x = [point[0] for point in points_of(ax, ".") if np.isfinite(point[1])]
    assert x == list(range(1, 30))
    assert texts_of(jitter_ax) == ["no jitter: no times"]


def test_a_stream_without_a_clock_rate(tmp_path: Path) -> None:
    sent = [Sent(i, 960 * i, 0.02 * i, bytes(40), payload_type=96) for i in range(30)]
    figure = chart([stream_of(tmp_path, sent)])
    assert texts_of(figure.axes[1]) == ["no jitter: no clock rate is known"]


def test_one_packet_time_is_no_width(tmp_path: Path) -> None:
    sent = steady(20)
    for packet in sent:
        packet.time_s = 1.0
    save(chart([stream_of(tmp_path, sent)]), tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes().startswith(PNG)


def test_given_axes_are_drawn_into(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, eventful())
    figure = Figure()
    mine, below, other = figure.subplots(3, 1)
    assert gaps(stream, mine, below) is mine
    assert mine.lines
    assert below.lines
    assert not other.lines
    alone = Figure().add_subplot()
    assert stream.plot(ax=alone) is alone
    assert len(alone.figure.axes) == 1


def test_what_a_notebook_is_given_is_a_picture(tmp_path: Path) -> None:
    ax = stream_of(tmp_path, steady(20)).plot()
    picture = ax._repr_png_()  # type: ignore[attr-defined]
    assert picture.startswith(PNG)


def test_no_text_of_a_capture_is_taken_for_a_formula(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", [replace(p, payload_type=96) for p in steady(20)])
    named = rtpcap.Format("$\\frac{", 8000)
    stream = rtpcap.open(path, pt_map={96: named}).streams[0]
    figure = chart([stream])
    save(figure, tmp_path / "c.svg")
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert "$\\frac{/8000" in legend.get_title().get_text()


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_the_picture_is_as_wide_as_asked(tmp_path: Path, width: int) -> None:
    path = tmp_path / "c.png"
    save(chart([stream_of(tmp_path, eventful())], width), path)
    data = path.read_bytes()
    assert struct.unpack(">I", data[16:20]) == (width,)


@pytest.mark.parametrize(("ending", "magic"), [("png", PNG), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_formats_by_ending(tmp_path: Path, ending: str, magic: bytes) -> None:
    path = tmp_path / f"c.{ending}"
    save(chart([stream_of(tmp_path, steady(20))]), path)
    assert path.read_bytes().startswith(magic)
    assert {found.name for found in tmp_path.iterdir()} == {"c.pcap", path.name}


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="png, svg, pdf"):
        save(Figure(), tmp_path / "c.exe")
    assert list(tmp_path.iterdir()) == []


def test_neither_pyplot_nor_style_is_touched(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", steady(20))
    code = (
        "import sys, matplotlib, rtpcap\n"
        "def style():\n"
        "    # Asking for the backend would load pyplot to find one.\n"
        "    return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = style()\n"
        f"rtpcap.open({str(path)!r}).streams[0].plot()._repr_png_()\n"
        "assert style() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
