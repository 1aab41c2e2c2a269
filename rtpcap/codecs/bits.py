"""Bits: the fields of a string of bytes that begin and end anywhere, read in their order."""

from __future__ import annotations

__all__ = ["BitReader"]


class BitReader:
    """Reads numbers of any size from bytes, the first bit first.

    >>> bits = BitReader(bytes([0b10100000]))
    >>> bits.take(1), bits.take(2), bits.left
    (1, 1, 5)
    """

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._size = 8 * len(data)
        self.left = self._size
        """How many bits there still are."""

    def take(self, count: int) -> int:
        """The next bits as a number. Raises EOFError where there are not as many."""
        if count > self.left:
            raise EOFError(f"{count} bits wanted, {self.left} left")
        self.left -= count
        return self._value >> self.left & ((1 << count) - 1)

    def rest(self) -> bytes:
        """All that is left, from a byte's beginning, with zeros behind it."""
        fill = -self.left % 8
        value = self._value & ((1 << self.left) - 1)
        return (value << fill).to_bytes((self.left + fill) // 8, "big")
