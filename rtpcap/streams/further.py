"""The figures of each stream beyond those of ``rtpcap streams``, batch by batch over all streams.

Of what `Figures` works out only what is small stays: a row a stream, its rating and its account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.rtp.serial import steps
from rtpcap.streams.codec_modes import MODES, mode_of
from rtpcap.streams.codec_rows import CodecRow, codec_row
from rtpcap.streams.copies import keep
from rtpcap.streams.discover import Found, batches
from rtpcap.streams.emodel import NO_ROW, Rating
from rtpcap.streams.fates import Account
from rtpcap.streams.figures import Figures
from rtpcap.streams.formats import Formats
from rtpcap.streams.meaning import Meanings
from rtpcap.streams.reports.beside import SeenPackets
from rtpcap.streams.reports.far_end import UNHEARD, FarEnd

if TYPE_CHECKING:
    from rtpcap.streams.reports.far_ends import FarEnds

__all__ = ["Further", "measure_further", "rating_row", "row_of"]


@dataclass(frozen=True, slots=True)
class Further:
    """What `Quality` has beside its fields, of one stream."""

    figures: dict[str, object]
    """Named and ordered as ``rtpcap quality`` prints them."""
    rating: Rating | None
    account: dict[str, object]
    """Packets and slots by class."""
    far_end: FarEnd
    """What RTCP says of it."""

    def row(self) -> dict[str, object]:
        """The figures, what went into the rating, and what the far end says."""
        return {**self.figures, **rating_row(self.rating), **self.far_end.row()}

    def explain(self) -> str:
        """The sum of the E-model, line by line; or why there is none."""
        return self.rating.explain() if self.rating else NO_ROW


INPUTS = {
    "delay_ms": "emodel_delay_ms",
    "delay_source": "emodel_delay_source",
    "codec_row": "emodel_codec",
    "ie": "emodel_ie",
    "bpl": "emodel_bpl",
    "codec_source": "emodel_codec_source",
    "band": "emodel_band",
}
"""What of a rating stands beside the figures, and under which name."""


def rating_row(rating: Rating | None) -> dict[str, object]:
    """The inputs of a rating under their names; None each where there is none."""
    row = rating.row() if rating else {}
    return {key: row.get(name) for name, key in INPUTS.items()}


def measure_further(
    found: Found,
    formats: Formats,
    header_bytes: npt.NDArray[np.int64],
    far_ends: FarEnds | None = None,
) -> list[Further]:
    """The further figures of each stream; `header_bytes` stand before its packets, shape (k,).

    `far_ends` are what RTCP says of the streams, where there is any.
    """
    out: list[Further] = []
    for first, last, rows in batches(found.starts, len(found.packets)):
        part = found.packets[rows]
        ledger = keep(found, first, last, formats.clocks(slice(first, last)))
        meant = Meanings.of(part, formats, first, ledger.starts)
        main = [formats.main(i) for i in range(first, last)]
        clock = np.array([fmt.clock_rate if fmt else 0 for _, fmt in main], np.int32)
        ends = [*ledger.starts[1:].tolist(), len(part)]
        codecs = [
            row_of(formats, i, part[begin:end])
            for i, begin, end in zip(range(first, last), ledger.starts.tolist(), ends, strict=True)
        ]
        figures = Figures.of(
            part,
            ledger,
            meant.clock_rate,
            meant.media,
            clock,
            codecs,
            noise=meant.noise,
            held=meant.held,
            networks=[far_ends.network(i) if far_ends else None for i in range(first, last)],
            header_bytes=header_bytes[first:last],
        )
        told = [UNHEARD] * len(main)
        if far_ends is not None:
            edges = zip(ledger.starts.tolist(), ends, clock.tolist(), strict=True)
            told = [
                far_ends.far_end(first + i, SeenPackets.of(part, ledger, slice(a, b)), rate)
                for i, (a, b, rate) in enumerate(edges)
            ]
        out += _each(figures, told)
    return out


def _each(figures: Figures, told: list[FarEnd]) -> list[Further]:
    books: Account = figures.account
    rows = zip(figures.rows(), figures.ratings, told, strict=True)
    return [
        Further(row, rating, books.row(i), far_end) for i, (row, rating, far_end) in enumerate(rows)
    ]


def row_of(formats: Formats, i: int, packets: Packets) -> CodecRow | None:
    """What the E-model has for the codec of a stream, in the mode that its packets show."""
    number, fmt = formats.main(i)
    if fmt is None:
        return None
    mode = ""
    if fmt.name.lower() in MODES:
        mine = packets.payload_type == number
        step = steps(packets.timestamp[mine])
        values, counts = np.unique(step[step > 0], return_counts=True)
        ticks = int(values[counts.argmax()]) if len(values) else 0
        mode = mode_of(fmt.name, packets.payload_size[mine], 1e3 * ticks / fmt.clock_rate)
    return codec_row(fmt.name, mode=mode)
