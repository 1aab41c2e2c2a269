"""What the two sides of a call sound like beside each other: one-way audio, and echo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtpcap.audio.echo import find_echo
from rtpcap.audio.one_way import OneWay, judge
from rtpcap.audio.one_way import Side as Sent
from rtpcap.errors import CodecUnavailable

if TYPE_CHECKING:
    from rtpcap.signalling.offers import Side
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["CallEcho", "call_echo", "call_one_way"]


@dataclass(frozen=True)
class CallEcho:
    """A voice that comes back from the other side."""

    speaker: Side
    """Whose voice it is: who hears himself, if it is not taken out on the way."""
    delay_ms: float
    """After which it comes back, as the capture sees it, to 5 ms."""
    strength: float
    """How much of the other side's loudness is it, as a correlation, 0..1."""


def call_one_way(call: Call) -> OneWay | None:
    """The side that is not heard while the other one is; None where both or neither are.

    Nothing can be said of a call that was not answered.
    """
    seconds = call.duration_s if call.guessed else call.talk_s or call.duration_s
    if seconds is None or not (call.guessed or call.setup_s is not None):
        return None
    return judge(_sent(call.left, seconds), _sent(call.right, seconds))


def _sent(side: Sequence[Stream], seconds: float) -> Sent:
    """What a side brought: the levels are those of its stream that is heard longest."""
    packets = sum(stream.quality.packets for stream in side)
    spoken = [stream for stream in side if stream.format is None or stream.format.is_media]
    levels = [stream.levels for stream in spoken]
    each = [Sent(packets, seconds, one) for one in levels if one is not None]
    best = max(each, key=lambda sent: sent.heard_s or 0.0, default=Sent(packets, seconds))
    if best.heard_s == 0.0 and len(each) < len(levels):
        # What is not heard may be in the stream that cannot be decoded.
        return Sent(packets, seconds)
    return best


def call_echo(call: Call) -> CallEcho | None:
    """The stronger of the echoes of both voices; None where there is none, or nothing to hear."""
    try:
        left, right = call.lines()
    except CodecUnavailable:
        return None
    sides: tuple[Side, Side] = ("caller", "callee")
    lines = (left, right), (right, left)
    found = [
        CallEcho(side, echo.delay_ms, echo.strength)
        for side, pair in zip(sides, lines, strict=True)
        if (echo := find_echo(*pair)) is not None
    ]
    return max(found, key=lambda echo: echo.strength, default=None)
