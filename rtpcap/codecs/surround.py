"""AC-3 (RFC 4184) and SBC (the payload of Bluetooth's A2DP): frames that say what they are."""

from __future__ import annotations

from typing import NamedTuple

from rtpcap.codecs.access import AccessUnitDecoder, Assembled
from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["AC3", "SBC", "SBCFrame", "parse_sbc"]

AC3_HEADER_BYTES = 2
AC3_SAMPLES = 1536
AC3_WHOLE = 0
"""The payload's frame type for whole frames; 1 and 2 begin a fragmented one, 3 goes on with it."""
AC3_MORE = 3
AC3_SYNC = b"\x0b\x77"
# ATSC A/52 table 5.18: kbit/s, each for two codes.
AC3_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
AC3_RATES = (48000, 44100, 32000)

SBC_SYNC = 0x9C
SBC_HEAD_BYTES = 4
SBC_RATES = (16000, 32000, 44100, 48000)
SBC_DUAL, SBC_JOINT = 1, 3


def ac3_size(frame: bytes) -> int:
    """Bytes of the AC-3 frame that begins here; 0 where none does."""
    if len(frame) < 5 or frame[:2] != AC3_SYNC:
        return 0
    rate, code = frame[4] >> 6, frame[4] & 63
    if rate >= len(AC3_RATES) or code >> 1 >= len(AC3_KBITS):
        return 0
    # A frame is of words of two bytes; at 44.1 kHz every second code has one more.
    words = AC3_KBITS[code >> 1] * 1000 * AC3_SAMPLES // 16 // AC3_RATES[rate]
    return 2 * (words + (code & 1 if AC3_RATES[rate] == 44100 else 0))


@codec("ac3")
class AC3(AccessUnitDecoder):
    """AC-3 with as many channels as its rtpmap says."""

    delay = 256

    def __init__(self, fmt: Format) -> None:
        decoder = FFmpegDecoder("ac3", fmt.clock_rate, None)
        super().__init__(decoder, fmt.clock_rate, fmt.channels)

    def unit_samples(self, unit: bytes) -> int:
        return AC3_SAMPLES

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        begun: tuple[int, bytearray, int] | None = None
        for i, payload in enumerate(payloads):
            if len(payload) <= AC3_HEADER_BYTES:
                out.reasons[i] = Reason.SHORT if payload else Reason.EMPTY
                continue
            kind, data = payload[0] & 3, payload[AC3_HEADER_BYTES:]
            if kind == AC3_MORE:
                if begun is None:
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
                size = ac3_size(data[at : at + 5])
                if not size:
                    out.reasons[i] = Reason.LENGTH if at else Reason.DAMAGED
                    break
                if at + size > len(data):
                    if kind == AC3_WHOLE:
                        out.reasons[i] = Reason.SHORT
                    else:
                        begun = (i, bytearray(data[at:]), size)
                    break
                out.units[i].append(data[at : at + size])
                at += size
        if begun is not None:
            out.reasons[begun[0]] = Reason.FRAGMENT
        return out


class SBCFrame(NamedTuple):
    """What the header of an SBC frame says (A2DP specification, section 12.9)."""

    sample_rate: int
    channels: int
    samples: int
    size: int


def parse_sbc(data: bytes) -> SBCFrame | None:
    """What the frame at the beginning of some bytes is; None where none begins."""
    if len(data) < SBC_HEAD_BYTES or data[0] != SBC_SYNC:
        return None
    blocks, bands = 4 * ((data[1] >> 4 & 3) + 1), 8 if data[1] & 1 else 4
    mode, pool = data[1] >> 2 & 3, data[2]
    channels = 2 if mode else 1
    bits = blocks * pool * (channels if mode <= SBC_DUAL else 1)
    bits += bands if mode == SBC_JOINT else 0
    size = SBC_HEAD_BYTES + bands * channels // 2 + (bits + 7) // 8
    return SBCFrame(SBC_RATES[data[1] >> 6], channels, blocks * bands, size)


@codec("SBC")
class SBC(AccessUnitDecoder):
    """SBC: behind a byte that counts them, whole frames; those in pieces are left aside."""

    def __init__(self, fmt: Format) -> None:
        if fmt.channels > 2:
            raise CodecUnavailable(f"{fmt}: SBC has one channel or two")
        decoder = FFmpegDecoder("sbc", fmt.clock_rate, None)
        super().__init__(decoder, fmt.clock_rate, fmt.channels)

    def unit_samples(self, unit: bytes) -> int:
        frame = parse_sbc(unit)
        return frame.samples if frame else 0

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        for i, payload in enumerate(payloads):
            if len(payload) < 2:
                out.reasons[i] = Reason.SHORT if payload else Reason.EMPTY
                continue
            if payload[0] & 0x80:
                out.reasons[i] = Reason.FRAGMENT
                continue
            at = 1
            while at < len(payload):
                frame = parse_sbc(payload[at : at + SBC_HEAD_BYTES])
                if frame is None or at + frame.size > len(payload):
                    out.reasons[i] = Reason.LENGTH if at > 1 else Reason.DAMAGED
                    break
                out.units[i].append(payload[at : at + frame.size])
                at += frame.size
        return out
