"""Bytes -> SIP messages: what is read of sound and of broken ones."""

from __future__ import annotations

import pytest

from rtpcap.signalling import SipMessage, parse_sip, parse_sip_messages
from tests.signalling.build import CALL_ID, audio, build, message, request, response, text


def parsed(data: bytes) -> SipMessage:
    found = parse_sip(data)
    assert found is not None
    return found


def reasons(found: SipMessage) -> list[str]:
    return [wrong.reason for wrong in found.malformed]


def test_a_request() -> None:
    found = parsed(
        message(
            "INVITE sip:bob@example.org SIP/2.0",
            [
                ("Via", "SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK77"),
                ("Via", "SIP/2.0/TCP a.example.org;branch=z9hG4bK66, SIP/2.0/UDP b.example.org"),
                ("From", '"Alice Smith" <sip:alice@example.org;user=phone>;tag=17'),
                ("To", "Bob <sip:bob@example.org>"),
                ("Call-ID", "a84b4c76e66710"),
                ("CSeq", "314159 INVITE"),
                ("Contact", "<sip:alice@10.0.0.1:5062>;expires=60, <sip:alice@10.0.0.5>"),
                ("User-Agent", "phone/1.0"),
                ("Expires", "120"),
                ("Content-Type", "application/SDP; charset=utf-8"),
            ],
            audio(),
        )
    )
    assert (found.method, found.uri, found.status) == ("INVITE", "sip:bob@example.org", 0)
    assert found.is_request
    assert found.version == "SIP/2.0"
    assert found.from_ == ("Alice Smith", "sip:alice@example.org;user=phone", "17")
    assert found.to == ("Bob", "sip:bob@example.org", "")
    assert found.call_id == "a84b4c76e66710"
    assert found.cseq == (314159, "INVITE")
    assert found.contact.uri == "sip:alice@10.0.0.1:5062"
    assert found.branch == "z9hG4bK77"
    assert len(found.vias) == 3
    assert found.agent == "phone/1.0"
    assert found.expires == 120
    assert found.content_type == "application/sdp"
    assert found.sdp is not None
    assert [media.port for media in found.sdp.media] == [4000]
    assert found.malformed == ()


def test_a_response() -> None:
    found = parsed(response(486, "Busy Here", more=[("Reason", "Q.850;cause=17")]))
    assert (found.method, found.uri) == ("", "")
    assert (found.status, found.reason) == (486, "Busy Here")
    assert not found.is_request
    assert found.to.tag == "b"
    assert found.cseq == (1, "INVITE")
    assert found.reason_header == "Q.850;cause=17"
    assert str(found) == "486 Busy Here"


@pytest.mark.parametrize(
    "line", [b"SIP/2.0 200", b"SIP/2.0 200 ", b"sip/2.0 200 ", b"SIP/2.0\t200"]
)
def test_a_status_line_without_a_reason(line: bytes) -> None:
    found = parsed(line + b"\r\nCall-ID: x\r\n\r\n")
    assert (found.status, found.reason, found.call_id) == (200, "", "x")


def test_compact_names() -> None:
    compact = text(
        "INVITE sip:bob@example.org SIP/2.0",
        "v:SIP/2.0/UDP h;branch=z9",
        "f:<sip:a@x>;tag=1",
        "t :<sip:b@x>",
        "i: c1",
        "m:<sip:a@h>",
        "CSEQ: 1 INVITE",
        "c: application/sdp",
        "k: 100rel",
        "l: 3",
        "",
    )
    found = parsed(compact + b"v=0")
    assert [name for name, _ in found.headers] == [
        "Via",
        "From",
        "To",
        "Call-ID",
        "Contact",
        "CSeq",
        "Content-Type",
        "Supported",
        "Content-Length",
    ]
    assert found.header("i") == found.header("call-id") == found.header("Call-ID") == "c1"
    assert found.header("Route") == ""
    assert found.body == b"v=0"


def test_names_that_nobody_registered_get_one_spelling() -> None:
    found = parsed(text("BYE sip:b@x SIP/2.0", "x-my-header: 1", "X-My-HEADER: 2", ""))
    assert found.all("X-my-Header") == ("1", "2")


def test_folded_lines() -> None:
    found = parsed(
        b"INVITE sip:b@x SIP/2.0\r\nSubject: one\r\n  two\r\n\tthree\r\nCall-ID:\r\n c1\r\n"
        b"CSeq: 1\r\n INVITE\r\n\r\n"
    )
    assert found.header("Subject") == "one two three"
    assert found.call_id == "c1"
    assert found.cseq == (1, "INVITE")


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"], ids=["CR LF", "LF", "CR"])
def test_line_ends(end: bytes) -> None:
    data = request("INVITE", body=audio())
    head, _, body = data.partition(b"\r\n\r\n")
    found = parsed(head.replace(b"\r\n", end) + end + end + body)
    assert found.call_id == CALL_ID
    assert found.body == body
    assert found.malformed == ()


def test_mixed_line_ends() -> None:
    found = parsed(b"BYE sip:b@x SIP/2.0\nCall-ID: c1\r\nCSeq: 2 BYE\rTo: <sip:b@x>\n\r\nbody")
    assert (found.call_id, found.cseq, found.to.uri) == ("c1", (2, "BYE"), "sip:b@x")
    assert found.body == b"body"


def test_an_early_blank_line_of_another_kind_ends_the_head() -> None:
    found = parsed(b"BYE sip:b@x SIP/2.0\nCall-ID: c1\n\nTo: body\r\n\r\nmore")
    assert found.headers == (("Call-ID", "c1"),)
    assert found.body == b"To: body\r\n\r\nmore"


def test_text_that_is_not_ascii() -> None:
    found = parsed(
        "INVITE sip:jörg@x SIP/2.0\r\nFrom: Jörg <sip:jörg@x>;tag=1\r\n".encode()
        + b"Subject: J\xf6rg\r\n\r\n"
    )
    assert found.from_ == ("Jörg", "sip:jörg@x", "1")
    assert found.header("Subject") == "J�rg"


def test_blanks_before_a_message() -> None:
    found = parsed(b"\r\n\r\n\0 " + request("BYE"))
    assert found.method == "BYE"
    assert found.malformed == ()


def test_junk_before_a_message_is_reported() -> None:
    found = parsed(b"\x01\x02junk\r\n" + request("BYE"))
    assert found.method == "BYE"
    assert reasons(found) == ["other bytes before the start line"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
        b"OPTIONS rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"\x80\x00\x00\x01" + bytes(160),
        b"SIP",
        b"INVITE sip:b@x",
        b"text about SIP/2.0 here",
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    assert parse_sip(data) is None


def test_lines_that_are_no_header_are_kept() -> None:
    found = parsed(text("BYE sip:b@x SIP/2.0", "no colon here", ": no name", "To: <sip:b@x>", ""))
    assert found.to.uri == "sip:b@x"
    assert [wrong.text for wrong in found.malformed] == ["no colon here", ": no name"]


def test_a_head_without_an_end() -> None:
    found = parsed(b"INVITE sip:b@x SIP/2.0\r\nCall-ID: c1\r\nCSeq: 1 INV")
    assert found.call_id == "c1"
    assert found.header("CSeq") == "1 INV"
    assert found.body == b""
    assert reasons(found) == ["head without an end"]


def test_several_messages_by_their_length() -> None:
    first, second, third = request("INVITE", body=audio()), request("ACK"), response(200, "OK")
    data = first + b"\r\n\r\n" + second + third
    found = list(parse_sip_messages(data))
    assert [str(each) for each in found] == [
        "INVITE sip:bob@example.org",
        "ACK sip:bob@example.org",
        "200 OK",
    ]
    assert found[0].body == audio()
    parts = zip(found, (first, second, third), strict=True)
    assert all(data[: each.end].endswith(part) for each, part in parts)
    assert not any(each.malformed for each in found)


def test_a_datagram_is_its_first_message() -> None:
    assert parsed(request("BYE") + request("ACK")).method == "BYE"


@pytest.mark.parametrize("length", ["", "bad", "-5"])
def test_a_message_without_a_length_ends_at_the_next(length: str) -> None:
    first = message(
        "INVITE sip:b@x SIP/2.0", [("Content-Type", "application/sdp")], audio(), length=length
    )
    one, two = parse_sip_messages(first + request("BYE"))
    assert one.body == audio()
    assert two.method == "BYE"


def test_a_length_that_is_too_small_loses_nothing() -> None:
    data = message(
        "INVITE sip:b@x SIP/2.0", [("Content-Type", "application/sdp")], audio(), length=20
    )
    one, two = parse_sip_messages(data + request("BYE"))
    assert one.body == audio()
    assert reasons(one) == ["Content-Length is too small"]
    assert two.method == "BYE"


@pytest.mark.parametrize("length", [len(audio()) + 1, 10**30, "9" * 5000])
def test_a_length_that_is_too_large_is_a_cut_body(length: int | str) -> None:
    found = parsed(
        message("INVITE sip:b@x SIP/2.0", [("c", "application/sdp")], audio(), length=length)
    )
    assert found.cut
    assert found.body == audio()
    assert found.missing == min(int(str(length)[:19]), 10**18) - len(audio())
    assert reasons(found) == ["body is cut"]
    assert found.sdp is not None


def test_a_cut_body_ends_at_the_next_message() -> None:
    one, two = parse_sip_messages(
        message("INVITE sip:b@x SIP/2.0", [("c", "application/sdp")], audio(), length=9999)
        + request("BYE")
    )
    assert one.cut
    assert one.body == audio()
    assert two.method == "BYE"


def test_the_first_of_two_lengths_counts() -> None:
    data = message("BYE sip:b@x SIP/2.0", [("l", "4")], b"body", length=9)
    assert parsed(data).body == b"body"


def test_a_fragment_inside_a_body_is_no_message() -> None:
    body = text("SIP/2.0 200 OK", "To: <sip:c@x>", "")
    data = message("NOTIFY sip:a@x SIP/2.0", [("Content-Type", "message/sipfrag")], body, length="")
    (found,) = parse_sip_messages(data)
    assert found.body == body


def multipart(*parts: bytes, boundary: str = "b1", value: str | None = None) -> bytes:
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    kind = f"multipart/mixed; boundary={boundary}" if value is None else value
    return message(
        "INVITE sip:b@x SIP/2.0",
        [("Content-Type", kind)],
        b"preamble\r\n" + body + f"--{boundary}--\r\nepilogue".encode(),
    )


def test_the_parts_of_a_multipart() -> None:
    found = parsed(
        multipart(
            b"content-type: application/sdp\r\n\r\n" + audio(),
            b"Content-Type: application/isup;version=x\r\n\r\n\x01\x00\x49",
            b"\r\nplain",
        )
    )
    # The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
    assert [(part.content_type, part.body) for part in found.parts] == [
        ("application/sdp", audio()),
        ("application/isup", b"\x01\x00\x49"),
        ("text/plain", b"plain"),
    ]
    assert found.sdp is not None
    assert found.sdp.media[0].port == 4000


def test_a_quoted_boundary() -> None:
    found = parsed(
        multipart(b"\r\none", boundary="a b:c", value='multipart/mixed;boundary="a b:c"')
    )
    assert [part.body for part in found.parts] == [b"one"]


def test_a_multipart_that_is_cut_keeps_its_last_part() -> None:
    data = multipart(b"\r\none", b"Content-Type: application/sdp\r\n\r\n" + audio())
    found = parsed(data[:-20])
    assert found.cut
    assert found.parts[0].body == b"one"
    assert found.sdp is not None
    assert found.sdp.media[0].port == 4000


def test_a_multipart_without_its_boundary_parameter() -> None:
    body = b"--xyz\r\nContent-Type: application/sdp\r\n\r\n" + audio() + b"\r\n--xyz--"
    found = parsed(message("INVITE sip:b@x SIP/2.0", [("c", "multipart/mixed")], body))
    assert found.sdp is not None


def test_a_multipart_inside_a_multipart() -> None:
    inner = b"--in\r\nContent-Type: application/sdp\r\n\r\n" + audio() + b"\r\n--in--"
    found = parsed(multipart(b"Content-Type: multipart/alternative;boundary=in\r\n\r\n" + inner))
    assert [part.content_type for part in found.parts] == ["application/sdp"]


def test_multiparts_inside_each_other_without_end_stay_whole_at_a_depth() -> None:
    body = b"x"
    for level in range(100):
        head = f"--b{level}\r\nContent-Type: multipart/mixed;boundary=b{level - 1}\r\n\r\n"
        body = head.encode() + body + f"\r\n--b{level}--".encode()
    found = parsed(message("INVITE sip:b@x SIP/2.0", [("c", "multipart/mixed;boundary=b99")], body))
    (part,) = found.parts
    assert part.content_type == "multipart/mixed"
    assert b"x" in part.body


def test_a_description_without_a_content_type() -> None:
    found = parsed(message("INVITE sip:b@x SIP/2.0", [], audio()))
    assert found.sdp is not None
    assert parsed(message("INVITE sip:b@x SIP/2.0", [], b"other")).sdp is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<sip:a@x>;tag=1", ("", "sip:a@x", "1")),
        ("sip:a@x;tag=1", ("", "sip:a@x", "1")),
        ("sip:a@x ; tag = 1", ("", "sip:a@x", "1")),
        ("Alice <sip:a@x;lr>;x=y;TAG=1", ("Alice", "sip:a@x;lr", "1")),
        ('"<Alice>; tag=9" <sip:a@x>;tag=1', ("<Alice>; tag=9", "sip:a@x", "1")),
        ('"a\\"b\\\\" <sip:a@x>', ('a"b\\', "sip:a@x", "")),
        ("Two Words<tel:+1-2>", ("Two Words", "tel:+1-2", "")),
        ("<sip:a@x", ("", "sip:a@x", "")),
        ('"open <sip:a@x>', ("open", "sip:a@x", "")),
        ("", ("", "", "")),
    ],
)
def test_parties(value: str, expected: tuple[str, str, str]) -> None:
    assert tuple(parsed(message("BYE sip:b@x SIP/2.0", [("From", value)])).from_) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1 INVITE", (1, "INVITE")),
        ("0009   INVITE", (9, "INVITE")),
        ("4294967295 INVITE", (4294967295, "INVITE")),
        ("99999999999999999 INVITE", (0, "INVITE")),
        ("x INVITE", (0, "INVITE")),
        ("", (0, "BYE")),
    ],
)
def test_cseq(value: str, expected: tuple[int, str]) -> None:
    assert parsed(message("BYE sip:b@x SIP/2.0", [("CSeq", value)])).cseq == expected


@pytest.mark.parametrize("status", [0, 99, 700, 4294967])
def test_a_status_out_of_range_is_a_response_and_reported(status: int) -> None:
    found = parsed(f"SIP/2.0 {status} Odd\r\nCall-ID: c\r\n\r\n".encode())
    assert not found.is_request
    assert reasons(found) == ["status is not in 100..699"]


def test_what_is_built_of_a_message_is_that_message() -> None:
    data = request("INVITE", body=audio(), more=[("Route", "<sip:p@x;lr>"), ("X-Y", "")])
    assert build(parsed(data)) == data
