"""Decoder: the payloads of one stream -> samples, and what else comes out of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.payloads import Payloads

__all__ = ["Decoded", "Decoder", "Filled", "Heard", "Measured", "Reason"]


class Heard(IntEnum):
    """What a sample is made from; one code a sample, or a payload, in a ``heard`` column."""

    SILENCE = 0
    """Nothing: filled with zeros."""
    RECEIVED = 1
    """A payload."""
    REPAIRED = 2
    """A copy of a lost payload that came in another packet (RFC 2198, Opus in-band FEC)."""
    CONCEALED = 3
    """The sound before, gone on with."""
    NOISE = 4
    """Comfort noise, as the sender described it."""


class Reason(IntEnum):
    """Why a payload, or a part of it, is no audio; 0 where all of it is."""

    NONE = 0
    EMPTY = 1
    SHORT = 2
    """Less than one frame."""
    LENGTH = 3
    """Not whole frames: what is beyond the last whole one is left aside."""
    RESERVED = 4
    """A frame type that the standard reserves."""
    INTERLEAVED = 5
    """Interleaved frames, which are not put in order here."""
    CHECKSUM = 6
    """The payload's own checksum does not fit."""
    DAMAGED = 7
    """The decoder refuses the frame."""
    FRAGMENT = 8
    """A piece of a frame whose other pieces are missing."""
    CONFIGURATION = 9
    """The stream's configuration, which signalling has to tell, is missing or cannot be read."""

    @property
    def label(self) -> str:
        """The word for it in tables and JSON; ``""`` for `NONE`."""
        return "" if self is Reason.NONE else self.name.lower()


@dataclass(frozen=True, eq=False)
class Measured:
    """How much audio n payloads stand for; nothing was decoded for it."""

    samples: npt.NDArray[np.int64]
    """Samples (of each channel) of each payload, shape (n,)."""
    reason: npt.NDArray[np.uint8]
    """A `Reason` each, shape (n,)."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The audio of n payloads."""

    samples: npt.NDArray[np.int16]
    """Of all of them, one behind the other: shape (m,), or (m, channels) for several."""
    counts: npt.NDArray[np.int64]
    """How many are each payload's, shape (n,): always what `Decoder.measure` says."""
    heard: npt.NDArray[np.uint8]
    """A `Heard` each, shape (n,)."""
    reason: npt.NDArray[np.uint8]
    """A `Reason` each, shape (n,)."""


@dataclass(frozen=True, eq=False)
class Filled:
    """What stands where nothing came."""

    samples: npt.NDArray[np.int16]
    """Shape (m,), or (m, channels) for several."""
    heard: Heard
    """What it is, all of it."""


class Decoder(ABC):
    """Decodes the payloads of one stream; made afresh for each by `find`.

    It is given the payloads in the order they were sent, each once: `decode_run` for payloads
    that follow each other, `fill` for what is missing in front of the next ones. Nothing that a
    payload may hold makes it raise: what cannot be decoded is silence, as long as was measured,
    with a reason.
    """

    sample_rate: int
    channels: int = 1
    delay: int = 0
    """How many samples later than the sender's microphone the decoded audio is: what coder and
    decoder look ahead. The timestamps do not tell it."""
    limit: int = 32767
    """The largest sample it gives: where a signal stays there, it was clipped."""

    @abstractmethod
    def measure(self, payloads: Payloads) -> Measured:
        """How many samples each payload stands for; it changes nothing in the decoder."""

    @abstractmethod
    def decode_run(self, payloads: Payloads) -> Decoded:
        """The audio of payloads between which nothing is missing."""

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        """The samples of one payload, shape (samples,), or (samples, channels) for several."""
        return self.decode_run(Payloads.of([payload])).samples

    def fill(self, samples: int, following: bytes | None = None) -> list[Filled]:
        """What the codec itself puts where that many samples are missing, piece by piece.

        Together the pieces are as long, or there are none where it has no way of its own.
        `following` is the next payload there is, which may carry a copy of what is missing.
        """
        return []

    @abstractmethod
    def reset(self) -> None:
        """Forget what came before: the sender has begun anew."""

    def repairing(self) -> Decoder:
        """A fresh decoder whose `fill` also uses the copies that following payloads carry.

        Raises CodecUnavailable where that needs a package that is not installed, and names it.
        """
        return self

    def silence(self, samples: int) -> npt.NDArray[np.int16]:
        """That many samples of nothing."""
        return np.zeros(samples if self.channels == 1 else (samples, self.channels), np.int16)
