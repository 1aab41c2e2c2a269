"""Addresses and ports -> calls, epochs and sides."""

from __future__ import annotations

from rtpcap.signalling import Endpoint, Signalling
from tests.signalling.build import A, B, Scene, audio, request, response, text

HOST_A, HOST_B = "10.0.0.1", "10.0.0.2"


def found(told: Signalling, host: str, port: int, frame: int) -> tuple[int, int, str, str] | None:
    """(call, epoch, side, kind) at a frame."""
    place = told.endpoints.find(host, port, frame)
    return None if place is None else (place.dialog, place.epoch, place.side, place.kind)


def ends(places: list[Endpoint]) -> list[tuple[int, int | None]]:
    return [(place.begin.frame, place.end.frame if place.end else None) for place in places]


def test_both_sides_of_a_call() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    told = scene.told()
    # The caller has to be ready from its offer on, the callee can receive from its answer on.
    assert found(told, HOST_A, 4000, 1) == (0, 0, "caller", "rtp")
    assert found(told, HOST_B, 5000, 2) is None
    assert found(told, HOST_B, 5000, 3) == (0, 0, "callee", "rtp")
    assert found(told, HOST_A, 4001, 2) == (0, 0, "caller", "rtcp")
    assert found(told, HOST_A, 4002, 2) is None
    assert found(told, HOST_B, 4000, 2) is None
    assert ends(list(told.endpoints.at(HOST_A, 4000))) == [(1, 5)]
    assert set(told.endpoints) == {
        (HOST_A, 4000),
        (HOST_A, 4001),
        (HOST_B, 5000),
        (HOST_B, 5001),
    }


def test_late_packets_still_belong_to_the_call_before() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    assert found(scene.told(), HOST_A, 4000, 99) == (0, 0, "caller", "rtp")


def test_the_next_call_on_the_same_port() -> None:
    scene = Scene()
    scene.answered()
    scene.hung_up()
    scene.send(A, B, request("INVITE", call_id="next", from_tag="n", body=audio()))
    told = scene.told()
    assert found(told, HOST_A, 4000, 6) == (0, 0, "caller", "rtp")
    assert found(told, HOST_A, 4000, 7) == (1, 0, "caller", "rtp")


def test_the_old_offer_holds_until_the_new_one_is_answered() -> None:
    scene = Scene()
    scene.answered()
    new = audio(4000, "8")
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=new))
    scene.send(B, A, response(200, "OK", cseq=2, body=audio(5000, "8", host=HOST_B)))
    told = scene.told()
    assert [found(told, HOST_A, 4000, frame) for frame in (4, 5, 6)] == [
        (0, 0, "caller", "rtp"),
        (0, 0, "caller", "rtp"),
        (0, 1, "caller", "rtp"),
    ]
    assert found(told, HOST_B, 5000, 6) == (0, 1, "callee", "rtp")


def test_a_new_port_belongs_to_the_new_offer_at_once() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=audio(4100)))
    scene.send(B, A, response(200, "OK", cseq=2, body=audio(5000, host=HOST_B)))
    told = scene.told()
    assert found(told, HOST_A, 4100, 5) == (0, 1, "caller", "rtp")
    assert found(told, HOST_A, 4000, 5) == (0, 0, "caller", "rtp")


def test_an_unanswered_offer_on_the_same_port_changes_nothing() -> None:
    scene = Scene()
    scene.answered()
    scene.send(A, B, request("INVITE", cseq=2, to_tag="b", body=audio(4000, "8")))
    told = scene.told()
    assert found(told, HOST_A, 4000, 9) == (0, 0, "caller", "rtp")


def test_mux_several_ports_and_candidates() -> None:
    offer = text(
        "v=0",
        "c=IN IP4 10.0.0.1",
        "m=audio 4000/2 RTP/AVP 0",
        "m=video 4100 RTP/AVP 31",
        "a=rtcp-mux",
        "a=candidate:1 1 udp 9 192.0.2.1 30000 typ srflx",
        "a=candidate:1 2 udp 9 192.0.2.1 30001 typ srflx",
        "a=candidate:1 1 tcp 9 192.0.2.1 30002 typ host",
        "m=audio 0 RTP/AVP 0",
        "m=audio 4200 RTP/AVP 0",
        "a=rtcp:4300 IN IP4 10.0.0.8",
    )
    scene = Scene()
    scene.send(A, B, request("INVITE", body=offer))
    told = scene.told()
    rows = {
        place: [(row.media, row.kind, row.candidate) for row in told.endpoints.at(*place)]
        for place in told.endpoints
    }
    assert rows == {
        (HOST_A, 4000): [(0, "rtp", False)],
        (HOST_A, 4002): [(0, "rtp", False)],
        (HOST_A, 4001): [(0, "rtcp", False)],
        (HOST_A, 4100): [(1, "rtp", False)],
        ("192.0.2.1", 30000): [(1, "rtp", True)],
        ("192.0.2.1", 30001): [(1, "rtcp", True)],
        (HOST_A, 4200): [(3, "rtp", False)],
        ("10.0.0.8", 4300): [(3, "rtcp", False)],
    }


def test_nobody_receives_at_no_address() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio(4000, host="0.0.0.0")))
    assert len(scene.told().endpoints) == 0


def test_forks_share_the_callers_port() -> None:
    scene = Scene()
    scene.send(A, B, request("INVITE", body=audio()))
    scene.send(B, A, response(183, "P", to_tag="x", body=audio(5000, host=HOST_B)))
    scene.send(B, A, response(183, "P", to_tag="y", body=audio(6000, host="10.0.0.3")))
    scene.send(B, A, response(200, "OK", to_tag="y", body=audio(6000, host="10.0.0.3")))
    told = scene.told()
    assert found(told, HOST_B, 5000, 3) == (0, 0, "callee", "rtp")
    assert found(told, "10.0.0.3", 6000, 4) == (0, 1, "callee", "rtp")
    assert found(told, HOST_A, 4000, 9) == (0, 1, "caller", "rtp")
