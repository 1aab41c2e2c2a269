"""Classic pcap: a file header of 24 bytes, then records of a header and a frame."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.lanes import ByteOrder, Chain
from rtpcap.capture.names import told_link
from rtpcap.capture.source import MOST_BYTES, Part, Source
from rtpcap.capture.tables import Records
from rtpcap.capture.walk import walk
from rtpcap.errors import CaptureError

__all__ = ["LONGEST_USUAL", "PcapSource", "is_pcap"]

FILE_HEADER = 24
LONGEST_USUAL = 262_144
"""libpcap's largest snap length: a record is longer only where the file header allows it."""


@dataclass(frozen=True)
class Variant:
    """What a magic number says: byte order, length of a record's header, ns per fraction unit."""

    order: ByteOrder
    record_header: int
    fraction_ns: int


VARIANTS = {
    magic.to_bytes(4, "little" if order == "<" else "big"): Variant(order, header, fraction_ns)
    for magic, header, fraction_ns in (
        (0xA1B2C3D4, 16, 1000),
        (0xA1B23C4D, 16, 1),
        # Kuznetzov's variant: interface, protocol and packet type follow in each record.
        (0xA1B2CD34, 24, 1000),
    )
    for order in ("<", ">")
}


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins so is a classic pcap."""
    return head[:4] in VARIANTS


class PcapSource(Source):
    """A classic pcap file, in any byte order and resolution."""

    format = "pcap"

    def _start(self, head: bytes) -> int:
        if len(head) < FILE_HEADER:
            raise CaptureError(
                f"{self.path}: the file ends inside its header: {len(head)} of {FILE_HEADER} bytes"
            )
        variant = VARIANTS.get(head[:4])
        if variant is None:
            raise CaptureError(f"{self.path}: the file was changed while it was read")
        self._variant = variant
        order = variant.order
        snap_length, link = struct.unpack_from(f"{order}II", head, 16)
        # The upper half of the word holds the length of a frame check sequence.
        self._link = told_link(link)
        usual = max(LONGEST_USUAL, snap_length if snap_length <= MOST_BYTES else 0)
        self._chain = Chain(
            order,
            field=8,
            extra=self._variant.record_header,
            least=0,
            most=usual,
            # The upper half of the seconds stays as it is for eighteen hours.
            signature=(2, 4) if order == "<" else (0, 2),
        )
        self._record = np.dtype(
            [(name, f"{order}u4") for name in ("seconds", "fraction", "captured", "original")]
        )
        self._links = {self._link: None}
        return FILE_HEADER

    def _read(self, data: npt.NDArray[np.uint8], begin: int, end: int, base: int) -> Part:
        begins, stop = walk(data, begin, end, self._chain)
        needed = self._chain.needed(data, stop, end)
        reason = f"a record claims more than {self._chain.most} captured bytes"
        tables = [self._table(data, begins, base)] if len(begins) else []
        return Part(tables, stop, reason if needed is None else needed)

    def _table(
        self, data: npt.NDArray[np.uint8], begins: npt.NDArray[np.int64], base: int
    ) -> Records:
        heads = np.ndarray((len(data) - 15,), self._record, data, 0, (1,))[begins]
        time_ns = heads["seconds"].astype(np.int64)
        time_ns *= 1_000_000_000
        time_ns += heads["fraction"].astype(np.int64) * self._variant.fraction_ns
        frames = begins + self._variant.record_header
        return Records(
            data=data,
            base=base,
            frame=np.arange(self.frames + 1, self.frames + 1 + len(begins), dtype=np.uint32),
            begin=frames,
            end=frames + heads["captured"],
            original=heads["original"].astype(np.int64),
            time_ns=time_ns,
            link=self._link,
        )
