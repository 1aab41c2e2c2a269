"""Whatever comes: a message or None, calls or none, and never longer than what came.

The hostile cases are so large that work that grows with the square of a length would not end.
"""

from __future__ import annotations

from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.signalling import (
    Arrival,
    Dialogs,
    SipMessage,
    looks_like_sip,
    parse_sdp,
    parse_sip,
    parse_sip_messages,
)
from rtpcap.signalling.ladder import ladder_lines, ladder_rows
from rtpcap.signalling.rtsp import RtspSessions, parse_rtsp
from tests.effort import examples
from tests.signalling.build import A, B, Scene, audio, build, message, request, response, text

LARGE = 300_000
"""Bytes of a hostile case, some times what a datagram holds."""

PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\0",
        b":",
        b";",
        b",",
        b"<",
        b">",
        b'"',
        b"\\",
        b"=",
        b"--b",
        b"SIP/2.0 200 OK\r\n",
        b"INVITE sip:b@x SIP/2.0\r\n",
        b"BYE sip:b@x SIP/2.0\r\n",
        b"Via: SIP/2.0/UDP h;branch=z9\r\n",
        b"From: <sip:a@x>;tag=1\r\n",
        b'To: "B" <sip:b@x>;tag=2\r\n',
        b"Call-ID: c\r\n",
        b"CSeq: 1 INVITE\r\n",
        b"Content-Length: 10\r\n",
        b"c: application/sdp\r\n",
        b"c: multipart/mixed;boundary=b\r\n",
        b"\r\n\r\n",
        b"v=0\r\n",
        b"m=audio 4000 RTP/AVP 0 96\r\n",
        b"a=rtpmap:96 opus/48000/2\r\n",
        b"c=IN IP4 1.2.3.4\r\n",
        b"RTSP/1.0 200 OK\r\n",
        b"SETUP rtsp://h RTSP/1.0\r\n",
        "ö".encode(),
        b"\xff",
    ]
)
BYTES = st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40).map(b"".join)


def go_through(data: bytes) -> None:
    """All that can be asked of bytes."""
    looks_like_sip(data)
    first = parse_sip(data)
    messages = list(parse_sip_messages(data))
    assert (first is None) == (not messages)
    assert messages[:1] == ([] if first is None else [first])
    end = 0
    for found in messages:
        assert end < found.end <= len(data)
        end = found.end
        ask_all(found)
    dialogs = Dialogs()
    sent = []
    for number, found in enumerate(messages, start=1):
        arrival = Arrival(number, number * 10**9, "a", 1, "b", 2)
        dialogs.feed(found, arrival)
        sent.append((arrival, found))
    told = dialogs.finish()
    assert told.messages == len(messages)
    frames = [frame for call in told.calls for frame in call.frames]
    frames += [frame for each in told.aside for frame in each.frames]
    assert sorted(frames) == list(range(1, len(messages) + 1))
    for place in told.endpoints:
        assert told.endpoints.at(*place)
    for call in told.calls:
        assert repr(call)
        list(call.crypto())
    assert all(len(line) <= 100 for line in ladder_lines(ladder_rows(sent, 0), 100))
    parse_sdp(data)
    rtsp = parse_rtsp(data)
    if rtsp is not None:
        RtspSessions().feed(rtsp, Arrival(1, None, "a", 1, "b", 2))


def ask_all(found: SipMessage) -> None:
    assert found.is_request == (found.status == 0)
    assert found.missing >= 0
    assert len(found.cseq) == 2
    assert sum(len(part.body) for part in found.parts) <= len(found.body)
    for name in list({name for name, _ in found.headers})[:20]:
        assert found.header(name) == found.all(name)[0]
    assert found.from_.uri == found.from_.uri.strip(" \t")
    for value in (found.call_id, found.branch, found.agent, found.reason_header, str(found)):
        assert isinstance(value, str)
    assert isinstance(found.vias, tuple)
    assert found.contact is not None
    assert found.expires is None or found.expires >= 0


@given(BYTES)
def test_pieces_of_messages(data: bytes) -> None:
    go_through(data)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    go_through(data)


@given(st.data())
@settings(max_examples=examples(40))
def test_messages_with_bytes_changed(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [
                request("INVITE", body=audio()),
                response(200, "OK", body=audio(5000)) + request("ACK", to_tag="b"),
                request("REFER", to_tag="b", more=[("Refer-To", "<sip:c@x?Replaces=1%3Bto-tag>")]),
                request(
                    "INFO", body=b"Signal=1", content_type="application/dtmf-relay", to_tag="b"
                ),
            ]
        )
    )
    out = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(out) - 1))
        out[at : at + data.draw(st.integers(0, 9))] = data.draw(BYTES)
        out = out or bytearray(b"x")
    go_through(bytes(out))


TOKENS = st.text("abcXYZ019.-_~!", min_size=1, max_size=12)
VALUES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85\u2028\u2029"),
    max_size=30,
).map(lambda value: value.strip(" \t"))
NAMES = st.one_of(
    st.sampled_from(["Via", "From", "To", "Call-ID", "CSeq", "Route", "Content-Type", "X-Thing"]),
    st.text("abc-", min_size=2, max_size=8).map(
        lambda name: "-".join(word.capitalize() for word in name.split("-"))
    ),
)


@st.composite
def built_messages(draw: st.DrawFn) -> SipMessage:
    body = draw(st.binary(max_size=60))
    headers = (*draw(st.lists(st.tuples(NAMES, VALUES), max_size=8)),)
    headers += (("Content-Length", str(len(body))),)
    if draw(st.booleans()):
        uri = draw(st.text("abc:@;=?&%.", min_size=1, max_size=30))
        return SipMessage(draw(TOKENS), uri, 0, "", "SIP/2.0", headers, body)
    status = draw(st.integers(100, 699))
    return SipMessage("", "", status, draw(VALUES), "SIP/2.0", headers, body)


@given(built_messages())
def test_parse_of_build_is_the_same(built: SipMessage) -> None:
    assert parse_sip(build(built)) == built


@given(st.lists(built_messages(), max_size=5))
def test_a_stream_of_built_messages(built: list[SipMessage]) -> None:
    assert list(parse_sip_messages(b"".join(build(each) for each in built))) == built


class Hostile(Protocol):
    def __call__(self) -> bytes: ...


def many_headers() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\n" + b"A: b\r\n" * (LARGE // 6) + b"\r\n"


def many_names() -> bytes:
    names = b"".join(b"X-%d: b\r\n" % number for number in range(LARGE // 12))
    return b"INVITE sip:b@x SIP/2.0\r\n" + names + b"\r\n"


def endless_folding() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\nSubject: a" + b"\r\n b" * (LARGE // 4) + b"\r\n\r\n"


def blank_folds() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\nSubject:" + b"\r\n" + b" " * LARGE + b"\r\n\r\n"


def a_long_name() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\n" + b"n" * LARGE + b": x\r\n\r\n"


def a_long_line() -> bytes:
    return b"INVITE " + b" " * LARGE + b"sip:b@x SIP/2.0\r\n\r\n"


def a_start_line_that_never_ends() -> bytes:
    return b"INVITE " + b" SIP/2.0 x" * (LARGE // 10)


def blanks() -> bytes:
    return b"\r\n" * (LARGE // 2)


def nuls() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\n" + bytes(LARGE)


def line_feeds_alone() -> bytes:
    return b"OPTIONS sip:b@x SIP/2.0\nl:0\n\n" * (LARGE // 31)


def no_lengths() -> bytes:
    return b"OPTIONS sip:b@x SIP/2.0\r\nTo: x\r\n\r\n" * (LARGE // 34)


def lengths_beyond_everything() -> bytes:
    return (b"OPTIONS sip:b@x SIP/2.0\r\nl: %d\r\n\r\n" % 10**30) * (LARGE // 62)


def lengths_too_small() -> bytes:
    return b"MESSAGE sip:b@x SIP/2.0\r\nl: 1\r\n\r\nbody of more\r\n" * (LARGE // 50)


def almost_start_lines() -> bytes:
    return b"INVITE sip:b@x SIP/2.0\r\nl: 9999999\r\n\r\n" + b"BYE x SIP/2.0 \r\n" * (LARGE // 17)


def open_quotes() -> bytes:
    return message("BYE sip:b@x SIP/2.0", [("From", '"' + "\\\\" * 30_000)])


def commas() -> bytes:
    return message("BYE sip:b@x SIP/2.0", [("Via", "," * 60_000), ("Contact", '"<,' * 20_000)])


def semicolons() -> bytes:
    return message(
        "BYE sip:b@x SIP/2.0",
        [("From", "sip:a@x" + ";  " * 15_000), ("Via", "x" + "; branch " * 7_000)],
    )


def parts_by_the_thousand() -> bytes:
    return message(
        "INVITE sip:b@x SIP/2.0",
        [("c", "multipart/mixed;boundary=b")],
        b"--b\r\n\r\n" * (LARGE // 7),
    )


def deep_parts() -> bytes:
    head = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed;boundary=b%d\r\n\r\n" % (n, n + 1)
        for n in range(LARGE // 60)
    )
    return message("INVITE sip:b@x SIP/2.0", [("c", "multipart/mixed;boundary=b0")], head)


def many_media() -> bytes:
    return sdp(b"m=audio 4000 RTP/AVP 0\r\n" * (LARGE // 24))


def many_attributes() -> bytes:
    return sdp(b"m=audio 4000 RTP/AVP 0\r\n" + b"a=rtpmap:96 opus/48000/2\r\n" * (LARGE // 26))


def many_parameters() -> bytes:
    return sdp(b"m=audio 4000 RTP/AVP 0\r\n" + b"a=fmtp:0 x\r\n" * (LARGE // 12))


def many_formats() -> bytes:
    return sdp(b"m=audio 4000/65535 RTP/AVP" + b" 96" * (LARGE // 3))


def many_candidates() -> bytes:
    line = b"a=candidate:1 1 udp 1 10.0.0.1 4000 typ host\r\n"
    return sdp(b"m=audio 4000 RTP/AVP 0\r\n" + line * (LARGE // len(line)))


def many_key_presses() -> bytes:
    body = b"\r\nSignal=" * (LARGE // 9)
    return request("INFO", body=body, content_type="application/dtmf-relay", to_tag="b")


def sdp(lines: bytes) -> bytes:
    return request("INVITE", body=text("v=0", "c=IN IP4 10.0.0.1") + lines)


@pytest.mark.parametrize(
    "hostile",
    [
        many_headers,
        many_names,
        endless_folding,
        blank_folds,
        a_long_name,
        a_long_line,
        a_start_line_that_never_ends,
        blanks,
        nuls,
        line_feeds_alone,
        no_lengths,
        lengths_beyond_everything,
        lengths_too_small,
        almost_start_lines,
        open_quotes,
        commas,
        semicolons,
        parts_by_the_thousand,
        deep_parts,
        many_media,
        many_attributes,
        many_parameters,
        many_formats,
        many_candidates,
        many_key_presses,
    ],
)
def test_hostile(hostile: Hostile) -> None:
    go_through(hostile())


def test_many_tags_and_branches_of_one_call_stay_bounded() -> None:
    scene = Scene()
    for number in range(3000):
        scene.send(A, B, request("INVITE", branch=f"z9-{number}", body=audio()))
        scene.send(B, A, response(183, "P", to_tag=f"t{number}", body=audio(5000 + number)))
    call = scene.call()
    assert call.messages == 6000
    assert len(call.epochs) <= 256
