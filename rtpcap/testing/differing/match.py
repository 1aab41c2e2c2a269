"""Which packet of one capture is which of the other.

What is sure of itself comes first: packets that are equal in numbers and content, then those whose
content alone is found once on either side. They tell how the numbers of one side translate to those
of the other, stretch by stretch; a packet without evidence of its own is looked for where its
neighbours' numbers say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.testing.differing.hashing import Keys, Rows, key_of, pair_up
from rtpcap.testing.differing.pattern import same_pattern
from rtpcap.testing.differing.side import Side

__all__ = ["NOWHERE", "match"]

NOWHERE = -1
TELLING_BYTES = 16
"""A payload of so many bytes is evidence by itself."""
LEAST_VOTES = 2
"""Evidence that is not sure is believed where so many agree in how the numbers translate."""

Mask = npt.NDArray[np.bool_]


class Stage(NamedTuple):
    """A kind of evidence: what must be equal, and what that proves."""

    names: str
    """Columns of the packets."""
    content: bool
    flow: bool
    """Whether the addresses and ports must be equal too."""
    sure: bool
    most: int | None = None
    """How often what is equal may occur on a side, and that as often on both; None: no matter."""


STAGES = (
    #     names                         content flow  sure
    Stage("ssrc sequence timestamp",    True,  True,  True),
    Stage("ssrc sequence timestamp",    True,  False, True),
    Stage("sequence timestamp",         True,  False, True),
    Stage("ssrc timestamp",             True,  False, True,  4),
    Stage("ssrc sequence timestamp",    False, True,  False),
    Stage("ssrc sequence timestamp",    False, False, False),
    Stage("",                           True,  False, False, 4),
)  # fmt: skip


def match(a: Side, b: Side) -> Rows:
    """For each packet of `b` the row in `a` that it is a copy of, or `NOWHERE`; shape (n_b,).

    The rows are those of first copies in `a`; several packets of `b` may be copies of one.
    """
    if not len(a) or not len(b):
        return np.full(len(b), NOWHERE)
    evidence = _evidence(a, b)
    found = _follow(a, b, evidence)
    further = same_pattern(a, b, found)
    if not len(further):
        return found
    evidence[further[:, 1]] = further[:, 0]
    return _follow(a, b, evidence)


def _evidence(a: Side, b: Side) -> Rows:
    """For each packet of `b` the row of `a` that speaks for it, or `NOWHERE`."""
    flow_a, flow_b = _flows(a, b)
    found = np.full(len(b), NOWHERE)
    sure = np.zeros(len(b), np.bool_)
    free_a = a.first.copy()
    for stage in STAGES:
        rows_a = np.flatnonzero(free_a)
        rows_b = np.flatnonzero(b.first & (found == NOWHERE))
        if not stage.names:
            rows_a = rows_a[a.packets.payload_size[rows_a] >= TELLING_BYTES]
            rows_b = rows_b[b.packets.payload_size[rows_b] >= TELLING_BYTES]
        if not len(rows_a) or not len(rows_b):
            continue
        if stage.most is not None:
            # What occurs several times is taken in the order in which it was sent.
            rows_a = rows_a[np.lexsort((a.wide[rows_a], a.stream[rows_a]))]
            rows_b = rows_b[np.lexsort((b.wide[rows_b], b.stream[rows_b]))]
        keys_a = _keys(a, rows_a, flow_a, stage)
        keys_b = _keys(b, rows_b, flow_b, stage)
        one, other = pair_up(keys_a, keys_b, most=stage.most)
        found[rows_b[other]] = rows_a[one]
        sure[rows_b[other]] = stage.sure
        free_a[rows_a[one]] = False
        if not stage.content:
            # Where some of a run are sure, their numbers tell where the others belong.
            told = np.isin(b.run, np.unique(b.run[sure]))
            found[told & ~sure] = NOWHERE
    found[~(sure | _agreed(a, b, found))] = NOWHERE
    return found


def _keys(side: Side, rows: Rows, flow: Rows, stage: Stage) -> Keys:
    columns = [getattr(side.packets, name)[rows] for name in stage.names.split()]
    if stage.content:
        columns.append(side.payload[rows].view(np.int64))
    if stage.flow:
        columns.append(flow[rows])
    return key_of(*columns)


def _flows(a: Side, b: Side) -> tuple[Rows, Rows]:
    """A number for the addresses and ports of each packet, the same on both sides."""
    numbers: dict[object, int] = {}
    out = [
        np.array(
            [
                numbers.setdefault((s.src, s.src_port, s.dst, s.dst_port), len(numbers))
                for s in side.streams
            ],
            np.int64,
        )[side.stream]
        for side in (a, b)
    ]
    return out[0], out[1]


def _agreed(a: Side, b: Side, found: Rows) -> Mask:
    """Whether `LEAST_VOTES` packets of a run translate their numbers as each does."""
    rows = np.flatnonzero(found != NOWHERE)
    there = found[rows]
    keys = key_of(b.run[rows], a.run[there], a.wide[there] - b.wide[rows])
    _, group, votes = np.unique(keys, return_inverse=True, return_counts=True)
    out = np.zeros(len(found), np.bool_)
    out[rows] = votes[group] >= LEAST_VOTES
    return out


def _follow(a: Side, b: Side, evidence: Rows) -> Rows:
    """The evidence, and of packets without any the rows that their neighbours' numbers lead to."""
    found = evidence.copy()
    rows = np.flatnonzero(evidence == NOWHERE)
    before, after = _neighbours(b, evidence)
    led = [_led(a, b, evidence, rows, near[rows]) for near in (before, after)]
    (there, proven), (there_after, proven_after) = led
    both = (before[rows] != NOWHERE) & (after[rows] != NOWHERE)
    proven &= ~(proven_after & _later_fits(a, b, evidence, rows, before, there, there_after))
    # What neighbours agree on is believed without proof: it was changed in between.
    believed = np.where(both, there == there_after, True)
    single = np.where(there != NOWHERE, there, there_after)
    found[rows] = np.where(
        proven, there, np.where(proven_after, there_after, np.where(believed, single, NOWHERE))
    )
    return found


def _later_fits(
    a: Side, b: Side, evidence: Rows, rows: Rows, before: Rows, there: Rows, there_after: Rows
) -> Mask:
    """Whether of two places with the same content the second goes better with the delays."""
    out = np.zeros(len(rows), np.bool_)
    differ = (there != there_after) & (there != NOWHERE) & (there_after != NOWHERE)
    able = np.flatnonzero(differ & (before[rows] != NOWHERE))
    sent, came = a.packets.time_ns, b.packets.time_ns
    row, beside = rows[able], before[rows[able]]
    delay = came[beside] - sent[evidence[beside]]
    off = [np.abs(came[row] - sent[target[able]] - delay) for target in (there, there_after)]
    out[able] = off[1] < off[0]
    return out


def _neighbours(b: Side, evidence: Rows) -> tuple[Rows, Rows]:
    """The nearest rows with evidence before and after each, of its own stream and run."""
    n = len(evidence)
    order = np.lexsort((b.packets.frame, b.run))
    have = evidence[order] != NOWHERE
    places = np.arange(n)
    before = np.maximum.accumulate(np.where(have, places, -1))
    after = np.minimum.accumulate(np.where(have, places, n)[::-1])[::-1]
    run = b.run[order]
    out = []
    for near in (before, after):
        inside = (near >= 0) & (near < n)
        inside[inside] = run[near[inside]] == run[inside]
        rows = np.full(n, NOWHERE)
        rows[order[inside]] = order[near[inside]]
        out.append(rows)
    return out[0], out[1]


def _led(a: Side, b: Side, evidence: Rows, rows: Rows, near: Rows) -> tuple[Rows, Mask]:
    """Where the numbers of neighbours lead rows to, and whether what is there proves it."""
    there = np.full(len(rows), NOWHERE)
    proven = np.zeros(len(rows), np.bool_)
    able = np.flatnonzero(near != NOWHERE)
    row, beside = rows[able], near[able]
    base = evidence[beside]
    there[able] = a.at(key_of(a.run[base], a.wide[base] + b.wide[row] - b.wide[beside]))
    able = able[there[able] != NOWHERE]
    row, beside, target = rows[able], near[able], there[able]
    base = evidence[beside]
    # uint32 wraps as timestamps do.
    ticks = b.packets.timestamp[row] - a.packets.timestamp[target]
    ticks_beside = b.packets.timestamp[beside] - a.packets.timestamp[base]
    proven[able] = (ticks == ticks_beside) | (a.payload[target] == b.payload[row])
    return there, proven
