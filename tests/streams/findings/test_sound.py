"""What is wrong with the sound of streams and calls: each rule beside what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.audio.sounds import noise, silence, sines
from tests.signalling.build import audio
from tests.streams.findings.spoken import BOB, one, sent_as, spoken, syllables, talked
from tests.streams.made import Sent, capture
from tests.streams.scene import Film

BOTH_WAYS = [(4000, 5000), (5000, 4000)]
OTHER = 0x5678


def talk(seconds: float, seed: int = 1, ssrc: int = 0x1234, start_s: float = 0.3) -> list[Sent]:
    return spoken(syllables(seconds, seed=seed), start_s=start_s, ssrc=ssrc)


def quiet(seconds: float, ssrc: int = OTHER, start_s: float = 0.3) -> list[Sent]:
    return spoken(silence(seconds), start_s=start_s, ssrc=ssrc)


@pytest.mark.parametrize(("seconds", "severity"), [(12.0, "error"), (5.0, "warning")])
def test_one_side_is_silent(tmp_path: Path, seconds: float, severity: str) -> None:
    made = talked(tmp_path, talk(seconds), quiet(seconds), until_s=seconds + 0.4)
    found = one(made, "one-way-audio")
    assert found is not None
    assert (found.severity, found.call, found.ssrc) == (severity, "call-1@example.org", OTHER)
    assert found.numbers["packets"] == seconds * 50
    assert "callee (10.0.0.2)" in found.sentence


def test_both_sides_are_heard(tmp_path: Path) -> None:
    made = talked(tmp_path, talk(5.0), talk(5.0, 2, OTHER), until_s=5.4)
    assert one(made, "one-way-audio") is None


def test_who_cannot_be_decoded_is_not_silent(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    hidden = sent_as([random.bytes(170) for _ in range(600)], payload_type=97, ssrc=OTHER)
    made = capture(tmp_path, talk(12.0, start_s=0.0), hidden, ports=BOTH_WAYS)
    assert one(made, "one-way-audio") is None
    assert one(made, "no-audio") is None


def test_an_unanswered_call_need_not_be_heard(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    film.sent = film.sent[:2]
    film.speak(BOB, ("10.0.0.1", 4000), spoken(sines([425], 5.0), start_s=0.2))
    assert one(film.shown(tmp_path), "one-way-audio") is None


def test_nobody_is_heard(tmp_path: Path) -> None:
    made = talked(tmp_path, quiet(12.0, 0x1234), quiet(12.0), until_s=12.4)
    found = one(made, "no-audio")
    assert found is not None
    assert found.severity == "error"
    assert one(made, "one-way-audio") is None


def test_who_only_receives_may_be_silent(tmp_path: Path) -> None:
    answer = audio(5000, host=BOB[0], lines=["a=recvonly"])
    made = talked(tmp_path, talk(12.0), quiet(12.0), until_s=12.4, answer=answer)
    assert one(made, "one-way-audio") is None


def test_nobody_speaks_for_a_while(tmp_path: Path) -> None:
    def turns(first: list[tuple[float, float]], ssrc: int, seed: int) -> list[Sent]:
        sound = syllables(14.0, seed=seed)
        at = np.arange(len(sound)) / 8000
        heard = np.zeros(len(sound), np.bool_)
        for begin_s, end_s in first:
            heard |= (at >= begin_s) & (at < end_s)
        return spoken(sound * heard, start_s=0.3, ssrc=ssrc)

    one_side = turns([(0, 3), (10, 14)], 0x1234, 1)
    made = talked(tmp_path, one_side, turns([(2, 4), (11, 14)], OTHER, 2), until_s=14.4)
    found = one(made, "dead-air")
    assert found is not None
    assert (found.severity, found.call) == ("warning", "call-1@example.org")
    assert found.numbers["start_s"] == pytest.approx(4.3, abs=0.45)
    assert found.numbers["longest_s"] == pytest.approx(6.0, abs=0.45)
    # Each is silent while the other one speaks.
    made = talked(tmp_path, one_side, turns([(3, 10)], OTHER, 2), until_s=14.4)
    assert one(made, "dead-air") is None


def test_a_long_silence_in_a_stream_alone(tmp_path: Path) -> None:
    def found(seconds: float) -> str | None:
        sent = spoken(syllables(1.0), silence(seconds), syllables(1.0, seed=2))
        told = one(capture(tmp_path, sent), "dead-air")
        return told.severity if told else None

    assert found(21.0) == "note"
    assert found(15.0) is None


@pytest.mark.parametrize(("delay_s", "severity"), [(0.2, "warning"), (0.0, "note"), (None, None)])
def test_what_is_said_comes_back(
    tmp_path: Path, delay_s: float | None, severity: str | None
) -> None:
    mine, others = syllables(14.0), syllables(14.0, seed=2, dbov=-30)
    if delay_s is not None:
        back = np.concatenate([silence(delay_s), mine])[: len(mine)] / 4
        others = others / 4 + back
    left, right = spoken(mine), spoken(others, ssrc=OTHER)
    found = one(capture(tmp_path, left, right, ports=BOTH_WAYS), "echo")
    assert (found.severity if found else None) == severity
    if found is not None and delay_s is not None:
        assert found.numbers["delay_ms"] == pytest.approx(delay_s * 1e3, abs=5)
        assert found.ssrc == OTHER


@pytest.mark.parametrize(("dbov", "told"), [(0.0, True), (-12.0, False)])
def test_a_signal_at_the_limit(tmp_path: Path, dbov: float, told: bool) -> None:
    # 3 dB above the loudest sine: its tops are cut off in each half period.
    sound = sines([300], 1.0, dbov=dbov)
    found = one(capture(tmp_path, spoken(sound)), "clipping")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["clips"] == pytest.approx(600, abs=2)
        assert found.frames[0] == 1


@pytest.mark.parametrize(("dbov", "told"), [(-46.0, True), (-26.0, False), (-75.0, False)])
def test_speech_that_is_hard_to_hear(tmp_path: Path, dbov: float, told: bool) -> None:
    # What is below -60 dBov is no speech but silence.
    found = one(capture(tmp_path, spoken(syllables(6.0, dbov=dbov))), "low-level")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "warning"
        # Syllables are 0 to 10 dB below; a hangover of 0.2 s counts pauses as speech.
        assert dbov - 10 < float(found.numbers["active_dbov"]) < dbov


@pytest.mark.parametrize(("dbov", "told"), [(0.0, True), (-12.0, False)])
def test_speech_that_is_too_loud(tmp_path: Path, dbov: float, told: bool) -> None:
    # Syllables are up to 10 dB below the level that is asked for.
    found = one(capture(tmp_path, spoken(syllables(6.0, dbov=dbov))), "high-level")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "note"


def test_a_loud_tone_is_no_speech(tmp_path: Path) -> None:
    made = capture(tmp_path, spoken(sines([440, 350], 6.0, dbov=-11.0)))
    assert made.streams[0].heard is not None
    assert made.streams[0].heard.tones
    assert one(made, "high-level") is None


@pytest.mark.parametrize(("dbov", "told"), [(-36.0, True), (-58.0, False)])
def test_noise_in_the_pauses(tmp_path: Path, dbov: float, told: bool) -> None:
    speech = np.concatenate(
        [part for seed in range(4) for part in (syllables(1.5, seed=seed), silence(2.0))]
    )
    sound = speech + noise(len(speech) / 8000, dbov, seed=9)
    found = one(capture(tmp_path, spoken(sound)), "high-noise")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "note"
        # The quietest tenth of the windows lies a little below the mean.
        assert found.numbers["noise_dbov"] == pytest.approx(dbov, abs=1.5)
