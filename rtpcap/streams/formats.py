"""Which format each payload number of a stream has: told, static, or known by its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.events import EVENT_NAMES, split_events
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import STATIC_FORMATS, Format
from rtpcap.streams.ledger import Clocks

__all__ = ["Formats", "PayloadMap", "payload_map"]

PAYLOAD_NUMBERS = 128
DYNAMIC = 96
TELEPHONE_EVENT = "telephone-event"

PLAUSIBLE_RATES = (8000, 90000)
"""Clock rates in use, lowest and highest, for streams whose own is not known."""

EVENT_BYTES = 4
MOST_EVENTS = 4
"""How many events are looked for in one packet (RFC 4733 section 2.5.1.4 sets no limit)."""

PayloadMap = Mapping[int, Format]


def payload_map(named: Mapping[int, str | Format] | None) -> PayloadMap:
    """What the user named, checked: ``{96: "PCMU/8000"}`` -> ``{96: Format("PCMU", 8000)}``.

    Raises ValueError for a number outside 0..127 or a format that cannot be read.
    """
    formats = {}
    for number, name in (named or {}).items():
        if not 0 <= number < PAYLOAD_NUMBERS:
            raise ValueError(f"payload type {number} is not in 0..127")
        formats[number] = name if isinstance(name, Format) else Format.parse(name)
    return formats


@dataclass(frozen=True, eq=False)
class Formats:
    """The payload numbers of k streams and what each is."""

    counts: npt.NDArray[np.int32]
    """Packets of each number, shape (k, 128)."""
    by_stream: list[dict[int, Format]]
    """Payload number -> format, for the numbers that have one."""
    clock_rate: npt.NDArray[np.int32]
    """Clock rate of each number, 0 where unknown, shape (k, 128)."""
    media: npt.NDArray[np.bool_]
    """Whether a number's packets are media (`Format.is_media`; unknown: yes), shape (k, 128)."""
    told: PayloadMap = field(default_factory=dict)
    """What was told, also of numbers that no packet has: those inside redundant packets."""

    @classmethod
    def find(
        cls,
        packets: Packets,
        starts: npt.NDArray[np.int64],
        told: PayloadMap,
    ) -> Formats:
        """The formats of streams whose packets lie one after the other from `starts`, shape (k,).

        What was told wins over the static table of RFC 3551; a dynamic number whose payloads have
        the shape of telephone events is taken for one.
        """
        k = len(starts)
        lengths = np.diff(starts, append=len(packets))
        cell = np.repeat(np.arange(k, dtype=np.int64) * PAYLOAD_NUMBERS, lengths)
        cell += packets.payload_type
        counts = np.bincount(cell, minlength=k * PAYLOAD_NUMBERS).reshape(k, PAYLOAD_NUMBERS)
        known = {**STATIC_FORMATS, **told}
        events = _event_cells(packets, cell, counts.reshape(-1), told)
        by_stream: list[dict[int, Format]] = [{} for _ in range(k)]
        clock_rate = np.zeros((k, PAYLOAD_NUMBERS), np.int32)
        media = np.ones((k, PAYLOAD_NUMBERS), np.bool_)
        for number, fmt in known.items():
            clock_rate[:, number] = fmt.clock_rate
            media[:, number] = fmt.is_media
        for i, number in zip(*(axis.tolist() for axis in np.nonzero(counts)), strict=True):
            if number in known:
                by_stream[i][number] = known[number]
        for i, number in events:
            # RFC 4733 section 2.1: the event shares the clock of the audio it stands beside.
            rates = [fmt.clock_rate for fmt in by_stream[i].values() if fmt.is_media]
            event = Format(TELEPHONE_EVENT, rates[0] if rates else 8000)
            by_stream[i][number] = event
            clock_rate[i, number] = event.clock_rate
            media[i, number] = False
        return cls(counts.astype(np.int32), by_stream, clock_rate, media, told)

    def name(self, i: int, number: int, fmt: Format) -> None:
        """Give a payload number of stream i a format."""
        self.by_stream[i][number] = fmt
        self.clock_rate[i, number] = fmt.clock_rate
        self.media[i, number] = fmt.is_media

    def clocks(self, streams: slice = slice(None)) -> Clocks:
        """The lowest and highest rate among the payload types of each of these streams."""
        rate = self.clock_rate[streams]
        used = (self.counts[streams] > 0) & (rate > 0)
        low = np.where(used, rate, np.iinfo(np.int32).max).min(axis=1).astype(float)
        high = np.where(used, rate, 0).max(axis=1).astype(float)
        unknown = high == 0
        low[unknown], high[unknown] = PLAUSIBLE_RATES
        return Clocks(low, high)

    def main(self, i: int) -> tuple[int, Format | None]:
        """(payload number, format) of most of stream i's media packets.

        Of a stream without media, that of most of its packets.
        """
        counts = self.counts[i]
        media = np.where(self.media[i], counts, 0)
        number = int((media if media.any() else counts).argmax())
        return number, self.by_stream[i].get(number)


def _event_cells(
    packets: Packets,
    cell: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    told: PayloadMap,
) -> list[tuple[int, int]]:
    """(stream, payload number) of the dynamic numbers that only carry telephone events.

    Such a number's payloads are a few whole reports of known events; and the packets of one
    timestamp tell of one event whose duration only grows (RFC 4733 section 2.5).
    """
    number = np.arange(len(counts)) % PAYLOAD_NUMBERS
    possible = (counts > 0) & (number >= DYNAMIC)
    possible[np.isin(number, list(told))] = False
    if not possible.any():
        return []
    rows = np.flatnonzero(possible[cell])
    size = packets.payload_size[rows]
    wrong = (size % EVENT_BYTES != 0) | (size == 0) | (size > EVENT_BYTES * MOST_EVENTS)
    possible[cell[rows[wrong]]] = False
    rows = rows[possible[cell[rows]]]
    if not len(rows):
        return []
    report = split_events(
        packets[rows].take_payloads(EVENT_BYTES).view(">u4")[:, 0].astype(np.uint32)
    )
    named = np.zeros(256, np.bool_)
    named[list(EVENT_NAMES)] = True
    here = cell[rows]
    possible[here[~named[report["event"]] | (report["reserved"] != 0)]] = False

    timestamp = packets.timestamp[rows]
    order = np.lexsort((packets.sequence[rows], timestamp, here))
    same = np.zeros(len(rows), np.bool_)
    same[1:] = (np.diff(here[order]) == 0) & (np.diff(timestamp[order].astype(np.int64)) == 0)
    event, duration = report["event"][order], report["duration"][order].astype(np.int64)
    torn = np.zeros(len(rows), np.bool_)
    torn[1:] = same[1:] & (np.diff(event.astype(np.int64)) != 0)
    shrunk = np.zeros(len(rows), np.int64)
    shrunk[1:] = same[1:] & (np.diff(duration) < 0)
    possible[here[order[torn]]] = False
    # A sequence wrap inside a press puts one late report first: rare, and no proof against it.
    pairs = np.bincount(here[order], weights=same, minlength=len(counts))
    falls = np.bincount(here[order], weights=shrunk, minlength=len(counts))
    possible &= falls <= 0.1 * pairs
    silent = np.bincount(here[order], weights=duration > 0, minlength=len(counts)) == 0
    possible &= ~silent
    cells = np.flatnonzero(possible)
    return [(int(c) // PAYLOAD_NUMBERS, int(c) % PAYLOAD_NUMBERS) for c in cells]
