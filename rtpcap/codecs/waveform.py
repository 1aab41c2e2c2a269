"""Codecs of a few bits a sample that FFmpeg decodes: G.722 and G.726."""

from __future__ import annotations

from math import lcm

from rtpcap.codecs.frames import UnitDecoder
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["G722", "G726", "G726_BITS"]

G726_BITS = {"16": 2, "24": 3, "32": 4, "40": 5}
"""Bits a sample, by the kbit/s in the encoding name."""

CODED_HZ = 8000
"""What FFmpeg is told of G.726; the clock that signalling names may be any."""


@codec("G722")
class G722(UnitDecoder):
    """G.722: 16,000 samples a second, though its clock is said to be 8000 (RFC 3551 4.5.2)."""

    delay = 22
    """Of the filters that part the two bands and join them again, of 24 taps each."""

    def __init__(self, fmt: Format) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: only G.722 of one channel is decoded")
        super().__init__(FFmpegDecoder("g722", 16000), 16000, 1, 2)


@codec(
    *(f"{packing}G726-{rate}" for packing in ("", "AAL2-") for rate in G726_BITS),
    "G721",
)
class G726(UnitDecoder):
    """G.726, in either packing: the first sample in the lowest bits, or in the highest (AAL2).

    G.721 is its 32 kbit/s, as sent under the name that RFC 1890 had for it.
    """

    def __init__(self, fmt: Format) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: only G.726 of one channel is decoded")
        bits = G726_BITS.get(fmt.name[-2:], 4)
        name = "g726" if fmt.name.upper().startswith("AAL2") else "g726le"
        decoder = FFmpegDecoder(name, CODED_HZ, options={"bits_per_coded_sample": bits})
        # As many samples as it takes to fill whole bytes.
        unit = lcm(bits, 8)
        super().__init__(decoder, fmt.clock_rate, unit // 8, unit // bits)
