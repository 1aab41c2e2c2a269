"""Comfort noise: as loud as it was described, and of the spectrum that others describe and hear."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtpcap.codecs import Heard, Payloads, find
from rtpcap.codecs.comfort import ComfortNoise, parse_comfort_noise, prediction, step_up
from rtpcap.rtp.payload_types import Format
from tests.codecs.senders import by_bcg729, by_pyav, library
from tests.codecs.voices import speech


def rms(samples: npt.NDArray[np.generic]) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


def bands(samples: npt.NDArray[np.generic], count: int = 16) -> npt.NDArray[np.float64]:
    """Decibels in bands of equal width, their mean taken out."""
    pieces = samples[: len(samples) // 256 * 256].astype(np.float64).reshape(-1, 256)
    power = (np.abs(np.fft.rfft(pieces * np.hanning(256), axis=1)) ** 2).mean(axis=0)[1:129]
    decibels = 10 * np.log10(power.reshape(count, -1).mean(axis=1))
    return np.asarray(decibels - decibels.mean())


@pytest.mark.parametrize("level", [20, 40, 60, 80])
def test_white_noise_of_the_level_that_is_said(level: int) -> None:
    noise = ComfortNoise()
    noise.hear(bytes([level]))
    # RFC 3389 section 3.1: decibels below the square wave of full scale, whose rms is 32768.
    wanted = 32768 * 10 ** (-level / 20)
    assert noise.rms == pytest.approx(wanted)
    heard = noise.make(20_000)
    assert abs(20 * np.log10(rms(heard) / wanted)) < (0.5 if wanted > 10 else 3)
    assert np.abs(bands(heard)).max() < 2


def test_nothing_described_is_silence() -> None:
    noise = ComfortNoise()
    assert not noise.make(100).any()
    noise.hear(b"")
    assert not noise.make(100).any()
    assert parse_comfort_noise(b"\x7f")[0] < 0.02


def test_the_same_each_time_and_continuous() -> None:
    one, other = ComfortNoise(), ComfortNoise()
    for noise in (one, other):
        noise.hear(bytes([30, 60, 200]))
    whole = one.make(1000)
    parts = np.concatenate([other.make(size) for size in (1, 159, 160, 680)])
    assert whole.tolist() == parts.tolist()


def test_reflection_coefficients_as_a_filter() -> None:
    # Two steps of the recursion by hand: a1 = k1 + k1 k2, a2 = k2.
    assert step_up(np.array([0.5])).tolist() == [0.5]
    assert step_up(np.array([0.5, -0.2])).tolist() == pytest.approx([0.5 - 0.1, -0.2])
    # RFC 3389 section 3.2: N = 127 is 0, and each step 258/32768.
    codes = parse_comfort_noise(bytes([0, 127, 254, 0]))[1]
    assert codes.tolist() == pytest.approx([0.0, 0.99, -0.99], abs=0.011)


def room(rate: int, loudness: float = 400.0) -> npt.NDArray[np.int16]:
    """Noise with a spectrum: louder below, with a hum."""
    white = np.random.default_rng(3).standard_normal(3 * rate)
    shaped = np.convolve(white, 0.85 ** np.arange(60) * np.cos(0.9 * np.arange(60)), "same")
    return np.asarray(np.rint(loudness * shaped / shaped.std()), np.int16)


def test_what_ffmpeg_describes_sounds_as_it_was() -> None:
    sent = room(8000)
    payloads = by_pyav("comfortnoise", sent, 8000)
    noise = ComfortNoise()
    noise.hear(payloads[len(payloads) // 2])
    heard = noise.make(24_000)
    # Its level is that of 80 ms, whose mean wanders.
    assert abs(20 * np.log10(rms(heard) / rms(sent))) < 3
    assert np.abs(bands(heard) - bands(sent)).max() < 6


def test_what_ffmpeg_hears_in_a_description_is_what_is_heard_here() -> None:
    payload = bytes([35, 40, 160, 120, 140])
    context = av.AudioCodecContext.create("comfortnoise", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 8000
    context.layout = "mono"
    frames = [f.to_ndarray()[0] for _ in range(60) for f in context.decode(av.Packet(payload))]
    theirs = np.concatenate(frames[20:])
    noise = ComfortNoise()
    noise.hear(payload)
    ours = noise.make(len(theirs))
    # FFmpeg takes a quarter off the power, and makes the rest of numbers that are equally frequent
    # between the bounds, of which a third of the power is left: a fourth in all, 6 dB.
    assert abs(20 * np.log10(rms(ours) / rms(theirs)) - 6) < 1
    assert np.abs(bands(ours) - bands(theirs)).max() < 3


def test_the_spectrum_of_a_sound_is_found() -> None:
    sent = room(8000)
    noise = ComfortNoise()
    noise.become(400.0, prediction(sent[:240]))
    assert np.abs(bands(noise.make(24_000)) - bands(sent)).mean() < 4
    assert len(prediction(np.zeros(240, np.int16))) == 0


def theirs_of(payloads: list[bytes]) -> npt.NDArray[np.int16]:
    """What libbcg729 hears: frames of 10 ms, a descriptor, or nothing."""
    import ctypes

    bcg = library("bcg729")
    bcg.initBcg729DecoderChannel.restype = ctypes.c_void_p
    state = ctypes.c_void_p(bcg.initBcg729DecoderChannel())
    heard = []
    for payload in payloads:
        out = np.zeros(80, np.int16)
        bcg.bcg729Decoder(
            state,
            payload or None,
            ctypes.c_uint8(len(payload)),
            ctypes.c_uint8(not payload),
            ctypes.c_uint8(len(payload) != 10),
            ctypes.c_uint8(0),
            out.ctypes.data_as(ctypes.c_void_p),
        )
        heard.append(out)
    bcg.closeBcg729DecoderChannel(state)
    return np.concatenate(heard)


@pytest.mark.peer
@pytest.mark.parametrize("loudness", [100.0, 400.0])
def test_the_noise_of_annex_b_is_as_loud_as_another_decoder_makes_it(loudness: float) -> None:
    speaking = speech(8000)[4000:12000]
    payloads = by_bcg729(np.concatenate([speaking, room(8000, loudness)]), vad=True)
    assert {len(payload) for payload in payloads} == {0, 2, 10}
    theirs = theirs_of(payloads)
    decoder = find(Format("G729", 8000))
    pieces = []
    for payload in payloads:
        if payload:
            decoded = decoder.decode_run(Payloads.of([payload]))
            pieces.append(decoded.samples)
        else:
            (filled,) = decoder.fill(80)
            assert filled.heard is Heard.NOISE
            pieces.append(filled.samples)
    ours = np.concatenate(pieces)
    assert len(ours) == len(theirs)
    silent = [i for i, payload in enumerate(payloads) if len(payload) != 10 and i > 150]
    here = np.concatenate([np.arange(80 * i, 80 * i + 80) for i in silent])
    assert len(silent) > 100
    assert abs(20 * np.log10(rms(ours[here]) / rms(theirs[here]))) < 3


def test_g723_makes_its_own_noise() -> None:
    decoder = find(Format("G723", 8000))
    descriptor, untransmitted = bytes([0x02, 0x00, 0x00, 0x60]), b"\x03"
    assert decoder.fill(240) == []
    decoded = decoder.decode_run(Payloads.of([descriptor, untransmitted]))
    assert decoded.counts.tolist() == [240, 240]
    assert decoded.heard.tolist() == [Heard.NOISE, Heard.NOISE]
    (filled,) = decoder.fill(1000)
    assert (filled.heard, len(filled.samples)) == (Heard.NOISE, 1000)
