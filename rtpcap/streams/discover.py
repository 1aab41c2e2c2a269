"""Which datagrams are RTP: by what a flow does, not by its port numbers, and by what SIP announced.

A datagram that could be RTP (version 2, a payload type in use, not RTCP's second byte: RFC 5761
section 4) is kept as a compact row under its flow and SSRC. One packet proves nothing: QUIC, games
and VPNs have such first bytes too. What decides is the row of packets: sequence numbers that
advance, timestamps that step at the pace of some clock. A stream that passes keeps every packet.

What signalling announced needs no such proof. But signalling may come behind its media: so packets
with payload numbers that nobody assigned are laid aside until it is known whether it named them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtpcap.capture.keys import KeyTable
from rtpcap.capture.layers import turn
from rtpcap.capture.spool import Spool
from rtpcap.capture.tables import Datagrams, Flows
from rtpcap.errors import Fault
from rtpcap.rtp.compound import is_compound
from rtpcap.rtp.firstbyte import RTCP_SECOND_BYTES, Sharer, sharer
from rtpcap.rtp.packets import COLUMNS as PACKET_COLUMNS
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import ASSIGNED
from rtpcap.streams.announced import Announced
from rtpcap.streams.endpoints import Endpoints, Named
from rtpcap.streams.formats import PayloadMap
from rtpcap.streams.gathered import OF_THE_FRAME, Columns, Gathered, grouped, taken
from rtpcap.streams.judge import FEWEST_PACKETS, Judgement, judge
from rtpcap.streams.listener import Listener
from rtpcap.streams.reports.control import ControlKeeper

__all__ = ["Candidates", "Finder", "Found", "batches"]

REBUILT = 1
"""The block of what lies in no file; block 0 is the first file, those behind are the others."""
BATCH_ROWS = 1 << 18


def batches(starts: npt.NDArray[np.int64], rows: int) -> list[tuple[int, int, slice]]:
    """Neighbouring streams (first, after last, their rows) of about `BATCH_ROWS` rows together.

    So that what is worked out for all streams at once needs memory for some of them only.
    """
    edges = [*starts.tolist(), rows]
    cuts = [0] if len(starts) else []
    for i in range(1, len(starts)):
        if edges[i + 1] - edges[cuts[-1]] > BATCH_ROWS:
            cuts.append(i)
    ends = [*cuts[1:], len(starts)]
    return [(a, b, slice(edges[a], edges[b])) for a, b in zip(cuts, ends, strict=False)]


@dataclass(frozen=True, eq=False)
class Found:
    """The streams of a capture: their packets, one stream after the other."""

    packets: Packets
    starts: npt.NDArray[np.int64]
    """First row of each stream, shape (k,), streams in order of their first frame."""
    flow: npt.NDArray[np.int32]
    """The flow of each stream, a number of the capture's `Flows`, shape (k,)."""
    header: npt.NDArray[np.uint16]
    """Of each packet: bytes of its frame before it, as in `Datagrams`, shape (n,)."""
    interface: npt.NDArray[np.uint16]
    """Of each packet: which interface captured it, shape (n,)."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Packets that could be RTP, by flow and SSRC, and how each such row of packets behaves."""

    number: npt.NDArray[np.int64]
    """The number that `Finder.feed` gave each, shape (k,)."""
    flow: npt.NDArray[np.int32]
    """A number of the capture's `Flows`, shape (k,)."""
    ssrc: npt.NDArray[np.uint32]
    payload_types: list[list[int]]
    """The payload numbers of each, ascending."""
    judgement: Judgement
    taken: npt.NDArray[np.bool_]
    """Which are streams, shape (k,): those that passed, and those of named endpoints."""
    announced: npt.NDArray[np.bool_]
    """Which are streams because signalling announced them, whatever they do, shape (k,)."""
    recovered: npt.NDArray[np.int64]
    """How many packets each has whose payload number only signalling names, shape (k,)."""


class Finder:
    """Takes a capture's datagrams chunk by chunk and gives its streams at the end.

    `told` are payload types to be expected beside those in use. Datagrams from or to one of the
    endpoints `named` are RTP on their user's word, if they can be. A `listener` is handed what may
    be signalling, and `finish` is told in the end what that announced. A `keeper` is handed what
    may be RTCP.
    """

    def __init__(
        self,
        told: PayloadMap,
        named: Endpoints = frozenset(),
        listener: Listener | None = None,
        keeper: ControlKeeper | None = None,
    ) -> None:
        possible = np.zeros(256, np.bool_)
        for number in {*ASSIGNED, *told}:
            possible[[number, number | 0x80]] = True
        possible[RTCP_SECOND_BYTES.start : RTCP_SECOND_BYTES.stop] = False
        self._possible = possible
        self._flows = Flows()
        self._listener = listener
        self._keeper = keeper
        self._named = Named(named)
        self._keys = KeyTable(1)
        self._flow_of: list[npt.NDArray[np.int32]] = []
        self._columns = Gathered()
        self._aside = Gathered()
        """Packets of payload numbers that nobody assigned; their column `stream` is the flow."""
        self._spool = Spool()
        self._last_frame = 0
        self._in_order = True

    def feed(self, datagrams: Datagrams) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
        """Keep a row for each datagram of a chunk that could be RTP.

        Chunks of files that overlap in time need not come in order of frames.
        Gives which those are, shape (n,), and the number of the candidate that each belongs to.
        """
        self._flows = datagrams.flows
        if not len(datagrams):
            return np.zeros(0, np.bool_), np.zeros(0, np.int32)
        packets = Packets.parse(
            datagrams.blocks,
            datagrams.begin,
            datagrams.end,
            block=datagrams.block,
            frame=datagrams.frame,
            time_ns=datagrams.time_ns,
            cut=datagrams.cut,
        )
        faults = packets.fault.any()
        if faults:
            if self._listener is not None:
                rows = np.flatnonzero(packets.fault == Fault.VERSION)
                self._listener.feed(datagrams, rows, packets.word0)
            packets, datagrams = _relayed(packets, datagrams)
        second = _second_byte(packets)
        keep = self._possible[second]
        if self._named:
            keep |= self._told(datagrams, second)
        if faults:
            sound = (packets.fault != Fault.HEADER) & (packets.fault != Fault.VERSION)
            keep &= sound
        if self._listener is not None and not keep.all():
            self._lay_aside(packets, datagrams, second, sound & ~keep if faults else ~keep)
        if self._keeper is not None and not keep.all():
            may = _are_of_rtcp(second)
            if faults:
                # What has no whole header of RTP may be a short packet of RTCP.
                may |= packets.fault == Fault.HEADER
            self._keeper.feed(datagrams, np.flatnonzero(may & ~keep))
        flow, header, interface = datagrams.flow, datagrams.header, datagrams.interface
        if not keep.all():
            packets, flow = packets[keep], flow[keep]
            header, interface = header[keep], interface[keep]
        if not len(packets):
            return keep, np.zeros(0, np.int32)
        self._in_order &= int(packets.frame[0]) >= self._last_frame
        self._last_frame = int(packets.frame[-1])
        known = len(self._keys)
        key = flow.astype(np.uint64) << np.uint64(32)
        key |= packets.ssrc
        stream = self._keys.ids(key)
        new = np.flatnonzero(stream >= known)
        if len(new):
            rows = np.unique(stream[new], return_index=True)[1]
            self._flow_of.append(flow[new[rows]])
        self._append(self._columns, packets, stream, header, interface, datagrams)
        return keep, stream

    def _append(
        self,
        columns: Gathered,
        packets: Packets,
        stream: npt.NDArray[np.int32],
        header: npt.NDArray[np.uint16],
        interface: npt.NDArray[np.uint16],
        datagrams: Datagrams,
    ) -> None:
        begin, block = self._places(packets, header, datagrams)
        columns.append(
            begin=begin,
            time_ns=packets.time_ns,
            stream=stream,
            frame=packets.frame,
            word0=packets.word0,
            timestamp=packets.timestamp,
            ssrc=packets.ssrc,
            size=packets.size,
            payload_offset=packets.payload_offset,
            payload_size=packets.payload_size,
            fault=packets.fault,
            block=block,
            header=header,
            interface=interface,
        )

    def _lay_aside(
        self,
        packets: Packets,
        datagrams: Datagrams,
        second: npt.NDArray[np.uint8],
        left: npt.NDArray[np.bool_],
    ) -> None:
        """Keep what has RTP's version, is no RTCP, and has a number that signalling may name."""
        rows = np.flatnonzero(left & ~_are_of_rtcp(second))
        if len(rows):
            self._append(
                self._aside,
                packets[rows],
                datagrams.flow[rows],
                datagrams.header[rows],
                datagrams.interface[rows],
                datagrams,
            )

    def _recover(
        self, columns: Columns, announced: Announced
    ) -> tuple[Columns, npt.NDArray[np.int32]]:
        """Take what was laid aside and signalling names: the columns, and the streams of it."""
        aside = self._aside.take()
        table, row = announced.table(self._flows, aside["stream"])
        number = aside["word0"] >> np.uint32(16) & np.uint32(0x7F)
        rows = np.flatnonzero(table[row, number])
        if not len(rows):
            return columns, np.empty(0, np.int32)
        flow = aside["stream"][rows]
        key = flow.astype(np.uint64) << np.uint64(32) | aside["ssrc"][rows]
        known = len(self._keys)
        stream = self._keys.ids(key)
        new, first = np.unique(stream, return_index=True)
        self._flow_of.append(flow[first[new >= known]])
        self._in_order = False
        for name, column in columns.items():
            more = stream if name == "stream" else aside[name][rows]
            columns[name] = np.concatenate([column, more])
        return columns, stream

    def _told(self, datagrams: Datagrams, second: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Which datagrams are of a named endpoint, and no RTCP that shares its port."""
        told = self._named.rows(datagrams.flows, datagrams.flow)
        doubtful = np.flatnonzero(told & _are_of_rtcp(second))
        if len(doubtful):
            told[doubtful] = ~is_compound(
                datagrams.blocks,
                datagrams.block[doubtful],
                datagrams.begin[doubtful],
                datagrams.end[doubtful],
            )
        return told

    def _places(
        self, packets: Packets, header: npt.NDArray[np.uint16], datagrams: Datagrams
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]:
        """Where packets of a chunk lie for good: (begin, block).

        What lies in no file is kept, together with the headers before it.
        """
        begin = packets.begin + datagrams.base
        here = REBUILT + datagrams.file if datagrams.file else 0
        rebuilt = np.flatnonzero(packets.block)
        if not here and not len(rebuilt):
            return begin, packets.block
        block = np.full(len(packets), here, np.uint16)
        if len(rebuilt):
            before = header[rebuilt].astype(np.int64)
            starts = packets.begin[rebuilt] - before
            ends = packets.begin[rebuilt] + packets.size[rebuilt]
            pieces = [
                packets.blocks[number][a:b]
                for number, a, b in zip(
                    packets.block[rebuilt].tolist(), starts.tolist(), ends.tolist(), strict=True
                )
            ]
            lengths = ends - starts
            first = self._spool.append(pieces)
            begin[rebuilt] = first + lengths.cumsum() - lengths + before
            block[rebuilt] = REBUILT
        return begin, block

    def finish(self, *files: npt.NDArray[np.uint8], announced: Announced | None = None) -> Found:
        """The streams. `files` are the whole files' bytes (mapped), where the payloads stay."""
        spooled = self._spool.mapped()
        blocks = (files[0], spooled.data if spooled else np.empty(0, np.uint8), *files[1:])
        columns, _, flows, starts, _ = self._gathered(FEWEST_PACKETS, announced)
        frames = {name: columns.pop(name) for name in OF_THE_FRAME}
        packets = Packets(blocks=blocks, **columns)
        passed, beside = self._named.of(flows), np.zeros(len(flows), np.bool_)
        for first, last, rows in batches(starts, len(packets)):
            verdict = judge(packets[rows], starts[first:last] - starts[first])
            passed[first:last] |= verdict.passed
            beside[first:last] = verdict.beside
        passed |= _announced(packets, starts, flows, announced, self._flows)
        passed = _with_company(passed, beside, flows)
        if not passed.all():
            lengths = np.diff(starts, append=len(packets))
            kept = np.repeat(passed, lengths)
            del packets
            for name in columns:
                columns[name] = columns[name][kept]
            packets = Packets(blocks=blocks, **columns)
            frames = {name: column[kept] for name, column in frames.items()}
            flows, lengths = flows[passed], lengths[passed]
            starts = lengths.cumsum() - lengths
        return Found(packets, starts, flows, **frames)

    def candidates(self, announced: Announced | None = None) -> Candidates:
        """All that could be RTP, however few, and how it was judged, in place of `finish`."""
        columns, numbers, flows, starts, recovered = self._gathered(1, announced)
        for name in OF_THE_FRAME:
            del columns[name]
        packets = Packets(blocks=(), **columns)
        judgement = Judgement.joined(
            [
                judge(packets[rows], starts[first:last] - starts[first])
                for first, last, rows in batches(starts, len(packets))
            ]
        )
        number = packets.payload_type
        edges = [*starts.tolist(), len(packets)]
        told = _announced(packets, starts, flows, announced, self._flows)
        passed = judgement.passed | self._named.of(flows)
        return Candidates(
            number=numbers,
            flow=flows,
            ssrc=packets.ssrc[starts],
            payload_types=[
                np.flatnonzero(np.bincount(number[a:b])).tolist() for a, b in pairwise(edges)
            ],
            judgement=judgement,
            taken=_with_company(passed | told, judgement.beside, flows),
            announced=told & ~passed,
            recovered=np.bincount(recovered, minlength=len(self._keys))[numbers],
        )

    def _gathered(
        self, fewest: int, announced: Announced | None
    ) -> tuple[
        Columns,
        npt.NDArray[np.int64],
        npt.NDArray[np.int32],
        npt.NDArray[np.int64],
        npt.NDArray[np.int32],
    ]:
        """(columns, numbers, flows, starts) of what has enough packets, one after the other.

        Last comes the number of each packet's stream that was laid aside and taken after all.
        """
        columns = self._columns.take()
        recovered = np.empty(0, np.int32)
        if announced:
            columns, recovered = self._recover(columns, announced)
        stream = columns.pop("stream")
        flows = np.concatenate([*self._flow_of, np.empty(0, np.int32)])
        appeared = np.arange(len(flows))
        if not self._in_order:
            order = np.argsort(columns["frame"], kind="stable")
            for name in columns:
                columns[name] = columns[name][order]
            stream, appeared = _by_appearance(stream[order])
            flows = flows[appeared]
            del order
        counts = np.bincount(stream, minlength=len(self._keys))
        enough = (counts >= fewest) | self._named.of(flows)
        if announced and not enough.all():
            table, row = announced.table(self._flows, flows)
            enough |= (counts > 0) & np.asarray(table.any(axis=1))[row]
        ids = np.flatnonzero(enough)
        if len(counts) > 1 or not enough.all():
            together = grouped(stream, enough)
            del stream
            for name in columns:
                columns[name] = taken(columns[name], together)
            del together
        lengths = counts[ids]
        return columns, appeared[ids], flows[ids], lengths.cumsum() - lengths, recovered


def _announced(
    packets: Packets,
    starts: npt.NDArray[np.int64],
    flow: npt.NDArray[np.int32],
    announced: Announced | None,
    flows: Flows,
) -> npt.NDArray[np.bool_]:
    """Which candidates are in a flow that signalling announced and have a number it named."""
    found = np.zeros(len(flow), np.bool_)
    if announced is None or not announced or not len(flow):
        return found
    table, row = announced.table(flows, flow)
    number = packets.payload_type
    edges = [*starts.tolist(), len(packets)]
    for i in np.flatnonzero(np.asarray(table.any(axis=1))[row]).tolist():
        found[i] = table[row[i], number[edges[i] : edges[i + 1]]].any()
    return found


def _with_company(
    passed: npt.NDArray[np.bool_], beside: npt.NDArray[np.bool_], flows: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """What passed, and what is a stream because one that passed is in its flow."""
    doubtful = beside & ~passed
    if not doubtful.any():
        return passed
    return np.asarray(passed | (doubtful & np.isin(flows, flows[passed])))


def _second_byte(packets: Packets) -> npt.NDArray[np.uint8]:
    return ((packets.word0 >> np.uint32(16)) & np.uint32(0xFF)).astype(np.uint8)


def _are_of_rtcp(second: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (second >= RTCP_SECOND_BYTES.start) & (second < RTCP_SECOND_BYTES.stop)


def _relayed(packets: Packets, datagrams: Datagrams) -> tuple[Packets, Datagrams]:
    """Both with what TURN wrapped in its place, where that begins as RTP does."""
    first = (packets.word0 >> np.uint32(24)).astype(np.uint8)
    kind = sharer(first, _second_byte(packets))
    # Old channel numbers reach into what is QUIC's now; a short datagram's word is 0.
    wrapped = (kind == Sharer.TURN_CHANNEL) | (kind == Sharer.QUIC) | (kind == Sharer.STUN)
    rows = np.flatnonzero(wrapped & (packets.fault == Fault.VERSION))
    if not len(rows):
        return packets, datagrams
    datagrams, moved = turn.unwrapped(datagrams, rows)
    if not len(moved):
        return packets, datagrams
    inner = Packets.parse(
        datagrams.blocks,
        datagrams.begin[moved],
        datagrams.end[moved],
        block=datagrams.block[moved],
        frame=datagrams.frame[moved],
        time_ns=datagrams.time_ns[moved],
        cut=datagrams.cut[moved],
    )
    columns = {name: getattr(packets, name).copy() for name in PACKET_COLUMNS}
    for name, column in columns.items():
        column[moved] = getattr(inner, name)
    return Packets(blocks=packets.blocks, **columns), datagrams


def _by_appearance(
    stream: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Streams numbered anew in order of appearance, shape (n,), and the old number of each."""
    old, first = np.unique(stream, return_index=True)
    appeared = old[np.argsort(first)]
    number = np.empty(len(old), np.int32)
    number[appeared] = np.arange(len(old), dtype=np.int32)
    return number[stream], appeared.astype(np.int64)
