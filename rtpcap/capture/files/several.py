"""Several capture files as one, in order of time: rotated files, or taps that ran side by side.

Each file's own order is kept; of the frames that come next in their files, the earliest goes
first, and of equally early ones that of the file named first. A frame without a time goes as soon
as it comes next. That is what sorting by the latest time so far in each file gives, so whole
stretches of files are put in order at once, and no file is read twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.interfaces import NOT_DESCRIBED
from rtpcap.capture.files.mapped import MappedFile
from rtpcap.capture.files.source import CHUNK_BYTES, Place, Source
from rtpcap.capture.tables import Damage, Records
from rtpcap.errors import CaptureError
from rtpcap.rtp.packets import NO_TIME

__all__ = ["Several"]

MOST_FILES = 60_000
"""Files of one capture are numbered in 16 bits, in which a few numbers mean something else."""
LOOK_BYTES = 1 << 14
"""Bytes of a file in which its first frame is looked for."""


_Taken = tuple[Records, npt.NDArray[np.int64]]
"""Frames of a file, and the latest time up to each."""


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Frames of the capture whose files are known: of one file, or of each in turn."""

    first: int
    """The number of its first frame."""
    before: npt.NDArray[np.int64]
    """How many frames of each file came before it."""
    file: npt.NDArray[np.uint16] | int


class Several:
    """Capture files read together; what is said of a `Source` holds for this one too."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Raises ValueError for no file, or for more than can be numbered."""
        if not 0 < len(sources) <= MOST_FILES:
            raise ValueError(f"between 1 and {MOST_FILES:,} files make a capture")
        self.sources = list(sources)
        self.paths = [source.path for source in sources]
        shown = self.paths if len(self.paths) <= 3 else self.paths[:1]
        more = len(self.paths) - len(shown)
        self.path = ", ".join(shown) + (f" and {more:,} more" if more else "")
        self.format = ", ".join(dict.fromkeys(source.format for source in sources))
        self.packed = tuple(dict.fromkeys(kind for source in sources for kind in source.packed))
        self.size = sum(source.size for source in sources)
        self._begin_pass()

    def _begin_pass(self) -> None:
        self.frames = 0
        self.first_time_ns = NO_TIME
        self.last_time_ns = NO_TIME
        self._stretches: list[_Stretch] = []
        self._given = np.zeros(len(self.sources), np.int64)
        self._interfaces: dict[tuple[int, int], int] = {}

    def mapped(self) -> list[MappedFile]:
        """The bytes of the files, where payloads stay. Raises CaptureError."""
        return [mapped for source in self.sources for mapped in source.mapped()]

    @property
    def damage(self) -> list[Damage]:
        """Where files are damaged; places and frames are those of the file."""
        return [
            replace(damage, file=source.path) for source in self.sources for damage in source.damage
        ]

    @property
    def link_types(self) -> list[str]:
        """The link types of the frames by name, file by file."""
        return list(dict.fromkeys(link for source in self.sources for link in source.link_types))

    def interface_of(self, number: int) -> tuple[int, int]:
        """Of an interface as numbered in `Records`: its file, and its number there."""
        return next((own for own, given in self._interfaces.items() if given == number), (0, 0))

    def place_of(self, frame: int) -> Place:
        """Where a frame, given by its number here, is: its file, and its number there.

        Known for the frames that were read. Raises IndexError for any other.
        """
        if not 1 <= frame <= self.frames:
            raise IndexError(f"no frame {frame}: the capture has {self.frames:,}")
        stretch = self._stretches[
            bisect_right(self._stretches, frame, key=lambda each: each.first) - 1
        ]
        at = frame - stretch.first
        if isinstance(stretch.file, int):
            file, count = stretch.file, at + 1
        else:
            file = int(stretch.file[at])
            count = int(np.count_nonzero(stretch.file[: at + 1] == file))
        return Place(self.paths[file], int(stretch.before[file]) + count)

    def chunks(self, chunk_bytes: int = CHUNK_BYTES) -> Generator[Records, None, None]:
        """The frames with their numbers in the whole capture, a stretch of one file at a time.

        Where files overlap their stretches do so too: numbers are then not in order from one table
        to the next.
        """
        for turn in self.turns(chunk_bytes):
            yield from turn

    def turns(self, chunk_bytes: int = CHUNK_BYTES) -> Iterator[list[Records]]:
        """The same, with stretches that overlap together: numbers only rise from one to the next.

        Their bytes stay until the next turn is asked for. What a pass before told stands again
        where this one is given up.
        """
        before = dict(vars(self))
        whole = False
        try:
            yield from self._turns(chunk_bytes)
            whole = True
        finally:
            if not whole:
                vars(self).update(before)

    def _turns(self, chunk_bytes: int) -> Iterator[list[Records]]:
        self._begin_pass()
        waiting = sorted((_first_key(source), number) for number, source in enumerate(self.sources))
        waiting.reverse()
        running: list[_Running] = []
        while running or waiting:
            if not running:
                running.append(self._start(waiting.pop()[1], chunk_bytes))
            # What comes up to here is known whole: no file has anything earlier to come.
            running = [file for file in running if file.more()]
            if not running:
                continue
            edge = min(file.edge for file in running)
            late = waiting and waiting[-1] < edge
            if late:
                running.append(self._start(waiting.pop()[1], chunk_bytes))
                continue
            yield self._turn([(file.number, file.take(edge)) for file in running])

    def _start(self, number: int, chunk_bytes: int) -> _Running:
        return _Running(number, self.sources[number].chunks(chunk_bytes))

    def _turn(self, taken: list[tuple[int, _Taken]]) -> list[Records]:
        """Number the frames of a turn; they come file by file."""
        taken = sorted((each for each in taken if len(each[1][0])), key=lambda each: each[0])
        sizes = [len(records) for _, (records, _) in taken]
        total = sum(sizes)
        first = self.frames + 1
        which: npt.NDArray[np.uint16] | int
        if len(taken) == 1:
            which = taken[0][0]
            places = np.arange(total)
        else:
            # Stable: equal times stay in order of files.
            order = np.argsort(np.concatenate([key for _, (_, key) in taken]), kind="stable")
            which = np.repeat(np.array([number for number, _ in taken], np.uint16), sizes)[order]
            places = np.empty(total, np.int64)
            places[order] = np.arange(total)
        self._note(first, which)
        begin = 0
        times = np.full(total, NO_TIME)
        numbered = []
        for (number, (records, _)), size in zip(taken, sizes, strict=True):
            at = places[begin : begin + size]
            times[at] = records.time_ns
            begin += size
            self._given[number] += size
            numbered.append(
                replace(
                    records,
                    frame=(at + first).astype(np.uint32),
                    file=number,
                    interface=self._interface(number, records.interface),
                )
            )
        self.frames += total
        timed = times[times != NO_TIME]
        if len(timed):
            if self.first_time_ns == NO_TIME:
                self.first_time_ns = int(timed[0])
            self.last_time_ns = int(timed[-1])
        return numbered

    def _note(self, first: int, which: npt.NDArray[np.uint16] | int) -> None:
        last = self._stretches[-1] if self._stretches else None
        if not (last and isinstance(last.file, int) and isinstance(which, int)) or (
            last.file != which
        ):
            self._stretches.append(_Stretch(first, self._given.copy(), which))

    def _next_interface(self) -> int:
        return min(len(self._interfaces), NOT_DESCRIBED)

    def _interface(
        self, file: int, interface: npt.NDArray[np.uint16] | int
    ) -> npt.NDArray[np.uint16] | int:
        """Interfaces of a file as numbers that no other file's have, in order of appearance."""
        if isinstance(interface, int):
            return self._interfaces.setdefault((file, interface), self._next_interface())
        numbers, rows = np.unique(interface, return_inverse=True)
        named = [
            self._interfaces.setdefault((file, number), self._next_interface())
            for number in numbers.tolist()
        ]
        return np.array(named, np.uint16)[rows]


class _Running:
    """A file that is being read: its chunk, and how much of that was given."""

    def __init__(self, number: int, chunks: Iterator[Records]) -> None:
        self.number = number
        self._chunks = chunks
        self._records: Records | None = None
        self._key = np.empty(0, np.int64)
        self._latest = NO_TIME

    def more(self) -> bool:
        """Whether a chunk is there, with frames that were not given; fetches it if it has to."""
        while not len(self._key):
            self._records = next(self._chunks, None)
            if self._records is None:
                return False
            self._key = np.maximum.accumulate(np.maximum(self._records.time_ns, self._latest))
            if len(self._key):
                self._latest = int(self._key[-1])
        return True

    @property
    def edge(self) -> tuple[int, int]:
        """The key of the chunk's last frame, and the file's number: what comes later has none
        below."""
        return int(self._key[-1]), self.number

    def take(self, edge: tuple[int, int]) -> _Taken:
        """The frames up to an edge, and their keys."""
        assert self._records is not None
        side: Literal["left", "right"] = "right" if self.number <= edge[1] else "left"
        count = int(np.searchsorted(self._key, edge[0], side=side))
        taken, key = _rows(self._records, slice(0, count)), self._key[:count]
        self._records = _rows(self._records, slice(count, None))
        self._key = self._key[count:]
        return taken, key


def _rows(records: Records, rows: slice) -> Records:
    """Some of the frames of a chunk."""
    link, interface = records.link, records.interface
    return replace(
        records,
        frame=records.frame[rows],
        begin=records.begin[rows],
        end=records.end[rows],
        original=records.original[rows],
        time_ns=records.time_ns[rows],
        link=link if isinstance(link, int) else link[rows],
        interface=interface if isinstance(interface, int) else interface[rows],
    )


def _first_key(source: Source) -> int:
    """The time of a file's first frame; what goes first where it has none, or none at all."""
    try:
        for records in source.chunks(LOOK_BYTES):
            if len(records):
                return int(records.time_ns[0])
    except CaptureError:
        # Said when it is read.
        pass
    return NO_TIME
