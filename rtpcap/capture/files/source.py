"""A capture file as chunks of records: what the readers of all formats share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.held import Held
from rtpcap.capture.files.kept import Kept
from rtpcap.capture.files.mapped import MappedFile
from rtpcap.capture.layers.names import NO_LINK, NO_PACKET, link_name
from rtpcap.capture.tables import Damage, Records
from rtpcap.rtp.packets import NO_TIME

__all__ = ["CHUNK_BYTES", "MARGIN", "MOST_BYTES", "Part", "Place", "Source"]

CHUNK_BYTES = 4 << 20
MARGIN = 128
"""Bytes behind a chunk that may be looked at, so that a short frame at its end needs no care."""
MOST_BYTES = 256 << 20
"""No record is longer, whatever it claims."""


class Place(NamedTuple):
    """A frame in its own file."""

    file: str
    frame: int


@dataclass(frozen=True, eq=False)
class Part:
    """What a reader took out of the bytes it was shown."""

    tables: list[Records]
    stop: int
    """Where the first record that is not whole begins."""
    needed: int | str
    """The length of that record, as far as its bytes tell; or why it can be none."""


class Source(ABC):
    """A capture file, read front to back; made by `open_source`.

    What the attributes below `size` say is known once `chunks` was gone through.
    """

    format: str
    header_bytes = 0
    """So many of the first bytes `_start` is shown at least, where the file has them."""

    def __init__(self, held: Held) -> None:
        self.path = held.path
        self.packed = held.packed
        """How the file was compressed, outermost first."""
        self.size = held.size
        """In bytes, unpacked."""
        self._held = held
        self._begin_pass()

    @property
    def paths(self) -> list[str]:
        return [self.path]

    def place_of(self, frame: int) -> Place:
        """The file, and the number of a frame in it. Raises IndexError for a frame not read."""
        if not 1 <= frame <= self.frames:
            raise IndexError(f"no frame {frame}: the capture has {self.frames:,}")
        return Place(self.path, frame)

    def interface_of(self, number: int) -> tuple[int, int]:
        """Of an interface as numbered in `Records`: its file, and its number there."""
        return 0, number

    def mapped(self) -> list[MappedFile]:
        """The bytes of the file, where payloads stay. Raises CaptureError."""
        return [self._held.mapped()]

    def _begin_pass(self) -> None:
        self.frames = 0
        # In order of appearance.
        self._links: dict[int, None] = {}
        self.damage: list[Damage] = [*self._held.damage]
        self.kept = Kept()
        # Of the first and the last frame that have a time.
        self.first_time_ns = NO_TIME
        self.last_time_ns = NO_TIME

    @abstractmethod
    def _start(self, head: bytes) -> int:
        """Read the file's own header from its first bytes; gives where its records begin."""

    @abstractmethod
    def _read(self, data: npt.NDArray[np.uint8], begin: int, end: int, base: int) -> Part:
        """The whole records in ``data[begin:end]``, which is the file from `base` on."""

    def chunks(self, chunk_bytes: int = CHUNK_BYTES) -> Generator[Records, None, None]:
        """The frames, a chunk of the file at a time, each in the buffer of the one before.

        Damage ends the reading and is listed in `damage`; all before it was given. What a pass
        before told stands again where this one is given up.
        """
        before = dict(vars(self))
        self._begin_pass()
        whole = False
        try:
            with self._held.open() as file:
                yield from self._pass(file, max(chunk_bytes, self.header_bytes))
            whole = True
        finally:
            if not whole:
                vars(self).update(before)

    def turns(self, chunk_bytes: int = CHUNK_BYTES) -> Iterator[list[Records]]:
        """The same, each chunk in a list: where several files are read a turn has more."""
        return ([records] for records in self.chunks(chunk_bytes))

    def _pass(self, file: BinaryIO, chunk_bytes: int) -> Iterator[Records]:
        buffer = np.zeros(chunk_bytes + MARGIN, np.uint8)
        filled, ended = self._fill(file, buffer, 0)
        begin = self._start(buffer[:filled].tobytes())
        base = 0
        while True:
            part = self._read(buffer, begin, filled, base)
            for records in part.tables:
                self._account(records)
                yield records
            stop, needed, kept = part.stop, part.needed, filled - part.stop
            left = kept if ended else max(kept, self.size - base - stop)
            if not left:
                return
            if isinstance(needed, str):
                self._damaged(needed, base + stop)
                return
            if ended or needed > left:
                self._damaged(
                    f"the file ends inside a record: {left} of {needed} bytes are there",
                    base + stop,
                )
                return
            if needed > len(buffer) - MARGIN:
                larger = np.zeros(needed + MARGIN, np.uint8)
                larger[:kept] = buffer[stop:filled]
                buffer = larger
            else:
                buffer[:kept] = buffer[stop:filled].copy()
            base += stop
            begin = 0
            filled, ended = self._fill(file, buffer, kept)

    @staticmethod
    def _fill(file: BinaryIO, buffer: npt.NDArray[np.uint8], kept: int) -> tuple[int, bool]:
        """Read behind the `kept` bytes: (bytes in the buffer, whether the file ended)."""
        view = buffer.data[: len(buffer) - MARGIN]
        filled = kept
        while filled < len(view):
            got = file.readinto(view[filled:])  # type: ignore[attr-defined]
            if not got:
                return filled, True
            filled += got
        return filled, False

    @property
    def link_types(self) -> list[str]:
        """The link types of the frames by name, in order of appearance."""
        return [link_name(link) for link in self._links]

    def _account(self, records: Records) -> None:
        self.frames += len(records)
        timed = records.time_ns[records.time_ns != NO_TIME]
        if len(timed):
            if self.first_time_ns == NO_TIME:
                self.first_time_ns = int(timed[0])
            self.last_time_ns = int(timed[-1])
        for link in self._links_of(records):
            if link not in (NO_LINK, NO_PACKET):
                self._links[link] = None

    @staticmethod
    def _links_of(records: Records) -> list[int]:
        """Link types in order of appearance."""
        if isinstance(records.link, int):
            return [records.link]
        links, first = np.unique(records.link, return_index=True)
        return [int(link) for link in links[np.argsort(first)]]

    def _damaged(self, reason: str, offset: int) -> None:
        self.damage.append(Damage(reason, self.frames + 1, offset))
