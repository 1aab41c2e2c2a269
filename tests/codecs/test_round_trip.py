"""What others encode comes back: its pitch, its place, its loudness, its length."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track
from rtpcap.codecs import Heard, Reason, encodable, find, find_encoder
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from tests.audio.build import Sent, packets
from tests.codecs.cases import CASES, Case
from tests.codecs.voices import lag, pitch, snr_db, speech, tone

NUMBER = 96
SECONDS = 2.0
PITCH = 440.0

marks = [
    pytest.param(case, id=case.name, marks=[pytest.mark.peer] if case.peer else [])
    for case in CASES
]
every_case = pytest.mark.parametrize("case", marks)


def heard(case: Case, payloads: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    decoded = find(case.format).decode_run(Payloads.of(payloads))
    assert not decoded.reason.any()
    assert (decoded.heard == Heard.RECEIVED).all()
    return decoded.samples.reshape(-1)


@every_case
def test_a_tone_keeps_its_pitch_and_its_loudness(case: Case) -> None:
    sent = tone(case.rate, SECONDS, PITCH)
    back = heard(case, case.send(sent))
    middle = back[len(back) // 4 : -len(back) // 4].astype(np.float64)
    assert abs(pitch(middle, case.rate) - PITCH) < 2
    loudness = float(np.sqrt((middle**2).mean()) / np.sqrt((sent.astype(np.float64) ** 2).mean()))
    # Speech codecs lose some of a pure tone, none of them half.
    assert 0.65 < loudness < 1.1
    best = max(snr_db(sent, back, later) for later in _places(sent, back, case.rate))
    assert best > case.snr_db


def _places(sent: np.ndarray, back: np.ndarray, rate: int) -> list[int]:
    """Lags around the one that speech has; a tone has one in each period."""
    period = round(rate / PITCH)
    return list(range(2 * period + rate // 60))


@every_case
def test_speech_comes_back_at_its_sample(case: Case) -> None:
    sent = speech(case.rate)
    back = heard(case, case.send(sent))
    assert lag(sent, back) == find(case.format).delay


@every_case
def test_every_packet_lasts_as_long_as_it_should(case: Case) -> None:
    payloads = case.send(speech(case.rate))
    measured = find(case.format).measure(Payloads.of(payloads))
    assert set(measured.samples.tolist()) == {case.packet_samples}
    # What does not fill a packet is not sent, or filled up; coders that look ahead send one more.
    missing = len(speech(case.rate)) - int(measured.samples.sum())
    assert -2 * case.packet_samples < missing < case.packet_samples


LATER = Rendering(compensate_delay=False)
"""What a decoder gives lies where the packets do."""


@every_case
def test_dropped_packets_are_silent_and_move_nothing(case: Case) -> None:
    payloads = case.send(speech(case.rate))[:60]
    fmt = case.format
    rate = find(fmt).sample_rate
    size = case.packet_samples
    ticks = size * fmt.clock_rate // rate
    lost = {3, 20, 21, 22, 40}
    sent = [
        Sent(ticks * i, payload, NUMBER, i * size / rate)
        for i, payload in enumerate(payloads)
        if i not in lost
    ]
    # One comes twice, and two change places.
    sent.insert(10, sent[9])
    sent[30], sent[31] = sent[31], sent[30]
    track = Track.lay(packets(sent), {NUMBER: fmt}, origin_ns=0, rendering=LATER)
    samples, heard = track.read(0, track.length)
    received = heard == Heard.RECEIVED
    assert track.length == size * len(payloads)
    decoder = find(fmt)
    expected = np.zeros(track.length, np.int16)
    for i, payload in enumerate(payloads):
        here = slice(size * i, size * (i + 1))
        assert received[here].all() == (i not in lost)
        assert received[here].any() == (i not in lost)
        if i not in lost:
            expected[here] = decoder.decode(payload)
    assert samples.tolist() == expected.tolist()


@every_case
def test_windows_give_what_the_whole_gives(case: Case) -> None:
    payloads = case.send(speech(case.rate))[:60]
    fmt = case.format
    ticks = case.packet_samples * fmt.clock_rate // find(fmt).sample_rate
    sent = [Sent(ticks * i, payload, NUMBER, 0.02 * i) for i, payload in enumerate(payloads)]
    whole = Track.lay(packets(sent), {NUMBER: fmt})
    samples, received = whole.read(0, whole.length)
    pieces = Track.lay(packets(sent), {NUMBER: fmt})
    step = case.packet_samples * 7 // 3
    parts = [pieces.read(at, at + step) for at in range(0, whole.length, step)]
    assert np.concatenate([part for part, _ in parts])[: whole.length].tolist() == samples.tolist()
    assert np.concatenate([there for _, there in parts])[: whole.length].all() == received.all()


@every_case
def test_a_damaged_payload_does_not_poison_the_decoder(case: Case) -> None:
    sent = tone(case.rate, SECONDS, PITCH)
    payloads = case.send(sent)
    middle = len(payloads) // 2
    bad = [b"\x00", b"", payloads[0][:1], b"\xff" * 7]
    decoded = find(case.format).decode_run(Payloads.of(payloads[:middle] + bad + payloads[middle:]))
    tail = decoded.samples.reshape(-1)[-case.rate // 4 : -case.packet_samples].astype(np.float64)
    assert abs(pitch(tail, case.rate) - PITCH) < 2
    assert decoded.reason[middle + 1] == Reason.EMPTY


# Of our own encoders: (rate, milliseconds of a packet).
OURS = {
    "AAL2-G726-16": (8000, 20),
    "AAL2-G726-24": (8000, 20),
    "AAL2-G726-32": (8000, 30),
    "AAL2-G726-40": (8000, 20),
    "AMR": (8000, 40),
    "G722": (8000, 30),
    "G723": (8000, 30),
    "G726-16": (8000, 10),
    "G726-24": (8000, 20),
    "G726-32": (8000, 20),
    "G726-40": (8000, 20),
    "L16": (44100, 20),
    "L24": (48000, 5),
    "L8": (8000, 20),
    "opus": (48000, 20),
    "PCMA": (8000, 20),
    "PCMU": (8000, 20),
}


def test_every_encoder_is_tried() -> None:
    assert sorted(OURS, key=str.lower) == encodable()


@pytest.mark.parametrize("name", OURS)
def test_what_is_encoded_here_comes_back(name: str) -> None:
    clock, packet_ms = OURS[name]
    fmt = Format(name, clock)
    if name == "AMR":
        pytest.importorskip("av")
        skip_without_amr_encoder()
    coder = find_encoder(fmt, packet_ms)
    sent = speech(coder.sample_rate)
    payloads = coder.encode(sent[:1001]) + coder.encode(sent[1001:]) + coder.finish()
    decoder = find(fmt)
    decoded = decoder.decode_run(Payloads.of(payloads))
    assert not decoded.reason.any()
    assert set(decoded.counts.tolist()) == {coder.packet_samples}
    assert len(decoded.samples) >= len(sent)
    assert len(decoded.samples) < len(sent) + 3 * coder.packet_samples
    assert coder.packet_samples * 1000 == packet_ms * decoder.sample_rate
    # At this bit rate speech goes through the lower of Opus's layers; its filters differ a little.
    most = 2 if name == "opus" else 0
    assert abs(lag(sent, decoded.samples) - decoder.delay) <= most


def skip_without_amr_encoder() -> None:
    import av

    if "libopencore_amrnb" not in av.codecs_available:
        pytest.skip("PyAV 19 has no AMR encoder")


def test_stereo_opus_has_two_sides() -> None:
    fmt = Format("opus", 48000, 2, "sprop-stereo=1")
    coder = find_encoder(fmt)
    left, right = tone(48000, 1.0, 440.0), tone(48000, 1.0, 660.0)
    decoder = find(fmt)
    payloads = coder.encode(np.stack([left, right], axis=1))
    samples = decoder.decode_run(Payloads.of(payloads)).samples
    assert samples.shape == (48000, 2)
    for side, sent in enumerate((left, right)):
        assert snr_db(sent, samples[:, side], decoder.delay) > 30


def test_encoders_refuse_what_they_cannot_do() -> None:
    with pytest.raises(LookupError, match="no encoder for EVS"):
        find_encoder(Format("EVS", 16000))
    for name, packet_ms in (("opus", 30), ("G723", 20), ("PCMU", 0), ("AMR", 30)):
        with pytest.raises(ValueError):
            find_encoder(Format(name, 8000), packet_ms)
    with pytest.raises(ValueError, match="channels"):
        find_encoder(Format("PCMU", 8000, 2)).encode(np.zeros(10, np.int16))
