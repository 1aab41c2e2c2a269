"""Senders that change in the middle, and pauses: each rule beside what it must leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signalling.build import audio
from tests.streams.findings.spoken import ALICE, BOB, one, sent_as, talked
from tests.streams.made import Sent, capture, talk
from tests.streams.scene import Film

BOTH_WAYS = [(4000, 5000), (5000, 4000)]


@pytest.mark.parametrize(("pause_s", "severity"), [(0.02, "note"), (0.6, "warning"), (8.0, None)])
def test_another_ssrc_goes_on(tmp_path: Path, pause_s: float, severity: str | None) -> None:
    follows = talk(50, start_s=0.98 + pause_s, ssrc=0x5678)
    found = one(capture(tmp_path, talk(50) + follows, ports=[(4000, 5000)]), "ssrc-change")
    assert (found.severity if found else None) == severity
    if found is not None:
        assert found.numbers["ssrc_before"] == "0x00001234"
        assert found.numbers["longest_gap_s"] == pytest.approx(pause_s, abs=0.001)
        assert (found.ssrc, found.frames) == (0x5678, (50, 51))


def test_two_sources_side_by_side_are_no_change(tmp_path: Path) -> None:
    sent = talk(100) + talk(100, start_s=0.5, ssrc=0x5678)
    assert one(capture(tmp_path, sent, ports=[(4000, 5000)]), "ssrc-change") is None


@pytest.mark.parametrize("agreed", [True, False])
def test_a_change_that_was_agreed_on(tmp_path: Path, agreed: bool) -> None:
    film = Film()
    film.answered()
    if agreed:
        film.answered(audio(4000, "8"), audio(5000, "8", host=BOB[0]), at_s=1.0, cseq=2, to_tag="b")
    film.speak(ALICE, BOB, talk(40, start_s=0.3) + talk(40, start_s=1.3, ssrc=0x5678))
    film.hung_up(3.0)
    assert (one(film.shown(tmp_path), "ssrc-change") is None) == agreed


def test_a_sender_begins_anew(tmp_path: Path) -> None:
    anew = talk(50, sequence=30000, timestamp=900_000_000, start_s=1.28)
    found = one(capture(tmp_path, talk(50) + anew), "restart")
    assert found is not None
    assert found.severity == "warning"
    assert found.numbers["restarts"] == 1
    # From the last packet, at 0.98 s.
    assert found.numbers["longest_gap_s"] == pytest.approx(0.3, abs=0.001)
    assert found.frames == (50, 51)


def test_numbers_that_wrap_are_no_beginning(tmp_path: Path) -> None:
    sent = talk(100, sequence=65500, timestamp=(1 << 32) - 8000)
    assert one(capture(tmp_path, sent), "restart") is None


def test_packets_of_another_length(tmp_path: Path) -> None:
    short = sent_as([b"\x11" * 160] * 50)
    long = sent_as([b"\x11" * 240] * 50, start_s=1.0, ticks=240, sequence=50, timestamp=50 * 160)
    found = one(capture(tmp_path, short + long), "packet-time-change")
    assert found is not None
    assert found.severity == "note"
    assert (found.numbers["shortest_ms"], found.numbers["longest_ms"]) == (20.0, 30.0)
    assert found.numbers["changes"] == 1
    assert found.frames == (51,)


def test_a_single_short_packet_is_no_change(tmp_path: Path) -> None:
    first = sent_as([b"\x11" * 160] * 50)
    odd = sent_as([b"\x11" * 80], start_s=1.0, sequence=50, timestamp=50 * 160)
    rest = sent_as([b"\x11" * 160] * 50, start_s=1.01, sequence=51, timestamp=50 * 160 + 80)
    assert one(capture(tmp_path, first + odd + rest), "packet-time-change") is None


def interrupted(pause_s: float, *, before: list[Sent] | None = None) -> list[Sent]:
    """Two seconds of packets, a pause, and two more, the timestamps as if nothing had been."""
    first = before or talk(100)
    return first + talk(100, sequence=101, timestamp=101 * 160, start_s=2.0 + pause_s)


@pytest.mark.parametrize(("pause_s", "severity"), [(6.0, "error"), (3.0, "warning"), (1.5, None)])
def test_media_that_stops(tmp_path: Path, pause_s: float, severity: str | None) -> None:
    other = talk(500, ssrc=0x5678)
    made = capture(tmp_path, interrupted(pause_s), other, ports=BOTH_WAYS)
    found = one(made, "media-stopped")
    assert (found.severity if found else None) == severity
    if found is not None:
        assert found.numbers["longest_s"] == pytest.approx(pause_s + 0.02, abs=0.001)
        assert found.numbers["start_s"] == pytest.approx(1.98, abs=0.001)
        assert found.ssrc == 0x1234


def test_media_that_stops_before_the_end(tmp_path: Path) -> None:
    def found(until_s: float) -> str | None:
        other = talk(round(until_s * 50), ssrc=0x5678)
        told = one(capture(tmp_path, talk(100), other, ports=BOTH_WAYS), "media-stopped")
        return told.severity if told else None

    assert found(8.0) == "error"
    assert found(4.0) is None


def test_nothing_comes_from_who_described_silence(tmp_path: Path) -> None:
    noise = sent_as([b"\x20"], start_s=2.0, payload_type=13, sequence=100, timestamp=100 * 160)
    sent = interrupted(4.0, before=talk(100) + noise)
    assert one(capture(tmp_path, sent, talk(400), ports=BOTH_WAYS), "media-stopped") is None


@pytest.mark.parametrize("pauses", [1, 2])
def test_who_leaves_out_silence_has_not_stopped(tmp_path: Path, pauses: int) -> None:
    """A sender that marks no talkspurt, known by its shorter pauses."""
    sent: list[Sent] = []
    start_s = 0.0
    for pause_s in [0.5] * pauses + [4.0, 0.0]:
        sent += talk(50, sequence=len(sent), timestamp=round(8000 * start_s), start_s=start_s)
        start_s += 1.0 + pause_s
    other = talk(round(50 * start_s), ssrc=0x5678)
    made = capture(tmp_path, sent, other, ports=BOTH_WAYS)
    found = one(made, "media-stopped")
    silent = one(made, "dtx-without-comfort-noise")
    assert silent is not None
    assert (found is not None, silent.numbers["pauses"]) == (
        (True, 1) if pauses == 1 else (False, 3)
    )


def test_nothing_comes_on_hold(tmp_path: Path) -> None:
    def found(line: str) -> bool:
        film = Film()
        film.answered()
        again = audio(4000, lines=[line])
        film.answered(again, audio(5000, host=BOB[0]), at_s=2.0, cseq=2, to_tag="b")
        film.answered(audio(4000), audio(5000, host=BOB[0]), at_s=6.0, cseq=3, to_tag="b")
        film.speak(ALICE, BOB, interrupted(4.0))
        film.speak(BOB, ALICE, talk(450, ssrc=0x5678))
        film.hung_up(9.0)
        return one(film.shown(tmp_path), "media-stopped") is not None

    assert not found("a=sendonly")
    assert found("a=sendrecv")


def test_what_is_lost_has_not_stopped(tmp_path: Path) -> None:
    sent = talk(400)
    sent = sent[:100] + sent[250:]
    made = capture(tmp_path, sent, talk(400, ssrc=0x5678), ports=BOTH_WAYS)
    assert one(made, "media-stopped") is None
    assert one(made, "burst-loss") is not None


def paused(
    pause_s: float, *more: Sent, payload: bytes = b"\x11" * 160, number: int = 0
) -> list[Sent]:
    """A second of packets, a pause that the timestamps leave out, and a talkspurt of a second."""
    next_sequence = 50 + len(more)
    behind = sent_as(
        [payload] * 50,
        start_s=1.0 + pause_s,
        payload_type=number,
        sequence=next_sequence,
        timestamp=8000 + round(8000 * pause_s),
    )
    return [*sent_as([payload] * 50, payload_type=number), *more, *behind]


@pytest.mark.parametrize(("pause_s", "severity"), [(0.5, "note"), (3.0, "warning"), (0.06, None)])
def test_silence_that_nobody_fills(tmp_path: Path, pause_s: float, severity: str | None) -> None:
    found = one(capture(tmp_path, paused(pause_s)), "dtx-without-comfort-noise")
    assert (found.severity if found else None) == severity
    if found is not None:
        assert found.numbers["silent_s"] == pytest.approx(pause_s, abs=0.001)
        assert found.frames == (50, 51)


def test_silence_that_comfort_noise_fills(tmp_path: Path) -> None:
    (noise,) = sent_as([b"\x20"], start_s=1.0, payload_type=13, sequence=50, timestamp=8000)
    made = capture(tmp_path, paused(0.5, noise))
    assert one(made, "dtx-without-comfort-noise") is None


@pytest.mark.parametrize("described", [True, False])
def test_silence_in_g729(tmp_path: Path, described: bool) -> None:
    """Annex B ends a talkspurt with a frame of two bytes."""
    more = sent_as([b"\x12\x34"], start_s=1.0, payload_type=18, sequence=50, timestamp=8000)
    sent = paused(0.5, *(more if described else ()), payload=b"\x51" * 20, number=18)
    found = one(capture(tmp_path, sent), "dtx-without-comfort-noise")
    assert (found is None) == described


def test_a_call_that_pauses_as_it_should(tmp_path: Path) -> None:
    """Both sides all the time, and a key press meanwhile: nothing to tell about pauses."""
    made = talked(
        tmp_path, talk(100, start_s=0.3), talk(100, start_s=0.3, ssrc=0x5678), until_s=2.4
    )
    names = {finding.id for finding in made.findings}
    assert not names & {"media-stopped", "dtx-without-comfort-noise", "ssrc-change", "restart"}
