"""Encoders: samples -> payloads, one declaration each; for sending, and for tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.g711 import encode_a_law, encode_mu_law
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["Encoder", "encodable", "encoder", "find_encoder"]

PACKET_MS = 20
MOST_MS = 200

Samples = npt.NDArray[np.int16]


class Encoder(ABC):
    """Encodes the samples of one stream; made afresh for each by `find_encoder`.

    It takes samples as they come, any number at a time, and gives whole payloads.
    """

    sample_rate: int
    channels: int
    packet_samples: int
    """Samples (of each channel) that a payload holds."""

    def __init__(self, sample_rate: int, channels: int, packet_samples: int) -> None:
        if packet_samples < 1:
            raise ValueError(f"a packet of {packet_samples} samples holds nothing")
        self.sample_rate = sample_rate
        self.channels = channels
        self.packet_samples = packet_samples
        self._held: Samples = np.empty(0 if channels == 1 else (0, channels), np.int16)

    @abstractmethod
    def _payload(self, samples: Samples) -> bytes:
        """The payload of one packet's samples; b"" while an encoder has nothing to give yet."""

    def encode(self, samples: Samples) -> list[bytes]:
        """The payloads that are whole with these samples, shape (n,) or (n, channels)."""
        if samples.shape[1:] != self._held.shape[1:]:
            raise ValueError(f"samples of shape {samples.shape} have not {self.channels} channels")
        self._held = np.concatenate([self._held, samples])
        size = self.packet_samples
        whole = len(self._held) // size * size
        parts = [self._held[at : at + size] for at in range(0, whole, size)]
        self._held = self._held[whole:]
        return [payload for part in parts if (payload := self._payload(part))]

    def finish(self) -> list[bytes]:
        """What was held back, with silence behind it to fill a packet."""
        if not len(self._held):
            return []
        missing = self.packet_samples - len(self._held)
        return self.encode(np.zeros((missing, *self._held.shape[1:]), np.int16))


Made = TypeVar("Made", bound=Callable[[Format, int], Encoder])

_DECLARED: dict[str, tuple[str, Callable[[Format, int], Encoder]]] = {}


def encoder(*names: str) -> Callable[[Made], Made]:
    """Declare what makes the encoder for an encoding name, from format and milliseconds."""

    def declare(make: Made) -> Made:
        for name in names:
            _DECLARED[name.lower()] = (name, make)
        return make

    return declare


def encodable() -> list[str]:
    """The encoding names that can be encoded, in alphabetical order."""
    return sorted((name for name, _ in _DECLARED.values()), key=str.lower)


def find_encoder(fmt: Format, packet_ms: int = PACKET_MS) -> Encoder:
    """A new encoder for one stream of this format, in packets of so many milliseconds.

    Raises CodecUnavailable where there is none, ValueError for a length that its frames do not
    have.
    """
    declared = _DECLARED.get(fmt.name.lower())
    if declared is None:
        raise CodecUnavailable(f"no encoder for {fmt.name}; encoded here: {', '.join(encodable())}")
    if not 0 < packet_ms <= MOST_MS:
        raise ValueError(f"packets of {packet_ms} ms: they have 1 to {MOST_MS}")
    return declared[1](fmt, packet_ms)


def _in_ms(rate: int, packet_ms: int) -> int:
    samples, rest = divmod(rate * packet_ms, 1000)
    if rest:
        raise ValueError(f"{packet_ms} ms of {rate} Hz are no whole samples")
    return samples


class SampleEncoder(Encoder):
    """Each sample by itself."""

    def __init__(self, fmt: Format, packet_ms: int) -> None:
        packet = _in_ms(fmt.clock_rate, packet_ms)
        super().__init__(fmt.clock_rate, fmt.channels, packet)


@encoder("PCMU")
class PCMUEncoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        return encode_mu_law(samples).tobytes()


@encoder("PCMA")
class PCMAEncoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        return encode_a_law(samples).tobytes()


@encoder("L16")
class L16Encoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        return samples.astype(">i2").tobytes()
