"""The language in which a fuzzer speaks of several things in a row: control bytes, and data.

A piece is `CONTROL_BYTES` of control, a length of two bytes, and so many bytes of data, or as many
as are left. Every string of bytes is some list of pieces; ``split(join(pieces))`` gives them back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["CONTROL_BYTES", "Piece", "join", "split"]

CONTROL_BYTES = 8
LENGTH = struct.Struct(">H")
MOST_PIECES = 400


class Piece(NamedTuple):
    control: bytes
    data: bytes


def split(text: bytes) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    while at + CONTROL_BYTES + LENGTH.size <= len(text) and len(pieces) < MOST_PIECES:
        control = text[at : at + CONTROL_BYTES]
        (size,) = LENGTH.unpack_from(text, at + CONTROL_BYTES)
        at += CONTROL_BYTES + LENGTH.size
        pieces.append(Piece(control, text[at : at + size]))
        at += size
    return pieces


def join(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.control + LENGTH.pack(len(piece.data)) + piece.data for piece in pieces)
