"""What every codec has to do, whole packets and all others."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.audio.track import Track
from rtpcap.codecs import available, find
from rtpcap.rtp.payload_types import Format
from tests.audio.build import Sent, packets

PACKET_MS = 20
NUMBER = 96

# Bytes of a packet of 20 ms at 8 kHz: RFC 3551 table 1.
PACKET_BYTES = {"PCMU": 160, "PCMA": 160, "L16": 320}


def some(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def test_every_codec_has_a_row() -> None:
    assert sorted(PACKET_BYTES) == available()


@pytest.fixture(params=available())
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_a_packet_of_20_ms(name: str) -> None:
    decoder = find(Format(name, 8000))
    samples = decoder.decode(some(PACKET_BYTES[name]))
    assert samples.dtype == np.int16
    assert samples.shape == (PACKET_MS * decoder.sample_rate // 1000,)
    assert decoder.samples(np.array([PACKET_BYTES[name]])).tolist() == [len(samples)]


def test_many_are_as_one_by_one(name: str) -> None:
    payloads = [some(PACKET_BYTES[name], seed) for seed in range(20)]
    data = np.frombuffer(b"".join(payloads), np.uint8).reshape(20, -1)
    many = find(Format(name, 8000)).decode_many(data)
    one_by_one = find(Format(name, 8000))
    assert many.tolist() == [one_by_one.decode(payload).tolist() for payload in payloads]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_short_and_empty_payloads_hold_what_is_announced(name: str, size: int) -> None:
    decoder = find(Format(name, 8000))
    announced = decoder.samples(np.array([size])).tolist()
    assert announced == [len(decoder.decode(some(size)))]
    data = np.frombuffer(some(3 * size), np.uint8).reshape(3, size)
    assert decoder.decode_many(data).shape == (3, announced[0])


def test_stereo_has_half_the_samples(name: str) -> None:
    decoder = find(Format(name, 8000, 2))
    samples = decoder.decode(some(PACKET_BYTES[name]))
    assert samples.shape == (PACKET_MS * 8 // 2, 2)


@pytest.mark.parametrize("drop", [(), (0,), (3,), (3, 4, 5), (9,)])
def test_dropped_packets_are_silent_and_move_nothing(name: str, drop: tuple[int, ...]) -> None:
    payloads = [some(PACKET_BYTES[name], seed) for seed in range(10)]
    sent = [Sent(160 * i, p, NUMBER, 0.02 * i) for i, p in enumerate(payloads) if i not in drop]
    track = Track.lay(packets(sent), {NUMBER: Format(name, 8000)}, origin_ns=0)
    samples, received = track.read(0, 1600)
    decoder = find(Format(name, 8000))
    for i, payload in enumerate(payloads):
        here = slice(160 * i, 160 * (i + 1))
        if i in drop:
            assert not samples[here].any()
            assert not received[here].any()
        else:
            assert samples[here].tolist() == decoder.decode(payload).tolist()
            assert received[here].all()
