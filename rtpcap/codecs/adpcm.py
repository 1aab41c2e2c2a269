"""DVI4: adaptive differential coding, 4 bits a sample (RFC 3551 section 4.5.1).

A payload begins with the coder's state, so that each decodes by itself; then come the samples, two
a byte, the first in the upper half (which is where DVI4 and the WAV format of IMA differ)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |       predict, two's complement       |     index     |   0    |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.linear import BlockDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["DVI4", "HEADER_BYTES", "INDEX_STEPS", "STEPS"]

HEADER_BYTES = 4

# IMA Digital Audio Focus and Technical Working Groups, Recommended Practices 3.00, section 6.4.
STEPS = np.array(
    [
        7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
        73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408,
        449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066,
        2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630,
        9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
        32767,
    ],
    np.int64,
)  # fmt: skip
"""The step of each index."""

INDEX_STEPS = np.array([-1, -1, -1, -1, 2, 4, 6, 8], np.int64)
"""How far the index moves, by the three bits that say how large the difference was."""


def _differences() -> npt.NDArray[np.int64]:
    step = STEPS[:, None]
    code = np.arange(16)[None, :]
    size = step >> 3
    size = size + np.where(code & 4, step, 0)
    size = size + np.where(code & 2, step >> 1, 0)
    size = size + np.where(code & 1, step >> 2, 0)
    return np.where(code & 8, -size, size)


DIFFERENCES = _differences().reshape(-1)
"""What a code of 4 bits adds to the sample at an index of the steps: [16 * index + code]."""
NEXT = np.clip(
    np.arange(len(STEPS))[:, None] + np.tile(INDEX_STEPS, 2)[None, :], 0, len(STEPS) - 1
).reshape(-1)
"""The index after it."""


@codec("DVI4")
class DVI4(BlockDecoder):
    """DVI4 of one channel."""

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: DVI4 of several channels has no payload format")

    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        two_a_byte: npt.NDArray[np.int64] = 2 * np.maximum(sizes - HEADER_BYTES, 0)
        return two_a_byte

    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        rows, size = data.shape
        if size <= HEADER_BYTES:
            return np.empty((rows, 0), np.int16)
        predicted = np.ascontiguousarray(data[:, :2]).view(">i2")[:, 0].astype(np.int64)
        index = np.minimum(data[:, 2].astype(np.int64), len(STEPS) - 1)
        # One sample of all payloads at a time.
        codes = np.ascontiguousarray(data[:, HEADER_BYTES:].T)
        out = np.empty((2 * len(codes), rows), np.int16)
        limits = np.iinfo(np.int16)
        for i, pair in enumerate(codes):
            for half, code in enumerate((pair >> 4, pair & 15)):
                entry = (index << 4) + code
                predicted = np.clip(predicted + DIFFERENCES[entry], limits.min, limits.max)
                index = NEXT[entry]
                out[2 * i + half] = predicted
        return np.ascontiguousarray(out.T)
