"""The ladder: rows, and lines of text."""

from __future__ import annotations

from rtpcap.signalling.ladder import ladder_lines, ladder_rows
from tests.signalling.build import (
    ALICE,
    BOB,
    START_NS,
    A,
    B,
    Place,
    Scene,
    audio,
    request,
    response,
)


def scene() -> Scene:
    made = Scene()
    made.send(A, B, request("INVITE", body=audio()), at_s=0)
    made.send(A, B, request("INVITE", body=audio()), at_s=0.5)
    made.send(B, A, response(180, "Ringing"), at_s=1.25)
    held = audio(5000, lines=["a=sendonly"], formats="0")
    made.send(B, A, response(200, "OK", body=held), at_s=2)
    made.send(A, B, request("BYE", cseq=2, to_tag="b", more=[("Reason", "Q.850;cause=16")]), at_s=9)
    made.send(B, A, response(200, "OK", method="BYE", cseq=2), at_s=9.000001)
    return made


def test_rows() -> None:
    rows = ladder_rows(scene().sent, START_NS)
    assert [(row.frame, row.time_s, row.src, row.dst, row.text, row.again) for row in rows] == [
        (
            1,
            0.0,
            "10.0.0.1:5060",
            "10.0.0.2:5060",
            "INVITE sip:bob@example.org (PCMU PCMA telephone-event)",
            False,
        ),
        (
            2,
            0.5,
            "10.0.0.1:5060",
            "10.0.0.2:5060",
            "INVITE sip:bob@example.org (PCMU PCMA telephone-event)",
            True,
        ),
        (3, 1.25, "10.0.0.2:5060", "10.0.0.1:5060", "180 Ringing", False),
        (4, 2.0, "10.0.0.2:5060", "10.0.0.1:5060", "200 OK (PCMU, hold)", False),
        (5, 9.0, "10.0.0.1:5060", "10.0.0.2:5060", "BYE [Q.850;cause=16]", False),
        (6, 9.000001, "10.0.0.2:5060", "10.0.0.1:5060", "200 OK to BYE", False),
    ]
    assert rows[0].row()["call_id"] == "call-1@example.org"


def test_lines() -> None:
    lines = ladder_lines(ladder_rows(scene().sent, START_NS), 80)
    assert lines[0] == " " * 12 + "10.0.0.1:5060" + " " * 42 + "10.0.0.2:5060"
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) == 7
    left, right = 12, 79
    for line in lines[1:]:
        assert line[left] == line[right] == "|"
    assert [line[right - 1] == ">" for line in lines[1:]] == [True, True, False, False, True, False]
    assert [line[left + 1] == "<" for line in lines[1:]] == [False, False, True, True, False, True]
    assert "180 Ringing" in lines[3]
    assert "(again)" in lines[2]
    assert lines[5].startswith("  9.000000")


def test_what_does_not_fit_on_an_arrow_is_cut_visibly() -> None:
    lines = ladder_lines(ladder_rows(scene().sent, START_NS), 50)
    assert "…" in lines[1]
    assert all(len(line) <= 50 for line in lines)


def test_three_ends() -> None:
    made = Scene()
    c = Place("2001:db8::3", 5070)
    made.send(A, B, request("INVITE"))
    made.send(B, c, request("INVITE", branch="x"))
    made.send(c, A, response(200, "OK"))
    lines = ladder_lines(ladder_rows(made.sent, START_NS), 100)
    assert lines[0].split() == ["10.0.0.1:5060", "10.0.0.2:5060", "[2001:db8::3]:5070"]
    bars = [i for i, character in enumerate(lines[1]) if character == "|"]
    assert len(bars) == 3
    # The third message passes the middle end.
    assert [i for i, character in enumerate(lines[3]) if character == "|"] == [bars[0], bars[2]]


def test_a_narrow_terminal_gets_plain_lines() -> None:
    lines = ladder_lines(ladder_rows(scene().sent, START_NS), 30)
    assert len(lines) == 6
    assert lines[2] == "  1.250000  10.0.0.2:5060 > 1…"


def test_a_message_to_oneself() -> None:
    made = Scene()
    made.send(A, B, request("ACK"))
    made.send(A, A, request("OPTIONS", call_id="o"))
    lines = ladder_lines(ladder_rows(made.sent, START_NS), 80)
    assert lines[2].endswith("OPTIONS sip:bob@example.org")


def test_without_times_the_frame_stands_there() -> None:
    rows = ladder_rows(scene().sent)
    assert rows[0].time_s is None
    assert ladder_lines(rows, 80)[1].startswith("     1")


def test_no_messages() -> None:
    assert ladder_rows([]) == []
    assert ladder_lines([], 80) == []


def test_other_bodies_and_rejected_lines() -> None:
    made = Scene()
    made.send(A, B, request("INFO", body=b"Signal=1", content_type="application/dtmf-relay"))
    made.send(B, A, response(200, "OK", body=audio(0)))
    made.send(A, B, request("REFER", caller=ALICE, callee=BOB, more=[("Refer-To", "<sip:c@x>")]))
    assert [row.text for row in ladder_rows(made.sent)] == [
        "INFO (application/dtmf-relay)",
        "200 OK (audio rejected)",
        "REFER to <sip:c@x>",
    ]
