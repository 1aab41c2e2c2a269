"""Which datagrams are RTP, without signalling: by what a flow does, not by its port numbers.

A datagram that could be RTP (version 2, a payload type in use, not RTCP's second byte: RFC 5761
section 4) is kept as a compact row under its flow and SSRC. One packet proves nothing: QUIC, games
and VPNs have such first bytes too. What decides is the row of packets: sequence numbers that
advance, timestamps that step at the pace of some clock. A stream that passes keeps every packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture.keys import KeyTable
from rtpcap.capture.spool import Spool
from rtpcap.capture.tables import Datagrams
from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.payload_types import ASSIGNED
from rtpcap.rtp.serial import steps
from rtpcap.streams.formats import PayloadMap

__all__ = ["FEWEST_PACKETS", "Finder", "Found", "batches"]

FEWEST_PACKETS = 3
"""A flow of fewer packets shows no row to judge."""

NEAR = 64
"""A step of this many sequence numbers forwards or backwards is one a live flow makes."""

PACES = (1_000, 1_000_000)
"""Timestamp ticks a second that some RTP clock could show, lowest and highest (the lowest clock in
use is 8,000 Hz; senders that stamp late or in bursts are why the range is wide)."""

LONGEST_STEP = 900_000
"""Ticks that a step still tells of the clock: 10 s at 90 kHz. Longer ones are senders that began
anew; where they are many, the timestamps are none."""

RTCP_SECOND_BYTE = (192, 224)

COLUMNS = {
    "begin": np.int64,
    "time_ns": np.int64,
    "stream": np.int32,
    "frame": np.uint32,
    "word0": np.uint32,
    "timestamp": np.uint32,
    "ssrc": np.uint32,
    "size": np.uint16,
    "payload_offset": np.uint16,
    "payload_size": np.uint16,
    "fault": np.uint8,
    "block": np.uint16,
    "header": np.uint16,
    "interface": np.uint16,
}
OF_THE_FRAME = ("header", "interface")
"""Columns that tell of the frame and not of the packet."""

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


class Finder:
    """Takes a capture's datagrams chunk by chunk and gives its streams at the end."""

    def __init__(self, told: PayloadMap) -> None:
        possible = np.zeros(256, np.bool_)
        for number in {*ASSIGNED, *told}:
            possible[[number, number | 0x80]] = True
        possible[slice(*RTCP_SECOND_BYTE)] = False
        self._possible = possible
        self._keys = KeyTable(1)
        self._flow_of: list[npt.NDArray[np.int32]] = []
        self._columns = _Columns()
        self._spool = Spool()
        self._last_frame = 0
        self._in_order = True

    def feed(self, datagrams: Datagrams) -> None:
        """Keep a row for each datagram of a chunk that could be RTP.

        Chunks of files that overlap in time need not come in order of frames.
        """
        if not len(datagrams):
            return
        packets = Packets.parse(
            datagrams.blocks,
            datagrams.begin,
            datagrams.end,
            block=datagrams.block,
            frame=datagrams.frame,
            time_ns=datagrams.time_ns,
            cut=datagrams.cut,
        )
        second = ((packets.word0 >> np.uint32(16)) & np.uint32(0xFF)).astype(np.uint8)
        keep = self._possible[second]
        if packets.fault.any():
            keep &= (packets.fault != Fault.HEADER) & (packets.fault != Fault.VERSION)
        flow, header, interface = datagrams.flow, datagrams.header, datagrams.interface
        if not keep.all():
            packets, flow = packets[keep], flow[keep]
            header, interface = header[keep], interface[keep]
        if not len(packets):
            return
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
        begin, block = self._places(packets, header, datagrams)
        self._columns.append(
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

    def finish(self, *files: npt.NDArray[np.uint8]) -> Found:
        """The streams. `files` are the whole files' bytes (mapped), where the payloads stay."""
        spooled = self._spool.mapped()
        blocks = (files[0], spooled.data if spooled else np.empty(0, np.uint8), *files[1:])
        columns = self._columns.take()
        stream = columns.pop("stream")
        flow_of = np.concatenate([*self._flow_of, np.empty(0, np.int32)])
        if not self._in_order:
            order = np.argsort(columns["frame"], kind="stable")
            for name in columns:
                columns[name] = columns[name][order]
            stream, appeared = _by_appearance(stream[order])
            flow_of = flow_of[appeared]
            del order
        counts = np.bincount(stream, minlength=len(self._keys))
        enough = counts >= FEWEST_PACKETS
        ids = np.flatnonzero(enough)
        if len(counts) > 1 or not enough.all():
            order = _grouped(stream, enough)
            del stream
            for name in columns:
                columns[name] = columns[name][order]
            del order
        lengths = counts[ids]
        starts = lengths.cumsum() - lengths
        frames = {name: columns.pop(name) for name in OF_THE_FRAME}
        packets = Packets(blocks=blocks, **columns)
        passed = np.zeros(len(ids), np.bool_)
        for first, last, rows in batches(starts, len(packets)):
            passed[first:last] = _judge(packets[rows], starts[first:last] - starts[first])
        if not passed.all():
            kept = np.repeat(passed, lengths)
            del packets
            for name in columns:
                columns[name] = columns[name][kept]
            packets = Packets(blocks=blocks, **columns)
            frames = {name: column[kept] for name, column in frames.items()}
            ids, lengths = ids[passed], lengths[passed]
        return Found(packets, lengths.cumsum() - lengths, flow_of[ids], **frames)


def _by_appearance(
    stream: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Streams numbered anew in order of appearance, shape (n,), and the old number of each."""
    old, first = np.unique(stream, return_index=True)
    appeared = old[np.argsort(first)]
    number = np.empty(len(old), np.int32)
    number[appeared] = np.arange(len(old), dtype=np.int32)
    return number[stream], appeared.astype(np.int64)


def _grouped(stream: npt.NDArray[np.int32], wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The rows of the wanted streams, streams one after the other, each in capture order."""
    # A stable sort of 16-bit numbers is a radix sort.
    narrow = stream.astype(np.uint16) if len(wanted) <= 1 << 16 else stream
    if wanted.all():
        return np.argsort(narrow, kind="stable")
    rows = np.flatnonzero(wanted[stream])
    return rows[np.argsort(narrow[rows], kind="stable")]


def _judge(packets: Packets, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of k flows, lying one after the other from `starts`, behave as RTP does; shape (k,)."""
    n = len(packets)
    advance = steps(packets.sequence)
    ticks = steps(packets.timestamp)
    advance[starts] = 0
    first = np.zeros(n, np.bool_)
    first[starts] = True

    def count(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.add.reduceat(mask, starts, dtype=np.int64)

    made = np.diff(starts, append=n) - 1
    forward = (advance > 0) & (advance <= NEAR)
    copies = count((advance == 0) & (ticks == 0) & ~first)
    forwards = count(forward)
    backwards = count((advance < 0) & (advance >= -NEAR))
    regular = (forwards + copies + backwards >= 0.8 * made) & (forwards >= 0.2 * made)
    regular &= forwards >= FEWEST_PACKETS - 1

    stepping = forward & (ticks > 0)
    stepped = count(stepping)
    fell = count(forward & (ticks < 0))
    timed = (stepped >= 0.04 * forwards) & (stepped >= 1) & (fell <= 0.25 * forwards)
    few = made < 8
    timed &= ~few | (stepped + count(forward & (ticks == 0)) == forwards)
    timed &= _paced(packets, stepping, ticks, starts)

    # A flow of telephone events only holds its timestamp through each press.
    short = count((packets.payload_size > 0) & (packets.payload_size <= 16))
    whole = count(packets.payload_size % 4 == 0)
    pressed = (short == made + 1) & (whole == made + 1) & (fell == 0)
    return np.asarray(regular & (timed | pressed))


def _paced(
    packets: Packets,
    stepping: npt.NDArray[np.bool_],
    ticks: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Whether each flow's timestamps run at a pace that a clock could have.

    A flow that came in a burst, or without times, is judged by its steps alone: they are equal.
    """
    stepped = np.add.reduceat(stepping, starts, dtype=np.int64)
    stepping = stepping & (ticks <= LONGEST_STEP)
    told = np.add.reduceat(stepping, starts, dtype=np.int64) >= 0.75 * stepped
    time_ns = packets.time_ns
    elapsed = np.zeros(len(ticks))
    elapsed[1:] = np.diff(time_ns) * 1e-9
    elapsed[(time_ns == NO_TIME) | ~stepping | (elapsed < 0)] = 0
    seconds = np.add.reduceat(elapsed, starts)
    total = np.add.reduceat(np.where(stepping, ticks, 0), starts, dtype=np.float64)
    largest = np.maximum.reduceat(np.where(stepping, ticks, 0), starts)
    smallest = np.minimum.reduceat(np.where(stepping, ticks, np.iinfo(np.int32).max), starts)
    even = (smallest >= 10) & (largest <= 100 * smallest.astype(np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = total / seconds
    return told & (pace >= PACES[0]) & ((pace <= PACES[1]) | even)


class _Columns:
    """The columns of a `Packets`, each row's stream and frame, as they come chunk by chunk."""

    def __init__(self) -> None:
        self._parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in COLUMNS}

    def append(self, **columns: npt.NDArray[Any]) -> None:
        for name, column in columns.items():
            # A view would keep alive all that it looks into.
            self._parts[name].append(column if column.base is None else column.copy())

    def take(self) -> dict[str, npt.NDArray[Any]]:
        """The whole columns; a part is given up as soon as it is joined."""
        whole = {}
        for name, kind in COLUMNS.items():
            parts = self._parts.pop(name)
            whole[name] = np.concatenate([*parts, np.empty(0, kind)])
        return whole
