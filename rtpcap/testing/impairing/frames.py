"""The frames of a capture as bytes, and packets written anew in them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.source import Source
from rtpcap.rtp.header import HEADER_BYTES

__all__ = ["Change", "Frames", "Rewritten", "rewrite"]

UDP_HEADER = 8
UDP = struct.Struct(">HHHH")
HEADER = struct.Struct(">BBHII")
MARKER = 0x80


@dataclass(frozen=True, eq=False)
class Frames:
    """Where the n frames of a file lie in it, columns of shape (n,); frame 1 is row 0."""

    data: npt.NDArray[np.uint8]
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    original: npt.NDArray[np.int64]
    time_ns: npt.NDArray[np.int64]
    link: npt.NDArray[np.uint16]
    interface: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, source: Source) -> Frames:
        """All frames of a file; reads it once."""
        columns = []
        for records in source.chunks():
            n = len(records)
            columns.append(
                (
                    records.begin + records.base,
                    records.end + records.base,
                    records.original.copy(),
                    records.time_ns.copy(),
                    np.broadcast_to(np.asarray(records.link, np.uint16), n),
                    np.broadcast_to(np.asarray(records.interface, np.uint16), n),
                )
            )
        whole = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
        return cls(source.mapped()[0].data, *whole)

    def __len__(self) -> int:
        return len(self.begin)

    def bytes_of(self, row: int) -> bytes:
        return self.data[self.begin[row] : self.end[row]].tobytes()


@dataclass(frozen=True)
class Change:
    """The numbers that a packet has now, and what else happens to it."""

    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    bit: int = -1
    kept: int = -1


@dataclass(frozen=True)
class Rewritten:
    """A frame's bytes with a packet written anew, and its length on the wire."""

    data: bytes
    original: int
    mended: bool
    """Whether a checksum that covers the packet was mended, or none is there."""


def rewrite(data: bytes, original: int, begin: int, size: int, change: Change) -> Rewritten:
    """A frame in which the RTP packet of `size` bytes at `begin` is changed.

    The checksum of UDP is brought up to date (RFC 1624); what a frame that was cut does not hold
    of the packet stays unknown.
    """
    packet = bytearray(data[begin : begin + size])
    first, second, *_ = HEADER.unpack_from(packet)
    second = second & ~MARKER | (MARKER if change.marker else 0)
    HEADER.pack_into(packet, 0, first, second, change.sequence, change.timestamp, change.ssrc)
    if change.bit >= 0:
        packet[change.bit >> 3] ^= 0x80 >> (change.bit & 7)
    out = bytearray(data)
    out[begin : begin + size] = packet
    mended = _mend(out, data, begin, size)
    if change.kept < 0:
        return Rewritten(bytes(out), original, mended)
    # As a capture that keeps less: the frame was as long as before.
    return Rewritten(bytes(out[: begin + max(change.kept, HEADER_BYTES)]), original, mended)


def _mend(out: bytearray, before: bytes, begin: int, size: int) -> bool:
    """Bring the checksum of the UDP header before the packet up to date; whether that was one."""
    at = begin - UDP_HEADER
    if at < 0:
        return False
    _, _, length, checksum = UDP.unpack_from(before, at)
    if length < UDP_HEADER + size:
        # What stands before the packet is no UDP header: it lies in something else.
        return False
    if checksum:
        total = ~checksum & 0xFFFF
        total += int(_words(out, begin, size).sum()) + int(
            (0xFFFF - _words(before, begin, size)).sum()
        )
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        UDP.pack_into(out, at, *UDP.unpack_from(before, at)[:3], (~total & 0xFFFF) or 0xFFFF)
    return True


def _words(data: bytes | bytearray, begin: int, size: int) -> npt.NDArray[np.int64]:
    part = bytes(data[begin : begin + size]) + bytes(size & 1)
    return np.frombuffer(part, ">u2").astype(np.int64)
