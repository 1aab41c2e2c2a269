"""RTSP names streams: description, set-up, ports, end."""

from __future__ import annotations

import pytest

from rtpcap.signalling import Arrival, Moment
from rtpcap.signalling.rtsp import RtspSessions, RtspStream, parse_rtsp
from tests.signalling.build import START_NS, message, text

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 554)
BASE = "rtsp://10.0.0.2/film"
SDP = text(
    "v=0",
    "c=IN IP4 0.0.0.0",
    "m=audio 0 RTP/AVP 97",
    "a=rtpmap:97 mpeg4-generic/48000/2",
    "a=control:track1",
    "m=video 0 RTP/AVP 96",
    "a=rtpmap:96 H264/90000",
    f"a=control:{BASE}/track2",
)

Step = tuple[bool, bytes]


def ask(method: str, uri: str, cseq: int, *more: tuple[str, str], body: bytes = b"") -> Step:
    return True, message(f"{method} {uri} RTSP/1.0", [("CSeq", str(cseq)), *more], body)


def tell(cseq: int, *more: tuple[str, str], body: bytes = b"", status: str = "200 OK") -> Step:
    return False, message(f"RTSP/1.0 {status}", [("CSeq", str(cseq)), *more], body)


def described() -> list[Step]:
    sdp = ("Content-Type", "application/sdp")
    return [ask("DESCRIBE", BASE, 1), tell(1, sdp, ("Content-Base", BASE + "/"), body=SDP)]


def streams(*steps: Step) -> list[RtspStream]:
    sessions = RtspSessions()
    for frame, (asked, data) in enumerate(steps, start=1):
        found = parse_rtsp(data)
        assert found is not None
        ends = (*CLIENT, *SERVER) if asked else (*SERVER, *CLIENT)
        sessions.feed(found, Arrival(frame, START_NS + frame, *ends, "tcp"))
    return sessions.streams


def test_over_udp() -> None:
    (stream,) = streams(
        *described(),
        ask("SETUP", BASE + "/track1", 2, ("Transport", "RTP/AVP;unicast;client_port=4588-4589")),
        tell(
            2,
            ("Session", "12345678;timeout=60"),
            (
                "Transport",
                "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;ssrc=2A3F93ED",
            ),
        ),
    )
    assert stream.began == Moment(4, START_NS + 4)
    assert stream.session == "12345678"
    assert (stream.client, stream.client_port, stream.client_rtcp_port) == ("10.0.0.1", 4588, 4589)
    assert (stream.server, stream.server_port, stream.server_rtcp_port) == ("10.0.0.2", 6256, 6257)
    assert (stream.interleaved, stream.ssrc, stream.ended) == (None, 0x2A3F93ED, None)
    assert stream.media is not None
    assert stream.media.formats[97].name == "mpeg4-generic"


def test_inside_the_connection() -> None:
    (stream,) = streams(
        *described(),
        ask("SETUP", BASE + "/track2", 2, ("Transport", "RTP/AVP/TCP;unicast;interleaved=2-3")),
        tell(2, ("Session", "s"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=2-3")),
    )
    assert (stream.interleaved, stream.client_port) == ((2, 3), None)
    assert stream.media is not None
    assert stream.media.kind == "video"


def test_other_addresses_than_those_of_the_connection() -> None:
    told = "RTP/AVP;destination=224.2.0.1;source=10.0.0.7;port=5000-5001;ttl=4"
    (stream,) = streams(
        ask("SETUP", BASE, 2, ("Transport", "RTP/AVP")), tell(2, ("Transport", told))
    )
    assert (stream.client, stream.server, stream.client_port) == ("224.2.0.1", "10.0.0.7", 5000)
    assert stream.media is None


def test_refused_and_unanswered_requests_name_nothing() -> None:
    set_up = ask("SETUP", BASE, 2, ("Transport", "RTP/AVP;client_port=1-2"))
    assert streams(set_up, tell(2, status="461 Unsupported Transport"), set_up) == []


@pytest.mark.parametrize(("uri", "over"), [(BASE, [True, True]), (BASE + "/track1", [True, False])])
def test_tear_down(uri: str, over: list[bool]) -> None:
    transport, session = ("Transport", "RTP/AVP;client_port=4000-4001"), ("Session", "s")
    found = streams(
        ask("SETUP", BASE + "/track1", 2, transport),
        tell(2, session, transport),
        ask("SETUP", BASE + "/track2", 3, transport, session),
        tell(3, session, transport),
        ask("TEARDOWN", uri, 4, session),
        tell(4),
    )
    assert [stream.ended is not None for stream in found] == over


def test_what_a_client_announces() -> None:
    found = streams(
        ask("ANNOUNCE", BASE, 1, ("Content-Type", "application/sdp"), body=SDP),
        tell(1),
        ask("SETUP", BASE + "/track1", 2, ("Transport", "RTP/AVP;client_port=1-2;mode=record")),
        tell(2, ("Transport", "RTP/AVP;client_port=1-2;server_port=3-4;mode=record")),
    )
    assert found[0].media is not None


@pytest.mark.parametrize(
    "data",
    [b"", b"SIP/2.0 200 OK\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"$\0\0\x04abcd", b"RTSP/1.0"],
)
def test_what_is_no_rtsp(data: bytes) -> None:
    assert parse_rtsp(data) is None


def test_messages_one_after_the_other() -> None:
    data = b"".join(step for _, step in described())
    first = parse_rtsp(data)
    assert first is not None
    second = parse_rtsp(data, first.end)
    assert second is not None
    assert (first.method, second.status, second.body) == ("DESCRIBE", 200, SDP)
    assert second.end == len(data)


def test_a_cut_body() -> None:
    found = parse_rtsp(described()[1][1][:-5])
    assert found is not None
    assert found.missing == 5


def test_requests_without_an_answer_stay_bounded() -> None:
    sessions = RtspSessions()
    for number in range(5000):
        found = parse_rtsp(ask("SETUP", BASE, number, ("Transport", "RTP/AVP"))[1])
        assert found is not None
        sessions.feed(found, Arrival(number + 1, None, *CLIENT, *SERVER, "tcp"))
    late = parse_rtsp(tell(1, ("Transport", "RTP/AVP;client_port=1-2"))[1])
    assert late is not None
    sessions.feed(late, Arrival(9999, None, *SERVER, *CLIENT, "tcp"))
    assert sessions.streams == []
