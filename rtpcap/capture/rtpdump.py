"""rtpdump, the format of rtptools: RTP and RTCP packets alone, without the headers they came in.

::

    #!rtpplay1.0 address/port\\n
     0                   1                   2                   3
    +-------------------------------+-------------------------------+
    |                  start: seconds, microseconds                 |   8 bytes
    |                            address                            |
    |             port              |            padding            |
    +-------------------------------+-------------------------------+

and then for each packet, all big-endian:

    +-------------------------------+-------------------------------+
    |  length with these 8 bytes    |  the packet's own, 0 for RTCP |
    |                milliseconds since the start                   |
    +---------------------------------------------------------------+

The address is the one the packets were sent to; where from is not told.
"""

from __future__ import annotations

import ipaddress
import struct

import numpy as np
import numpy.typing as npt

from rtpcap.capture.chunk import Chunk, Payloads, Rows
from rtpcap.capture.names import RTPDUMP
from rtpcap.capture.source import Part, Source
from rtpcap.capture.tables import Flow, Records
from rtpcap.errors import CaptureError

__all__ = ["BINARY_HEADER", "MAGIC", "RECORD", "RtpdumpSource", "is_rtpdump", "packets"]

MAGIC = b"#!rtpplay1.0 "
LONGEST_LINE = 256
"""Of the line that begins the file: an address and a port take less."""
BINARY_HEADER = struct.Struct(">IIIHH")
RECORD = np.dtype([("length", ">u2"), ("packet", ">u2"), ("offset_ms", ">u4")])
UNKNOWN = "0.0.0.0"


def is_rtpdump(head: bytes) -> bool:
    """Whether a file that begins so is an rtpdump."""
    return head.startswith(MAGIC)


class RtpdumpSource(Source):
    """An rtpdump file: each record is a frame that is nothing but an RTP or RTCP packet."""

    format = "rtpdump"
    header_bytes = LONGEST_LINE + BINARY_HEADER.size

    def _start(self, head: bytes) -> int:
        if not is_rtpdump(head):
            raise CaptureError(f"{self.path}: the file was changed while it was read")
        line, newline, _ = head[:LONGEST_LINE].partition(b"\n")
        begin = len(line) + 1
        if not newline and len(head) >= LONGEST_LINE:
            raise CaptureError(f"{self.path}: an rtpdump whose first line does not end")
        if len(head) < begin + BINARY_HEADER.size:
            raise CaptureError(f"{self.path}: the file ends inside its header")
        seconds, micros, address, port, _ = BINARY_HEADER.unpack_from(head, begin)
        self._start_ns = seconds * 1_000_000_000 + micros * 1000
        self._flow = _told(line[len(MAGIC) :]) or Flow(
            UNKNOWN, 0, str(ipaddress.IPv4Address(address)), port
        )
        self._links = {RTPDUMP: None}
        return begin + BINARY_HEADER.size

    def _read(self, data: npt.NDArray[np.uint8], begin: int, end: int, base: int) -> Part:
        begins, pos = list[int](), begin
        length_at = struct.Struct(">H").unpack_from
        view = data.data
        needed: int | str = RECORD.itemsize
        # Record by record: such files are small, and their lengths have 16 bits.
        while pos + RECORD.itemsize <= end:
            (length,) = length_at(view, pos)
            if length < RECORD.itemsize:
                needed = "a record is shorter than its own header"
                break
            if pos + length > end:
                needed = length
                break
            begins.append(pos)
            pos += length
        tables = [self._table(data, np.array(begins, np.int64), base)] if begins else []
        return Part(tables, pos, needed)

    def _table(
        self, data: npt.NDArray[np.uint8], begins: npt.NDArray[np.int64], base: int
    ) -> Records:
        heads = np.ndarray((len(data) - RECORD.itemsize + 1,), RECORD, data, 0, (1,))[begins]
        captured = heads["length"].astype(np.int64) - RECORD.itemsize
        own = heads["packet"].astype(np.int64)
        begin = begins + RECORD.itemsize
        return Records(
            data=data,
            base=base,
            frame=np.arange(self.frames + 1, self.frames + 1 + len(begins), dtype=np.uint32),
            begin=begin,
            end=begin + captured,
            original=np.maximum(own, captured),
            time_ns=self._start_ns + heads["offset_ms"].astype(np.int64) * 1_000_000,
            link=RTPDUMP,
            flow=self._flow,
        )


def _told(text: bytes) -> Flow | None:
    """The flow to the address and port of the first line, as ``10.0.0.1/4000``; None without."""
    address, _, port = text.decode("ascii", "replace").strip().partition("/")
    try:
        dst = ipaddress.ip_address(address)
    except ValueError:
        return None
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    src = UNKNOWN if dst.version == 4 else "::"
    return Flow(src, 0, str(dst), number if number < 1 << 16 else 0)


def packets(chunk: Chunk, rows: Rows, at: Rows) -> None:
    """The layer of an rtpdump's frames: each is a payload, all of one flow."""
    records = chunk.records
    flow = records.flow or Flow(UNKNOWN, 0, UNKNOWN, 0)
    src, dst = (ipaddress.ip_address(end).packed for end in (flow.src, flow.dst))
    key = chunk.flows.key(src, dst, flow.src_port, flow.dst_port, tcp=False)
    end = chunk.end(rows)
    cut = end - at < records.original[rows]
    chunk.parts.append(Payloads(rows, np.full(len(rows), key, np.int32), at, end, cut))
