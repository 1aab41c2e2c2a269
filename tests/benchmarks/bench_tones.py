"""How fast audio is listened to: ``pytest tests/benchmarks/bench_tones.py``.

``times_real_time`` in extra_info is how many seconds of audio are heard in one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rtpcap.audio.audio import Audio
from rtpcap.audio.call_tones import find_tones
from rtpcap.audio.dtmf import KEYS, find_keys
from rtpcap.audio.echo import find_echo
from rtpcap.audio.levels import measure
from rtpcap.audio.tones import listen
from rtpcap.rtp.audio_level import read_levels
from tests.audio.sounds import key, line, mu_law, noise, rhythm, silence
from tests.audio.test_echo import late
from tests.audio.test_echo import talk as syllables
from tests.rtp.test_audio_level import SPEECH, level_byte, sent

SECONDS = 600


def talk(rate: int) -> Audio:
    """Ten minutes: ringing, every key once, and noise that comes and goes as speech does."""
    parts = [silence(1, rate), *rhythm((440, 480), (2.0, 4.0), times=2, rate=rate)]
    for symbol in KEYS:
        parts += [key(symbol, 0.1, rate=rate), silence(0.1, rate)]
    rest = SECONDS - sum(len(part) for part in parts) / rate
    gate = np.repeat(np.random.default_rng(1).random(int(rest / 0.2) + 1) < 0.4, rate // 5)
    loud = noise(len(gate) / rate, -25, rate=rate) * np.where(gate, 1, 0.01)
    return mu_law(line(*parts, loud, rate=rate))


def timed(benchmark: BenchmarkFixture, work: Callable[[], object]) -> None:
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(work, rounds=5, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["times_real_time"] = round(SECONDS / benchmark.stats.stats.median)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_keys(benchmark: BenchmarkFixture, rate: int) -> None:
    audio = talk(rate)
    timed(benchmark, lambda: find_keys(audio))
    assert "".join(found.digit for found in find_keys(audio)) == KEYS


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_call_tones(benchmark: BenchmarkFixture, rate: int) -> None:
    audio = talk(rate)
    timed(benchmark, lambda: find_tones(audio))
    assert [tone.name for tone in find_tones(audio)] == ["ringback"]


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_levels(benchmark: BenchmarkFixture, rate: int) -> None:
    audio = talk(rate)
    timed(benchmark, lambda: measure(audio))
    assert measure(audio).active_dbov == pytest.approx(-27, abs=2)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_everything(benchmark: BenchmarkFixture, rate: int) -> None:
    audio = talk(rate)
    timed(benchmark, lambda: listen(audio))
    heard = listen(audio)
    assert (len(heard.keys), len(heard.tones)) == (len(KEYS), 1)


def test_echo(benchmark: BenchmarkFixture) -> None:
    alice, bob = np.tile(syllables(1, 0), 10), np.tile(syllables(2, 1), 10)
    one, other = line(alice), line(bob + late(alice, 0.145, 15))
    timed(benchmark, lambda: find_echo(one, other))
    found = find_echo(one, other)
    assert found is not None
    assert found.delay_ms == 145


def test_audio_levels(benchmark: BenchmarkFixture) -> None:
    """300,000 packets with three elements each."""
    packets = sent(lambda n: [(3, bytes(3)), (1, level_byte(n)), (2, bytes(2))])
    many = packets[np.tile(np.arange(len(packets)), 1000)]
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(lambda: read_levels(many), rounds=5, warmup_rounds=1)
    assert benchmark.stats is not None
    rate = len(many) / benchmark.stats.stats.median
    benchmark.extra_info["packets_per_second"] = round(rate)
    levels = read_levels(many)
    assert levels is not None
    assert levels.level_dbov.tolist()[: len(SPEECH)] == [-level for _, level in SPEECH]
