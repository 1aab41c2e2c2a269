"""Payloads: the payloads of many packets as rows of bytes that stay where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__all__ = ["Payloads", "gather"]


@dataclass(frozen=True, eq=False)
class Payloads:
    """n payloads in one block of bytes; a slice, index array or mask gives those rows.

    >>> rows = Payloads.of([b"one", b"", b"three"])
    >>> rows[2], rows.size.tolist(), rows.joined().tobytes()
    (b'three', [3, 0, 5], b'onethree')
    """

    data: npt.NDArray[np.uint8]
    """Where they lie."""
    begin: npt.NDArray[np.int64]
    """The first byte of each, shape (n,)."""
    size: npt.NDArray[np.int64]
    """Bytes of each, shape (n,)."""

    @classmethod
    def of(cls, payloads: Sequence[bytes]) -> Payloads:
        """Payloads that are held one by one; their bytes are copied."""
        size = np.array([len(payload) for payload in payloads], np.int64)
        return cls(np.frombuffer(b"".join(payloads), np.uint8), size.cumsum() - size, size)

    def __len__(self) -> int:
        return len(self.begin)

    @overload
    def __getitem__(self, rows: int) -> bytes: ...
    @overload
    def __getitem__(
        self, rows: slice | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]
    ) -> Payloads: ...
    def __getitem__(
        self, rows: int | slice | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]
    ) -> bytes | Payloads:
        if isinstance(rows, (int, np.integer)):
            begin = int(self.begin[rows])
            return self.data[begin : begin + int(self.size[rows])].tobytes()
        return Payloads(self.data, self.begin[rows], self.size[rows])

    def __iter__(self) -> Iterator[bytes]:
        view = self.data.data
        for begin, size in zip(self.begin.tolist(), self.size.tolist(), strict=True):
            yield bytes(view[begin : begin + size])

    def head(self, count: int) -> npt.NDArray[np.uint8]:
        """The first `count` bytes of each, shape (n, count); 0 beyond a payload's end."""
        out = np.zeros((len(self), count), np.uint8)
        for i in range(count):
            there = np.flatnonzero(self.size > i)
            out[there, i] = self.data[self.begin[there] + i]
        return out

    def joined(self) -> npt.NDArray[np.uint8]:
        """All of them, one behind the other."""
        return gather(self.data, self.begin, self.size)


def gather(
    data: npt.NDArray[np.uint8], begin: npt.NDArray[np.int64], size: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """The bytes of rows, one row behind the other."""
    if not len(begin):
        return np.empty(0, np.uint8)
    width = int(size[0])
    if (size == width).all():
        if not width:
            return np.empty(0, np.uint8)
        if (np.diff(begin) == width).all():
            return data[begin[0] : begin[-1] + width]
        # One record of `width` bytes at every byte of the block.
        places = len(data) - width + 1
        records = np.ndarray((places,), np.dtype((np.void, width)), data, 0, (1,))
        return records[begin].view(np.uint8)
    end = size.cumsum()
    place = np.repeat(begin - (end - size), size)
    place += np.arange(int(end[-1]))
    taken: npt.NDArray[np.uint8] = data[place]
    return taken
