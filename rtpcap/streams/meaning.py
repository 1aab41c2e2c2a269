"""What the payload number of each packet means: its clock, whether it is media, what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.streams.formats import Formats
from rtpcap.streams.held import PAYLOAD_NUMBERS, held_ticks

__all__ = ["Meanings"]

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Meanings:
    """Columns of shape (n,) for the packets of neighbouring streams."""

    packets: Packets
    row: npt.NDArray[np.int32]
    """Which row of the tables of formats each packet goes by."""
    formats: Formats
    clock_rate: npt.NDArray[np.int32]
    """0 where it is not known."""
    media: npt.NDArray[np.bool_]
    noise: npt.NDArray[np.bool_]
    """Comfort noise."""

    @classmethod
    def of(
        cls, packets: Packets, formats: Formats, first: int, starts: npt.NDArray[np.int64]
    ) -> Meanings:
        """Of the streams from `first` on, whose packets begin at `starts`, shape (k,)."""
        lengths = np.diff(starts, append=len(packets))
        row = formats.rows(first, first + len(starts), lengths)
        number = packets.payload_type
        used, rows = _present(number), _present(row)
        quiet = [
            (i, one)
            for i in rows.tolist()
            for one, fmt in formats.by_stream[i].items()
            if fmt.is_comfort_noise
        ]
        noise = np.zeros(len(packets), np.bool_)
        if quiet:
            table = np.zeros((len(formats.by_stream), PAYLOAD_NUMBERS), np.bool_)
            table[tuple(zip(*quiet, strict=True))] = True
            noise = table[row, number]
        return cls(
            packets=packets,
            row=row,
            formats=formats,
            clock_rate=_of_packets(formats.clock_rate, row, number, rows, used),
            media=_of_packets(formats.media, row, number, rows, used),
            noise=noise,
        )

    def held(self, rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
        """Ticks of media in some packets, or all; 0 where the codec does not tell."""
        if rows is None:
            return held_ticks(self.packets, self.row, self.formats.by_stream)
        return held_ticks(self.packets[rows], self.row[rows], self.formats.by_stream)


def _present(values: npt.NDArray[np.int32] | npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Which numbers are among some, ascending."""
    return np.flatnonzero(np.bincount(values))


def _of_packets(
    table: npt.NDArray[Kind],
    row: npt.NDArray[np.int32],
    number: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    used: npt.NDArray[np.int64],
) -> npt.NDArray[Kind]:
    """Each packet's value of a table, of which some `rows` and payload numbers are `used`."""
    inside = table[rows[:, None], used]
    if inside.size and (inside == inside[0, 0]).all():
        return np.full(len(number), inside[0, 0])
    return table[row, number]
