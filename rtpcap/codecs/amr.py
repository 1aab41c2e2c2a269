"""AMR and AMR-WB (RFC 4867), and GSM-EFR, which is AMR's mode of 12.2 kbit/s in other clothes.

A bandwidth-efficient payload of two frames (section 4.3), and the same octet-aligned (4.4)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  CMR  |1|  FT   |Q|0|  FT   |Q| speech bits of both, no gap ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  CMR  |0|0|0|0|1|  FT   |Q|0|0|0|  FT   |Q|0|0| speech ... pad
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.comfort import ComfortNoise, prediction
from rtpcap.codecs.decoder import Decoded, Decoder, Filled, Heard, Measured, Reason
from rtpcap.codecs.frames import FramedDecoder, FrameKind, Frames
from rtpcap.codecs.parameters import parameters
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = [
    "AMR",
    "GSMEFR",
    "NARROW",
    "WIDE",
    "AMRFrame",
    "AMRKind",
    "build_amr",
    "efr_to_amr",
    "split_amr",
]

FRAME_TYPES = 16
NO_DATA = 15
NO_REQUEST = 15
CMR_BITS = 4
TOC_BITS = 6
"""F, FT and Q of a frame where octets are not aligned."""

CRC_TAPS = 0x9B
"""1 + x + x^3 + x^4 + x^7 + x^8, without x^8 (RFC 4867 section 4.4.2.1, as in 3GPP TS 26.101)."""


@dataclass(frozen=True)
class AMRKind:
    """What AMR and AMR-WB have in common, in numbers."""

    name: str
    sample_rate: int
    ffmpeg: str
    bits: tuple[int, ...]
    """Bits of each frame type's data (3GPP TS 26.101 and 26.201, tables 1); 0 for none."""
    descriptor: int
    """The frame type of the codec's own silence descriptor."""
    foreign: tuple[int, ...]
    """Frame types of other codecs' silence descriptors."""
    lost: int | None
    """The frame type of lost speech."""
    class_a: tuple[int, ...]
    """Bits that a frame's checksum covers, by frame type (RFC 4867 section 4.4.2.1)."""
    energy: tuple[int, int, float, float]
    """Where the descriptor's energy stands: first bit, bits, steps for each doubling of the rms
    (3GPP TS 26.092 and 26.192), and the rms's logarithm at 0, as 3GPP's decoders make it."""
    delay: int

    def kind(self, frame_type: int) -> FrameKind | None:
        """What a frame is; None for a type that is reserved."""
        if frame_type < self.descriptor:
            return FrameKind.SPEECH
        if frame_type == self.descriptor:
            return FrameKind.DESCRIPTOR
        if frame_type == NO_DATA or frame_type in self.foreign:
            return FrameKind.NOTHING
        return FrameKind.LOST if frame_type == self.lost else None


NARROW: Final = AMRKind(
    name="AMR",
    sample_rate=8000,
    ffmpeg="amrnb",
    bits=(95, 103, 118, 134, 148, 159, 204, 244, 39, 43, 38, 37, 0, 0, 0, 0),
    descriptor=8,
    foreign=(9, 10, 11),
    lost=None,
    class_a=(42, 49, 55, 58, 61, 75, 65, 81, 39, 43, 38, 37),
    energy=(29, 6, 4.0, -1.5),
    delay=40,
)
WIDE: Final = AMRKind(
    name="AMR-WB",
    sample_rate=16000,
    ffmpeg="amrwb",
    bits=(132, 177, 253, 285, 317, 365, 397, 461, 477, 40, 0, 0, 0, 0, 0, 0),
    descriptor=9,
    foreign=(),
    lost=14,
    class_a=(54, 64, 72, 72, 72, 72, 72, 72, 72, 40),
    energy=(28, 6, 5.25, -0.3),
    # 5 ms that the coder looks ahead, and the filters between 16 and 12.8 kHz.
    delay=95,
)


@dataclass(frozen=True)
class AMRFrame:
    """A frame as a payload's table of contents announces it."""

    frame_type: int
    sound: bool
    """The Q bit: whether it is undamaged."""
    data: bytes
    """Its bits from the first one on, filled up to whole bytes; empty where it has none."""

    def storage(self) -> bytes:
        """The frame as a file holds it (RFC 4867 section 5.3), and as FFmpeg wants it."""
        return bytes([self.frame_type << 3 | self.sound << 2]) + self.data


def split_amr(
    payload: bytes, kind: AMRKind, aligned: bool, crc: bool = False
) -> tuple[list[AMRFrame], Reason]:
    """The frames of a payload, and what is wrong with it.

    A payload with a reserved frame type is none at all (RFC 4867 section 4.3.2). A frame whose
    checksum is wrong is marked as damaged.
    """
    if not payload:
        return [], Reason.EMPTY
    if aligned:
        return _split_aligned(payload, kind, crc)
    bits = 8 * len(payload)
    value = int.from_bytes(payload, "big")
    at = CMR_BITS
    types = []
    while True:
        at += TOC_BITS
        if at > bits:
            return [], Reason.SHORT
        entry = value >> (bits - at)
        types.append(entry)
        if not entry & 0x20:
            break
    frames: list[AMRFrame] = []
    for entry in types:
        frame_type = entry >> 1 & 15
        if kind.kind(frame_type) is None:
            return [], Reason.RESERVED
        size = kind.bits[frame_type]
        at += size
        if at > bits:
            return frames, Reason.SHORT
        octets = (size + 7) // 8
        data = (value >> (bits - at) & ((1 << size) - 1)) << (8 * octets - size)
        frames.append(AMRFrame(frame_type, bool(entry & 1), data.to_bytes(octets, "big")))
    return frames, Reason.LENGTH if bits - at >= 8 else Reason.NONE


def _split_aligned(payload: bytes, kind: AMRKind, crc: bool) -> tuple[list[AMRFrame], Reason]:
    at = 1
    toc = []
    while True:
        if at >= len(payload):
            return [], Reason.SHORT
        toc.append(payload[at])
        at += 1
        if not toc[-1] & 0x80:
            break
    types = [entry >> 3 & 15 for entry in toc]
    if any(kind.kind(frame_type) is None for frame_type in types):
        return [], Reason.RESERVED
    checks = at
    if crc:
        at += sum(kind.bits[frame_type] > 0 for frame_type in types)
    frames: list[AMRFrame] = []
    wrong = False
    for entry, frame_type in zip(toc, types, strict=True):
        octets = (kind.bits[frame_type] + 7) // 8
        data = payload[at : at + octets]
        at += octets
        if at > len(payload):
            return frames, Reason.SHORT
        sound = bool(entry & 4)
        if crc and octets:
            if _crc(data, kind.class_a[frame_type]) != payload[checks]:
                sound, wrong = False, True
            checks += 1
        frames.append(AMRFrame(frame_type, sound, data))
    if wrong:
        return frames, Reason.CHECKSUM
    return frames, Reason.LENGTH if at < len(payload) else Reason.NONE


def _crc(data: bytes, bits: int) -> int:
    """The checksum of the first bits."""
    crc = 0
    value = int.from_bytes(data, "big") >> (8 * len(data) - bits)
    for i in range(bits - 1, -1, -1):
        top = (crc >> 7 ^ value >> i) & 1
        crc = crc << 1 & 0xFF
        if top:
            crc ^= CRC_TAPS
    return crc


def build_amr(frames: Sequence[AMRFrame], kind: AMRKind, aligned: bool, crc: bool = False) -> bytes:
    """The payload of frames, without a request for a mode; `split_amr` gives them back."""
    last = len(frames) - 1
    if aligned:
        toc = bytes(
            (i < last) << 7 | frame.frame_type << 3 | frame.sound << 2
            for i, frame in enumerate(frames)
        )
        checks = bytes(
            _crc(frame.data, kind.class_a[frame.frame_type]) for frame in frames if frame.data
        )
        data = b"".join(frame.data for frame in frames)
        return bytes([NO_REQUEST << 4]) + toc + (checks if crc else b"") + data
    value, used = NO_REQUEST, CMR_BITS
    for i, frame in enumerate(frames):
        value = value << TOC_BITS | (i < last) << 5 | frame.frame_type << 1 | frame.sound
        used += TOC_BITS
    for frame in frames:
        size = kind.bits[frame.frame_type]
        loose = 8 * len(frame.data) - size
        value = value << size | int.from_bytes(frame.data, "big") >> loose
        used += size
    octets = (used + 7) // 8
    return (value << (8 * octets - used)).to_bytes(octets, "big")


class AMRChannel(FramedDecoder):
    """One channel of AMR: frames as files hold them."""

    def __init__(self, kind: AMRKind) -> None:
        super().__init__(FFmpegDecoder(kind.ffmpeg, kind.sample_rate), kind.sample_rate)
        self.kind = kind
        self.frame_samples = kind.sample_rate // 50
        self.delay = kind.delay

    def split(self, payload: bytes) -> Frames:
        frame_type = payload[0] >> 3 & 15
        kind = self.kind.kind(frame_type)
        assert kind is not None, "payloads with reserved types are left out"
        if not payload[0] & 4 and kind is FrameKind.SPEECH:
            kind = FrameKind.LOST
        return [(kind, payload)], Reason.NONE

    def describe(
        self, descriptor: bytes, noise: ComfortNoise, before: npt.NDArray[np.int16]
    ) -> None:
        first, bits, steps, zero = self.kind.energy
        value = int.from_bytes(descriptor[1:], "big") >> (8 * (len(descriptor) - 1) - first - bits)
        index = value & ((1 << bits) - 1)
        noise.become(2.0 ** (index / steps + zero), prediction(before))


@codec("AMR", "AMR-WB")
class AMR(Decoder):
    """AMR or AMR-WB, in either alignment, one channel or several."""

    def __init__(self, fmt: Format) -> None:
        self.kind = WIDE if fmt.name.lower() == "amr-wb" else NARROW
        told = parameters(fmt)
        for name in ("interleaving", "robust-sorting"):
            if told.get(name, "0") != "0":
                raise CodecUnavailable(
                    f"{fmt.name} with {name} is not decoded here: its frames are not in order"
                )
        if fmt.clock_rate != self.kind.sample_rate:
            raise CodecUnavailable(f"{fmt}: {fmt.name} has a clock of {self.kind.sample_rate} Hz")
        # Checksums come only with aligned octets (RFC 4867 section 8.1).
        self._crc = told.get("crc", "0") == "1"
        self._aligned = told.get("octet-align", "0") == "1" or self._crc
        self.sample_rate = self.kind.sample_rate
        self.channels = fmt.channels
        self.delay = self.kind.delay
        self._decoders = [AMRChannel(self.kind) for _ in range(fmt.channels)]
        self._frame_samples = self._decoders[0].frame_samples

    def _split(self, payload: bytes) -> tuple[list[AMRFrame], Reason]:
        """The frames of a payload, as many for each channel."""
        frames, reason = split_amr(payload, self.kind, self._aligned, self._crc)
        whole = len(frames) // self.channels * self.channels
        return frames[:whole], reason or (Reason.NONE if whole == len(frames) else Reason.LENGTH)

    def measure(self, payloads: Payloads) -> Measured:
        samples = np.zeros(len(payloads), np.int64)
        reasons = np.zeros(len(payloads), np.uint8)
        for i, payload in enumerate(payloads):
            frames, reason = self._split(payload)
            samples[i] = len(frames) // self.channels * self._frame_samples
            reasons[i] = reason
        return Measured(samples, reasons)

    def decode_run(self, payloads: Payloads) -> Decoded:
        counts = np.zeros(len(payloads), np.int64)
        reasons = np.zeros(len(payloads), np.uint8)
        frames: list[bytes] = []
        owner = []
        for i, payload in enumerate(payloads):
            found, reasons[i] = self._split(payload)
            counts[i] = len(found) // self.channels
            frames += [frame.storage() for frame in found]
            owner += [i] * int(counts[i])
        sides = [
            decoder.decode_run(Payloads.of(frames[side :: self.channels]))
            for side, decoder in enumerate(self._decoders)
        ]
        heard = np.zeros(len(payloads), np.uint8)
        # What is received outranks noise, and noise outranks silence.
        rank = np.array([Heard.SILENCE, Heard.NOISE, Heard.RECEIVED], np.uint8)
        place = np.zeros(len(Heard), np.uint8)
        place[rank] = np.arange(len(rank))
        for side in sides:
            np.maximum.at(heard, np.array(owner, np.int64), place[side.heard])
            damaged = np.array(owner, np.int64)[side.reason != Reason.NONE]
            reasons[damaged[reasons[damaged] == Reason.NONE]] = Reason.DAMAGED
        samples = sides[0].samples
        if self.channels > 1:
            samples = np.stack([side.samples for side in sides], axis=1)
        return Decoded(samples, counts * self._frame_samples, rank[heard], reasons)

    def fill(self, samples: int, following: bytes | None = None) -> list[Filled]:
        filled = [decoder.fill(samples) for decoder in self._decoders]
        if not any(filled):
            return []
        sides = [side[0].samples if side else np.zeros(samples, np.int16) for side in filled]
        whole = sides[0] if self.channels == 1 else np.stack(sides, axis=1)
        return [Filled(whole, Heard.NOISE)]

    def reset(self) -> None:
        for decoder in self._decoders:
            decoder.reset()


EFR_BYTES = 31
EFR_SIGNATURE = 0xC
MODE_122 = 7

EFR_ORDER = (
    *range(15), 23, *range(15, 23), *range(24, 29),
    38, 141, 39, 142, 40, 143, 41, 144, 42, 145, 43, 146, 44, 147, 45, 148, 46, 149,
    47, 97, 150, 200, 48, 98, 151, 201, 49, 99, 152, 202, 86, 136, 189, 239, 87, 137, 190, 240,
    88, 138, 191, 241, 91, 194, 92, 195, 93, 196, 94, 197, 95, 198, *range(29, 36),
    50, 100, 153, 203, 89, 139, 192, 242, 51, 101, 154, 204, 55, 105, 158, 208, 90, 140, 193, 243,
    59, 109, 162, 212, 63, 113, 166, 216, 67, 117, 170, 220, 36, 37,
    54, 53, 52, 58, 57, 56, 62, 61, 60, 66, 65, 64, 70, 69, 68,
    104, 103, 102, 108, 107, 106, 112, 111, 110, 116, 115, 114, 120, 119, 118,
    157, 156, 155, 161, 160, 159, 165, 164, 163, 169, 168, 167, 173, 172, 171,
    207, 206, 205, 211, 210, 209, 215, 214, 213, 219, 218, 217, 223, 222, 221,
    73, 72, 71, 76, 75, 74, 79, 78, 77, 82, 81, 80, 85, 84, 83,
    123, 122, 121, 126, 125, 124, 129, 128, 127, 132, 131, 130, 135, 134, 133,
    176, 175, 174, 179, 178, 177, 182, 181, 180, 185, 184, 183, 188, 187, 186,
    226, 225, 224, 229, 228, 227, 232, 231, 230, 235, 234, 233, 238, 237, 236,
    96, 199,
)  # fmt: skip
"""Which bit of GSM-EFR is each of AMR's at 12.2 kbit/s: those that hurt most come first there
(3GPP TS 26.101 table B.8)."""


def efr_to_amr(frame: bytes) -> bytes:
    """A frame of GSM-EFR, its signature included, as the frame of AMR that a file holds."""
    bits = np.unpackbits(np.frombuffer(frame, np.uint8))[4:]
    data = np.packbits(bits[np.array(EFR_ORDER)]).tobytes()
    return bytes([MODE_122 << 3 | 4]) + data


@codec("GSM-EFR")
class GSMEFR(AMRChannel):
    """GSM-EFR: 244 bits behind the mark 0xC (RFC 3551 section 4.5.9)."""

    def __init__(self, fmt: Format) -> None:
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: GSM-EFR has one channel")
        super().__init__(NARROW)

    def split(self, payload: bytes) -> Frames:
        frames: list[tuple[FrameKind, bytes]] = []
        for at in range(0, len(payload) - EFR_BYTES + 1, EFR_BYTES):
            frame = payload[at : at + EFR_BYTES]
            if frame[0] >> 4 != EFR_SIGNATURE:
                return frames, Reason.RESERVED
            frames.append((FrameKind.SPEECH, efr_to_amr(frame)))
        if len(payload) % EFR_BYTES:
            return frames, Reason.LENGTH if frames else Reason.SHORT
        return frames, Reason.NONE if frames else Reason.EMPTY
