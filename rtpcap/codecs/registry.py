"""Which format is decoded by what: one declaration a codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["Decoder", "available", "codec", "find"]

MOST_HZ = 384_000
"""No sample rate in use is higher; signalling that says so would ask for any amount of memory."""


class Decoder(Protocol):
    """Decodes the payloads of one stream; made afresh for each by `find`."""

    sample_rate: int
    channels: int

    def samples(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many samples (of each channel) payloads of these sizes in bytes hold."""
        ...

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        """The samples of one payload, shape (samples,), or (samples, channels) for several."""
        ...

    def decode_many(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """The samples of k payloads of equal size, shape (k, size), in the order they are sent.

        Gives shape (k, samples), or (k, samples, channels) for several channels.
        """
        ...


Made = TypeVar("Made", bound=Callable[[Format], Decoder])

_DECLARED: dict[str, tuple[str, Callable[[Format], Decoder]]] = {}


def codec(name: str) -> Callable[[Made], Made]:
    """Declare what makes the decoder for an encoding name."""

    def declare(make: Made) -> Made:
        _DECLARED[name.lower()] = (name, make)
        return make

    return declare


def available() -> list[str]:
    """The encoding names that can be decoded, in alphabetical order.

    >>> from rtpcap.codecs import available
    >>> available()
    ['L16', 'PCMA', 'PCMU']
    """
    return sorted(name for name, _ in _DECLARED.values())


def find(fmt: Format) -> Decoder:
    """A new decoder for the payloads of one stream of this format.

    Raises CodecUnavailable where there is none, and says what there is.
    """
    declared = _DECLARED.get(fmt.name.lower())
    if declared is None:
        what = "video" if fmt.is_video else f"no decoder for {fmt.name}"
        if fmt.is_event or fmt.is_comfort_noise:
            what = f"{fmt.name} alone is no audio"
        raise CodecUnavailable(f"{what}; decoded here: {', '.join(available())}")
    if not 0 < fmt.clock_rate <= MOST_HZ:
        raise CodecUnavailable(f"{fmt} has a clock rate above {MOST_HZ} Hz")
    return declared[1](fmt)
