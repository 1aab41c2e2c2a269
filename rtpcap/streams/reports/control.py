"""The RTCP datagrams of a capture, kept with where and when they were captured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Datagrams, Flows
from rtpcap.rtp.compound import RTCP_HEADER_BYTES, is_compound
from rtpcap.rtp.firstbyte import Sharer, sharer
from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.columns import ReportBlocks, SenderReports, split_reports
from rtpcap.rtp.rtcp.compound import Compound, parse

__all__ = ["Control", "ControlKeeper", "are_rtcp"]

SSRC_END = 8
"""Where the first packet's SSRC ends: SRTCP is clear up to there."""


def are_rtcp(datagrams: Datagrams) -> npt.NDArray[np.bool_]:
    """Which datagrams are RTCP, plain, protected or cut; shape (n,).

    RTCP's first two bytes, and lengths that add up; or a first packet that is there as a whole, or
    was cut by the capture.
    """
    found = np.zeros(len(datagrams), np.bool_)
    size = datagrams.end - datagrams.begin
    for number in np.unique(datagrams.block).tolist():
        rows = np.flatnonzero((datagrams.block == number) & (size >= RTCP_HEADER_BYTES))
        data, at = datagrams.blocks[number], datagrams.begin[rows]
        may = sharer(data[at], data[at + 1]) == Sharer.RTCP
        rows, at = rows[may], at[may]
        first = ((data[at + 2].astype(np.int64) << 8 | data[at + 3]) + 1) * WORD_BYTES
        begun = (first >= SSRC_END) & ((first < size[rows]) | datagrams.cut[rows])
        whole = is_compound(
            datagrams.blocks, datagrams.block[rows], datagrams.begin[rows], datagrams.end[rows]
        )
        found[rows] = whole | begun
    return found


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
    def compounds(self) -> list[Compound]:
        """What each datagram holds."""
        return [parse(self.raw(row)) for row in range(len(self))]

    @cached_property
    def _reports(self) -> tuple[SenderReports, ReportBlocks]:
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


class ControlKeeper:
    """Takes a capture's datagrams chunk by chunk, copies the RTCP and gives it at the end."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._bytes: list[bytes] = []
        self._columns: list[tuple[npt.NDArray[np.generic], ...]] = []

    def feed(self, datagrams: Datagrams, rows: npt.NDArray[np.int64] | None = None) -> None:
        """Keep the datagrams of these rows; where none are given, those that `are_rtcp`."""
        d = datagrams
        rows = np.flatnonzero(are_rtcp(d)) if rows is None else rows
        places = zip(*(column[rows].tolist() for column in (d.block, d.begin, d.end)), strict=True)
        self._bytes += [d.blocks[block][begin:end].tobytes() for block, begin, end in places]
        self._columns.append((d.frame[rows], d.time_ns[rows], d.flow[rows], d.cut[rows]))

    def finish(self) -> Control:
        """All that was kept, in order of frames."""
        none = (np.empty(0, kind) for kind in (np.uint32, np.int64, np.int32, np.bool_))
        columns = [tuple(none), *self._columns]
        frame, time_ns, flow, cut = (np.concatenate(part) for part in zip(*columns, strict=True))
        size = np.array([len(raw) for raw in self._bytes], np.int64)
        end = size.cumsum()
        order = np.argsort(frame, kind="stable")
        return Control(
            flows=self._flows,
            data=np.frombuffer(b"".join(self._bytes), np.uint8),
            begin=(end - size)[order],
            end=end[order],
            frame=frame[order].astype(np.uint32),
            time_ns=time_ns[order].astype(np.int64),
            flow=flow[order].astype(np.int32),
            cut=cut[order].astype(np.bool_),
        )
