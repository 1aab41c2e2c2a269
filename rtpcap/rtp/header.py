"""The fixed RTP header, defined once (RFC 3550 section 5.1)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|X|  CC   |M|     PT      |       sequence number         |  word 0
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                           timestamp                           |  word 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |           synchronization source (SSRC) identifier            |  word 2
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+

Behind it come CC contributing sources of a word each, an extension (16 bits of profile, 16 bits of
length in words, then those) where X is set, the payload, and padding where P is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "EXTENSION_HEAD_BYTES",
    "FIXED_HEADER",
    "HEADER_BYTES",
    "RTP_VERSION",
    "WORD_BYTES",
    "Field",
    "split",
]

RTP_VERSION = 2
WORD_BYTES = 4
HEADER_BYTES = 12
EXTENSION_HEAD_BYTES = 4
"""The extension's profile and length, which its length does not count."""


class Field(NamedTuple):
    """Where a field lies: in which 32-bit word, how far from its lowest bit, how wide."""

    name: str
    word: int
    shift: int
    bits: int

    @property
    def mask(self) -> int:
        """The field's bits, shifted down."""
        return (1 << self.bits) - 1


FIXED_HEADER = (
    #     name            word shift bits
    Field("version", 0, 30, 2),
    Field("padding", 0, 29, 1),
    Field("extension", 0, 28, 1),
    Field("csrc_count", 0, 24, 4),
    Field("marker", 0, 23, 1),
    Field("payload_type", 0, 16, 7),
    Field("sequence", 0, 0, 16),
    Field("timestamp", 1, 0, 32),
    Field("ssrc", 2, 0, 32),
)


@overload
def split(words: Sequence[int], fields: Iterable[Field] = ...) -> dict[str, int]: ...
@overload
def split(
    words: Sequence[npt.NDArray[np.uint32]], fields: Iterable[Field] = ...
) -> dict[str, npt.NDArray[np.uint32]]: ...
def split(
    words: Sequence[int] | Sequence[npt.NDArray[np.uint32]],
    fields: Iterable[Field] = FIXED_HEADER,
) -> dict[str, int] | dict[str, npt.NDArray[np.uint32]]:
    """Words in the machine's own order -> the fields. Ints give ints, arrays give arrays.

    >>> split((0x80E00001, 160, 7))["payload_type"], split((0x80E00001, 160, 7))["marker"]
    (96, 1)
    """
    return {f.name: (words[f.word] >> f.shift) & f.mask for f in fields}  # type: ignore[return-value]
