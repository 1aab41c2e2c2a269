"""Messages -> calls: each situation of a call, from messages with named fields."""

from __future__ import annotations

import pytest

from rtpcap.signalling import Arrival, Dialogs, parse_sip
from tests.signalling.build import (
    ALICE,
    BOB,
    CALL_ID,
    PROXY,
    START_NS,
    A,
    B,
    Place,
    Scene,
    audio,
    message,
    request,
    response,
)

CAROL = "sip:carol@example.org"
C = Place("10.0.0.3")


def test_a_whole_call() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio(), more=[("User-Agent", "a/1")]), at_s=10)
    scene.send(B, A, response(100, "Trying", to_tag=""), at_s=10.1)
    scene.send(B, A, response(180, "Ringing"), at_s=11)
    scene.send(
        B,
        A,
        response(200, "OK", body=audio(5000, host="10.0.0.2"), more=[("Server", "b/2")]),
        at_s=15,
    )
    scene.send(A, B, request("ACK", to_tag="b"), at_s=15.1)
    bye = request(
        "BYE",
        caller=BOB,
        callee=ALICE,
        from_tag="b",
        to_tag="a",
        more=[("Reason", "Q.850;cause=16")],
    )
    scene.send(B, A, bye, at_s=45)
    scene.send(
        A,
        B,
        response(200, "OK", method="BYE", caller=BOB, callee=ALICE, from_tag="b", to_tag="a"),
        at_s=45.1,
    )
    call = scene.call()
    assert (call.call_id, call.caller, call.callee) == (CALL_ID, ALICE, BOB)
    assert (call.state, call.status, call.reason) == ("completed", 200, "OK")
    assert (call.caller_agent, call.callee_agent) == ("a/1", "b/2")
    assert call.hung_up == "callee"
    assert call.cause == "Q.850;cause=16"
    assert call.start_ns == START_NS + 10_000_000_000
    assert call.post_dial_delay_s == pytest.approx(1)
    assert call.ring_s == pytest.approx(4)
    assert call.setup_s == pytest.approx(5)
    assert call.talk_s == pytest.approx(30)
    assert call.duration_s == pytest.approx(35)
    assert (call.messages, call.retransmissions, call.attempts) == (7, 0, 1)
    assert call.frames.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert not call.held


def test_display_names() -> None:
    scene = Scene()
    data = (
        request("INVITE")
        .replace(b"From: <", b'From: "Al \\"x\\"" <')
        .replace(b"To: <", b"To: Bo <")
    )
    scene.send(A, B, data)
    call = scene.call()
    assert (call.caller_display, call.callee_display) == ('Al "x"', "Bo")


def test_a_caller_without_a_name_that_the_network_knows() -> None:
    nobody = "sip:anonymous@anonymous.invalid"
    scene = Scene()
    scene.send(
        A, B, request("INVITE", caller=nobody, more=[("P-Asserted-Identity", f'"Al" <{ALICE}>')])
    )
    assert (scene.call().caller, scene.call().asserted) == (nobody, ALICE)


def test_without_times_there_is_order_and_no_seconds() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    (call,) = scene.told(timed=False).calls
    assert call.state == "completed"
    assert (call.setup_s, call.talk_s, call.duration_s, call.post_dial_delay_s) == (None,) * 4
    assert call.answered is not None
    assert call.answered.frame == 3


def test_ringing_at_the_end_of_the_capture() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(180, "Ringing"))
    call = scene.call()
    assert (call.state, call.status, call.ended, call.hung_up) == ("ringing", None, None, None)


def test_talking_at_the_end_of_the_capture() -> None:
    scene = Scene()
    scene.answered()
    call = scene.call()
    assert (call.state, call.status, call.talk_s) == ("in-progress", 200, None)
    assert call.duration_s == pytest.approx(3)


@pytest.mark.parametrize(("later_s", "state"), [(20, "in-progress"), (40, "failed")])
def test_an_invite_that_nobody_answers_fails_after_64_t1(later_s: float, state: str) -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(A, B, request("OPTIONS", call_id="other"), at_s=later_s)
    call = scene.call()
    assert (call.state, call.status) == (state, None)


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        (302, "Moved", "failed"),
        (404, "Not Found", "failed"),
        (408, "Request Timeout", "failed"),
        (480, "Unavailable", "failed"),
        (486, "Busy Here", "rejected"),
        (487, "Request Terminated", "cancelled"),
        (488, "Not Acceptable", "failed"),
        (503, "Unavailable", "failed"),
        (600, "Busy Everywhere", "rejected"),
        (603, "Decline", "rejected"),
    ],
)
def test_a_call_that_is_refused(status: int, reason: str, state: str) -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(B, A, response(status, reason, more=[("Reason", "Q.850;cause=1")]), at_s=2)
    scene.send(A, B, request("ACK", to_tag="b", branch="z9hG4bK-INVITE-1-a"), at_s=2.1)
    call = scene.call()
    assert (call.state, call.status, call.reason) == (state, status, reason)
    assert call.post_dial_delay_s == pytest.approx(2)
    assert (call.setup_s, call.talk_s, call.hung_up) == (None, None, None)
    assert call.duration_s == pytest.approx(2)
    assert call.cause == "Q.850;cause=1"


def test_a_call_that_is_cancelled() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(B, A, response(180, "Ringing"), at_s=1)
    scene.send(
        A,
        B,
        request("CANCEL", branch="z9hG4bK-INVITE-1-a", more=[("Reason", "SIP;cause=200")]),
        at_s=4,
    )
    scene.send(B, A, response(200, "OK", method="CANCEL", branch="z9hG4bK-INVITE-1-a"), at_s=4.1)
    waiting = scene.call()
    assert (waiting.state, waiting.status) == ("cancelled", None)
    scene.send(B, A, response(487, "Request Terminated"), at_s=4.2)
    scene.send(A, B, request("ACK", to_tag="b", branch="z9hG4bK-INVITE-1-a"), at_s=4.3)
    call = scene.call()
    assert (call.state, call.status, call.hung_up) == ("cancelled", 487, "caller")
    assert call.cause == "SIP;cause=200"
    assert call.ring_s == pytest.approx(3.2)


def test_a_cancel_that_comes_too_late() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(A, B, request("CANCEL", branch="z9hG4bK-INVITE-1-a"))
    scene.send(B, A, response(200, "OK", body=audio(5000)))
    scene.send(A, B, request("ACK", to_tag="b"))
    assert (scene.call().state, scene.call().hung_up) == ("in-progress", None)
    scene.send(B, A, request("BYE", from_tag="b", to_tag="a"))
    assert (scene.call().state, scene.call().hung_up) == ("completed", "callee")


def test_a_cancel_that_crosses_a_refusal() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(A, B, request("CANCEL", branch="z9hG4bK-INVITE-1-a"))
    scene.send(B, A, response(486, "Busy Here"))
    assert (scene.call().state, scene.call().hung_up) == ("rejected", None)


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("from_tag", ["a", "a2"])
def test_a_password_is_asked_for(status: int, from_tag: str) -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(B, A, response(status, "Password"), at_s=0.1)
    scene.send(A, B, request("ACK", to_tag="b", branch="z9hG4bK-INVITE-1-a"), at_s=0.2)
    assert (scene.call().state, scene.call().status) == ("failed", status)
    scene.send(A, B, request("INVITE", cseq=2, from_tag=from_tag, body=audio()), at_s=60)
    scene.send(B, A, response(180, "Ringing", cseq=2, from_tag=from_tag), at_s=61)
    scene.send(B, A, response(200, "OK", cseq=2, from_tag=from_tag, body=audio(5000)), at_s=63)
    call = scene.call()
    assert (call.state, call.status, call.attempts) == ("in-progress", 200, 2)
    assert call.post_dial_delay_s == pytest.approx(61)
    assert call.setup_s == pytest.approx(63)


def test_a_wrong_password_fails() -> None:
    scene = Scene()
    for cseq, status in ((1, 407), (2, 403)):
        scene.send(A, B, request("INVITE", cseq=cseq, body=audio()))
        scene.send(B, A, response(status, "No", cseq=cseq))
    call = scene.call()
    assert (call.state, call.status, call.attempts) == ("failed", 403, 2)


def test_a_repetition_that_was_not_captured() -> None:
    scene = Scene()
    scene.send(B, A, response(407, "Password"))
    scene.send(B, A, response(180, "Ringing", cseq=2))
    scene.send(B, A, response(200, "OK", cseq=2, body=audio(5000)))
    call = scene.call()
    assert (call.state, call.status, call.attempts) == ("in-progress", 200, 0)


def test_a_redirection_is_followed() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(302, "Moved", more=[("Contact", f"<{CAROL}>")]))
    scene.send(A, C, request("INVITE", uri=CAROL, cseq=2, body=audio()))
    scene.send(C, A, response(200, "OK", cseq=2, to_tag="c", body=audio(6000)))
    call = scene.call()
    assert (call.state, call.attempts) == ("in-progress", 2)
    assert call.callee == BOB


def test_retransmissions_are_counted_and_left_out() -> None:
    scene = Scene()
    for _ in range(3):
        scene.send(A, B, request("INVITE", body=audio()))
    for _ in range(2):
        scene.send(B, A, response(180, "Ringing"))
    for _ in range(4):
        scene.send(B, A, response(200, "OK", body=audio(5000)))
        scene.send(A, B, request("ACK", to_tag="b"))
    for _ in range(2):
        scene.send(A, B, request("BYE", cseq=2, to_tag="b"))
    call = scene.call()
    assert (call.messages, call.retransmissions) == (15, 2 + 1 + 3 + 3 + 1)
    assert call.invited is not None
    assert call.ended is not None
    assert (call.invited.frame, call.ended.frame) == (1, 14)
    assert len(call.epochs) == 1


def test_a_proxy_is_one_call_with_two_legs() -> None:
    scene = Scene()
    via = "z9hG4bK-proxy"
    answer = audio(5000, host="10.0.0.2")
    scene.send(A, PROXY, request("INVITE", body=audio()), at_s=0)
    scene.send(PROXY, B, request("INVITE", body=audio(), branch=via), at_s=0.1)
    scene.send(B, PROXY, response(180, "Ringing", branch=via), at_s=1)
    scene.send(PROXY, A, response(180, "Ringing"), at_s=1.1)
    scene.send(B, PROXY, response(200, "OK", body=answer, branch=via), at_s=2)
    scene.send(PROXY, A, response(200, "OK", body=answer), at_s=2.1)
    scene.send(A, PROXY, request("ACK", to_tag="b"), at_s=2.2)
    scene.send(PROXY, B, request("ACK", to_tag="b", branch="z9hG4bK-p-ack"), at_s=2.3)
    scene.send(A, PROXY, request("BYE", cseq=2, to_tag="b"), at_s=9)
    scene.send(PROXY, B, request("BYE", cseq=2, to_tag="b", branch="z9hG4bK-p-bye"), at_s=9.1)
    call = scene.call()
    assert (call.state, call.retransmissions, call.attempts) == ("completed", 0, 1)
    assert call.post_dial_delay_s == pytest.approx(1)
    assert call.talk_s == pytest.approx(7)
    assert [(epoch.leg, epoch.offered.frame) for epoch in call.epochs] == [(0, 1), (1, 2)]
    assert all(epoch.answer[0].port == 5000 for epoch in call.epochs)


def test_a_proxy_on_the_same_machine_is_another_leg_too() -> None:
    scene = Scene()
    a, proxy, b = (Place("127.0.0.1", port) for port in (5062, 5060, 5064))
    via = "z9hG4bK-proxy"
    scene.send(a, proxy, request("INVITE", body=audio(4000)))
    scene.send(proxy, b, request("INVITE", body=audio(7000), branch=via))
    scene.send(b, proxy, response(200, "OK", body=audio(5000), branch=via))
    scene.send(proxy, a, response(200, "OK", body=audio(7002)))
    call = scene.call()
    assert [(epoch.leg, epoch.offer[0].port, epoch.answer[0].port) for epoch in call.epochs] == [
        (0, 4000, 7002),
        (1, 7000, 5000),
    ]


def test_a_fork_that_fails_behind_a_proxy_is_no_failure() -> None:
    scene = Scene()
    scene.send(A, PROXY, request("INVITE", body=audio()))
    scene.send(PROXY, B, request("INVITE", branch="z9hG4bK-1", body=audio()))
    scene.send(PROXY, C, request("INVITE", branch="z9hG4bK-2", body=audio()))
    scene.send(B, PROXY, response(486, "Busy", branch="z9hG4bK-1"))
    assert scene.call().state == "rejected"
    scene.send(C, PROXY, response(200, "OK", branch="z9hG4bK-2", to_tag="c", body=audio(6000)))
    scene.send(PROXY, A, response(200, "OK", to_tag="c", body=audio(6000)))
    call = scene.call()
    assert (call.state, call.status) == ("in-progress", 200)


def test_a_proxy_that_cancels_the_other_fork_cancels_no_call() -> None:
    scene = Scene()
    scene.send(A, PROXY, request("INVITE", body=audio()))
    scene.send(PROXY, B, request("INVITE", branch="z9hG4bK-1", body=audio()))
    scene.send(PROXY, B, request("CANCEL", branch="z9hG4bK-1"))
    scene.send(B, PROXY, response(487, "Terminated", branch="z9hG4bK-1"))
    scene.send(PROXY, A, response(480, "Nobody there"))
    call = scene.call()
    assert (call.state, call.status) == ("failed", 480)


def test_the_refusal_that_reached_the_caller_counts() -> None:
    scene = Scene()
    scene.send(A, PROXY, request("INVITE", body=audio()))
    scene.send(PROXY, B, request("INVITE", branch="z9hG4bK-1", body=audio()))
    scene.send(B, PROXY, response(503, "Down", branch="z9hG4bK-1"))
    scene.send(PROXY, A, response(404, "Nowhere"))
    assert (scene.call().status, scene.call().reason) == (404, "Nowhere")


def test_a_b2bua_is_two_calls() -> None:
    scene = Scene()
    scene.send(A, PROXY, request("INVITE", body=audio()))
    scene.send(PROXY, B, request("INVITE", call_id="other@b2bua", from_tag="x", body=audio()))
    assert [call.call_id for call in scene.told().calls] == [CALL_ID, "other@b2bua"]


def test_a_call_id_that_is_used_again_after_the_call() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    scene.send(A, B, request("INVITE", from_tag="a9", body=audio(4010)))
    scene.send(B, A, response(486, "Busy", from_tag="a9", to_tag="b9"))
    first, second = scene.told().calls
    assert (first.state, second.state) == ("completed", "rejected")
    assert first.frames.tolist() == [1, 2, 3, 4, 5, 6]
    assert second.frames.tolist() == [7, 8]


def test_all_of_an_invite_used_again_much_later() -> None:
    scene = Scene()
    for begin in (0.0, 100.0):
        scene.send(A, B, request("INVITE", body=audio()), at_s=begin)
        scene.send(B, A, response(200, "OK", body=audio(5000)), at_s=begin + 1)
        scene.send(A, B, request("BYE", cseq=2, to_tag="b"), at_s=begin + 9)
    first, second = scene.told().calls
    assert [(call.state, call.talk_s) for call in (first, second)] == [("completed", 8.0)] * 2


def test_a_late_copy_of_the_invite_is_no_new_call() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    scene.send(A, B, request("INVITE", body=audio()))
    assert scene.call().retransmissions == 1


def test_two_callers_with_one_call_id_at_a_time() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(C, B, request("INVITE", caller=CAROL, from_tag="c", body=audio(4100)))
    scene.send(B, A, response(200, "OK", body=audio(5000)))
    scene.send(B, C, response(486, "Busy", caller=CAROL, from_tag="c", to_tag="b2"))
    first, second = scene.told().calls
    assert (first.caller, first.state) == (ALICE, "in-progress")
    assert (second.caller, second.state) == (CAROL, "rejected")


def test_a_call_whose_beginning_is_missing() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", cseq=7, to_tag="b", body=audio(4000)))
    scene.send(B, A, response(200, "OK", cseq=7, body=audio(5000)))
    scene.send(A, B, request("ACK", cseq=7, to_tag="b"))
    scene.send(B, A, request("BYE", from_tag="b", to_tag="a", caller=BOB, callee=ALICE))
    call = scene.call()
    assert (call.state, call.hung_up, call.attempts) == ("completed", "callee", 0)
    assert (call.invited, call.setup_s, call.talk_s) == (None, None, None)
    assert [(epoch.offer[0].port, epoch.answer[0].port) for epoch in call.epochs] == [(4000, 5000)]


def test_one_direction_alone() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(A, B, request("ACK", to_tag="b"), at_s=3)
    scene.send(A, B, request("BYE", cseq=2, to_tag="b"), at_s=8)
    call = scene.call()
    assert (call.state, call.status, call.hung_up) == ("completed", None, "caller")
    assert (call.setup_s, call.talk_s) == (3.0, 5.0)


def test_one_direction_of_a_refused_call() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()), at_s=0)
    scene.send(A, B, request("ACK", to_tag="b", branch="z9hG4bK-INVITE-1-a"), at_s=3)
    assert scene.call().answered is None


def test_the_answer_to_a_bye_that_was_not_captured() -> None:
    scene = Scene()
    scene.answered()
    scene.send(B, A, response(200, "OK", method="BYE", cseq=2))
    assert (scene.call().state, scene.call().hung_up) == ("completed", "caller")


def test_a_bye_before_the_answer_ends_the_call() -> None:
    # RFC 3261 section 15: the caller may send a BYE on an early dialog.
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(180, "Ringing"))
    scene.send(A, B, request("BYE", cseq=2, to_tag="b"))
    scene.send(B, A, response(487, "Terminated"))
    assert (scene.call().state, scene.call().hung_up) == ("cancelled", "caller")


def test_a_second_fork_that_answers_is_let_go() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(200, "OK", to_tag="b", body=audio(5000)))
    scene.send(B, A, response(200, "OK", to_tag="c", body=audio(6000)))
    scene.send(A, B, request("BYE", cseq=2, to_tag="c"))
    assert scene.call().state == "in-progress"
    scene.send(A, B, request("BYE", cseq=3, to_tag="b"))
    call = scene.call()
    assert call.state == "completed"
    assert [(e.to_tag, e.ended and e.ended.frame) for e in call.epochs] == [("b", 5), ("c", 4)]


def test_registrations_and_the_like_are_listed_aside() -> None:
    scene = Scene()
    for cseq, status in ((1, 401), (2, 200)):
        scene.send(A, B, request("REGISTER", call_id="r", cseq=cseq))
        scene.send(B, A, response(status, "x", method="REGISTER", call_id="r", cseq=cseq))
    for method in ("OPTIONS", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "INFO"):
        scene.send(A, B, request(method, call_id=method))
    told = scene.told()
    assert told.calls == ()
    register, *others = told.aside
    assert (register.method, register.requests, register.status) == ("REGISTER", 2, 200)
    assert register.frames.tolist() == [1, 2, 3, 4]
    assert (register.from_uri, register.to_uri) == (ALICE, BOB)
    assert [(each.method, each.status) for each in others] == [
        ("OPTIONS", None),
        ("SUBSCRIBE", None),
        ("NOTIFY", None),
        ("PUBLISH", None),
        ("MESSAGE", None),
        ("INFO", None),
    ]


def test_keep_alives_inside_a_call_belong_to_it() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("OPTIONS", cseq=2, to_tag="b"))
    scene.send(B, A, response(200, "OK", method="OPTIONS", cseq=2))
    told = scene.told()
    assert told.aside == ()
    assert told.calls[0].messages == 6


def key(body: bytes, kind: str, cseq: int, *, from_tag: str = "a", to_tag: str = "b") -> bytes:
    return request(
        "INFO", cseq=cseq, body=body, content_type=kind, from_tag=from_tag, to_tag=to_tag
    )


def test_keys_pressed_by_info() -> None:
    relay, plain = "application/dtmf-relay", "application/dtmf"
    scene = Scene()
    scene.answered()
    scene.send(A, B, key(b"Signal=5\r\nDuration=160\r\n", relay, 2))
    scene.send(A, B, key(b"Signal=5\r\nDuration=160\r\n", relay, 2))
    scene.send(A, B, key(b"signal = *\nduration = 250", relay, 3))
    scene.send(A, B, key(b"#", plain, 4))
    scene.send(A, B, key(b"11\r\n", plain, 5))
    scene.send(A, B, key(b"Signal=hf\r\n", relay, 6))
    scene.send(A, B, key(b"Signal=nothing\r\n", relay, 7))
    scene.send(A, B, key(b"Signal=1\r\n", "text/plain", 8))
    scene.send(B, A, key(b"Signal=d\r\n", relay, 1, from_tag="b", to_tag="a"))
    assert [
        (press.frame, press.side, press.digit, press.duration_ms) for press in scene.call().keys
    ] == [
        (5, "caller", "5", 160),
        (7, "caller", "*", 250),
        (8, "caller", "#", None),
        (9, "caller", "#", None),
        (10, "caller", "flash", None),
        (13, "callee", "D", None),
    ]


def test_voice_reports_are_kept() -> None:
    body = b"VQSessionReport: CallTerm\r\nCallID: 6dg37f1890463\r\nLocalID: x\r\n"
    scene = Scene()
    scene.send(
        A, B, request("PUBLISH", call_id="p", body=body, content_type="application/vq-rtcpxr")
    )
    (report,) = scene.told().reports
    assert (report.frame, report.call_id, report.text) == (1, "6dg37f1890463", body.decode())


def test_a_blind_transfer() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("REFER", cseq=2, to_tag="b", more=[("r", f"<{CAROL}>")]))
    scene.send(B, A, response(202, "Accepted", method="REFER", cseq=2))
    scene.send(
        B,
        C,
        request(
            "INVITE",
            call_id="new",
            caller=BOB,
            callee=CAROL,
            from_tag="b2",
            body=audio(),
            more=[("Referred-By", f"<{ALICE}>")],
        ),
    )
    scene.send(
        B,
        A,
        request(
            "NOTIFY",
            from_tag="b",
            to_tag="a",
            body=b"SIP/2.0 200 OK\r\n",
            content_type="message/sipfrag;version=2.0",
        ),
    )
    old, new = scene.told().calls
    (transfer,) = old.transfers
    assert (transfer.frame, transfer.side, transfer.target) == (5, "caller", CAROL)
    assert (transfer.replaces, transfer.status) == ("", 200)
    assert old.successors == ("new",)
    assert (new.referred_by, new.replaces, new.successors) == (ALICE, "", ())


def test_an_attended_transfer() -> None:
    scene = Scene()
    scene.answered()
    scene.send(
        A, C, request("INVITE", call_id="consult", callee=CAROL, from_tag="a2", body=audio())
    )
    scene.send(
        A,
        B,
        request(
            "REFER",
            cseq=2,
            to_tag="b",
            more=[
                (
                    "Refer-To",
                    f"<{CAROL}?Replaces=consult%3Bto-tag%3Dc%3Bfrom-tag%3Da2&Require=replaces>",
                )
            ],
        ),
    )
    scene.send(
        B,
        C,
        request(
            "INVITE",
            call_id="final",
            caller=BOB,
            callee=CAROL,
            from_tag="b3",
            body=audio(),
            more=[("Replaces", "consult;to-tag=c;from-tag=a2")],
        ),
    )
    first, consult, final = scene.told().calls
    assert (first.transfers[0].target, first.transfers[0].replaces) == (CAROL, "consult")
    assert first.successors == ("final",)
    assert final.replaces == "consult"
    assert consult.successors == ()


def test_malformed_lines_are_counted_with_their_first_frame() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    for _ in range(2):
        scene.send(
            A, B, message("OPTIONS sip:b SIP/2.0", [("Call-ID", "o")]).replace(b"Call-ID:", b"")
        )
    assert scene.told().malformed == {"header line without a name": (2, 2)}


def test_messages_without_a_call_id() -> None:
    scene = Scene()
    scene.send(A, B, message("BYE sip:b@x SIP/2.0", []))
    scene.send(A, B, message("OPTIONS sip:b@x SIP/2.0", []))
    told = scene.told()
    assert told.calls == ()
    assert [each.method for each in told.aside] == ["BYE", "OPTIONS"]


def test_memory_is_bounded_by_calls_not_by_messages() -> None:
    import tracemalloc

    def grown(rounds: int) -> int:
        dialogs = Dialogs()
        data = [
            request("INVITE", body=audio()),
            response(200, "OK", body=audio(5000)),
        ]
        for number, each in enumerate(data, start=1):
            found = parse_sip(each)
            assert found is not None
            dialogs.feed(found, Arrival(number, number, "10.0.0.1", 5060, "10.0.0.2", 5060))
        infos = [
            parse_sip(request("OPTIONS", cseq=cseq, to_tag="b", branch=f"z9{cseq}"))
            for cseq in range(2, 2 + rounds)
        ]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for frame, info in enumerate(infos, start=3):
            assert info is not None
            dialogs.feed(info, Arrival(frame, frame, "10.0.0.1", 5060, "10.0.0.2", 5060))
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return after - before

    few, many = grown(500), grown(5000)
    # A frame number of four bytes a message, with room to grow.
    assert many - few < 4500 * 16


def test_endless_offers_stay_bounded() -> None:
    scene = Scene()
    scene.answered()
    for number in range(2, 600):
        scene.send(A, B, request("INVITE", cseq=number, to_tag="b", body=audio(4000 + 2 * number)))
        scene.send(B, A, response(200, "OK", cseq=number, body=audio(5000)))
    call = scene.call()
    assert len(call.epochs) <= 256
    assert call.epochs[-1].offer[0].port == 4000 + 2 * 599


def test_an_address_translator_that_lets_the_branch_stand() -> None:
    inside, outside = Place("192.168.0.5"), Place("198.51.100.1")
    scene = Scene()
    scene.send(inside, B, request("INVITE", body=audio(4000, host="192.168.0.5")))
    scene.send(outside, B, request("INVITE", body=audio(4000, host="198.51.100.1")))
    scene.send(B, outside, response(200, "OK", body=audio(5000, host="10.0.0.2")))
    scene.send(B, inside, response(200, "OK", body=audio(5000, host="10.0.0.2")))
    scene.send(B, inside, response(200, "OK", body=audio(5000, host="10.0.0.2")))
    call = scene.call()
    assert call.retransmissions == 1
    assert [
        (epoch.leg, epoch.offer[0].address, epoch.answered and epoch.answered.frame)
        for epoch in call.epochs
    ] == [(0, "192.168.0.5", 4), (1, "198.51.100.1", 3)]


def test_a_fork_that_fails_long_before_the_other_answers() -> None:
    scene = Scene()
    scene.send(A, PROXY, request("INVITE", body=audio()), at_s=0)
    scene.send(PROXY, B, request("INVITE", branch="z9hG4bK-1", body=audio()), at_s=0.1)
    scene.send(B, PROXY, response(486, "Busy", branch="z9hG4bK-1"), at_s=1)
    for number in range(200):
        scene.send(A, B, request("OPTIONS", call_id=f"o{number}"), at_s=2 + 2 * number)
    scene.send(PROXY, A, response(200, "OK", to_tag="c", body=audio(6000)), at_s=500)
    assert scene.call().state == "in-progress"


def test_what_comes_long_after_the_end_is_still_counted() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    for number in range(200):
        scene.send(A, B, request("OPTIONS", call_id=f"o{number}"), at_s=10 + 2 * number)
    late = scene.send(B, A, response(200, "OK", method="BYE", cseq=2), at_s=900)
    call = scene.call()
    assert (call.state, call.messages, call.talk_s) == ("completed", 7, 2)
    assert call.frames[-1] == late
    assert call.last.frame == late
    again = scene.send(A, B, request("INVITE", body=audio()), at_s=901)
    assert [each.first.frame for each in scene.told().calls] == [1, again]
