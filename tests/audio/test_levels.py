"""Levels of sounds whose level is known."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.audio.audio import Audio
from rtpcap.audio.dtmf import DBM0_DBOV
from rtpcap.audio.levels import DIGITAL_SILENCE, LevelMeter, measure
from rtpcap.audio.line import Samples
from rtpcap.audio.one_way import Side, judge
from rtpcap.audio.tones import listen
from rtpcap.codecs import Heard
from rtpcap.codecs.g711 import A_LAW, MU_LAW
from tests.audio.sounds import key, line, mu_law, noise, rhythm, silence, sines
from tests.effort import examples
from tests.peers import require

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

FULL_SCALE_SINE_DBOV = 20 * math.log10(1 / math.sqrt(2))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("hertz", [101.0, 1004.0, 3001.0])
def test_a_full_scale_sine(rate: int, hertz: float) -> None:
    levels = measure(line(sines((hertz,), 5, dbov=FULL_SCALE_SINE_DBOV, rate=rate), rate=rate))
    assert pytest.approx(-3.01, abs=0.005) == FULL_SCALE_SINE_DBOV
    assert levels.level_dbov == pytest.approx(FULL_SCALE_SINE_DBOV, abs=0.01)
    assert levels.active_dbov == pytest.approx(FULL_SCALE_SINE_DBOV, abs=0.05)
    assert levels.activity == pytest.approx(1, abs=0.01)
    assert levels.noise_dbov == pytest.approx(FULL_SCALE_SINE_DBOV, abs=0.1)
    assert levels.peak_dbov == pytest.approx(0, abs=0.01)
    assert levels.dc_offset == pytest.approx(0, abs=1e-4)
    assert levels.silence == 0
    assert levels.dead_air == ()


def test_a_square_wave_at_full_scale_has_0_dbov() -> None:
    square = np.where(np.arange(8000) // 4 % 2, 32767, -32768).astype(np.float64)
    assert measure(line(square)).level_dbov == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("dbov", [-60.0, -40.0, -26.0, -10.0])
def test_levels_of_noise(dbov: float) -> None:
    levels = measure(line(noise(20, dbov)))
    assert levels.level_dbov == pytest.approx(dbov, abs=0.1)
    # A tenth of the windows of 160 samples lie below: 1.28 standard deviations of 0.49 dB.
    expected = dbov + 10 * math.log10(1 - 1.28 * math.sqrt(2 / 160))
    assert levels.noise_dbov == pytest.approx(expected, abs=0.15)


def test_digital_silence() -> None:
    levels = measure(line(silence(5)))
    assert levels.level_dbov == levels.noise_dbov == levels.peak_dbov == DIGITAL_SILENCE
    assert (levels.active_dbov, levels.activity, levels.silence) == (None, 0, 1)
    assert [(span.start_s, span.duration_s) for span in levels.dead_air] == [(0, 5)]
    assert not levels.heard


def test_nothing_received() -> None:
    levels = measure(line(silence(5), received=np.zeros(40000, np.bool_)))
    assert levels.level_dbov is levels.noise_dbov is levels.silence is levels.activity is None
    assert [(span.duration_s, span.received) for span in levels.dead_air] == [(5, 0)]
    assert np.isnan(levels.window_dbov).all()


@pytest.mark.parametrize("length", [0, 1, 159, 161])
def test_hardly_any_samples(length: int) -> None:
    levels = measure(line(np.full(length, 3276.8)))
    assert levels.duration_s == length / 8000
    assert len(levels.window_dbov) == math.ceil(length / 160)
    if length:
        assert levels.level_dbov == pytest.approx(-20, abs=0.01)
        assert levels.dc_offset == pytest.approx(0.1, abs=0.001)


def test_what_was_not_received_counts_in_nothing() -> None:
    audio = line(sines((1000.0,), 4, dbov=-20.0))
    audio.heard[8000:16000] = Heard.SILENCE
    levels = measure(audio)
    assert levels.received_s == 3
    assert levels.level_dbov == pytest.approx(-20, abs=0.01)
    assert levels.silence == 0
    assert np.isnan(levels.window_dbov).sum() == 50


def p56(samples: npt.NDArray[np.int16], rate: int) -> tuple[float, float]:
    """Active speech level and activity by ITU-T P.56, sample by sample as it is written there."""
    keep = math.exp(-1 / (rate * 0.03))
    hangover = math.ceil(0.2 * rate)
    thresholds = [2.0**power for power in range(15)]
    active = [0] * 15
    hang = [hangover] * 15
    p = q = squares = 0.0
    for sample in samples.tolist():
        squares += sample * sample
        p = keep * p + (1 - keep) * abs(sample)
        q = keep * q + (1 - keep) * p
        for number, threshold in enumerate(thresholds):
            if q >= threshold:
                active[number] += 1
                hang[number] = 0
            elif hang[number] < hangover:
                active[number] += 1
                hang[number] += 1
            else:
                break
    before = (0.0, 0.0)
    for number, count in enumerate(active):
        level = 10 * math.log10(squares / count / 32768**2)
        margin = level - 20 * math.log10(thresholds[number] / 32768)
        if margin <= 15.9:
            share = (before[1] - 15.9) / (before[1] - margin)
            level = before[0] + share * (level - before[0])
            break
        before = level, margin
    return level, squares / len(samples) / 32768**2 / 10 ** (level / 10)


@pytest.mark.parametrize(("loud", "quiet"), [(-20, -70), (-30, -55), (-12, -40)])
def test_active_speech_level_is_that_of_p56(loud: float, quiet: float) -> None:
    # Noise that comes and goes as speech does, over a background.
    chosen = np.random.default_rng(5)
    gate = np.repeat(chosen.random(60) < 0.4, 1600)
    sound = noise(12, loud, seed=2) * gate + noise(12, quiet, seed=3)
    audio = line(sound)
    levels = measure(audio)
    level, activity = p56(audio.samples, 8000)
    assert levels.active_dbov == pytest.approx(level, abs=0.05)
    assert levels.activity == pytest.approx(activity, abs=0.01)
    assert levels.active_dbov == pytest.approx(loud, abs=3)


def test_active_speech_level_at_other_rates() -> None:
    sound = np.repeat(line(*rhythm((700.0,), (1.0, 3.0), times=3)).samples, 2)
    twice = measure(Audio(sound, 16000, np.ones(len(sound), np.bool_)))
    once = measure(line(*rhythm((700.0,), (1.0, 3.0), times=3)))
    assert twice.active_dbov == pytest.approx(once.active_dbov, abs=0.05)
    # 1 s in 4, and 200 ms and the envelope's fall after each.
    assert once.activity == pytest.approx(0.25 + 0.3 / 4, abs=0.03)


def test_clipping() -> None:
    fine = sines((300.0,), 2, dbov=-3.2)
    assert measure(line(fine)).clipped == 0
    # 6 dB over full scale: it stays at the limit twice in each of 600 periods.
    levels = measure(line(sines((300.0,), 2, dbov=3.0)))
    assert levels.clipped == pytest.approx(1200, abs=2)
    # Above half of its peak a sine is for two thirds of the time.
    assert levels.clipped_s == pytest.approx(2 * 2 / 3, abs=0.1)
    assert len(levels.clips) == 1000
    assert levels.peak_dbov == pytest.approx(0, abs=0.001)


def test_clipping_has_its_place_and_length_also_across_pieces() -> None:
    samples = np.zeros(4000, np.int16)
    samples[995:1010] = 32767
    samples[2000:2010] = -32768
    samples[3000:3002] = 32767
    samples[3990:] = 32767
    for size in (7, 1000, 4000):
        meter = LevelMeter(8000)
        for begin in range(0, 4000, size):
            meter.feed(samples[begin : begin + size])
        levels = meter.close()
        found = [(round(s.start_s * 8000), round(s.duration_s * 8000)) for s in levels.clips]
        assert found == [(995, 15), (2000, 10), (3990, 10)]
        assert (levels.clipped, levels.clipped_s) == (3, 35 / 8000)


def test_g711_clips_at_its_own_limit() -> None:
    audio = mu_law(line(sines((300.0,), 1, dbov=3.0)))
    assert measure(audio).clipped == 0
    assert measure(audio, limit=int(MU_LAW.max())).clipped == pytest.approx(600, abs=2)
    assert (int(MU_LAW.max()), int(A_LAW.max())) == (32124, 32256)


def test_dead_air_has_its_places() -> None:
    talk = sines((500.0,), 3)
    audio = line(talk, silence(2.5), talk, silence(1.5), talk, noise(4, -66), talk, silence(3))
    audio.heard[-8000:] = Heard.SILENCE
    spans = measure(audio).dead_air
    assert [span.start_s for span in spans] == pytest.approx([3, 13, 20], abs=0.021)
    assert [span.duration_s for span in spans] == pytest.approx([2.5, 4, 3], abs=0.041)
    assert [span.received for span in spans] == pytest.approx([1, 1, 2 / 3], abs=0.01)


@pytest.mark.parametrize("size", [1, 33, 1000, 16000])
def test_any_pieces_give_the_same(size: int) -> None:
    audio = line(noise(0.5, -30), silence(0.4), sines((400.0,), 0.4, dbov=2.0))
    audio.heard[3000:3500] = Heard.SILENCE
    meter = LevelMeter(8000)
    for begin in range(0, audio.length, size):
        samples, heard = audio.read(begin, min(begin + size, audio.length))
        meter.feed(samples, heard == Heard.RECEIVED)
    levels, whole = meter.close(), measure(audio)
    assert levels.window_dbov == pytest.approx(whole.window_dbov, abs=1e-3, nan_ok=True)
    assert levels.level_dbov == pytest.approx(whole.level_dbov)
    assert levels.active_dbov == pytest.approx(whole.active_dbov, abs=1e-3)
    assert (levels.clipped, levels.clipped_s) == (whole.clipped, whole.clipped_s)


@pytest.mark.parametrize(
    ("law", "codes"),
    [(MU_LAW, "1e0b0b1e9e8b8b9e"), (A_LAW, "34212134b4a1a1b4")],
    ids=["mu-law", "A-law"],
)
def test_a_milliwatt_has_0_dbm0(law: npt.NDArray[np.int16], codes: str) -> None:
    """ITU-T G.711, tables 5 and 6: these codes over and over are 1 kHz at 0 dBm0."""
    sequence = law[np.frombuffer(bytes.fromhex(codes) * 1000, np.uint8)]
    levels = measure(Audio(sequence, 8000, np.ones(len(sequence), np.bool_)))
    assert levels.level_dbov == pytest.approx(DBM0_DBOV, abs=0.1)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["ff-pcmu.pcap", "pj-pcmu.pcap", "gst-seqwrap.pcap"])
def test_ffmpeg_measures_the_same(name: str) -> None:
    for stream in rtpcap.open(FIXTURES / name).streams:
        audio = stream.audio()
        command = [require("ffmpeg"), "-hide_banner", "-f", "s16le", "-ar", str(audio.rate)]
        command += ["-i", "pipe:0", "-af", "astats=measure_perchannel=none", "-f", "null", "-"]
        samples = audio.samples[audio.received].astype("<i2").tobytes()
        done = subprocess.run(command, input=samples, capture_output=True, check=True)
        said = dict(re.findall(r"(\w[\w ]*): (\S+)", done.stderr.decode()))
        levels = measure(audio)
        assert levels.level_dbov == pytest.approx(float(said["RMS level dB"]), abs=0.001)
        assert levels.peak_dbov == pytest.approx(float(said["Peak level dB"]), abs=0.001)
        assert levels.dc_offset == pytest.approx(float(said["DC offset"]), abs=1e-5)


def test_everything_in_one_go() -> None:
    audio = line(silence(0.5), key("7"), silence(1), *rhythm((440, 480), (2.0, 4.0)))
    heard = listen(audio)
    assert [found.digit for found in heard.keys] == ["7"]
    assert [tone.name for tone in heard.tones] == ["ringback"]
    assert heard.levels.duration_s == audio.duration_s


class Counted:
    """A line that counts the samples that are read of it."""

    def __init__(self, audio: Audio) -> None:
        self.rate, self.channels, self.length = audio.rate, audio.channels, audio.length
        self._audio = audio
        self.read_samples = 0

    def read(self, start: int, stop: int) -> Samples:
        self.read_samples += stop - start
        return self._audio.samples[start:stop], self._audio.heard[start:stop]


@pytest.mark.parametrize("rate", [8000, 11025, 16000])
@pytest.mark.parametrize("begin_s", [0.0, 12.3456])
def test_where_nothing_came_nothing_is_listened_to(rate: int, begin_s: float) -> None:
    """Keys, a tone, noise at the limit, each a minute apart: as if all was heard."""
    ring = rhythm((440, 480), (2.0, 4.0), rate=rate)
    sounds = [key("4", rate=rate), np.concatenate(ring), noise(3, -2, rate=rate)]
    parts, came_in, at = [silence(begin_s, rate)], [], round(begin_s * rate)
    for sound in [*sounds, key("D", rate=rate)]:
        came_in.append((at, at + len(sound)))
        parts += [sound, silence(60.1, rate)]
        at += len(parts[-2]) + len(parts[-1])
    received = np.zeros(at, np.bool_)
    for start, stop in came_in:
        received[start:stop] = True
    audio = line(*parts, rate=rate, received=received)
    half_s = rate // 2
    counted = Counted(audio)
    found = listen(counted, stretches=[(max(0, a - half_s), b + half_s) for a, b in came_in])
    assert counted.read_samples < 15 * rate
    whole = listen(audio)
    assert [one.digit for one in found.keys] == ["4", "D"]
    assert [one.name for one in found.tones] == ["ringback"]
    for mine, theirs in zip(found.keys + found.tones, whole.keys + whole.tones, strict=True):
        assert mine.start_s == pytest.approx(theirs.start_s, abs=0.003)
        assert mine.duration_s == pytest.approx(theirs.duration_s, abs=0.003)
    one, other = found.levels, whole.levels
    figures = ["duration_s", "received_s", "level_dbov", "peak_dbov", "noise_dbov", "silence"]
    for name in [*figures, "clipped"]:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4), name
    assert one.active_dbov == pytest.approx(other.active_dbov, abs=0.1)
    assert other.clipped > 0
    assert len(one.dead_air) == len(other.dead_air)
    for dead, same in zip(one.dead_air, other.dead_air, strict=True):
        assert dead.start_s == pytest.approx(same.start_s)
        assert dead.duration_s == pytest.approx(same.duration_s)
        assert dead.received == pytest.approx(same.received, abs=1e-3)
    passed = sum(span.duration_s for span in one.passed_over)
    assert passed == pytest.approx(one.duration_s - counted.read_samples / rate)


@settings(deadline=None, max_examples=examples(30))
@given(
    rate=st.integers(1, 200_000),
    channels=st.integers(1, 3),
    pieces=st.lists(
        st.tuples(st.sampled_from([0, 1, -1, 32767, -32768, "noise"]), st.integers(0, 4000)),
        max_size=6,
    ),
    seed=st.integers(0, 9),
)
def test_any_sound_at_any_rate_is_heard(
    rate: int, channels: int, pieces: list[tuple[int | str, int]], seed: int
) -> None:
    chosen = np.random.default_rng(seed)
    parts = [
        chosen.integers(-32768, 32768, (size, channels))
        if kind == "noise"
        else np.full((size, channels), kind)
        for kind, size in pieces
    ]
    samples = np.concatenate([np.empty((0, channels), np.int64), *parts]).astype(np.int16)
    if channels == 1:
        samples = samples[:, 0]
    received = chosen.random(len(samples)) < 0.9
    heard = listen(Audio(samples, rate, received))
    assert heard.levels.duration_s == len(samples) / rate
    spans = [(found.start_s, found.end_s) for found in heard.keys]
    spans += [(found.start_s, found.end_s) for found in heard.tones]
    for start_s, end_s in spans:
        assert 0 <= start_s <= end_s <= heard.levels.duration_s + 1e-9


# One-way audio.


def side(audio: Audio | None, *, packets: int = 500, duration_s: float = 10.0) -> Side:
    return Side(packets, duration_s, None if audio is None else measure(audio))


def test_one_way_audio() -> None:
    talk, quiet = line(noise(10, -30)), line(noise(10, -75))
    (found,) = [judge(side(talk), side(quiet))]
    assert found is not None
    assert (found.silent, found.reason) == (1, "silent")
    assert found.heard_s == pytest.approx(10)
    other = judge(side(line(silence(10))), side(talk))
    assert other is not None
    assert other.silent == 0
    gone = judge(side(talk), side(None, packets=0))
    assert gone is not None
    assert (gone.silent, gone.reason) == (1, "no packets")


def test_not_one_way_audio() -> None:
    talk, quiet = line(noise(10, -30)), line(silence(10))
    assert judge(side(talk), side(talk)) is None
    assert judge(side(quiet), side(quiet)) is None
    # Its audio is unknown, so nothing can be said.
    assert judge(side(talk), side(None)) is None
    # Half a second of speech in ten.
    assert judge(side(talk), side(line(noise(0.5, -30), silence(9.5)))) is None
    # Too short to tell.
    short = side(line(silence(2)), duration_s=2.0)
    assert judge(side(line(noise(2, -30)), duration_s=2.0), short) is None
