"""Messages that are legal and look wrong, or wrong and look legal: the ideas of RFC 4475, anew."""

from __future__ import annotations

import pytest

from rtpcap.signalling import SipMessage, parse_sip, parse_sip_messages
from tests.signalling.build import A, B, Scene, audio, message, request, response, text


def parsed(data: bytes) -> SipMessage:
    found = parse_sip(data)
    assert found is not None
    return found


def test_white_space_wherever_it_is_allowed() -> None:
    # 3.1.1.1: folds inside values, names followed by blanks, tags in odd places.
    found = parsed(
        text(
            "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
            "TO :",
            " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
            'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
            "  ;",
            "  tag = 98asjd8",
            "cseq: 0009",
            "  INVITE",
            "Via  : SIP  /   2.0",
            " /UDP",
            "    192.0.2.2;branch=390skdjuw",
            "s :",
            "NewFangledHeader:   newfangled value",
            " continued newfangled value",
            "i: fold@example.com",
            "",
        )
    )
    assert found.to == ("", "sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert found.from_ == ('J Rosenberg \\"', "sip:jdrosen@example.com", "98asjd8")
    assert found.cseq == (9, "INVITE")
    assert found.branch == "390skdjuw"
    assert found.header("Subject") == ""
    assert found.header("NewFangledHeader") == "newfangled value continued newfangled value"
    assert found.malformed == ()


def test_every_character_that_a_method_may_have() -> None:
    # 3.1.1.2
    method = "!interesting-Method0123456789_*+`.%indeed'~"
    found = parsed(
        message(f"{method} sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@x SIP/2.0", [])
    )
    assert found.method == method
    assert found.uri == "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@x"


def test_escaped_characters_stay_escaped() -> None:
    # 3.1.1.3 and 3.1.1.4: what is escaped is not the same as what it stands for.
    found = parsed(
        message(
            "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
            [("To", "sip:%75se%72@example.com"), ("From", "<sip:I%20have%20spaces@x>;tag=%31")],
        )
    )
    assert found.uri == "sip:sips%3Auser%40example.com@example.net"
    assert found.to.uri == "sip:%75se%72@example.com"
    assert found.from_ == ("", "sip:I%20have%20spaces@x", "%31")


def test_no_white_space_between_a_name_and_its_bracket() -> None:
    # 3.1.1.6
    found = parsed(message("OPTIONS sip:u@x SIP/2.0", [("From", "caller<sip:c@x>;tag=323")]))
    assert found.from_ == ("caller", "sip:c@x", "323")


def test_long_values() -> None:
    # 3.1.1.7
    name = "I have a user name of extreme proportion " * 20
    found = parsed(
        message(
            f"INVITE sip:{'long' * 300}@x SIP/2.0",
            [("To", f'"{name}" <sip:u@x:6000>'), ("Call-ID", "longreq." + "one" * 400)]
            + [("Via", f"SIP/2.0/TCP sip{i}.example.com") for i in range(35)],
        )
    )
    assert found.to.display == name
    assert len(found.call_id) == 8 + 3 * 400
    assert len(found.vias) == 35


def test_a_second_message_behind_a_whole_one() -> None:
    # 3.1.1.8: what stands behind the length of a datagram is not its message.
    register = message("REGISTER sip:example.com SIP/2.0", [("CSeq", "8 REGISTER")])
    data = register + request("INVITE", body=audio())
    assert parsed(data).method == "REGISTER"
    assert parsed(data).body == b""
    assert [each.method for each in parse_sip_messages(data)] == ["REGISTER", "INVITE"]


def test_a_semicolon_in_the_user_part() -> None:
    # 3.1.1.9
    found = parsed(message("OPTIONS sip:user;par=u%40example.net@x SIP/2.0", []))
    assert found.uri == "sip:user;par=u%40example.net@x"


def test_a_reason_phrase_that_is_not_ascii_and_one_that_is_empty() -> None:
    # 3.1.1.12 and 3.1.1.13
    reason = "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert parsed(response(200, reason)).reason == reason
    assert parsed(b"SIP/2.0 100 \r\nCall-ID: x\r\n\r\n").reason == ""


def test_a_body_with_nul_bytes() -> None:
    # 3.1.1.11: a body is bytes.
    body = bytes(range(256)) * 4
    data = message("MESSAGE sip:k@x SIP/2.0", [("Content-Type", "application/octets")], body)
    assert parsed(data).body == body


def test_a_start_line_with_blanks_too_many() -> None:
    # 3.1.2.9, 3.1.2.10 and 3.1.2.7: to be refused by a server; here they are read.
    for line in (
        "INVITE  sip:u@x  SIP/2.0",
        "INVITE sip:u@x SIP/2.0  ",
        "INVITE sip:u@x ; lr SIP/2.0",
    ):
        found = parsed(message(line, [("Call-ID", "c")]))
        assert found.method == "INVITE"
        assert found.uri.startswith("sip:u@x")


def test_quotes_that_do_not_end() -> None:
    # 3.1.2.6
    found = parsed(message("INVITE sip:u@x SIP/2.0", [("To", '"Mr. J. User <sip:j@x>')]))
    assert found.to.uri == "sip:j@x"


def test_a_uri_in_angle_brackets_on_the_start_line() -> None:
    # 3.1.2.8
    assert parsed(message("INVITE <sip:user@example.com> SIP/2.0", [])).uri == (
        "<sip:user@example.com>"
    )


def test_another_version() -> None:
    # 3.1.2.16
    found = parsed(message("OPTIONS sip:t@x SIP/7.0", [("CSeq", "1 OPTIONS")]))
    assert (found.method, found.version) == ("OPTIONS", "SIP/7.0")


def test_a_method_that_is_not_that_of_cseq() -> None:
    # 3.1.2.17: the start line says what it is.
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()).replace(b"1 INVITE", b"8 NEWMETHOD"))
    (call,) = scene.told().calls
    assert call.attempts == 1


@pytest.mark.parametrize("missing", ["Call-ID", "From", "To", "CSeq", "Via"])
def test_an_invite_without_a_header_that_it_needs_is_still_told(missing: str) -> None:
    # 3.3.1
    lines = request("INVITE", body=audio()).split(b"\r\n")
    data = b"\r\n".join(line for line in lines if not line.startswith(missing.encode()))
    scene = Scene()
    scene.send(A, B, data)
    (call,) = scene.told().calls
    assert call.callee == ("" if missing == "To" else "sip:bob@example.org")
    assert [epoch.offer[0].port for epoch in call.epochs] == [4000]


def test_headers_that_stand_once_stand_twice() -> None:
    # 3.3.8: the first counts.
    found = parsed(
        message(
            "INVITE sip:u@x SIP/2.0",
            [("CSeq", "59 INVITE"), ("Call-ID", "one"), ("Call-ID", "two"), ("CSeq", "8 INVITE")],
        )
    )
    assert (found.call_id, found.cseq) == ("one", (59, "INVITE"))
    assert found.all("Call-ID") == ("one", "two")
