"""What is wrong with key presses: each rule beside what it must leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtpcap.rtp.events import build_event
from tests.audio.sounds import Sound, key, line, silence
from tests.codecs.senders import by_gsm
from tests.signalling.build import audio, request
from tests.streams.findings.spoken import ALICE, BOB, held_key, one, sent_as, spoken, talked
from tests.streams.made import Sent, capture, rtp, talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film

EVENTS = {101: "telephone-event/8000"}
WITHOUT_EVENTS = audio(5000, "0 8", host=BOB[0], lines=[])


def dialled(*digits: str, seconds: float = 0.1) -> list[Sound]:
    """Silence of half a second before and behind each key."""
    parts = [part for digit in digits for part in (silence(0.5), key(digit, seconds))]
    return [*parts, silence(0.5)]


def with_event(seconds: float = 0.1, *, ended: bool = True, behind: int = 60) -> list[Sent]:
    """A second of sound, a press of 5, and sound again."""
    press = held_key(5, 50, 8000, start_s=1.0, seconds=seconds, ended=ended)
    at, ticks = 50 + len(press), 50 + round(seconds * 50)
    start_s = 1.0 + seconds + 0.02
    return talk(50) + press + talk(behind, sequence=at, timestamp=160 * ticks, start_s=start_s)


@pytest.mark.parametrize("heard", [True, False])
def test_a_press_in_the_sound_and_as_an_event(tmp_path: Path, heard: bool) -> None:
    sound = spoken(*dialled("5"), silence(1.0)) if heard else spoken(silence(2.1))
    press = held_key(5, 500, 4000, start_s=0.5, ssrc=0x5678)
    found = one(talked(tmp_path, sound + press, until_s=2.4), "dtmf-double")
    assert (found is not None) == heard
    if found is not None:
        assert found.severity == "warning"
        assert (found.numbers["presses"], found.numbers["digits"]) == (1, "5")
        assert "telephone events" in found.sentence
        assert "the sound" in found.sentence


@pytest.mark.parametrize("told", [True, False])
def test_a_press_by_info_and_as_an_event(tmp_path: Path, told: bool) -> None:
    film = Film()
    film.answered()
    film.speak(ALICE, BOB, with_event())
    if told:
        body = b"Signal= 5\r\nDuration= 100\r\n"
        kind = "application/dtmf-relay"
        info = request("INFO", cseq=5, to_tag="b", body=body, content_type=kind)
        film.say(1.3, ALICE_AT, BOB_AT, info)
    film.hung_up(3.0)
    found = one(film.shown(tmp_path), "dtmf-double")
    assert (found is not None) == told
    if found is not None:
        assert "SIP INFO" in found.sentence


@pytest.mark.parametrize("ended", [True, False])
def test_a_press_without_an_end(tmp_path: Path, ended: bool) -> None:
    made = capture(tmp_path, with_event(ended=ended), pt_map=EVENTS)
    assert str(made.streams[0].told_keys) == "5"
    found = one(made, "dtmf-end-lost")
    assert (found is None) == ended
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["digits"] == "5"
        # Of 50 packets of sound and five reports the last.
        assert found.frames == (55,)


def test_a_press_at_the_end_of_the_capture(tmp_path: Path) -> None:
    made = capture(tmp_path, with_event(ended=False, behind=0), pt_map=EVENTS)
    assert one(made, "dtmf-end-lost") is None


def test_a_long_press_goes_on_in_another_segment(tmp_path: Path) -> None:
    """RFC 4733 section 2.5.1.3: 65,535 ticks are 8.19 s."""
    full = rtp(50, 8000, build_event(5, end=False, volume=10, duration=0xFFFF), payload_type=101)
    rest = rtp(
        51, 8000 + 0xFFFF, build_event(5, end=True, volume=10, duration=800), payload_type=101
    )
    behind = talk(60, sequence=52, timestamp=80_000, start_s=9.4)
    sent = [*talk(50), (1.0, full), (9.3, rest), *behind]
    made = capture(tmp_path, sent, pt_map=EVENTS)
    assert one(made, "dtmf-end-lost") is None


@pytest.mark.parametrize(("seconds", "told"), [(0.02, True), (0.04, False)])
def test_a_press_that_is_too_short(tmp_path: Path, seconds: float, told: bool) -> None:
    found = one(talked(tmp_path, with_event(seconds), until_s=4.0), "dtmf-short")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["shortest_ms"] == 20.0


def test_a_press_whose_clock_nothing_names(tmp_path: Path) -> None:
    """960 ticks are 20 ms at 48 kHz, and 120 ms at the 8 kHz that some senders count in."""
    press = rtp(50, 48_000, build_event(5, end=True, volume=10, duration=960), payload_type=126)
    sound = [(0.02 * i, rtp(i, 960 * i, b"\xfc" * 60, payload_type=111)) for i in range(50)]
    named = {111: "opus/48000/2", 126: "telephone-event/48000"}
    made = capture(tmp_path, [*sound, (1.0, press)], pt_map=named)
    assert made.streams[0].told_keys[0].duration_s == pytest.approx(0.02)
    assert one(made, "dtmf-short") is None


@pytest.mark.parametrize("agreed", [True, False])
def test_keys_in_the_sound_though_events_were_agreed_on(tmp_path: Path, agreed: bool) -> None:
    answer = audio(5000, host=BOB[0]) if agreed else WITHOUT_EVENTS
    sent = spoken(*dialled("1", "2", "#"), start_s=0.3)
    found = one(talked(tmp_path, sent, until_s=3.0, answer=answer), "dtmf-in-sound-only")
    assert (found is not None) == agreed
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["digits"] == "12#"


def test_keys_that_come_as_agreed_on(tmp_path: Path) -> None:
    made = talked(tmp_path, with_event(), until_s=3.0)
    kinds = ["dtmf-in-sound-only", "dtmf-payload-number", "dtmf-short", "dtmf-end-lost"]
    assert [one(made, kind) for kind in kinds] == [None] * 4
    assert str(made.streams[0].told_keys) == "5"


@pytest.mark.parametrize(("number", "told"), [(97, True), (101, False)])
def test_events_with_a_number_that_nobody_announced(
    tmp_path: Path, number: int, told: bool
) -> None:
    press = held_key(5, 50, 8000, start_s=1.0, payload_type=number)
    sent = talk(50) + press + talk(50, sequence=57, timestamp=160 * 56, start_s=1.2)
    found = one(talked(tmp_path, sent, until_s=3.0), "dtmf-payload-number")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "warning"
        assert (found.numbers["payload_type"], found.numbers["announced"]) == (97, "101")
        assert found.numbers["packets"] == len(press)


@pytest.mark.parametrize("codec", ["GSM", "PCMU"])
def test_keys_in_a_codec_that_bends_tones(tmp_path: Path, codec: str) -> None:
    parts = dialled("1", "5", "9", seconds=0.2)
    if codec == "GSM":
        sent = sent_as(by_gsm(line(*parts).samples), payload_type=3)
    else:
        sent = spoken(*parts)
    made = capture(tmp_path, sent)
    assert made.streams[0].codec == codec
    found = one(made, "dtmf-low-bit-rate")
    assert (found is not None) == (codec == "GSM")
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["codec"] == "GSM"
        assert int(found.numbers["presses"]) >= 2
