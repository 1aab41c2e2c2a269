"""The bytes of a capture file where payloads stay, fetched as they are looked at."""

from __future__ import annotations

import mmap
import os
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

__all__ = ["MappedFile"]


class MappedFile:
    """A file as an array of bytes, read-only; what is not looked at takes no memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.data: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._map: mmap.mmap | None = None
        # An empty file cannot be mapped.
        if os.fstat(file.fileno()).st_size:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.data = np.frombuffer(self._map, np.uint8)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """The file at a path."""
        with open(path, "rb") as file:
            return cls(file)

    def release(self) -> None:
        """Give back the memory of what was looked at; it is fetched again when it is needed."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
