"""Payloads that lie in no file of the capture: put together from pieces, and kept."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.mapped import MappedFile

__all__ = ["Spool"]


class Spool:
    """Bytes in a temporary file without a name, which begins with the first of them."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._size = 0

    def append(self, pieces: Iterable[npt.NDArray[np.uint8]]) -> int:
        """Keep bytes, one piece behind the other; gives the place of the first."""
        at = self._size
        whole = b"".join(piece.data for piece in pieces)
        if whole:
            if self._file is None:
                # Not at the top: hardly any capture has a packet in pieces.
                import tempfile

                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
                weakref.finalize(self, self._file.close)
            self._file.write(whole)
            self._size += len(whole)
        return at

    def mapped(self) -> MappedFile | None:
        """All that was kept; None where nothing was."""
        if self._file is None:
            return None
        self._file.flush()
        return MappedFile(self._file)
