"""Which reader a file needs, by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rtpcap.capture.files.held import MOST_UNPACKED, first_bytes, hold
from rtpcap.capture.files.packed import MOST_LEVELS, is_packed
from rtpcap.capture.files.pcap import PcapSource, is_pcap
from rtpcap.capture.files.source import Source
from rtpcap.errors import CaptureError

if TYPE_CHECKING:
    from rtpcap.capture.files.several import Several

__all__ = ["Source", "is_capture", "open_source", "open_sources"]

# What people hand over as captures and are not: said by name.
OTHERS = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"snoop\x00\x00\x00": "a snoop capture: convert it to pcap",
    b"RIFF": "a WAV file, no capture",
}
HEAD_BYTES = 16


def is_capture(path: str | os.PathLike[str]) -> bool:
    """Whether a file's first bytes are a capture's, compressed or not; False where it cannot be
    read at all."""
    try:
        head = first_bytes(path, HEAD_BYTES)
    except OSError:
        return False
    return _reader(head) is not None


def open_source(path: str | os.PathLike[str], *, most_unpacked: int = MOST_UNPACKED) -> Source:
    """The reader for a capture: a file, compressed or not; ``-`` for standard input; a URL.

    Raises CaptureError, naming file and reason, where it cannot be opened, is no capture, or holds
    more than `most_unpacked` bytes when it is unpacked.
    """
    held = hold(path, most_unpacked)
    with held.open() as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise CaptureError(f"{held.path}: empty file")
    reader = _reader(head)
    if reader is not None:
        return reader(held)
    if is_packed(head):
        raise CaptureError(f"{held.path}: compressed more than {MOST_LEVELS} times over")
    for magic, what in OTHERS.items():
        if head.startswith(magic):
            raise CaptureError(f"{held.path}: {what}")
    when = " when it is unpacked" if held.packed else ""
    raise CaptureError(f"{held.path}: no capture: begins with {head[:4].hex(' ')}{when}")


def open_sources(
    paths: Iterable[str | os.PathLike[str]], *, most_unpacked: int = MOST_UNPACKED
) -> Source | Several:
    """The reader for captures that are read as one, in order of time.

    Raises CaptureError where one of them cannot be read, ValueError where there is none.
    """
    sources = [open_source(path, most_unpacked=most_unpacked) for path in paths]
    if len(sources) == 1:
        return sources[0]
    from rtpcap.capture.files.several import Several

    return Several(sources)


def _reader(head: bytes) -> type[Source] | None:
    """What reads a capture that begins with these bytes."""
    if is_pcap(head):
        return PcapSource
    # Not at the top: the commonest format loads no reader of another one.
    from rtpcap.capture.files.pcapng import PcapngSource, is_pcapng

    if is_pcapng(head):
        return PcapngSource
    from rtpcap.capture.files.rtpdump import RtpdumpSource, is_rtpdump

    return RtpdumpSource if is_rtpdump(head) else None
