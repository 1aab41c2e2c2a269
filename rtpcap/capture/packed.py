"""Compressed data -> what they hold, piece by piece: gzip, zstd, lz4, xz and bzip2.

Which one it is stands in the first bytes. Data may be made of many members, one behind the other,
as ``cat a.gz b.gz`` and parallel compressors make them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

__all__ = ["HEAD_BYTES", "MOST_LEVELS", "TooMuch", "Unpacker", "is_packed", "unpacked"]

HEAD_BYTES = 18
"""So many first bytes tell what a member is."""
MOST_LEVELS = 2
"""A .gz of a .zst is unpacked; what is compressed once more is not taken for a capture."""

STEP = 64 << 10
"""The most bytes that are unpacked at a time: a bomb goes off in steps of these."""
PIECE = 256
"""Compressed bytes handed over at a time: so much is lost, with what it holds, to damage in it."""
GZIP_PIECE = 16 << 10
MOST_MEMORY = 256 << 20
"""For the dictionary of xz: its largest preset takes 65 MiB."""

SKIPPABLE = range(0x184D2A50, 0x184D2A60)
"""Magic numbers of frames that zstd and lz4 pass over; a length of 32 bits follows."""
SKIPPABLE_HEAD = 8


class Decompressor(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class Packing:
    """A kind of compression: its name, how its members begin, and what reads them."""

    name: str
    magic: bytes
    start: Callable[[], tuple[Decompressor, tuple[type[Exception], ...]]]
    """A decompressor of one member, and what it raises where the data are damaged."""
    piece: int = PIECE
    padded: bool = False
    """Whether zeros may stand between and behind members."""


class _Gzip:
    """One gzip member. Where it is damaged, all that comes before the damage comes out."""

    def __init__(self) -> None:
        import zlib

        self._error = zlib.error
        self._state = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._failed: Exception | None = None
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._state.eof

    @property
    def unused_data(self) -> bytes:
        return self._state.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._failed is not None:
            raise self._failed
        before = self._state.copy()
        data = self._state.unconsumed_tail + data
        try:
            out = self._state.decompress(data, max_length)
        except self._error as error:
            self._failed = error
            self.needs_input = False
            return self._byte_by_byte(before, data)
        self.needs_input = not self._state.unconsumed_tail and len(out) < max_length
        return out

    def _byte_by_byte(self, state: Any, data: bytes) -> bytes:
        out = b""
        for i in range(len(data)):
            try:
                out += state.decompress(data[i : i + 1])
            except self._error:
                break
        return out


def _gzip() -> tuple[Decompressor, tuple[type[Exception], ...]]:
    import zlib

    return _Gzip(), (zlib.error,)


def _zstd() -> tuple[Decompressor, tuple[type[Exception], ...]]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdDecompressor(), (zstd.ZstdError,)


def _lz4() -> tuple[Decompressor, tuple[type[Exception], ...]]:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor(), (RuntimeError,)


def _xz() -> tuple[Decompressor, tuple[type[Exception], ...]]:
    import lzma

    state = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY)
    return state, (lzma.LZMAError,)


def _bzip2() -> tuple[Decompressor, tuple[type[Exception], ...]]:
    import bz2

    return bz2.BZ2Decompressor(), (OSError, ValueError)


PACKINGS = (
    Packing("gzip", b"\x1f\x8b\x08", _gzip, GZIP_PIECE, padded=True),
    Packing("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    Packing("lz4", b"\x04\x22\x4d\x18", _lz4),
    Packing("xz", b"\xfd7zXZ\x00", _xz, padded=True),
    Packing("bzip2", b"BZh", _bzip2),
)


def _packing(head: bytes) -> Packing | None:
    return next((kind for kind in PACKINGS if head.startswith(kind.magic)), None)


def _is_skippable(head: bytes) -> bool:
    return len(head) >= SKIPPABLE_HEAD and int.from_bytes(head[:4], "little") in SKIPPABLE


def is_packed(head: bytes) -> bool:
    """Whether data that begin so are compressed in a way that is read here."""
    return _packing(head) is not None or _is_skippable(head)


class TooMuch(Exception):
    """More came out of compressed data than was allowed."""


class Unpacker:
    """What compressed data hold, in pieces, gone through once.

    Afterwards `damage` says why not all of it came out, and `offset` where in the compressed data
    that was; raises TooMuch where more than `most` bytes come out.
    """

    def __init__(self, pieces: Iterable[bytes], most: int) -> None:
        self._pieces = iter(pieces)
        self._most = most
        self._ahead = b""
        self._at = 0
        self._taken = 0
        self.name = "compressed"
        self.damage = ""
        self.offset = 0

    def _look(self, count: int) -> bytes:
        """The next `count` bytes, or fewer at the end, which are not taken yet."""
        while len(self._ahead) - self._at < count:
            more = next(self._pieces, None)
            if more is None:
                break
            self._ahead, self._at = self._ahead[self._at :] + more, 0
        return self._ahead[self._at : self._at + count]

    def _take(self, count: int) -> bytes:
        """At most so many of the next bytes; none at the end."""
        if self._at == len(self._ahead):
            self._ahead, self._at = next((piece for piece in self._pieces if piece), b""), 0
        taken = self._ahead[self._at : self._at + count]
        self._at += len(taken)
        self._taken += len(taken)
        return taken

    def _give_back(self, count: int) -> None:
        """So many of the bytes last taken were not needed."""
        self._at -= count
        self._taken -= count

    def _damaged(self, reason: str) -> None:
        self.damage, self.offset = reason, self._taken

    def __iter__(self) -> Iterator[bytes]:
        size, kind = 0, None
        while head := self._look(HEAD_BYTES):
            if kind is not None and kind.padded and head[0] == 0:
                self._pass_over_zeros()
                continue
            if _is_skippable(head):
                if not self._skip(head):
                    self._damaged("the compressed data end inside a frame that is passed over")
                    return
                continue
            found = _packing(head)
            if found is None and kind is not None and kind.magic.startswith(head):
                self._damaged(f"the {kind.name} data are cut off")
                return
            if found is None:
                self._damaged(f"behind the {self.name} data stands something else")
                return
            kind = found
            self.name = kind.name
            for out in self._member(kind):
                size += len(out)
                if size > self._most:
                    raise TooMuch
                yield out
            if self.damage:
                return

    def _pass_over_zeros(self) -> None:
        taken = self._take(STEP)
        self._give_back(len(taken.lstrip(b"\0")))

    def _skip(self, head: bytes) -> bool:
        """Pass over a frame that holds nothing; whether all of it was there."""
        left = SKIPPABLE_HEAD + int.from_bytes(head[4:8], "little")
        while left:
            taken = self._take(left)
            if not taken:
                return False
            left -= len(taken)
        return True

    def _member(self, kind: Packing) -> Iterator[bytes]:
        state, errors = kind.start()
        starved = True
        while not state.eof:
            data = self._take(kind.piece) if starved else b""
            if starved and not data:
                self._damaged(f"the {kind.name} data are cut off")
                return
            try:
                out = state.decompress(data, STEP)
            except errors as error:
                self._damaged(f"the {kind.name} data are damaged: {error}")
                return
            if out:
                yield out
            starved = state.needs_input and len(out) < STEP
        self._give_back(len(state.unused_data or b""))


def unpacked(pieces: Iterable[bytes], most: int) -> tuple[Iterator[bytes], list[Unpacker]]:
    """Data with their compression taken off, and what took it off, outermost first.

    What is not compressed comes out as it is.
    """
    levels: list[Unpacker] = []
    while True:
        ahead, head = iter(pieces), b""
        while len(head) < HEAD_BYTES and (piece := next(ahead, None)) is not None:
            head += piece
        pieces = chain([head] if head else [], ahead)
        if len(levels) == MOST_LEVELS or not is_packed(head):
            return pieces, levels
        level = Unpacker(pieces, most)
        levels.append(level)
        pieces = level
