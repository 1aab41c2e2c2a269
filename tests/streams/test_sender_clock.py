"""The sides of a call laid by what the senders' reports say, not by their arrival."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from rtpcap.audio.rendering import Rendering
from tests.capture.build import START_NS
from tests.streams.made import Sent, capture, talk

NTP_EPOCH = 2_208_988_800
HELD_S = 0.08
"""What the network holds one side's first packets."""
RATE, TICKS = 8000, 160
LOUD = b"\x2a" * TICKS


def report(ssrc: int, at_s: float, timestamp: int, *, ahead_s: float = 0.0) -> Sent:
    """A sender report (RFC 3550 section 6.4.1) that comes at once; the sender's clock is ahead."""
    wall_ns = START_NS + round((at_s + ahead_s) * 1e9)
    seconds, rest = divmod(wall_ns, 10**9)
    ntp = (seconds + NTP_EPOCH << 32) + (rest << 32) // 10**9
    return at_s, struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp, 1, 160)


def held(sent: list[Sent]) -> list[Sent]:
    """The first packets come late, all at once, as from a queue."""
    return [(max(time_s, HELD_S), data) for time_s, data in sent]


def flows(*, with_reports: bool = True) -> list[list[Sent]]:
    late = held(talk(100, ssrc=1, payload=LOUD))
    prompt = talk(100, ssrc=2, payload=LOUD)
    if with_reports:
        # An instant later than the media's, which is that of the timestamps.
        late.append(report(1, 0.5, RATE // 2, ahead_s=3600))
        prompt.append(report(2, 1.0, RATE, ahead_s=-7))
    return [late, prompt]


def onset(folder: Path, sent: list[list[Sent]], **chosen: str) -> list[int]:
    """Where each side of the call begins to be heard, who came first first, in samples."""
    made = capture(folder, *sent, ports=[(4000, 4002), (4002, 4000)])
    (call,) = made.calls
    samples = call.audio(**chosen).samples  # type: ignore[arg-type]
    return [int(np.flatnonzero(samples[:, side])[0]) for side in (0, 1)]


def test_what_the_network_held_moves_a_side_by_the_capture_s_clock(tmp_path: Path) -> None:
    prompt, late = onset(tmp_path, flows())
    assert late - prompt == round(HELD_S * RATE)


def test_by_the_reports_both_sides_begin_together(tmp_path: Path) -> None:
    prompt, late = onset(tmp_path, flows(), clock="rtcp")
    # A timestamp is whole ticks, an NTP time 2**-32 s.
    assert abs(late - prompt) <= 1


def test_without_reports_the_capture_s_clock_stays(tmp_path: Path) -> None:
    prompt, late = onset(tmp_path, flows(with_reports=False), clock="rtcp")
    assert late - prompt == round(HELD_S * RATE)


def test_a_report_that_cannot_be_of_the_stream_moves_nothing(tmp_path: Path) -> None:
    sent = flows(with_reports=False)
    sent[0].append(report(1, 0.5, 60 * RATE))
    prompt, late = onset(tmp_path, sent, clock="rtcp")
    assert late - prompt == round(HELD_S * RATE)


def test_choices_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="clock is one of capture, rtcp"):
        Rendering(clock="wall")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a buffer goes by the times of arrival"):
        Rendering(clock="rtcp", buffer_ms=60)
