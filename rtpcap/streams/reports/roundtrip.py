"""Round-trip times as a tap sees them (RFC 3550 section 6.4.1, seen from between the two).

A reporter names the last sender report it got (LSR) and how long ago that was (DLSR). Both passed
the tap, so the way from the tap to the reporter and back took::

    sender            tap             reporter
      |      SR        |      SR         |
      |--------------->| t1 ------------>|
      |                |                 |  DLSR
      |<---------------| t2 <------------|
      |      RR        |      RR         |       t2 - t1 - DLSR

The tap's own clock never meets the sender's. The other side's figure comes from the reports that
run the other way; the sum of both is the round trip from end to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Flow, Flows
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp.extended import (
    DelaySinceLastRR,
    ExtendedReport,
    ReceiverReferenceTime,
)
from rtpcap.rtp.rtcp.reports import DELAY_UNITS, middle
from rtpcap.streams.reports.control import Control

__all__ = ["Echoes", "RoundTrip", "RoundTrips", "Stamps", "match", "paths", "round_trips"]

LONGEST_NS = (1 << 16) * 1_000_000_000
"""The middle of an NTP timestamp comes again after 18 hours: a report is not that old."""
ROUNDED_NS = 1_000_000
"""How much too long a delay may be told that is rounded."""
NONE = -1


@dataclass(frozen=True, eq=False)
class Stamps:
    """Clocks that were sent: in sender reports, or reference times. Columns of shape (n,)."""

    ssrc: npt.NDArray[np.uint32]
    """Whose clock it is."""
    middle: npt.NDArray[np.uint32]
    """The middle 32 bits of its NTP timestamp."""
    time_ns: npt.NDArray[np.int64]
    """When it passed the tap."""
    flow: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Echoes:
    """Answers to such clocks. Columns of shape (m,)."""

    about_ssrc: npt.NDArray[np.uint32]
    """Whose clock is answered."""
    ssrc: npt.NDArray[np.uint32]
    """Who answers."""
    middle: npt.NDArray[np.uint32]
    """What is said of that clock; 0 where none came."""
    delay: npt.NDArray[np.uint32]
    """Since it came, in 1/65536 s."""
    time_ns: npt.NDArray[np.int64]
    flow: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class RoundTrips:
    """A figure for each echo, shape (m,)."""

    rtt_ns: npt.NDArray[np.int64]
    """From the tap to who answers and back; `NO_TIME` where there is no figure.

    May be a little below zero, where who answers rounds its delay up; what is further below than a
    millisecond is impossible, and no figure: there `stamp` tells what was answered nonetheless.
    """
    stamp: npt.NDArray[np.int64]
    """Which stamp was answered, -1 where it was not captured."""


def _ends(
    flows: Flows, used: npt.NDArray[np.int32]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """For each flow its number and that of the flow back: with ports, by addresses, and for all."""
    levels = []
    for with_ports in (True, False):
        numbers: dict[tuple[object, ...], int] = {}
        there, back = np.zeros(len(flows), np.int64), np.zeros(len(flows), np.int64)
        for i in np.unique(used).tolist():
            flow = flows[i]
            src = (flow.src, flow.src_port if with_ports else 0)
            dst = (flow.dst, flow.dst_port if with_ports else 0)
            there[i] = numbers.setdefault((src, dst), len(numbers))
            back[i] = numbers.setdefault((dst, src), len(numbers))
        levels.append((there, back))
    levels.append((np.zeros(len(flows), np.int64), np.zeros(len(flows), np.int64)))
    return levels


def match(stamps: Stamps, echoes: Echoes, flows: Flows) -> RoundTrips:
    """The figure of each echo whose stamp was captured before it.

    The stamp is the last one with that clock in the flow back; where there is none, in any flow
    back between the two addresses; where there is none either, in all flows, unless that is the
    flow of the echo itself. What a source says of itself gives no figure.
    """
    m = len(echoes.middle)
    stamp = np.full(m, NONE, np.int64)
    for there, back in _ends(flows, np.concatenate([stamps.flow, echoes.flow])):
        open_ = np.flatnonzero((stamp == NONE) & (echoes.middle != 0) & (echoes.time_ns != NO_TIME))
        usable = np.flatnonzero(stamps.time_ns != NO_TIME)
        if not len(open_) or not len(usable):
            break
        stamp[open_] = _last(
            (there[stamps.flow[usable]], back[echoes.flow[open_]]),
            (stamps.ssrc[usable], echoes.about_ssrc[open_]),
            (stamps.middle[usable], echoes.middle[open_]),
            (stamps.time_ns[usable], echoes.time_ns[open_]),
            usable,
        )
    own = stamps.flow[stamp] == echoes.flow if len(stamps.flow) else np.zeros(m, np.bool_)
    stamp[own | (echoes.ssrc == echoes.about_ssrc)] = NONE
    found = np.flatnonzero(stamp != NONE)
    elapsed = echoes.time_ns[found] - stamps.time_ns[stamp[found]]
    recent = elapsed <= LONGEST_NS
    stamp[found[~recent]] = NONE
    found, elapsed = found[recent], elapsed[recent]
    rtt = np.full(m, NO_TIME, np.int64)
    # 65536 units a second: exact in whole nanoseconds, rounded to the nearest.
    delay = (echoes.delay[found].astype(np.int64) * 1_000_000_000 + DELAY_UNITS // 2) // DELAY_UNITS
    figure = elapsed - delay
    rtt[found] = np.where(figure < -ROUNDED_NS, NO_TIME, figure)
    return RoundTrips(rtt, stamp)


Pair = tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]


def _last(
    group: Pair, ssrc: Pair, clock: Pair, time_ns: Pair, number: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """For each of the second ones the number of the last of the first ones that is no later and
    equal in group, source and clock; `NONE` where there is none."""
    keys = [
        np.concatenate([a.astype(np.int64), b.astype(np.int64)]) for a, b in (group, ssrc, clock)
    ]
    times = np.concatenate(time_ns)
    first = len(number)
    is_echo = np.arange(len(times)) >= first
    order = np.lexsort((is_echo, times, keys[2], keys[1], keys[0]))
    new = np.ones(len(order), np.bool_)
    new[1:] = False
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    # The place of the last stamp so far, or of the group's begin where that came later.
    place = np.arange(len(order))
    last = np.maximum.accumulate(np.where(~is_echo[order], place, NONE))
    begin = np.maximum.accumulate(np.where(new, place, 0))
    found = np.full(len(order), NONE, np.int64)
    has = (last >= begin) & is_echo[order]
    found[order[has]] = number[order[last[has]]]
    return found[first:]


def round_trips(control: Control) -> RoundTrips:
    """A figure for each of the report blocks of a capture, in the order of `control.blocks`."""
    senders, blocks = control.senders, control.blocks
    stamps = Stamps(
        ssrc=senders.ssrc,
        middle=(senders.ntp >> np.uint64(16)).astype(np.uint32),
        time_ns=control.time_ns[senders.row],
        flow=control.flow[senders.row],
    )
    return match(stamps, echoes_of(control), control.flows) if len(blocks) else _nothing()


def echoes_of(control: Control) -> Echoes:
    """What report blocks say of sender reports."""
    blocks = control.blocks
    return Echoes(
        about_ssrc=blocks.about_ssrc,
        ssrc=blocks.ssrc,
        middle=blocks.last_sr,
        delay=blocks.delay_since_last_sr,
        time_ns=control.time_ns[blocks.row],
        flow=control.flow[blocks.row],
    )


def _nothing() -> RoundTrips:
    return RoundTrips(np.zeros(0, np.int64), np.zeros(0, np.int64))


def extended_round_trips(control: Control) -> tuple[Echoes, RoundTrips, list[int]]:
    """The same for the reference times of extended reports and the answers to them.

    The answers, a figure each, and the row of `control` that each is in.
    """
    stamps: list[tuple[int, int, int]] = []
    answers: list[tuple[int, int, int, int, int]] = []
    for row in control.holding(ExtendedReport.PACKET_TYPE):
        for packet in control.compounds[row].packets:
            if not isinstance(packet, ExtendedReport):
                continue
            for block in packet.blocks:
                if isinstance(block, ReceiverReferenceTime):
                    stamps.append((row, packet.ssrc, middle(block.ntp)))
                elif isinstance(block, DelaySinceLastRR):
                    answers += [
                        (row, packet.ssrc, a.ssrc, a.last_rr, a.delay_since_last_rr)
                        for a in block.answers
                    ]
    s = np.array(stamps, np.int64).reshape(-1, 3)
    e = np.array(answers, np.int64).reshape(-1, 5)
    sent = Stamps(
        ssrc=s[:, 1].astype(np.uint32),
        middle=s[:, 2].astype(np.uint32),
        time_ns=control.time_ns[s[:, 0]],
        flow=control.flow[s[:, 0]],
    )
    echoes = Echoes(
        about_ssrc=e[:, 2].astype(np.uint32),
        ssrc=e[:, 1].astype(np.uint32),
        middle=e[:, 3].astype(np.uint32),
        delay=e[:, 4].astype(np.uint32),
        time_ns=control.time_ns[e[:, 0]],
        flow=control.flow[e[:, 0]],
    )
    return echoes, match(sent, echoes, control.flows), e[:, 0].tolist()


@dataclass(frozen=True)
class RoundTrip:
    """How long it takes from the tap to one end and back, over all its reports."""

    ssrc: int
    """Who reports: the end that the figures are about."""
    about_ssrc: int
    """Whose clock it answers: the other end."""
    flow: Flow
    """Where its first answer with a figure came from and went to."""
    clock: str
    """What it answers: ``SR``, or ``RRTR``, the reference times of receivers (RFC 3611)."""
    reports: int
    """How many gave a figure."""
    min_ms: float
    median_ms: float
    max_ms: float
    end_to_end_ms: float | None
    """With the other end's median added; None where that end gave no figure."""

    def row(self) -> dict[str, object]:
        """The figures with the keys of ``rtpcap rtcp --show round-trips``."""
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "about_ssrc": f"0x{self.about_ssrc:08x}",
            "src": self.flow.src,
            "src_port": self.flow.src_port,
            "dst": self.flow.dst,
            "dst_port": self.flow.dst_port,
            "clock": self.clock,
            "reports": self.reports,
            "min_ms": self.min_ms,
            "median_ms": self.median_ms,
            "max_ms": self.max_ms,
            "end_to_end_ms": self.end_to_end_ms,
        }


def paths(control: Control) -> list[RoundTrip]:
    """A row for each end of each pair of sources between two addresses, in order of first report.

    Those by sender reports come first, then those by the reference times of receivers. The other
    end's figure may be of the other kind.
    """
    kinds = [("SR", echoes_of(control), round_trips(control))]
    kinds.append(("RRTR", *extended_round_trips(control)[:2]))
    figures: dict[tuple[int, int, frozenset[str], str], list[float]] = {}
    flows: list[Flow] = []
    for clock, echoes, trips in kinds:
        for row in np.flatnonzero(trips.rtt_ns != NO_TIME).tolist():
            flow = control.flows[int(echoes.flow[row])]
            ends = frozenset((flow.src, flow.dst))
            key = (int(echoes.ssrc[row]), int(echoes.about_ssrc[row]), ends, clock)
            if key not in figures:
                flows.append(flow)
            figures.setdefault(key, []).append(int(trips.rtt_ns[row]) / 1e6)
    medians = {key: median(values) for key, values in figures.items()}
    found = []
    for (key, values), flow in zip(figures.items(), flows, strict=True):
        ssrc, about, ends, clock = key
        others = [medians.get((about, ssrc, ends, by)) for by in (clock, "SR", "RRTR")]
        other = next((ms for ms in others if ms is not None), None)
        found.append(
            RoundTrip(
                ssrc=ssrc,
                about_ssrc=about,
                flow=flow,
                clock=clock,
                reports=len(values),
                min_ms=min(values),
                median_ms=medians[key],
                max_ms=max(values),
                end_to_end_ms=None if other is None else medians[key] + other,
            )
        )
    return found
