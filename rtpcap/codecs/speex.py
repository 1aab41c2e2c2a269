"""Speex (RFC 5574): frames of 20 ms, each of as many bits as its modes take, without a gap.

A frame is a narrowband one and, behind it, up to two layers for the bands above. Its first bits
tell its mode, and its mode its length (the Speex manual, tables 9.1 and 10.1)::

    narrowband  |0| mode, 4 bits | ...          above  |1| mode, 3 bits | ...
"""

from __future__ import annotations

import struct

from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.frames import FramedDecoder, FrameKind, Frames
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["Speex", "split_speex"]

NARROW_BITS = {0: 5, 1: 43, 2: 119, 3: 160, 4: 220, 5: 300, 6: 364, 7: 492, 8: 79}
"""Bits of a narrowband frame by its mode, its first five included."""
ABOVE_BITS = {0: 4, 1: 36, 2: 112, 3: 192, 4: 352}
"""Bits of a layer above it by its mode, its first four included."""
TERMINATOR = 15
USER_MESSAGE, MESSAGE = 13, 14
MESSAGE_BITS = (1, 1, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64)
"""What follows a message's number, by the number (manual table 5.1)."""
NARROW_HEAD, ABOVE_HEAD = 5, 4
MOST_LAYERS = 2

BANDS = {8000: 0, 16000: 1, 32000: 2}
"""Speex's number for the mode of each sample rate."""
DELAYS = {8000: 80, 16000: 222, 32000: 508}
"""What coder and decoder look ahead, and the filters that part and join the bands: as measured."""


def split_speex(payload: bytes) -> tuple[list[bytes], Reason]:
    """The frames of a payload, each from a byte's beginning, and what is wrong with it."""
    total = 8 * len(payload)
    value = int.from_bytes(payload, "big")

    def bits(at: int, count: int) -> int:
        return value >> (total - at - count) & ((1 << count) - 1)

    if not payload:
        return [], Reason.EMPTY
    frames: list[bytes] = []
    at = 0
    while total - at >= NARROW_HEAD:
        begin = at
        mode = bits(at, NARROW_HEAD)
        # A 0 and then only 1 fill the last byte, or end the packet.
        if mode == TERMINATOR:
            break
        if mode in (USER_MESSAGE, MESSAGE) and total - at >= NARROW_HEAD + 4:
            number = bits(at + NARROW_HEAD, 4)
            size = 1 + 8 * number if mode == USER_MESSAGE else MESSAGE_BITS[number]
            at += NARROW_HEAD + 4 + size
            continue
        if mode not in NARROW_BITS:
            return frames, Reason.RESERVED
        at += NARROW_BITS[mode]
        for _ in range(MOST_LAYERS):
            if total - at < ABOVE_HEAD or not bits(at, 1):
                break
            above = bits(at, ABOVE_HEAD) & 7
            if above not in ABOVE_BITS:
                return frames, Reason.RESERVED
            at += ABOVE_BITS[above]
        if at > total:
            return frames, Reason.SHORT
        size = at - begin
        # Filled up as RFC 5574 section 3.3 has it.
        rest = -size % 8
        frame = bits(begin, size) << rest | ((1 << rest) - 1) >> 1
        frames.append(frame.to_bytes((size + rest) // 8, "big"))
    return frames, Reason.NONE if frames else Reason.SHORT


@codec("speex")
class Speex(FramedDecoder):
    """Speex of 8, 16 or 32 kHz."""

    def __init__(self, fmt: Format) -> None:
        if fmt.clock_rate not in BANDS or fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: Speex has one channel of 8000, 16000 or 32000 Hz")
        self.frame_samples = fmt.clock_rate // 50
        self.delay = DELAYS[fmt.clock_rate]
        decoder = FFmpegDecoder("speex", fmt.clock_rate, extradata=_header(fmt.clock_rate))
        super().__init__(decoder, fmt.clock_rate)

    def split(self, payload: bytes) -> Frames:
        frames, reason = split_speex(payload)
        return [(FrameKind.SPEECH, frame) for frame in frames], reason


def _header(rate: int) -> bytes:
    """What a file of one frame a packet begins with (the Speex manual, table 7.1)."""
    header_bytes, version, bitstream_version, any_bit_rate = 80, 1, 4, -1
    return struct.pack(
        "<8s20s13i",
        b"Speex   ",
        b"1.2",
        version,
        header_bytes,
        rate,
        BANDS[rate],
        bitstream_version,
        1,
        any_bit_rate,
        rate // 50,
        0,
        1,
        0,
        0,
        0,
    )
