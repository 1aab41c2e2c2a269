"""Every codec that is decoded here: a format, payloads that others encoded, and what they hold."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtpcap.codecs.g711 import encode_a_law, encode_mu_law
from rtpcap.rtp.payload_types import Format
from tests.codecs.senders import (
    Samples,
    by_bcg729,
    by_gsm,
    by_pyav,
    by_speex,
    by_vo_amrwb,
    cut,
    extradata_of,
)

__all__ = ["CASES", "FORMATS", "Case"]

AMR_REQUEST = b"\xf0"
"""An octet-aligned payload's first byte: no mode is asked for (RFC 4867 section 4.4.1)."""


def l8(samples: Samples) -> bytes:
    """Offset binary: the upper 8 bits, of which 128 stands for 0."""
    return bytes(int(value) // 256 + 128 for value in samples)


def l24(samples: Samples) -> bytes:
    """24 bits in network order: 16 and a zero."""
    return b"".join(int(value).to_bytes(2, "big", signed=True) + b"\0" for value in samples)


def ima(samples: Samples, samples_a_packet: int = 504) -> list[bytes]:
    """DVI4 out of FFmpeg's IMA ADPCM for WAV files.

    There the first sample of a block stands in its header, in little-endian order, and the first
    code in a byte's lower half; a block is fed whose first sample is an extra one.
    """
    swap = bytes((code << 4 | code >> 4) & 255 for code in range(256))
    whole = len(samples) // samples_a_packet * samples_a_packet
    parts = samples[:whole].reshape(-1, samples_a_packet)
    blocks = np.concatenate([parts[:, :1], parts], axis=1)
    size = str(4 + samples_a_packet // 2)
    coded = by_pyav(
        "adpcm_ima_wav",
        blocks.reshape(-1),
        8000,
        step=blocks.shape[1],
        sample_format="s16p",
        block_size=size,
    )
    return [block[1::-1] + block[2:4] + block[4:].translate(swap) for block in coded]


def aligned_amr(frames: list[bytes]) -> list[bytes]:
    """Octet-aligned payloads of frames as files hold them."""
    return [AMR_REQUEST + frame for frame in frames]


def vorbis_configuration(extradata: bytes) -> str:
    """RFC 5215 section 3.2.1: the headers of FFmpeg's extradata (2, two lengths, three headers)."""
    assert extradata[0] == 2
    sizes, at = [], 1
    for _ in range(2):
        size = 0
        while extradata[at] == 255:
            size += 255
            at += 1
        sizes.append(size + extradata[at])
        at += 1
    first, second = extradata[at : at + sizes[0]], extradata[at + sizes[0] : at + sum(sizes)]
    third = extradata[at + sum(sizes) :]

    def vint(number: int) -> bytes:
        out = bytes([number & 127])
        while number := number >> 7:
            out = bytes([number & 127 | 128]) + out
        return out

    headers = first + second + third
    packed = (1).to_bytes(4, "big") + b"\x12\x34\x56" + len(headers).to_bytes(2, "big")
    packed += b"\x02" + vint(sizes[0]) + vint(sizes[1]) + headers
    return b64encode(packed).decode()


def _vorbis() -> Format:
    extradata = extradata_of("vorbis", 48000, 2, strict="-2")
    return Format("vorbis", 48000, 2, f"configuration={vorbis_configuration(extradata)}")


@dataclass(frozen=True)
class Case:
    """A codec, who encodes it, and how well it has to come back."""

    format: Format
    rate: int
    send: Callable[[Samples], list[bytes]]
    packet_samples: int
    snr_db: float
    """Of a tone of 440 Hz, to all else that is heard with it."""
    peer: bool = False
    """Whether it is sent by a library that the machine needs."""

    @property
    def name(self) -> str:
        return f"{self.format} {self.format.parameters}".strip().replace(" ", "-")


def _g726(name: str, rate: int) -> Case:
    encoder = "g726" if name.startswith("AAL2") else "g726le"
    bits = rate // 8
    # DEPENDENCIES: 25, 37, 45 and 51 dB, less one for the machine.
    return Case(
        Format(name, 8000),
        8000,
        lambda x: cut(
            b"".join(by_pyav(encoder, x, 8000, step=160, bit_rate=8000 * bits)), 20 * bits
        ),
        160,
        {2: 24, 3: 36, 4: 44, 5: 50}[bits],
    )


def _speex(rate: int) -> Case:
    return Case(Format("speex", rate), rate, lambda x: by_speex(x, rate), rate // 50, 20, peer=True)


CASES = [
    Case(Format("PCMU", 8000), 8000, lambda x: cut(encode_mu_law(x).tobytes(), 160), 160, 36),
    Case(Format("PCMA", 8000), 8000, lambda x: cut(encode_a_law(x).tobytes(), 160), 160, 36),
    Case(Format("L8", 16000), 16000, lambda x: cut(l8(x), 320), 320, 35),
    Case(Format("L16", 44100), 44100, lambda x: cut(x.astype(">i2").tobytes(), 1764), 882, 90),
    Case(Format("L24", 48000), 48000, lambda x: cut(l24(x), 2880), 960, 90),
    Case(Format("DVI4", 8000), 8000, ima, 504, 30),
    Case(Format("G722", 8000), 16000, lambda x: by_pyav("g722", x, 16000, step=320), 320, 57),
    *(
        _g726(f"{packing}G726-{rate}", rate)
        for packing in ("", "AAL2-")
        for rate in (16, 24, 32, 40)
    ),
    Case(Format("G723", 8000), 8000, lambda x: by_pyav("g723_1", x, 8000, bit_rate=6300), 240, 30),
    Case(Format("GSM", 8000), 8000, by_gsm, 160, 30, peer=True),
    Case(Format("G729", 8000), 8000, by_bcg729, 80, 18, peer=True),
    Case(
        Format("AMR-WB", 16000, 1, "octet-align=1"),
        16000,
        lambda x: aligned_amr(by_vo_amrwb(x)),
        320,
        20,
        peer=True,
    ),
    *(_speex(rate) for rate in (8000, 16000, 32000)),
    Case(Format("opus", 48000, 2), 48000, lambda x: by_pyav("libopus", x, 48000), 960, 43),
]

# AudioSpecificConfig: AAC-LC (2), 48 kHz (3), one channel; StreamMuxConfig: the same, one of each.
AAC = "config=1188;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
LATM = "cpresent=0;config=400023103fc0"

FORMATS = {
    fmt.name: fmt
    for fmt in (
        *(case.format for case in CASES),
        Format("AMR", 8000),
        Format("EVRC", 8000),
        Format("EVRC0", 8000),
        Format("G721", 8000),
        Format("G728", 8000),
        Format("GSM-EFR", 8000),
        Format("L20", 48000),
        Format("MP4A-LATM", 48000, 1, LATM),
        Format("MPA", 90000),
        Format("QCELP", 8000),
        Format("SBC", 16000),
        Format("SIREN", 16000),
        Format("ac3", 48000, 2),
        Format("iLBC", 8000),
        Format("mpeg4-generic", 48000, 1, AAC),
        _vorbis(),
    )
}
"""A format that can be decoded for each encoding name."""
