"""Where the bytes of a capture are: in a file, or in what was made one.

A compressed file, a pipe and a URL are unpacked to a temporary file without a name, which then is
the capture's file. So each can be read as often as needed, and payloads stay where they are.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from rtpcap.capture.files.mapped import MappedFile
from rtpcap.capture.files.packed import HEAD_BYTES, TooMuch, is_packed, unpacked
from rtpcap.capture.tables import Damage
from rtpcap.errors import CaptureError

__all__ = ["MOST_UNPACKED", "Held", "first_bytes", "hold", "is_stream"]

MOST_UNPACKED = 8 << 30
"""Bytes that are unpacked or copied at most, where nothing else is said: a hundred hours of a call
with G.711 both ways, and still what a temporary folder can take."""

READ_BYTES = 1 << 20
PEEK_BYTES = 16 << 10
MOST_PEEKED = 4 << 20
"""Bytes looked at to tell what a compressed file holds: four times a block of bzip2."""

STANDARD_INPUT = "-"
DESCRIPTORS = re.compile(r"/dev/(?:stdin|fd/(\d{1,9}))|/proc/self/fd/(\d{1,9})")
"""Paths of open files by number, as of a shell's ``<(command)``."""
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+(?:::[a-z0-9]+)*)://", re.ASCII)
UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class Held:
    """The bytes of one capture file, to be read from the front and to be mapped; made by `hold`."""

    def __init__(self, path: str, file: BinaryIO | None, size: int) -> None:
        self.path = path
        """Its name, as it was given."""
        self.size = size
        self.packed: tuple[str, ...] = ()
        """How it was compressed, outermost first."""
        self.damage: tuple[Damage, ...] = ()
        """Why not all of it could be unpacked."""
        self._local = _local(path)
        self._file = file
        if file is not None:
            weakref.finalize(self, file.close)

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The bytes as a file of its own, at its begin. Raises CaptureError."""
        if self._file is not None:
            return _Reader(MappedFile(self._file))  # type: ignore[return-value]
        with _told(self.path):
            return open(self._local, "rb", buffering=0)

    def mapped(self) -> MappedFile:
        """The bytes as an array. Raises CaptureError."""
        if self._file is not None:
            return MappedFile(self._file)
        with _told(self.path):
            return MappedFile.of(self._local)


class _Reader(io.RawIOBase):
    """Reads a file without a name, independent of its other readers."""

    def __init__(self, mapped: MappedFile) -> None:
        self._mapped = mapped
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = self._mapped.data[self._at : self._at + len(buffer)]
        buffer[: len(found)] = found.data
        self._at += len(found)
        # What was copied is not kept twice.
        self._mapped.release()
        return len(found)


def is_stream(name: str) -> bool:
    """Whether a name stands for something else than a file on a disk: ``-``, an open file, a URL.

    >>> is_stream("-"), is_stream("s3://bucket/call.pcap"), is_stream("call.pcap")
    (True, True, False)
    """
    if name == STANDARD_INPUT or DESCRIPTORS.fullmatch(name):
        return True
    return URL.match(name) is not None


def hold(path: str | os.PathLike[str], most: int = MOST_UNPACKED) -> Held:
    """The bytes of a capture, without their compression.

    Raises CaptureError, naming the file and the reason, where they cannot be had.
    """
    name = os.fsdecode(path)
    if name == STANDARD_INPUT:
        return _copied(name, _pieces(name, _standard_input), most)
    local = _local(name)
    if URL.match(local):
        return _copied(name, _remote(name), most)
    with _told(name):
        kind = os.stat(local).st_mode
    if stat.S_ISDIR(kind):
        raise CaptureError(f"{name}: a folder, not a capture file")
    if not stat.S_ISREG(kind):
        match = DESCRIPTORS.fullmatch(local)
        if match is None:
            # It might never be written to, and it can be read only once.
            raise CaptureError(f"{name}: a pipe or a device, not a file: save the capture first")
        number = int(match[1] or match[2] or 0)
        return _copied(name, _pieces(name, lambda: os.fdopen(os.dup(number), "rb")), most)
    with _told(name), open(local, "rb") as file:
        head = file.read(HEAD_BYTES)
        size = os.fstat(file.fileno()).st_size
    if is_packed(head):
        return _copied(name, _pieces(name, lambda: open(local, "rb")), most)
    return Held(name, None, size)


def first_bytes(path: str | os.PathLike[str], count: int) -> bytes:
    """The first bytes of a file on a disk, without their compression; raises OSError."""
    with open(path, "rb") as file:
        head = file.read(max(count, HEAD_BYTES))
        if not is_packed(head):
            return head[:count]
        file.seek(0)
        read = iter(lambda: file.read(PEEK_BYTES), b"")
        pieces = (piece for _, piece in zip(range(MOST_PEEKED // PEEK_BYTES), read, strict=False))
        head = b""
        try:
            found, _ = unpacked(pieces, MOST_PEEKED)
            while len(head) < count and (piece := next(found, None)) is not None:
                head += piece
        except TooMuch:
            return b""
        return head[:count]


def _local(name: str) -> str:
    """The path that a ``file://`` URL stands for; any other name as it is."""
    if not name.lower().startswith("file://"):
        return name
    # It brings all that speaks HTTP.
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(name).path)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What the system says of a file, as an error of ours that names it."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CaptureError(f"{name}: {reason}") from error


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise OSError("there is no standard input")
    if sys.stdin.isatty():
        raise OSError("standard input is a terminal, not a capture")
    return sys.stdin.buffer


def _pieces(name: str, opened: Callable[[], BinaryIO]) -> Iterator[bytes]:
    with _told(name):
        file = opened()
    try:
        while True:
            with _told(name):
                # As it comes: a pipe gives what it has.
                piece = file.read1(READ_BYTES) if hasattr(file, "read1") else file.read(READ_BYTES)
            if not piece:
                return
            yield piece
    finally:
        if file is not getattr(sys.stdin, "buffer", None):
            file.close()


def _remote(name: str) -> Iterator[bytes]:
    try:
        import fsspec
    except ImportError as error:
        raise CaptureError(f"{name}: URLs need fsspec: pip install 'rtpcap[remote]'") from error
    # Each protocol has a package behind it, and each package errors of its own.
    try:
        with fsspec.open(name, "rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise CaptureError(f"{name}: cannot be fetched: {reason}") from error


def _copied(name: str, pieces: Iterable[bytes], most: int) -> Held:
    """The bytes in a temporary file without a name, with their compression taken off."""
    # Not at the top: most captures are files that are read where they are.
    import tempfile

    size = 0
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with what holds it
    except OSError as error:
        raise CaptureError(f"{name}: no temporary file: {error.strerror or error}") from error
    held = Held(name, file, 0)
    try:
        found, levels = unpacked(pieces, most)
        for piece in found:
            size += len(piece)
            if size > most:
                raise TooMuch
            try:
                file.write(piece)
            except OSError as error:
                raise _no_room(name, error) from error
        file.flush()
    except TooMuch as error:
        raise CaptureError(
            f"{name}: holds more than {_size(most)} when it is unpacked: "
            "the limit is raised by --unpack-limit, or most_unpacked in rtpcap.open"
        ) from error
    except OSError as error:
        raise _no_room(name, error) from error
    held.size = size
    held.packed = tuple(level.name for level in levels)
    held.damage = tuple(
        Damage(level.damage, None, level.offset) for level in levels if level.damage
    )
    if not size and held.damage:
        raise CaptureError(f"{name}: nothing can be unpacked: {held.damage[0].reason}")
    return held


def _no_room(name: str, error: OSError) -> CaptureError:
    import tempfile

    return CaptureError(
        f"{name}: cannot be unpacked into {tempfile.gettempdir()}: {error.strerror or error}"
    )


def _size(count: int) -> str:
    """A number of bytes for people.

    >>> _size(8 << 30), _size(1000)
    ('8 GiB', '1000 bytes')
    """
    for unit, name in UNITS:
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"
