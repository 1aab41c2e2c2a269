"""The packets of all streams of one of the two captures, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import COLUMNS, Packets
from rtpcap.rtp.serial import signed_delta
from rtpcap.streams.ledger import FOREIGN, MAX_MISORDER, Clocks, Ledger
from rtpcap.streams.stream import Stream
from rtpcap.testing.differing.hashing import Keys, Rows, key_of, payload_keys

__all__ = ["Side"]

RATES = (8000, 90000)
"""Clock rates in use, for streams whose own is not known."""


@dataclass(frozen=True, eq=False)
class Side:
    """The n packets of k streams, one stream after the other, each in capture order."""

    streams: Sequence[Stream]
    packets: Packets
    starts: Rows
    """First row of each stream, shape (k,)."""
    stream: Rows
    """Which stream each packet is of, shape (n,)."""
    wide: Rows
    """Sequence numbers that do not wrap, and go on over the whole stream."""
    run: Rows
    """Counted up where a stream begins, and where its sender began anew with other numbers."""

    @classmethod
    def of(cls, streams: Sequence[Stream]) -> Side:
        """The packets of these streams."""
        starts = np.array([0, *(len(stream) for stream in streams)], np.int64).cumsum()
        every = [stream.packets for stream in streams]
        packets = _joined(every)
        owner = np.repeat(np.arange(len(streams)), np.diff(starts))
        wide = np.zeros(len(packets), np.int64)
        run = np.zeros(len(packets), np.int64)
        if streams:
            rates = [(stream.clock_rate or 0) for stream in streams]
            clocks = Clocks(
                np.array([rate or RATES[0] for rate in rates], np.float64),
                np.array([rate or RATES[1] for rate in rates], np.float64),
            )
            ledger = Ledger.keep(
                packets.sequence, packets.timestamp, packets.time_ns, starts[:-1], clocks
            )
            wide, run = _numbered(ledger, owner, packets.sequence)
            _join_strangers(streams, packets, starts, wide, run)
        return cls(streams, packets, starts[:-1], owner, wide, run)

    def __len__(self) -> int:
        return len(self.packets)

    @cached_property
    def payload(self) -> Keys:
        """A number for the content of each payload."""
        return payload_keys(self.packets)

    @cached_property
    def number(self) -> Keys:
        """A key for the place of each packet: its run and its sequence number there."""
        return key_of(self.run, self.wide)

    @cached_property
    def places(self) -> tuple[Keys, Rows]:
        """The places that there are, ascending, and the first packet in each."""
        keys, first = np.unique(self.number, return_index=True)
        return keys, first

    @cached_property
    def first(self) -> npt.NDArray[np.bool_]:
        """Whether a packet is the first with its number."""
        out = np.zeros(len(self), np.bool_)
        out[self.places[1]] = True
        return out

    def at(self, number: Keys) -> Rows:
        """The first packet at each of these places, -1 where there is none."""
        keys, first = self.places
        place = np.minimum(np.searchsorted(keys, number), max(len(keys) - 1, 0))
        if not len(keys):
            return np.full(len(number), -1)
        return np.where(keys[place] == number, first[place], -1)

    @cached_property
    def copies(self) -> Rows:
        """How many packets have the number of each, itself included, shape (n,)."""
        keys, _ = self.places
        place = np.searchsorted(keys, self.number)
        return np.bincount(place, minlength=len(keys))[place]


def _joined(every: Sequence[Packets]) -> Packets:
    empty = np.empty(0, np.int64)
    if not every:
        return Packets.parse((np.empty(0, np.uint8),), empty, empty)
    columns = {name: np.concatenate([getattr(p, name) for p in every]) for name in COLUMNS}
    return Packets(blocks=every[0].blocks, **columns)


def _numbered(ledger: Ledger, owner: Rows, sequence: npt.NDArray[np.uint16]) -> tuple[Rows, Rows]:
    """(wide, run): as the ledger has the numbers, but on one line a stream.

    One packet with a timestamp from elsewhere is an epoch of its own for the ledger, though its
    number goes on where the others are: only a jump makes a run.
    """
    n = len(owner)
    wide, run = sequence.astype(np.int64), np.zeros(n, np.int64)
    own = np.flatnonzero(ledger.epoch != FOREIGN)
    extended, epoch, of = ledger.extended[own], ledger.epoch[own], owner[own]
    step = np.diff(extended, prepend=0)
    other_stream = np.diff(of, prepend=-1) != 0
    other_epoch = np.diff(epoch, prepend=-1) != 0
    step[other_epoch] = signed_delta(step[other_epoch], 0, 16)
    step[other_stream] = 0
    line = step.cumsum()
    begin = np.flatnonzero(other_stream)
    line -= np.repeat(line[begin], np.diff(begin, append=len(own)))
    wide[own] = line
    new = other_stream | (other_epoch & (np.abs(step) >= MAX_MISORDER))
    run[own] = new.cumsum()
    foreign = np.flatnonzero(ledger.epoch == FOREIGN)
    # Each stands for itself.
    run[foreign] = -1 - np.arange(len(foreign))
    return wide, run


def _join_strangers(
    streams: Sequence[Stream], packets: Packets, starts: Rows, wide: Rows, run: Rows
) -> None:
    """Put streams of one packet into the runs of their flow that they fit into by their number.

    Such a packet has got another's SSRC: signalling announced it, or it would be no stream.
    """
    alone = np.flatnonzero(np.diff(starts) == 1)
    if not len(alone):
        return
    flows: dict[object, list[int]] = {}
    for index, stream in enumerate(streams):
        if starts[index + 1] - starts[index] > 1:
            flows.setdefault((stream.src, stream.src_port, stream.dst, stream.dst_port), []).append(
                index
            )
    frame = packets.frame
    for name, mine in _by_flow(streams, alone):
        if name not in flows:
            continue
        rows = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in flows[name]])
        rows = rows[np.argsort(frame[rows], kind="stable")]
        single = starts[mine]
        place = np.searchsorted(frame[rows], frame[single])
        # The one before it counts more, so it comes last.
        for beside in (np.minimum(place, len(rows) - 1), np.maximum(place - 1, 0)):
            near = rows[beside]
            step = packets.sequence[single].astype(np.int64) - packets.sequence[near]
            step = signed_delta(step, 0, 16)
            fits = np.abs(step) < MAX_MISORDER
            run[single[fits]] = run[near[fits]]
            wide[single[fits]] = wide[near[fits]] + step[fits]


def _by_flow(streams: Sequence[Stream], alone: Rows) -> list[tuple[object, Rows]]:
    """Those streams by their addresses and ports."""
    flows: dict[object, list[int]] = {}
    for index in alone.tolist():
        stream = streams[index]
        name = (stream.src, stream.src_port, stream.dst, stream.dst_port)
        flows.setdefault(name, []).append(index)
    return [(name, np.array(mine)) for name, mine in flows.items()]
