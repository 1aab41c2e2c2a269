"""How much later than they were due packets were sent."""

from __future__ import annotations

import math

__all__ = ["Lateness"]

BUCKET_NS = 1000
BUCKETS = 100_000
"""Up to 0.1 s in steps of a microsecond; what is later is known by the maximum alone."""


class Lateness:
    """Counts, in bounded memory, however many packets are sent; in milliseconds."""

    def __init__(self) -> None:
        self._counts = [0] * (BUCKETS + 1)
        self.packets = 0
        self._max_ns = 0

    def add(self, late_ns: int) -> None:
        """A packet was sent so late."""
        self.packets += 1
        self._counts[min(max(late_ns, 0) // BUCKET_NS, BUCKETS)] += 1
        self._max_ns = max(self._max_ns, late_ns)

    def percentile_ms(self, percent: float) -> float:
        """So many percent of the packets were no later; to a microsecond, rounded up."""
        rank = math.ceil(self.packets * percent / 100)
        passed = 0
        for bucket, count in enumerate(self._counts[:BUCKETS]):
            passed += count
            if passed >= rank:
                return min((bucket + 1) * BUCKET_NS, self._max_ns) / 1e6
        return self.max_ms

    @property
    def median_ms(self) -> float:
        return self.percentile_ms(50)

    @property
    def max_ms(self) -> float:
        return self._max_ns / 1e6

    def row(self) -> dict[str, object]:
        """The figures with the keys of ``rtpcap replay``."""
        return {
            "packets": self.packets,
            "late_median_ms": self.median_ms,
            "late_p99_ms": self.percentile_ms(99),
            "late_max_ms": self.max_ms,
        }

    def __repr__(self) -> str:
        return (
            f"<Lateness of {self.packets:,} packets: median {self.median_ms:.3f} ms, "
            f"99 % {self.percentile_ms(99):.3f} ms, at most {self.max_ms:.3f} ms>"
        )
