"""Opus (RFC 6716, RFC 7587), by libopus: always 48,000 samples a second.

The first byte of a payload, its table of contents (RFC 6716 section 3.1)::

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+    config: mode, bandwidth and length of the frames
    | config  |s| c |    s: stereo; c: one frame, two of equal or of other size, or their number
    +-+-+-+-+-+-+-+-+    in the lower six bits of the next byte
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.decoder import Decoded, Decoder, Filled, Heard, Measured, Reason
from rtpcap.codecs.frames import fitted
from rtpcap.codecs.parameters import parameters
from rtpcap.codecs.pyav import FFmpegDecoder, require_pyav
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["SAMPLE_RATE", "Opus", "carries_copy", "frame_samples", "packet_samples"]

SAMPLE_RATE = 48000
PER_MS = SAMPLE_RATE // 1000
MOST_SAMPLES = 120 * PER_MS
"""No packet is longer (RFC 6716 section 3.4)."""

FIRST_HYBRID, FIRST_CELT = 12, 16
STEREO = 4
SILK_FRAME = 20 * PER_MS
NO_SPEECH_BYTES = 2
"""Packets of so few bytes are sent while nobody speaks (RFC 6716 section 2.1.9)."""


def _frame_samples() -> npt.NDArray[np.int64]:
    silk = [10, 20, 40, 60] * 3
    hybrid = [10, 20] * 2
    celt = [2.5, 5, 10, 20] * 4
    return np.array([int(ms * PER_MS) for ms in (*silk, *hybrid, *celt)], np.int64)


frame_samples = _frame_samples()
"""Samples of a frame by its config, shape (32,) (RFC 6716 table 2)."""


def packet_samples(payloads: Payloads) -> Measured:
    """How many samples Opus payloads hold, and which are none by RFC 6716 section 3.4."""
    head = payloads.head(2)
    size = payloads.size
    count_code = head[:, 0] & 3
    frames = np.choose(count_code, [1, 2, 2, head[:, 1] & 63]).astype(np.int64)
    samples = frames * frame_samples[head[:, 0] >> 3]
    reason = np.zeros(len(payloads), np.uint8)
    reason[(count_code == 1) & (size % 2 == 0)] = Reason.LENGTH
    reason[(frames == 0) | (samples > MOST_SAMPLES)] = Reason.RESERVED
    reason[(count_code >= 2) & (size < 2)] = Reason.SHORT
    reason[size == 0] = Reason.EMPTY
    samples[reason != Reason.NONE] = 0
    return Measured(samples, reason)


def carries_copy(payload: bytes) -> bool:
    """Whether a payload holds a copy of the speech before it (RFC 6716 section 2.1.7).

    The flags of the SILK layer are its first bits: one a frame of 20 ms that says whether there is
    speech, then the one that is asked for here (section 4.2.3). Stereo has the same again for the
    side signal, whose copy never comes alone.
    """
    if len(payload) < 2 or payload[0] >> 3 >= FIRST_CELT:
        return False
    begin = 1
    if payload[0] & 3 == 2:
        begin = 2 if payload[1] < 252 else 3
    elif payload[0] & 3 == 3:
        if payload[1] & 0xC0:
            # Lengths and padding come first; such packets are left to the decoder.
            return False
        begin = 2
    frames = max(1, int(frame_samples[payload[0] >> 3]) // SILK_FRAME)
    return begin < len(payload) and bool(payload[begin] >> (7 - frames) & 1)


@codec("opus")
class Opus(Decoder):
    """Opus, mono unless ``sprop-stereo=1`` says that the sender's stereo is meant.

    What a mono decoder gives of a stereo packet is both channels as one.
    """

    sample_rate = SAMPLE_RATE
    delay = 312

    def __init__(self, fmt: Format) -> None:
        require_pyav()
        self.channels = 2 if parameters(fmt).get("sprop-stereo") == "1" else 1
        self._fmt = fmt
        self._decoder = FFmpegDecoder("libopus", SAMPLE_RATE, self.channels)
        self._last_toc: int | None = None
        self._silent = False

    def measure(self, payloads: Payloads) -> Measured:
        return packet_samples(payloads)

    def decode_run(self, payloads: Payloads) -> Decoded:
        measured = self.measure(payloads)
        reason = measured.reason.copy()
        heard = np.full(len(payloads), Heard.RECEIVED, np.uint8)
        pieces = [self.silence(0)]
        for i, (payload, wanted) in enumerate(
            zip(payloads, measured.samples.tolist(), strict=True)
        ):
            if not wanted:
                heard[i] = Heard.SILENCE
                continue
            piece = self._feed(payload, wanted)
            self._last_toc = payload[0]
            self._silent = len(payload) <= NO_SPEECH_BYTES
            if not len(piece):
                heard[i], reason[i] = Heard.SILENCE, Reason.DAMAGED
            elif self._silent:
                heard[i] = Heard.NOISE
            pieces.append(piece if len(piece) == wanted else fitted(piece, wanted))
        return Decoded(np.concatenate(pieces), measured.samples, heard, reason)

    def _feed(self, payload: bytes, samples: int) -> npt.NDArray[np.int16]:
        frames = self._decoder.feed(payload)
        return frames[0] if len(frames) == 1 else np.concatenate([self.silence(0), *frames])

    def fill(self, samples: int, following: bytes | None = None) -> list[Filled]:
        """How libopus goes on with the sound, or with the noise of a sender that is silent."""
        if self._last_toc is None:
            return []
        heard = Heard.NOISE if self._silent else Heard.CONCEALED
        return [Filled(self._concealed(samples, self._last_toc), heard)]

    def _concealed(self, samples: int, toc: int) -> npt.NDArray[np.int16]:
        # What libopus is given for a lost packet: a table of contents, and a frame of no bytes.
        lost = bytes([toc & 0xFC])
        frame = int(frame_samples[lost[0] >> 3])
        pieces = [self._feed(lost, frame) for _ in range(-(-samples // frame))]
        return fitted(np.concatenate([self.silence(0), *pieces]), samples)

    def reset(self) -> None:
        self._decoder.reset()
        self._last_toc = None
        self._silent = False

    def repairing(self) -> Decoder:
        """A decoder whose `fill` uses in-band forward error correction."""
        if find_spec("opuslib_next") is None:
            raise CodecUnavailable(
                "Opus's copies of lost speech need libopus: pip install 'rtpcap[opus]'"
            )
        return RepairingOpus(self._fmt)


class Libopus(Protocol):
    """What is used of opuslib_next's decoder."""

    def decode(self, opus_data: bytes, frame_size: int, decode_fec: bool = False) -> bytes: ...


class RepairingOpus(Opus):
    """Opus by libopus itself, which FFmpeg does not let decode the copies."""

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        self._module = import_module("opuslib_next")
        self._libopus: Libopus | None = None

    def _feed(self, payload: bytes, samples: int, copy: bool = False) -> npt.NDArray[np.int16]:
        if self._libopus is None:
            self._libopus = cast(Libopus, self._module.Decoder(SAMPLE_RATE, self.channels))
        try:
            pcm = self._libopus.decode(payload, samples, copy)
        except self._module.exceptions.OpusError:
            return self.silence(0)
        flat = np.frombuffer(pcm, np.int16)
        return flat if self.channels == 1 else flat.reshape(-1, self.channels)

    def fill(self, samples: int, following: bytes | None = None) -> list[Filled]:
        if following is None or not carries_copy(following):
            return super().fill(samples)
        copied = int(frame_samples[following[0] >> 3])
        if copied > samples:
            return super().fill(samples)
        before = super().fill(samples - copied) if samples > copied else []
        if samples > copied and not before:
            return []
        return [*before, Filled(self._feed(following, copied, True), Heard.REPAIRED)]

    def reset(self) -> None:
        super().reset()
        self._libopus = None

    def repairing(self) -> Decoder:
        return RepairingOpus(self._fmt)
