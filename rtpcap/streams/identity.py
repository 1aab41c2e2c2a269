"""What a stream is: its packets, its ends, its formats, and when it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.streams.copies import keep
from rtpcap.streams.ledger import Ledger
from rtpcap.streams.table import StreamTable

if TYPE_CHECKING:
    from rtpcap.capture.tables import Flow
    from rtpcap.codecs.recognise import Recognised
    from rtpcap.streams.reports.wallclock import WallClock

__all__ = ["Identity"]


class Identity:
    """A stream as far as its packets' headers tell it."""

    def __init__(self, table: StreamTable, row: int, index: int | None = None) -> None:
        self._table = table
        self._row = row
        self.index = row if index is None else index
        """Its place among the capture's streams, in order of first frame."""
        self._call: str | None = None

    @property
    def call(self) -> str | None:
        """The id of the call it belongs to; None where there is none."""
        self._table.find_calls()
        return self._call

    def belongs_to(self, call_id: str | None) -> None:
        """Take it for a stream of a call: what a `Call` tells its streams."""
        self._call = call_id

    @property
    def packets(self) -> Packets:
        """All its packets, copies included, in capture order: views of the capture's columns."""
        return self._table.found.packets[self._table.rows(self._row)]

    @property
    def ssrc(self) -> int:
        """The synchronization source, 32 bits."""
        return int(self._table.ssrc[self._row])

    @cached_property
    def flow(self) -> Flow:
        """Its addresses and ports."""
        return self._table.flows[int(self._table.found.flow[self._row])]

    @property
    def src(self) -> str:
        """The address that sends."""
        return self.flow.src

    @property
    def src_port(self) -> int:
        """The port that sends."""
        return self.flow.src_port

    @property
    def dst(self) -> str:
        """The address that receives."""
        return self.flow.dst

    @property
    def dst_port(self) -> int:
        """The port that receives."""
        return self.flow.dst_port

    @property
    def formats(self) -> dict[int, Format]:
        """Payload number -> format, for the numbers whose format is known.

        Where signalling changes what a number means, the first meaning stands here.
        """
        return self._table.formats.by_stream[self._row]

    @property
    def payload_types(self) -> list[int]:
        """The payload numbers of its packets, ascending."""
        return list(self._table.payload_types[self._row])

    @property
    def format(self) -> Format | None:
        """The format of most of its media packets."""
        return self._main[1]

    @cached_property
    def _main(self) -> tuple[int, Format | None]:
        number = self._table.main_numbers[self._row]
        # Redundancy is a way to send a codec, and none itself.
        number = self._table.recognition.inside.get((self._row, number), number)
        return number, self.formats.get(number)

    @property
    def recognised(self) -> Recognised | None:
        """What its payloads were taken for, with the confidence and the reasons, where nothing
        names its payload number; None where something does."""
        return self._table.recognition.recognised.get((self._row, self._main[0]))

    @property
    def settled(self) -> tuple[str, ...]:
        """What its payloads tell beyond the format that was named, or against it."""
        return self._table.recognition.settled.get((self._row, self._main[0]), ())

    @property
    def codec(self) -> str | None:
        """The encoding name as in SDP; None where it is not known: `why_not` says so."""
        return self.format.name if self.format else None

    @property
    def clock_rate(self) -> int | None:
        """Timestamp ticks a second; None where it is not known."""
        return self.format.clock_rate if self.format else None

    @property
    def first_frame(self) -> int:
        """The frame of its first packet."""
        return self._table.edge_frame(self._row, 0)

    @property
    def last_frame(self) -> int:
        """The frame of its last packet."""
        return self._table.edge_frame(self._row, 1)

    @property
    def start_ns(self) -> int | None:
        """When its first packet came, nanoseconds since 1970; None where it has no time."""
        return self._table.edge_time(self._row, 0)

    @property
    def end_ns(self) -> int | None:
        """When its last packet came, nanoseconds since 1970."""
        return self._table.edge_time(self._row, 1)

    @property
    def start_s(self) -> float | None:
        """When its first packet came, seconds from the file's first frame; None without a time."""
        start = self.start_ns
        return None if start is None else (start - self._table.start_ns) / 1e9

    @property
    def duration_s(self) -> float | None:
        """From its first packet to its last."""
        start, end = self.start_ns, self.end_ns
        return None if start is None or end is None else (end - start) / 1e9

    @property
    def time_s(self) -> npt.NDArray[np.float64]:
        """When each packet came, seconds, shape (n,); nan where it has no time."""
        time_ns = self.packets.time_ns
        seconds = (time_ns - self._table.start_ns) / 1e9
        return np.where(time_ns == NO_TIME, np.nan, seconds)

    @property
    def places(self) -> Ledger:
        """Where each packet stands in the sequence: of its `ledger` what needs no jitter buffer."""
        return self._places

    @cached_property
    def _places(self) -> Ledger:
        return self._keep_ledger()

    def _keep_ledger(self) -> Ledger:
        first, last = self._row, self._row + 1
        return keep(self._table.found, first, last, self._table.formats.clocks(slice(first, last)))

    @cached_property
    def wall_clock(self) -> WallClock | None:
        """Which instant of its sender's clock its timestamps are, by the sender's reports (RTCP).

        None without such a report that has a time.
        """
        clock = self._table.sender_clocks.of(self.ssrc, self.flow)
        return None if clock is None else replace(clock, clock_rate=self.clock_rate)

    def _meant(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """The clock rate of each packet, and whether it is media, shape (n,)."""
        formats, number = self._table.formats, self.packets.payload_type
        row = formats.rows(self._row, self._row + 1, np.array([len(number)]))
        return formats.clock_rate[row, number], formats.media[row, number]

    def _parts(self) -> Iterator[tuple[slice, dict[int, Format]]]:
        """Its packets by the meanings of their numbers: one part, unless these change."""
        return self._table.formats.parts(self._row, len(self))

    @property
    def _origin_ns(self) -> int | None:
        """The time from which seconds count; None where the file has no times."""
        start_ns = self._table.start_ns
        return None if start_ns == NO_TIME else start_ns

    def _identity(self) -> dict[str, object]:
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "src": self.src,
            "src_port": self.src_port,
            "dst": self.dst,
            "dst_port": self.dst_port,
            "codec": self.codec,
        }

    def __len__(self) -> int:
        return self._table.length(self._row)
