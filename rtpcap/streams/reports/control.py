"""The RTCP datagrams of a capture, kept with where and when they were captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from rtpcap.capture.spool import Spool
from rtpcap.capture.tables import Datagrams, Flows
from rtpcap.rtp.compound import MOST_PARTS, RTCP_HEADER_BYTES, WORD_BYTES, are_begun, is_compound
from rtpcap.rtp.firstbyte import Sharer, sharer

if TYPE_CHECKING:
    from rtpcap.rtp.rtcp.columns import ReportBlocks, SenderReports
    from rtpcap.rtp.rtcp.compound import Compound

__all__ = ["Control", "ControlKeeper", "which_rtcp"]

Rows = npt.NDArray[np.int64]


def which_rtcp(datagrams: Datagrams, rows: Rows | None = None) -> Rows:
    """The rows of datagrams that are RTCP, plain, protected or cut; of `rows`, or of all.

    RTCP's first two bytes, and lengths that add up; or a first packet that is there as a whole, or
    was cut by the capture.
    """
    if rows is None:
        rows = np.arange(len(datagrams))
    size = datagrams.end - datagrams.begin
    rows = rows[size[rows] >= RTCP_HEADER_BYTES]
    found = [np.empty(0, np.int64)]
    for number in np.unique(datagrams.block[rows]).tolist():
        own = rows[datagrams.block[rows] == number]
        data, at = datagrams.blocks[number], datagrams.begin[own]
        may = sharer(data[at], data[at + 1]) == Sharer.RTCP
        own, at = own[may], at[may]
        words = data[at + 2].astype(np.int64) << 8 | data[at + 3]
        whole = is_compound(datagrams.blocks, datagrams.block[own], at, datagrams.end[own])
        found.append(own[whole | are_begun(words, size[own], datagrams.cut[own])])
    return np.sort(np.concatenate(found))


@dataclass(frozen=True, eq=False)
class Control:
    """RTCP datagrams in order of frames, columns of shape (n,); made by a `ControlKeeper`."""

    flows: Flows
    data: npt.NDArray[np.uint8]
    """Their bytes, one behind the other."""
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    frame: npt.NDArray[np.uint32]
    """1-based numbers of the frames."""
    time_ns: npt.NDArray[np.int64]
    """Nanoseconds since 1970, `NO_TIME` where there is none."""
    flow: npt.NDArray[np.int32]
    """Numbers of `flows`."""
    cut: npt.NDArray[np.bool_]
    """Whether less was captured than was sent."""

    def __len__(self) -> int:
        return len(self.frame)

    def raw(self, row: int) -> bytes:
        """The bytes of one datagram."""
        return self.data[int(self.begin[row]) : int(self.end[row])].tobytes()

    @cached_property
    def compounds(self) -> Compounds:
        """What each datagram holds."""
        return Compounds(self)

    def holding(self, packet_type: int) -> list[int]:
        """The rows of the datagrams that have a packet of this type, plain or not."""
        found = np.zeros(len(self), np.bool_)
        rows, at, end = np.arange(len(self)), self.begin, self.end
        for _ in range(MOST_PARTS):
            there = at + RTCP_HEADER_BYTES <= end
            rows, at, end = rows[there], at[there], end[there]
            if not len(rows):
                break
            found[rows[self.data[at + 1] == packet_type]] = True
            words = self.data[at + 2].astype(np.int64) << 8 | self.data[at + 3]
            at = at + (words + 1) * WORD_BYTES
        return [int(row) for row in np.flatnonzero(found)]

    @cached_property
    def _reports(self) -> tuple[SenderReports, ReportBlocks]:
        from rtpcap.rtp.rtcp.columns import split_reports

        block = np.zeros(len(self), np.uint16)
        return split_reports([self.data], block, self.begin, self.end)

    @property
    def senders(self) -> SenderReports:
        """All sender reports; their `row` is that of this table."""
        return self._reports[0]

    @property
    def blocks(self) -> ReportBlocks:
        """All report blocks; their `row` is that of this table."""
        return self._reports[1]


class Compounds(Sequence["Compound"]):
    """What datagrams hold, each read when it is first asked for."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._read: dict[int, Compound] = {}

    def __len__(self) -> int:
        return len(self._control)

    @overload
    def __getitem__(self, row: int) -> Compound: ...
    @overload
    def __getitem__(self, row: slice) -> list[Compound]: ...
    def __getitem__(self, row: int | slice) -> Compound | list[Compound]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        # Not at the top, nor above: RTCP is kept with every capture, and seldom asked for.
        from rtpcap.rtp.rtcp.compound import parse

        row = range(len(self))[row]
        if row not in self._read:
            self._read[row] = parse(self._control.raw(row))
        return self._read[row]


class ControlKeeper:
    """Takes a capture's datagrams chunk by chunk, copies the RTCP and gives it at the end."""

    def __init__(self) -> None:
        self._flows = Flows()
        self._spool = Spool()
        self._size: list[Rows] = []
        self._columns: list[tuple[npt.NDArray[np.generic], ...]] = []

    def feed(self, datagrams: Datagrams, rows: Rows | None = None) -> None:
        """Keep what is RTCP; where `rows` are given no others can be."""
        d = datagrams
        self._flows = d.flows
        rows = which_rtcp(d, rows)
        if not len(rows):
            return
        for number in np.unique(d.block[rows]).tolist():
            own = rows[d.block[rows] == number]
            size = d.end[own] - d.begin[own]
            place = np.repeat(d.begin[own] - size.cumsum() + size, size)
            place += np.arange(len(place))
            self._spool.append([d.blocks[number][place]])
            self._size.append(size)
            self._columns.append((d.frame[own], d.time_ns[own], d.flow[own], d.cut[own]))

    def finish(self) -> Control:
        """All that was kept, in order of frames."""
        none = (np.empty(0, kind) for kind in (np.uint32, np.int64, np.int32, np.bool_))
        columns = [tuple(none), *self._columns]
        frame, time_ns, flow, cut = (np.concatenate(part) for part in zip(*columns, strict=True))
        size = np.concatenate([np.empty(0, np.int64), *self._size])
        end = size.cumsum()
        order = np.argsort(frame, kind="stable")
        kept = self._spool.mapped()
        return Control(
            flows=self._flows,
            data=np.empty(0, np.uint8) if kept is None else kept.data,
            begin=(end - size)[order],
            end=end[order],
            frame=frame[order].astype(np.uint32),
            time_ns=time_ns[order].astype(np.int64),
            flow=flow[order].astype(np.int32),
            cut=cut[order].astype(np.bool_),
        )
