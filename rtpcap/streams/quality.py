"""What each stream comes to: packets expected and lost (RFC 3550 A.1, A.3), jitter (A.8)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.streams.copies import keep
from rtpcap.streams.discover import Found, batches
from rtpcap.streams.formats import Formats
from rtpcap.streams.jitter import Jitter, interarrival
from rtpcap.streams.ledger import FOREIGN, Ledger

__all__ = ["Quality", "jitter", "measure"]


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of one stream, named and defined as in ``rtpcap streams``.

    `packets` counts all that was captured, copies included: `captured_twice` those that the capture
    made, `duplicates` those of the wire; `expected` is the sum over epochs of
    highest - lowest + 1, `lost` the expected slots of which no copy was captured, so never
    negative. Jitter is in milliseconds, None where there are fewer than two media packets with a
    time or no clock rate.
    """

    packets: int
    expected: int
    lost: int
    lost_pct: float
    duplicates: int
    captured_twice: int
    reordered: int
    jitter_ms: float | None
    jitter_max_ms: float | None
    jitter_last_ms: float | None

    def row(self) -> dict[str, object]:
        """The figures under their names."""
        return {name: getattr(self, name) for name in FIGURES}


FIGURES = tuple(field.name for field in fields(Quality))


def measure(found: Found, formats: Formats) -> list[Quality]:
    """A `Quality` for each stream."""
    figures: list[Quality] = []
    for first, last, rows in batches(found.starts, len(found.packets)):
        part = found.packets[rows]
        ledger = keep(found, first, last, formats.clocks(slice(first, last)))
        counts = ledger.counts()
        j = jitter(part, ledger, formats.clock_rate[first:last], formats.media[first:last])
        columns = (
            counts.packets,
            counts.expected,
            counts.lost,
            counts.duplicates,
            counts.captured_twice,
            counts.reordered,
            j.mean_ms,
            j.max_ms,
            j.last_ms,
        )
        for captured, expected, lost, doubled, twice, reordered, mean, largest, end in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            figures.append(
                Quality(
                    packets=captured,
                    expected=expected,
                    lost=lost,
                    lost_pct=100 * lost / expected if expected else 0.0,
                    duplicates=doubled,
                    captured_twice=twice,
                    reordered=reordered,
                    jitter_ms=_figure(mean),
                    jitter_max_ms=_figure(largest),
                    jitter_last_ms=_figure(end),
                )
            )
    return figures


def jitter(
    packets: Packets,
    ledger: Ledger,
    clock_rate: npt.NDArray[np.int32],
    media: npt.NDArray[np.bool_],
) -> Jitter:
    """Interarrival jitter of the streams of a ledger.

    `clock_rate` and `media` have shape (k, 128), a value for each payload number of each stream.
    Media packets alone count: telephone events, comfort noise, repair, foreign packets and copies
    that the capture made do not.
    """
    k = len(ledger.starts)
    lengths = np.diff(ledger.starts, append=len(ledger))
    stream = np.repeat(np.arange(k, dtype=np.int32), lengths)
    number = packets.payload_type
    used = np.flatnonzero(np.bincount(number))
    rates = clock_rate[:, used]
    if rates.size and (rates == rates[0, 0]).all():
        clocks = np.broadcast_to(rates[0, 0], len(number))
    else:
        clocks = clock_rate[stream, number]
    rows = None
    counted = ledger.epoch != FOREIGN
    if ledger.captured_twice.any():
        counted &= ~ledger.captured_twice
    if not media[:, used].all():
        counted &= media[stream, number]
    if not counted.all():
        rows = np.flatnonzero(counted)
    return interarrival(packets.timestamp, packets.time_ns, clocks, ledger.epoch, stream, rows, k)


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else value
