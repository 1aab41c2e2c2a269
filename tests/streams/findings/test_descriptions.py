"""Media that is not as described; and beside each case media that is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.signalling.build import audio
from tests.streams.findings.scenes import ALICE, CALL_ID, call, ids, of
from tests.streams.made import talk
from tests.streams.scene import End, Film

PUBLIC, FAR = ("198.51.100.7", 5060), ("203.0.113.5", 5060)
PHONE = "192.168.1.5"


# --- addresses


def translated(*, heard: bool, host: str = PHONE, signalled_from: End = PUBLIC) -> Film:
    """A call of a phone behind a translator; `heard`: the far end sends back to where it came."""
    film = Film()
    between = (signalled_from, FAR)
    film.answered(audio(4000, host=host), audio(5000, host=FAR[0]), between=between)
    media, far = (signalled_from[0], 40_000), (FAR[0], 5000)
    film.speak(media, far, talk(150, start_s=1.0, ssrc=0xA))
    if heard:
        film.speak(far, media, talk(150, start_s=1.0, ssrc=0xB))
    film.hung_up(5.0, between=between)
    return film


def test_a_private_address_told_to_a_public_one(tmp_path: Path) -> None:
    (finding,) = of(translated(heard=False).shown(tmp_path), "private-address")
    assert (finding.severity, finding.call, finding.frames) == ("warning", CALL_ID, (1,))
    assert finding.numbers == {"address": PHONE, "public_address": PUBLIC[0]}
    assert PHONE in finding.sentence
    assert "come from the public 198.51.100.7" in finding.sentence


def test_a_private_address_that_did_no_harm(tmp_path: Path) -> None:
    capture = translated(heard=True).shown(tmp_path)
    (finding,) = of(capture, "private-address")
    assert finding.severity == "note"
    # That media comes from elsewhere is told by this already.
    assert "media-from-elsewhere" not in ids(capture)


@pytest.mark.parametrize(
    "private", ["10.9.9.9", "172.31.0.1", "100.127.0.1", "169.254.1.1", "fd00::1", "fe80::1"]
)
def test_what_is_private(private: str, tmp_path: Path) -> None:
    assert "private-address" in ids(translated(heard=True, host=private).shown(tmp_path))


@pytest.mark.parametrize(
    "public", ["172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1", "phone.example.org"]
)
def test_what_is_not(public: str, tmp_path: Path) -> None:
    assert "private-address" not in ids(translated(heard=True, host=public).shown(tmp_path))


def test_private_addresses_among_each_other(tmp_path: Path) -> None:
    assert ids(call().shown(tmp_path)) == []


def test_candidates_make_up_for_a_private_address(tmp_path: Path) -> None:
    film = Film()
    lines = ["a=candidate:1 1 UDP 1 198.51.100.7 40000 typ srflx raddr 192.168.1.5 rport 4000"]
    offer = audio(4000, host=PHONE, lines=lines)
    film.answered(offer, audio(5000, host=FAR[0]), between=(PUBLIC, FAR))
    film.speak((PUBLIC[0], 40_000), (FAR[0], 5000), talk(150, start_s=1.0, ssrc=0xA))
    film.speak((FAR[0], 5000), (PUBLIC[0], 40_000), talk(150, start_s=1.0, ssrc=0xB))
    assert ids(film.shown(tmp_path)) == []


@pytest.mark.parametrize("source", [("10.0.0.1", 4444), ("10.0.0.5", 4000)])
def test_media_from_elsewhere(source: End, tmp_path: Path) -> None:
    (finding,) = of(call(caller_from=source).shown(tmp_path), "media-from-elsewhere")
    assert (finding.severity, finding.call, finding.ssrc) == ("note", CALL_ID, 0xA)
    assert finding.numbers == {"packets": 150, "src": source[0], "src_port": source[1]}
    assert f"not from {ALICE[0]}:{ALICE[1]}" in finding.sentence


def test_a_phone_that_knows_its_public_address(tmp_path: Path) -> None:
    # The capture is inside of its network: there packets still have the private one.
    film = call(offer=audio(4000, host=PUBLIC[0]), callee=[])
    assert "media-from-elsewhere" not in ids(film.shown(tmp_path))


# --- codecs


def test_a_codec_that_was_not_asked_for(tmp_path: Path) -> None:
    film = call(answer=audio(5000, "0", host="10.0.0.2", lines=[]))
    (finding,) = of(film.shown(tmp_path), "codec-mismatch")
    assert (finding.severity, finding.call, finding.ssrc) == ("warning", CALL_ID, 0xA)
    assert finding.numbers == {"packets": 150, "payload_type": 8}
    assert "8 (PCMA/8000)" in finding.sentence
    assert "(only 0)" in finding.sentence


def test_a_stray_packet_of_another_codec(tmp_path: Path) -> None:
    stray = talk(4, start_s=4.0, sequence=150, timestamp=24_000, ssrc=0xA, payload_type=3)
    film = call(caller=[*talk(150, start_s=1.0, ssrc=0xA), *stray])
    assert "codec-mismatch" not in ids(film.shown(tmp_path))


def test_comfort_noise_needs_no_asking(tmp_path: Path) -> None:
    noise = talk(
        20, start_s=4.0, sequence=150, timestamp=24_000, ssrc=0xA, payload_type=13, payload=b"\x40"
    )
    film = call(caller=[*talk(150, start_s=1.0, ssrc=0xA), *noise])
    assert "codec-mismatch" not in ids(film.shown(tmp_path))


def test_codecs_that_differ(tmp_path: Path) -> None:
    film = call(callee=talk(150, start_s=1.0, ssrc=0xB, payload_type=0))
    (finding,) = of(film.shown(tmp_path), "asymmetric-codecs")
    assert (finding.severity, finding.call) == ("note", CALL_ID)
    assert finding.numbers == {"left_codec": "PCMA", "right_codec": "PCMU"}


# --- packet times


def wishes(*lines: str) -> Film:
    return call(answer=audio(5000, "8", host="10.0.0.2", lines=lines))


@pytest.mark.parametrize(
    ("line", "severity", "asked"),
    [("a=ptime:30", "note", 30.0), ("a=maxptime:10", "warning", 10.0)],
)
def test_packets_of_another_length(line: str, severity: str, asked: float, tmp_path: Path) -> None:
    (finding,) = of(wishes(line).shown(tmp_path), "wrong-ptime")
    assert (finding.severity, finding.call, finding.ssrc) == (severity, CALL_ID, 0xA)
    # 160 ticks of 8,000 a second.
    assert finding.numbers == {"ptime_ms": 20.0, "asked_ms": asked}


@pytest.mark.parametrize("lines", [["a=ptime:20"], ["a=maxptime:20"], ["a=maxptime:150"], []])
def test_packets_of_the_length_asked_for(lines: list[str], tmp_path: Path) -> None:
    assert "wrong-ptime" not in ids(wishes(*lines).shown(tmp_path))


# --- encryption


def secret(protocol: str, payload: bytes) -> Film:
    lines = ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40]
    offer = audio(4000, "8", protocol=protocol, lines=lines)
    answer = audio(5000, "8", protocol=protocol, host="10.0.0.2", lines=lines)
    sides = [talk(150, start_s=1.0, ssrc=ssrc, payload=payload) for ssrc in (0xA, 0xB)]
    return call(offer=offer, answer=answer, caller=sides[0], callee=sides[1])


def test_media_that_nobody_can_hear_here(tmp_path: Path) -> None:
    # 20 ms of G.711, and a tag of 80 bits (RFC 3711 section 5.2).
    payload = random.Random(3711).randbytes(160 + 10)
    (finding,) = of(secret("RTP/SAVP", payload).shown(tmp_path), "encrypted-without-keys")
    assert (finding.severity, finding.call, finding.ssrc) == ("note", CALL_ID, None)
    assert finding.numbers == {"streams": 2, "packets": 300}
    assert "0x0000000a and 0x0000000b" in finding.sentence
    assert "SDP" in finding.sentence


def test_media_in_the_clear(tmp_path: Path) -> None:
    film = secret("RTP/AVP", b"\xd5" * 160)
    assert "encrypted-without-keys" not in ids(film.shown(tmp_path))
