"""Which reader a file needs, by its first bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rtpcap.capture.pcap import PcapSource, is_pcap
from rtpcap.capture.pcapng import PcapngSource, is_pcapng
from rtpcap.capture.source import Source
from rtpcap.errors import CaptureError

__all__ = ["Source", "is_capture", "open_source"]

# What people hand over as captures and are not: said by name.
OTHERS = {
    b"\x1f\x8b": "gzip-compressed capture: unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd-compressed capture: unpack it first",
    b"\x04\x22\x4d\x18": "lz4-compressed capture: unpack it first",
    b"\xfd7zXZ\x00": "xz-compressed capture: unpack it first",
    b"BZh": "bzip2-compressed capture: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"#!rtpplay1.0 ": "an rtpdump file, which is not read yet",
    b"snoop\x00\x00\x00": "a snoop capture: convert it to pcap",
    b"RIFF": "a WAV file, no capture",
}
HEAD_BYTES = 16


def is_capture(path: str | os.PathLike[str]) -> bool:
    """Whether a file's first bytes are a capture's; False where it cannot be read at all."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return is_pcap(head) or is_pcapng(head)


def open_source(path: str | os.PathLike[str]) -> Source:
    """The reader for a capture file.

    Raises CaptureError, naming file and reason, where it cannot be opened or is no capture.
    """
    name = os.fsdecode(path)
    try:
        kind = os.stat(name).st_mode
        if stat.S_ISDIR(kind):
            raise CaptureError(f"{name}: a folder, not a capture file")
        if not stat.S_ISREG(kind):
            # A pipe can be read only once, and a capture is read more often.
            raise CaptureError(f"{name}: a pipe or a device, not a file: save the capture first")
        with open(name, "rb") as file:
            head = file.read(HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:
        if isinstance(error, CaptureError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CaptureError(f"{name}: {reason}") from error
    if not head:
        raise CaptureError(f"{name}: empty file")
    if is_pcap(head):
        return PcapSource(name, size)
    if is_pcapng(head):
        return PcapngSource(name, size)
    for magic, what in OTHERS.items():
        if head.startswith(magic):
            raise CaptureError(f"{name}: {what}")
    raise CaptureError(f"{name}: no capture: begins with {head[:4].hex(' ')}")
