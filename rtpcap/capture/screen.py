"""What is known of each direction of TCP, and which segments are worth a look, by whole arrays.

Captures are full of TCP that carries no calls: port scans, bulk transfers, samples of both. Here
it costs a few array operations for a chunk. What is told apart:

* segments of a direction in which nothing is wanted: dropped;
* connections whose first bytes begin no framing that is known: not wanted, at once;
* single segments of connections whose beginning was not captured: kept apart until another comes;
* all others, which are looked at one after the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.capture.direction import FAR, SEQUENCE_MASK
from rtpcap.capture.framing.beginnings import heads, is_tls, may_begin
from rtpcap.capture.segments import FIN, RST, SYN, Segments

__all__ = ["Rows", "Screen", "State"]

MOST_FRUITLESS = 16
"""Connections of the same ends in which nothing was found, after which no other is looked at."""

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class State:
    """What is known of a direction; those from `UNWANTED` on are not looked at."""

    NEW, OPENED, CLOSED, REOPENED, LIVE, UNWANTED, HOPELESS = range(7)
    # OPENED: the next byte is the first one. REOPENED: not wanted up to an opening in this chunk.
    # LIVE: bytes of it are read. UNWANTED: until it is opened again. HOPELESS: for good.


class Sieved(NamedTuple):
    """Rows of a chunk's segments, in order of frames."""

    rows: Rows
    """To be looked at one after the other."""
    lone: Rows
    """The only ones of their directions, of which nothing was known."""


class Screen:
    """The state of all directions, as columns by their numbers."""

    def __init__(self) -> None:
        self.state = np.zeros(0, np.uint8)
        self.next = np.zeros(0, np.uint32)
        """The sequence number of the next byte, where `OPENED` or `CLOSED`."""
        self.fruitless = np.zeros(0, np.uint8)
        """Connections without a message since the last one with any."""

    def sieve(self, segments: Segments) -> Sieved:
        """Which segments of a chunk are to be looked at; there are some."""
        key = segments.key
        self._grow(int(key.max()) + 1)
        state = self.state.take(key)
        opens = (segments.flags & SYN) != 0
        again = opens & (state == State.UNWANTED)
        if again.any():
            self.state[key[again]] = State.REOPENED
            state = self.state.take(key)
        rows = np.flatnonzero(state < State.UNWANTED)
        if not len(rows):
            return Sieved(rows, rows)
        key, flags, missing = key[rows], segments.flags[rows], segments.missing[rows]
        live = state[rows] == State.LIVE
        brings = (segments.end[rows] > segments.begin[rows]) | opens[rows]
        # What has no bytes matters only to those that have.
        busy = np.zeros(len(self.state), np.bool_)
        busy[key[brings | live]] = True
        matters = brings | (busy[key] & ((missing > 0) | ((flags & (FIN | RST)) != 0)))
        rows, live = rows[matters], live[matters]
        if live.all():
            return Sieved(rows, rows[:0])
        looked, lone = self._begin(segments, rows[~live])
        return Sieved(np.sort(np.concatenate([rows[live], looked])), np.sort(lone))

    def end(self, number: int, state: int, following: int, *, fruitful: bool) -> None:
        """A connection ended, before this sequence number."""
        self.fruitless[number] = 0 if fruitful else self.fruitless[number] + 1
        if self.fruitless[number] >= MOST_FRUITLESS:
            state = State.HOPELESS
        self.state[number], self.next[number] = state, following & SEQUENCE_MASK

    def end_in_vain(self, numbers: Rows, following: npt.NDArray[np.int64]) -> None:
        """Connections of different ends were closed without a message."""
        self.fruitless[numbers] += 1
        hopeless = self.fruitless[numbers] >= MOST_FRUITLESS
        self.state[numbers] = np.where(hopeless, State.HOPELESS, State.CLOSED)
        self.next[numbers] = following & SEQUENCE_MASK

    def _grow(self, count: int) -> None:
        known = len(self.state)
        if count > known:
            added = np.zeros(max(count, 2 * known) - known, np.uint8)
            self.state = np.append(self.state, added)
            self.next = np.append(self.next, added.astype(np.uint32))
            self.fruitless = np.append(self.fruitless, added)

    def _begin(self, segments: Segments, rows: Rows) -> tuple[Rows, Rows]:
        """Of segments of directions that are not live: those to be looked at, and lone ones."""
        rows = rows[np.argsort(segments.key[rows], kind="stable")]
        key, opens = segments.key[rows], (segments.flags[rows] & SYN) != 0
        leads = np.append(True, key[1:] != key[:-1])
        # Runs: the segments of one connection, from its opening on where that is in the chunk.
        begin = np.flatnonzero(leads | opens)
        run = np.cumsum(leads | opens) - 1
        leads, opened, key = leads[begin], opens[begin], key[begin]
        last = np.append(leads[1:], True)
        state = self.state[key]
        place = segments.sequence[rows] + opens.astype(np.uint32)
        first = np.where(opened, place[begin], self.next[key])
        bears = segments.end[rows] > segments.begin[rows]
        idle = np.add.reduceat(bears, begin, dtype=np.int64) == 0
        idle |= ~opened & (state == State.REOPENED)
        from_first = opened | (state == State.OPENED)

        # A run is judged by its first bytes, unless bytes of something else came before them.
        ahead = place - first[run]
        told = np.flatnonzero(bears & (~from_first[run] | (ahead == 0) | (ahead > FAR)))
        told = told[np.diff(run[told], prepend=-1) > 0]
        payload = segments.begin[rows[told]]
        size = segments.end[rows[told]] - payload
        head, of = heads(segments.data, payload), run[told]
        refused = np.zeros(len(begin), np.bool_)
        foreign = (ahead[told] == 0) & ~may_begin(head, size)
        refused[of] = np.where(from_first[of], foreign, is_tls(head, size))
        refused &= ~idle & (opened | (state != State.CLOSED))

        hopeless = self.fruitless[key] + _before(refused, leads) >= MOST_FRUITLESS
        looked = ~(idle | refused | hopeless)
        # What follows in the same direction is looked at too: it depends on what is found.
        looked |= _before(looked, leads) > 0
        refused &= ~(looked | hopeless)
        np.add.at(self.fruitless, key[refused], 1)

        settled = last & ~looked
        waits = settled & opened & idle
        self.state[key[waits]], self.next[key[waits]] = State.OPENED, first[waits]
        self.state[key[settled & refused]] = State.UNWANTED
        self.state[key[settled & (self.fruitless[key] >= MOST_FRUITLESS)]] = State.HOPELESS

        alone = looked & leads & last & (state == State.NEW) & ~opened
        alone &= np.diff(begin, append=len(rows)) == 1
        return rows[(looked & ~alone)[run]], rows[alone[run]]


def _before(mask: Mask, leads: Mask) -> npt.NDArray[np.int64]:
    """How many are true before each, from the last one that leads on."""
    count: npt.NDArray[np.int64] = np.cumsum(mask, dtype=np.int64) - mask
    return np.asarray(count - count[leads][np.cumsum(leads) - 1])
