"""Audio as a client reads and writes it <-> payloads of one format.

Audio is bytes: unsigned 8-bit samples of 8 kHz telephony, 0x80 being silence, or signed 16-bit
samples in the machine's own order, channels interleaved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.encoders import find_encoder
from rtpcap.codecs.g711 import A_LAW, MU_LAW, encode_a_law, encode_mu_law
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable, RTPParseError
from rtpcap.rtp.payload_types import Format, PayloadType

__all__ = ["Decoding", "Encoding", "Shape", "format_of", "preferred"]

Samples = npt.NDArray[np.int16]

UNSIGNED_ZERO = 128


def _narrow(samples: Samples) -> bytes:
    """16 bits -> unsigned 8: the lower half of each sample is dropped."""
    return (UNSIGNED_ZERO + (samples >> 8)).astype(np.uint8).tobytes()


def _widen(audio: bytes) -> Samples:
    """Unsigned 8 bits -> 16, the lower half 0."""
    return ((np.frombuffer(audio, np.uint8).astype(np.int16) - UNSIGNED_ZERO) << 8).astype(np.int16)


EVERY_BYTE = bytes(range(256))
# G.711 straight between codes and unsigned 8-bit audio: a table of 256 bytes each way.
CODES = {
    "PCMU": encode_mu_law(_widen(EVERY_BYTE)).tobytes(),
    "PCMA": encode_a_law(_widen(EVERY_BYTE)).tobytes(),
}
AUDIO = {"PCMU": _narrow(MU_LAW), "PCMA": _narrow(A_LAW)}


@dataclass(frozen=True)
class Shape:
    """What the bytes of audio are."""

    sample_rate: int
    channels: int = 1
    width: int = 1
    """Bytes a sample: 1 or 2."""

    @property
    def silence(self) -> bytes:
        """One sample of each channel."""
        return (b"\x80" if self.width == 1 else b"\0\0") * self.channels

    def samples(self, audio: bytes) -> Samples:
        """As 16-bit samples, shape (n,) or (n, channels); ValueError for no whole samples."""
        if len(audio) % len(self.silence):
            raise ValueError(f"{len(audio)} bytes are no whole samples of {len(self.silence)}")
        flat = _widen(audio) if self.width == 1 else np.frombuffer(audio, np.int16)
        return flat if self.channels == 1 else flat.reshape(-1, self.channels)

    def audio(self, samples: Samples) -> bytes:
        """From 16-bit samples; other channels than these are mixed into one, or copied to all."""
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        if channels != self.channels:
            mixed = samples if channels == 1 else samples.mean(axis=1).astype(np.int16)
            samples = np.repeat(mixed.reshape(-1, 1), self.channels, axis=1)
        return _narrow(samples) if self.width == 1 else samples.astype(np.int16).tobytes()


def format_of(kind: PayloadType) -> Format:
    """The format that a payload type stands for."""
    return Format(kind.description, kind.rate, max(kind.channel, 1))


def preferred(formats: Mapping[int, Format], packet_ms: int) -> int:
    """The first payload number whose format can be encoded. Raises RTPParseError for none."""
    reasons = []
    for number, fmt in formats.items():
        try:
            find_encoder(fmt, packet_ms)
        except (CodecUnavailable, ValueError) as reason:
            reasons.append(f"{fmt.name}: {reason}")
        else:
            return number
    raise RTPParseError(f"nothing to send with: {'; '.join(reasons) or 'no format is given'}")


class Encoding:
    """Encodes the audio of one stream: `encode` gives the payloads that are whole."""

    def __init__(self, fmt: Format, width: int, packet_ms: int) -> None:
        self._encoder = find_encoder(fmt, packet_ms)
        self._codes = CODES.get(fmt.name.upper()) if fmt.channels == 1 else None
        self.format = fmt
        width = width if self._codes else 2
        self.shape = Shape(self._encoder.sample_rate, self._encoder.channels, width)
        self.packet_samples = self._encoder.packet_samples
        self.packet_ticks = self.packet_samples * fmt.clock_rate // self.shape.sample_rate
        self.packet_bytes = self.packet_samples * len(self.shape.silence)

    def encode(self, audio: bytes) -> list[bytes]:
        """The payloads that are whole with this audio; of G.711 one, whatever its length."""
        if self._codes and self.shape.width == 1:
            return [audio.translate(self._codes)]
        samples = self.shape.samples(audio)
        if self._codes:
            law = encode_mu_law if self.format.name.upper() == "PCMU" else encode_a_law
            return [law(samples).tobytes()]
        return self._encoder.encode(samples)


class Decoding:
    """Decodes the payloads of one stream to audio of a given shape.

    Raises CodecUnavailable where there is no decoder, or its sample rate is another one.
    """

    def __init__(self, fmt: Format, shape: Shape) -> None:
        self._decoder = find(fmt)
        if self._decoder.sample_rate != shape.sample_rate:
            raise CodecUnavailable(
                f"{fmt} has {self._decoder.sample_rate} Hz, the client {shape.sample_rate} Hz"
            )
        table = AUDIO.get(fmt.name.upper()) if fmt.channels == 1 else None
        self._table = table if shape == Shape(shape.sample_rate) else None
        self._shape = shape
        self.clock_rate = fmt.clock_rate

    def decode(self, payload: bytes) -> bytes:
        """The audio of one payload."""
        if self._table:
            return payload.translate(self._table)
        return self._shape.audio(self._decoder.decode(payload))
