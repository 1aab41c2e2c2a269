"""Files, folders and globs -> capture files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rtpcap.capture.formats import is_capture
from rtpcap.capture.held import is_stream
from rtpcap.errors import CaptureError

__all__ = ["Inputs", "expand"]


@dataclass(frozen=True)
class Inputs:
    """The files to read, in order, and the names that lead to none."""

    files: list[str]
    errors: list[CaptureError]


def expand(names: Iterable[str | os.PathLike[str]]) -> Inputs:
    """The files that names stand for, each once.

    A folder stands for the captures in it and below, told by their first bytes, in order of path.
    A name that is no file and holds ``*``, ``?`` or ``[`` stands for what matches it (``**`` for
    folders at any depth). A named file is taken whatever it holds; ``-``, an open file by its
    number and a URL are taken as they are.
    """
    files: dict[str, str] = {}
    errors = []
    for name in [os.fspath(name) for name in names]:
        if is_stream(name):
            files.setdefault(name, name)
            continue
        if os.path.lexists(name) or not glob.has_magic(name):
            matches = [name]
        else:
            matches = sorted(glob.glob(name, recursive=True))
        found = [file for match in matches for file in _files(match)]
        if not found:
            what = "no capture in this folder" if os.path.isdir(name) else "no capture matches"
            errors.append(CaptureError(f"{name}: {what}"))
        for file in found:
            files.setdefault(os.path.realpath(file), file)
    return Inputs(list(files.values()), errors)


def _files(name: str) -> Iterator[str]:
    if not os.path.isdir(name):
        yield name
        return
    for folder, folders, files in os.walk(name):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(folder, file)
            # Not a pipe, from which the first bytes might never come.
            if os.path.isfile(path) and is_capture(path):
                yield path
