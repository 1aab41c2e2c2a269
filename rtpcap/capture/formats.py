"""Which reader a file needs, by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from rtpcap.capture.held import MOST_UNPACKED, first_bytes, hold
from rtpcap.capture.packed import MOST_LEVELS, is_packed
from rtpcap.capture.pcap import PcapSource, is_pcap
from rtpcap.capture.pcapng import PcapngSource, is_pcapng
from rtpcap.capture.rtpdump import RtpdumpSource, is_rtpdump
from rtpcap.capture.several import Several
from rtpcap.capture.source import Source
from rtpcap.errors import CaptureError

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
    return is_pcap(head) or is_pcapng(head) or is_rtpdump(head)


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
    for is_it, reader in (
        (is_pcap, PcapSource),
        (is_pcapng, PcapngSource),
        (is_rtpdump, RtpdumpSource),
    ):
        if is_it(head):
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
    return sources[0] if len(sources) == 1 else Several(sources)
