"""What came from one SSRC: sequence, loss and jitter as they come (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

from dataclasses import dataclass

from rtpcap.rtp.serial import signed_delta

__all__ = ["IntervalLoss", "Source"]

MAX_DROPOUT = 3000
MAX_MISORDER = 100
"""RFC 3550 appendix A.1."""
WINDOW = 1024
"""Sequence numbers back from the highest within which a copy is known as one."""
WINDOW_MASK = (1 << WINDOW) - 1
SEQUENCE_MASK = 0xFFFF
SECOND_NS = 1_000_000_000
GAIN = 16
"""RFC 3550 section 6.4.1: each packet moves the jitter by a sixteenth."""


@dataclass(frozen=True)
class IntervalLoss:
    """What a report says of loss (RFC 3550 section 6.4.1)."""

    fraction: int
    """Of 256, since the report before."""
    cumulative: int
    """Expected less received, copies included: may be negative."""


class Source:
    """One SSRC: each packet is told to `count`, in order of arrival."""

    __slots__ = (
        "_bad",
        "_base",
        "_before_expected",
        "_before_received",
        "_earlier_expected",
        "_seen",
        "_timing",
        "duplicates",
        "highest",
        "in_a_row",
        "jitter_s",
        "last_ns",
        "last_sr",
        "received",
        "reordered",
        "ssrc",
        "strays",
    )

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        """Packets, copies included."""
        self.duplicates = 0
        self.reordered = 0
        """First copies that came after one with a higher sequence number."""
        self.strays = 0
        """Packets whose sequence number jumped far, alone."""
        self.jitter_s = 0.0
        self.in_a_row = 0
        """Packets in sequence since the last one that was not."""
        self.last_ns = 0
        self.last_sr = (0, 0)
        """The middle of the NTP time of its last sender report, and when that came."""
        self._timing: tuple[int, int] | None = None
        self._earlier_expected = 0
        self._before_expected = self._before_received = 0
        self._begin(sequence)

    def _begin(self, sequence: int) -> None:
        self._base = sequence
        self.highest = sequence - 1
        """The highest sequence number, without wraps."""
        self._seen = 0
        self._bad = -1

    def count(self, sequence: int, now_ns: int) -> None:
        """A packet came."""
        self.last_ns = now_ns
        if sequence == self.highest + 1 & SEQUENCE_MASK:
            self.received += 1
            self.in_a_row += 1
            self.highest += 1
            self._seen = (self._seen << 1 | 1) & WINDOW_MASK
            return
        step = signed_delta(sequence, self.highest & SEQUENCE_MASK, 16)
        self.in_a_row = 0
        if 0 < step < MAX_DROPOUT:
            self.received += 1
            self.in_a_row = 1
            self.highest += step
            self._seen = (self._seen << step | 1) & WINDOW_MASK
        elif -MAX_MISORDER <= step <= 0:
            self.received += 1
            bit = 1 << -step
            if self._seen & bit:
                self.duplicates += 1
            else:
                self._seen |= bit
                self.reordered += 1
                self._base = min(self._base, self.highest + step)
        elif sequence == self._bad:
            # A.1: two in a row agree, so the other side began anew.
            self._earlier_expected += self.expected_here
            self.strays -= 1
            self.received += 2
            self._begin(sequence - 1)
            self.highest = sequence
            self._seen = 3
            self.in_a_row = 2
        else:
            self.strays += 1
            self._bad = (sequence + 1) & SEQUENCE_MASK

    def time(self, timestamp: int, now_ns: int, clock_rate: int) -> None:
        """A media packet with this timestamp came: A.8, in seconds, nothing rounded to ticks."""
        if self._timing is not None:
            before, before_ns = self._timing
            step = signed_delta(timestamp, before, 32)
            deviation = abs((now_ns - before_ns) / SECOND_NS - step / clock_rate)
            self.jitter_s += (deviation - self.jitter_s) / GAIN
        self._timing = (timestamp, now_ns)

    @property
    def expected_here(self) -> int:
        """Packets expected since the last restart."""
        return self.highest - self._base + 1

    @property
    def expected(self) -> int:
        """Packets expected, over all restarts (A.3)."""
        return self._earlier_expected + self.expected_here

    @property
    def lost(self) -> int:
        """Packets of which no copy came."""
        return max(self.expected - (self.received - self.duplicates), 0)

    def report(self) -> IntervalLoss:
        """The loss for a report; the next one counts from here (A.3)."""
        expected, received = self.expected, self.received
        due, got = expected - self._before_expected, received - self._before_received
        self._before_expected, self._before_received = expected, received
        lost = max(due - got, 0)
        fraction = min((lost << 8) // due, 255) if lost else 0
        return IntervalLoss(fraction, expected - received)
