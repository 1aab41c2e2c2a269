"""Packets whose fragments come as they were sent: all of them, in order, one behind the other.

That is how nearly all come. They are found and put together for a whole chunk at once; whatever is
otherwise is left to the `Reassembler`, which looks at one fragment at a time.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.pieces.fragment_headers import (
    IPV4_FRAGMENT_AT,
    IPV4_LENGTH_AT,
    IPV6_HEADER,
    IPV6_LENGTH_AT,
    MOST_LENGTH,
    Headers,
    Pieces,
)
from rtpcap.capture.pieces.partial import PACKET_BYTES, PIECE_BYTES
from rtpcap.rtp.packets import NO_TIME

__all__ = ["PlainPackets"]

Places = npt.NDArray[np.int64]

FARTHEST_NS = 1 << 62
"""Times up to here can be subtracted from each other."""


@dataclass(frozen=True, eq=False)
class PlainPackets:
    """k packets in a chunk, in order of the fragments that complete them."""

    pieces: Pieces
    headers: Headers
    rows: Places
    """The fragments, a packet's one behind the other: rows of `headers`, shape (n,)."""
    starts: Places
    """Where in `rows` each packet begins, shape (k,)."""
    ends: Places

    @classmethod
    def find(
        cls,
        pieces: Pieces,
        headers: Headers,
        keys: list[bytes],
        busy: tuple[Container[bytes], ...],
        most_ns: int,
    ) -> PlainPackets:
        """Those of a chunk: at least two fragments that were captured whole, the first with
        offset 0, each next one where the one before ended, and only the last without others
        behind it, no more than `most_ns` after the first; and none else of their identity, neither
        in the chunk nor in `busy`."""
        numbers: dict[bytes, int] = {}
        group = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
        order = np.argsort(group, kind="stable")
        first = np.diff(group[order], prepend=-1) != 0
        last = np.append(first[1:], True)
        starts = np.flatnonzero(first)
        lengths = np.diff(starts, append=len(order))
        offset, size = headers.offset[order], headers.size[order]
        end = offset + size
        good = np.where(first, offset == 0, offset == np.roll(end, 1))
        good &= headers.more[order] != last
        good &= headers.begin[order] + size <= pieces.end[headers.rows[order]]
        time = pieces.time_ns[headers.rows[order]]
        good &= (time != NO_TIME) & (time > -FARTHEST_NS) & (time < FARTHEST_NS)
        since = time - np.repeat(time[starts], lengths)
        good &= (since <= most_ns) & (since >= -most_ns)
        plain = np.logical_and.reduceat(good, starts) & (lengths > 1)
        for number, key in enumerate(numbers):
            if plain[number] and any(key in others for others in busy):
                plain[number] = False
        # From order of their first fragments to that of their last.
        chosen = np.flatnonzero(plain)
        chosen = chosen[np.argsort(order[starts[chosen] + lengths[chosen] - 1])]
        lengths = lengths[chosen]
        ends = lengths.cumsum()
        shift = np.repeat(starts[chosen] - (ends - lengths), lengths)
        rows = order[shift + np.arange(len(shift))]
        return cls(pieces, headers, rows, ends - lengths, ends)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def first(self) -> Places:
        """The first fragment of each: a row of `headers`."""
        return self.rows[self.starts]

    @property
    def last(self) -> Places:
        return self.rows[self.ends - 1]

    @property
    def total(self) -> Places:
        """The length of each payload."""
        last = self.last
        total: Places = self.headers.offset[last] + self.headers.size[last]
        return total

    def most_held(self) -> tuple[int, npt.NDArray[np.bool_]]:
        """What it would take at most to keep them until they are complete, beside a limit for all
        other fragments of the chunk; and which fragments are theirs."""
        headers = self.headers
        begins = self.pieces.frame_begin[headers.rows]
        theirs = np.zeros(len(headers), np.bool_)
        theirs[self.rows] = True
        before = headers.header_end - begins + PACKET_BYTES
        held = headers.size + PIECE_BYTES
        others = int((before + held)[~theirs].sum())
        if not len(self):
            return others, theirs
        held[self.first] += before[self.first]
        held[~theirs] = 0
        held[self.last] -= np.add.reduceat(held[self.rows], self.starts)
        return others + int(held.cumsum().max()), theirs

    def payloads(self, begin: int, end: int) -> Iterator[bytes]:
        """What some of them hold, one after the other."""
        data, headers = self.pieces.data.data, self.headers
        for first, after in zip(
            self.starts[begin:end].tolist(), self.ends[begin:end].tolist(), strict=True
        ):
            at = headers.begin[self.rows[first:after]]
            stop = at + headers.size[self.rows[first:after]]
            yield b"".join([data[a:b] for a, b in zip(at.tolist(), stop.tolist(), strict=True)])

    def joined(self) -> tuple[bytearray, Places, Places, Places]:
        """All of them one behind the other; where each begins, its IP header, and where it ends.

        The headers say no longer that there are fragments: as `Headers.first`, with the length.
        """
        headers, rows, first = self.headers, self.rows, self.first
        row = headers.rows[first]
        frame_begin, header_end = self.pieces.frame_begin[row], headers.header_end[first]
        # A part more for each packet: the headers, before its payloads.
        part = np.arange(len(rows)) + np.repeat(
            np.arange(1, len(self) + 1), self.ends - self.starts
        )
        head = self.starts + np.arange(len(self))
        begins, ends = (np.empty(len(rows) + len(self), np.int64) for _ in range(2))
        begins[part], ends[part] = headers.begin[rows], headers.begin[rows] + headers.size[rows]
        begins[head], ends[head] = frame_begin, header_end
        data = self.pieces.data.data
        whole = bytearray().join(
            [data[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        )

        total = self.total
        length = header_end - frame_begin + total
        end = length.cumsum()
        begin = end - length
        packet = begin + self.pieces.packet[row] - frame_begin
        out = np.frombuffer(whole, np.uint8)
        behind = end - packet
        version = out[packet] >> 4
        old, new = packet[version == 4], packet[version == 6]
        _write(out, old + IPV4_LENGTH_AT, behind[version == 4])
        _write(out, old + IPV4_FRAGMENT_AT, np.zeros(len(old), np.int64))
        _write(out, new + IPV6_LENGTH_AT, behind[version == 6] - IPV6_HEADER)
        named = (headers.next_at[first] - frame_begin + begin)[version == 6]
        out[named] = headers.protocol[first][version == 6]
        return whole, begin, packet, end


def _write(out: npt.NDArray[np.uint8], at: Places, value: Places) -> None:
    """16 bits at each place, 0 where they do not hold the number."""
    value = np.where(value <= MOST_LENGTH, value, 0)
    out[at], out[at + 1] = value >> 8, value & 0xFF
