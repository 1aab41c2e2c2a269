"""Decoding goes in blocks: a stream twice as long takes no more memory but for its columns."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from rtpcap.audio.line import WINDOW
from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format

HEADER = 12
COLUMNS_BYTES = 250
"""A packet: places, sizes, numbers, and what is worked out on the way."""


def stream(count: int, number: int, size: int, ticks: int) -> Packets:
    """Packets of 20 ms; one in fifty is lost."""
    rows = np.zeros((count, HEADER + size), np.uint8)
    rows[:, 0], rows[:, 1] = 0x80, number
    sent = np.arange(count)
    rows[:, 2:4] = sent.astype(">u2").view(np.uint8).reshape(-1, 2)
    rows[:, 4:8] = (sent * ticks).astype(">u4").view(np.uint8).reshape(-1, 4)
    rows[:, HEADER:] = np.random.default_rng(7).integers(0, 256, size, np.uint8)
    begin = sent * rows.shape[1]
    packets = Packets.parse(
        (rows.reshape(-1),), begin, begin + rows.shape[1], time_ns=sent * 20_000_000
    )
    return packets[np.flatnonzero(sent % 50 != 25)]


def peak(count: int, number: int, size: int, fmt: Format, rendering: Rendering) -> int:
    """Bytes that laying out and reading a stream from front to back takes at most."""
    packets = stream(count, number, size, fmt.clock_rate // 50)
    tracemalloc.start()
    track = Track.lay(packets, {number: fmt}, rendering=rendering)
    for start in range(0, track.length, WINDOW):
        track.read(start, min(start + WINDOW, track.length))
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize(
    ("number", "size", "fmt", "rendering"),
    [
        (0, 160, Format("PCMU", 8000), Rendering(fill="conceal")),
        (0, 160, Format("PCMU", 8000), Rendering(rate=16000)),
        (9, 160, Format("G722", 8000), Rendering(fill="conceal", rate=8000)),
        (3, 33, Format("GSM", 8000), Rendering()),
    ],
)
def test_memory_does_not_grow_with_the_audio(
    number: int, size: int, fmt: Format, rendering: Rendering
) -> None:
    short, long = (peak(count, number, size, fmt, rendering) for count in (4000, 16000))
    # The audio of the packets between them would be 12,000 times 640 bytes for G.722.
    assert long - short < COLUMNS_BYTES * 12_000
