"""Write lines of samples to files: WAV, FLAC, Opus in Ogg."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from rtpcap.audio.layers import at_rate
from rtpcap.audio.line import Line, Samples, windows
from rtpcap.codecs.decoder import Heard

if TYPE_CHECKING:
    from soundfile import SoundFile

__all__ = ["KINDS", "Kind", "Stretches", "Written", "kind_of", "write_file", "write_files"]

SAMPLE_BYTES = 2
WAV_LIMIT = (4 << 30) - (1 << 20)
"""Bytes of samples beyond which RF64 is written (EBU Tech 3306); a WAV's own sizes have 32 bits."""


@dataclass(frozen=True)
class Kind:
    """A file format, in the words of libsndfile."""

    ending: str
    container: str
    subtype: str
    rates: tuple[int, ...] = ()
    """Sample rates that it can have, the one for all others last; none for any."""
    at_once: int = 1 << 24
    """Samples that its encoder is given together."""


KINDS: Mapping[str, Kind] = {
    "wav": Kind(".wav", "WAV", "PCM_16"),
    "flac": Kind(".flac", "FLAC", "PCM_16"),
    "opus": Kind(".opus", "OGG", "OPUS", (8000, 12000, 16000, 24000, 48000), 1 << 12),
}


def kind_of(path: str | os.PathLike[str], to: str | None = None) -> Kind:
    """The format `to`, or what a path's ending says, or WAV. Raises ValueError for no format."""
    if to is None:
        ending = os.path.splitext(os.fspath(path))[1].lower()
        return next((kind for kind in KINDS.values() if kind.ending == ending), KINDS["wav"])
    if to not in KINDS:
        raise ValueError(f"a file is {', '.join(KINDS)}, not {to!r}")
    return KINDS[to]


@dataclass(frozen=True, eq=False)
class Stretches:
    """What a line is made from, as stretches of one `Heard` each, shape (k,)."""

    begin: npt.NDArray[np.int64]
    heard: npt.NDArray[np.uint8]
    length: int
    """Where the last one ends."""


@dataclass(frozen=True)
class Written:
    """What a file holds."""

    rate: int
    channels: int
    duration_s: float
    heard_s: Mapping[Heard, float]
    """How much of it is what; of several lines, the mean."""
    stretches: Sequence[Stretches] = field(default=(), repr=False)
    """Of each line, where it was asked for."""

    @property
    def received_s(self) -> float:
        """How much of it came from packets of their own."""
        return self.heard_s[Heard.RECEIVED]


def write_file(
    path: str | os.PathLike[str],
    lines: Sequence[Line],
    *,
    to: str | None = None,
    rf64_from: int = WAV_LIMIT,
) -> Written:
    """Write lines side by side, 16 bits, the first one left; a shorter one ends with silence.

    The format is `to`, or what the path's ending says, or WAV. The file appears under its name when
    it is whole. From `rf64_from` bytes of samples on a WAV is an RF64 file. Raises ValueError where
    the lines' rates differ, OSError where it cannot be written.
    """
    with _File(path, lines, kind_of(path, to), rf64_from=rf64_from) as file:
        for window in windows(file.lines):
            file.write(window)
    return file.written


def write_files(
    files: Sequence[tuple[str | os.PathLike[str], Sequence[Line]]],
    after: Callable[[], None],
    *,
    to: str | None = None,
    stretches: bool = False,
) -> list[Written]:
    """Write several files as `write_file` does, a window of each in turn.

    Streams that were captured side by side are so read from the same places of the capture;
    `after` is called when each file got its window, and may give back the memory of those. With
    `stretches` what each line is made from is kept.
    """
    with ExitStack() as stack:
        opened = [
            stack.enter_context(_File(path, lines, kind_of(path, to), stretches))
            for path, lines in files
        ]
        for turn in zip_longest(*(windows(file.lines) for file in opened)):
            for file, window in zip(opened, turn, strict=True):
                if window is not None:
                    file.write(window)
            after()
    return [file.written for file in opened]


class _File:
    """A file in the making, under another name until it is whole."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        lines: Sequence[Line],
        kind: Kind,
        stretches: bool = False,
        *,
        rf64_from: int = WAV_LIMIT,
    ) -> None:
        self._path = os.fspath(path)
        self._rate = lines[0].rate
        if any(line.rate != self._rate for line in lines):
            raise ValueError("lines of different sample rates do not fit into one file")
        if kind.rates and self._rate not in kind.rates:
            self._rate = kind.rates[-1]
        self.lines = [at_rate(line, self._rate) for line in lines]
        self._channels = sum(line.channels for line in lines)
        self._length = max(line.length for line in self.lines)
        self._heard = np.zeros(len(Heard), np.int64)
        self._kind = kind
        large = self._length * self._channels * SAMPLE_BYTES >= rf64_from
        self._format = "RF64" if large and kind.container == "WAV" else kind.container
        folder, name = os.path.split(os.fsencode(path))
        self._part = os.path.join(folder, b".%b.%d.part" % (name, os.getpid()))
        self._courses = [_Stretching() for _ in lines] if stretches else []

    @property
    def written(self) -> Written:
        seconds = self._heard / len(self.lines) / self._rate
        return Written(
            self._rate,
            self._channels,
            self._length / self._rate,
            {heard: float(seconds[heard]) for heard in Heard},
            [course.finish() for course in self._courses],
        )

    def __enter__(self) -> Self:
        import soundfile

        try:
            self._file: SoundFile = soundfile.SoundFile(
                self._part,
                "w",
                samplerate=self._rate,
                channels=self._channels,
                subtype=self._kind.subtype,
                format=self._format,
            )
        except soundfile.LibsndfileError as error:
            raise self._failed(error.error_string) from error
        return self

    def write(self, window: Samples) -> None:
        import soundfile

        samples, heard = window
        step = self._kind.at_once
        try:
            for at in range(0, len(samples), step):
                self._file.write(samples[at : at + step])
        except soundfile.LibsndfileError as error:
            raise self._failed(error.error_string) from error
        # Most windows are received, or silence: these codes are 1 and 0, and quickly counted.
        if heard.size and heard.max() > Heard.RECEIVED:
            self._heard += np.bincount(heard.reshape(-1), minlength=len(Heard))
        else:
            received = int(np.count_nonzero(heard.view(np.bool_)))
            self._heard[Heard.RECEIVED] += received
            self._heard[Heard.SILENCE] += heard.size - received
        for i, course in enumerate(self._courses):
            course.go_on(heard if heard.ndim == 1 else heard[:, i])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
            if kind is None:
                os.replace(self._part, self._path)
        finally:
            if os.path.exists(self._part):
                os.unlink(self._part)

    def _failed(self, why: str) -> OSError:
        return OSError(f"{self._path} cannot be written: {why}")


class _Stretching:
    """The stretches of a line, window by window."""

    def __init__(self) -> None:
        self._length = 0
        self._last = -1
        self._begin: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        self._heard: list[npt.NDArray[np.uint8]] = [np.empty(0, np.uint8)]

    def go_on(self, heard: npt.NDArray[np.uint8]) -> None:
        if not len(heard):
            return
        edges = np.flatnonzero(np.diff(heard.astype(np.int16), prepend=self._last))
        self._begin.append(edges + self._length)
        self._heard.append(heard[edges])
        self._last = int(heard[-1])
        self._length += len(heard)

    def finish(self) -> Stretches:
        return Stretches(np.concatenate(self._begin), np.concatenate(self._heard), self._length)
