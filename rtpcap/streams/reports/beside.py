"""What a far end says it lost, beside what the capture shows: whether before or after the tap."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import Packets
from rtpcap.rtp.serial import signed_delta
from rtpcap.streams.ledger import FOREIGN, Ledger
from rtpcap.streams.reports.control import Control

__all__ = ["Beside", "LossReports", "SeenPackets", "beside", "has_start", "loss_reports", "place"]

# Sequence numbers of different epochs are told apart in one array by lifting each by more than any
# of them can reach.
LIFT = 1 << 40

Place = Literal["none", "before", "after", "both"]


@dataclass(frozen=True, eq=False)
class LossReports:
    """What one reporter said of one source, in order of frames: columns of shape (m,)."""

    frame: npt.NDArray[np.uint32]
    highest_sequence: npt.NDArray[np.uint32]
    """Extended by the reporter's own count of wraps."""
    cumulative_lost: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SeenPackets:
    """One stream's rows of a ledger, in order of frames: columns of shape (n,)."""

    frame: npt.NDArray[np.uint32]
    extended: npt.NDArray[np.int64]
    epoch: npt.NDArray[np.int32]
    duplicate: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, packets: Packets, ledger: Ledger, rows: slice = slice(None)) -> SeenPackets:
        """Those of a stream, which are these rows of both."""
        columns = (ledger.extended[rows], ledger.epoch[rows], ledger.duplicate[rows])
        return cls(packets.frame[rows], *columns)


@dataclass(frozen=True, eq=False)
class Beside:
    """For each report what happened since the one before: columns of shape (m,)."""

    known: npt.NDArray[np.bool_]
    """Where there is something to compare: not at a reporter's first report, unless the capture has
    the stream's beginning, nor where either began anew since the one before."""
    expected: npt.NDArray[np.int64]
    """Packets that the sender numbered in this time, up to the highest one reported."""
    reported: npt.NDArray[np.int64]
    """How many of them the reporter lost; below zero where late ones or copies came since."""
    captured: npt.NDArray[np.int64]
    """How many of them the tap had not seen when the report passed it: lost before the tap."""

    @property
    def after(self) -> npt.NDArray[np.int64]:
        """How many were lost after the tap; below zero where more came to the reporter."""
        return self.reported - self.captured

    def total(self) -> tuple[int, int]:
        """(lost before the tap, lost after it) over all reports that can be compared."""
        return int(self.captured[self.known].sum()), int(self.after[self.known].sum())


def place(before: int, after: int) -> Place:
    """Where packets were lost.

    >>> place(0, 0), place(3, 0), place(0, 3), place(1, 2), place(3, -1)
    ('none', 'before', 'after', 'both', 'before')
    """
    if before > 0:
        return "both" if after > 0 else "before"
    return "after" if after > 0 else "none"


def loss_reports(control: Control) -> dict[tuple[int, int, int], LossReports]:
    """(reporter, source reported on, flow of the report) -> its reports, in order of first frame.

    Left out are reports about source 0, which some fill in that have received nothing, and those of
    a source about itself.
    """
    blocks = control.blocks
    rows = np.flatnonzero((blocks.about_ssrc != 0) & (blocks.about_ssrc != blocks.ssrc))
    flow = control.flow[blocks.row[rows]]
    order = np.lexsort((flow, blocks.about_ssrc[rows], blocks.ssrc[rows]))
    keys = np.stack([blocks.ssrc[rows], blocks.about_ssrc[rows], flow]).astype(np.int64)[:, order]
    edges = np.flatnonzero((np.diff(keys) != 0).any(axis=0)) + 1
    found = []
    for own, key in zip(np.split(rows[order], edges), np.split(keys, edges, axis=1), strict=True):
        if len(own):
            reporter, about, number = key[:, 0].tolist()
            frame = control.frame[blocks.row[own]]
            figures = (blocks.highest_sequence[own], blocks.cumulative_lost[own])
            found.append(((reporter, about, number), LossReports(frame, *figures)))
    return dict(sorted(found, key=lambda pair: int(pair[1].frame[0])))


def has_start(control: Control, ssrc: int, seen: SeenPackets) -> bool:
    """Whether a capture has a stream from its beginning, as its sender's first report tells.

    It has where the sender had sent no more packets than the capture expected by then. Without such
    a report after a packet of the stream that is not known: False.
    """
    senders = control.senders
    rows = np.flatnonzero(senders.ssrc == ssrc)
    usable = np.flatnonzero(seen.epoch == 0)
    if not len(rows) or not len(usable):
        return False
    frames = control.frame[senders.row[rows]]
    rows = rows[frames > seen.frame[usable[0]]]
    if not len(rows):
        return False
    before = usable[seen.frame[usable] < control.frame[senders.row[rows[0]]]]
    expected = int(seen.extended[before].max() - seen.extended[usable].min()) + 1
    return int(senders.packet_count[rows[0]]) <= expected


def beside(reports: LossReports, seen: SeenPackets, *, from_start: bool = False) -> Beside:
    """Compare reports about a stream with its packets in a capture.

    `from_start` says that the capture has the stream from its first packet on, so that the first
    report can be compared as a whole.

    A report's highest number is taken for the packet next to the highest one that the tap had seen.
    Packets that pass the tap only after the report did count as lost there: so did the reporter.
    """
    m = len(reports.frame)
    usable = np.flatnonzero(seen.epoch != FOREIGN)
    frame, extended, epoch = seen.frame[usable], seen.extended[usable], seen.epoch[usable]
    copies = seen.duplicate[usable]
    before = np.searchsorted(frame, reports.frame) - 1
    there = before >= 0
    highest, first = _edges(extended, epoch)
    at = np.maximum(before, 0)
    own_epoch = np.where(there, epoch[at], FOREIGN) if len(epoch) else np.full(m, FOREIGN)
    until = np.zeros(m, np.int64)
    start = np.zeros(m, np.int64)
    if len(epoch):
        wire = reports.highest_sequence.astype(np.int64) & 0xFFFF
        until = highest[at] + signed_delta(wire, highest[at] & 0xFFFF, 16)
        start = first[at]
    own_epoch = own_epoch.astype(np.int64)
    first_copies = (frame[~copies], extended[~copies], epoch[~copies])
    came = np.zeros(m, np.int64)
    if there.any():
        came[there] = _came(*first_copies, reports.frame[there], own_epoch[there], until[there])
    missing = np.maximum(until - start + 1, 0) - came

    lost = reports.cumulative_lost.astype(np.int64)
    expected, reported, captured = (np.zeros(m, np.int64) for _ in range(3))
    known = np.zeros(m, np.bool_)
    expected[1:], reported[1:], captured[1:] = np.diff(until), np.diff(lost), np.diff(missing)
    their_step = signed_delta(
        reports.highest_sequence[1:].astype(np.int64),
        reports.highest_sequence[:-1].astype(np.int64),
        32,
    )
    # Both count the same packets, or one of them began anew.
    known[1:] = there[1:] & there[:-1] & (own_epoch[1:] == own_epoch[:-1])
    known[1:] &= (their_step == expected[1:]) & (their_step >= 0)
    if m and from_start:
        expected[0] = until[0] - start[0] + 1
        reported[0], captured[0] = lost[0], missing[0]
        known[0] = there[0] and own_epoch[0] == 0 and expected[0] >= 0
    for column in (expected, reported, captured):
        column[~known] = 0
    return Beside(known, expected, reported, captured)


def _edges(
    extended: npt.NDArray[np.int64], epoch: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each packet the highest number of its epoch so far, and the epoch's lowest."""
    highest, lowest = np.empty_like(extended), np.empty_like(extended)
    order = np.argsort(epoch, kind="stable")
    edges = np.flatnonzero(np.diff(epoch[order])) + 1
    for rows in np.split(order, edges):
        if len(rows):
            highest[rows] = np.maximum.accumulate(extended[rows])
            lowest[rows] = extended[rows].min()
    return highest, lowest


def _came(
    frame: npt.NDArray[np.uint32],
    extended: npt.NDArray[np.int64],
    epoch: npt.NDArray[np.int32],
    report_frame: npt.NDArray[np.uint32],
    report_epoch: npt.NDArray[np.int64],
    until: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """For each report how many of these packets, first copies, are up to its `until` in its epoch
    and had come before its frame."""
    base = report_epoch * LIFT
    lifted = extended + epoch.astype(np.int64) * LIFT
    numbers = np.sort(lifted)
    up_to = np.searchsorted(numbers, base + until, side="right")
    came = up_to - np.searchsorted(numbers, base - LIFT // 2)
    # Of these, the ones that came only after the report. All of the epoch that came before it, if
    # it reports a higher number than any of them; else those that came late, which are few.
    by_epoch = np.lexsort((frame, epoch))
    place = (epoch.astype(np.int64) * LIFT + frame)[by_epoch]
    begun = np.searchsorted(place, base)
    there = np.searchsorted(place, base + report_frame)
    top = np.maximum.accumulate(lifted[by_epoch])
    beyond = base + until > top[np.maximum(there - 1, 0)]
    came[beyond] = (there - begun)[beyond]
    late = np.sort(by_epoch[lifted[by_epoch] < top])
    waiting = np.flatnonzero(~beyond)
    if len(late) and len(waiting):
        came[waiting] -= _after(
            frame[late], lifted[late], report_frame[waiting], base[waiting], until[waiting]
        )
    return came


def _after(
    frame: npt.NDArray[np.uint32],
    lifted: npt.NDArray[np.int64],
    report_frame: npt.NDArray[np.uint32],
    base: npt.NDArray[np.int64],
    until: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """For each report how many of some packets, in order of frames, come after it, up to `until`
    in its epoch."""
    counts = np.zeros(len(until), np.int64)
    later: list[int] = []
    i = len(frame) - 1
    for report in np.argsort(report_frame, kind="stable")[::-1].tolist():
        while i >= 0 and frame[i] >= report_frame[report]:
            insort(later, int(lifted[i]))
            i -= 1
        low = int(base[report])
        above = bisect_left(later, low + int(until[report]) + 1)
        counts[report] = above - bisect_left(later, low - LIFT // 2)
    return counts
