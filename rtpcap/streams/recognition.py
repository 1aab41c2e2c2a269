"""Formats by their payloads: where nobody says which, and where what is said is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import STATIC_FORMATS, Format
from rtpcap.rtp.red import unwrap_red
from rtpcap.streams.discover import Found
from rtpcap.streams.formats import Formats, Meaning

if TYPE_CHECKING:
    from rtpcap.codecs.evidence import Evidence
    from rtpcap.codecs.recognise import Recognised

__all__ = ["Recognition", "recognise_formats"]

ENOUGH_PACKETS = 10
"""Payload numbers with fewer packets are left alone."""
MOST_PACKETS = 1000
"""From a stream's beginning, that are looked at."""

TOLD_BY_SIZE = ("pcmu", "pcma", "l16")
"""Encoding names, lower case, of which the payloads tell nothing that the name does not."""

Cell = tuple[int, int]
"""Stream and payload number."""


@dataclass(frozen=True, eq=False)
class Recognition:
    """The formats of streams, and what the payloads said about them."""

    formats: Formats
    recognised: dict[Cell, Recognised] = field(default_factory=dict)
    """Of payload numbers that had no name."""
    settled: dict[Cell, tuple[str, ...]] = field(default_factory=dict)
    """What payloads contradicted, or told beyond what was said."""
    inside: dict[Cell, int] = field(default_factory=dict)
    """Of redundant packets (RFC 2198), the payload number of most of what is inside."""
    random: set[Cell] = field(default_factory=set)
    """Numbers with a name whose payloads are as random as encryption makes them."""


def recognise_formats(found: Found, formats: Formats) -> Recognition:
    """The formats of all streams, with what their payloads tell.

    Streams of nothing but G.711, L16 and events cost nothing.
    """
    named = [
        (i, number)
        for i, by_number in enumerate(formats.by_stream[: len(found.starts)])
        for number in by_number
        if any(_tells(formats.by_stream[row].get(number)) for row in formats.rows_of(i))
    ]
    enough = formats.counts >= ENOUGH_PACKETS
    unknown = formats.clock_rate[: len(enough)] == 0
    unnamed = [(int(i), int(n)) for i, n in np.argwhere(enough & unknown)]
    if not named and not unnamed:
        return Recognition(formats)
    # The formats that were given stay as they are.
    formats = formats.copy()
    recognition = Recognition(formats)
    for cell in unnamed:
        _recognise(recognition, cell, _evidence(_packets(found, formats, cell)))
    for cell in [*named, *unnamed]:
        fmt = formats.by_stream[cell[0]].get(cell[1])
        if fmt is not None and fmt.is_redundant:
            _look_inside(recognition, cell, _packets(found, formats, cell))
    for cell in dict.fromkeys([*named, *unnamed, *_inner(recognition)]):
        _settle(recognition, cell, found)
    _set_event_clocks(recognition)
    return recognition


def _tells(fmt: Format | None) -> bool:
    """Whether payloads may tell more than their format's name."""
    return (
        fmt is not None
        and fmt.name.lower() not in TOLD_BY_SIZE
        and fmt.is_media
        and not fmt.is_video
    )


def _packets(found: Found, formats: Formats, cell: Cell, stretch: slice = slice(None)) -> Packets:
    """The first packets of a payload number of a stream, or of a stretch of it."""
    i, number = cell
    starts = found.starts
    stop = int(starts[i + 1]) if i + 1 < len(starts) else len(found.packets)
    packets = found.packets[int(starts[i]) : stop]
    every = formats.counts[i, number] == len(packets)
    packets = packets[stretch]
    if every:
        return packets[:MOST_PACKETS]
    rows = np.flatnonzero(packets.payload_type == number)[:MOST_PACKETS]
    return packets[rows]


def _evidence(packets: Packets) -> Evidence:
    # Not at the top: who has only G.711 does not load the recogniser.
    from rtpcap.codecs.evidence import Evidence

    return Evidence.of(packets.payloads(), packets.sequence, packets.timestamp, packets.time_ns)


def _recognise(recognition: Recognition, cell: Cell, evidence: Evidence) -> None:
    from rtpcap.codecs.recognise import recognise

    result = recognise(evidence)
    recognition.recognised[cell] = result
    if result.format is not None:
        _name(recognition.formats, cell, result.format)


def _name(formats: Formats, cell: Cell, fmt: Format) -> None:
    i, number = cell
    formats.name(formats.rows_of(i), number, fmt)


def _inside(packets: Packets) -> Iterator[tuple[int, Evidence]]:
    """The payload numbers of the primary blocks of redundant packets, most frequent first."""
    from rtpcap.codecs.evidence import Evidence

    blocks = unwrap_red(packets.payloads())
    primary = blocks.primary & (blocks.payloads.size > 0)
    counts = np.bincount(blocks.payload_type[primary], minlength=128)
    for number in np.argsort(-counts, kind="stable").tolist():
        if not counts[number]:
            return
        mine = np.flatnonzero(primary & (blocks.payload_type == number))
        rows = blocks.row[mine]
        yield (
            number,
            Evidence.of(
                blocks.payloads[mine],
                packets.sequence[rows],
                packets.timestamp[rows],
                packets.time_ns[rows],
            ),
        )


def _look_inside(recognition: Recognition, cell: Cell, packets: Packets) -> None:
    """Name what is inside redundant packets."""
    i, outer = cell
    formats = recognition.formats
    for number, evidence in _inside(packets):
        if number == outer:
            continue
        if number not in formats.by_stream[i]:
            fmt = formats.named(i, number) or STATIC_FORMATS.get(number)
            if fmt is not None:
                _name(formats, (i, number), fmt)
            else:
                _recognise(recognition, (i, number), evidence)
        fmt = formats.by_stream[i].get(number)
        if cell not in recognition.inside and (fmt is None or fmt.is_media):
            recognition.inside[cell] = number


def _inner(recognition: Recognition) -> list[Cell]:
    return [(i, number) for (i, _), number in recognition.inside.items()]


def _settle(recognition: Recognition, cell: Cell, found: Found) -> None:
    """Correct a format by its payloads, and see whether these are encrypted."""
    i, number = cell
    formats = recognition.formats
    if not formats.counts[i, number]:
        rows = tuple(formats.rows_of(i))
        meaning = Meaning(formats.by_stream[i].get(number), slice(None), rows)
        outer = next(
            key for key, inner in recognition.inside.items() if key[0] == i and inner == number
        )
        evidence = dict(_inside(_packets(found, formats, outer)))[number]
        _settle_meaning(recognition, cell, meaning, evidence)
        return
    meanings = formats.meanings(i, number, int(formats.counts[i].sum()))
    for meaning in meanings:
        if len(meanings) > 1 and not _tells(meaning.format):
            continue
        packets = _packets(found, formats, cell, meaning.packets)
        if len(packets):
            _settle_meaning(recognition, cell, meaning, _evidence(packets))


def _settle_meaning(
    recognition: Recognition, cell: Cell, meaning: Meaning, evidence: Evidence
) -> None:
    from rtpcap.codecs.evidence import is_random
    from rtpcap.codecs.recognise import settle

    i, number = cell
    formats, fmt = recognition.formats, meaning.format
    if fmt is None or fmt.is_redundant:
        return
    if is_random(evidence.payloads):
        if meaning.rows[0] == i:
            recognition.random.add(cell)
            return
        # What came before can be heard: of what is encrypted later the format is left out.
        for row in meaning.rows:
            del formats.by_stream[row][number]
        return
    settled = settle(fmt, evidence)
    if settled.reasons:
        before = recognition.settled.get(cell, ())
        recognition.settled[cell] = tuple(dict.fromkeys([*before, *settled.reasons]))
        formats.name(meaning.rows, number, settled.format)


def _set_event_clocks(recognition: Recognition) -> None:
    """Give events that nobody named the clock of the codec beside them (RFC 4733 section 2.1)."""
    formats = recognition.formats
    for (i, _), result in recognition.recognised.items():
        if result.format is None or not result.format.is_media:
            continue
        for number, fmt in list(formats.by_stream[i].items()):
            others = [
                other.clock_rate
                for key, other in formats.by_stream[i].items()
                if other.is_media and (i, key) not in recognition.recognised
            ]
            if fmt.is_event and formats.named(i, number) is None and not others:
                rate = result.format.clock_rate
                _name(formats, (i, number), Format(fmt.name, rate))
