"""The handles: a capture, its streams, its calls, from the file to the sound."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtpcap
from rtpcap.codecs.g711 import encode_a_law
from rtpcap.errors import CodecUnavailable
from tests.capture.build import (
    START_NS,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    section,
    simple,
    udp,
)
from tests.streams.made import CALLEE, CALLER, Sent, capture, rtp, talk

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

# The keys that OUTPUT.md promises.
KEYS = {
    "streams": "ssrc src src_port dst dst_port codec clock_rate payload_types packets expected "
    "lost lost_pct duplicates captured_twice reordered jitter_ms jitter_max_ms jitter_last_ms "
    "first_frame last_frame start_s duration_s encrypted decodable why_not call",
    "info": "file format link_types packets bytes start_time duration_s calls streams dtmf "
    "not_understood",
    "calls": "call_id caller callee state status start_s setup_s duration_s streams guessed",
    "gaps": "ssrc first_sequence packets start_s duration_s frame_before frame_after reason",
    "dtmf": "ssrc digit start_s duration_s source frame",
}


def tone(hertz: float, seconds: float, level: int = 8000) -> np.ndarray:
    times = np.arange(round(8000 * seconds)) / 8000
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def sung(samples: np.ndarray, *, start_s: float = 0.0, **fields: int) -> list[Sent]:
    """Samples as PCMA, 20 ms a packet."""
    codes = encode_a_law(samples).tobytes()
    pieces = [codes[i : i + 160] for i in range(0, len(codes), 160)]
    first = fields.pop("timestamp", 0)
    return [
        (start_s + 0.02 * i, rtp(i, first + 160 * i, piece, **fields))
        for i, piece in enumerate(pieces)
    ]


def test_keys_are_those_of_the_contract() -> None:
    cap = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    loss = rtpcap.open(FIXTURES / "gst-loss.pcap")
    rows = {
        "streams": cap.streams.rows()[0],
        "info": cap.row(),
        "calls": cap.calls.rows()[0],
        "gaps": loss.gaps.rows()[0],
        "dtmf": cap.dtmf.rows()[0],
    }
    for verb, keys in KEYS.items():
        assert set(keys.split()) <= set(rows[verb]), verb


def test_a_capture_says_what_it_is() -> None:
    cap = rtpcap.open(FIXTURES / "tun-sll2.pcap")
    assert cap.format == "pcap"
    assert cap.link_types == ["Linux SLL2"]
    assert cap.bytes == (FIXTURES / "tun-sll2.pcap").stat().st_size
    assert cap.frames == len(list(cap.datagrams)) + len(cap.other) + len(cap.not_understood)
    assert cap.start_time is not None
    assert cap.start_time.endswith("Z")
    assert repr(cap) == "<Capture 'tun-sll2.pcap': 0 calls, 1 stream, 109 frames, 2.2 s>"


def test_a_stream_says_what_it_is(tmp_path: Path) -> None:
    stream = capture(tmp_path, talk(50)).streams[0]
    assert (stream.ssrc, stream.src, stream.dst) == (0x1234, CALLER, CALLEE)
    assert (stream.src_port, stream.dst_port) == (4000, 5000)
    assert (stream.codec, stream.clock_rate, stream.payload_types) == ("PCMA", 8000, [8])
    assert (stream.first_frame, stream.last_frame) == (1, 50)
    assert stream.start_s == 0.0
    assert stream.duration_s == pytest.approx(0.98)
    assert stream.decodable
    assert not stream.encrypted
    assert repr(stream) == (
        "<Stream 0x00001234 PCMA/8000 10.0.0.1:4000 > 10.0.0.2:5000, 50 packets, 0 lost>"
    )


def test_packets_of_a_stream() -> None:
    stream = rtpcap.open(FIXTURES / "gst-loss.pcap").streams[0]
    message = stream.packets[17]
    assert isinstance(message, rtpcap.RTPMessage)
    assert stream.ssrc == message.SSRC
    assert message.sequence == stream.packets.sequence[17]
    assert message.payload_type is rtpcap.PayloadType.PCMA


def test_streams_are_found_by_place_ssrc_and_selection(tmp_path: Path) -> None:
    streams = capture(tmp_path, talk(ssrc=0xAABBCCDD), talk(ssrc=7, payload_type=0)).streams
    assert streams[0xAABBCCDD] is streams[0]
    assert streams[-1].ssrc == 7
    assert [stream.ssrc for stream in streams[1:]] == [7]
    assert [stream.ssrc for stream in streams.select(codec="pcmu")] == [7]
    assert [stream.ssrc for stream in streams.select(src=f"{CALLER}:4002")] == [7]
    assert len(streams.select(src=CALLER)) == 2
    assert len(streams.select(dst="10.9.9.9")) == 0
    assert [stream.ssrc for stream in streams.select(payload_type=8)] == [0xAABBCCDD]
    with pytest.raises(IndexError, match="0x00000009"):
        streams[9]


def test_a_dynamic_type_is_named_by_the_user(tmp_path: Path) -> None:
    sent = talk(payload_type=96)
    nameless = capture(tmp_path, sent).streams[0]
    assert nameless.codec is None
    assert nameless.why_not == (
        "payload type 96 has no name: say it with --map 96=CODEC/RATE or pt_map"
    )
    with pytest.raises(CodecUnavailable, match="--map 96"):
        nameless.audio()
    named = capture(tmp_path, sent, pt_map={96: "PCMU/8000"}).streams[0]
    assert named.codec == "PCMU"
    assert named.audio().duration_s == 1.0


@pytest.mark.parametrize("wrong", [{128: "PCMU"}, {-1: "PCMU"}, {96: "what is this"}])
def test_a_map_that_cannot_be(wrong: dict[int, str]) -> None:
    with pytest.raises(ValueError):
        rtpcap.open(FIXTURES / "ff-pcmu.pcap", pt_map=wrong)


def test_a_codec_without_a_decoder_is_said(tmp_path: Path) -> None:
    stream = capture(tmp_path, talk(payload_type=7, payload=bytes(20))).streams[0]
    assert stream.codec == "LPC"
    assert stream.why_not is not None
    assert "no decoder for LPC" in stream.why_not
    assert stream.quality.packets == 50


@pytest.mark.parametrize("tag", [4, 10, 16])
def test_g711_with_an_srtp_tag_is_not_played(tag: int, tmp_path: Path) -> None:
    stream = capture(tmp_path, talk(payload=bytes(160 + tag))).streams[0]
    assert stream.encrypted
    assert stream.why_not is not None
    assert "SRTP" in stream.why_not
    assert stream.row()["decodable"] is False


def test_audio_is_what_was_said(tmp_path: Path) -> None:
    said = tone(440, 1.0)
    audio = capture(tmp_path, sung(said)).streams[0].audio()
    assert audio.duration_s == 1.0
    assert audio.filled_s == 0.0
    # A-law's error is at most half of the coarsest step in use here: 8000 lies in steps of 512.
    assert np.abs(audio.samples.astype(int) - said).max() <= 256
    spectrum = np.abs(np.fft.rfft(audio.samples))
    assert int(spectrum.argmax()) == 440


def test_a_lost_packet_is_silence_in_its_place(tmp_path: Path) -> None:
    sent = sung(tone(440, 1.0))
    audio = capture(tmp_path, sent[:20] + sent[21:]).streams[0].audio()
    assert audio.duration_s == 1.0
    assert audio.filled_s == pytest.approx(0.02)
    assert not audio.samples[3200:3360].any()
    assert not audio.received[3200:3360].any()
    assert audio.received[:3200].all()
    assert audio.received[3360:].all()


# --- calls

BOTH_WAYS = [(4000, 5000), (5000, 4000)]


def test_mirrored_streams_are_a_call(tmp_path: Path) -> None:
    cap = capture(tmp_path, talk(ssrc=1, start_s=0.1), talk(ssrc=2), ports=BOTH_WAYS)
    call = cap.calls[0]
    assert len(cap.calls) == 1
    assert call.guessed
    # Who spoke first is left.
    assert [stream.ssrc for stream in call.left] == [2]
    assert [stream.ssrc for stream in call.right] == [1]
    assert {stream.row()["call"] for stream in cap.streams} == {call.call_id}
    assert call.start_s == 0.0
    assert call.duration_s == pytest.approx(1.08)


def test_streams_that_nobody_answers_are_no_call(tmp_path: Path) -> None:
    assert len(capture(tmp_path, talk(ssrc=1), talk(ssrc=2)).calls) == 0


def test_one_after_the_other_is_two_calls(tmp_path: Path) -> None:
    first = talk(ssrc=1), talk(ssrc=2, start_s=0.01)
    second = talk(ssrc=3, start_s=60), talk(ssrc=4, start_s=60.01)
    cap = capture(tmp_path, [*first[0], *second[0]], [*first[1], *second[1]], ports=BOTH_WAYS)
    assert [[s.ssrc for s in call.streams] for call in cap.calls] == [[1, 2], [3, 4]]


def test_both_sides_of_a_call_lie_on_one_clock(tmp_path: Path) -> None:
    left, right = tone(440, 2.0), tone(1000, 1.0)
    cap = capture(
        tmp_path,
        sung(left, ssrc=1, timestamp=12345),
        sung(right, ssrc=2, start_s=0.5, timestamp=999),
        ports=BOTH_WAYS,
    )
    audio = cap.calls[0].audio()
    assert audio.channels == 2
    assert audio.duration_s == 2.0
    assert np.abs(audio.samples[:, 0].astype(int) - left).max() <= 256
    assert not audio.samples[:4000, 1].any()
    assert np.abs(audio.samples[4000:12000, 1].astype(int) - right).max() <= 256
    assert not audio.samples[12000:, 1].any()
    assert audio.received_s == pytest.approx((2.0 + 1.0) / 2)


def test_a_packet_overtaken_by_the_very_first_is_heard(tmp_path: Path) -> None:
    sent = sung(tone(440, 1.0), ssrc=1)
    sent[0], sent[1] = (0.0, sent[1][1]), (0.001, sent[0][1])
    cap = capture(tmp_path, sent, sung(tone(440, 1.0), ssrc=2), ports=BOTH_WAYS)
    audio = cap.calls[0].audio()
    assert audio.received[:160, 0].all()
    # The first packet to arrive belongs 20 ms behind; so the other side begins there.
    assert not audio.received[:160, 1].any()
    assert audio.received[160:8160, 1].all()


def test_a_side_that_cannot_be_heard(tmp_path: Path) -> None:
    cap = capture(tmp_path, talk(ssrc=1), talk(ssrc=2, payload_type=7), ports=BOTH_WAYS)
    with pytest.raises(CodecUnavailable, match="LPC"):
        cap.calls[0].audio()
    assert cap.streams[0].audio().duration_s == 1.0


def test_gaps_and_digits_are_plain_values() -> None:
    gap = rtpcap.open(FIXTURES / "gst-loss.pcap").gaps[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        gap.packets = 0  # type: ignore[misc]
    digits = rtpcap.open(FIXTURES / "gst-dtmf.pcap").dtmf
    assert str(digits) == "1590*#AD"
    assert [digit.source for digit in digits] == ["rfc4733"] * 8


def test_everything_shows_itself_in_a_notebook() -> None:
    cap = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    shown: list[Any] = [
        cap,
        cap.streams,
        cap.streams[0],
        cap.calls,
        cap.calls[0],
        cap.dtmf,
        cap.gaps,
    ]
    for thing in [*shown, cap.streams[0].audio()]:
        assert repr(thing).startswith("<")
        assert "\n" not in repr(thing)
        assert "<table" in thing._repr_html_() or "<audio" in thing._repr_html_()


def test_a_file_that_is_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a capture at all")
    with pytest.raises(rtpcap.CaptureError, match=r"notes\.txt"):
        rtpcap.open(path)


def test_a_file_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    whole = (FIXTURES / "gst-loss.pcap").read_bytes()
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[:-100])
    cap = rtpcap.open(path)
    assert cap.frames == 146
    assert len(cap.streams[0]) == 146
    assert cap.damage[0].frame == 147
    assert "damaged" in repr(cap)


def timeless(count: int, of: int) -> bytes:
    """A pcapng of `of` packets of a stream, the first `count` in blocks that have no time."""
    out = section() + interface()
    for number, (time_s, payload) in enumerate(talk(of)):
        datagram = udp(payload, src_port=4000, dst_port=5000)
        frame = Frame(ethernet(ipv4(datagram)), START_NS + round(time_s * 1e9))
        out += simple(frame) if number < count else enhanced(frame)
    return out


def test_seconds_count_from_the_first_frame_that_has_a_time(tmp_path: Path) -> None:
    path = tmp_path / "half.pcapng"
    path.write_bytes(timeless(3, 50))
    cap = rtpcap.open(path)
    assert cap.start_ns == START_NS + 60_000_000
    # Of 50 packets 20 ms apart, from the fourth to the last.
    assert cap.duration_s == pytest.approx(0.92)
    stream = cap.streams[0]
    assert stream.start_s is None
    assert np.isnan(stream.time_s[:3]).all()
    assert stream.time_s[3] == 0.0
    assert stream.time_s[49] == pytest.approx(0.92)
    # J begins anew behind packets without a time, and every step is exact.
    assert stream.quality.jitter_ms == pytest.approx(0.0, abs=1e-9)
    assert stream.audio().duration_s == 1.0


def test_without_any_time_all_that_is_timed_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "none.pcapng"
    path.write_bytes(timeless(50, 50))
    cap = rtpcap.open(path)
    row = cap.streams[0].row()
    assert cap.start_time is None
    assert cap.duration_s is None
    timed = ("start_s", "duration_s", "jitter_ms", "jitter_max_ms", "jitter_last_ms")
    assert [row[name] for name in timed] == [None] * 5
    assert (row["packets"], row["lost"], row["last_frame"]) == (50, 0, 50)
    assert cap.streams[0].audio().duration_s == 1.0
    assert cap.streams.to_frame()["jitter_ms"].isna().all()
