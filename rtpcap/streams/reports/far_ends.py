"""The far ends of all streams of a capture: their reports, and the round trips to them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Flow
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.emodel import NetworkDelay
from rtpcap.streams.reports.beside import LossReports, SeenPackets, beside, has_start
from rtpcap.streams.reports.far_end import UNHEARD, FarEnd, Path
from rtpcap.streams.reports.roundtrip import extended_round_trips, round_trips
from rtpcap.streams.reports.subjects import Subjects

if TYPE_CHECKING:
    from rtpcap.streams.reports.control import Control

__all__ = ["FarEnds"]

Rows = npt.NDArray[np.int64]
Figures = dict[int, list[float]]
"""Milliseconds by SSRC."""


class FarEnds:
    """The far ends of the streams of a capture; `streams` are the SSRC and flow of each."""

    def __init__(self, control: Control, streams: Iterable[tuple[int, Flow]]) -> None:
        self._control = control
        self._ssrcs, flows = [], []
        for ssrc, flow in streams:
            self._ssrcs.append(ssrc)
            flows.append((ssrc, flow))
        self._heard: dict[int, Rows] = {}
        self._to_receiver: dict[int, Figures] = {}
        """By stream and reporter: from the capture to its receiver and back."""
        self._to_sender: dict[int, Figures] = {}
        """By stream and whom its sender answers: from the capture to its sender and back."""
        # Most captures have none.
        if len(control) and self._ssrcs:
            self._read(Subjects(flows))

    def _read(self, subjects: Subjects) -> None:
        control, blocks = self._control, self._control.blocks
        flow = control.flow[blocks.row].astype(np.int64)
        of_other = blocks.ssrc != blocks.about_ssrc
        about = self._streams(subjects, blocks.about_ssrc, flow, about=True)
        about[~of_other] = -1
        order = np.argsort(about, kind="stable")
        edges = np.flatnonzero(np.diff(about[order])) + 1
        for rows in np.split(order, edges):
            if len(rows) and about[rows[0]] >= 0:
                # The one who reported last.
                self._heard[int(about[rows[0]])] = rows[blocks.ssrc[rows] == blocks.ssrc[rows[-1]]]
        own = self._streams(subjects, blocks.ssrc, flow, about=False)
        self._keep(about, own, blocks.ssrc, blocks.about_ssrc, round_trips(control).rtt_ns)
        # Reference times tell of paths that no sender report is answered on.
        echoes, trips, _ = extended_round_trips(control)
        if len(trips.rtt_ns):
            flow = echoes.flow.astype(np.int64)
            about = self._streams(subjects, echoes.about_ssrc, flow, about=True)
            own = self._streams(subjects, echoes.ssrc, flow, about=False)
            self._keep(about, own, echoes.ssrc, echoes.about_ssrc, trips.rtt_ns)

    def _streams(
        self,
        subjects: Subjects,
        ssrc: npt.NDArray[np.uint32],
        flow: Rows,
        *,
        about: bool,
    ) -> Rows:
        """The stream of each SSRC in a flow, -1 where there is none; shape (n,)."""
        keys = ssrc.astype(np.uint64) << np.uint64(32) | flow.astype(np.uint64)
        pairs, inverse = np.unique(keys, return_inverse=True)
        find = subjects.about if about else subjects.of
        found = [
            find(pair >> 32, self._control.flows[pair & 0xFFFFFFFF]) for pair in pairs.tolist()
        ]
        return np.array([-1 if one is None else one for one in found], np.int64)[inverse]

    def _keep(
        self,
        about: Rows,
        own: Rows,
        ssrc: npt.NDArray[np.uint32],
        about_ssrc: npt.NDArray[np.uint32],
        rtt_ns: Rows,
    ) -> None:
        """Keep the figures of paths that have none yet."""
        known = np.flatnonzero(rtt_ns != NO_TIME)
        for figures, stream, end in (
            (self._to_receiver, about, ssrc),
            (self._to_sender, own, about_ssrc),
        ):
            found: dict[tuple[int, int], list[float]] = {}
            for index, one, rtt in zip(
                *(column[known].tolist() for column in (stream, end, rtt_ns)), strict=True
            ):
                found.setdefault((index, one), []).append(rtt / 1e6)
            for (index, one), values in found.items():
                figures.setdefault(index, {}).setdefault(one, values)

    def round_trip(self, index: int) -> tuple[float, Path] | None:
        """The round trip of a stream in milliseconds, and between what; None without a figure."""
        there, back = self._to_receiver.get(index, {}), self._to_sender.get(index, {})
        rows = self._heard.get(index)
        # Who reports on the stream, or where nobody does who asks its sender for the time.
        reporter = next(iter(back), None)
        if rows is not None:
            reporter = int(self._control.blocks.ssrc[rows[-1]])
        if reporter in there and reporter in back:
            return median(there[reporter]) + median(back[reporter]), "end-to-end"
        if reporter in there:
            return median(there[reporter]), "capture-to-receiver"
        return (median(back[reporter]), "capture-to-sender") if reporter in back else None

    def network(self, index: int) -> NetworkDelay | None:
        """The delay of a stream one way, taken for half of its round trip."""
        found = self.round_trip(index)
        return None if found is None else NetworkDelay.of_round_trip(*found)

    def reports(self, index: int) -> LossReports | None:
        """What the far end of a stream reported, in order of frames."""
        rows = self._heard.get(index)
        if rows is None:
            return None
        blocks = self._control.blocks
        frame = self._control.frame[blocks.row[rows]]
        return LossReports(frame, blocks.highest_sequence[rows], blocks.cumulative_lost[rows])

    def far_end(self, index: int, seen: SeenPackets, clock_rate: int) -> FarEnd:
        """What the far end of a stream says of it; `seen` are its packets in the capture.

        Its clock rate is 0 where that is not known.
        """
        trip = self.round_trip(index)
        reports = self.reports(index)
        lost = percent = jitter = None
        if reports is not None:
            last = self._heard[index][-1]
            lost = int(reports.cumulative_lost[-1])
            if clock_rate:
                jitter = 1000 * int(self._control.blocks.jitter[last]) / clock_rate
            begun = has_start(self._control, self._ssrcs[index], seen)
            found = beside(reports, seen, from_start=begun)
            expected = int(found.expected.sum())
            percent = 100 * int(found.reported.sum()) / expected if expected else None
        if trip is None and reports is None:
            return UNHEARD
        ms, path = trip or (None, None)
        return FarEnd(ms, path, lost, percent, jitter)
