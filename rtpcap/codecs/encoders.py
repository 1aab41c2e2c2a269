"""Encoders: samples -> payloads, one declaration each; for sending, and for tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.amr import NARROW, AMRFrame, build_amr
from rtpcap.codecs.g711 import encode_a_law, encode_mu_law
from rtpcap.codecs.opus import PER_MS
from rtpcap.codecs.opus import SAMPLE_RATE as OPUS_RATE
from rtpcap.codecs.parameters import parameters
from rtpcap.codecs.pyav import FFmpegEncoder, require_pyav
from rtpcap.codecs.waveform import G726_BITS
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["Encoder", "encodable", "encoder", "find_encoder"]

PACKET_MS = 20
MOST_MS = 200
OPUS_BIT_RATE = 32_000
"""A channel: full-band voice."""

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


@encoder("L8")
class L8Encoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        return ((samples >> 8) + 128).astype(np.uint8).tobytes()


@encoder("L16")
class L16Encoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        return samples.astype(">i2").tobytes()


@encoder("L24")
class L24Encoder(SampleEncoder):
    def _payload(self, samples: Samples) -> bytes:
        three = np.zeros((samples.size, 3), np.uint8)
        three[:, :2] = samples.astype(">i2").reshape(-1, 1).view(np.uint8)
        return three.tobytes()


class FramePayloads(Encoder):
    """What an encoder of FFmpeg gives for the whole frames of a packet, joined."""

    def __init__(self, made: FFmpegEncoder, sample_rate: int, channels: int, packet: int) -> None:
        super().__init__(sample_rate, channels, packet)
        self._made = made

    def _payload(self, samples: Samples) -> bytes:
        size = self._made.frame_samples
        parts = range(0, len(samples), size)
        return b"".join(
            packet for at in parts for packet in self._made.feed(samples[at : at + size])
        )


class StreamPayloads(Encoder):
    """What an encoder of FFmpeg gives for single samples, in pieces of a packet's length."""

    def __init__(self, made: FFmpegEncoder, sample_rate: int, packet: int, size: int) -> None:
        super().__init__(sample_rate, 1, packet)
        self._made = made
        self._size = size
        self._coded = b""
        self._fed = 0

    def _payload(self, samples: Samples) -> bytes:
        raise AssertionError("its payloads are not of the samples that were fed last")

    def encode(self, samples: Samples) -> list[bytes]:
        if samples.ndim != 1:
            raise ValueError(f"samples of shape {samples.shape} have not 1 channel")
        self._fed += len(samples)
        self._coded += b"".join(self._made.feed(samples)) if len(samples) else b""
        return self._cut()

    def _cut(self) -> list[bytes]:
        whole = len(self._coded) // self._size * self._size
        payloads = [self._coded[at : at + self._size] for at in range(0, whole, self._size)]
        self._coded = self._coded[whole:]
        return payloads

    def finish(self) -> list[bytes]:
        payloads = self.encode(np.zeros(-self._fed % self.packet_samples, np.int16))
        self._coded += b"".join(self._made.finish())
        return payloads + self._cut()


def _mono(fmt: Format) -> None:
    require_pyav()
    if fmt.channels != 1:
        raise CodecUnavailable(f"{fmt}: only one channel is encoded")


@encoder("G722")
def g722(fmt: Format, packet_ms: int) -> Encoder:
    """G.722 at 64 kbit/s."""
    _mono(fmt)
    rate = 16000
    packet = _in_ms(rate, packet_ms)
    return StreamPayloads(FFmpegEncoder("g722", rate), rate, packet, packet // 2)


@encoder(*(f"{packing}G726-{rate}" for packing in ("", "AAL2-") for rate in G726_BITS))
def g726(fmt: Format, packet_ms: int) -> Encoder:
    """G.726 in either packing."""
    _mono(fmt)
    bits = G726_BITS[fmt.name[-2:]]
    name = "g726" if fmt.name.upper().startswith("AAL2") else "g726le"
    packet = _in_ms(fmt.clock_rate, packet_ms)
    if packet * bits % 8:
        raise ValueError(f"{packet_ms} ms of {fmt} are no whole bytes")
    made = FFmpegEncoder(name, 8000, bit_rate=8000 * bits)
    return StreamPayloads(made, fmt.clock_rate, packet, packet * bits // 8)


@encoder("G723")
def g723(fmt: Format, packet_ms: int) -> Encoder:
    """G.723.1 at 6.3 kbit/s, in frames of 30 ms."""
    _mono(fmt)
    if packet_ms % 30:
        raise ValueError(f"G.723.1 has frames of 30 ms, which {packet_ms} are not")
    made = FFmpegEncoder("g723_1", 8000, bit_rate=6300)
    return FramePayloads(made, 8000, 1, 8 * packet_ms)


@encoder("opus")
def opus(fmt: Format, packet_ms: int) -> Encoder:
    """Opus, one frame a packet; stereo where ``sprop-stereo=1`` says so."""
    require_pyav()
    if packet_ms not in (5, 10, 20, 40, 60):
        raise ValueError(f"Opus has frames of 5, 10, 20, 40 or 60 ms, not {packet_ms}")
    channels = 2 if parameters(fmt).get("sprop-stereo") == "1" else 1
    options = {"frame_duration": str(packet_ms)}
    made = FFmpegEncoder(
        "libopus", OPUS_RATE, channels, bit_rate=OPUS_BIT_RATE * channels, options=options
    )
    return FramePayloads(made, OPUS_RATE, channels, PER_MS * packet_ms)


@encoder("AMR")
class AMREncoder(Encoder):
    """AMR at 12.2 kbit/s, in either alignment; only where PyAV has its encoder (version 18)."""

    def __init__(self, fmt: Format, packet_ms: int) -> None:
        _mono(fmt)
        if packet_ms % PACKET_MS:
            raise ValueError(f"AMR has frames of {PACKET_MS} ms, which {packet_ms} are not")
        super().__init__(NARROW.sample_rate, 1, _in_ms(NARROW.sample_rate, packet_ms))
        self._aligned = parameters(fmt).get("octet-align") == "1"
        self._made = FFmpegEncoder("libopencore_amrnb", NARROW.sample_rate, bit_rate=12200)

    def _payload(self, samples: Samples) -> bytes:
        size = self._made.frame_samples
        frames = [
            AMRFrame(packet[0] >> 3 & 15, bool(packet[0] & 4), packet[1:])
            for at in range(0, len(samples), size)
            for packet in self._made.feed(samples[at : at + size])
        ]
        return build_amr(frames, NARROW, self._aligned) if frames else b""
