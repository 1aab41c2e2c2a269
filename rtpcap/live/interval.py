"""When RTCP packets are sent (RFC 3550 sections 6.2, 6.3 and appendix A.7)."""

from __future__ import annotations

import math
import random

__all__ = ["Interval", "interval_s"]

SECOND_NS = 1_000_000_000
MIN_S = 5.0
"""Section 6.2: the least interval; half of it before the first packet."""
RTCP_SHARE = 0.05
SENDERS_SHARE = 0.25
COMPENSATION = math.e - 1.5
"""Section 6.3.1: reconsideration makes intervals longer than meant; this makes them right."""
FIRST_SIZE = 128
"""What the first packet is taken to have, bytes with headers."""
SIZE_GAIN = 16


def interval_s(
    *, members: int, senders: int, bandwidth: float, we_sent: bool, size: float, first: bool
) -> float:
    """The deterministic interval Td in seconds (section 6.3.1).

    `bandwidth` is that of the session, bytes a second; `size` the mean RTCP packet, headers
    included.
    """
    share, counted = bandwidth * RTCP_SHARE, members
    if senders <= members * SENDERS_SHARE:
        if we_sent:
            share, counted = share * SENDERS_SHARE, senders
        else:
            share, counted = share * (1 - SENDERS_SHARE), members - senders
    return max(MIN_S / 2 if first else MIN_S, size * counted / share)


class Interval:
    """The timer of one participant: `due` says when to send."""

    def __init__(self, bandwidth: float, rng: random.Random) -> None:
        self._bandwidth = bandwidth
        self._rng = rng
        self._size = float(FIRST_SIZE)
        self._first = True
        self._members = 1
        self._before_ns = 0
        self.next_ns: int | None = None
        """When to ask `due` again; None before `begin`."""

    def begin(self, now_ns: int) -> None:
        """Start the timer."""
        self._before_ns = now_ns
        self.next_ns = now_ns + self._draw(1, 0, False)

    def _draw(self, members: int, senders: int, we_sent: bool) -> int:
        td = interval_s(
            members=members,
            senders=senders,
            bandwidth=self._bandwidth,
            we_sent=we_sent,
            size=self._size,
            first=self._first,
        )
        return round(td * (self._rng.random() + 0.5) / COMPENSATION * SECOND_NS)

    def due(self, now_ns: int, members: int, senders: int, we_sent: bool) -> bool:
        """Whether to send now. What is due is drawn once more before it is sent (6.3.6)."""
        if self.next_ns is None or now_ns < self.next_ns:
            return False
        self._members = members
        self.next_ns = self._before_ns + self._draw(members, senders, we_sent)
        if self.next_ns > now_ns:
            return False
        self._before_ns = now_ns
        self._first = False
        self.next_ns = now_ns + self._draw(members, senders, we_sent)
        return True

    def passed(self, size: int) -> None:
        """An RTCP packet of this size, headers included, was sent or came (6.3.3)."""
        self._size += (size - self._size) / SIZE_GAIN

    def left(self, now_ns: int, members: int) -> None:
        """Somebody left: the timer runs faster in proportion (6.3.4)."""
        if self.next_ns is None or members >= self._members:
            return
        ratio = members / self._members
        self.next_ns = now_ns + round(ratio * (self.next_ns - now_ns))
        self._before_ns = now_ns - round(ratio * (now_ns - self._before_ns))
        self._members = members
