"""The ways of compression, each with the checksums that it has."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]

PACKS: dict[str, Pack] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: zstd.compress(
        data, options={zstd.CompressionParameter.checksum_flag: True}
    ),
    "lz4": lambda data: bytes(lz4.frame.compress(data, content_checksum=True, block_checksum=True)),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def skippable(content: bytes) -> bytes:
    """A frame that zstd and lz4 pass over (RFC 8878, section 3.1.2)."""
    return (0x184D2A53).to_bytes(4, "little") + len(content).to_bytes(4, "little") + content
