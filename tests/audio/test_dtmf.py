"""Keys in the sound: what Q.24 wants accepted and rejected, talk-off, and a second opinion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.audio.audio import Audio
from rtpcap.audio.call_tones import find_tones
from rtpcap.audio.dtmf import KEYS, DTMFDetector, find_keys
from rtpcap.codecs import Heard
from tests.audio.sounds import Q23, Sound, key, line, mu_law, noise, silence, sines
from tests.audio.spandsp import spandsp_digits
from tests.audio.speech import RATE, noisy, speech
from tests.reference.facts import require_captures

PAUSE_S = 0.053
"""With a tone of 40 ms the shortest cycle, 93 ms."""


def heard(audio: Audio) -> str:
    return "".join(found.digit for found in find_keys(audio))


def dialled(keys: str, seconds: float, *, rate: int = 8000, **how: float) -> Audio:
    parts: list[Sound] = [silence(PAUSE_S, rate)]
    for number, symbol in enumerate(keys):
        tone = key(symbol, seconds, rate=rate, phase=0.1 + 0.7 * number, **how)
        parts += [tone, silence(PAUSE_S, rate)]
    return line(*parts, rate=rate)


def test_the_keys_are_those_of_q23() -> None:
    assert sorted(KEYS) == sorted(Q23)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 32000, 44100, 48000])
@pytest.mark.parametrize("off_pct", [-1.5, 0.0, 1.5])
@pytest.mark.parametrize("twist_db", [-8.0, 0.0, 4.0])
def test_what_q24_wants_accepted(rate: int, off_pct: float, twist_db: float) -> None:
    assert heard(dialled(KEYS, 0.04, rate=rate, off_pct=off_pct, twist_db=twist_db)) == KEYS


@pytest.mark.parametrize("rate", [8000, 48000])
@pytest.mark.parametrize("off_pct", [-3.6, 3.6])
def test_frequencies_beyond_three_and_a_half_per_cent(rate: int, off_pct: float) -> None:
    assert heard(dialled(KEYS, 0.1, rate=rate, off_pct=off_pct)) == ""


@pytest.mark.parametrize("hertz", [(697,), (1336,), (697, 770), (1209, 1336), (697, 1209, 1477)])
def test_one_tone_two_of_a_group_or_three(hertz: tuple[float, ...]) -> None:
    assert heard(line(silence(0.1), sines(hertz, 0.2), silence(0.1))) == ""


@pytest.mark.parametrize("rate", [8000, 44100])
def test_tones_shorter_than_23_ms(rate: int) -> None:
    assert heard(dialled(KEYS, 0.0225, rate=rate)) == ""


# 0 dBm0 is -6.15 dBov.
@pytest.mark.parametrize("low_dbov", [-31.0, -20.0, -9.2])
def test_levels_down_to_25_dbm(low_dbov: float) -> None:
    audio = mu_law(dialled(KEYS, 0.05, low_dbov=low_dbov))
    assert heard(audio) == KEYS
    for found in find_keys(audio):
        assert found.low_dbov == pytest.approx(low_dbov, abs=0.4)
        assert found.high_dbov == pytest.approx(low_dbov, abs=0.4)


def test_levels_below_55_dbm() -> None:
    assert heard(dialled(KEYS, 0.1, low_dbov=-61.5)) == ""


def test_an_interruption_of_10_ms_is_bridged_and_a_pause_of_40_ms_is_not() -> None:
    def twice(pause_s: float) -> Audio:
        return line(silence(0.1), key("8", 0.06), silence(pause_s), key("8", 0.06), silence(0.1))

    assert heard(twice(0.01)) == "8"
    assert heard(twice(0.04)) == "88"
    assert find_keys(twice(0.01))[0].duration_s == pytest.approx(0.13, abs=0.003)


def test_packets_lost_in_a_press_do_not_make_two() -> None:
    audio = line(silence(0.1), key("8", 0.2), silence(0.1))
    lost = slice(1360, 1360 + 320)
    audio.samples[lost] = 0
    assert heard(audio) == "88"
    audio.heard[lost] = Heard.SILENCE
    assert heard(audio) == "8"


@pytest.mark.parametrize("below_db", [12, 15, 20])
def test_keys_in_noise(below_db: float) -> None:
    audio = dialled(KEYS * 3, 0.06)
    # Two tones of -15 dBov have -12 together.
    hiss = noise(audio.duration_s + 0.01, -12 - below_db)[: audio.length]
    assert heard(line((audio.samples + hiss).astype(np.float64))) == KEYS * 3


@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_times_frequencies_and_levels_are_those_sent(rate: int) -> None:
    parts = [silence(0.3, rate), key("6", 0.12, low_dbov=-20, twist_db=2, off_pct=0.7, rate=rate)]
    (found,) = find_keys(line(*parts, silence(0.2, rate), rate=rate))
    assert found.start_s == pytest.approx(0.3, abs=0.002)
    assert found.duration_s == pytest.approx(0.12, abs=0.003)
    assert found.low_deviation_pct == pytest.approx(0.7, abs=0.1)
    assert found.high_deviation_pct == pytest.approx(0.7, abs=0.1)
    assert found.low_dbov == pytest.approx(-20, abs=0.2)
    assert found.twist_db == pytest.approx(2, abs=0.2)
    assert found.purity > 0.95


def test_a_press_at_the_very_beginning_and_end() -> None:
    (found,) = find_keys(line(key("5", 0.05)))
    assert found.start_s == pytest.approx(0, abs=0.002)
    assert found.end_s == pytest.approx(0.05, abs=0.002)


def test_a_press_longer_than_a_window_is_one() -> None:
    # Lines are read 131,072 samples at a time.
    (found,) = find_keys(line(silence(0.5), key("D", 40.0), silence(0.5)))
    assert found.digit == "D"
    assert found.duration_s == pytest.approx(40, abs=0.005)


def test_a_line_with_an_offset_and_one_of_two_channels() -> None:
    audio = dialled("147", 0.05)
    assert heard(line(audio.samples.astype(np.float64) + 3000)) == "147"
    both = np.column_stack([audio.samples, audio.samples])
    assert heard(Audio(both, 8000, audio.received)) == "147"


@pytest.mark.parametrize("rate", [1, 100, 3999])
def test_rates_that_hold_no_key(rate: int) -> None:
    assert find_keys(Audio(np.ones(5000, np.int16), rate, np.ones(5000, np.bool_))) == []


@settings(max_examples=20, deadline=None)
@given(
    keys=st.text(KEYS, min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 6000), max_size=12),
    lead=st.integers(0, 400),
)
def test_any_pieces_give_the_same(keys: str, cuts: list[int], lead: int) -> None:
    audio = dialled(keys, 0.06)
    samples = np.concatenate([np.zeros(lead, np.int16), audio.samples])
    detector = DTMFDetector(8000)
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(samples)], strict=True):
        detector.feed(samples[begin:end])
    found = detector.close()
    assert "".join(one.digit for one in found) == keys
    for number, one in enumerate(found):
        sent = lead / 8000 + PAUSE_S + number * (0.06 + PAUSE_S)
        assert one.start_s == pytest.approx(sent, abs=0.003)


# Talk-off: what is like a key, and is none.


def test_samples_that_stick_to_the_limit_are_no_key() -> None:
    # A decoder that ran away: beside such a mean no power is left of the ripple but rounding.
    ripple = [-28749, -22486, -18238, -17193, -19277, -25110, *[-32768] * 11]
    ripple += [-30441, -26607, -24529, -24708, -27165, -31240]
    samples = np.full(186, -32768)
    samples[97 : 97 + len(ripple)] = ripple
    assert heard(line(np.concatenate([np.zeros(3782), samples, np.zeros(32)]))) == ""


def test_gliding_tones_are_no_keys() -> None:
    # From 600 to 1,000 and 1,100 to 1,700 Hz in half a second: each pair is passed in no time.
    time = np.arange(4000) / 8000
    low = np.sin(2 * np.pi * (600 * time + 400 * time**2))
    high = np.sin(2 * np.pi * (1100 * time + 600 * time**2))
    assert heard(line(*[4000 * (low + high)] * 10)) == ""


@pytest.mark.parametrize("fundamental", range(80, 400, 7))
def test_voices_with_overtones_are_no_keys(fundamental: int) -> None:
    overtones = [fundamental * n for n in range(1, 3400 // fundamental)]
    # Formants on the pairs of keys 1, 5 and 9; between them a voice falls by 9 dB, not more.
    for low, high in ((697, 1209), (770, 1336), (852, 1477)):
        near = [min(abs(f - low), abs(f - high)) for f in overtones]
        levels = [-18.0 - min(9.0, distance / 12) for distance in near]
        assert heard(line(sines(overtones, 0.4, dbov=levels))) == ""


def test_music_of_two_notes_is_no_key() -> None:
    # F5 and D6 are 698.5 and 1174.7 Hz: 0.2 and 2.8 per cent beside key 1.
    assert heard(line(sines((698.46, 1174.66), 1.0))) == ""


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_key(seed: int) -> None:
    assert heard(line(noise(60, -20, seed=seed))) == ""


@pytest.mark.peer
def test_minutes_of_speech_hold_no_key_and_no_call_tone() -> None:
    """An hour of it: ``python -m tests.audio.speech``."""
    generator = np.random.default_rng(7)
    for number, clean in enumerate(speech(180, seed=7)):
        samples = clean if number % 2 else noisy(clean, 20, generator)
        audio = Audio(samples, RATE, np.ones(len(samples), np.bool_))
        assert heard(audio) == ""
        assert find_tones(audio) == []


# Others' opinions.


@pytest.mark.peer
@pytest.mark.parametrize("seed", range(12))
def test_libspandsp_hears_the_same_where_q24_leaves_no_choice(seed: int) -> None:
    chosen = np.random.default_rng(seed)
    parts: list[Sound] = [silence(0.1)]
    expected = ""
    for symbol in chosen.permutation(list(KEYS)):
        right = chosen.random() < 0.7
        wrong_pitch = chosen.random() < 0.5
        seconds = chosen.uniform(0.045, 0.3)
        off = chosen.uniform(-1.4, 1.4)
        if not right and wrong_pitch:
            off = chosen.choice([-1, 1]) * chosen.uniform(3.8, 5)
        elif not right:
            seconds = chosen.uniform(0.005, 0.022)
        tone = key(
            symbol,
            seconds,
            low_dbov=chosen.uniform(-24, -12),
            twist_db=chosen.uniform(-5, 3),
            off_pct=off,
            phase=chosen.uniform(0, 6),
        )
        parts += [tone, silence(chosen.uniform(0.06, 0.2))]
        expected += symbol if right else ""
    audio = mu_law(line(*parts))
    assert heard(audio) == expected
    assert spandsp_digits(audio.samples) == expected


def other_captures(name: str) -> list[rtpcap.Stream]:
    path: Path = require_captures() / name
    return [stream for stream in rtpcap.open(path).streams if stream.decodable]


@pytest.mark.peer
@pytest.mark.parametrize(
    "name",
    [
        "ALWISHARIFF+wireshark/Analysis_2_vega.pcap",
        "RestComm+mediaserver/gigaset-n510-ip-pro-rfc2833.pcap",
        "goffinet+sip_captures/voip-extension.pcap",
        "lundgrel+sipp-scenarios/mario_choppy_speech.pcap",
        "lundgrel+sipp-scenarios/rtp_ssrc_0x6a518186.pcap",
    ],
)
def test_captures_hold_the_keys_that_libspandsp_hears(name: str) -> None:
    streams = other_captures(name)
    assert streams
    for stream in streams:
        audio = stream.audio()
        assert heard(audio) == spandsp_digits(audio.samples)


def test_a_capture_with_events_and_their_leaks() -> None:
    """The keys of its name went as events; the sound has them where the phone let them through.

    libspandsp hears 7859 too; the 0 before has its high tone 3.9 dB above the low one, which Q.24
    wants accepted and which is libspandsp's own limit.
    """
    (stream,) = other_captures("asterisk+testsuite/ulaw-2013785496.pcap")
    dialled_keys = [digit for digit in stream.dtmf if len(digit.digit) == 1]
    assert "".join(digit.digit for digit in dialled_keys) == "2013785496"
    found = find_keys(stream.track())
    assert "".join(key.digit for key in found) == "07859"
