"""MPEG-1 and -2 audio: layers I to III, the last being MP3 (RFC 2250 section 3.5).

In front of the frames, or of a piece of one, stands::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |             MBZ               |          Frag_offset          |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from typing import NamedTuple

from rtpcap.codecs.access import AccessUnitDecoder, Assembled
from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.parameters import number, parameters
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["HEADER_BYTES", "MPA", "MPEGFrame", "parse_mpeg"]

HEADER_BYTES = 4
SYNC = 0x7FF

# ISO/IEC 11172-3 section 2.4.2.3 and 13818-3 section 2.4.2.3; kbit/s by the index.
_NONE = (0,)
BIT_RATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By (whether MPEG-1 or -2, layer)."""
SAMPLE_RATES = (44100, 48000, 32000)
"""Of MPEG-1; MPEG-2 has half of them, and 2.5 a quarter."""
DIVISORS = {3: 1, 2: 2, 0: 4}
"""By the version's bits."""
MONO = 3


class MPEGFrame(NamedTuple):
    """What a frame's header says."""

    layer: int
    sample_rate: int
    channels: int
    samples: int
    size: int
    """Bytes, header included."""


def parse_mpeg(data: bytes) -> MPEGFrame | None:
    """What the frame at the beginning of some bytes is; None where none begins."""
    if len(data) < HEADER_BYTES:
        return None
    word = int.from_bytes(data[:HEADER_BYTES], "big")
    version, layer = word >> 19 & 3, 4 - (word >> 17 & 3)
    rate_index, rate = word >> 12 & 15, word >> 10 & 3
    if word >> 21 != SYNC or version not in DIVISORS or layer > 3 or rate == 3:
        return None
    family = 1 if version == 3 else 2
    if not 0 < rate_index < 15:
        return None
    sample_rate = SAMPLE_RATES[rate] // DIVISORS[version]
    bit_rate = 1000 * BIT_RATES[family, layer][rate_index]
    padding = word >> 9 & 1
    if layer == 1:
        samples, size = 384, (12 * bit_rate // sample_rate + padding) * 4
    else:
        samples = 576 if layer == 3 and family == 2 else 1152
        size = samples // 8 * bit_rate // sample_rate + padding
    channels = 1 if word >> 6 & 3 == MONO else 2
    return MPEGFrame(layer, sample_rate, channels, samples, size)


@codec("MPA")
class MPA(AccessUnitDecoder):
    """MPEG audio of the rate and channels that ``samplerate`` and ``mode`` say (RFC 3555).

    The clock of 90,000 Hz tells neither; `settle` takes them from the frames.
    """

    def __init__(self, fmt: Format) -> None:
        rate = number(fmt, "samplerate", SAMPLE_RATES[0])
        rate = rate if rate in {r // d for r in SAMPLE_RATES for d in DIVISORS.values()} else 44100
        channels = 1 if parameters(fmt).get("mode") == "single_channel" else 2
        super().__init__(FFmpegDecoder("mp3float", rate, None), rate, channels)

    def unit_samples(self, unit: bytes) -> int:
        frame = parse_mpeg(unit)
        return frame.samples if frame else 0

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        # A frame whose pieces have not all come: where it began, its bytes, how many there are.
        begun: tuple[int, bytearray, int] | None = None
        for i, payload in enumerate(payloads):
            if len(payload) <= HEADER_BYTES:
                out.reasons[i] = Reason.SHORT if payload else Reason.EMPTY
                continue
            offset = int.from_bytes(payload[2:HEADER_BYTES], "big")
            data = payload[HEADER_BYTES:]
            if offset:
                if begun is None or offset != len(begun[1]):
                    out.reasons[i] = Reason.FRAGMENT
                    continue
                row, held, size = begun
                held += data[: size - len(held)]
                if len(held) == size:
                    out.units[row].append(bytes(held))
                    begun = None
                continue
            if begun is not None:
                out.reasons[begun[0]] = Reason.FRAGMENT
                begun = None
            at = 0
            while at < len(data):
                frame = parse_mpeg(data[at : at + HEADER_BYTES])
                if frame is None:
                    out.reasons[i] = Reason.LENGTH if at else Reason.DAMAGED
                    break
                if at + frame.size > len(data):
                    begun = (i, bytearray(data[at:]), frame.size)
                    break
                out.units[i].append(data[at : at + frame.size])
                at += frame.size
        if begun is not None:
            out.reasons[begun[0]] = Reason.FRAGMENT
        return out
