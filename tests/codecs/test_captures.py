"""Real captures of every codec: as long as their time line, and speech, not noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track
from rtpcap.codecs import Heard, Reason, find
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.serial import steps
from tests.codecs.real import FIXTURES, REAL, Real, streams_of, voiced

SPEECH = 0.65
"""The share of loud windows with a pitch: right decoding has 0.7 and more, wrong 0.6 and less."""

every_capture = pytest.mark.parametrize("real", REAL, ids=[real.name for real in REAL])


@every_capture
def test_it_is_speech_and_as_long_as_its_timestamps(real: Real) -> None:
    for packets in streams_of(real.path, real.number):
        decoder = find(real.format)
        payloads = packets.payloads()
        decoded = decoder.decode_run(payloads)
        assert set(decoded.reason.tolist()) <= {Reason.NONE, Reason.EMPTY}
        # Between packets that follow each other the timestamps go on by as much as was decoded.
        sequence, ticks = steps(packets.sequence)[1:], steps(packets.timestamp)[1:]
        seconds = ticks / real.format.clock_rate
        lasting = decoded.counts[:-1] / decoder.sample_rate
        speaking = (decoded.heard[:-1] == Heard.RECEIVED) & (sequence == 1) & (lasting > 0)
        close = np.abs(seconds - lasting) < 0.0006
        assert speaking.sum() > 10
        # What is missing are pauses, in which nothing was sent, and senders that slow down.
        assert close[speaking].mean() > 0.97
        mono = decoded.samples if decoder.channels == 1 else decoded.samples[:, 0]
        spoken = float(np.sqrt((mono.astype(np.float64) ** 2).mean()))
        assert 100 < spoken < 9000
        if len(mono) > decoder.sample_rate:
            assert voiced(mono, decoder.sample_rate) > SPEECH


@pytest.mark.parametrize(
    ("name", "number", "wrong"),
    [
        ("ff-g726_16", 97, "G726-16/8000"),
        ("ff-g726_32", 97, "G726-32/8000"),
        ("ff-g726_40", 97, "G726-40/8000"),
        ("ff-g726le", 97, "AAL2-G726-32/8000"),
        ("gst-g726", 96, "G726-32/8000"),
        ("br-g726", 96, "G726-32/8000"),
        ("br-g722", 9, "PCMU/8000"),
        ("ff-pcma", 8, "PCMU/8000"),
        ("gst-srtp80", 8, "PCMA/8000"),
    ],
)
def test_the_measure_fails_on_what_is_decoded_wrongly(name: str, number: int, wrong: str) -> None:
    (packets, *_) = streams_of(FIXTURES / f"{name}.pcap", number)
    decoder = find(Format.parse(wrong))
    decoded = decoder.decode_run(packets.payloads())
    assert voiced(decoded.samples, decoder.sample_rate) < SPEECH


@pytest.mark.parametrize(
    "name",
    ["pj-g729", "pj-amr", "br-opus", "br-amrwb", "ff-mp3", "ff-latm", "pj-g729vad"],
)
def test_the_track_of_a_capture_is_what_its_decoder_gives(name: str) -> None:
    real = next(real for real in REAL if real.path.stem == name)
    for packets in streams_of(real.path, real.number):
        later = Rendering(compensate_delay=False)
        track = Track.lay(packets, {real.number: real.format}, rendering=later)
        samples, what = track.read(0, track.length)
        received = what == Heard.RECEIVED
        decoded = find(real.format).decode_run(packets.payloads())
        heard = decoded.samples[np.repeat(decoded.heard == Heard.RECEIVED, decoded.counts)]
        assert samples[received].tolist() == heard.tolist()


def test_a_capture_of_the_wrong_codec_has_reasons_and_no_crash() -> None:
    for real in REAL[::4]:
        for packets in streams_of(real.path, real.number)[:1]:
            payloads = packets.payloads()[:40]
            for other in REAL[::7]:
                decoder = find(replace(other.format))
                decoded = decoder.decode_run(payloads)
                assert decoded.counts.tolist() == decoder.measure(payloads).samples.tolist()
                assert len(decoded.samples) == decoded.counts.sum()
