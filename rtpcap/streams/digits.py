"""Digits: which keys were pressed; and RFC 4733 telephone events, one row a press.

The packets of a press repeat its growing duration, and its end three times; any of them may be
missing, doubled or out of order. What identifies them is (SSRC, timestamp, event). A press longer
than the 16 bits of the duration goes on in a further segment whose timestamp is 0xFFFF later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.events import EVENT_NAMES, REPORT_BYTES, parse_events
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.streams.counted import counted
from rtpcap.streams.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Digit", "Digits", "Source", "are_events", "find_digits"]

Source = Literal["rfc4733", "inband", "sip-info"]

SEGMENT = 0xFFFF
"""The longest duration a report can state, in ticks (RFC 4733 section 2.5.1.3)."""

WRAP = 1 << 32

DEFAULT_CLOCK = 8000
"""The rate of an event type that nothing names (RFC 4733 section 2.1)."""


@dataclass(frozen=True, repr=False)
class Digit:
    """One key press: `digit` as in ``rtpcap dtmf``, times in seconds, `frame` 1-based."""

    digit: str
    start_s: float | None
    """From the first frame of the file: when the first packet of an event, or an INFO request, came
    (`frame`); of a sound when it began, in the packet of that frame. None without a time."""
    duration_s: float | None
    """What the sender says, or how long it was heard; None where an INFO request does not say."""
    source: Source
    frame: int
    ssrc: int | None
    """The stream of who pressed; None where INFO tells of a press and there is no such stream."""
    also_in: tuple[Source, ...] = ()
    """How else the same press was sent; the figures are those of the most exact way."""
    seen: tuple[Digit, ...] = field(default=(), compare=False)
    """Every sighting of it, as it was seen: the one that gives the figures first."""

    def row(self) -> dict[str, object]:
        """The press with the keys of ``rtpcap dtmf``."""
        return {
            "ssrc": None if self.ssrc is None else f"0x{self.ssrc:08x}",
            "digit": self.digit,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "source": self.source,
            "frame": self.frame,
            "also_in": list(self.also_in),
        }

    def __repr__(self) -> str:
        told = [f"{self.digit!r}"]
        for name in ("start_s", "duration_s"):
            value = getattr(self, name)
            told.append(f"{name}={value if value is None else round(value, 3)}")
        told.append(f"source={self.source!r}")
        if self.also_in:
            told.append(f"also_in={self.also_in}")
        return f"Digit({', '.join(told)})"


class Digits(Rows[Digit]):
    """Key presses in order of their first frame."""

    def __init__(self, digits: Iterable[Digit]) -> None:
        super().__init__(sorted(digits, key=lambda digit: digit.frame))

    def __str__(self) -> str:
        """The digits as dialled: ``"1590*#A"``; events that are no digits stand in brackets."""
        return "".join(d.digit if len(d.digit) == 1 else f"[{d.digit}]" for d in self)

    def __repr__(self) -> str:
        return f"<Digits {str(self)!r}, {counted(len(self), 'press', 'es')}>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a press."""
        from rtpcap.views.table import digits_frame

        return digits_frame(self)


@dataclass
class _Segment:
    frame: int
    time_ns: int
    clock_rate: int
    duration: int
    ended: bool


def are_events(packets: Packets, rows: npt.NDArray[np.int64]) -> bool:
    """Whether the payloads of some packets hold known events and nothing else."""
    for row in rows.tolist():
        payload = packets.payload(row)
        reports = parse_events(payload)
        if len(payload) % REPORT_BYTES or any(r.event not in EVENT_NAMES for r in reports):
            return False
    return True


def find_digits(
    packets: Packets,
    rows: npt.NDArray[np.int64],
    ssrc: int,
    clock_rate: npt.NDArray[np.int32],
    start_ns: int,
) -> list[Digit]:
    """The key presses in the event packets `rows` of one stream.

    `clock_rate` is that of each packet of the stream, 0 where it is not known. Several events in
    one packet follow each other in time (RFC 4733 section 2.5.1.4).
    """
    segments: dict[tuple[int, int, int], _Segment] = {}
    numbers = packets.payload_type[rows].tolist()
    for row, number in zip(rows.tolist(), numbers, strict=True):
        timestamp = int(packets.timestamp[row])
        for report in parse_events(packets.payload(row)):
            key = (number, timestamp, report.event)
            seen = segments.get(key)
            if seen is None:
                segments[key] = _Segment(
                    int(packets.frame[row]),
                    int(packets.time_ns[row]),
                    int(clock_rate[row]) or DEFAULT_CLOCK,
                    report.duration,
                    report.end,
                )
            else:
                seen.duration = max(seen.duration, report.duration)
                seen.ended |= report.end
            timestamp = (timestamp + report.duration) % WRAP
    digits = []
    for (number, timestamp, event), first in segments.items():
        if event not in EVENT_NAMES or _continues(segments, number, timestamp, event):
            continue
        segment, ticks = first, first.duration
        while not segment.ended:
            timestamp = (timestamp + SEGMENT) % WRAP
            following = segments.get((number, timestamp, event))
            if following is None:
                break
            # The segment lasted to where the next one begins, whatever reports of it were lost.
            ticks += SEGMENT - segment.duration + following.duration
            segment = following
        timed = first.time_ns != NO_TIME
        digits.append(
            Digit(
                digit=EVENT_NAMES[event],
                start_s=(first.time_ns - start_ns) / 1e9 if timed else None,
                duration_s=ticks / first.clock_rate,
                source="rfc4733",
                frame=first.frame,
                ssrc=ssrc,
            )
        )
    return digits


def _continues(
    segments: dict[tuple[int, int, int], _Segment], number: int, timestamp: int, event: int
) -> bool:
    """Whether a segment goes on from one before it that no report ended."""
    before = segments.get((number, (timestamp - SEGMENT) % WRAP, event))
    return before is not None and not before.ended
