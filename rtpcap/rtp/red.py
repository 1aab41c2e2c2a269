"""Redundant audio (RFC 2198): the payload <-> its blocks, the oldest first, the primary last::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |1|   block PT  |  timestamp offset         |   block length    |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |0|   block PT  |  data of the blocks, in the order of the headers ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

A block's time is the packet's timestamp less its offset. It has no sequence number: which lost
packet it is a copy of, the timestamp alone tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.header import WORD_BYTES, Field, split
from rtpcap.rtp.payloads import Payloads

__all__ = ["BLOCK_HEADER", "RedBlock", "RedBlocks", "build_red", "unwrap_red"]

BLOCK_HEADER = (
    #     name                 word shift bits
    Field("follows", 0, 31, 1),
    Field("payload_type", 0, 24, 7),
    Field("timestamp_offset", 0, 10, 14),
    Field("length", 0, 0, 10),
)

LAST_HEADER_BYTES = 1
MOST_BLOCKS = 64
"""Copies in one packet that are looked at; senders use two or three."""


class RedBlock(NamedTuple):
    """One block, for building."""

    payload_type: int
    timestamp_offset: int
    data: bytes


@dataclass(frozen=True, eq=False)
class RedBlocks:
    """The blocks of n payloads, in the order of the payloads and in each as they are sent."""

    row: npt.NDArray[np.int64]
    """Which payload each block came in, shape (k,)."""
    payload_type: npt.NDArray[np.uint8]
    timestamp_offset: npt.NDArray[np.int64]
    """How much earlier than the packet's timestamp it was spoken; 0 for the primary."""
    primary: npt.NDArray[np.bool_]
    """Whether it is no copy."""
    payloads: Payloads
    """Their data."""
    torn: npt.NDArray[np.bool_]
    """Payloads whose blocks do not fit, shape (n,): those that do are there."""


def unwrap_red(payloads: Payloads) -> RedBlocks:
    """The blocks of redundant payloads; views of the same bytes.

    A block of length 0 is one with nothing in it (section 3 allows it for the primary too).
    """
    n = len(payloads)
    begin, end = payloads.begin, payloads.begin + payloads.size
    torn = np.zeros(n, np.bool_)
    rows = np.arange(n)
    at = begin.copy()
    headers: list[tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.int64]]]] = []
    while len(rows):
        there = at[rows] < end[rows]
        torn[rows[~there]] = True
        rows = rows[there]
        first = payloads.data[at[rows]].astype(np.int64)
        more = first >> 7 == 1
        whole = ~more | (at[rows] + WORD_BYTES <= end[rows])
        whole &= len(headers) < MOST_BLOCKS
        torn[rows[~whole]] = True
        rows, first, more = rows[whole], first[whole], more[whole]
        word = first << 24
        for i in range(1, WORD_BYTES):
            word[more] |= payloads.data[at[rows[more]] + i].astype(np.int64) << (24 - 8 * i)
        fields = split((word,), BLOCK_HEADER)
        headers.append((rows, {name: np.asarray(value) for name, value in fields.items()}))
        at[rows] += np.where(more, WORD_BYTES, LAST_HEADER_BYTES)
        rows = rows[more]

    columns: dict[str, list[npt.NDArray[np.int64]]] = {}
    for depth, (rows, fields) in enumerate(headers):
        last = fields["follows"] == 0
        # Without its last header no length in it can be trusted: where the data begins is unknown.
        sound = ~torn[rows]
        length = np.where(last, end[rows] - at[rows], fields["length"])
        fits = sound & (length >= 0) & (at[rows] + length <= end[rows])
        unfit = rows[sound & ~fits]
        keep = rows[fits]
        for name, values in (
            ("row", keep),
            ("depth", np.full(len(keep), depth)),
            ("payload_type", fields["payload_type"][fits]),
            ("offset", np.where(last, 0, fields["timestamp_offset"])[fits]),
            ("primary", last[fits].astype(np.int64)),
            ("begin", at[keep]),
            ("size", length[fits]),
        ):
            columns.setdefault(name, []).append(np.asarray(values, np.int64))
        at[keep] += length[fits]
        torn[unfit] = True
    if not headers:
        names = ("row", "depth", "payload_type", "offset", "primary", "begin", "size")
        columns = {name: [np.empty(0, np.int64)] for name in names}
    table = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.lexsort((table["depth"], table["row"]))
    table = {name: column[order] for name, column in table.items()}
    return RedBlocks(
        row=table["row"],
        payload_type=table["payload_type"].astype(np.uint8),
        timestamp_offset=table["offset"],
        primary=table["primary"].astype(np.bool_),
        payloads=Payloads(payloads.data, table["begin"], table["size"]),
        torn=torn,
    )


def build_red(copies: Sequence[RedBlock], primary: RedBlock) -> bytes:
    """The payload of a primary block and copies of earlier ones, the oldest first.

    Raises ValueError for what its fields cannot hold.
    """
    head = b""
    for block in copies:
        values = {
            "follows": 1,
            "payload_type": block.payload_type,
            "timestamp_offset": block.timestamp_offset,
            "length": len(block.data),
        }
        word = 0
        for field in BLOCK_HEADER:
            if not 0 <= values[field.name] < 1 << field.bits:
                raise ValueError(
                    f"{field.name} {values[field.name]} has more than {field.bits} bits"
                )
            word |= values[field.name] << field.shift
        head += word.to_bytes(WORD_BYTES, "big")
    if not 0 <= primary.payload_type < 1 << 7 or primary.timestamp_offset:
        raise ValueError("the primary block has a payload type of 7 bits and no offset")
    data = b"".join(block.data for block in (*copies, primary))
    return head + bytes([primary.payload_type]) + data
