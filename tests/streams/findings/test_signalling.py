"""Calls that did not go as signalled; and beside each one that did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signalling.build import audio, request
from tests.streams.findings.scenes import ALICE, BOB, CALL_ID, call, ids, of, sound_call
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film


def test_nothing_is_found_in_a_sound_call(tmp_path: Path) -> None:
    assert ids(sound_call(tmp_path)) == []


# --- no audio


def test_one_side_sent_nothing(tmp_path: Path) -> None:
    (finding,) = of(call(callee=[]).shown(tmp_path), "one-way-audio")
    assert (finding.severity, finding.call) == ("error", CALL_ID)
    # From the answer 0.2 s after the INVITE to the BYE at 5 s.
    assert finding.numbers == {"answered_s": pytest.approx(4.8), "side": "callee"}
    # The INVITE, and the answer behind the ringing.
    assert finding.frames == (1, 3)
    assert "callee (sip:bob@example.org) sent no packet in the 4.8 s" in finding.sentence


@pytest.mark.parametrize(
    "held",
    [
        call(offer=audio(4000, lines=["a=sendonly"]), callee=[]),
        call(answer=audio(5000, host="10.0.0.2", lines=["a=recvonly"]), callee=[]),
        call(offer=audio(4000, host="0.0.0.0"), callee=[]),
    ],
    ids=["offered", "answered", "the old way"],
)
def test_who_is_on_hold_is_not_missed(held: Film, tmp_path: Path) -> None:
    assert "one-way-audio" not in ids(held.shown(tmp_path))


def test_a_call_too_short_to_tell(tmp_path: Path) -> None:
    film = call(callee=[], caller=talk(40, start_s=1.0), bye_s=2.0)
    assert "one-way-audio" not in ids(film.shown(tmp_path))


def test_a_stream_of_no_call_at_the_same_host_may_be_the_missing_one(tmp_path: Path) -> None:
    film = call(callee=[])
    film.speak(("10.0.0.2", 7000), ("10.0.0.77", 7002), talk(150, start_s=1.0, payload_type=3))
    assert "one-way-audio" not in ids(film.shown(tmp_path))


def second_call(film: Film, *, host: str) -> None:
    """A call of others that is heard, from 10.0.0.3 to `host`."""
    between = (("10.0.0.3", 5060), (host, 5060))
    offer, answer = audio(6000, host="10.0.0.3"), audio(6002, host=host)
    film.answered(offer, answer, call_id="call-2", between=between)
    film.speak(("10.0.0.3", 6000), (host, 6002), talk(150, start_s=1.0, ssrc=0xC))
    film.speak((host, 6002), ("10.0.0.3", 6000), talk(150, start_s=1.0, ssrc=0xD))


def test_neither_side_sent_anything(tmp_path: Path) -> None:
    film = call(caller=[], callee=[])
    second_call(film, host="10.0.0.4")
    (finding,) = of(film.shown(tmp_path), "no-audio")
    assert (finding.severity, finding.call) == ("error", CALL_ID)
    assert finding.numbers["answered_s"] == pytest.approx(4.8)


def test_an_agents_other_leg_was_heard(tmp_path: Path) -> None:
    # The second call's media goes straight to where the first one's caller wants to receive.
    film = call(caller=[], callee=[])
    between = (BOB_AT, ("10.0.0.3", 5060))
    film.answered(audio(4000), audio(6002, host="10.0.0.3"), call_id="call-2", between=between)
    film.speak(ALICE, ("10.0.0.3", 6002), talk(150, start_s=1.0, ssrc=0xC))
    film.speak(("10.0.0.3", 6002), ALICE, talk(150, start_s=1.0, ssrc=0xD))
    assert "no-audio" not in ids(film.shown(tmp_path))


def test_media_that_takes_another_way_is_not_missed(tmp_path: Path) -> None:
    film = Film()
    # Descriptions of two hosts that nothing in the capture comes from: only signalling passes it.
    film.answered(audio(4000, host="10.1.0.1"), audio(5000, host="10.1.0.2"))
    film.hung_up(5.0)
    second_call(film, host="10.0.0.4")
    assert "no-audio" not in ids(film.shown(tmp_path))


def test_signalling_alone(tmp_path: Path) -> None:
    (finding,) = of(call(caller=[], callee=[]).shown(tmp_path), "signalling-only")
    assert (finding.severity, finding.call, finding.numbers) == ("note", None, {"calls": 1})
    assert finding.frames == (3,)


# --- no end, and what comes behind it


def quiet(film: Film, at_s: float) -> Film:
    """Something of no call that keeps the capture going."""
    film.say(at_s, ("10.0.0.8", 9000), ("10.0.0.9", 9000), b"\0" * 20)
    return film


def test_no_bye_was_seen(tmp_path: Path) -> None:
    # Media ends at 1 + 150 * 0.02 s, the last packet 20 ms before that, the callee's 10 ms later.
    (finding,) = of(quiet(call(bye_s=None), 44.0).shown(tmp_path), "no-bye")
    assert (finding.severity, finding.call) == ("note", CALL_ID)
    assert finding.numbers["quiet_s"] == pytest.approx(44.0 - 3.99)


@pytest.mark.parametrize(
    "film",
    [
        quiet(call(), 44.0),
        quiet(call(bye_s=None), 30.0),
        quiet(call(bye_s=None, offer=audio(4000, lines=["a=sendonly"])), 44.0),
    ],
    ids=["hung up", "the capture ended", "on hold"],
)
def test_no_bye_was_to_be_seen(film: Film, tmp_path: Path) -> None:
    assert "no-bye" not in ids(film.shown(tmp_path))


def test_media_after_the_bye(tmp_path: Path) -> None:
    capture = call(bye_s=2.5).shown(tmp_path)
    one, other = of(capture, "media-after-bye")
    assert [one.severity, one.call, one.ssrc, other.ssrc] == ["note", CALL_ID, 0xA, 0xB]
    # The caller's packets come at 1 + 0.02 i s: those from 126 on are more than 1 s after 2.5 s.
    assert one.numbers == {"packets": 150 - 126, "last_s": pytest.approx(1.48)}
    bye = next(at.frame for at, said in capture.messages if said.method == "BYE")
    assert one.frames[0] == bye
    assert len(one.frames) == 10


def test_media_that_was_on_its_way(tmp_path: Path) -> None:
    assert "media-after-bye" not in ids(call(bye_s=3.5).shown(tmp_path))


def test_media_of_the_next_call_at_the_same_place(tmp_path: Path) -> None:
    film = call(caller=talk(400, start_s=1.0, ssrc=0xA), callee=talk(400, start_s=1.01, ssrc=0xB))
    film.answered(at_s=5.5, call_id="call-2")
    assert "media-after-bye" not in ids(film.shown(tmp_path))


def test_text_of_a_capture_is_harmless_and_short(tmp_path: Path) -> None:
    film = Film()
    callee = "sip:\x1b[31m" + "x" * 500
    offer = request("INVITE", body=audio(4000), callee=callee, branch="z9hG4bK-1")
    film.answered()
    film.sent[0] = (0.0, ALICE_AT, BOB_AT, offer)
    film.speak(ALICE, BOB, talk(150, start_s=1.0))
    film.hung_up(5.0)
    (finding,) = of(film.shown(tmp_path), "one-way-audio")
    assert "\x1b" not in finding.sentence
    assert "\\x1b" in finding.sentence
    assert len(finding.sentence) < 250
