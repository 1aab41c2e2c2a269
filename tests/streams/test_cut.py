"""Parts of streams and calls: figures worked out anew, on the clock of the file."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from tests.signalling.build import audio
from tests.streams.made import capture as made
from tests.streams.made import rtp, talk
from tests.streams.scene import Film
from tests.views.build import capture, eventful, steady, without_times


def lossy(tmp_path: Path) -> rtpcap.Stream:
    """10 s of packets each 20 ms from 1 s on, of which those with 100 to 109 are missing."""
    sent = [p for p in steady(500, time_s=1.0) if not 100 <= p.sequence < 110]
    first = replace(sent[0], ssrc=9, time_s=0.0)
    others = [replace(first, sequence=i, timestamp=160 * i, time_s=0.02 * i) for i in range(5)]
    return rtpcap.open(capture(tmp_path / "c.pcap", others + sent)).streams[0x1234]


def test_figures_are_those_of_the_part(tmp_path: Path) -> None:
    stream = lossy(tmp_path)
    # From 2 s to before 4 s: sequence numbers 50 to 149, ten of them missing.
    part = stream[2:4]
    assert part.packets.sequence.tolist() == [*range(50, 100), *range(110, 150)]
    assert len(part) == part.quality.packets == 90
    assert (part.quality.expected, part.quality.lost) == (100, 10)
    assert part.quality.lost_pct == 10.0
    assert part.start_s == 2.0
    assert part.duration_s == pytest.approx(1.98)
    assert part.first_frame == int(part.packets.frame[0])
    (gap,) = part.gaps
    assert (gap.first_sequence, gap.packets) == (100, 10)
    assert gap.start_s == stream.gaps[0].start_s
    assert part.audio().duration_s == pytest.approx(2.0)
    assert len(part.to_frame()) == 90
    assert part.windows(1.0).packets.tolist() == [50, 40]
    assert part.row()["start_s"] == 2.0
    assert "<svg" in part._repr_html_()
    assert (part.ssrc, part.src, part.codec, part.index) == (0x1234, "10.0.0.1", "PCMU", 1)
    # The whole is what it was.
    assert stream.quality.expected == 500


def test_without_the_loss_there_is_none(tmp_path: Path) -> None:
    part = lossy(tmp_path)[4:]
    assert part.quality.lost == 0
    assert len(part.gaps) == 0
    assert part.quality.mos_nb is not None
    assert part.quality.mos_nb > 4.3


def test_ends_are_open_negative_and_half_open(tmp_path: Path) -> None:
    stream = lossy(tmp_path)
    assert len(stream[:]) == len(stream) == 490
    assert stream[:1.04].packets.sequence.tolist() == [0, 1]
    assert stream[10.96:].packets.sequence.tolist() == [498, 499]
    # The last packet came at 10.98 s.
    assert stream[-0.02:].packets.sequence.tolist() == [498, 499]
    assert stream[2:4][3:].packets.sequence.tolist() == list(range(110, 150))


def test_what_cannot_be_cut(tmp_path: Path) -> None:
    stream = lossy(tmp_path)
    for wrong in (3, slice(0, 1, 2), "1"):
        with pytest.raises(TypeError, match="seconds"):
            stream[wrong]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"\[20:30\]"):
        stream[20:30]
    timeless = rtpcap.open(without_times(tmp_path / "c.pcapng", steady(30))).streams[0]
    with pytest.raises(ValueError, match="no times"):
        timeless[1:]
    assert len(timeless[:]) == 30


def test_parts_together_are_the_whole(tmp_path: Path) -> None:
    stream = rtpcap.open(capture(tmp_path / "c.pcap", eventful())).streams[0]
    edges = [None, 1.3, 4.2, 4.6, 7.7, None]
    parts = [stream[a:b] for a, b in pairwise(edges)]
    frames = np.concatenate([part.packets.frame for part in parts])
    assert frames.tolist() == stream.packets.frame.tolist()
    assert sum(part.quality.duplicates for part in parts) == stream.quality.duplicates == 1


def test_what_a_number_means_in_the_part(tmp_path: Path) -> None:
    """A second offer gives number 96 another meaning: each part has its own."""
    film = Film()
    caller, callee = ("10.0.0.1", 4000), ("10.0.0.2", 5000)

    def described(codec: str, port: int, host: str) -> bytes:
        return audio(port, "96", host=host, lines=(f"a=rtpmap:96 {codec}",))

    for at_s, cseq, codec in ((0.0, 1, "PCMU/8000"), (2.0, 2, "PCMA/8000")):
        film.answered(
            described(codec, 4000, caller[0]),
            described(codec, 5000, callee[0]),
            at_s=at_s,
            cseq=cseq,
            to_tag="b" if cseq > 1 else "",
        )
    packets = [
        (0.5 + 0.02 * i, rtp(i, 160 * i, b"\xd5" * 160, payload_type=96, ssrc=5))
        for i in range(200)
    ]
    film.speak(caller, callee, packets)
    stream = film.shown(tmp_path).streams[0]
    assert stream.codec == "PCMU"
    assert stream[:2].codec == "PCMU"
    assert stream[3:].codec == "PCMA"
    # 0xD5 is silence in A-law, and in mu-law (10 * 8 + 132) * 4 - 132 = 716.
    assert np.abs(stream[3:].audio().samples).max() <= 8
    both = stream[1.5:3.5].audio().samples
    assert set(both[:1600].tolist()) == {716}
    assert np.abs(both[-1600:]).max() <= 8


def test_what_was_recognised_stays_so(tmp_path: Path) -> None:
    """Five packets alone would not tell a codec that a hundred did."""
    rng = np.random.default_rng(3)
    tone = (8 * np.sin(np.arange(16000) / 5) + rng.normal(0, 2, 16000)).astype(np.int8)
    payloads = (tone.view(np.uint8) ^ 0xD5).reshape(-1, 160)
    flow = [
        (0.02 * i, rtp(i, 160 * i, payload.tobytes(), payload_type=97))
        for i, payload in enumerate(payloads)
    ]
    stream = made(tmp_path, flow).streams[0]
    part = stream[0.1:0.2]
    assert len(part) == 5
    assert part.format == stream.format
    assert part.recognised == stream.recognised
    assert part.why_not == stream.why_not


def test_a_call_is_cut_on_both_sides(tmp_path: Path) -> None:
    film = Film()
    film.answered(at_s=0)
    caller, callee = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
    film.speak(caller, callee, talk(150, start_s=1.0, payload_type=0, ssrc=1))
    film.speak(callee, caller, talk(100, start_s=1.0, payload_type=0, ssrc=2))
    film.hung_up(5)
    call = film.shown(tmp_path).calls[0]
    part = call[1.5:2.5]
    assert [len(stream) for stream in part.left] == [50]
    assert [len(stream) for stream in part.right] == [50]
    assert (part.caller, part.state, part.call_id) == (call.caller, call.state, call.call_id)
    assert part.audio().duration_s == pytest.approx(1.0)
    assert part.matched(part.left[0]) == call.matched(call.left[0])
    # The callee's last packet came at 2.98 s.
    later = call[3:]
    assert (len(later.left[0]), later.right) == (50, [])
    assert call[-0.5:].left[0].start_s == pytest.approx(3.48)
    with pytest.raises(ValueError, match="nobody"):
        call[4:]


def test_streams_by_their_figures(tmp_path: Path) -> None:
    good, bad = steady(300), [p for p in steady(300) if p.sequence % 10]
    sent = good + [replace(p, ssrc=2, src_port=6000) for p in bad]
    short = [replace(p, ssrc=3, src_port=8000) for p in steady(50)]
    streams = rtpcap.open(capture(tmp_path / "c.pcap", sent + short)).streams

    def chosen(**limits: float) -> list[int]:
        return [stream.ssrc for stream in streams.select(**limits)]  # type: ignore[arg-type]

    # 29 of 299 expected are missing: 9.7 %.
    assert chosen(min_loss_pct=1) == chosen(min_loss_pct=9.69) == [2]
    assert chosen(min_loss_pct=9.71) == []
    assert chosen(min_packets=270) == [0x1234, 2]
    # 50 packets take 49 times 20 ms.
    assert chosen(min_duration_s=0.98) == [0x1234, 2, 3]
    assert chosen(min_duration_s=0.99) == [0x1234, 2]
    assert chosen(max_mos=4.0) == [2]
    assert chosen(min_jitter_ms=0.01) == []
    assert chosen(min_jitter_ms=0) == [0x1234, 2, 3]
    assert [s.ssrc for s in streams.select(codec="pcmu", src="10.0.0.1", min_loss_pct=1)] == [2]
