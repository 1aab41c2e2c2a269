"""Streams that nobody names, and streams that are named wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from rtpcap.rtp.payload_types import Format
from tests.codecs.real import FIXTURES as SHARED
from tests.codecs.voices import FIXTURES


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("gst-amr", "AMR", 8000),
        ("gst-amrwb", "AMR-WB", 16000),
        ("gst-g726", "AAL2-G726-32", 8000),
        ("gst-g726le", "G726-32", 8000),
        ("gst-speex", "speex", 16000),
        ("gst-opus", "opus", 48000),
        ("ff-latm", "MP4A-LATM", 48000),
    ],
)
def test_a_codec_that_nobody_names(name: str, codec: str, rate: int) -> None:
    for stream in rtpcap.open(FIXTURES / f"{name}.pcap").streams:
        assert (stream.codec, stream.clock_rate) == (codec, rate)
        assert stream.recognised is not None
        assert stream.recognised.confidence > 0.9
        assert stream.recognised.reasons
        assert stream.row()["jitter_ms"] is not None


def test_what_is_named_is_not_recognised() -> None:
    stream = rtpcap.open(FIXTURES / "gst-opus.pcap", pt_map={111: "opus/48000/2"}).streams[0]
    assert (stream.codec, stream.recognised) == ("opus", None)
    assert rtpcap.open(FIXTURES / "ff-pcmu.pcap").streams[0].recognised is None


def test_stereo_is_seen() -> None:
    audio = rtpcap.open(FIXTURES / "gst-stereo.pcap").streams[0].audio()
    assert audio.channels == 2
    named = rtpcap.open(FIXTURES / "gst-stereo.pcap", pt_map={111: "opus/48000/2"}).streams[0]
    assert named.audio().channels == 2
    assert "stereo" in named.settled[0]


@pytest.mark.parametrize(
    ("name", "told", "is_"),
    [
        ("gst-g726", {96: "G726-32/8000"}, "AAL2-G726-32"),
        ("gst-g726le", {96: "AAL2-G726-32/8000"}, "G726-32"),
    ],
)
def test_the_wrong_packing_is_set_right(name: str, told: dict[int, str], is_: str) -> None:
    stream = rtpcap.open(FIXTURES / f"{name}.pcap", pt_map=told).streams[0]
    assert stream.codec == is_
    assert "noise in this packing" in stream.settled[0]


def test_the_wrong_alignment_is_set_right() -> None:
    wrong = {96: Format("AMR", 8000)}
    stream = rtpcap.open(FIXTURES / "gst-amr.pcap", pt_map=wrong).streams[0]
    assert stream.format == Format("AMR", 8000, 1, "octet-align=1")
    assert "octet-aligned" in stream.settled[0]


def test_redundancy_is_a_way_to_send_a_codec() -> None:
    (stream,) = rtpcap.open(FIXTURES / "gst-red.pcap").streams
    assert (stream.codec, stream.payload_types, stream.decodable) == ("PCMU", [0, 100], True)
    audio = stream.audio()
    assert audio.received.all()


@pytest.mark.parametrize("pt_map", [None, {96: "opus/48000/2"}])
def test_what_is_encrypted_is_never_decoded(pt_map: dict[int, str] | None) -> None:
    for stream in rtpcap.open(FIXTURES / "ai-opus.pcap", pt_map=pt_map).streams:
        assert stream.encrypted
        assert not stream.decodable
        assert stream.why_not is not None
        assert stream.why_not.startswith("encrypted: ")


def test_a_codec_that_is_not_sure_says_how_to_name_it(tmp_path: Path) -> None:
    path: Path = SHARED / "pj-g7221.pcap"
    if not path.exists():
        pytest.skip(f"{path.name}: the folder shared is not beside the project")
    named = rtpcap.open(path)
    named.export(tmp_path / "c.pcap", streams=named.streams)
    for stream in rtpcap.open(tmp_path / "c.pcap").streams:
        assert stream.codec is None
        assert stream.why_not is not None
        assert "--map 96=CODEC/RATE" in stream.why_not
