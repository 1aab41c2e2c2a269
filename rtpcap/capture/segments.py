"""TCP segments of a chunk, and the messages that byte streams made of them, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FIN", "RST", "SYN", "Messages", "Segments"]

# RFC 9293, section 3.1: flags.
FIN, SYN, RST = 1, 2, 4


@dataclass(frozen=True, eq=False)
class Segments:
    """TCP segments of a chunk: columns of shape (n,), in order of frames; places are in `data`."""

    data: npt.NDArray[np.uint8]
    """The bytes of the chunk, which holds others after the call."""
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    key: npt.NDArray[np.int32]
    """The number of the directed pair of ends, from 0 without large gaps."""
    sequence: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    begin: npt.NDArray[np.int64]
    """Where the payload begins; it may be empty."""
    end: npt.NDArray[np.int64]
    """Where what was captured of it ends."""
    missing: npt.NDArray[np.int64]
    """How many bytes more were sent than captured."""

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class Messages:
    """Messages out of byte streams as columns of shape (n,), in order of frames.

    Several may end in one frame. A message may be of an earlier frame than those of the call
    before: what a stream is may only be seen some frames later.
    """

    data: npt.NDArray[np.uint8]
    """All of them, one behind the other."""
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    frame: npt.NDArray[np.uint32]
    """The frame whose segment completed it."""
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    key: npt.NDArray[np.int32]
    cut: npt.NDArray[np.bool_]
    """Whether its end was not captured."""

    def __len__(self) -> int:
        return len(self.frame)
