"""The codecs of CDMA: QCELP (RFC 2658) and EVRC (RFC 3558), frames of 20 ms of varying rate."""

from __future__ import annotations

from typing import ClassVar

from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.frames import FramedDecoder, FrameKind, Frames
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["EVRC", "EVRC0", "QCELP"]

CODED_HZ = 8000
ERASURE = 14
INTERLEAVE = 0x38
"""The bits of a payload's first byte that say how many packets are interleaved."""


class CDMADecoder(FramedDecoder):
    """Frames with their rate in a byte in front, as FFmpeg wants them."""

    frame_samples = 160
    ffmpeg: str

    def __init__(self, fmt: Format) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: {fmt.name} has one channel")
        super().__init__(FFmpegDecoder(self.ffmpeg, CODED_HZ), fmt.clock_rate)


@codec("QCELP")
class QCELP(CDMADecoder):
    """QCELP: behind a byte about interleaving, frames that each begin with their rate."""

    ffmpeg = "qcelp"

    BYTES: ClassVar = {0: 1, 1: 4, 2: 8, 3: 17, 4: 35, ERASURE: 1}
    """Of a frame, its rate included (RFC 2658 section 3.2)."""

    def split(self, payload: bytes) -> Frames:
        if len(payload) < 2:
            return [], Reason.SHORT if payload else Reason.EMPTY
        if payload[0] & INTERLEAVE:
            return [], Reason.INTERLEAVED
        frames: list[tuple[FrameKind, bytes]] = []
        at = 1
        while at < len(payload):
            rate = payload[at]
            if rate not in self.BYTES:
                return frames, Reason.RESERVED
            size = self.BYTES[rate]
            if at + size > len(payload):
                return frames, Reason.SHORT
            kind = FrameKind.SPEECH if size > 1 else FrameKind.LOST
            frames.append((kind, payload[at : at + size]))
            at += size
        return frames, Reason.NONE


EVRC_BYTES = {0: 0, 1: 2, 2: 5, 3: 10, 4: 22, 5: 0, ERASURE: 0}
"""Of a frame's data, by its type (RFC 3558 section 4.1.1)."""


@codec("EVRC")
class EVRC(CDMADecoder):
    """EVRC in the format that bundles: two bytes, a table of contents of 4 bits a frame, frames."""

    ffmpeg = "evrc"

    def split(self, payload: bytes) -> Frames:
        if len(payload) < 3:
            return [], Reason.SHORT if payload else Reason.EMPTY
        if payload[0] & INTERLEAVE:
            return [], Reason.INTERLEAVED
        count = (payload[1] & 31) + 1
        at = 2 + (count + 1) // 2
        frames: list[tuple[FrameKind, bytes]] = []
        for i in range(count):
            place = 2 + i // 2
            if place >= len(payload):
                return frames, Reason.SHORT
            rate = payload[place] >> (0 if i % 2 else 4) & 15
            if rate not in EVRC_BYTES:
                return frames, Reason.RESERVED
            size = EVRC_BYTES[rate]
            if at + size > len(payload):
                return frames, Reason.SHORT
            kind = FrameKind.SPEECH if size else FrameKind.LOST
            frames.append((kind, bytes([rate]) + payload[at : at + size]))
            at += size
        return frames, Reason.NONE if at == len(payload) else Reason.LENGTH


@codec("EVRC0")
class EVRC0(CDMADecoder):
    """EVRC in the format without a header: one frame, whose size tells its rate."""

    ffmpeg = "evrc"

    def split(self, payload: bytes) -> Frames:
        for rate, size in EVRC_BYTES.items():
            if size and size == len(payload):
                return [(FrameKind.SPEECH, bytes([rate]) + payload)], Reason.NONE
        return [], Reason.LENGTH if payload else Reason.EMPTY
