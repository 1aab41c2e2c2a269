"""G.711 against the figures of the contract, arithmetic, and another program."""

from __future__ import annotations

import hashlib
import subprocess

import numpy as np
import pytest

from rtpcap.codecs.g711 import A_LAW, MU_LAW, encode_a_law, encode_mu_law
from rtpcap.codecs.linear import BlockDecoder
from rtpcap.codecs.registry import find
from rtpcap.rtp.payload_types import Format
from tests.peers import require

# SHA-1 of the tables between codes and unsigned 8-bit audio, index = code (SEED.md).
DECODE = {
    "PCMU": "476ad183ff805877c4c5df0af8e7c9d13159ac08",
    "PCMA": "790ad78af6fe2c240fa900ec687deccbe98dafa9",
}
ENCODE = {
    "PCMU": "aca43755f1334a4e58c7e025cc990859d0446e7d",
    "PCMA": "263be3853cc389c1e00eb8ec0cdd6ce855c9ca5a",
}
TABLES = {"PCMU": MU_LAW, "PCMA": A_LAW}
ENCODERS = {"PCMU": encode_mu_law, "PCMA": encode_a_law}
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
LAWS = ["PCMU", "PCMA"]


@pytest.mark.parametrize("law", LAWS)
def test_decoding_table_in_eight_bits(law: str) -> None:
    table = (128 + (TABLES[law].astype(np.int64) >> 8)).astype(np.uint8)
    assert hashlib.sha1(table.tobytes()).hexdigest() == DECODE[law]


@pytest.mark.parametrize("law", LAWS)
def test_encoding_table_of_eight_bits(law: str) -> None:
    samples = ((np.arange(256) - 128) << 8).astype(np.int16)
    assert hashlib.sha1(ENCODERS[law](samples).tobytes()).hexdigest() == ENCODE[law]


def test_values_of_the_itu_tables() -> None:
    # G.711 tables 1a and 2a: the outermost values, 4032 of 4096 (A-law) and 8031 of 8192.
    assert MU_LAW[0x80] == 8031 * 4
    assert MU_LAW[0x00] == -8031 * 4
    assert MU_LAW[0xFF] == MU_LAW[0x7F] == 0
    assert A_LAW[0xAA] == 4032 * 8
    assert A_LAW[0x2A] == -4032 * 8
    assert A_LAW[0xD5] == 1 * 8
    assert A_LAW[0x55] == -1 * 8


@pytest.mark.parametrize("law", LAWS)
def test_every_code_comes_back(law: str) -> None:
    codes = np.arange(256, dtype=np.uint8)
    again = ENCODERS[law](TABLES[law])
    # Mu-law has two zeros; the negative one, 0x7f, comes back as the positive one.
    expected = np.where((law == "PCMU") & (codes == 0x7F), 0xFF, codes)
    assert again.tolist() == expected.tolist()


@pytest.mark.parametrize("law", LAWS)
def test_a_sample_comes_back_within_half_a_step(law: str) -> None:
    values = np.unique(TABLES[law].astype(np.int64))
    again = TABLES[law][ENCODERS[law](EVERY_SAMPLE)].astype(np.int64)
    error = np.abs(again - EVERY_SAMPLE)
    # Where two segments meet the wider step counts.
    place = np.searchsorted(values, again)
    apart = np.diff(values, prepend=values[0], append=values[-1])
    step = np.maximum(apart[place], apart[place + 1])
    inside = (values[0] <= EVERY_SAMPLE) & (values[-1] >= EVERY_SAMPLE)
    # Half a step, and what the 16 bits have beyond the law's 14 or 13.
    assert (error[inside] <= step[inside] / 2 + 8).all()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("size", [0, 1, 2, 33, 160, 161, 1023, 1024, 1025, 4097])
def test_payloads_of_any_size(law: str, size: int) -> None:
    payload = bytes((7 * i + i // 256) % 256 for i in range(size))
    expected = TABLES[law][np.frombuffer(payload, np.uint8)]
    decoder = find(Format(law, 8000))
    assert isinstance(decoder, BlockDecoder)
    assert decoder.decode(payload).tolist() == expected.tolist()
    many = np.frombuffer(payload * 3, np.uint8).reshape(3, size)
    assert decoder.decode_many(many).tolist() == [expected.tolist()] * 3
    assert decoder.samples(np.array([size])).tolist() == [size]


def test_stereo_is_interleaved() -> None:
    decoder = find(Format("PCMU", 8000, 2))
    assert isinstance(decoder, BlockDecoder)
    assert decoder.channels == 2
    samples = decoder.decode(bytes([0, 0x80, 0xFF, 0, 1]))
    assert samples.tolist() == [[-32124, 32124], [0, -32124]]
    assert decoder.samples(np.array([5])).tolist() == [2]


@pytest.mark.peer
@pytest.mark.parametrize(("law", "name"), [("PCMU", "mulaw"), ("PCMA", "alaw")])
def test_ffmpeg_decodes_every_code_alike(law: str, name: str) -> None:
    codes = bytes(range(256))
    command = [require("ffmpeg"), "-v", "error", "-f", name, "-ar", "8000", "-i", "pipe:0"]
    command += ["-f", "s16le", "pipe:1"]
    done = subprocess.run(command, input=codes, capture_output=True, check=True)
    assert np.frombuffer(done.stdout, "<i2").tolist() == TABLES[law].tolist()


@pytest.mark.peer
@pytest.mark.parametrize(("law", "name"), [("PCMU", "mulaw"), ("PCMA", "alaw")])
def test_ffmpeg_hears_what_was_encoded(law: str, name: str) -> None:
    codes = ENCODERS[law](EVERY_SAMPLE).tobytes()
    command = [require("ffmpeg"), "-v", "error", "-f", name, "-ar", "8000", "-i", "pipe:0"]
    command += ["-f", "s16le", "pipe:1"]
    done = subprocess.run(command, input=codes, capture_output=True, check=True)
    heard = np.frombuffer(done.stdout, "<i2").astype(np.float64)
    loud = np.abs(EVERY_SAMPLE.astype(np.float64)) > 1000
    # 16 steps a segment: the error is at most a 32nd of the sample, or of the clipped range.
    error = np.abs(heard - EVERY_SAMPLE)[loud] / np.abs(EVERY_SAMPLE.astype(np.float64))[loud]
    assert error.max() < 1 / 32 + 0.01
