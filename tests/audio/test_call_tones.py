"""Call tones: every plan of the table, what is nearly one, and captures that hold some."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import rtpcap
from rtpcap.audio.audio import Audio
from rtpcap.audio.call_tones import CallTone, CallToneDetector, find_tones
from rtpcap.audio.tone_plans import PLANS, TonePlan
from tests.audio.sounds import Sound, key, line, mu_law, noise, rhythm, silence, sines
from tests.reference.facts import require_captures


def sound_of(plan: TonePlan, rate: int = 8000, *, scale: float = 1.0) -> Audio:
    """A plan's tone as a network sends it; `scale` changes how long everything lasts."""
    times = [seconds * scale for seconds in plan.rhythm]
    if plan.steady:
        parts = [sines(plan.hertz, times[0] + 0.5, rate=rate)]
    else:
        parts = rhythm(plan.hertz, times, times=3, rate=rate)
    return line(silence(0.3, rate), *parts, silence(0.7, rate), rate=rate)


def named(plan: TonePlan) -> str:
    place = plan.places[0] if plan.places else ""
    return f"{plan.name}-{'+'.join(f'{h:g}' for h in plan.hertz)}-{plan.rhythm[0]}-{place}"


@pytest.mark.parametrize("plan", PLANS, ids=named)
@pytest.mark.parametrize("rate", [8000, 16000])
def test_every_plan_is_found(plan: TonePlan, rate: int) -> None:
    (found,) = find_tones(mu_law(sound_of(plan, rate)))
    # Networks of other countries use the same sound for something else.
    assert plan.name in (found.name, *found.also)
    if found.name == plan.name:
        assert set(plan.places) <= set(found.places)
    assert found.hertz == plan.hertz
    assert found.start_s == pytest.approx(0.3, abs=0.01)
    bursts = 1 if plan.steady else 3 * len(plan.rhythm) // 2
    assert found.bursts == bursts
    sounding = plan.rhythm[0] + 0.5 if plan.steady else 3 * sum(plan.rhythm) - plan.rhythm[-1]
    assert found.duration_s == pytest.approx(sounding, abs=0.01)
    # Each sine has -20 dBov.
    level = -20 + 10 * np.log10(len(plan.hertz))
    assert found.level_dbov == pytest.approx(level, abs=0.5)


@pytest.mark.parametrize("rate", [11025, 44100, 48000])
def test_plans_at_other_rates(rate: int) -> None:
    for plan in PLANS[::5]:
        (found,) = find_tones(sound_of(plan, rate))
        assert plan.name in (found.name, *found.also)


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.hertz == (480, 620)], ids=named)
@pytest.mark.parametrize("scale", [0.7, 1.4])
def test_a_rhythm_beside_a_plan_is_no_tone(plan: TonePlan, scale: float) -> None:
    assert find_tones(sound_of(plan, scale=scale)) == []


@pytest.mark.parametrize(
    ("hertz", "seconds"),
    [
        # Frequencies between those of plans, and pairs of which one is missing or far weaker.
        ((412.0,), 4.0),
        ((465.0,), 4.0),
        ((500.0,), 4.0),
        ((480.0,), 4.0),
        ((620.0,), 4.0),
        ((350.0,), 4.0),
        ((1004.0,), 8.0),  # a test tone
        ((1060.0,), 0.5),  # beside CNG: more than 38 Hz off
        ((2130.0,), 3.0),  # beside an answer tone: 15 Hz are allowed
        ((350.0, 480.0), 4.0),
        ((440.0, 620.0), 4.0),
        ((400.0, 425.0, 450.0), 4.0),
    ],
)
def test_other_frequencies_are_no_tones(hertz: tuple[float, ...], seconds: float) -> None:
    assert find_tones(line(silence(0.3), sines(hertz, seconds), silence(0.3))) == []


@pytest.mark.parametrize(
    ("hertz", "seconds"),
    [((425.0,), 2.2), ((425.0,), 0.5), ((480.0, 620.0), 0.5), ((1100.0,), 0.3), ((1100.0,), 1.0)],
)
def test_a_single_burst_of_another_length_is_no_tone(
    hertz: tuple[float, ...], seconds: float
) -> None:
    assert find_tones(line(silence(0.3), sines(hertz, seconds), silence(0.5))) == []


def test_an_answer_tone_is_longer_than_two_seconds() -> None:
    assert find_tones(line(silence(0.3), sines((2100.0,), 2.0), silence(0.3))) == []


def answer_tone(*, turns: bool, swings: bool, rate: int = 8000) -> Audio:
    """ITU-T V.25: 2100 Hz, its phase turned over every 450 ms; V.8: 20 % of 15 Hz in it."""
    time = np.arange(round(3.3 * rate)) / rate
    sound = 4000 * np.sin(2 * np.pi * 2100 * time)
    if turns:
        sound *= np.where((time // 0.45) % 2, -1, 1)
    if swings:
        sound *= 1 + 0.2 * np.sin(2 * np.pi * 15 * time)
    return line(silence(0.3, rate), sound, silence(0.3, rate), rate=rate)


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize(
    ("turns", "swings", "name"),
    [(False, False, "ANS"), (True, False, "/ANS"), (False, True, "ANSam"), (True, True, "/ANSam")],
)
def test_answer_tones_by_their_names(turns: bool, swings: bool, name: str, rate: int) -> None:
    (found,) = find_tones(mu_law(answer_tone(turns=turns, swings=swings, rate=rate)))
    assert found.name == name
    assert found.duration_s == pytest.approx(3.3, abs=0.02)


def information(hertz: tuple[float, ...], seconds: tuple[float, ...], pause_s: float) -> Audio:
    parts: list[Sound] = [silence(0.3)]
    for one, long in zip(hertz, seconds, strict=True):
        parts += [sines((one,), long), silence(pause_s)]
    return line(*parts, silence(0.3))


@pytest.mark.parametrize(
    ("hertz", "seconds", "pause_s"),
    [
        ((950.0, 1400.0, 1800.0), (0.33, 0.33, 0.33), 0.0),
        ((950.0, 1400.0, 1800.0), (0.33, 0.33, 0.33), 0.03),
        ((985.2, 1428.5, 1776.7), (0.38, 0.38, 0.38), 0.0),
        ((913.8, 1370.6, 1776.7), (0.276, 0.276, 0.38), 0.0),
    ],
)
def test_special_information(
    hertz: tuple[float, ...], seconds: tuple[float, ...], pause_s: float
) -> None:
    (found,) = find_tones(mu_law(information(hertz, seconds, pause_s)))
    assert (found.name, found.hertz) == ("SIT", hertz)
    assert found.duration_s == pytest.approx(sum(seconds) + 2 * pause_s, abs=0.01)


@pytest.mark.parametrize(
    ("hertz", "seconds", "pause_s"),
    [
        ((1800.0, 1400.0, 950.0), (0.33, 0.33, 0.33), 0.0),
        ((950.0, 1800.0, 1400.0), (0.33, 0.33, 0.33), 0.0),
        ((950.0, 1400.0, 1800.0), (0.33, 0.33, 0.33), 0.2),
        ((950.0, 1400.0, 1800.0), (0.33, 0.6, 0.33), 0.0),
        ((950.0, 1400.0, 1800.0), (0.1, 0.1, 0.1), 0.0),
        ((1050.0, 1400.0, 1800.0), (0.33, 0.33, 0.33), 0.0),
    ],
)
def test_not_special_information(
    hertz: tuple[float, ...], seconds: tuple[float, ...], pause_s: float
) -> None:
    assert find_tones(information(hertz, seconds, pause_s)) == []


def test_a_ring_that_is_answered_in_its_middle() -> None:
    ring = rhythm((440, 480), (2.0, 4.0), times=2)
    (found,) = find_tones(line(silence(1), *ring, sines((440, 480), 0.7), silence(2)))
    assert (found.name, found.places, found.bursts) == ("ringback", ("US", "CA"), 3)
    assert found.duration_s == pytest.approx(12.7, abs=0.01)


def test_a_capture_that_begins_in_the_middle_of_a_ring() -> None:
    ring = rhythm((400, 450), (0.4, 0.2, 0.4, 2.0), times=2)
    (found,) = find_tones(line(*ring[2:], silence(1)))
    assert (found.name, found.places, found.bursts) == ("ringback", ("GB", "NZ"), 3)


def test_a_length_that_was_cut_off_may_be_of_any_country_that_rings_longer() -> None:
    (found,) = find_tones(line(sines((425.0,), 1.0), silence(1)))
    assert found.name == "ringback"
    assert {"DE", "SE", "BE", "HU", "ES"} <= set(found.places)
    (found,) = find_tones(line(silence(1), sines((425.0,), 1.5), silence(1)))
    assert (found.name, found.places) == ("ringback", ("ES",))


def test_one_tone_after_the_other() -> None:
    parts = rhythm((425,), (1.0, 4.0), times=2) + rhythm((425,), (0.48, 0.48), times=4)
    ringing, busy = find_tones(line(silence(0.5), *parts, silence(1)))
    assert (ringing.name, busy.name) == ("ringback", "busy")
    assert "DE" in ringing.places
    assert "DE" in busy.places


def test_a_few_lost_packets_do_not_end_a_tone() -> None:
    audio = line(silence(0.5), *rhythm((440, 480), (2.0, 4.0), times=2), silence(0.5))
    audio.samples[8000:8480] = 0
    (found,) = find_tones(audio)
    assert found.bursts == 2


def test_tones_in_noise() -> None:
    audio = line(silence(0.5), *rhythm((480, 620), (0.5, 0.5), times=4), silence(0.5))
    hiss = noise(audio.duration_s, -30)
    (found,) = find_tones(line(audio.samples + hiss))
    assert found.name == "busy"


def test_keys_are_no_call_tones() -> None:
    parts = [part for symbol in "0123456789*#ABCD" for part in (key(symbol, 0.5), silence(0.5))]
    assert find_tones(line(silence(0.2), *parts)) == []


@pytest.mark.parametrize("size", [37, 1000, 131072])
def test_any_pieces_give_the_same(size: int) -> None:
    parts = rhythm((425,), (1.0, 4.0), times=2) + rhythm((425,), (0.48, 0.48), times=4)
    audio = line(silence(0.5), *parts, silence(1))
    detector = CallToneDetector(8000)
    edges = [*range(0, audio.length, size), audio.length]
    for begin, end in pairwise(edges):
        detector.feed(audio.samples[begin:end])
    whole = find_tones(audio)
    found = detector.close()
    assert [tone.name for tone in found] == [tone.name for tone in whole] == ["ringback", "busy"]
    for one, other in zip(found, whole, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=0.002)
        assert one.duration_s == pytest.approx(other.duration_s, abs=0.004)


@pytest.mark.parametrize("rate", [1, 1000, 4000])
def test_rates_that_hold_no_tone(rate: int) -> None:
    assert find_tones(Audio(np.ones(5000, np.int16), rate, np.ones(5000, np.bool_))) == []


def tones_of(name: str) -> list[list[CallTone]]:
    streams = rtpcap.open(require_captures() / name).streams
    return [find_tones(stream.track()) for stream in streams if stream.decodable]


def test_a_capture_of_a_fax_call() -> None:
    """A gateway's fax call: its sides are the calling fax and the network with the called one."""
    sides = tones_of("ALWISHARIFF+wireshark/Analysis_1_vega.pcap")
    names = [[tone.name for tone in side] for side in sides]
    assert ["CNG"] in names
    assert ["ringback", "/ANSam"] in names
    (calling,) = next(side for side in sides if [tone.name for tone in side] == ["CNG"])
    # T.30: 0.5 s of it, 3 s of silence, within 15 %.
    assert calling.duration_s == pytest.approx((calling.bursts - 1) * 3.5 + 0.5, rel=0.15)
