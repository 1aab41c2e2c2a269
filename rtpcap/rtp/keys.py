"""Key presses on their way out (RFC 4733 section 2.5.1), and those that come in, told apart."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import NamedTuple

from rtpcap.rtp.events import EVENT_NAMES, build_event, parse_events

__all__ = ["KEYS", "KeyReport", "Keys", "Presses"]

KEYS = {EVENT_NAMES[code]: code for code in range(16)}
"""Key -> event code: 0-9 * # A-D (RFC 4733 section 3.2)."""

SEGMENT = 0xFFFF
"""The longest duration a report can state, in ticks (section 2.5.1.3)."""
WRAP = 1 << 32
END_PACKETS = 3
"""How often the end of a press is sent, lest it be lost (section 2.5.1.4)."""
MOST_REMEMBERED = 256
"""Segments of presses that late and repeated reports are known by."""


class KeyReport(NamedTuple):
    """What one packet says of a press."""

    begin: int
    """Ticks at which its segment began: the timestamp of all its packets."""
    first: bool
    """Whether it is the first packet of the press, which has the marker (section 2.5.1.1)."""
    payload: bytes


@dataclass
class _Press:
    event: int
    ticks: int
    pause: int
    volume: int
    begin: int = 0
    segment: int = 0
    """Ticks from its beginning to that of the segment that is reported now."""
    reports: int = 0
    ends: int = 0


class Keys:
    """The keys to be pressed, one after the other; all lengths in timestamp ticks."""

    def __init__(self) -> None:
        self._waiting: deque[_Press] = deque()
        self._now: _Press | None = None
        self._earliest = 0

    def press(self, digits: str, ticks: int, pause: int, volume: int) -> None:
        """Queue presses of so many ticks, with at least a pause after each.

        Raises ValueError for what is no key, before any is queued.
        """
        unknown = sorted(set(digits.upper()) - set(KEYS))
        if unknown:
            raise ValueError(f"{''.join(unknown)!r} is on no keypad: there are {''.join(KEYS)}")
        if ticks < 1 or pause < 0:
            raise ValueError(f"a press of {ticks} ticks and a pause of {pause} cannot be sent")
        build_event(0, end=False, volume=volume, duration=0)
        self._waiting += [_Press(KEYS[key], ticks, pause, volume) for key in digits.upper()]

    def __len__(self) -> int:
        return len(self._waiting) + (self._now is not None)

    def report(self, at: int, step: int) -> KeyReport | None:
        """What the packet for the `step` ticks from `at` says; None where no key is down."""
        if self._now is None:
            if not self._waiting or at < self._earliest:
                return None
            self._now = self._waiting.popleft()
            self._now.begin = at
        press = self._now
        press.reports += 1
        elapsed = min(at + step - press.begin, press.ticks)
        begin = press.begin + press.segment
        if elapsed > press.segment + SEGMENT:
            # 2.5.1.3: the segment that is full says so, and the next one goes on from there.
            duration, end = SEGMENT, False
            press.segment += SEGMENT
        else:
            duration, end = elapsed - press.segment, elapsed == press.ticks
        if end:
            press.ends += 1
            if press.ends == END_PACKETS:
                self._now = None
                self._earliest = at + step + press.pause
        payload = build_event(press.event, end=end, volume=press.volume, duration=duration)
        return KeyReport(begin, press.reports == 1, payload)


class Presses:
    """Tells the presses in the reports that come in: each once, on whichever packet is first."""

    def __init__(self) -> None:
        # (SSRC, timestamp, event) of segments -> whether their end was seen; the oldest first.
        self._segments: OrderedDict[tuple[int, int, int], bool] = OrderedDict()

    def receive(self, ssrc: int, timestamp: int, payload: bytes) -> list[str]:
        """The keys that this packet is the first to report."""
        pressed = []
        for report in parse_events(payload):
            key = (ssrc, timestamp, report.event)
            known = self._segments.get(key)
            if known is None and report.event < len(KEYS) and not self._goes_on(key, report.end):
                pressed.append(EVENT_NAMES[report.event])
            self._segments[key] = bool(known) or report.end
            self._segments.move_to_end(key)
            timestamp = (timestamp + report.duration) % WRAP
        while len(self._segments) > MOST_REMEMBERED:
            self._segments.popitem(last=False)
        return pressed

    def _goes_on(self, key: tuple[int, int, int], ended: bool) -> bool:
        """Whether a new segment belongs to a press that was already told.

        The one before it was not ended; or it is that one, overtaken by what follows it.
        """
        ssrc, timestamp, event = key
        before = self._segments.get((ssrc, (timestamp - SEGMENT) % WRAP, event))
        after = (ssrc, (timestamp + SEGMENT) % WRAP, event) in self._segments
        return before is False or (after and not ended)
