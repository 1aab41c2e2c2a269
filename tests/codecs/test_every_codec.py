"""What every codec has to do, whatever the payloads hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.codecs import Decoder, Heard, Reason, available, find
from rtpcap.codecs.access import AccessUnitDecoder
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from tests.codecs.cases import FORMATS
from tests.effort import examples


def some(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def check(decoder: Decoder, payloads: list[bytes]) -> None:
    """The promises of `Decoder` for one run."""
    rows = Payloads.of(payloads)
    measured = decoder.measure(rows)
    decoded = decoder.decode_run(rows)
    assert decoded.samples.dtype == np.int16
    assert decoded.counts.tolist() == measured.samples.tolist()
    whole = int(measured.samples.sum())
    channels = () if decoder.channels == 1 else (decoder.channels,)
    assert decoded.samples.shape == (whole, *channels)
    assert len(decoded.heard) == len(decoded.reason) == len(payloads)
    for payload, count, heard, reason in zip(
        payloads, decoded.counts, decoded.heard, decoded.reason, strict=True
    ):
        assert heard in (Heard.SILENCE, Heard.RECEIVED, Heard.NOISE)
        assert (Reason(int(reason)).label == "") == (reason == Reason.NONE)
        if not payload:
            assert (int(count), reason) == (0, Reason.EMPTY)


def test_every_codec_has_a_format() -> None:
    assert sorted(FORMATS) == sorted(available())


@pytest.fixture(params=sorted(FORMATS))
def fmt(request: pytest.FixtureRequest) -> Format:
    name: str = request.param
    return FORMATS[name]


def test_names_in_any_case_and_a_fresh_decoder_each_time(fmt: Format) -> None:
    loud = Format(fmt.name.upper(), fmt.clock_rate, fmt.channels, fmt.parameters)
    assert find(loud).sample_rate == find(fmt).sample_rate
    assert find(fmt) is not find(fmt)


def test_a_delay_is_a_few_milliseconds(fmt: Format) -> None:
    decoder = find(fmt)
    assert 0 <= decoder.delay <= 0.03 * decoder.sample_rate


def test_payloads_of_any_size(fmt: Format) -> None:
    decoder = find(fmt)
    for size in (0, 1, 2, 3, 4, 5, 10, 31, 33, 38, 50, 160, 161, 1400):
        check(decoder, [some(size), bytes(size), b"\xff" * size])


def test_empty_ones_between_do_no_harm(fmt: Format) -> None:
    payloads = [some(80, seed) for seed in range(6)]
    plain = find(fmt).decode_run(Payloads.of(payloads))
    torn = find(fmt).decode_run(Payloads.of([b"", payloads[0], b"", b"", *payloads[1:], b""]))
    assert torn.samples.tolist() == plain.samples.tolist()


def test_one_by_one_is_as_all_at_once(fmt: Format) -> None:
    payloads = [some(80 + 2 * (seed % 2), seed) for seed in range(8)]
    one = find(fmt)
    if isinstance(one, AccessUnitDecoder):
        pytest.skip("units in pieces are put together within a run")
    singly = [one.decode(payload) for payload in payloads]
    at_once = find(fmt).decode_run(Payloads.of(payloads)).samples
    assert np.concatenate(singly).tolist() == at_once.tolist()


def test_after_a_reset_as_if_it_were_new(fmt: Format) -> None:
    payloads = Payloads.of([some(80, seed) for seed in range(4)])
    decoder = find(fmt)
    before = decoder.decode_run(payloads)
    decoder.reset()
    again = decoder.decode_run(payloads)
    # Of Vorbis a stream's first packet has no samples, and one in the middle has.
    assert again.samples[: len(before.samples)].tolist() == before.samples.tolist()


def test_filling_is_as_long_as_was_asked_for(fmt: Format) -> None:
    decoder = find(fmt)
    for samples in (1, 100, 333):
        pieces = decoder.fill(samples)
        assert sum(len(piece.samples) for piece in pieces) in (0, samples)
    decoder.decode(some(80))
    for samples in (1, 100, 333):
        pieces = decoder.fill(samples, following=some(80))
        assert sum(len(piece.samples) for piece in pieces) in (0, samples)


@given(
    name=st.sampled_from(sorted(FORMATS)),
    payloads=st.lists(st.binary(max_size=200), max_size=6),
)
@settings(max_examples=examples(30), deadline=None)
def test_any_bytes(name: str, payloads: list[bytes]) -> None:
    check(find(FORMATS[name]), payloads)


@given(
    name=st.sampled_from(sorted(FORMATS)),
    parameters=st.text(max_size=60) | st.sampled_from(["config=", "configuration=AAAA", "mode=7"]),
    rate=st.sampled_from([1, 7999, 8000, 16000, 48000, 90000, 384000]),
    channels=st.integers(1, 64),
)
@settings(max_examples=examples(30), deadline=None)
def test_any_format_is_decoded_or_said_why_not(
    name: str, parameters: str, rate: int, channels: int
) -> None:
    try:
        decoder = find(Format(name, rate, channels, parameters))
    except CodecUnavailable:
        return
    check(decoder, [some(80), b"", some(33)])
