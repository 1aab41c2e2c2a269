"""Other sample rates: by both resamplers, whole and window by window."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.audio import resample as module
from rtpcap.audio.audio import Audio
from rtpcap.audio.resample import Resampled, resample
from rtpcap.codecs import Heard
from tests.codecs.voices import tone, tone_snr_db

RATES = [(8000, 16000), (8000, 48000), (48000, 8000), (16000, 8000), (44100, 48000), (8000, 11025)]


@pytest.fixture(params=["soxr", "ffmpeg"])
def one_resampler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either of the two, as if the other were not there."""
    if request.param == "soxr":
        pytest.importorskip("soxr")
    else:
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    return str(request.param)


@pytest.mark.usefixtures("one_resampler")
@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_a_tone_stays_where_it_was(rate: int, wanted: int) -> None:
    made = resample(tone(rate, 1.0), rate, wanted)
    assert len(made) == wanted
    meant = tone(wanted, 1.0).astype(float)
    inside = slice(wanted // 10, -wanted // 10)
    error = made[inside].astype(float) - meant[inside]
    # 60 dB; an error of a quarter sample of the lower rate would already make 20 dB of it.
    assert (error**2).mean() < (meant[inside] ** 2).mean() / 1e6


@pytest.mark.usefixtures("one_resampler")
def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    made = resample(tone(48000, 1.0, 6000), 48000, 8000)
    assert np.abs(made[800:-800]).max() < 12


@pytest.mark.usefixtures("one_resampler")
@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_windows_join_without_a_seam(rate: int, wanted: int) -> None:
    sound = tone(rate, 2.0)
    received = np.ones(len(sound), np.bool_)
    received[rate // 2 : rate] = False
    line = Resampled(Audio(sound, rate, received), wanted)
    assert line.length == 2 * wanted
    parts = [line.read(at, at + 3001) for at in range(0, line.length, 3001)]
    together = np.concatenate([part for part, _ in parts])[: line.length]
    whole = resample(sound, rate, wanted)
    # At the very ends it is a question of taste what lies beyond.
    inside = slice(wanted // 20, -wanted // 20)
    assert np.abs(together.astype(int) - whole)[inside].max() <= 2
    assert tone_snr_db(together[wanted // 10 :].astype(float)[:wanted], wanted, 440) > 60
    heard = np.concatenate([what for _, what in parts])[: line.length]
    missing = np.flatnonzero(heard == Heard.SILENCE)
    assert abs(missing[0] - wanted // 2) <= 1
    assert abs(missing[-1] + 1 - wanted) <= 1 + wanted // rate


@pytest.mark.usefixtures("one_resampler")
def test_stereo() -> None:
    sound = np.column_stack([tone(8000, 0.5), tone(8000, 0.5, 880)])
    made = resample(sound, 8000, 16000)
    assert made.shape == (8000, 2)
    for side, hertz in ((0, 440), (1, 880)):
        assert tone_snr_db(made[1600:6400, side].astype(float), 16000, hertz) > 60


def test_audio_at_another_rate() -> None:
    audio = Audio(tone(8000, 0.5), 8000, np.ones(4000, np.bool_))
    other = audio.resampled(16000)
    assert (other.rate, other.length) == (16000, 8000)
    assert other.received.all()
