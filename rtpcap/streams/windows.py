"""The figures of streams over windows of time: where in a call it was bad.

Windows of each stream begin with its first packet. The counts of all windows add up to those of
the stream, as far as its packets have a time: a lost packet counts in the window of the packet
after the hole, one that came too late for a jitter buffer in the window in which it came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.codec_rows import CodecRow, Scale
from rtpcap.streams.emodel import BASE, delay_impairment, equipment_impairment, mos
from rtpcap.streams.jitter import Jitter
from rtpcap.streams.ledger import Ledger
from rtpcap.streams.slots import Slots, stream_numbers
from rtpcap.streams.timing import IP_UDP_BYTES, HeaderBytes, Spread, Transit, delta, spread

__all__ = ["Windows", "windows"]

LEAST_RATIO = 1e-3
"""A window of nothing but loss has a BurstR of 0, which the E-model cannot divide by."""


@dataclass(frozen=True, eq=False)
class Windows:
    """One row for each window that holds a packet, in order; columns of shape (w,)."""

    stream: npt.NDArray[np.int32]
    start_s: npt.NDArray[np.float64]
    """When the window begins, seconds after the stream's first packet."""
    window_s: float
    packets: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]
    lost: npt.NDArray[np.int64]
    duplicates: npt.NDArray[np.int64]
    reordered: npt.NDArray[np.int64]
    delta_ms: Spread
    skew_ms: Spread
    jitter_ms: Spread
    kbps: npt.NDArray[np.float64]
    """Bits of the window's packets, IP and UDP headers included, over its whole length."""
    not_heard: npt.NDArray[np.int64]
    """Lost in the network, or too late for the jitter buffer."""
    runs: npt.NDArray[np.int64]
    """Runs of what was not heard, cut where windows begin."""
    mos: npt.NDArray[np.float64]
    """See `rated`; nan where nothing was expected, or the E-model has no row for the codec."""
    scale: Scale | None = None
    """On which scale `mos` is; None without any."""

    def rated(self, codec: CodecRow, delay_ms: float) -> Windows:
        """The same with the E-model's MOS of each window.

        Loss and BurstR are those of what the window's listener did not hear; the delay, one way
        and the buffer's share included, is one for all, as that of a whole stream is.
        """
        expected = np.maximum(self.expected, 1)
        share = np.minimum(self.not_heard / expected, 1.0)
        # As for whole streams, BurstR takes two runs to tell.
        ratio = np.where(self.runs > 1, (1 - share) * self.not_heard / np.maximum(self.runs, 1), 1)
        impairment = equipment_impairment(
            codec.ie, codec.bpl, 100 * share, np.maximum(ratio, LEAST_RATIO)
        )
        score = mos(BASE[codec.scale] - delay_impairment(delay_ms) - impairment, codec.scale)
        score[self.expected == 0] = np.nan
        return replace(self, mos=score, scale=codec.scale)

    def __len__(self) -> int:
        return len(self.stream)

    def rows(self) -> list[dict[str, object]]:
        """A dict a window; None where there is no figure."""
        nothing = np.full(len(self), np.nan)
        columns: dict[str, npt.NDArray[np.generic]] = {
            "start_s": self.start_s,
            "duration_s": np.full(len(self), self.window_s),
            "packets": self.packets,
            "expected": self.expected,
            "lost": self.lost,
            "lost_pct": 100 * self.lost / np.maximum(self.expected, 1),
            "duplicates": self.duplicates,
            "reordered": self.reordered,
            "delta_ms": self.delta_ms.mean,
            "delta_max_ms": self.delta_ms.most,
            "skew_min_ms": self.skew_ms.least,
            "skew_max_ms": self.skew_ms.most,
            "jitter_ms": self.jitter_ms.mean,
            "jitter_max_ms": self.jitter_ms.most,
            "kbps": self.kbps,
            "not_heard": self.not_heard,
            "mos_nb": self.mos if self.scale == "nb" else nothing,
            "mos_wb": self.mos if self.scale == "wb" else nothing,
        }
        lists = [column.tolist() for column in columns.values()]
        return [
            {
                name: None if value != value else value
                for name, value in zip(columns, row, strict=True)
            }
            for row in zip(*lists, strict=True)
        ]


def windows(
    time_ns: npt.NDArray[np.int64],
    size: npt.NDArray[np.uint16],
    ledger: Ledger,
    jitter: Jitter,
    window_s: float,
    *,
    slots: Slots | None = None,
    transit: Transit | None = None,
    header_bytes: HeaderBytes = IP_UDP_BYTES,
    heard: npt.NDArray[np.bool_] | None = None,
) -> Windows:
    """The windows of the streams of a ledger, each `window_s` long (ValueError unless above 0).

    `time_ns` and `size` (of the RTP packets) have shape (n,); `jitter` is that of the streams, and
    `transit` that of their media packets, for skew. `heard`, shape (n,), says which packets were
    not too late for a jitter buffer: all, where it is not given. Copies that the capture made count
    as packets and as nothing else.
    """
    length = round(window_s * 1e9)
    if length < 1:
        raise ValueError(f"a window of {window_s} s is not possible")
    n = len(time_ns)
    stream = stream_numbers(ledger.starts, n)
    slots = Slots.of(ledger) if slots is None else slots
    told = time_ns != NO_TIME
    # A window's number is within its stream; windows without a packet have no row.
    first = np.full(len(ledger.starts), np.iinfo(np.int64).max)
    np.minimum.at(first, stream[told], time_ns[told])
    rows = np.flatnonzero(told)
    number = (time_ns[rows] - first[stream[rows]]) // length
    owner, place = stream[rows], number
    order: npt.NDArray[np.int64] | None = None
    if ((number[1:] < number[:-1]) & (owner[1:] == owner[:-1])).any():
        # Frames that are not in order of time.
        order = np.lexsort((number, owner))
        owner, place = owner[order], number[order]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (place[1:] != place[:-1])
    w = int(new.sum())
    window = np.full(n, -1, np.int64)
    window[rows if order is None else rows[order]] = new.cumsum() - 1

    every, whole = np.arange(n), len(rows) == n

    def total(
        some: npt.NDArray[np.int64] | npt.NDArray[np.bool_],
        weights: npt.NDArray[np.int64] | npt.NDArray[np.uint16] | None = None,
    ) -> npt.NDArray[np.int64]:
        cells = window if some is every else window[some]
        if not whole:
            inside = cells >= 0
            cells, weights = cells[inside], None if weights is None else weights[inside]
        return np.bincount(cells, weights=weights, minlength=w).astype(np.int64)

    holes = np.zeros(len(slots.rows), np.int64)
    same = slots.stream[1:] == slots.stream[:-1]
    holes[1:] = np.where(same, np.diff(slots.place) - 1, 0)
    missed = holes > 0
    lost = total(slots.rows[missed], holes[missed])
    late = np.zeros(len(slots.rows), np.bool_) if heard is None else ~heard[slots.rows]
    cells = window[slots.rows]
    # What was not heard goes on from the packet before, where that is of the same window.
    goes_on = np.zeros(len(late), np.bool_)
    goes_on[1:] = late[:-1] & (cells[1:] == cells[:-1])
    begins = (missed | late) & ~goes_on

    def spread_over(values: npt.NDArray[np.float64], at: npt.NDArray[np.int64]) -> Spread:
        cells = window if at is every else window[at]
        if not whole:
            inside = cells >= 0
            values, cells = values[inside], cells[inside]
        return spread(values, cells.astype(np.int32), w)

    own, duplicate, starts = every, ledger.duplicate, ledger.starts
    if ledger.captured_twice.any():
        own = np.flatnonzero(~ledger.captured_twice)
        duplicate = duplicate & ~ledger.captured_twice
        starts = np.searchsorted(own, starts)
    w_header = np.broadcast_to(header_bytes, len(ledger.starts))[owner[new]]
    packets = total(every)
    counted = packets if own is every else total(own)
    octets = total(own, size if own is every else size[own]) + w_header * counted
    skew = Spread(*(np.full(w, np.nan) for _ in range(3)))
    if transit is not None:
        skew = spread_over(-transit.late_ms, transit.rows)
    return Windows(
        stream=owner[new],
        start_s=place[new] * (length / 1e9),
        window_s=length / 1e9,
        packets=packets,
        expected=total(slots.rows) + lost,
        lost=lost,
        duplicates=total(duplicate),
        reordered=total(ledger.reordered),
        delta_ms=spread_over(delta(time_ns[own], starts), own),
        skew_ms=skew,
        jitter_ms=spread_over(jitter.value_s * 1e3, jitter.rows),
        kbps=octets * 8 / (length / 1e9) / 1e3,
        not_heard=lost + total(slots.rows[late]),
        runs=total(slots.rows[begins]),
        mos=np.full(w, np.nan),
    )
