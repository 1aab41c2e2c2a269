"""Two that report to each other, the delay on each side of the tap known."""

from __future__ import annotations

from collections.abc import Callable

from rtpcap.rtp import rtcp
from rtpcap.rtp.rtcp.reports import middle
from tests.streams.made import Sent

__all__ = ["TO_A_S", "TO_B_S", "A", "B", "block", "conversation", "ntp", "sender"]

A, B = 0xAAAAAAAA, 0xBBBBBBBB
TO_A_S, TO_B_S = 0.010, 0.035
"""One way from the tap to each end."""
JITTER = 40
"""As all reports tell it, in units of the timestamp."""


def ntp(seconds: float) -> int:
    return round(seconds * (1 << 32))


def block(
    about: int, last_sr: int, delay_s: float, lost: int = 0, highest: int = 100
) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(about, 0, lost, highest, JITTER, last_sr, round(delay_s * 65536))


def sender(ssrc: int, clock: int, *blocks: rtcp.ReportBlock) -> bytes:
    return rtcp.build([rtcp.SenderReport(ssrc, clock, 0, 1, 160, blocks)])


def conversation(
    received: Callable[[float], tuple[int, int]] = lambda at_b: (0, 100), *, a_hears: bool = True
) -> tuple[list[Sent], list[Sent]]:
    """A and B report every 5 s, each by a clock that has nothing to do with the tap's.

    A sends at 0, 5, ..., B at 2, 7, ... (the tap's time, at the ends). `received` is what B says at
    a time: its cumulative loss, and the highest number. Unless A hears B, it reports nothing of it.
    """
    there, back = list[Sent](), list[Sent]()
    a_clock, b_clock = 3_000_000_000.0, 86_400.0
    last_of_b: tuple[int, float] | None = None
    for round_ in range(4):
        at_a = 5.0 * round_
        stamp_a = ntp(a_clock + at_a)
        heard = () if last_of_b is None else (block(B, last_of_b[0], at_a - last_of_b[1]),)
        there.append((at_a + TO_A_S, sender(A, stamp_a, *heard)))
        came_to_b = at_a + TO_A_S + TO_B_S
        at_b = 5.0 * round_ + 2.0
        stamp_b = ntp(b_clock + at_b)
        told = block(A, middle(stamp_a), at_b - came_to_b, *received(at_b))
        back.append((at_b + TO_B_S, sender(B, stamp_b, told)))
        last_of_b = (middle(stamp_b), at_b + TO_A_S + TO_B_S) if a_hears else None
    return there, back
