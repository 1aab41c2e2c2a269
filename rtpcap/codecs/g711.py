"""G.711: mu-law and A-law, 8 bits a sample (ITU-T G.711, tables 1a to 2b; RFC 3551 4.5.14).

Both laws divide the range into segments, each twice as coarse as the one before, of 16 steps each:
a code is sign, segment (3 bits) and step (4 bits), sent inverted (mu-law) or with every second bit
inverted (A-law). The values here are those of the ITU tables, 14 and 13 bits, scaled to 16.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.linear import SampleDecoder
from rtpcap.codecs.registry import codec

__all__ = ["A_LAW", "MU_LAW", "PCMA", "PCMU", "encode_a_law", "encode_mu_law"]

MU_LAW_BIAS = 33
MU_LAW_BITS = 14
MU_LAW_CLIP = (1 << (MU_LAW_BITS - 1)) - 1
A_LAW_BITS = 13
A_LAW_INVERTED = 0x55
SIGN = 0x80


def _parts(code: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(segment, step) of codes whose inversion was undone."""
    return (code >> 4) & 7, code & 15


def _mu_law() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    segment, step = _parts(code)
    value = ((2 * step + MU_LAW_BIAS) << segment) - MU_LAW_BIAS
    value <<= 16 - MU_LAW_BITS
    return np.where(code & SIGN, -value, value).astype(np.int16)


def _a_law() -> npt.NDArray[np.int16]:
    code = np.arange(256) ^ A_LAW_INVERTED
    segment, step = _parts(code)
    # The two lowest segments are equally fine.
    value = np.where(segment, (2 * step + 33) << np.maximum(segment - 1, 0), 2 * step + 1)
    value <<= 16 - A_LAW_BITS
    return np.where(code & SIGN, value, -value).astype(np.int16)


MU_LAW = _mu_law()
"""Sample of each mu-law code, shape (256,), int16."""
A_LAW = _a_law()
"""Sample of each A-law code, shape (256,), int16."""


def encode_mu_law(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """The mu-law codes of 16-bit samples, of the same shape."""
    value = samples.astype(np.int64) >> (16 - MU_LAW_BITS)
    # Negative numbers are counted from -1, as two's complement rounds them (ITU-T G.191).
    size = np.minimum(np.where(value < 0, ~value, value) + MU_LAW_BIAS, MU_LAW_CLIP)
    segment = _bit_length(size) - 6
    step = (size >> (segment + 1)) & 15
    code = np.where(value < 0, SIGN, 0) | segment << 4 | step
    return np.asarray(~code & 0xFF, np.uint8)


def encode_a_law(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """The A-law codes of 16-bit samples, of the same shape."""
    value = samples.astype(np.int64) >> (16 - A_LAW_BITS)
    size = np.where(value < 0, ~value, value)
    segment = np.maximum(_bit_length(size) - 5, 0)
    step = (size >> np.maximum(segment, 1)) & 15
    code = np.where(value < 0, 0, SIGN) | segment << 4 | step
    return np.asarray(code ^ A_LAW_INVERTED, np.uint8)


def _bit_length(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many bits each number takes; 0 for 0."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


class TableDecoder(SampleDecoder):
    """One sample a byte, by a table; two bytes at a time, which is four times as fast."""

    width = 1
    table: npt.NDArray[np.int16]
    _pairs: npt.NDArray[np.uint32] | None = None

    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        if len(data) < 1024:
            return self.table.take(data)
        out = np.empty(len(data), np.int16)
        even = len(data) & ~1
        codes, samples = data[:even].view(np.uint16), out[:even].view(np.uint32)
        np.take(self._pair_table(), codes, out=samples, mode="clip")
        out[even:] = self.table[data[even:]]
        return out

    @classmethod
    def _pair_table(cls) -> npt.NDArray[np.uint32]:
        """Two samples, as they lie in memory, of each pair of codes, as they lie in memory."""
        if cls._pairs is None:
            codes = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
            cls._pairs = cls.table[codes].view(np.uint32)
        return cls._pairs


@codec("PCMU")
class PCMU(TableDecoder):
    """G.711 mu-law."""

    table = MU_LAW
    limit = int(MU_LAW.max())


@codec("PCMA")
class PCMA(TableDecoder):
    """G.711 A-law."""

    table = A_LAW
    limit = int(A_LAW.max())
