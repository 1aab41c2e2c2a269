"""Concealment by ITU-T G.711 Appendix I: its pitch, its fading, its silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.codecs.conceal import HISTORY_S, conceal, pitch_period
from tests.codecs.voices import snr_db, speech


def voice(rate: int, hertz: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """A sound with five harmonics of a pitch."""
    t = np.arange(round(rate * seconds)) / rate
    wave = sum(np.sin(2 * np.pi * hertz * k * t + k) / k for k in range(1, 6))
    return np.asarray(np.rint(6000 * wave), np.int16)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("hertz", [80.0, 100.0, 160.0])
def test_the_period_of_a_voice(rate: int, hertz: float) -> None:
    sound = voice(rate, hertz, 0.1)
    assert abs(pitch_period(sound, rate) - rate / hertz) <= 1


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_steady_voice_goes_on_and_dies_away(rate: int) -> None:
    whole = voice(rate, 100.0, 0.3)
    half = len(whole) // 2
    concealed = conceal(whole[:half], rate // 10, rate)
    stage = rate // 100
    # The first 10 ms are as loud as the sound would have been, and the same.
    assert snr_db(whole[half : half + stage], concealed[:stage], 0) > 25
    loudness = [
        float(np.abs(concealed[i * stage : (i + 1) * stage]).max())
        / float(np.abs(whole[half + i * stage : half + (i + 1) * stage]).max())
        for i in range(10)
    ]
    assert loudness[0] == pytest.approx(1, abs=0.05)
    # At the end of stage i it has lost 20 % of each stage after the first.
    for i in range(1, 6):
        assert 1 - 0.2 * i - 0.05 < loudness[i] < 1 - 0.2 * (i - 1) + 0.05
    # Nothing after 60 ms.
    assert loudness[6:] == [0, 0, 0, 0]


def test_there_are_no_clicks() -> None:
    whole = voice(8000, 110.0, 0.2)
    steps = np.abs(np.diff(whole.astype(np.int64))).max()
    joined = np.concatenate([whole[:800], conceal(whole[:800], 480, 8000)]).astype(np.int64)
    assert np.abs(np.diff(joined)).max() < 1.3 * steps


def test_it_is_nearer_to_speech_than_silence_is() -> None:
    sound = speech(8000)
    errors = np.zeros(2)
    for at in range(4000, 20000, 640):
        lost = sound[at : at + 80].astype(np.float64)
        guess = conceal(sound[at - 400 : at], 80, 8000)
        errors += ((lost - guess) ** 2).sum(), (lost**2).sum()
    assert errors[0] < 0.7 * errors[1]


def test_of_nothing_comes_nothing() -> None:
    assert not conceal(np.zeros(400, np.int16), 480, 8000).any()
    assert not conceal(np.empty(0, np.int16), 480, 8000).any()
    assert len(conceal(voice(8000, 100, 0.1), 0, 8000)) == 0


@given(
    history=st.lists(st.integers(-32768, 32767), max_size=500),
    samples=st.integers(0, 1000),
    rate=st.sampled_from([8000, 11025, 16000]),
)
def test_any_history(history: list[int], samples: int, rate: int) -> None:
    out = conceal(np.array(history, np.int16), samples, rate)
    assert len(out) == samples
    assert out.dtype == np.int16
    loudest = max((abs(value) for value in history), default=0)
    assert np.abs(out.astype(np.int64)).max(initial=0) <= loudest


def test_no_more_history_is_looked_at_than_it_says() -> None:
    sound = voice(8000, 70.0, 0.5)
    short = sound[-round(8000 * HISTORY_S) :]
    assert conceal(short, 480, 8000).tolist() == conceal(sound, 480, 8000).tolist()
