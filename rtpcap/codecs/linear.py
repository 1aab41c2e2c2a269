"""Codecs that hold each sample by itself, and the plainest of them: L16."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.registry import codec
from rtpcap.rtp.payload_types import Format

__all__ = ["L16", "SampleDecoder"]


class SampleDecoder(ABC):
    """Payloads of samples of a fixed width, channels interleaved (RFC 3551 section 4.1).

    A payload's last bytes that make no whole sample of all channels are left aside.
    """

    width: int
    """Bytes a sample."""

    def __init__(self, fmt: Format) -> None:
        self.sample_rate = fmt.clock_rate
        self.channels = fmt.channels

    @abstractmethod
    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Whole samples, contiguous bytes of shape (n * width,), as 16 bits, shape (n,)."""

    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many samples (of each channel) payloads of these sizes in bytes hold."""
        whole: npt.NDArray[np.int64] = sizes // (self.width * self.channels)
        return whole

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        """The samples of one payload, shape (samples,), or (samples, channels) for several."""
        if self.width * self.channels == 1:
            return self._linear(np.frombuffer(payload, np.uint8))
        samples: npt.NDArray[np.int16] = self.decode_many(np.frombuffer(payload, np.uint8)[None])[0]
        return samples

    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """The samples of k payloads of equal size, shape (k, size).

        Gives shape (k, samples), or (k, samples, channels) for several channels.
        """
        rows, size = data.shape
        samples = size // (self.width * self.channels)
        whole = samples * self.width * self.channels
        shape = (rows, samples) if self.channels == 1 else (rows, samples, self.channels)
        flat = np.ascontiguousarray(data if whole == size else data[:, :whole]).reshape(-1)
        return self._linear(flat).reshape(shape)


@codec("L16")
class L16(SampleDecoder):
    """Uncompressed audio, 16 bits in network order (RFC 3551 section 4.5.11)."""

    width = 2

    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        return data.view(">i2").astype(np.int16)
