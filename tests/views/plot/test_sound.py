"""Waveform and spectrogram say what the samples say."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import rtpcap
from rtpcap.codecs.decoder import Heard
from rtpcap.views import plot
from rtpcap.views.plot.spectrogram import spectra
from rtpcap.views.plot.wave import Wave
from tests.streams.made import talk
from tests.streams.scene import Film
from tests.views.build import capture, steady

RATE = 8000


def audio_of(samples: np.ndarray, missing: slice = slice(0, 0)) -> rtpcap.Audio:
    heard = np.full(len(samples), Heard.RECEIVED, np.uint8)
    heard[missing] = Heard.SILENCE
    return rtpcap.Audio(samples.astype(np.int16), RATE, heard)


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(("samples", "columns"), [(7, 20), (1000, 10), (300_000, 640)])
def test_the_envelope_holds_the_extremes_of_each_column(samples: int, columns: int) -> None:
    # 300,000 samples are read in three windows.
    values = np.random.default_rng(5).integers(-32768, 32768, samples)
    wave = Wave.of(audio_of(values), columns)
    count = min(samples, columns)
    edges = [i * samples // count for i in range(count + 1)]
    parts = [values[a:b] for a, b in pairwise(edges)]
    assert (wave.low * 32768).tolist() == [part.min() for part in parts]
    assert (wave.high * 32768).tolist() == [part.max() for part in parts]
    assert wave.made[:, Heard.RECEIVED].tolist() == [len(part) for part in parts]
    assert wave.time_s[0] == pytest.approx(len(parts[0]) / 2 / RATE)


def test_of_two_channels_the_louder_shows() -> None:
    both = np.stack([np.arange(100), -2 * np.arange(100)], axis=1).astype(np.int16)
    heard = np.ones((100, 2), np.uint8)
    wave = Wave.of(rtpcap.Audio(both, RATE, heard), 4)
    assert (wave.high * 32768).tolist() == [24, 49, 74, 99]
    assert (wave.low * 32768).tolist() == [-48, -98, -148, -198]


@pytest.mark.parametrize("columns", [5, 40])
@pytest.mark.parametrize("frequency", [500.0, 3000.0])
def test_a_sine_of_full_scale_has_0_db_at_its_frequency(frequency: float, columns: int) -> None:
    # 256 samples a frame: 500 Hz is the 16th of 128 frequencies up to 4 kHz.
    sine = 32767 * np.sin(2 * np.pi * frequency * np.arange(4 * RATE) / RATE)
    power = spectra(audio_of(sine), columns)
    assert power.shape == (columns, 129)
    place = round(frequency / (RATE / 256))
    inside = power[1:-1]
    assert (inside.argmax(axis=1) == place).all()
    assert inside[:, place] == pytest.approx(0.0, abs=0.1)
    assert (inside[:, [place - 20, place + 20 if place < 100 else place - 40]] < -60).all()


def test_silence_is_at_the_bottom() -> None:
    assert (spectra(audio_of(np.zeros(RATE)), 10) == -140).all()


def test_lost_packets_are_shaded_where_they_are_missing(tmp_path: Path) -> None:
    sent = [packet for packet in steady(100) if not 30 <= packet.sequence < 35]
    figure = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams[0].plot(kind="waveform").figure
    assert legend_of(figure.figure) == ["lost, 0.10 s"]
    # The wave itself is the first.
    *_, shades = [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]
    (box,) = shades.get_paths()
    assert (box.get_extents().x0, box.get_extents().x1) == pytest.approx((0.6, 0.7))
    # The same, concealed.
    stream = rtpcap.open(tmp_path / "c.pcap").streams[0]
    concealed = plot.waveform(stream, fill="conceal").figure.figure
    assert legend_of(concealed)[0] == "lost, 0.10 s"


def test_of_audio_alone_it_says_where_nothing_came() -> None:
    ax = audio_of(np.arange(RATE) % 100, slice(2000, 4000)).plot(dark=True)
    assert legend_of(ax.figure.figure) == ["nothing came, 0.25 s"]
    assert ax.get_xlabel() == "seconds"


def test_both_sides_of_a_call_on_one_scale(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    loud, quiet = bytes([0xAA]) * 160, b"\xd5" * 160
    film.speak(("10.0.0.1", 4000), ("10.0.0.2", 5000), talk(50, start_s=0.3, payload=loud))
    film.speak(("10.0.0.2", 5000), ("10.0.0.1", 4000), talk(50, start_s=0.3, payload=quiet, ssrc=9))
    (call,) = film.shown(tmp_path).calls
    ax = call.plot(kind="waveform")
    callee, caller = ax.child_axes
    assert [caller.get_ylabel(), callee.get_ylabel()] == ["caller", "callee"]
    assert caller.get_ylim() == callee.get_ylim()
    assert len(call.plot(kind="spectrogram").child_axes) == 2
    with pytest.raises(ValueError, match="no chart"):
        call.plot(kind="gaps")  # type: ignore[arg-type]


def test_what_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    sent = [replace(packet, payload_type=96) for packet in steady(40)]
    stream = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams[0]
    for kind in ("waveform", "spectrogram"):
        ax = stream.plot(kind=kind)
        assert ax.texts[0].get_text().startswith("payload type 96 has no name")
