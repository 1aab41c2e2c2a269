"""Where and when a message was captured."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Arrival", "Moment", "between_s"]


class Moment(NamedTuple):
    """A point in the capture: a frame (1-based) and its time; None where the frame has none."""

    frame: int
    time_ns: int | None


class Arrival(NamedTuple):
    """The frame that brought a message (its last one, where there were several) and the ends."""

    frame: int
    time_ns: int | None
    src: str
    src_port: int
    dst: str
    dst_port: int
    transport: str = "udp"

    @property
    def moment(self) -> Moment:
        return Moment(self.frame, self.time_ns)


def between_s(earlier: Moment | None, later: Moment | None) -> float | None:
    """Seconds from one moment to another; None where either has no time."""
    if earlier is None or later is None or earlier.time_ns is None or later.time_ns is None:
        return None
    return (later.time_ns - earlier.time_ns) / 1e9
