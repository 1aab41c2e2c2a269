"""The captures that a test names, each with the short name that the ids of its packets begin with.

That of a named file is its last part, that of a file found in a folder its path from there on, so
that ids stay the same wherever the captures lie; a name that two have gives way to the whole path.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator

from rtpcap.capture.files.formats import is_capture
from rtpcap.capture.files.held import is_stream
from rtpcap.errors import CaptureError
from rtpcap.testing.packet import Origin

__all__ = ["Paths", "find_captures", "listed"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def listed(paths: Paths) -> list[str]:
    """One path or several, as a list of texts."""
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


def find_captures(paths: Paths) -> list[Origin]:
    """The captures that paths stand for, each once, in order.

    A folder stands for the captures in it and below, told by their first bytes; what holds ``*``,
    ``?`` or ``[`` and is no file for what matches it. Raises CaptureError where that is nothing.
    """
    found: dict[str, Origin] = {}
    for path in listed(paths):
        here = list(_found(path))
        if not here:
            what = "no capture in this folder" if os.path.isdir(path) else "no capture matches"
            raise CaptureError(f"{path}: {what}")
        for origin in here:
            found.setdefault(os.path.realpath(origin.path), origin)
    names = Counter(origin.name for origin in found.values())
    return [
        origin if names[origin.name] == 1 else Origin(origin.path, _posix(origin.path))
        for origin in found.values()
    ]


def _found(path: str) -> Iterator[Origin]:
    if is_stream(path) or os.path.isfile(path):
        yield Origin(path, os.path.basename(path))
    elif os.path.isdir(path):
        for folder, folders, files in os.walk(path):
            folders.sort()
            for file in (os.path.join(folder, name) for name in sorted(files)):
                if os.path.isfile(file) and is_capture(file):
                    yield Origin(file, _posix(os.path.relpath(file, path)))
    elif os.path.lexists(path) or not glob.has_magic(path):
        # What is wrong with it is told where it is opened.
        yield Origin(path, os.path.basename(path))
    else:
        for match in sorted(glob.glob(path, recursive=True)):
            yield from _found(match)


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")
