"""Parts: what the packets of a stream hold, redundant packets taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.decoder import Decoder
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from rtpcap.rtp.red import unwrap_red
from rtpcap.rtp.serial import steps

__all__ = ["Parts"]

Integers = npt.NDArray[np.int64]

AT_ONCE = 1 << 15
"""Packets whose payloads are looked at together: those of several files are copied for it."""


@dataclass(frozen=True, eq=False)
class Parts:
    """n payloads in order of capture; a packet of RFC 2198 gives several, the primary last."""

    packets: Packets
    packet: Integers
    """The row of the packet that each came in, shape (n,)."""
    number: npt.NDArray[np.uint8]
    """Its payload number."""
    offset: npt.NDArray[np.int32]
    """Where it begins in the packet's payload."""
    size: npt.NDArray[np.int32]
    earlier: npt.NDArray[np.int32]
    """How many ticks before the packet's timestamp it was spoken."""
    copy: npt.NDArray[np.bool_]
    """Whether it is a copy of what another packet should have brought."""

    @classmethod
    def of(cls, packets: Packets, formats: Mapping[int, Format]) -> Parts:
        """The parts of packets in order of capture."""
        n = len(packets)
        number = packets.payload_type
        whole = cls(
            packets,
            np.arange(n),
            number,
            np.zeros(n, np.int32),
            packets.payload_size.astype(np.int32),
            np.zeros(n, np.int32),
            np.zeros(n, np.bool_),
        )
        redundant = [key for key, fmt in formats.items() if fmt.is_redundant]
        mine = np.isin(number, redundant)
        if not mine.any():
            return whole
        parts = [whole[np.flatnonzero(~mine)]]
        rows = np.flatnonzero(mine)
        for at in range(0, len(rows), AT_ONCE):
            parts.append(_unwrapped(packets, rows[at : at + AT_ONCE]))
        joined = _joined(parts)
        return joined[np.argsort(joined.packet, kind="stable")]

    def __len__(self) -> int:
        return len(self.packet)

    def __getitem__(self, rows: Integers) -> Parts:
        return Parts(self.packets, *(getattr(self, name)[rows] for name in COLUMNS))

    @property
    def timestamp(self) -> npt.NDArray[np.uint32]:
        """When each was spoken, by the sender's clock."""
        return self.packets.timestamp[self.packet] - self.earlier.astype(np.uint32)

    def payloads(self, rows: Integers | slice) -> Payloads:
        """The bytes of some of them."""
        payloads = self.packets[self.packet[rows]].payloads()
        size = self.size[rows].astype(np.int64)
        return Payloads(payloads.data, payloads.begin + self.offset[rows], size)

    def measured(
        self, decoder: Decoder, rows: Integers
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """How many samples some of them stand for, and a `Reason` each."""
        samples, reason = [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
        for at in range(0, len(rows), AT_ONCE):
            measured = decoder.measure(self.payloads(rows[at : at + AT_ONCE]))
            samples.append(measured.samples)
            reason.append(measured.reason)
        return np.concatenate(samples), np.concatenate(reason)

    def missing_before(self) -> Integers:
        """How many packets up to each part never came, by the sequence numbers of all packets.

        Between two parts as many are missing as these differ.
        """
        extended = steps(self.packets.sequence).cumsum(dtype=np.int64)
        order = np.argsort(extended, kind="stable")
        ahead = np.diff(extended[order], prepend=extended[order[:1]] - 1)
        missing = np.empty(len(order), np.int64)
        missing[order] = np.maximum(ahead - 1, 0).cumsum()
        found: Integers = missing[self.packet]
        return found


COLUMNS = ("packet", "number", "offset", "size", "earlier", "copy")


def _unwrapped(packets: Packets, rows: Integers) -> Parts:
    """The blocks of redundant packets; copies without the primary they came with are left out."""
    payloads = packets[rows].payloads()
    blocks = unwrap_red(payloads)
    kept = (blocks.payloads.size > 0) & (
        np.bincount(blocks.row, blocks.primary, minlength=len(rows))[blocks.row] > 0
    )
    row = blocks.row[kept]
    return Parts(
        packets,
        rows[row],
        blocks.payload_type[kept],
        (blocks.payloads.begin[kept] - payloads.begin[row]).astype(np.int32),
        blocks.payloads.size[kept].astype(np.int32),
        blocks.timestamp_offset[kept].astype(np.int32),
        ~blocks.primary[kept],
    )


def _joined(parts: list[Parts]) -> Parts:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS]
    return Parts(parts[0].packets, *columns)
