"""Speech codecs whose frames FFmpeg decodes as they are: GSM, iLBC, G.728, G.729, G.723.1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.comfort import ComfortNoise, prediction
from rtpcap.codecs.decoder import Measured, Reason
from rtpcap.codecs.frames import FramedDecoder, FrameKind, Frames
from rtpcap.codecs.parameters import number
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["G723", "G728", "G729", "GSM", "ILBC", "Siren"]


CODED_HZ = 8000
"""What FFmpeg is told; the clock that signalling names may be any."""


class FixedDecoder(FramedDecoder):
    """Frames of the same number of bytes."""

    frame_bytes: int

    def __init__(self, fmt: Format, decoder: FFmpegDecoder) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: {fmt.name} has one channel")
        super().__init__(decoder, fmt.clock_rate)

    def split(self, payload: bytes) -> Frames:
        size = self.frame_bytes
        whole = len(payload) // size
        frames = [(FrameKind.SPEECH, payload[i * size : i * size + size]) for i in range(whole)]
        return frames, _remainder(whole, len(payload) - whole * size)

    def measure(self, payloads: Payloads) -> Measured:
        whole, rest = np.divmod(payloads.size, self.frame_bytes)
        reason = np.where(rest > 0, Reason.LENGTH, Reason.NONE)
        reason[whole == 0] = Reason.SHORT
        reason[payloads.size == 0] = Reason.EMPTY
        return Measured(whole * self.frame_samples, reason.astype(np.uint8))


def _remainder(frames: int, rest: int) -> Reason:
    if not rest:
        return Reason.NONE if frames else Reason.EMPTY
    return Reason.LENGTH if frames else Reason.SHORT


@codec("GSM")
class GSM(FixedDecoder):
    """GSM 06.10 full rate (RFC 3551 section 4.5.8): 260 bits behind the mark 0xD."""

    frame_bytes = 33
    frame_samples = 160

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt, FFmpegDecoder("gsm", CODED_HZ))


@codec("iLBC")
class ILBC(FixedDecoder):
    """iLBC in frames of 30 ms, or of 20 ms with ``mode=20`` (RFC 3952)."""

    FRAMES: ClassVar = {20: (38, 160, 40), 30: (50, 240, 80)}
    """Milliseconds -> bytes, samples, delay."""

    SILENCE: ClassVar = {
        20: "ffa6340260500000000000000049ffffffffffffffffffffffffffffc99305ca958080801616",
        30: "ffa63ffa63201414000000000000000700014210ffffffffffffffffffffffffffff"
        "f2850162c59010000001414161615856",
    }
    """What coders send for zeros. Without a frame before it FFmpeg's decoder makes noise of full
    scale out of a stream's first."""

    def __init__(self, fmt: Format) -> None:
        mode = number(fmt, "mode", 30)
        if mode not in self.FRAMES:
            raise CodecUnavailable(f"iLBC has frames of 20 or 30 ms, not mode={mode}")
        self.frame_bytes, self.frame_samples, self.delay = self.FRAMES[mode]
        options = {"block_align": self.frame_bytes}
        primer = bytes.fromhex(self.SILENCE[mode])
        super().__init__(fmt, FFmpegDecoder("ilbc", CODED_HZ, options=options, primer=primer))


@codec("SIREN")
class Siren(FixedDecoder):
    """Siren 7 of 16 kbit/s, as GStreamer sends it: not G.722.1, which grew out of it."""

    frame_bytes = 40
    frame_samples = 320

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt, FFmpegDecoder("msnsiren", 2 * CODED_HZ))


@codec("G728")
class G728(FixedDecoder):
    """G.728, 16 kbit/s: four vectors of five samples in five bytes (RFC 3551 section 4.5.5)."""

    frame_bytes = 5
    frame_samples = 20
    joins = True

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt, FFmpegDecoder("g728", CODED_HZ))


@codec("G729")
class G729(FixedDecoder):
    """G.729 and its annexes A and B: frames of 10 ms, the last perhaps a silence descriptor.

    A silence descriptor (RFC 3551 section 4.5.6, ITU-T G.729 Annex B)::

         0                   1
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |P|  spectrum 1 |spectrum|  gain |R|
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    """

    frame_bytes = 10
    frame_samples = 80
    joins = True
    delay = 40

    DESCRIPTOR_BYTES = 2

    # Annex B: the level of the noise that excites the filter, in dB, by the gain's five bits:
    # coarse below 16 dB, then every 2 dB up to 66 dB.
    GAIN_DB = (-12, -4, 0, 4, 8, 12, 16, *range(18, 68, 2))

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt, FFmpegDecoder("g729", CODED_HZ))

    def split(self, payload: bytes) -> Frames:
        speech = len(payload) // self.frame_bytes
        rest = len(payload) - speech * self.frame_bytes
        if rest != self.DESCRIPTOR_BYTES:
            return super().split(payload)
        frames, _ = super().split(payload[:-rest])
        return [*frames, (FrameKind.DESCRIPTOR, payload[-rest:])], Reason.NONE

    def measure(self, payloads: Payloads) -> Measured:
        measured = super().measure(payloads)
        described = payloads.size % self.frame_bytes == self.DESCRIPTOR_BYTES
        measured.samples[described] += self.frame_samples
        measured.reason[described] = Reason.NONE
        return measured

    def describe(
        self, descriptor: bytes, noise: ComfortNoise, before: npt.NDArray[np.int16]
    ) -> None:
        gain = descriptor[1] >> 1 & 31
        noise.become_excited(10 ** (self.GAIN_DB[gain] / 20), prediction(before))


@codec("G723")
class G723(FramedDecoder):
    """G.723.1: frames of 30 ms, whose first two bits, the lowest, tell their size."""

    frame_samples = 240
    delay = 60
    untransmitted = b"\x03"

    KINDS: ClassVar = (
        (24, FrameKind.SPEECH),
        (20, FrameKind.SPEECH),
        (4, FrameKind.DESCRIPTOR),
        (1, FrameKind.NOTHING),
    )
    """Bytes and kind by those two bits (RFC 3551 section 4.5.3)."""

    def __init__(self, fmt: Format) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: {fmt.name} has one channel")
        super().__init__(FFmpegDecoder("g723_1", CODED_HZ), fmt.clock_rate)

    def split(self, payload: bytes) -> Frames:
        frames, at = [], 0
        while at < len(payload):
            size, kind = self.KINDS[payload[at] & 3]
            if at + size > len(payload):
                break
            frames.append((kind, payload[at : at + size]))
            at += size
        return frames, _remainder(len(frames), len(payload) - at)
