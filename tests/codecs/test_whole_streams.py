"""Real captures through the whole of it: as long as the time line, and speech."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtpcap
from rtpcap.audio.rendering import Rendering
from rtpcap.codecs import Heard, find
from tests.codecs.real import REAL, SHARED, Real, voiced
from tests.codecs.test_captures import SPEECH
from tests.effort import pick, sample

STREAMS = [real for real in REAL if real.path.suffix == ".pcap"]


def opened(real: Real) -> list[rtpcap.Stream]:
    """The streams of a capture that have some packets of its payload number."""
    if not real.path.exists():
        pytest.skip(f"{real.path.name}: the folder shared is not beside the project")
    capture = rtpcap.open(real.path, pt_map={real.number: real.format})
    return [
        stream
        for stream in capture.streams
        if (stream.packets.payload_type == real.number).sum() >= 3 and not stream.why_not
    ]


@pytest.mark.parametrize("real", STREAMS, ids=[real.name for real in STREAMS])
def test_a_stream_is_as_long_as_its_time_line_and_speech(real: Real) -> None:
    found = opened(real)
    assert found
    for stream in found:
        audio = stream.audio(fill="conceal")
        packets = stream.packets
        packets = packets[packets.payload_type == real.number]
        # From the first timestamp to the end of what the last packet holds.
        decoder = find(real.format)
        lasting = decoder.measure(packets.payloads()).samples / decoder.sample_rate
        ticks = np.unwrap(packets.timestamp.astype(float), period=2.0**32)
        begin = ticks[lasting > 0] / real.format.clock_rate
        end = begin + lasting[lasting > 0]
        assert audio.duration_s == pytest.approx(float(end.max() - begin.min()), abs=0.001)
        mono = audio.samples if audio.channels == 1 else audio.samples[:, 0]
        if audio.duration_s > 1:
            assert voiced(mono, audio.rate) > SPEECH


def test_at_one_rate_all_sound_the_same() -> None:
    real = next(real for real in STREAMS if real.path.stem == "br-opus")
    for stream in opened(real):
        audio = stream.audio(rate=8000)
        assert (audio.rate, audio.length) == (8000, stream.audio().length // 6)
        assert voiced(audio.samples, 8000) > SPEECH


@pytest.mark.parametrize("real", sample(STREAMS, 8), ids=lambda real: real.name)
def test_a_wrong_name_is_no_crash(real: Real) -> None:
    if not real.path.exists():
        pytest.skip(f"{real.path.name}: the folder shared is not beside the project")
    for other in REAL[::6]:
        told = replace(other.format)
        for stream in rtpcap.open(real.path, pt_map={real.number: told}).streams:
            if stream.why_not is not None:
                continue
            try:
                track = stream.track(rendering=Rendering(fill="conceal"))
            except rtpcap.CodecUnavailable:
                continue
            samples, heard = track.read(0, min(track.length, pick(96_000, 480_000)))
            assert len(samples) == len(heard)
            assert set(np.unique(heard).tolist()) <= {int(each) for each in Heard}


def test_the_pauses_of_g729_are_noise_where_it_is_wanted() -> None:
    path = SHARED / "fixtures" / "pj-g729vad.pcap"
    if not path.exists():
        pytest.skip(f"{path.name}: the folder shared is not beside the project")
    for stream in rtpcap.open(path).streams:
        plain, noisy = stream.audio(), stream.audio(fill="noise")
        pause = noisy.heard == Heard.NOISE
        assert pause.mean() > 0.1
        # The level that descriptors tell is that of the pauses in the speech: far below it.
        loud = np.sqrt((plain.samples[plain.received].astype(float) ** 2).mean())
        quiet = np.sqrt((noisy.samples[pause].astype(float) ** 2).mean())
        assert 0 < quiet < loud / 5
        # A packet may hold speech and a descriptor: then there is noise in it too.
        same = noisy.samples[plain.received] == plain.samples[plain.received]
        assert same.mean() > 0.99
