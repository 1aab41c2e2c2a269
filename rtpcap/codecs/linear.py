"""Codecs that hold each sample by itself, and the plainest of them: L8, L16, L20 and L24."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.decoder import Decoded, Decoder, Heard, Measured, Reason
from rtpcap.codecs.registry import codec
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["L8", "L16", "L20", "L24", "BlockDecoder", "SampleDecoder"]


class BlockDecoder(Decoder):
    """Payloads that decode by themselves, in any order, whose size tells how much they hold."""

    def __init__(self, fmt: Format) -> None:
        self.sample_rate = fmt.clock_rate
        self.channels = fmt.channels

    @abstractmethod
    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many samples (of each channel) payloads of these sizes in bytes hold."""

    @abstractmethod
    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """The samples of k payloads of equal size, shape (k, size).

        Gives shape (k, samples), or (k, samples, channels) for several channels.
        """

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        """The samples of one payload, shape (samples,), or (samples, channels) for several."""
        samples: npt.NDArray[np.int16] = self.decode_many(np.frombuffer(payload, np.uint8)[None])[0]
        return samples

    def reset(self) -> None:
        """There is nothing to forget."""

    def measure(self, payloads: Payloads) -> Measured:
        samples = self.samples(payloads.size)
        reason = np.zeros(len(payloads), np.uint8)
        reason[samples == 0] = Reason.SHORT
        reason[payloads.size == 0] = Reason.EMPTY
        return Measured(samples, reason)

    def decode_run(self, payloads: Payloads) -> Decoded:
        measured = self.measure(payloads)
        counts = measured.samples
        out = self.silence(int(counts.sum()))
        end = counts.cumsum()
        for size in np.unique(payloads.size).tolist():
            rows = np.flatnonzero(payloads.size == size)
            if not counts[rows[0]]:
                continue
            data = payloads[rows].joined().reshape(len(rows), size)
            decoded = self.decode_many(data)
            if len(rows) == len(payloads):
                out = decoded.reshape(-1, *decoded.shape[2:])
                break
            place = (end - counts)[rows, None] + np.arange(decoded.shape[1])
            out[place] = decoded
        heard = np.where(counts > 0, Heard.RECEIVED, Heard.SILENCE).astype(np.uint8)
        return Decoded(out, counts, heard, measured.reason)


class SampleDecoder(BlockDecoder):
    """Payloads of samples of a fixed width, channels interleaved (RFC 3551 section 4.1).

    A payload's last bytes that make no whole sample of all channels are left aside.
    """

    width: int
    """Bytes a sample."""

    @abstractmethod
    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Whole samples, contiguous bytes of shape (n * width,), as 16 bits, shape (n,)."""

    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        whole: npt.NDArray[np.int64] = sizes // (self.width * self.channels)
        return whole

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        if self.width * self.channels == 1:
            return self._linear(np.frombuffer(payload, np.uint8))
        return super().decode(payload)

    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        rows, size = data.shape
        samples = size // (self.width * self.channels)
        whole = samples * self.width * self.channels
        shape = (rows, samples) if self.channels == 1 else (rows, samples, self.channels)
        flat = np.ascontiguousarray(data if whole == size else data[:, :whole]).reshape(-1)
        return self._linear(flat).reshape(shape)


@codec("L8")
class L8(SampleDecoder):
    """Uncompressed audio, 8 bits with an offset of 128 (RFC 3551 section 4.5.10)."""

    width = 1
    limit = 0x7F00

    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        return ((data ^ 0x80).astype(np.uint16) << 8).view(np.int16)


@codec("L16")
class L16(SampleDecoder):
    """Uncompressed audio, 16 bits in network order (RFC 3551 section 4.5.11)."""

    width = 2

    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        return data.view(">i2").astype(np.int16)


@codec("L24")
class L24(SampleDecoder):
    """Uncompressed audio, 24 bits in network order (RFC 3190 section 4): the upper 16 of them."""

    width = 3

    def _linear(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        upper = np.ascontiguousarray(data.reshape(-1, self.width)[:, :2])
        return upper.view(">i2")[:, 0].astype(np.int16)


@codec("L20")
class L20(BlockDecoder):
    """Uncompressed audio, 20 bits packed without a gap (RFC 3190 section 4): the upper 16.

    Two samples are five bytes; an odd last sample has four bits of padding behind it.
    """

    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        whole: npt.NDArray[np.int64] = sizes * 8 // 20 // self.channels
        return whole

    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        rows, size = data.shape
        samples = size * 8 // 20 // self.channels
        total = samples * self.channels
        pairs = np.zeros((rows, (total + 1) // 2 * 5), np.uint16)
        held = min(size, pairs.shape[1])
        pairs[:, :held] = data[:, :held]
        five = pairs.reshape(rows, -1, 5)
        out = np.empty((rows, five.shape[1], 2), np.uint16)
        out[..., 0] = five[..., 0] << 8 | five[..., 1]
        out[..., 1] = (five[..., 2] & 15) << 12 | five[..., 3] << 4 | five[..., 4] >> 4
        flat = out.view(np.int16).reshape(rows, -1)[:, :total]
        return flat if self.channels == 1 else flat.reshape(rows, samples, self.channels)
