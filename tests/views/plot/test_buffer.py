"""The buffer chart says what the curve says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import rtpcap
from rtpcap.views.plot import buffer, chart
from tests.views.build import Sent, capture, steady

SIZES = list(range(0, 201, 10))


def late_ones() -> list[Sent]:
    """100 packets, of which each tenth comes 55 ms after its turn."""
    sent = [
        replace(packet, time_s=packet.time_s + 0.055 * (packet.sequence % 10 == 5))
        for packet in steady(100)
    ]
    return sorted(sent, key=lambda packet: packet.time_s)


def stream_of(folder: Path, sent: list[Sent]) -> rtpcap.Stream:
    return rtpcap.open(capture(folder / "c.pcap", sent)).streams[0]


def test_the_curve_is_drawn_with_its_best(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, late_ones())
    ax = stream.plot(kind="buffer")
    score, best = ax.lines
    assert np.asarray(score.get_xdata()).tolist() == SIZES
    assert np.asarray(score.get_ydata()) == pytest.approx(stream.buffer_curve().mos)
    # The smallest buffer that loses nothing.
    assert np.asarray(best.get_xdata()).tolist() == [60]
    legend = ax.get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    top = float(stream.buffer_curve().mos[6])
    assert labels == ["MOS (narrowband)", "not heard, %", f"best: 60 ms, MOS {top:.2f}"]
    (right,) = [other for other in ax.figure.axes if other is not ax]
    missed = np.asarray(right.lines[0].get_ydata())
    assert missed.tolist() == [10.0] * 6 + [0.0] * 15


def test_it_draws_into_the_axes_given(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, late_ones())
    ax = Figure().add_subplot()
    assert buffer(stream, ax=ax) is ax
    assert len(ax.lines) == 2


def test_an_assumed_row_is_told(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", [replace(p, payload_type=96) for p in steady(60)])
    ax = buffer(rtpcap.open(path, pt_map={96: "opus/48000/2"}).streams[0])
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_texts()[0].get_text() == "MOS (narrowband, assumed)"


def test_a_codec_without_a_row_is_told(tmp_path: Path) -> None:
    sent = [replace(packet, payload_type=96) for packet in steady(60)]
    figure = chart([stream_of(tmp_path, sent)], 400, kind="buffer")
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["the E-model has no row for this codec"]
