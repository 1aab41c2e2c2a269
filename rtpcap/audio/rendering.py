"""Rendering: what is chosen about how a stream's audio is laid on its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "AS_RECEIVED",
    "CLOCKS",
    "FILLS",
    "HIGHEST_HZ",
    "LOWEST_HZ",
    "MOST_BUFFER_MS",
    "Clock",
    "Fill",
    "Rendering",
]

Fill = Literal["silence", "noise", "conceal"]
FILLS: tuple[str, ...] = get_args(Fill)
Clock = Literal["capture", "rtcp"]
CLOCKS: tuple[str, ...] = get_args(Clock)

LOWEST_HZ, HIGHEST_HZ = 1000, 384_000
"""Sample rates that a line can be asked for."""
MOST_BUFFER_MS = 3_600_000


@dataclass(frozen=True)
class Rendering:
    """How packets become audio. Raises ValueError for what makes no sense."""

    fill: Fill = "silence"
    """What stands where nothing came: ``silence``; ``noise``, which is comfort noise where the
    sender was silent and described it; ``conceal``, which is that, and where packets were lost the
    sound before, gone on with. Copies that came in other packets are used in any case."""
    rate: int | None = None
    """Samples a second that come out; None for the highest of the stream's codecs."""
    buffer_ms: float | None = None
    """A packet that comes later than a receiver with this buffer would wait is not heard; None
    uses whatever is in the capture."""
    compensate_delay: bool = True
    """Whether what coder and decoder look ahead is taken off (`Decoder.delay`)."""
    clock: Clock = "capture"
    """Whose times lay packets beside each other: the ``capture``'s, or those that the senders'
    reports tell (``rtcp``), free of what the network held packets, where there are reports."""

    def __post_init__(self) -> None:
        if self.fill not in FILLS:
            raise ValueError(f"fill is one of {', '.join(FILLS)}, not {self.fill!r}")
        if self.clock not in CLOCKS:
            raise ValueError(f"clock is one of {', '.join(CLOCKS)}, not {self.clock!r}")
        if self.clock == "rtcp" and self.buffer_ms is not None:
            raise ValueError("a buffer goes by the times of arrival: not with the clock of rtcp")
        if self.rate is not None and not LOWEST_HZ <= self.rate <= HIGHEST_HZ:
            raise ValueError(f"a rate of {self.rate} is not in {LOWEST_HZ}..{HIGHEST_HZ} Hz")
        if self.buffer_ms is not None and not 0 <= self.buffer_ms <= MOST_BUFFER_MS:
            raise ValueError(f"a buffer of {self.buffer_ms} ms is not in 0..{MOST_BUFFER_MS}")


AS_RECEIVED = Rendering()
"""What is decoded for analysis: nothing is added to what came."""
