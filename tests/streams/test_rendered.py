"""Signalling and payloads together: what is heard of streams and calls that signalling names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.audio.holes import Cause
from rtpcap.codecs import Heard
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.red import RedBlock, build_red
from tests.codecs.voices import FIXTURES
from tests.signalling.build import audio
from tests.streams.made import Sent, talk
from tests.streams.scene import Film

ALICE_RTP, BOB_RTP = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
SAMPLE = b"\x03\xe8"
"""1000, as L16 has it."""


def agreed(film: Film, numbers: str, *lines: str, at_s: float = 0.0, cseq: int = 1) -> None:
    """An offer and an answer that both name the same; a re-INVITE from the second on."""
    film.answered(
        audio(4000, numbers, lines=lines),
        audio(5000, numbers, host="10.0.0.2", lines=lines),
        at_s=at_s,
        cseq=cseq,
        to_tag="b" if cseq > 1 else "",
    )


def paced(
    payloads: list[bytes], ticks: int, start_s: float, first: int, timestamp: int
) -> list[Sent]:
    """Packets of number 96, one each 20 ms."""
    sent: list[Sent] = []
    for i, payload in enumerate(payloads):
        sent += talk(
            1,
            start_s=start_s + 0.02 * i,
            sequence=first + i,
            timestamp=timestamp + ticks * i,
            payload_type=96,
            payload=payload,
        )
    return sent


def changing(before: str, one: list[bytes], ticks: int, after: str, other: list[bytes]) -> Film:
    """A film in which number 96 means something else after two seconds; 160 ticks from then on."""
    film = Film()
    agreed(film, "96", f"a=rtpmap:96 {before}")
    agreed(film, "96", f"a=rtpmap:96 {after}", at_s=2.0, cseq=2)
    film.speak(ALICE_RTP, BOB_RTP, paced(one, ticks, 0.25, 0, 0))
    film.speak(ALICE_RTP, BOB_RTP, paced(other, 160, 2.25, len(one), ticks * len(one)))
    return film


def test_meanings_of_two_rates_are_on_one_line(tmp_path: Path) -> None:
    film = changing("L16/16000", [SAMPLE * 320] * 50, 320, "L16/8000", [SAMPLE * 160] * 50)
    (stream,) = film.shown(tmp_path).streams
    sound = stream.audio()
    # A second each, two seconds after one another.
    assert (sound.rate, sound.length) == (16000, 3 * 16000)
    begins, ends = edges(sound.received)
    assert begins == pytest.approx([0, 32000], abs=2)
    assert ends == pytest.approx([16000, 48000], abs=2)
    # What a resampler's filter rings at the edges is not looked at.
    assert (sound.samples[100:15900] == 1000).all()
    assert np.abs(sound.samples[32100:47900] - 1000).max() <= 1
    assert stream.track().holes.cause_at(24000) is Cause.PAUSE
    assert stream.audio(rate=8000).length == 3 * 8000


def edges(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[list[int], list[int]]:
    """Where stretches of True begin and end."""
    steps = np.diff(mask.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()


def test_a_packet_that_was_overtaken_by_the_first_is_heard_before_it(tmp_path: Path) -> None:
    film = changing("L16/16000", [SAMPLE * 320] * 50, 320, "L16/8000", [SAMPLE * 160] * 50)
    rtp = [i for i, (_, src, *_) in enumerate(film.sent) if src == ALICE_RTP]
    first, second = (film.sent[i] for i in rtp[:2])
    film.sent[rtp[0]] = (second[0], *first[1:])
    film.sent[rtp[1]] = (first[0], *second[1:])
    (stream,) = film.shown(tmp_path).streams
    # 100 packets of 20 ms: none of them is cut off.
    assert stream.audio().received_s == pytest.approx(2.0, abs=0.001)


def test_a_later_meaning_is_set_right_by_its_payloads(tmp_path: Path) -> None:
    # G.726 as AAL2 packs it, which signalling calls RFC 3551's packing.
    (sent,) = rtpcap.open(FIXTURES / "gst-g726.pcap").streams
    columns = sent.packets[:100]
    payloads = [bytes(columns[i].payload) for i in range(100)]
    film = changing("L16/8000", [SAMPLE * 160] * 50, 160, "G726-32/8000", payloads)
    (stream,) = film.shown(tmp_path).streams
    assert "noise in this packing" in stream.settled[0]
    assert stream.codec == "L16"
    own = sent.audio().samples[:16000]
    begin = 2 * 8000
    np.testing.assert_array_equal(stream.audio().samples[begin : begin + 16000], own)


@pytest.mark.parametrize(("name", "codec"), [("pj-amr", "AMR"), ("pj-ilbc30", "iLBC")])
def test_what_signalling_names_is_not_recognised(name: str, codec: str, tmp_path: Path) -> None:
    named = rtpcap.open(FIXTURES / f"{name}.pcap")
    assert {(stream.codec, stream.recognised) for stream in named.streams} == {(codec, None)}
    named.export(tmp_path / "c.pcap", streams=named.streams)
    for stream, same in zip(rtpcap.open(tmp_path / "c.pcap").streams, named.streams, strict=True):
        assert stream.codec == codec
        assert stream.recognised is not None
        assert stream.recognised.confidence > 0.9
        np.testing.assert_array_equal(stream.audio().samples, same.audio().samples)


def test_what_redundant_packets_hold_is_what_signalling_says(tmp_path: Path) -> None:
    film = Film()
    agreed(film, "98 97", "a=rtpmap:98 red/8000", "a=rtpmap:97 L16/8000", "a=fmtp:98 97/97")
    block = build_red([], RedBlock(97, 0, SAMPLE * 160))
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5, payload_type=98, payload=block))
    (stream,) = film.shown(tmp_path).streams
    assert (stream.format, stream.recognised) == (Format("L16", 8000), None)
    assert (stream.audio().samples == 1000).all()


def test_sides_of_two_rates_fit_into_one_call(tmp_path: Path) -> None:
    film = Film()
    agreed(film, "96 0", "a=rtpmap:96 L16/16000")
    wide = paced([SAMPLE * 320] * 50, 320, 0.5, 0, 0)
    film.speak(ALICE_RTP, BOB_RTP, wide)
    film.speak(BOB_RTP, ALICE_RTP, talk(50, start_s=0.5, ssrc=0xB0B))
    (call,) = film.shown(tmp_path).calls
    sound = call.audio()
    assert (sound.rate, sound.channels, sound.length) == (16000, 2, 16000)
    assert (sound.samples[:, 0] == 1000).all()
    assert call.audio(rate=8000).length == 8000


def test_a_call_of_one_side_says_so(tmp_path: Path) -> None:
    film = Film()
    film.answered()
    film.speak(ALICE_RTP, BOB_RTP, talk(50, start_s=0.5))
    (call,) = film.shown(tmp_path).calls
    with pytest.raises(CodecUnavailable, match="one side of the call sent no stream"):
        call.audio()


# What the coders look ahead is missing at the end: 6.5 ms (RFC 6716), and the 22 samples of G.722.
@pytest.mark.parametrize(("name", "ahead"), [("gst-opus", 312), ("gst-g722", 22)])
def test_only_what_was_heard_is_on_the_line(name: str, ahead: int) -> None:
    (stream,) = rtpcap.open(FIXTURES / f"{name}.pcap").streams
    heard = np.arange(len(stream)) < len(stream) // 2
    track = stream.track(heard=heard)
    _, what = track.read(0, track.length)
    whole = stream.audio()
    assert np.count_nonzero(what == Heard.RECEIVED) == track.length - ahead
    assert (what[: track.length - ahead] == Heard.RECEIVED).all()
    assert track.length == pytest.approx(whole.length / 2, rel=0.02)
    assert stream.play(buffer_ms=500).audio().length == whole.length
