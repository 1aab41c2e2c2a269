"""Options of pcapng blocks: (code, value) pairs, padded to four bytes each (draft section 3.5)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from rtpcap.capture.lanes import ByteOrder

__all__ = ["COMMENT", "END", "Options", "build_options", "parse_options"]

END, COMMENT = 0, 1
HEAD = 4
LONGEST = 0xFFFF

Options = tuple[tuple[int, bytes], ...]


def parse_options(data: bytes, order: ByteOrder) -> Options:
    """The options in some bytes, in their order; what does not fit ends them."""
    found, pos = [], 0
    while pos + HEAD <= len(data):
        code, size = struct.unpack_from(f"{order}HH", data, pos)
        pos += HEAD
        if code == END or pos + size > len(data):
            break
        found.append((code, data[pos : pos + size]))
        pos += size + -size % 4
    return tuple(found)


def build_options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """Options as bytes, little-endian, with the end of options where there are any."""
    parts = []
    for code, value in options:
        value = value[:LONGEST]
        parts.append(struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4))
    return b"".join([*parts, bytes(HEAD)]) if parts else b""
