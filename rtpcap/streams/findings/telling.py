"""How findings name a stream or a call, and which packets stand for a moment of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.events import REPORT_BYTES
from rtpcap.streams.call import Call
from rtpcap.streams.findings.finding import MOST_FRAMES, Finding, Severity, evidence_frames
from rtpcap.streams.findings.words import end
from rtpcap.streams.stream import Stream

__all__ = [
    "Numbers",
    "capital",
    "frames_at",
    "frames_of",
    "of_call",
    "of_stream",
    "route",
    "sends_keys",
    "side_of",
    "speaks",
    "what",
]

Numbers = dict[str, int | float | str]
"""The figures behind a finding, units in their names."""


def what(stream: Stream) -> str:
    """``PCMU from 10.0.0.1:4000 to 10.0.0.2:5000``, to stand in a sentence."""
    name = stream.codec or "the stream"
    # An rtpdump of single packets knows no addresses.
    known = stream.src_port or stream.dst_port
    return f"{name} from {route(stream)}" if known else f"{name} 0x{stream.ssrc:08x}"


def capital(words: str) -> str:
    """Words as a sentence begins with them."""
    return words[:1].upper() + words[1:]


def route(stream: Stream) -> str:
    return f"{end(stream.src, stream.src_port)} to {end(stream.dst, stream.dst_port)}"


def side_of(call: Call, side: int) -> str:
    """Who the left (0) or right (1) side of a call is, to stand in a sentence."""
    streams = (call.left, call.right)[side]
    if call.guessed:
        return end(streams[0].src, streams[0].src_port) if streams else "the other side"
    name = ("the caller", "the callee")[side]
    return f"{name} ({streams[0].src})" if streams else name


def speaks(stream: Stream) -> bool:
    """Whether a stream is there to be heard: neither pictures nor key presses alone."""
    fmt = stream.format
    return not (sends_keys(stream) or (fmt is not None and fmt.is_video))


def sends_keys(stream: Stream) -> bool:
    """Whether a stream has telephone events alone, or nothing but what can only be such."""
    fmt = stream.format
    if fmt is not None:
        return fmt.is_event
    size = stream.packets.payload_size
    return bool((size[size > 0] == REPORT_BYTES).all())


def frames_of(stream: Stream, rows: npt.NDArray[np.int64]) -> list[int]:
    """The frames of some packets of a stream; the first ones, where there are very many."""
    return [int(frame) for frame in stream.packets.frame[rows[:MOST_FRAMES]]]


def frames_at(stream: Stream, moments_s: Iterable[float]) -> list[int]:
    """The frames of the packets that came last by some moments, seconds from the file's first."""
    # A packet without a time came with the one before it.
    time_s = np.fmax.accumulate(np.nan_to_num(stream.time_s, nan=-np.inf))
    frame = stream.packets.frame
    found = []
    for moment_s in moments_s:
        row = int(np.searchsorted(time_s, moment_s, "right")) - 1
        found.append(int(frame[max(row, 0)]))
    return found


def of_stream(
    stream: Stream,
    name: str,
    severity: Severity,
    sentence: str,
    numbers: Numbers,
    frames: Iterable[int],
) -> Finding:
    """A finding about one stream."""
    seen = evidence_frames(frames)
    return Finding(name, severity, sentence, numbers, seen, stream.call, stream.ssrc)


def of_call(
    call: Call,
    name: str,
    severity: Severity,
    sentence: str,
    numbers: Numbers,
    frames: Iterable[int],
    ssrc: int | None = None,
) -> Finding:
    """A finding about a call, and of its streams about the one with this SSRC."""
    return Finding(name, severity, sentence, numbers, evidence_frames(frames), call.call_id, ssrc)
