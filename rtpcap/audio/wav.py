"""Write lines of samples to WAV files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from rtpcap.audio.line import Line, Samples, windows

if TYPE_CHECKING:
    from soundfile import SoundFile

__all__ = ["Written", "write_wav", "write_wavs"]

SAMPLE_BYTES = 2
WAV_LIMIT = (4 << 30) - (1 << 20)
"""Bytes of samples beyond which RF64 is written (EBU Tech 3306); a WAV's own sizes have 32 bits."""


@dataclass(frozen=True)
class Written:
    """What a file holds."""

    rate: int
    channels: int
    duration_s: float
    received_s: float
    """How much of it was received; of several lines, the mean."""


def write_wav(
    path: str | os.PathLike[str], lines: Sequence[Line], *, rf64_from: int = WAV_LIMIT
) -> Written:
    """Write lines side by side, 16 bits, the first one left; a shorter one ends with silence.

    The file appears under its name when it is whole. From `rf64_from` bytes of samples on it is
    an RF64 file. Raises ValueError where the lines' rates differ, OSError where it cannot be
    written.
    """
    with _WavFile(path, lines, rf64_from) as file:
        for window in windows(lines):
            file.write(window)
    return file.written


def write_wavs(
    files: Sequence[tuple[str | os.PathLike[str], Sequence[Line]]], after: Callable[[], None]
) -> list[Written]:
    """Write several files as `write_wav` does, a window of each in turn.

    Streams that were captured side by side are so read from the same places of the capture;
    `after` is called when each file got its window, and may give back the memory of those.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(_WavFile(path, lines)) for path, lines in files]
        for turn in zip_longest(*(windows(lines) for _, lines in files)):
            for file, window in zip(opened, turn, strict=True):
                if window is not None:
                    file.write(window)
            after()
    return [file.written for file in opened]


class _WavFile:
    """A WAV file in the making, under another name until it is whole."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        lines: Sequence[Line],
        rf64_from: int = WAV_LIMIT,
    ) -> None:
        self._path = os.fspath(path)
        self._rate = lines[0].rate
        if any(line.rate != self._rate for line in lines):
            raise ValueError("lines of different sample rates do not fit into one file")
        self._lines = len(lines)
        self._channels = sum(line.channels for line in lines)
        self._length = max(line.length for line in lines)
        self._received = 0
        large = self._length * self._channels * SAMPLE_BYTES >= rf64_from
        self._format = "RF64" if large else "WAV"
        folder, name = os.path.split(os.fsencode(path))
        self._part = os.path.join(folder, b".%b.%d.part" % (name, os.getpid()))

    @property
    def written(self) -> Written:
        received = self._received / self._lines / self._rate
        return Written(self._rate, self._channels, self._length / self._rate, received)

    def __enter__(self) -> Self:
        import soundfile

        try:
            self._file: SoundFile = soundfile.SoundFile(
                self._part,
                "w",
                samplerate=self._rate,
                channels=self._channels,
                subtype="PCM_16",
                format=self._format,
            )
        except soundfile.LibsndfileError as error:
            raise self._failed(error.error_string) from error
        return self

    def write(self, window: Samples) -> None:
        import soundfile

        samples, received = window
        try:
            self._file.write(samples)
        except soundfile.LibsndfileError as error:
            raise self._failed(error.error_string) from error
        self._received += int(np.count_nonzero(received))

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
