"""Packets: many RTP packets as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault, RTPParseError
from rtpcap.rtp.header import (
    EXTENSION_HEAD_BYTES,
    FIXED_HEADER,
    HEADER_BYTES,
    RTP_VERSION,
    WORD_BYTES,
    split,
)
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.payload_types import PAYLOAD_NUMBERS, STATIC_FORMATS, PayloadType
from rtpcap.rtp.payloads import Payloads, gather

__all__ = ["NO_TIME", "Packets"]

NO_TIME = int(np.iinfo(np.int64).min)
"""In a `time_ns` column: the capture gives this packet no time."""

MOST_BYTES = int(np.iinfo(np.uint16).max)
"""No UDP payload is longer; what lies beyond is left aside, and the packet marked as cut."""

FIELDS = {field.name: field for field in FIXED_HEADER}
PLAIN = RTP_VERSION << 30
FIRST_BYTE_MASK = 0xFF << 24
FIRST_FIELDS = FIXED_HEADER[:4]

EVERY_NUMBER = {
    number: PayloadType(number) if number in STATIC_FORMATS else PayloadType.UNKNOWN
    for number in range(PAYLOAD_NUMBERS)
}

Block = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Packets:
    """RTP packets as columns of shape (n,), in capture order; made by `parse`.

    The payloads stay where they were captured, in `blocks`. ``packets[17]`` is an `RTPMessage`;
    a slice, index array or mask gives the `Packets` of those rows.
    """

    blocks: tuple[Block, ...]
    """Where the packets lie: block 0 is the capture file, block 1 what was put together from
    pieces; further ones are the further files of a capture that has several."""
    block: npt.NDArray[np.uint16]
    """In which block each packet lies."""
    begin: npt.NDArray[np.int64]
    """Its first byte there."""
    size: npt.NDArray[np.uint16]
    """How many bytes of it were captured, header included."""
    word0: npt.NDArray[np.uint32]
    """The header's first word; 0 where there are not 12 bytes."""
    timestamp: npt.NDArray[np.uint32]
    """Their timestamps, in ticks of the sender's clock."""
    ssrc: npt.NDArray[np.uint32]
    """Their synchronization sources."""
    payload_offset: npt.NDArray[np.uint16]
    """From `begin` to its payload."""
    payload_size: npt.NDArray[np.uint16]
    """Bytes of payload, without padding; 0 where a fault hides where they are."""
    fault: npt.NDArray[np.uint8]
    """A `Fault` each, 0 for none."""
    frame: npt.NDArray[np.uint32]
    """1-based numbers of the frames."""
    time_ns: npt.NDArray[np.int64]
    """Nanoseconds since 1970, `NO_TIME` where there is none."""

    @classmethod
    def parse(
        cls,
        blocks: Sequence[Block],
        begin: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
        *,
        block: npt.NDArray[np.uint16] | None = None,
        frame: npt.NDArray[np.uint32] | None = None,
        time_ns: npt.NDArray[np.int64] | None = None,
        cut: npt.NDArray[np.bool_] | None = None,
    ) -> Packets:
        """The packets at ``blocks[block][begin:end]``, all columns of shape (n,).

        `block` is 0 where not given, `frame` counts from 1, `time_ns` is `NO_TIME`; `cut` marks
        packets whose end was not captured. A packet that is none is a row with a fault (RFC 3550
        section 5.1): the same as an `RTPMessage` would raise, but for payload numbers without a
        name, which are no fault.
        """
        n = len(begin)
        if block is None:
            block = np.zeros(n, np.uint16)
        length = end - begin
        fault = np.zeros(n, np.uint8)
        if cut is not None and cut.any():
            fault[cut] = Fault.CUT
        if n and length.max() > MOST_BYTES:
            fault[length > MOST_BYTES] = Fault.CUT
            length = np.minimum(length, MOST_BYTES)
        words = _words(blocks, block, begin, length)
        word0 = words[:, 0].astype(np.uint32)
        offset = np.full(n, HEADER_BYTES, np.int64)
        size = length - HEADER_BYTES
        special = (word0 & np.uint32(FIRST_BYTE_MASK)) != np.uint32(PLAIN)
        # A packet of less than a header has zeros for words, so it is among these.
        if special.any():
            _unusual(
                blocks, block, begin, length, word0, np.flatnonzero(special), offset, size, fault
            )
        return cls(
            blocks=tuple(blocks),
            block=block,
            begin=begin,
            size=length.astype(np.uint16),
            word0=word0,
            timestamp=words[:, 1].astype(np.uint32),
            ssrc=words[:, 2].astype(np.uint32),
            payload_offset=offset.astype(np.uint16),
            payload_size=size.astype(np.uint16),
            fault=fault,
            frame=np.arange(1, n + 1, dtype=np.uint32) if frame is None else frame,
            time_ns=np.full(n, NO_TIME) if time_ns is None else time_ns,
        )

    def __len__(self) -> int:
        return len(self.begin)

    @overload
    def __getitem__(self, rows: int) -> RTPMessage: ...
    @overload
    def __getitem__(
        self, rows: slice | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]
    ) -> Packets: ...
    def __getitem__(
        self, rows: int | slice | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]
    ) -> RTPMessage | Packets:
        if isinstance(rows, (int, np.integer)):
            return self._message(int(rows))
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return Packets(blocks=self.blocks, **columns)

    def _message(self, row: int) -> RTPMessage:
        # A payload number without a name does not make a packet faulty.
        try:
            return RTPMessage(self.raw(row), EVERY_NUMBER)
        except RTPParseError as error:
            error.frame = int(self.frame[row])
            raise

    def _field(self, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        field = FIELDS[name]
        word = (self.word0, self.timestamp, self.ssrc)[field.word]
        if field.shift:
            word = word >> np.uint32(field.shift)
        # A cast to as many bits as the field has does what its mask would.
        if field.bits < 8 * np.dtype(kind).itemsize:
            word = word & np.uint32(field.mask)
        return word.astype(kind)

    @property
    def version(self) -> npt.NDArray[np.uint8]:
        """The version of RTP: 2, where the packet has no fault."""
        return self._field("version", np.uint8)

    @property
    def padding(self) -> npt.NDArray[np.bool_]:
        """Whether padding follows the payload (P)."""
        return self._field("padding", np.bool_)

    @property
    def extension(self) -> npt.NDArray[np.bool_]:
        """Whether a header extension is there (X)."""
        return self._field("extension", np.bool_)

    @property
    def csrc_count(self) -> npt.NDArray[np.uint8]:
        """How many contributing sources are listed (CC)."""
        return self._field("csrc_count", np.uint8)

    @property
    def marker(self) -> npt.NDArray[np.bool_]:
        """The marker bit (M)."""
        return self._field("marker", np.bool_)

    @property
    def payload_type(self) -> npt.NDArray[np.uint8]:
        """The payload number (PT)."""
        return self._field("payload_type", np.uint8)

    @property
    def sequence(self) -> npt.NDArray[np.uint16]:
        """The sequence number, which wraps after 65535."""
        return self._field("sequence", np.uint16)

    @property
    def payload_begin(self) -> npt.NDArray[np.int64]:
        """The first byte of each payload in its block."""
        return self.begin + self.payload_offset

    @property
    def payload_end(self) -> npt.NDArray[np.int64]:
        """The byte after each payload."""
        return self.payload_begin + self.payload_size

    def raw(self, row: int) -> bytes:
        """The bytes of one packet, as captured."""
        return self._bytes(row, int(self.begin[row]), int(self.size[row]))

    def payload(self, row: int) -> bytes:
        """The payload of one packet."""
        begin = int(self.begin[row]) + int(self.payload_offset[row])
        return self._bytes(row, begin, int(self.payload_size[row]))

    def _bytes(self, row: int, begin: int, size: int) -> bytes:
        return bytes(self.blocks[self.block[row]][begin : begin + size])

    def payloads(self) -> Payloads:
        """All payloads as rows; views of the block where they lie in one, otherwise copies."""
        begin, size = self.payload_begin, self.payload_size.astype(np.int64)
        numbers = np.unique(self.block).tolist()
        if len(numbers) <= 1:
            return Payloads(self.blocks[numbers[0] if numbers else 0], begin, size)
        parts, filled = [], 0
        for number in numbers:
            rows = self.block == number
            parts.append(gather(self.blocks[number], begin[rows], size[rows]))
            begin[rows] = size[rows].cumsum() - size[rows] + filled
            filled += len(parts[-1])
        return Payloads(np.concatenate(parts), begin, size)

    def take_payloads(self, size: int) -> npt.NDArray[np.uint8]:
        """The first `size` bytes of each payload, shape (n, size).

        Raises ValueError where a payload is shorter.
        """
        if not size or not len(self):
            return np.empty((len(self), size), np.uint8)
        if self.payload_size.min() < size:
            raise ValueError(f"a payload is shorter than {size} bytes")
        return _take(self.blocks, self.block, self.payload_begin, size)


COLUMNS = [field.name for field in fields(Packets) if field.name != "blocks"]


def _take(
    blocks: Sequence[Block],
    block: npt.NDArray[np.uint16],
    begin: npt.NDArray[np.int64],
    size: int,
) -> npt.NDArray[np.uint8]:
    """`size` bytes at each of k places, shape (k, size)."""
    if len(blocks) == 1 or not block.any():
        return _taken(blocks[0], begin, size)
    out = np.empty((len(begin), size), np.uint8)
    for number in np.unique(block).tolist():
        rows = block == number
        out[rows] = _taken(blocks[number], begin[rows], size)
    return out


def _taken(data: Block, begin: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
    # One record of `size` bytes at every byte of the block: a row costs one unaligned copy.
    places = len(data) - size + 1
    records = np.ndarray((places,), np.dtype((np.void, size)), data, 0, (1,))
    return records[begin].view(np.uint8).reshape(len(begin), size)


def _words(
    blocks: Sequence[Block],
    block: npt.NDArray[np.uint16],
    begin: npt.NDArray[np.int64],
    length: npt.NDArray[np.int64],
) -> npt.NDArray[Any]:
    """The header's three words of n packets, shape (n, 3); zeros where a header is not whole."""
    if not len(begin):
        return np.zeros((0, 3), ">u4")
    if length.min() >= HEADER_BYTES:
        return _take(blocks, block, begin, HEADER_BYTES).view(">u4")
    words = np.zeros((len(begin), 3), ">u4")
    rows = np.flatnonzero(length >= HEADER_BYTES)
    if len(rows):
        words[rows] = _take(blocks, block[rows], begin[rows], HEADER_BYTES).view(">u4")
    return words


def _unusual(
    blocks: Sequence[Block],
    block: npt.NDArray[np.uint16],
    begin: npt.NDArray[np.int64],
    length: npt.NDArray[np.int64],
    word0: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    size: npt.NDArray[np.int64],
    fault: npt.NDArray[np.uint8],
) -> None:
    """Payload bounds and faults of the rows that are more, or less, than header and payload."""

    def fail(wrong: npt.NDArray[np.int64], reason: Fault) -> None:
        fault[wrong] = reason
        # Nowhere: at the packet's end.
        offset[wrong] = length[wrong]
        size[wrong] = 0

    def without(those: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        sound = (fault[those] == Fault.NONE) | (fault[those] == Fault.CUT)
        return np.asarray(those[sound])

    fail(rows[length[rows] < HEADER_BYTES], Fault.HEADER)
    rows = without(rows)
    right = split((word0[rows],), FIRST_FIELDS)["version"] == RTP_VERSION
    fail(rows[~right], Fault.VERSION)

    rows = rows[right]
    header = split((word0[rows],), FIRST_FIELDS)
    offset[rows] += header["csrc_count"].astype(np.int64) * WORD_BYTES
    fail(rows[offset[rows] > length[rows]], Fault.CSRC)

    extended = without(rows[header["extension"] == 1])
    has_head = offset[extended] + EXTENSION_HEAD_BYTES <= length[extended]
    fail(extended[~has_head], Fault.EXTENSION)
    extended = extended[has_head]
    if len(extended):
        head = _take(
            blocks, block[extended], begin[extended] + offset[extended], EXTENSION_HEAD_BYTES
        )
        words = head.view(">u2")[:, 1].astype(np.int64)
        offset[extended] += EXTENSION_HEAD_BYTES + words * WORD_BYTES
        fail(extended[offset[extended] > length[extended]], Fault.EXTENSION)

    whole = without(rows)
    size[whole] = length[whole] - offset[whole]
    # Where the end was cut off, so was the padding's count.
    padded = rows[(header["padding"] == 1) & (fault[rows] == Fault.NONE)]
    if len(padded):
        last = begin[padded] + length[padded] - 1
        count = _take(blocks, block[padded], last, 1)[:, 0].astype(np.int64)
        wrong = (count == 0) | (count > size[padded])
        size[padded] -= count
        fail(padded[wrong], Fault.PADDING)
