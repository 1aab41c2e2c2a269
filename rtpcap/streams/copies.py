"""Which copies of packets the capture made, and which were on the wire.

A capture on all interfaces, on both sides of a router or of a tunnel, or from a mirroring switch
holds one packet several times. A copy is the capture's

* where it is the same IP packet (identification and RTP packet are equal) under another link
  header, from another interface or file, with another TTL, or at another depth of tunnels;
* or where its stream has over 90 % of its packets twice within a millisecond.

All other copies were sent twice or doubled on their way: they have everything the same, or another
IP packet round them. Only the rows that a ledger calls duplicates are looked at.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.streams.discover import REBUILT, Found
from rtpcap.streams.ledger import FOREIGN, Clocks, Ledger

__all__ = ["keep"]

MOST = 0.9
"""The share of a stream's packets above which all of its copies are the capture's ..."""
TOGETHER_NS = 1_000_000
"""... where each came so soon after the first."""

LINK_BYTES = 14
"""An Ethernet header, and those of other links that tell of direction and address."""

UDP = 17
UDP_HEADER = 8
IPV4_HEADER_WORDS = range(5, 16)
IPV4_IDENTIFICATION, IPV4_TTL, IPV4_PROTOCOL = 4, 8, 9
IPV6_HEADER = 40
IPV6_NEXT, IPV6_HOP_LIMIT = 6, 7
WORD_BYTES = 4
MOST_BETWEEN = 128
"""A packet inside TURN stands up to so many bytes behind its UDP header."""
UNKNOWN = -1

AT_ONCE = 1 << 22
"""Bytes of payloads that are compared at a time."""

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def keep(found: Found, first: int, last: int, clocks: Clocks) -> Ledger:
    """The ledger of the streams from `first` to before `last`, the capture's copies marked."""
    starts = found.starts[first:last]
    begin = int(starts[0])
    end = int(found.starts[last]) if last < len(found.starts) else len(found.packets)
    rows = slice(begin, end)
    packets = found.packets[rows]
    ledger = Ledger.keep(
        packets.sequence, packets.timestamp, packets.time_ns, starts - begin, clocks
    )
    again = np.flatnonzero(ledger.duplicate)
    if not len(again):
        return ledger
    stream = np.repeat(np.arange(last - first), np.diff(ledger.starts, append=len(ledger)))
    first_copy = _first_copies(ledger, stream, again)
    same = _same_packet(packets, first_copy, again)
    again, first_copy = again[same], first_copy[same]
    twice = _mirrored(packets, ledger, stream, first_copy, again)
    doubtful = np.flatnonzero(~twice)
    twice[doubtful] = _elsewhere(
        packets,
        found.header[rows],
        found.interface[rows],
        first_copy[doubtful],
        again[doubtful],
    )
    captured_twice = np.zeros(len(ledger), np.bool_)
    captured_twice[again[twice]] = True
    return replace(ledger, captured_twice=captured_twice)


def _first_copies(ledger: Ledger, stream: npt.NDArray[np.int64], again: Rows) -> Rows:
    """The row of the first copy of each packet of the rows `again`."""
    doubled = np.zeros(len(ledger.starts), np.bool_)
    doubled[stream[again]] = True
    rows = np.flatnonzero(doubled[stream] & (ledger.epoch != FOREIGN))
    keys = (ledger.extended[rows], ledger.epoch[rows], stream[rows])
    order = np.lexsort(keys)
    new = np.ones(len(order), np.bool_)
    new[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
    # The sort is stable: what comes first in a group came first in the capture.
    heads = np.flatnonzero(new)[new.cumsum() - 1]
    first = np.empty(len(ledger), np.int64)
    first[rows[order]] = rows[order[heads]]
    return first[again]


def _same_packet(packets: Packets, a: Rows, b: Rows) -> Mask:
    """Whether two rows are the same RTP packet, as far as both were captured."""
    cut = (packets.fault[a] == Fault.CUT) | (packets.fault[b] == Fault.CUT)
    same = (packets.word0[a] == packets.word0[b]) & (packets.timestamp[a] == packets.timestamp[b])
    same &= (packets.size[a] == packets.size[b]) | cut
    same &= (packets.payload_size[a] == packets.payload_size[b]) | cut
    pairs = np.flatnonzero(same)
    size = np.minimum(packets.payload_size[a[pairs]], packets.payload_size[b[pairs]])
    pairs = pairs[np.argsort(size, kind="stable")]
    edges = [0, *(np.flatnonzero(np.diff(np.sort(size))) + 1).tolist(), len(pairs)]
    for left, right in pairwise(edges):
        if left == right:
            continue
        pair = pairs[left]
        length = int(min(packets.payload_size[a[pair]], packets.payload_size[b[pair]]))
        step = max(1, AT_ONCE // max(1, length))
        for begin in range(left, right, step):
            part = pairs[begin : min(begin + step, right)]
            one = packets[a[part]].take_payloads(length)
            other = packets[b[part]].take_payloads(length)
            same[part] = (one == other).all(axis=1)
    return np.asarray(same)


def _mirrored(
    packets: Packets, ledger: Ledger, stream: npt.NDArray[np.int64], a: Rows, b: Rows
) -> Mask:
    """Which copies `b` of rows `a` are in streams that have nearly all packets twice at once."""
    k = len(ledger.starts)
    then, now = packets.time_ns[a], packets.time_ns[b]
    at_once = (then != NO_TIME) & (now != NO_TIME) & (np.abs(now - then) <= TOGETHER_NS)
    doubled = np.bincount(stream[np.unique(a[at_once])], minlength=k)
    own = (ledger.epoch != FOREIGN) & ~ledger.duplicate
    distinct = np.bincount(stream[own], minlength=k)
    return np.asarray((doubled > MOST * distinct)[stream[b]])


def _elsewhere(
    packets: Packets,
    header: npt.NDArray[np.uint16],
    interface: npt.NDArray[np.uint16],
    a: Rows,
    b: Rows,
) -> Mask:
    """Whether copies `b` of rows `a` are the same IP packet, captured at another place."""
    framed = (header[a] > 0) & (header[b] > 0)
    a, b = a[framed], b[framed]
    identification, ttl = _network(packets, header, a)
    identification_b, ttl_b = _network(packets, header, b)
    other = (header[a] != header[b]) | (interface[a] != interface[b]) | (ttl != ttl_b)
    files = packets.block[a] != packets.block[b]
    other |= files & (packets.block[a] != REBUILT) & (packets.block[b] != REBUILT)
    alike = np.flatnonzero(~other & (header[a] >= LINK_BYTES))
    other[alike] = (_link(packets, header, a[alike]) != _link(packets, header, b[alike])).any(
        axis=1
    )
    out = np.zeros(len(framed), np.bool_)
    out[framed] = (identification == identification_b) & other
    return out


def _bytes(packets: Packets, rows: Rows, places: Rows) -> Rows:
    """The bytes at some places of the blocks that rows lie in, as int64."""
    found = np.empty(len(rows), np.int64)
    block = packets.block[rows]
    for number in np.unique(block).tolist():
        those = block == number
        found[those] = packets.blocks[number][places[those]]
    return found


def _link(packets: Packets, header: npt.NDArray[np.uint16], rows: Rows) -> npt.NDArray[np.int64]:
    """The first bytes of the frames, shape (n, `LINK_BYTES`)."""
    at = packets.begin[rows] - header[rows]
    columns = [_bytes(packets, rows, at + i) for i in range(LINK_BYTES)]
    return np.stack(columns, axis=1)


def _network(packets: Packets, header: npt.NDArray[np.uint16], rows: Rows) -> tuple[Rows, Rows]:
    """(identification, TTL or hop limit) of the innermost IP header before each row.

    IPv6 has no identification; both are `UNKNOWN` where no header is found.
    """
    identification = np.full(len(rows), UNKNOWN, np.int64)
    ttl = np.full(len(rows), UNKNOWN, np.int64)
    left = np.arange(len(rows))
    for between in range(0, MOST_BETWEEN + 1, WORD_BYTES):
        # Options and a relay's wrapping together are too rare to look for.
        for words in IPV4_HEADER_WORDS if not between else IPV4_HEADER_WORDS[:1]:
            before = between + UDP_HEADER + words * WORD_BYTES
            reach, at = _standing(packets, header, rows, left, before)
            here = _bytes(packets, rows[reach], at) == (4 << 4 | words)
            here &= _bytes(packets, rows[reach], at + IPV4_PROTOCOL) == UDP
            there, at = reach[here], at[here]
            upper = _bytes(packets, rows[there], at + IPV4_IDENTIFICATION)
            lower = _bytes(packets, rows[there], at + IPV4_IDENTIFICATION + 1)
            identification[there] = upper << 8 | lower
            ttl[there] = _bytes(packets, rows[there], at + IPV4_TTL)
            left = np.setdiff1d(left, there, assume_unique=True)
            if not len(left):
                return identification, ttl
        reach, at = _standing(packets, header, rows, left, between + UDP_HEADER + IPV6_HEADER)
        here = _bytes(packets, rows[reach], at) >> 4 == 6
        here &= _bytes(packets, rows[reach], at + IPV6_NEXT) == UDP
        there = reach[here]
        ttl[there] = _bytes(packets, rows[there], at[here] + IPV6_HOP_LIMIT)
        left = np.setdiff1d(left, there, assume_unique=True)
        if not len(left):
            break
    return identification, ttl


def _standing(
    packets: Packets, header: npt.NDArray[np.uint16], rows: Rows, left: Rows, before: int
) -> tuple[Rows, Rows]:
    """Of the rows still `left` those whose frame has `before` bytes, and the places there."""
    left = left[header[rows[left]] >= before]
    return left, packets.begin[rows[left]] - before
