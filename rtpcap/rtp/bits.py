"""Bytes as bits and as numbers."""

from __future__ import annotations

__all__ = ["add_bytes", "byte_to_bits"]


def byte_to_bits(byte: bytes) -> str:
    """A single byte as eight characters 0 and 1, the most significant bit first.

    Raises ValueError for anything but one byte.

    >>> byte_to_bits(b"\\x81")
    '10000001'
    """
    if not isinstance(byte, (bytes, bytearray, memoryview)) or len(byte) != 1:
        raise ValueError(f"one byte is needed, not {byte!r}")
    return format(byte[0], "08b")


def add_bytes(bytes: bytes) -> int:
    """Bytes as one number, the first byte highest; 0 for none.

    >>> add_bytes(b"\\x01\\x02")
    258
    """
    return int.from_bytes(bytes, "big")
