"""Which format each payload number of a stream has: told, announced, static, or by its shape.

What a number means may change in the middle of a stream, with another offer and answer. Hardly any
stream does that: the tables have a row a stream, and behind those a row for each later meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.events import EVENT_NAMES, split_events
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import STATIC_FORMATS, Format
from rtpcap.streams.ledger import Clocks

__all__ = ["PAYLOAD_NUMBERS", "Announcements", "Formats", "Meaning", "PayloadMap", "Turn"]
__all__ += ["payload_map"]

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


Announcements = Mapping[int, list[tuple[int, PayloadMap]]]
"""Stream -> what its numbers mean from which of its packets on, as signalling has it."""


class Turn(NamedTuple):
    """A stream's packets from here on have the meanings of this row of the tables."""

    packet: int
    """Which of the stream's packets, 0-based."""
    row: int


class Meaning(NamedTuple):
    """What a payload number means in a stretch of a stream."""

    format: Format | None
    packets: slice
    """The stretch: of the stream's packets, those of other numbers too."""
    rows: tuple[int, ...]
    """The rows of the tables that say so."""


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
    turns: dict[int, list[Turn]] = field(default_factory=dict)
    """Of streams whose numbers change their meaning: from where on which row of the tables counts,
    the first turn at the first packet. All tables have these rows behind the first k, but
    `counts`."""
    told: PayloadMap = field(default_factory=dict)
    """What was told, also of numbers that no packet has: those inside redundant packets."""
    announced: Announcements = field(default_factory=dict)
    """The same of what signalling announced."""

    @classmethod
    def find(
        cls,
        packets: Packets,
        starts: npt.NDArray[np.int64],
        told: PayloadMap,
        announced: Announcements | None = None,
    ) -> Formats:
        """The formats of streams whose packets lie one after the other from `starts`, shape (k,).

        What was told wins over what signalling announced, and that over the static table of
        RFC 3551; a dynamic number that nothing names is taken for telephone events where its
        payloads have their shape.
        """
        k = len(starts)
        lengths = np.diff(starts, append=len(packets))
        cell = np.repeat(np.arange(k, dtype=np.int64) * PAYLOAD_NUMBERS, lengths)
        cell += packets.payload_type
        counts = np.bincount(cell, minlength=k * PAYLOAD_NUMBERS).reshape(k, PAYLOAD_NUMBERS)
        known = {**STATIC_FORMATS, **told}
        by_stream: list[dict[int, Format]] = [{} for _ in range(k)]
        clock_rate = np.zeros((k, PAYLOAD_NUMBERS), np.int32)
        media = np.ones((k, PAYLOAD_NUMBERS), np.bool_)
        for number, fmt in known.items():
            clock_rate[:, number] = fmt.clock_rate
            media[:, number] = fmt.is_media
        for i, number in zip(*(axis.tolist() for axis in np.nonzero(counts)), strict=True):
            if number in known:
                by_stream[i][number] = known[number]
        named = np.zeros((k, PAYLOAD_NUMBERS), np.bool_)
        named[:, list(told)] = True
        later: list[tuple[int, int, PayloadMap]] = []
        for i, turns in (announced or {}).items():
            used = [number for number in np.flatnonzero(counts[i]).tolist() if number not in told]
            meant = _meanings(turns, used)
            for number, fmt in meant[0][1].items():
                by_stream[i][number] = fmt
                clock_rate[i, number], media[i, number] = fmt.clock_rate, fmt.is_media
                named[i, number] = True
            later += [(i, packet, meaning) for packet, meaning in meant[1:]]
        for i, number in _event_cells(packets, cell, counts.reshape(-1), named.reshape(-1)):
            # RFC 4733 section 2.1: the event shares the clock of the audio it stands beside.
            rates = [fmt.clock_rate for fmt in by_stream[i].values() if fmt.is_media]
            event = Format(TELEPHONE_EVENT, rates[0] if rates else 8000)
            by_stream[i][number] = event
            clock_rate[i, number] = event.clock_rate
            media[i, number] = False
        formats = cls(
            counts.astype(np.int32), by_stream, clock_rate, media, {}, told, announced or {}
        )
        return formats._with(later) if later else formats

    def _with(self, later: list[tuple[int, int, PayloadMap]]) -> Formats:
        """The same with rows for later meanings: (stream, first packet, what differs)."""
        by_stream, turns = list(self.by_stream), dict[int, list[Turn]]()
        clock_rate = [*self.clock_rate]
        media = [*self.media]
        for i, packet, meaning in later:
            before = turns.setdefault(i, [Turn(0, i)])
            turns[i].append(Turn(packet, len(by_stream)))
            row = before[-2].row if len(before) > 1 else i
            by_stream.append({**by_stream[row], **meaning})
            rates, spoken = clock_rate[row].copy(), media[row].copy()
            for number, fmt in meaning.items():
                rates[number], spoken[number] = fmt.clock_rate, fmt.is_media
            clock_rate.append(rates)
            media.append(spoken)
        return replace(
            self,
            by_stream=by_stream,
            clock_rate=np.array(clock_rate),
            media=np.array(media),
            turns=turns,
        )

    def copy(self) -> Formats:
        """The same, to be named without a change to these."""
        return replace(
            self,
            by_stream=[dict(by_number) for by_number in self.by_stream],
            clock_rate=self.clock_rate.copy(),
            media=self.media.copy(),
        )

    def named(self, i: int, number: int) -> Format | None:
        """What was told or announced of a number of stream i, whether packets have it or not."""
        if number in self.told:
            return self.told[number]
        turns = self.announced.get(i, ())
        return next((meant[number] for _, meant in turns if number in meant), None)

    def rows_of(self, i: int) -> list[int]:
        """The rows of the tables that stream i goes by."""
        return [turn.row for turn in self.turns.get(i, [Turn(0, i)])]

    def meanings(self, i: int, number: int, length: int) -> list[Meaning]:
        """What a payload number of stream i means, one after the other: mostly one thing."""
        found: list[Meaning] = []
        for packets, row in self._stretches(i, length):
            fmt = self.by_stream[row].get(number)
            if found and found[-1].format == fmt:
                last = found[-1]
                both = slice(last.packets.start, packets.stop)
                found[-1] = Meaning(fmt, both, (*last.rows, row))
            else:
                found.append(Meaning(fmt, packets, (row,)))
        return found

    def name(self, rows: Iterable[int], number: int, fmt: Format) -> None:
        """Give a payload number a format, in these rows of the tables."""
        for row in rows:
            self.by_stream[row][number] = fmt
            self.clock_rate[row, number] = fmt.clock_rate
            self.media[row, number] = fmt.is_media

    def rows(self, first: int, last: int, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The row of the tables for each packet of neighbouring streams.

        `lengths` are how many packets the streams from `first` to before `last` have.
        """
        row = np.repeat(np.arange(first, last, dtype=np.int32), lengths)
        if self.turns:
            ends = lengths.cumsum()
            for i in range(first, last):
                end = int(ends[i - first])
                begin = end - int(lengths[i - first])
                for turn in self.turns.get(i, ())[1:]:
                    row[begin + turn.packet : end] = turn.row
        return row

    def parts(self, i: int, length: int) -> Iterator[tuple[slice, dict[int, Format]]]:
        """A stream's packets by the meanings of their numbers: in most streams one part."""
        for packets, row in self._stretches(i, length):
            yield packets, self.by_stream[row]

    def _stretches(self, i: int, length: int) -> Iterator[tuple[slice, int]]:
        """A stream's packets by the row of the tables that they go by."""
        turns = self.turns.get(i, [Turn(0, i)])
        ends = [*(turn.packet for turn in turns[1:]), length]
        for turn, end in zip(turns, ends, strict=True):
            yield slice(turn.packet, end), turn.row

    def clocks(self, streams: slice = slice(None)) -> Clocks:
        """The lowest and highest rate among the payload types of each of these streams."""
        first, last, _ = streams.indices(len(self.counts))
        used = self.counts[first:last] > 0
        rate = self.clock_rate[first:last]
        low = _lowest(used, rate)
        high = _highest(used, rate)
        for i, turns in self.turns.items():
            if first <= i < last:
                rate = self.clock_rate[[turn.row for turn in turns]]
                low[i - first] = _lowest(used[i - first], rate).min()
                high[i - first] = _highest(used[i - first], rate).max()
        unknown = high == 0
        low[unknown], high[unknown] = PLAUSIBLE_RATES
        return Clocks(low, high)

    def main(self, i: int) -> tuple[int, Format | None]:
        """(payload number, format) of most of stream i's media packets.

        Of a stream without media, that of most of its packets. Where the number changes its
        meaning, the first counts.
        """
        number = int(self.main_numbers(slice(i, i + 1))[0])
        return number, self.by_stream[i].get(number)

    def main_numbers(self, streams: slice = slice(None)) -> npt.NDArray[np.int64]:
        """The payload number that `main` gives, of each of these streams."""
        first, last, _ = streams.indices(len(self.counts))
        counts = self.counts[first:last]
        spoken = np.where(self.media[first:last], counts, 0)
        silent = ~spoken.any(axis=1)
        spoken[silent] = counts[silent]
        return np.asarray(spoken.argmax(axis=1))


def _lowest(used: npt.NDArray[np.bool_], rate: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    known = used & (rate > 0)
    return np.asarray(np.where(known, rate, np.iinfo(np.int32).max).min(axis=-1).astype(float))


def _highest(used: npt.NDArray[np.bool_], rate: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    return np.asarray(np.where(used & (rate > 0), rate, 0).max(axis=-1).astype(float))


def _meanings(
    turns: list[tuple[int, PayloadMap]], used: list[int]
) -> list[tuple[int, dict[int, Format]]]:
    """From which packet on which used numbers mean something else than before.

    A number that a later description no longer names keeps what it meant. One that is named for
    the first time later has had that meaning before, too: nothing else did name it.
    """
    meant: list[tuple[int, dict[int, Format]]] = [(0, {})]
    current: dict[int, Format] = {}
    for packet, named in turns:
        changed = {}
        for number in used:
            fmt = named.get(number)
            if fmt is None or fmt == current.get(number):
                continue
            if number in current:
                changed[number] = fmt
            else:
                meant[0][1][number] = fmt
            current[number] = fmt
        if changed:
            meant.append((packet, changed))
    return meant


def _event_cells(
    packets: Packets,
    cell: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    named: npt.NDArray[np.bool_],
) -> list[tuple[int, int]]:
    """(stream, payload number) of the dynamic numbers that only carry telephone events.

    Such a number's payloads are a few whole reports of known events; and the packets of one
    timestamp tell of one event whose duration only grows (RFC 4733 section 2.5).
    """
    number = np.arange(len(counts)) % PAYLOAD_NUMBERS
    possible = (counts > 0) & (number >= DYNAMIC)
    possible &= ~named
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
    events = np.zeros(256, np.bool_)
    events[list(EVENT_NAMES)] = True
    here = cell[rows]
    possible[here[~events[report["event"]] | (report["reserved"] != 0)]] = False

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
