"""Audio in memory, and WAV files."""

from __future__ import annotations

import base64
import io
import os
import re
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

import rtpcap.audio.embedded as embedded_module
from rtpcap.audio.audio import Audio
from rtpcap.audio.embedded import embed
from rtpcap.audio.files import write_file
from rtpcap.audio.line import WINDOW


def ramp(count: int, first: int = 0) -> np.ndarray:
    return ((np.arange(count) + first) % 65536 - 32768).astype(np.int16)


def audio(samples: np.ndarray, rate: int = 8000, missing: slice = slice(0, 0)) -> Audio:
    received = np.ones(len(samples), np.bool_)
    received[missing] = False
    return Audio(samples, rate, received)


def test_figures() -> None:
    clip = audio(ramp(8000), missing=slice(0, 2000))
    assert clip.duration_s == 1.0
    assert clip.received_s == 0.75
    assert clip.filled_s == 0.25
    assert clip.channels == 1
    assert repr(clip) == "<Audio 8000 Hz, mono, 1.00 s, 25.0 % filled>"


def test_side_by_side_the_shorter_ends_in_silence() -> None:
    stereo = Audio.from_lines([audio(ramp(4)), audio(ramp(2, 100))])
    assert stereo.samples.tolist() == [
        [-32768, -32668],
        [-32767, -32667],
        [-32766, 0],
        [-32765, 0],
    ]
    assert stereo.received.tolist() == [[True, True], [True, True], [True, False], [True, False]]
    assert stereo.received_s == pytest.approx(3 / 8000)
    assert "stereo" in repr(stereo)


def test_lines_longer_than_a_window() -> None:
    samples = ramp(2 * WINDOW + 17)
    assert (Audio.from_lines([audio(samples)]).samples == samples).all()


def test_no_samples() -> None:
    nothing = Audio.from_lines([audio(ramp(0))])
    assert nothing.duration_s == nothing.received_s == nothing.filled_s == 0
    assert "0.00 s" in repr(nothing)


def test_player_holds_the_samples() -> None:
    clip = audio(ramp(1000))
    html = clip._repr_html_()
    found = re.search(r"data:audio/wav;base64,([^\"]+)", html)
    assert found is not None
    with wave.open(io.BytesIO(base64.b64decode(found[1]))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        assert wav.readframes(1000) == clip.samples.astype("<i2").tobytes()


def embedded(html: str) -> tuple[str, np.ndarray, int]:
    """(type, samples, rate) of what a player holds."""
    found = re.search(r'src="data:([a-z/]+);base64,([^"]+)"', html)
    assert found is not None
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(found[2])), dtype="int16")
    return found[1], samples, rate


def speech(seconds: int) -> np.ndarray:
    """Noise whose loudness changes ten times a second."""
    rng = np.random.default_rng(1)
    loud = np.repeat(rng.uniform(10, 1000, 10 * seconds), 800)
    return (loud * rng.standard_normal(len(loud))).clip(-30000, 30000).astype(np.int16)


def test_longer_audio_is_compressed_without_loss() -> None:
    # 80 s of 16 bits at 8 kHz are 1.28 MB: more than the 1,048,576 bytes of a MiB.
    clip = audio(speech(80))
    html = clip._repr_html_()
    kind, samples, rate = embedded(html)
    assert (kind, rate) == ("audio/flac", 8000)
    assert (samples == clip.samples).all()
    assert len(html) < clip.samples.nbytes
    assert "FLAC, without loss" in html


def test_up_to_the_stated_size_it_is_a_wav() -> None:
    # 524,288 samples of two bytes are a MiB.
    assert embed(ramp(524_288), 8000).mime == "audio/wav"
    assert embed(ramp(524_289), 8000).mime == "audio/flac"


def test_long_audio_is_embedded_at_a_low_bit_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_module, "FLAC_BYTES", 500_000)
    clip = audio(speech(80))
    held = embed(clip.samples, 8000)
    assert held.mime == "audio/ogg"
    assert held.samples == clip.length
    assert len(held.data) < clip.samples.nbytes / 3
    assert "low bit rate" in held.told
    assert soundfile.info(io.BytesIO(held.data)).frames == clip.length


def test_of_what_is_too_long_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_module, "LOW_RATE_SAMPLES", 2 * 8000 * 120)
    monkeypatch.setattr(embedded_module, "FLAC_BYTES", 1000)
    both = np.column_stack([speech(200)] * 2)
    html = Audio(both, 8000, np.ones(len(both), np.bool_), sides=("a", "b"))._repr_html_()
    _, samples, _ = embedded(html)
    assert samples.shape == (120 * 8000, 2)
    assert "only the first 2 minutes are here" in html


def test_a_rate_that_no_encoder_has() -> None:
    held = embed(ramp(2_000_000), 700_000)
    assert held.mime == "audio/wav"
    assert len(held.data) <= (1 << 20) + 44
    assert "only the first 1 second" in held.told


def test_left_and_right_are_named() -> None:
    clip = Audio(np.zeros((100, 2), np.int16), 8000, np.ones(100, np.bool_), sides=("Ann", "<b>"))
    html = clip._repr_html_()
    assert "left: Ann; right: &lt;b&gt;" in html
    assert clip.resampled(16000).sides == clip[0.005:].sides == ("Ann", "<b>")


def test_a_part_in_seconds() -> None:
    clip = audio(ramp(8000), missing=slice(0, 4000))
    part = clip[0.25:0.75]
    assert (part.samples == ramp(8000)[2000:6000]).all()
    assert part.filled_s == pytest.approx(0.25)
    assert clip[-0.5:].duration_s == 0.5
    assert clip[0.5:9].duration_s == 0.5
    assert clip[2:3].length == 0
    for wrong in (3, slice(0, 1, 2)):
        with pytest.raises(TypeError, match="seconds"):
            clip[wrong]  # type: ignore[index]


@pytest.mark.parametrize("channels", [1, 2])
def test_saved_and_read_by_the_standard_library(channels: int, tmp_path: Path) -> None:
    samples = ramp(WINDOW + 1000)
    clip = audio(samples if channels == 1 else np.column_stack([samples, samples[::-1]]), 16000)
    clip.save(tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16000, channels, 2)
        assert wav.readframes(wav.getnframes()) == clip.samples.astype("<i2").tobytes()
    assert os.listdir(tmp_path) == ["out.wav"]


def test_what_was_written(tmp_path: Path) -> None:
    lines = [audio(ramp(8000), missing=slice(0, 800)), audio(ramp(4000))]
    written = write_file(tmp_path / "out.wav", lines)
    assert (written.rate, written.channels, written.duration_s) == (8000, 2, 1.0)
    # 7,200 samples of the first and 4,000 of the second, over two sides.
    assert written.received_s == pytest.approx((7200 + 4000) / 2 / 8000)


def test_rf64_from_a_size_on(tmp_path: Path) -> None:
    clip = audio(ramp(1000))
    write_file(tmp_path / "small.wav", [clip], rf64_from=2001)
    write_file(tmp_path / "large.wav", [clip], rf64_from=2000)
    assert (tmp_path / "small.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "large.wav").read_bytes()[:4] == b"RF64"
    assert soundfile.info(tmp_path / "large.wav").format == "RF64"
    assert (soundfile.read(tmp_path / "large.wav", dtype="int16")[0] == clip.samples).all()


def test_nothing_is_left_of_a_file_that_fails(tmp_path: Path) -> None:
    class Broken(Audio):
        def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            if start:
                raise RuntimeError("half way")
            return super().read(start, stop)

    (tmp_path / "out.wav").write_bytes(b"from before")
    samples = ramp(WINDOW + 1)
    with pytest.raises(RuntimeError):
        write_file(tmp_path / "out.wav", [Broken(samples, 8000, np.ones(len(samples), np.bool_))])
    assert os.listdir(tmp_path) == ["out.wav"]
    assert (tmp_path / "out.wav").read_bytes() == b"from before"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"missing.*out\.wav"):
        audio(ramp(10)).save(tmp_path / "missing" / "out.wav")


def test_different_rates_do_not_fit_into_one_file(tmp_path: Path) -> None:
    lines = [audio(ramp(10)), audio(ramp(10), 16000)]
    with pytest.raises(ValueError, match="sample rates"):
        write_file(tmp_path / "out.wav", lines)
    with pytest.raises(ValueError, match="sample rates"):
        Audio.from_lines(lines)
