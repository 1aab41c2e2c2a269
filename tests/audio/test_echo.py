"""Echo: speech-like loudness that comes back, or does not."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.audio.audio import Audio
from rtpcap.audio.echo import find_echo
from tests.audio.sounds import Sound, line, noise, silence, sines

SECONDS = 60


def talk(seed: int, turn: int | None = None, *, rate: int = 8000) -> Sound:
    """Syllables of other lengths and loudness; of two people who take turns of 4 s, if `turn`."""
    chosen = np.random.default_rng(seed)
    sound = noise(SECONDS, -20, seed=seed, rate=rate)
    loud = np.zeros(len(sound))
    at = 0
    while at < len(loud):
        syllable = int(rate * chosen.uniform(0.08, 0.35))
        loud[at : at + syllable] = 10 ** (chosen.uniform(-15, 0) / 20)
        at += syllable + int(rate * chosen.choice([0.02, 0.06, 0.3], p=[0.6, 0.3, 0.1]))
    sound *= loud
    if turn is not None:
        sound *= (np.arange(len(sound)) // (4 * rate)) % 2 == turn
    return sound


def late(sound: Sound, seconds: float, loss_db: float, *, rate: int = 8000) -> Sound:
    shift = round(seconds * rate)
    return np.concatenate([np.zeros(shift), sound[: len(sound) - shift]]) * 10 ** (-loss_db / 20)


@pytest.mark.parametrize("delay_ms", [30, 145, 480, 900])
@pytest.mark.parametrize("loss_db", [6, 20])
def test_an_echo_has_its_delay(delay_ms: int, loss_db: float) -> None:
    alice, bob = talk(1, 0), talk(2, 1)
    back = bob + late(alice, delay_ms / 1000, loss_db) + noise(SECONDS, -75, seed=9)
    found = find_echo(line(alice), line(back))
    assert found is not None
    assert found.delay_ms == pytest.approx(delay_ms, abs=5)
    assert 0.15 <= found.strength <= 1
    # Alice's side holds nothing of Bob's.
    assert find_echo(line(back), line(alice)) is None


def test_crosstalk_has_no_delay() -> None:
    alice = talk(1)
    found = find_echo(line(alice), line(alice / 30))
    assert found is not None
    assert found.delay_ms == 0
    assert found.strength > 0.8


def test_an_echo_under_speech_of_both() -> None:
    alice, bob = talk(1), talk(2)
    found = find_echo(line(alice), line(bob + late(alice, 0.2, 6)))
    assert found is not None
    assert found.delay_ms == pytest.approx(200, abs=5)


@pytest.mark.parametrize("seed", range(4))
def test_people_who_take_turns_or_talk_at_once_make_no_echo(seed: int) -> None:
    assert find_echo(line(talk(seed, 0)), line(talk(seed + 50, 1))) is None
    assert find_echo(line(talk(seed)), line(talk(seed + 50))) is None


def test_silence_steady_sound_and_short_lines_make_no_echo() -> None:
    alice = line(talk(1))
    assert find_echo(alice, line(silence(SECONDS))) is None
    assert find_echo(alice, line(noise(SECONDS, -30))) is None
    assert find_echo(line(sines((425.0,), 10)), line(sines((425.0,), 10))) is None
    assert find_echo(line(silence(0)), alice) is None
    short = line(talk(1)[:8000])
    assert find_echo(short, short) is None


def test_rates_may_differ() -> None:
    alice = talk(1, 0)
    back = np.repeat(late(alice, 0.25, 10), 2)
    other = Audio(back.astype(np.int16), 16000, np.ones(len(back), np.bool_))
    found = find_echo(line(alice), other)
    assert found is not None
    assert found.delay_ms == pytest.approx(250, abs=5)
