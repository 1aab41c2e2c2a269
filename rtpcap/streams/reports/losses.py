"""What each far end says it lost, beside what the capture shows of the stream it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from rtpcap.capture.tables import Flow
from rtpcap.streams.reports.beside import (
    Place,
    SeenPackets,
    beside,
    has_start,
    loss_reports,
    place,
)
from rtpcap.streams.reports.control import Control
from rtpcap.streams.reports.subjects import Subjects

__all__ = ["Loss", "losses"]


@dataclass(frozen=True)
class Loss:
    """The reports of one far end about one source."""

    ssrc: int
    """Who reports, and of whom."""
    about_ssrc: int
    flow: Flow
    """Of the reports."""
    reports: int
    first_frame: int
    cumulative_lost: int
    """As reported last; below zero where copies came."""
    highest_sequence: int
    compared: int = 0
    """How many of the reports could be compared with the capture."""
    expected: int | None = None
    """Over these: packets that the sender numbered, and lost of them as reported ..."""
    reported: int | None = None
    before: int | None = None
    """... before the capture, which did not see them either, and after it."""
    after: int | None = None
    missed: int | None = None
    """What the capture alone lacks: the far end had it."""
    place: Place | Literal["capture"] | None = None
    """Where packets were lost: ``none``, ``before`` the capture, ``after`` it, or ``both``; or
    nowhere, and only the ``capture`` lacks some."""

    def row(self) -> dict[str, object]:
        """The figures with the keys of ``rtpcap rtcp --show loss``."""
        percent = None
        if self.reported is not None and self.expected:
            percent = 100 * self.reported / self.expected
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "about_ssrc": f"0x{self.about_ssrc:08x}",
            "src": self.flow.src,
            "src_port": self.flow.src_port,
            "dst": self.flow.dst,
            "dst_port": self.flow.dst_port,
            "reports": self.reports,
            "compared": self.compared,
            "expected": self.expected,
            "reported": self.reported,
            "reported_pct": percent,
            "before": self.before,
            "after": self.after,
            "missed": self.missed,
            "place": self.place,
            "cumulative_lost": self.cumulative_lost,
            "highest_sequence": self.highest_sequence,
            "first_frame": self.first_frame,
        }


def losses(
    control: Control, subjects: Subjects, seen_of: Callable[[int], SeenPackets]
) -> list[Loss]:
    """A row each reporter and source, in order of first report.

    `seen_of` gives the packets of a stream. What is about no stream of the capture has no figures
    to compare.
    """
    found = []
    for (ssrc, about, number), reports in loss_reports(control).items():
        flow = control.flows[number]
        told = Loss(
            ssrc=ssrc,
            about_ssrc=about,
            flow=flow,
            reports=len(reports.frame),
            first_frame=int(reports.frame[0]),
            cumulative_lost=int(reports.cumulative_lost[-1]),
            highest_sequence=int(reports.highest_sequence[-1]),
        )
        index = subjects.about(about, flow)
        if index is not None:
            seen = seen_of(index)
            compared = beside(reports, seen, from_start=has_start(control, about, seen))
            lacking, beyond = compared.total()
            known = int(compared.known.sum())
            if known:
                reported = lacking + beyond
                before, after = max(min(lacking, reported), 0), max(beyond, 0)
                missed = lacking - before
                alone = missed and not before and not after
                told = replace(
                    told,
                    compared=known,
                    expected=int(compared.expected.sum()),
                    reported=reported,
                    before=before,
                    after=after,
                    missed=missed,
                    place="capture" if alone else place(before, after),
                )
        found.append(told)
    return found
