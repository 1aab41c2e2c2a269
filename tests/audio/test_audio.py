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

from rtpcap.audio.audio import Audio
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


def test_player_of_long_audio_says_what_it_holds() -> None:
    html = audio(ramp(8000 * 601))._repr_html_()
    assert "the first 10 minutes" in html
    assert len(html) < 8000 * 601 * 2 * 4 / 3


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
