"""What each stream comes to: packets expected and lost (RFC 3550 A.1, A.3), jitter (A.8)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast, overload

import numpy as np

from rtpcap.rtp.packets import Packets
from rtpcap.streams.copies import keep
from rtpcap.streams.discover import Found, batches
from rtpcap.streams.formats import Formats
from rtpcap.streams.jitter import Jitter, interarrival
from rtpcap.streams.ledger import FOREIGN, Ledger

if TYPE_CHECKING:
    from rtpcap.streams.emodel import Rating
    from rtpcap.streams.further import Further

__all__ = ["Quality", "jitter", "measure"]


Value = TypeVar("Value")


class _More(Generic[Value]):
    """A figure of `Further`, under the name of the attribute."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, quality: None, owner: type) -> Self: ...
    @overload
    def __get__(self, quality: Quality, owner: type) -> Value: ...
    def __get__(self, quality: Quality | None, owner: type) -> Self | Value:
        if quality is None:
            return self
        return cast(Value, self._value(quality))

    def _value(self, quality: Quality) -> object:
        return quality.further.figures[self._name]


class _Told(_More[Value]):
    """What the far end says, in the same way."""

    def _value(self, quality: Quality) -> object:
        return getattr(quality.further.far_end, self._name)


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of one stream, named and defined as in ``rtpcap streams`` and ``quality``.

    `packets` counts all that was captured, copies included: `captured_twice` those that the capture
    made, `duplicates` those of the wire; `expected` is the sum over epochs of
    highest - lowest + 1, `lost` the expected slots of which no copy was captured, so never
    negative. Jitter is in milliseconds, None where there are fewer than two media packets with a
    time or no clock rate.

    The figures that are no fields are worked out, for all streams of the capture at once, when the
    first of them is asked for. None stands where there is no figure.
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
    _further: Callable[[int], Further] = field(repr=False, compare=False)
    _index: int = field(repr=False, compare=False)

    cum_lost_rfc3550 = _More[int]()
    """Cumulative loss as RFC 3550 A.3 counts it: copies and late packets make it less."""
    restarts = _More[int]()
    jitter_rfc_ms = _More[float | None]()
    """Interarrival jitter over every packet that has the stream's clock, mean ..."""
    jitter_rfc_max_ms = _More[float | None]()
    """... and largest."""
    delta_min_ms = _More[float | None]()
    """Time between packets: smallest, mean and largest."""
    delta_ms = _More[float | None]()
    delta_max_ms = _More[float | None]()
    skew_min_ms = _More[float | None]()
    """How much earlier than their timestamps say media packets came, beside the first."""
    skew_ms = _More[float | None]()
    skew_max_ms = _More[float | None]()
    drift_ppm = _More[float | None]()
    """How much faster than the capture's clock the sender's runs ..."""
    drift_error_ppm = _More[float | None]()
    """... and half the 95 % confidence interval of it."""
    ptime_ms = _More[float | None]()
    """Media time in a packet, as most have it."""
    kbps = _More[float | None]()
    """Mean bandwidth, headers of IP and UDP included."""
    longest_outage = _More[int]()
    """The most packets lost in a row ..."""
    longest_outage_ms = _More[float | None]()
    """... and the media time of them."""
    bursts = _More[int]()
    """Bursts of loss (RFC 3611 section 4.7.2, Gmin 16)."""
    burst_density_pct = _More[float | None]()
    burst_ms = _More[float | None]()
    gap_density_pct = _More[float | None]()
    gap_ms = _More[float | None]()
    rfc3611_burst_density = _More[int]()
    """The integers of RFC 3611 A.2, as reports have them: densities in 1/256."""
    rfc3611_gap_density = _More[int]()
    rfc3611_burst_ms = _More[int]()
    rfc3611_gap_ms = _More[int]()
    loss_after_buffer_pct = _More[float]()
    """Lost, or late for a jitter buffer of 60 ms: what the E-model goes by."""
    buffer_delay_ms = _More[float | None]()
    """What that buffer adds to the delay, on average."""
    burst_ratio = _More[float]()
    """BurstR of ITU-T G.107, of loss after the buffer."""
    r = _More[float | None]()
    """The R of the E-model; None where it knows nothing of the codec."""
    mos_nb = _More[float | None]()
    """Mean opinion score on the narrowband scale (ITU-T G.107); None for wideband codecs."""
    mos_wb = _More[float | None]()
    """The same on the wideband scale (ITU-T G.107.1); None for narrowband codecs."""
    mos_provisional = _More[bool]()
    """Whether an assumption about the codec decides the MOS."""

    round_trip_ms = _Told[float | None]()
    """Median round trip as RTCP tells, over `round_trip_path`."""
    round_trip_path = _Told[str | None]()
    """``end-to-end``; or from the capture to the receiver or the sender alone, as far as known."""
    far_lost = _Told[int | None]()
    """What the receiver reported last: cumulative loss, copies and late packets make it less ..."""
    far_lost_pct = _Told[float | None]()
    """... its share of what was sent, as far as the capture can compare ..."""
    far_jitter_ms = _Told[float | None]()
    """... and its jitter."""

    @property
    def further(self) -> Further:
        """The figures that are no fields, and how they came about."""
        return self._further(self._index)

    @property
    def rating(self) -> Rating | None:
        """The E-model's rating with all its inputs; None where the codec has no row."""
        return self.further.rating

    def explain(self) -> str:
        """The sum of the E-model, line by line; or why there is none."""
        return self.further.explain()

    def row(self) -> dict[str, object]:
        """The figures of ``rtpcap streams`` under their names."""
        return {name: getattr(self, name) for name in FIGURES}

    def full_row(self) -> dict[str, object]:
        """All figures under their names, as ``rtpcap quality`` prints them."""
        return {**self.row(), **self.further.row()}

    def _repr_html_(self) -> str:
        from rtpcap.views.html import fields_html

        return fields_html(self.full_row(), "Quality")


FIGURES = tuple(field.name for field in fields(Quality) if not field.name.startswith("_"))


def measure(found: Found, formats: Formats, further: Callable[[int], Further]) -> list[Quality]:
    """A `Quality` for each stream; `further` gives what is only worked out when it is asked for."""
    figures: list[Quality] = []
    for first, last, rows in batches(found.starts, len(found.packets)):
        part = found.packets[rows]
        ledger = keep(found, first, last, formats.clocks(slice(first, last)))
        counts = ledger.counts()
        j = jitter(part, ledger, formats, first)
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
                    _further=further,
                    _index=len(figures),
                )
            )
    return figures


def jitter(packets: Packets, ledger: Ledger, formats: Formats, first: int) -> Jitter:
    """Interarrival jitter of the streams of a ledger, which are those from `first` on.

    Media packets alone count: telephone events, comfort noise, repair, foreign packets and copies
    that the capture made do not.
    """
    k = len(ledger.starts)
    lengths = np.diff(ledger.starts, append=len(ledger))
    stream = np.repeat(np.arange(k, dtype=np.int32), lengths)
    number = packets.payload_type
    used = np.flatnonzero(np.bincount(number))
    table = slice(first, first + k)
    row = stream
    if formats.turns:
        row, table = formats.rows(first, first + k, lengths), slice(None)
    rates, media = formats.clock_rate[table], formats.media[table]
    if rates.size and used.size and (rates[:, used] == rates[0, used[0]]).all():
        clocks = np.broadcast_to(rates[0, used[0]], len(number))
    else:
        clocks = rates[row, number]
    rows = None
    counted = ledger.epoch != FOREIGN
    if ledger.captured_twice.any():
        counted &= ~ledger.captured_twice
    if not media[:, used].all():
        counted &= media[row, number]
    if not counted.all():
        rows = np.flatnonzero(counted)
    return interarrival(packets.timestamp, packets.time_ns, clocks, ledger.epoch, stream, rows, k)


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else value
