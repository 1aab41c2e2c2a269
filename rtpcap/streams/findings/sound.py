"""Rules about one stream's sound: clipped, too quiet, too loud, noisy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rtpcap.audio.levels import QUIET_DBOV, Levels
from rtpcap.audio.tones import Heard
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import MOST_FRAMES, Finding
from rtpcap.streams.findings.telling import frames_at, of_stream, what
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "clipping": "sound is clipped",
    "low-level": "speech is very quiet",
    "high-level": "sound is very loud",
    "high-noise": "noise is heard beside the speech",
}

NOMINAL_DBOV = -26.0
"""The active speech level that speech has on digital lines by convention: test signals of ITU-T
P.501 and the ratings of P.800 are levelled to it by P.56."""
QUIETER_DB, LOUDER_DB = 16.0, 14.0
"""A judgement: telephones and gateways set levels within some 10 dB, and what is further off has
another cause than a soft or a loud voice."""
LEAST_SPEECH_S = 3.0
"""Of active sound: a level of less is that of a word."""
TONES_SHARE = 0.5
"""Where more of it are tones, it is no speech."""

CLIPS = 10
CLIPPED_SHARE = 0.0005
"""Of the time of sound: a peak now and then is not heard."""

NOISE_DBOV = -50.0
"""A judgement: the noise of an idle line is 20 dB lower (-65 dBm0p in ITU-T G.712)."""
LEAST_SNR_DB = 15.0
"""Below, noise is heard beside speech all the time, and tires; and if all is quiet, it is no
speech at all."""
STEADY_DB = 2.0
STEADY_SHARE = (0.3, 0.9)
"""Noise stays within so little of the quietest tenth for this share of the time at least: music
and speech without pauses do not, and where it is more there is nothing but noise."""
LEAST_NOISE_S = 10.0


def _heard(evidence: Evidence) -> Iterator[tuple[Stream, Heard]]:
    """The streams with enough sound to judge."""
    for stream in evidence.streams:
        heard = stream.heard
        if heard is not None and _active_s(heard.levels) >= LEAST_SPEECH_S:
            yield stream, heard


def _active_s(levels: Levels) -> float:
    return (levels.activity or 0.0) * levels.received_s


def _is_speech(heard: Heard) -> bool:
    """Whether most of what is active is no call tone or key press."""
    tones_s = sum(key.duration_s for key in heard.keys)
    tones_s += sum(tone.duration_s for tone in heard.tones)
    return tones_s < TONES_SHARE * _active_s(heard.levels)


def clipping(evidence: Evidence) -> Iterator[Finding]:
    """``clipping``: the signal stays at the limit of its codec again and again."""
    for stream in evidence.streams:
        levels = stream.heard.levels if stream.heard is not None else None
        if levels is None or levels.clipped < CLIPS:
            continue
        if levels.clipped_s < CLIPPED_SHARE * _active_s(levels):
            continue
        clips = (_at_s(stream, clip.start_s) for clip in levels.clips[:MOST_FRAMES])
        yield of_stream(
            stream,
            "clipping",
            "warning",
            f"The sound of {what(stream)} is clipped {counted(levels.clipped, 'time')}: it was too "
            f"loud for what recorded or sent it.",
            {"clips": levels.clipped, "clipped_s": round(levels.clipped_s, 4)},
            frames_at(stream, clips),
        )


def _at_s(stream: Stream, seconds: float) -> float:
    """Seconds from the file's first frame of a moment on a stream's line."""
    return (stream.start_s or 0.0) + seconds


def low_level(evidence: Evidence) -> Iterator[Finding]:
    """``low-level``: the speech is hard to hear."""
    for stream, heard in _heard(evidence):
        level = heard.levels.active_dbov
        if level is None or level > NOMINAL_DBOV - QUIETER_DB or not _is_speech(heard):
            continue
        noise = heard.levels.noise_dbov
        if level < QUIET_DBOV or noise is None or level - noise < LEAST_SNR_DB:
            continue
        yield of_stream(
            stream,
            "low-level",
            "warning",
            f"The speech of {what(stream)} is very quiet: {level:.0f} dBov while it is active, "
            f"where {NOMINAL_DBOV:.0f} is usual.",
            {"active_dbov": round(level, 1)},
            [stream.first_frame],
        )


def high_level(evidence: Evidence) -> Iterator[Finding]:
    """``high-level``: the speech is much too loud."""
    for stream, heard in _heard(evidence):
        level = heard.levels.active_dbov
        if level is None or level < NOMINAL_DBOV + LOUDER_DB or not _is_speech(heard):
            continue
        yield of_stream(
            stream,
            "high-level",
            "note",
            f"The sound of {what(stream)} is very loud: {level:.0f} dBov while it is active, "
            f"where {NOMINAL_DBOV:.0f} is usual.",
            {"active_dbov": round(level, 1)},
            [stream.first_frame],
        )


def high_noise(evidence: Evidence) -> Iterator[Finding]:
    """``high-noise``: noise is heard in the pauses of speech, hardly softer than the speech."""
    for stream, heard in _heard(evidence):
        levels = heard.levels
        if levels.received_s < LEAST_NOISE_S:
            continue
        noise, level = levels.noise_dbov, levels.active_dbov
        if noise is None or level is None or noise < NOISE_DBOV or level - noise > LEAST_SNR_DB:
            continue
        near = np.abs(levels.window_dbov - noise) <= STEADY_DB
        share = float(near.sum() / np.isfinite(levels.window_dbov).sum())
        if not STEADY_SHARE[0] <= share <= STEADY_SHARE[1] or not _is_speech(heard):
            continue
        yield of_stream(
            stream,
            "high-noise",
            "note",
            f"Noise is heard all along in {what(stream)}: {noise:.0f} dBov in the pauses, only "
            f"{level - noise:.0f} dB below the speech.",
            {
                "noise_dbov": round(noise, 1),
                "active_dbov": round(level, 1),
                "snr_db": round(level - noise, 1),
            },
            [stream.first_frame],
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    clipping,
    low_level,
    high_level,
    high_noise,
)
