"""Offer and answer: what is in force, from which message to which."""

from __future__ import annotations

import pytest

from rtpcap.signalling import Dialog
from tests.signalling.build import ALICE, BOB, A, B, Scene, audio, request, response, text

Brief = tuple[int, int | None, int | None, int, int | None]


def brief(call: Dialog) -> list[Brief]:
    """(offered, answered, ended) frames and the ports of offer and answer."""
    return [
        (
            epoch.offered.frame,
            epoch.answered.frame if epoch.answered else None,
            epoch.ended.frame if epoch.ended else None,
            epoch.offer[0].port,
            epoch.answer[0].port if epoch.answer else None,
        )
        for epoch in call.epochs
    ]


def back(method: str, cseq: int, body: bytes = b"") -> bytes:
    """A request by the callee."""
    return request(method, cseq=cseq, caller=BOB, callee=ALICE, from_tag="b", to_tag="a", body=body)


def to_back(status: int, method: str, cseq: int, body: bytes = b"") -> bytes:
    """The caller's response to such a request."""
    return response(
        status,
        "OK",
        method=method,
        cseq=cseq,
        caller=BOB,
        callee=ALICE,
        from_tag="b",
        to_tag="a",
        body=body,
    )


def test_offer_in_the_invite_answer_in_the_200() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    call = scene.call()
    assert brief(call) == [(1, 3, 5, 4000, 5000)]
    (epoch,) = call.epochs
    assert (epoch.offerer, epoch.to_tag, epoch.early, epoch.leg) == ("caller", "b", False, 0)
    assert epoch.media("caller")[0].address == "10.0.0.1"
    assert epoch.media("callee")[0].address == "10.0.0.2"
    assert epoch.since("caller") == epoch.offered
    assert epoch.since("callee") == epoch.answered


def test_a_number_may_mean_one_thing_to_each_side() -> None:
    scene = Scene()
    lines = "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 speex/8000"
    other = "a=rtpmap:97 opus/48000/2", "a=rtpmap:96 speex/8000"
    scene.answered(
        offer=audio(4000, "96 97", lines=lines), answer=audio(5000, "97 96", lines=other)
    )
    (epoch,) = scene.call().epochs
    assert epoch.media("caller")[0].formats[96].name == "opus"
    assert epoch.media("callee")[0].formats[96].name == "speex"


def test_an_offer_that_nobody_answered() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    assert brief(scene.call()) == [(1, None, None, 4000, None)]
    scene.send(B, A, response(404, "No"))
    assert brief(scene.call()) == [(1, None, 2, 4000, None)]


@pytest.mark.parametrize("final", [audio(5000), b""], ids=["said again", "said once"])
def test_early_media_that_becomes_the_call(final: bytes) -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "Progress", body=audio(5000)))
    assert [epoch.early for epoch in scene.call().epochs] == [True]
    scene.send(B, A, response(200, "OK", body=final))
    call = scene.call()
    assert brief(call) == [(1, 2, None, 4000, 5000)]
    assert [epoch.early for epoch in call.epochs] == [False]


def test_early_media_from_elsewhere_than_the_call() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "Progress", body=audio(5000, host="10.0.0.7")))
    scene.send(B, A, response(200, "OK", body=audio(5500)))
    assert brief(scene.call()) == [(1, 2, 3, 4000, 5000), (3, 3, None, 4000, 5500)]


def test_early_media_of_a_call_that_fails() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "Progress", body=audio(5000)))
    scene.send(B, A, response(480, "Gone"))
    call = scene.call()
    assert brief(call) == [(1, 2, 3, 4000, 5000)]
    assert call.epochs[0].early


def test_forks_have_epochs_of_their_own_until_one_takes_the_call() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "Progress", to_tag="x", body=audio(5000)))
    scene.send(B, A, response(183, "Progress", to_tag="y", body=audio(6000)))
    scene.send(B, A, response(199, "Gone", to_tag="z"))
    scene.send(B, A, response(200, "OK", to_tag="y", body=audio(6000)))
    call = scene.call()
    assert brief(call) == [(1, 2, 5, 4000, 5000), (1, 3, None, 4000, 6000)]
    assert [epoch.to_tag for epoch in call.epochs] == ["x", "y"]


def test_a_fork_that_is_told_to_be_over() -> None:
    # RFC 6228
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "Progress", to_tag="x", body=audio(5000)))
    scene.send(B, A, response(199, "Gone", to_tag="x"))
    assert brief(scene.call()) == [(1, 2, 3, 4000, 5000)]


def test_offer_in_the_200_answer_in_the_ack() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE"))
    scene.send(B, A, response(200, "OK", body=audio(5000)))
    scene.send(A, B, request("ACK", to_tag="b", body=audio(4000)))
    call = scene.call()
    assert brief(call) == [(2, 3, None, 5000, 4000)]
    (epoch,) = call.epochs
    assert epoch.offerer == "callee"
    assert epoch.media("caller")[0].port == 4000


def test_offer_in_a_reliable_183_answer_in_the_prack() -> None:
    # RFC 3262 section 5
    scene = Scene()
    scene.send(A, B, request("INVITE"))
    scene.send(B, A, response(183, "Progress", more=[("RSeq", "7")], body=audio(5000)))
    prack = request("PRACK", cseq=2, to_tag="b", more=[("RAck", "7 1 INVITE")], body=audio(4000))
    scene.send(A, B, prack)
    scene.send(B, A, response(200, "OK", method="PRACK", cseq=2))
    scene.send(B, A, response(200, "OK"))
    scene.send(A, B, request("ACK", to_tag="b"))
    assert brief(scene.call()) == [(2, 3, None, 5000, 4000)]


def test_a_second_offer_in_the_prack() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio(4000)))
    scene.send(B, A, response(183, "Progress", more=[("RSeq", "7")], body=audio(5000)))
    prack = request("PRACK", cseq=2, to_tag="b", more=[("RAck", "7 1 INVITE")], body=audio(4100))
    scene.send(A, B, prack)
    scene.send(B, A, response(200, "OK", method="PRACK", cseq=2, body=audio(5100)))
    scene.send(B, A, response(200, "OK"))
    assert brief(scene.call()) == [(1, 2, 4, 4000, 5000), (3, 4, None, 4100, 5100)]


def test_an_update_before_the_answer() -> None:
    # RFC 3311
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio(4000)))
    scene.send(B, A, response(183, "Progress", body=audio(5000)))
    scene.send(A, B, request("UPDATE", cseq=2, to_tag="b", body=audio(4100)))
    scene.send(B, A, response(200, "OK", method="UPDATE", cseq=2, body=audio(5000)))
    scene.send(B, A, response(200, "OK"))
    call = scene.call()
    assert brief(call) == [(1, 2, 4, 4000, 5000), (3, 4, None, 4100, 5000)]
    assert call.answered is not None
    assert call.answered.frame == 5


def test_hold_and_resume() -> None:
    scene = Scene()
    scene.answered()
    held = audio(4000, lines=["a=rtpmap:101 telephone-event/8000", "a=sendonly"])
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=held))
    scene.send(B, A, response(200, "OK", cseq=2, body=audio(5000, lines=["a=recvonly"])))
    scene.send(A, B, request("ACK", cseq=2, to_tag="b"))
    assert scene.call().held
    scene.send(A, B, request("INVITE", cseq=3, to_tag="b", body=audio()))
    scene.send(B, A, response(200, "OK", cseq=3, body=audio(5000)))
    call = scene.call()
    assert brief(call) == [(1, 3, 6, 4000, 5000), (5, 6, 9, 4000, 5000), (8, 9, None, 4000, 5000)]
    assert [epoch.offer[0].held for epoch in call.epochs] == [False, True, False]
    assert call.setup_s == 2


def test_hold_by_the_callee() -> None:
    scene = Scene()
    scene.answered()
    scene.send(B, A, back("INVITE", 1, audio(5000, lines=["a=inactive"])))
    scene.send(A, B, to_back(200, "INVITE", 1, audio(4000, lines=["a=inactive"])))
    call = scene.call()
    second = call.epochs[1]
    assert (second.offerer, second.offered.frame) == ("callee", 5)
    assert second.media("callee")[0].port == 5000
    assert second.media("caller")[0].port == 4000
    assert call.held


def test_a_session_refresh_begins_nothing() -> None:
    # RFC 4028: the same again.
    scene = Scene()
    offer, answer = audio(4000), audio(5000)
    scene.answered(offer=offer, answer=answer)
    scene.send(A, B, request("UPDATE", cseq=2, to_tag="b"))
    scene.send(B, A, response(200, "OK", method="UPDATE", cseq=2))
    scene.send(A, B, request("INVITE", cseq=3, to_tag="b", body=offer))
    scene.send(B, A, response(200, "OK", cseq=3, body=answer))
    scene.send(B, A, back("INVITE", 1, answer))
    scene.send(A, B, to_back(200, "INVITE", 1, offer))
    assert brief(scene.call()) == [(1, 3, None, 4000, 5000)]


@pytest.mark.parametrize("status", [488, 491, 500])
def test_an_offer_that_is_refused_changes_nothing(status: int) -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=audio(4100)))
    scene.send(B, A, response(status, "No", cseq=2, body=audio(9)))
    call = scene.call()
    assert brief(call) == [(1, 3, None, 4000, 5000)]
    assert (call.state, call.status) == ("in-progress", 200)


def test_an_offer_that_the_capture_ends_in() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=audio(4100)))
    assert brief(scene.call()) == [(1, 3, None, 4000, 5000), (5, None, None, 4100, None)]


def test_a_password_for_a_new_offer() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=audio(4100)))
    scene.send(B, A, response(407, "Password", cseq=2))
    scene.send(A, B, request("INVITE", cseq=3, to_tag="b", body=audio(4100)))
    scene.send(B, A, response(200, "OK", cseq=3, body=audio(5100)))
    assert brief(scene.call()) == [(1, 3, 8, 4000, 5000), (7, 8, None, 4100, 5100)]


def test_media_lines_are_answered_in_their_order() -> None:
    offer = text(
        "v=0",
        "c=IN IP4 10.0.0.1",
        "m=audio 4000 RTP/AVP 0",
        "m=video 4002 RTP/AVP 31",
        "m=image 4004 udptl t38",
    )
    answer = text(
        "v=0",
        "c=IN IP4 10.0.0.2",
        "m=audio 5000 RTP/AVP 0",
        "m=video 0 RTP/AVP 31",
        "m=image 5004 udptl t38",
    )
    scene = Scene()
    scene.answered(offer=offer, answer=answer)
    (epoch,) = scene.call().epochs
    assert [(media.kind, media.port) for media in epoch.media("callee")] == [
        ("audio", 5000),
        ("video", 0),
        ("image", 5004),
    ]
    assert [media.rejected for media in epoch.answer] == [False, True, False]


def test_a_switch_to_fax() -> None:
    scene = Scene()
    scene.answered()
    scene.send(B, A, back("INVITE", 1, text("v=0", "c=IN IP4 10.0.0.2", "m=image 5000 udptl t38")))
    scene.send(
        A,
        B,
        to_back(200, "INVITE", 1, text("v=0", "c=IN IP4 10.0.0.1", "m=image 4000 udptl t38")),
    )
    call = scene.call()
    assert [epoch.offer[0].is_fax for epoch in call.epochs] == [False, True]


def test_the_key_of_a_line_is_that_of_the_side_that_sent_it() -> None:
    offer = audio(4000, lines=["a=crypto:1 S inline:AAA", "a=crypto:2 T inline:BBB"])
    answer = audio(5000, lines=["a=crypto:2 T inline:CCC"])
    scene = Scene()
    scene.answered(offer=offer, answer=answer)
    assert [(side, index, line) for _, side, index, line in scene.call().crypto()] == [
        ("caller", 0, "1 S inline:AAA"),
        ("caller", 0, "2 T inline:BBB"),
        ("callee", 0, "2 T inline:CCC"),
    ]
