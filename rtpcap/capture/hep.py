"""HEP3, by which a capture agent sends on what it saw: the payload, and the addresses it had there.

The format is that of the HEP/EEP specification, revision 3: chunks of vendor, type and length.
"""

from __future__ import annotations

import struct

import numpy as np

from rtpcap.capture.chunk import Chunk, Mask, Payloads, Rows

__all__ = ["hep"]

MAGIC = b"HEP3"
HEAD_BYTES, CHUNK_BYTES = 6, 6
GENERIC = 0
"""The vendor number of the chunks that everybody knows."""
PROTOCOL, SRC_PORT, DST_PORT, PAYLOAD, COMPRESSED = 2, 7, 8, 15, 16
ADDRESSES = ((3, 4, 4), (5, 6, 16))
"""Chunk types of source and destination, and bytes of each, of the two families."""
TCP = 6


def hep(chunk: Chunk, rows: Rows, begin: Rows, end: Rows) -> Mask:
    """Take what is HEP3 among these datagrams; the payloads become datagrams of their own."""
    good = np.zeros(len(rows), np.bool_)
    inner: list[tuple[int, int, int, int, bool]] = []
    snapped = chunk.snapped(rows) & (end == chunk.end(rows))
    for i, (at, stop, short) in enumerate(
        zip(begin.tolist(), end.tolist(), snapped.tolist(), strict=True)
    ):
        data = chunk.data[at:stop].tobytes()
        if data[: len(MAGIC)] != MAGIC:
            continue
        fields, cut = _fields(data, short)
        good[i] = fields is not None
        if fields is None:
            continue
        key = _key(chunk, fields)
        if PAYLOAD in fields and key is not None:
            place, payload = fields[PAYLOAD]
            inner.append((i, key, at + place, at + place + len(payload), cut))
        elif COMPRESSED in fields:
            chunk.unread("HEP3 with a compressed payload", rows[i : i + 1])
        else:
            chunk.something_else("HEP3 without a payload", rows[i : i + 1])
    if inner:
        which, keys, starts, stops, cuts = np.array(inner, np.int64).T
        cut_off = cuts.astype(np.bool_)
        chunk.parts.append(Payloads(rows[which], keys.astype(np.int32), starts, stops, cut_off))
    return good


def _fields(data: bytes, snapped: bool) -> tuple[dict[int, tuple[int, bytes]] | None, bool]:
    """Chunk type -> (place, contents), None where the message contradicts itself; and whether its
    payload is not whole, which it may be where the capture ends inside it."""
    if len(data) < HEAD_BYTES:
        return None, False
    (length,) = struct.unpack_from(">H", data, 4)
    if length < HEAD_BYTES or (length > len(data) and not snapped):
        return None, False
    fields: dict[int, tuple[int, bytes]] = {}
    pos, cut = HEAD_BYTES, False
    while pos + CHUNK_BYTES <= min(length, len(data)):
        vendor, kind, size = struct.unpack_from(">HHH", data, pos)
        if size < CHUNK_BYTES or pos + size > length:
            return None, False
        whole = pos + size <= len(data)
        if vendor == GENERIC and (whole or kind == PAYLOAD):
            fields[kind] = pos + CHUNK_BYTES, data[pos + CHUNK_BYTES : pos + size]
            cut = cut or not whole
        pos += size
    return fields, cut


def _key(chunk: Chunk, fields: dict[int, tuple[int, bytes]]) -> int | None:
    """The key of the flow that the agent saw; None where it does not say."""

    def value(kind: int) -> int:
        return int.from_bytes(fields.get(kind, (0, b""))[1], "big")

    ports = value(SRC_PORT), value(DST_PORT)
    for src_kind, dst_kind, size in ADDRESSES:
        src, dst = (fields.get(kind, (0, b""))[1] for kind in (src_kind, dst_kind))
        if len(src) == len(dst) == size:
            return chunk.flows.key(src, dst, *ports, tcp=value(PROTOCOL) == TCP)
    return None
