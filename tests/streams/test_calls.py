"""Calls from file to handle: who, how, which streams on which side, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.signalling.build import audio, request, response
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film

ALICE_RTP, BOB_RTP = ("10.0.0.1", 4000), ("10.0.0.2", 5000)


def conversation() -> Film:
    film = Film()
    film.answered()
    # The callee speaks first.
    film.speak(BOB_RTP, ALICE_RTP, talk(100, start_s=0.25, ssrc=0xB0B))
    film.speak(ALICE_RTP, BOB_RTP, talk(100, start_s=0.5, ssrc=0xA11CE))
    film.hung_up(3.0)
    return film


def test_who_called_whom_and_how_it_went(tmp_path: Path) -> None:
    (call,) = conversation().shown(tmp_path).calls
    assert (call.caller, call.callee) == ("sip:alice@example.org", "sip:bob@example.org")
    assert (call.state, call.status, call.hung_up) == ("completed", 200, "caller")
    assert call.post_dial_delay_s == pytest.approx(0.1)
    assert call.ring_s == pytest.approx(0.1)
    assert call.setup_s == pytest.approx(0.2)
    assert call.talk_s == pytest.approx(2.8)
    assert call.start_s == 0
    assert [str(codec) for codec in call.codecs] == ["PCMU/8000@0.200"]
    assert not call.guessed


def test_the_caller_is_left_whoever_speaks_first(tmp_path: Path) -> None:
    capture = conversation().shown(tmp_path)
    (call,) = capture.calls
    assert [stream.ssrc for stream in call.left] == [0xA11CE]
    assert [stream.ssrc for stream in call.right] == [0xB0B]
    assert {call.matched(stream) for stream in capture.streams} == {"announced"}
    sound = call.audio()
    # Alice begins a quarter of a second after Bob.
    begins = [int(np.flatnonzero(sound.received[:, side])[0]) for side in (0, 1)]
    assert begins == [2000, 0]


def test_a_call_without_media_is_one(tmp_path: Path) -> None:
    film = Film()
    film.say(0, ALICE_AT, BOB_AT, request("INVITE", body=audio()))
    film.say(1, BOB_AT, ALICE_AT, response(486, "Busy Here"))
    (call,) = film.shown(tmp_path).calls
    assert (call.state, call.status, call.reason) == ("rejected", 486, "Busy Here")
    assert call.streams == []


def test_streams_that_no_call_claims_are_guessed(tmp_path: Path) -> None:
    film = conversation()
    film.speak(("10.0.0.5", 6000), ("10.0.0.6", 7000), talk(50, ssrc=5))
    film.speak(("10.0.0.6", 7000), ("10.0.0.5", 6000), talk(50, start_s=0.1, ssrc=6))
    calls = film.shown(tmp_path).calls
    assert [call.guessed for call in calls] == [False, True]
    assert {stream.ssrc for stream in calls[1].streams} == {5, 6}
    assert calls[1].caller is None


# What is RTP


@pytest.mark.parametrize("number", [45, 63])
def test_announced_numbers_are_rtp_even_before_their_signalling(
    tmp_path: Path, number: int
) -> None:
    film = Film()
    named = audio(5000, f"{number}", host="10.0.0.2", lines=(f"a=rtpmap:{number} L16/8000",))
    film.answered(named.replace(b"10.0.0.2", b"10.0.0.1").replace(b"5000", b"4000"), named, at_s=1)
    film.speak(ALICE_RTP, BOB_RTP, talk(60, start_s=0.5, payload_type=number, ssrc=1))
    film.speak(("10.0.0.5", 6000), ("10.0.0.6", 7000), talk(60, payload_type=number, ssrc=2))
    (stream,) = film.shown(tmp_path).streams
    assert (stream.ssrc, stream.codec, len(stream)) == (1, "L16", 60)


def test_two_packets_are_a_stream_where_they_are_announced(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    film.speak(ALICE_RTP, BOB_RTP, talk(2, start_s=0.5, ssrc=1, payload_type=0))
    film.speak(ALICE_RTP, ("10.0.0.7", 5000), talk(2, start_s=0.5, ssrc=2, payload_type=34))
    (stream,) = film.shown(tmp_path).streams
    assert stream.ssrc == 1


def test_packets_of_a_number_that_nobody_announced_there_stay_out(tmp_path: Path) -> None:
    film = conversation()
    film.speak(ALICE_RTP, BOB_RTP, talk(60, start_s=0.5, payload_type=45, ssrc=9))
    assert {stream.ssrc for stream in film.shown(tmp_path).streams} == {0xA11CE, 0xB0B}


def test_an_explanation_says_what_was_announced(tmp_path: Path) -> None:
    film = Film()
    named = audio(5000, "45", host="10.0.0.2", lines=("a=rtpmap:45 L16/8000",))
    film.answered(audio(4000, "45", lines=("a=rtpmap:45 L16/8000",)), named)
    film.speak(ALICE_RTP, BOB_RTP, talk(2, start_s=0.5, payload_type=45, ssrc=1))
    (flow,) = (f for f in film.shown(tmp_path).explain() if f.flow.dst_port == 5000)
    assert (flow.taken_for, flow.mixture) == ("rtp", ["rtp:2"])
    assert "signalling announced" in flow.why


# What numbers mean


def test_numbers_are_those_of_who_receives(tmp_path: Path) -> None:
    film = Film()
    film.answered(
        audio(4000, "97", lines=("a=rtpmap:97 L16/8000",)),
        audio(5000, "97", host="10.0.0.2", lines=("a=rtpmap:97 G726-32/8000",)),
    )
    film.speak(BOB_RTP, ALICE_RTP, talk(50, start_s=0.5, payload_type=97, ssrc=1))
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5, payload_type=97, ssrc=2))
    streams = film.shown(tmp_path).streams
    assert {stream.ssrc: stream.codec for stream in streams} == {1: "L16", 2: "G726-32"}


def test_what_the_user_tells_wins_over_signalling_and_that_over_the_table(tmp_path: Path) -> None:
    film = Film()
    renamed = ("a=rtpmap:0 PCMA/8000",)
    film.answered(audio(4000, "0", lines=renamed), audio(5000, "0", host="10.0.0.2", lines=renamed))
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5, payload_type=0))
    assert film.shown(tmp_path).streams[0].codec == "PCMA"
    assert film.shown(tmp_path, {0: "L8/8000"}).streams[0].codec == "L8"


def changing() -> Film:
    """Number 96 is 16 kHz until a re-INVITE, and 8 kHz from then on: one SSRC, one sequence."""
    film = Film()
    for at_s, rate, cseq in ((0.0, 16000, 1), (2.0, 8000, 2)):
        lines = (f"a=rtpmap:96 L16/{rate}",)
        film.answered(
            audio(4000, "96", lines=lines),
            audio(5000, "96", host="10.0.0.2", lines=lines),
            at_s=at_s,
            cseq=cseq,
            to_tag="b" if cseq > 1 else "",
        )
    early = talk(90, start_s=0.21, payload_type=96, payload=bytes(640))
    film.speak(
        ALICE_RTP,
        BOB_RTP,
        # 320 ticks a packet at 16 kHz, 160 at 8 kHz: 20 ms each.
        [
            (at_s, data[:4] + (320 * i).to_bytes(4, "big") + data[8:])
            for i, (at_s, data) in enumerate(early)
        ],
    )
    film.speak(
        ALICE_RTP,
        BOB_RTP,
        talk(
            100,
            start_s=2.21,
            sequence=90,
            timestamp=320 * 90,
            payload_type=96,
            payload=bytes(320),
        ),
    )
    film.hung_up(5.0)
    return film


def test_a_number_means_what_the_offer_and_answer_then_in_force_said(tmp_path: Path) -> None:
    capture = changing().shown(tmp_path)
    (stream,) = capture.streams
    (call,) = capture.calls
    assert [str(codec) for codec in call.codecs] == ["L16/16000@0.200", "L16/8000@2.200"]
    assert stream.quality.lost == 0
    # Each packet came when its timestamp says, by the clock of its epoch; D over the change itself
    # is left out, as the clock changes there.
    assert stream.quality.jitter_max_ms == pytest.approx(0, abs=1e-6)
    assert [gap for gap in stream.gaps if gap.reason != "restart"] == []
    other = changing().shown(tmp_path, {96: "L16/16000"}).streams[0]
    assert other.quality.jitter_max_ms is not None
    assert other.quality.jitter_max_ms > 1


# Address translators


def test_media_back_to_a_translated_address_is_matched_by_its_flow(tmp_path: Path) -> None:
    film = Film()
    film.answered(audio(4000, host="192.168.1.5"))
    public = ("203.0.113.7", 61000)
    film.speak(public, BOB_RTP, talk(50, start_s=0.5, ssrc=1, payload_type=0))
    film.speak(BOB_RTP, public, talk(50, start_s=0.5, ssrc=2, payload_type=0))
    capture = film.shown(tmp_path)
    (call,) = capture.calls
    assert [stream.ssrc for stream in call.left] == [1]
    assert [stream.ssrc for stream in call.right] == [2]
    assert [call.matched(s) for s in (*call.left, *call.right)] == ["announced", "symmetric flow"]


def test_media_between_translated_addresses_is_matched_by_port(tmp_path: Path) -> None:
    film = Film()
    film.answered(audio(4000, host="192.168.1.5"), audio(5000, host="192.168.2.6"))
    one, other = ("203.0.113.7", 4000), ("198.51.100.8", 5000)
    film.speak(one, other, talk(50, start_s=0.5, ssrc=1, payload_type=0))
    film.speak(other, one, talk(50, start_s=0.5, ssrc=2, payload_type=0))
    (call,) = film.shown(tmp_path).calls
    assert [stream.ssrc for stream in call.left] == [1]
    assert [stream.ssrc for stream in call.right] == [2]
    assert [call.matched(s) for s in (*call.left, *call.right)] == ["by port", "by port"]


def test_media_is_matched_by_payload_types_and_time_where_nothing_else_tells(
    tmp_path: Path,
) -> None:
    film = Film()
    film.answered(audio(4000, "8", host="192.168.1.5"), audio(5000, "8", host="192.168.2.6"))
    one, other = ("10.0.0.1", 61000), ("10.0.0.2", 62000)
    film.speak(one, other, talk(50, start_s=0.5, ssrc=1))
    capture = film.shown(tmp_path)
    (call,) = capture.calls
    # The INVITE came from the host that speaks; no description names it.
    (stream,) = call.left
    assert call.matched(stream) == "by payload types and time"
    assert call.right == []


def test_media_of_other_hosts_is_not_matched(tmp_path: Path) -> None:
    film = Film()
    film.answered(audio(4000, host="192.168.1.5"), audio(5000, host="192.168.2.6"))
    film.speak(("10.9.9.9", 4000), ("10.9.9.8", 4444), talk(50, start_s=0.5, payload_type=0))
    capture = film.shown(tmp_path)
    assert capture.streams[0].call is None


# Several calls


def test_ports_that_are_used_again_belong_to_each_call_in_turn(tmp_path: Path) -> None:
    film = Film()
    for number, at_s in ((1, 0.0), (2, 10.0)):
        film.answered(at_s=at_s, call_id=f"{number}@x")
        film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=at_s + 0.5, ssrc=number, payload_type=0))
        film.hung_up(at_s + 3, call_id=f"{number}@x")
    calls = film.shown(tmp_path).calls
    assert [[s.ssrc for s in call.left] for call in calls] == [[1], [2]]


def test_a_call_id_that_is_used_again_is_two_calls(tmp_path: Path) -> None:
    film = Film()
    for at_s in (0.0, 100.0):
        film.answered(at_s=at_s)
        film.hung_up(at_s + 3)
    first, second = film.shown(tmp_path).calls
    assert second.call_id == f"{first.call_id}#2"
    assert len(film.shown(tmp_path).calls.select(first.call_id)) == 2


def test_an_agent_in_the_middle_makes_two_calls(tmp_path: Path) -> None:
    film = Film()
    middle, bob = ("10.0.0.9", 5060), ("10.0.0.2", 5060)
    film.answered(answer=audio(9000, host="10.0.0.9"), call_id="in@x", between=(ALICE_AT, middle))
    film.answered(audio(9002, host="10.0.0.9"), at_s=0.05, call_id="out@x", between=(middle, bob))
    film.speak(ALICE_RTP, ("10.0.0.9", 9000), talk(50, start_s=0.5, ssrc=1, payload_type=0))
    film.speak(("10.0.0.9", 9002), BOB_RTP, talk(50, start_s=0.5, ssrc=2, payload_type=0))
    calls = film.shown(tmp_path).calls
    assert {call.call_id: [s.ssrc for s in call.left] for call in calls} == {
        "in@x": [1],
        "out@x": [2],
    }


def test_both_directions_find_the_same_call_where_a_description_is_handed_on(
    tmp_path: Path,
) -> None:
    film = Film()
    middle = ("10.0.0.9", 5060)
    film.answered(call_id="in@x", between=(ALICE_AT, middle))
    film.answered(at_s=0.05, call_id="out@x", between=(middle, BOB_AT))
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5, ssrc=1, payload_type=0))
    film.speak(BOB_RTP, ALICE_RTP, talk(50, start_s=0.5, ssrc=2, payload_type=0))
    calls = [call for call in film.shown(tmp_path).calls if call.streams]
    assert [([s.ssrc for s in c.left], [s.ssrc for s in c.right]) for c in calls] == [([1], [2])]


def test_two_hops_are_one_call_and_are_heard_once(tmp_path: Path) -> None:
    film = Film()
    middle = ("10.0.0.9", 5060)
    film.answered(
        answer=audio(9000, host="10.0.0.9"), between=(ALICE_AT, middle), branch="z9hG4bK1"
    )
    film.answered(
        audio(9002, host="10.0.0.9"), at_s=0.05, between=(middle, BOB_AT), branch="z9hG4bK2"
    )
    loud = b"\xd5" * 80 + b"\x2a" * 80
    film.speak(ALICE_RTP, ("10.0.0.9", 9000), talk(50, start_s=0.5, ssrc=1, payload=loud))
    film.speak(("10.0.0.9", 9002), BOB_RTP, talk(50, start_s=0.5, ssrc=2, payload=loud))
    film.speak(BOB_RTP, ("10.0.0.9", 9002), talk(50, start_s=0.5, ssrc=3, payload=loud))
    film.speak(("10.0.0.9", 9000), ALICE_RTP, talk(50, start_s=0.5, ssrc=4, payload=loud))
    (call,) = film.shown(tmp_path).calls
    assert ({s.ssrc for s in call.left}, {s.ssrc for s in call.right}) == ({1, 2}, {3, 4})
    sound = call.audio()
    one = next(s for s in call.left if s.ssrc == 1).audio()
    assert np.array_equal(sound.samples[: len(one.samples), 0], one.samples)


# Over a call's time


def test_hold_and_another_ssrc_stay_on_one_line(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5, ssrc=1))
    film.speak(BOB_RTP, ALICE_RTP, talk(50, start_s=0.5, ssrc=3))
    film.answered(
        audio(4000, lines=("a=sendonly",)),
        audio(5000, host="10.0.0.2", lines=("a=recvonly",)),
        at_s=2,
        cseq=2,
        to_tag="b",
    )
    film.answered(at_s=4, cseq=3, to_tag="b")
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=5, ssrc=2))
    film.hung_up(8.0)
    (call,) = film.shown(tmp_path).calls
    assert [str(hold) for hold in call.holds] == ["caller@2.200-4.200"]
    assert [stream.ssrc for stream in call.left] == [1, 2]
    received = np.flatnonzero(call.audio().received[:, 0])
    # From 0.5 s for 1 s, then from 5 s for 1 s, on one clock that begins with the first packet.
    assert (received[0], received[-1] + 1) == (0, 8000 * 4.5 + 8000)
    assert len(received) == 2 * 8000


def info(key: str, cseq: int) -> bytes:
    return request(
        "INFO",
        cseq=cseq,
        to_tag="b",
        body=f"Signal={key}\r\nDuration=160\r\n".encode(),
        content_type="application/dtmf-relay",
    )


def test_keys_by_info_are_rows_with_the_stream_of_who_pressed(tmp_path: Path) -> None:
    film = conversation()
    film.say(1.0, ALICE_AT, BOB_AT, info("5", 2))
    (digit,) = film.shown(tmp_path).dtmf
    assert (digit.digit, digit.source, digit.ssrc) == ("5", "sip-info", 0xA11CE)
    assert digit.start_s == pytest.approx(1.0)
    assert digit.duration_s == pytest.approx(0.16)


def test_keys_by_info_without_media_have_no_ssrc(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    film.say(1.0, ALICE_AT, BOB_AT, info("#", 2))
    (digit,) = film.shown(tmp_path).dtmf
    assert digit.row()["ssrc"] is None


def test_a_key_that_info_and_events_tell_is_one_press(tmp_path: Path) -> None:
    film = conversation()
    event = [
        (
            1.0 + 0.02 * i,
            talk(1, sequence=200 + i, timestamp=90_000, ssrc=0xA11CE, payload_type=101)[0][1][:12]
            + bytes([5, (i > 3) << 7 | 10])
            + (160 * (i + 1)).to_bytes(2, "big"),
        )
        for i in range(6)
    ]
    film.speak(ALICE_RTP, BOB_RTP, event)
    film.say(1.05, ALICE_AT, BOB_AT, info("5", 2))
    film.say(2.5, ALICE_AT, BOB_AT, info("5", 3))
    capture = film.shown(tmp_path)
    assert [(digit.digit, digit.source, digit.also_in) for digit in capture.dtmf] == [
        ("5", "rfc4733", ("sip-info",)),
        ("5", "sip-info", ()),
    ]
    assert capture.told_keys.rows() == capture.calls[0].told_keys.rows() == capture.dtmf.rows()
    # Of its stream alone, only the events.
    (stream,) = [stream for stream in capture.streams if stream.ssrc == 0xA11CE]
    assert [(digit.source, digit.also_in) for digit in stream.dtmf] == [("rfc4733", ())]


def test_copies_of_messages_that_the_capture_made_are_no_retransmissions(tmp_path: Path) -> None:
    film = conversation()
    for at_s, src, dst, data in list(film.sent):
        if src[1] == 5060:
            film.say(at_s + 0.0001, src, dst, data)
    (call,) = film.shown(tmp_path).calls
    assert call.row()["messages"] == 12
    assert call.row()["retransmissions"] == 0
    film.say(0.5, ALICE_AT, BOB_AT, film.sent[0][3])
    (call,) = film.shown(tmp_path).calls
    assert call.row()["retransmissions"] == 1


def test_a_capture_without_signalling_has_none(tmp_path: Path) -> None:
    film = Film()
    film.speak(ALICE_RTP, BOB_RTP, talk(50))
    capture = film.shown(tmp_path)
    assert capture.signalling is None
    assert list(capture.messages) == []


def test_streams_know_their_call_before_anybody_asks_for_calls(tmp_path: Path) -> None:
    by_streams = [stream.call for stream in conversation().shown(tmp_path).streams]
    capture = conversation().shown(tmp_path)
    assert by_streams == [capture.calls[0].call_id] * 2
    assert conversation().shown(tmp_path).streams[0][0.3:0.6].call == by_streams[0]
