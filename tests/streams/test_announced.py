"""What RTSP and SIP announce, as the streams of a capture show it."""

from __future__ import annotations

from pathlib import Path

import rtpcap
from rtpcap.signalling import Dialogs
from rtpcap.streams.announced import Announced
from tests.capture.build import START_NS, Frame, ipv4, pcap, udp
from tests.signalling.build import START_NS as SAID_NS
from tests.signalling.build import A, B, Scene, audio, request, response
from tests.streams.made import talk
from tests.streams.scene import ALICE_AT, BOB_AT, Film

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def announced_by(scene: Scene) -> Announced:
    dialogs = Dialogs()
    for arrival, message in scene.sent:
        dialogs.feed(message, arrival)
    return Announced(dialogs.finish())


def test_a_side_hears_by_its_own_numbers_and_by_what_it_sends_otherwise() -> None:
    scene = Scene()
    scene.answered(
        offer=audio(4000, "97", lines=("a=rtpmap:97 opus/48000/2",)),
        answer=audio(5000, "111 101", host="10.0.0.2", lines=("a=rtpmap:111 opus/48000/2",)),
    )
    announced = announced_by(scene)
    (line,) = announced.lines("10.0.0.2", 5000)
    assert (line.side, line.leg, line.begin.time_ns) == ("callee", 0, SAID_NS + 3 * 10**9)
    assert {
        number: str(fmt) for number, fmt in announced.meanings(line, receiving=True).items()
    } == {
        97: "opus/48000/2",
        111: "opus/48000/2",
    }
    assert announced.lines("10.0.0.2", 5001) == ()


def test_bundled_media_lines_are_one_place() -> None:
    scene = Scene()
    both = audio(4000, "0", lines=("m=video 4000 RTP/AVP 96", "a=rtpmap:96 VP8/90000"))
    scene.answered(offer=both)
    announced = announced_by(scene)
    (line,) = announced.lines("10.0.0.1", 4000)
    assert line.media == (0, 1)
    assert set(announced.meanings(line, receiving=True)) >= {0, 96}


def test_nothing_is_announced_without_signalling() -> None:
    announced = Announced(None)
    assert not announced
    assert list(announced.places()) == []


def test_rtsp_names_the_payloads_inside_its_connection() -> None:
    (stream,) = rtpcap.open(FIXTURES / "ff-rtsp.pcap").streams
    assert stream.flow.transport == "tcp"
    # The description says it; the number is a static one.
    assert stream.codec == "PCMA"
    assert stream.call is None


def test_what_is_rtsp_is_explained_as_such() -> None:
    there, back = rtpcap.open(FIXTURES / "ff-rtsp.pcap").explain()
    # ANNOUNCE, SETUP and RECORD, OPTIONS and TEARDOWN stand between the packets.
    assert (there.taken_for, there.mixture) == ("rtp", ["rtp:24", "rtsp:5", "rtcp:1"])
    assert back.taken_for == "rtsp"


def test_fragments_in_cooked_frames_without_an_address(tmp_path: Path) -> None:
    """The eight bytes for the address are whatever was in the sender's memory."""
    invite = request("INVITE", body=audio(), more=[("Subject", "x" * 600)])
    whole = udp(invite, src_port=5060, dst_port=5060)
    frames = []
    for number, at in enumerate(range(0, len(whole), 400)):
        piece = ipv4(
            whole[at : at + 400],
            fragment=at // 8 | (at + 400 < len(whole)) << 13,
            src=ALICE_AT[0],
            dst=BOB_AT[0],
        )
        # Packet type 4 (sent by us), no Ethernet-like device, address length 0, junk, IPv4.
        cooked = b"\x00\x04\xff\xfe\x00\x00" + bytes([number]) * 8 + b"\x08\x00"
        frames.append(Frame(cooked + piece, START_NS + number))
    path = tmp_path / "cooked.pcap"
    path.write_bytes(pcap(frames, link=113))
    capture = rtpcap.open(path)
    assert len(capture.calls) == 1
    assert len(capture.not_understood) == 0


def test_a_stream_that_a_refused_offer_would_have_named_is_still_found(tmp_path: Path) -> None:
    """Early media of a call that fails in the end."""
    film = Film()
    film.say(0, ALICE_AT, BOB_AT, request("INVITE", body=audio(4000, "45 101")))
    early = audio(5000, "45", host="10.0.0.2", lines=("a=rtpmap:45 L16/8000",))
    film.say(0.1, BOB_AT, ALICE_AT, response(183, "Session Progress", body=early))
    film.speak(("10.0.0.2", 5000), ("10.0.0.1", 4000), talk(40, start_s=0.2, payload_type=45))
    film.say(2, BOB_AT, ALICE_AT, response(404, "Not Found"))
    capture = film.shown(tmp_path)
    (call,) = capture.calls
    assert (call.state, call.status) == ("failed", 404)
    assert [stream.codec for stream in call.right] == ["L16"]


def test_places_of_both_sides() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio(4000)))
    scene.send(B, A, response(200, "OK", body=audio(5000, host="10.0.0.2")))
    places = set(announced_by(scene).places())
    assert places >= {("10.0.0.1", 4000), ("10.0.0.2", 5000)}
