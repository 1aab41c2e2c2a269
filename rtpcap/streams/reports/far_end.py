"""What the far end of a stream said of it last, and how far the two ends are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["UNHEARD", "FarEnd", "Path"]

Path = Literal["end-to-end", "capture-to-receiver", "capture-to-sender"]


@dataclass(frozen=True, slots=True)
class FarEnd:
    """What RTCP tells of one stream; None where it does not."""

    round_trip_ms: float | None = None
    """Median round trip over `round_trip_path`."""
    round_trip_path: Path | None = None
    """``end-to-end`` is the sum of both sides of the capture; else one side is not known."""
    far_lost: int | None = None
    """Cumulative loss as last reported: copies and late packets make it less."""
    far_lost_pct: float | None = None
    """Lost of what was sent while the capture can compare (see `beside`)."""
    far_jitter_ms: float | None = None
    """Interarrival jitter as last reported."""

    def row(self) -> dict[str, object]:
        """The figures under their names."""
        return {name: getattr(self, name) for name in self.__slots__}


UNHEARD = FarEnd()
"""Of a stream without RTCP."""
