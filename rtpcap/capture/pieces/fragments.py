"""IPv4 and IPv6 fragments put together into the packets that were sent (RFC 791, RFC 8200 4.5).

Headers are read for a whole chunk at once, and packets whose fragments come as they were sent are
put together for a whole chunk at once; the other pieces are joined one by one. Copies of the same
traffic, from another interface or from another depth of a tunnel, have other headers before the IP
header and are never joined with each other.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.source import MARGIN
from rtpcap.capture.origins import Origins
from rtpcap.capture.pieces.fragment_headers import (
    IPV4_LENGTH_AT,
    IPV6_HEADER,
    IPV6_LENGTH_AT,
    MOST_LENGTH,
    Headers,
    Pieces,
    version_of,
)
from rtpcap.capture.pieces.partial import PACKET_BYTES, Partial, Piece, Settled
from rtpcap.capture.pieces.plain import PlainPackets
from rtpcap.capture.tables import Tally
from rtpcap.rtp.packets import NO_TIME

__all__ = ["Pieces", "Reassembler", "Whole"]

Places = npt.NDArray[np.int64]

TIMEOUT_NS = 30_000_000_000
"""What Linux waits for IPv4; RFC 791 starts with 15 s, RFC 8200 says 60 s."""
TIMEOUT_FRAGMENTS = 8192
"""The same where frames have no time: so many fragments later."""
MOST_BYTES = 16 << 20
MOST_DONE_BYTES = 1 << 20

TOGETHER = "fragment of a packet put together"
DUPLICATE = "duplicate of a fragment"
MISSING = "fragment of a packet whose other parts are missing"
OVERLAP = "IPv6 fragment of a packet whose fragments overlap"
DIFFERENT = "IPv4 fragment with other bytes than an earlier one"
CONTRADICTION = "fragment that contradicts the length of its packet"
UNDERSTOOD = (TOGETHER, DUPLICATE)
NOT_UNDERSTOOD = (MISSING, OVERLAP, DIFFERENT, CONTRADICTION)


@dataclass(frozen=True, eq=False)
class Whole:
    """Packets put together, columns of shape (n,), in order of the frames that completed them.

    Each is made of the headers that stood before the IP header in the first fragment's frame, that
    IP header (with what is not fragmented behind it) as in a packet that was never fragmented, and
    the payload. The length in the IP header is 0 where it would be more than 65,535, and an IPv4
    header's checksum is still that of the fragment.
    """

    data: npt.NDArray[np.uint8]
    """Their bytes, and at least 128 behind the last, so that headers may be looked at whole."""
    begin: Places
    packet: Places
    """Where the IP header begins."""
    end: Places
    original_end: Places
    """Where it would end, had all been captured: behind `end` if fragments were cut."""
    frame: npt.NDArray[np.uint32]
    """The frame of the fragment that completed it."""
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.begin)


class _Building:
    """The packets that a chunk completes, as they come."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._parts: list[bytes | bytearray] = []
        self._rows: list[int] = []
        self._places: list[tuple[int, int, int, int]] = []
        self._end = 0

    def add(self, row: int, packet: Partial, payload: bytes) -> None:
        header, at = packet.header, packet.packet_at
        if header[at] >> 4 == 4:
            length, length_at = len(header) - at + packet.total, at + IPV4_LENGTH_AT
        else:
            length = len(header) - at - IPV6_HEADER + packet.total
            length_at = at + IPV6_LENGTH_AT
        struct.pack_into(">H", header, length_at, length if length <= MOST_LENGTH else 0)
        begin, begin_payload = self._end, self._end + len(header)
        self._end = begin_payload + len(payload)
        self._parts += (header, payload)
        self._rows.append(row)
        self._places.append((begin, begin + at, self._end, begin_payload + packet.total))

    def whole(self, plain: PlainPackets | None) -> Whole | None:
        """These packets and the plain ones, in order of the frames that completed them."""
        places = np.array(self._places, np.int64).reshape(-1, 4)
        rows = np.array(self._rows, np.int64)
        if plain is not None and len(plain):
            data, begin, packet, end = plain.joined()
            self._parts.append(data)
            more = np.stack((begin, packet, end, end), axis=1) + self._end
            places = np.concatenate([places, more])
            rows = np.concatenate([rows, plain.headers.rows[plain.last]])
            order = np.argsort(rows)
            places, rows = places[order], rows[order]
        if not len(rows):
            return None
        begin, packet, end, original_end = places.T
        pieces = self._pieces
        return Whole(
            data=np.frombuffer(b"".join([*self._parts, bytes(MARGIN)]), np.uint8),
            begin=begin,
            packet=packet,
            end=end,
            original_end=original_end,
            frame=pieces.frame[rows],
            time_ns=pieces.time_ns[rows],
            interface=pieces.interface[rows],
        )


class Reassembler:
    """Puts fragments together, chunk by chunk; made once for a pass through the capture.

    Every fragment has one fate. The frame that completes a packet is left to the reader of the
    packet to count. Its other fragments and duplicates are counted in `other`; in
    `not_understood`, with the reason, those of packets that stay incomplete and those that can be
    of no packet.

    A packet is given up when a fragment comes more than 30 s of the capture's clock after its
    first; when more than `most_bytes` are held, the oldest before the others; and at the end. Its
    identification may be used again as soon as it is complete, but what is a part of one of the
    last packets put together is a duplicate and begins no other.

    Where IPv4 fragments overlap, the bytes that came first stay. By the procedure in RFC 791 the
    later would, and systems differ; but that a later fragment can change what an earlier one said
    is what the attacks in RFC 1858 live on. An IPv6 packet whose fragments overlap is discarded,
    with those still to come (RFC 5722); an exact duplicate is no overlap. A packet of one fragment
    (RFC 6946) is put together alone, whatever others have its identification.

    Fragments that the capture cut complete a packet too; then only its begin is there, up to the
    first byte that was not captured. Which frames a packet came in is noted in `origins`.
    """

    def __init__(
        self,
        other: Tally,
        not_understood: Tally,
        *,
        most_bytes: int = MOST_BYTES,
        origins: Origins | None = None,
    ) -> None:
        self._origins = origins
        self._other, self._not_understood = other, not_understood
        self._most_bytes = most_bytes
        # The oldest first. A plain dict would have to look for its first entry.
        self._packets: OrderedDict[bytes, Partial] = OrderedDict()
        self._held = 0
        self._done: OrderedDict[bytes, Settled] = OrderedDict()
        self._done_held = 0
        self._count = 0
        self._frames: dict[str, list[int]] = {fate: [] for fate in (*UNDERSTOOD, *NOT_UNDERSTOOD)}

    def take(self, pieces: Pieces) -> Whole | None:
        """The packets that the fragments of a chunk complete; None where there are none."""
        if not len(pieces):
            return None
        headers = Headers.read(pieces, self._not_understood)
        rows = headers.rows
        stops = np.minimum(headers.begin + headers.size, pieces.end[rows])
        building = _Building(pieces)
        data = pieces.data.data
        keys = headers.keys()
        plain, left = self._plain(pieces, headers, keys)
        before, done = self._count, 0
        completed = [] if plain is None else plain.last.tolist()
        for at, row, start, end, more, begin, stop, frame, time_ns in zip(
            left.tolist(),
            rows[left].tolist(),
            headers.offset[left].tolist(),
            (headers.offset + headers.size)[left].tolist(),
            headers.more[left].tolist(),
            headers.begin[left].tolist(),
            stops[left].tolist(),
            pieces.frame[rows[left]].tolist(),
            pieces.time_ns[rows[left]].tolist(),
            strict=True,
        ):
            if plain is not None and done < len(plain) and completed[done] < at:
                first, done = done, bisect_left(completed, at)
                self._settle_plain(plain, keys, before, first, done)
            self._count, key = before + at + 1, keys[at]
            piece = Piece(start, end, more, bytes(data[begin:stop]))
            if start == 0 and not more:
                alone = Partial(time_ns, self._count)
                alone.add(piece)
                alone.header, alone.packet_at = headers.first(pieces, at)
                building.add(row, alone, piece.payload)
                continue
            packet = self._packet_of(key, piece, frame, time_ns)
            if packet is None:
                continue
            held = packet.held
            if not self._put(key, packet, piece, frame):
                continue
            if start == 0 and not packet.header:
                packet.header, packet.packet_at = headers.first(pieces, at)
                packet.held += len(packet.header)
            self._held += packet.held - held
            if packet.covered == packet.total:
                payload = packet.payload()
                building.add(row, packet, payload)
                if self._origins is not None:
                    self._origins.joined(frame, packet.frames)
                self._remove(key, TOGETHER)
                self._settle(key, Settled(time_ns, self._count, packet.total, payload))
            else:
                packet.frames.append(frame)
                while self._held > self._most_bytes:
                    self._remove(next(iter(self._packets)), MISSING)
        if plain is not None:
            self._settle_plain(plain, keys, before, done, len(plain))
        self._count = before + len(keys)
        self._tell()
        return building.whole(plain)

    def _plain(
        self, pieces: Pieces, headers: Headers, keys: list[bytes]
    ) -> tuple[PlainPackets | None, Places]:
        """The plain packets of a chunk, and the fragments that are left: rows of its headers."""
        every = np.arange(len(keys))
        # Who wants to know the frames of each packet gets them from the slow way.
        if self._origins is not None or len(keys) < 2:
            return None, every
        busy = (self._packets, self._done)
        plain = PlainPackets.find(pieces, headers, keys, busy, TIMEOUT_NS)
        most, theirs = plain.most_held()
        # They are not held, but if they were, others might have to go.
        if not len(plain) or self._held + most > self._most_bytes:
            return None, every
        together = theirs.copy()
        together[plain.last] = False
        self._other.add(TOGETHER, pieces.frame[headers.rows[together]])
        return plain, np.flatnonzero(~theirs)

    def _settle_plain(
        self, plain: PlainPackets, keys: list[bytes], before: int, begin: int, end: int
    ) -> None:
        """Remember plain packets as `_settle` does; of many at once, only those that will stay."""
        held = (plain.total[begin:end] + PACKET_BYTES)[::-1].cumsum()
        stay = int(np.searchsorted(held, MOST_DONE_BYTES, side="right"))
        if stay < end - begin:
            self._done.clear()
            self._done_held = 0
            begin = end - stay
        last = plain.last[begin:end]
        times = plain.pieces.time_ns[plain.headers.rows[last]]
        for at, time_ns, total, payload in zip(
            last.tolist(),
            times.tolist(),
            plain.total[begin:end].tolist(),
            plain.payloads(begin, end),
            strict=True,
        ):
            self._settle(keys[at], Settled(time_ns, before + at + 1, total, payload))

    def finish(self) -> None:
        """Count what stayed incomplete: nothing more will come."""
        while self._packets:
            self._remove(next(iter(self._packets)), MISSING)
        self._done.clear()
        self._done_held = 0
        self._tell()

    def _packet_of(self, key: bytes, piece: Piece, frame: int, time_ns: int) -> Partial | None:
        """The packet of a fragment, a new one if need be; None where it can be part of none."""
        packet = self._packets.get(key)
        if packet is not None and self._lapsed(packet, time_ns):
            self._remove(key, MISSING)
            packet = None
        if packet is not None:
            if packet.contradicted(piece):
                self._frames[CONTRADICTION].append(frame)
                return None
            return packet
        done = self._done.get(key)
        if done is not None and not self._lapsed(done, time_ns):
            if done.payload is None:
                self._frames[OVERLAP].append(frame)
                return None
            if done.has(piece):
                self._frames[DUPLICATE].append(frame)
                return None
        packet = self._packets[key] = Partial(time_ns, self._count)
        self._held += packet.held
        return packet

    def _put(self, key: bytes, packet: Partial, piece: Piece, frame: int) -> bool:
        """Add a fragment to its packet; False where there was nothing new, or it was discarded."""
        if packet.add(piece):
            return True
        done = self._done.get(key)
        if packet.has(piece) or (done is not None and done.has(piece)):
            self._frames[DUPLICATE].append(frame)
            return False
        if version_of(key) == 6:
            self._frames[OVERLAP].append(frame)
            self._settle(key, Settled(packet.time_ns, packet.arrival))
            self._remove(key, OVERLAP)
            return False
        covered = packet.covered
        agrees = packet.fill(piece)
        if packet.covered > covered:
            return True
        self._frames[DUPLICATE if agrees else DIFFERENT].append(frame)
        return False

    def _lapsed(self, packet: Partial | Settled, time_ns: int) -> bool:
        """Whether a fragment comes too late, or from too long before, to belong to a packet."""
        if time_ns == NO_TIME or packet.time_ns == NO_TIME:
            return self._count - packet.arrival > TIMEOUT_FRAGMENTS
        return abs(time_ns - packet.time_ns) > TIMEOUT_NS

    def _remove(self, key: bytes, fate: str) -> None:
        """Let go of a packet; its fragments have that fate."""
        packet = self._packets.pop(key)
        self._held -= packet.held
        self._frames[fate] += packet.frames

    def _settle(self, key: bytes, done: Settled) -> None:
        """Remember a packet for which no fragment is awaited, as one of the last."""
        earlier = self._done.pop(key, None)
        if earlier is not None:
            self._done_held -= earlier.held
        self._done[key] = done
        self._done_held += done.held
        while self._done_held > MOST_DONE_BYTES:
            self._done_held -= self._done.popitem(last=False)[1].held

    def _tell(self) -> None:
        """Count the frames whose fate is known."""
        for fate, frames in self._frames.items():
            tally = self._other if fate in UNDERSTOOD else self._not_understood
            tally.add(fate, frames)
            frames.clear()
