"""Vorbis (RFC 5215): packets whose setup signalling tells.

In front of them stands (section 2.2)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                     ident                     | F |VDT|# pkts.|
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from rtpcap.codecs.access import AccessUnitDecoder, Assembled
from rtpcap.codecs.decoder import Measured, Reason
from rtpcap.codecs.parameters import parameters
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["Vorbis", "unpack_headers"]

HEADER_BYTES = 4
PACKED_HEAD_BYTES = 9
"""How many configurations there are (4), the first one's name (3) and length (2)."""
WHOLE, FIRST, MORE, LAST = range(4)
RAW = 0
"""The data type of audio."""
IDENT = b"\x01vorbis"
IDENT_BYTES = 30
HEADERS = 3
MODE_BITS, MODE_COUNT_BITS = 41, 6
MOST_BYTES = 1 << 20
"""Of a packet in pieces, and of a setup."""


def unpack_headers(packed: bytes) -> list[bytes]:
    """The headers of the first packed configuration (section 3.2.1).

    Raises ValueError for what is none.
    """
    if len(packed) <= PACKED_HEAD_BYTES or len(packed) > MOST_BYTES:
        raise ValueError("no packed headers")
    at = PACKED_HEAD_BYTES + 1

    def length() -> int:
        nonlocal at
        value = 0
        while at < len(packed):
            value = value << 7 | packed[at] & 0x7F
            at += 1
            if not packed[at - 1] & 0x80:
                return min(value, MOST_BYTES)
        raise ValueError("the packed headers are cut")

    sizes = [length() for _ in range(packed[PACKED_HEAD_BYTES])]
    headers = []
    for size in sizes:
        headers.append(packed[at : at + size])
        at += size
    headers.append(packed[at:])
    if not headers[0].startswith(IDENT) or len(headers[0]) != IDENT_BYTES or not headers[-1]:
        raise ValueError("the packed headers do not begin with Vorbis's identification")
    return headers


def _laced(headers: list[bytes]) -> bytes:
    """The three headers as FFmpeg wants them: each with its length in front, 16 bits."""
    comment = b"\x03vorbis" + bytes(8) + b"\x01"
    sent = headers[1] if len(headers) == HEADERS else b""
    three = [headers[0], sent or comment, headers[-1]]
    if any(len(header) >= 1 << 16 for header in three):
        raise ValueError("a header of more than 64 KiB")
    return b"".join(len(header).to_bytes(2, "big") + header for header in three)


def mode_flags(setup: bytes) -> list[int]:
    """Whether each mode's block is the long one, out of the setup header's end (Vorbis I 4.2.4).

    What comes before the modes has no length of its own, so they are read from the end: a 1, and
    in front of it 41 bits a mode: the flag, two numbers that are 0, and a mapping; in front of all
    of them is their number less one, in 6 bits. Raises ValueError where that is not found.
    """
    value = int.from_bytes(setup, "little")
    end = value.bit_length() - 1
    flags: list[int] = []
    found: list[int] = []
    while len(flags) < 64:
        at = end - MODE_BITS * (len(flags) + 1)
        if at < MODE_COUNT_BITS:
            break
        mode = value >> at
        if mode >> 1 & 0xFFFFFFFF or mode >> 33 & 0xFF > 63:
            break
        flags.insert(0, mode & 1)
        if (value >> (at - MODE_COUNT_BITS) & 63) + 1 == len(flags):
            found = list(flags)
    if not found:
        raise ValueError("no modes in the setup")
    return found


@codec("vorbis")
class Vorbis(AccessUnitDecoder):
    """Vorbis of one configuration."""

    def __init__(self, fmt: Format) -> None:
        try:
            packed = b64decode(parameters(fmt)["configuration"])
            headers = unpack_headers(packed)
            extradata = _laced(headers)
        except KeyError:
            raise CodecUnavailable(
                f"{fmt} needs its configuration: signalling (SDP's a=fmtp) tells it"
            ) from None
        except (binascii.Error, ValueError) as error:
            raise CodecUnavailable(f"{fmt}: its configuration cannot be read: {error}") from None
        channels = headers[0][11]
        rate = int.from_bytes(headers[0][12:16], "little")
        if not 0 < channels <= 8 or rate != fmt.clock_rate:
            raise CodecUnavailable(f"{fmt}: its configuration is of another rate or of no channel")
        sizes = headers[0][28]
        self._blocks = (1 << (sizes & 15), 1 << (sizes >> 4))
        try:
            self._long = mode_flags(headers[-1])
        except ValueError as error:
            raise CodecUnavailable(f"{fmt}: its configuration cannot be read: {error}") from None
        self._before: int | None = 0
        decoder = FFmpegDecoder("vorbis", rate, None, extradata=extradata)
        super().__init__(decoder, rate, channels)

    def _block(self, unit: bytes) -> int:
        """Samples of a packet's block (Vorbis I section 4.3.1): behind a 0, its mode."""
        mode = unit[0] >> 1 & ((1 << (len(self._long) - 1).bit_length()) - 1)
        return self._blocks[self._long[mode] if mode < len(self._long) else 0]

    def unit_samples(self, unit: bytes) -> int:
        """Half of this block and half of the one before overlap; of the first nothing comes out."""
        block = self._block(unit)
        before, self._before = self._before, block
        return 0 if before == 0 else ((block if before is None else before) + block) // 4

    def measure(self, payloads: Payloads) -> Measured:
        kept, self._before = self._before, 0
        measured = super().measure(payloads)
        self._before = kept
        return measured

    def reset(self) -> None:
        super().reset()
        # Not the stream's first: its samples are measured, though they cannot be had.
        self._before = None

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        begun: tuple[int, bytearray] | None = None
        for i, payload in enumerate(payloads):
            if len(payload) < HEADER_BYTES + 2:
                out.reasons[i] = Reason.SHORT if payload else Reason.EMPTY
                continue
            fragment, kind, packets = payload[3] >> 6, payload[3] >> 4 & 3, payload[3] & 15
            if kind != RAW:
                out.reasons[i] = Reason.CONFIGURATION
                continue
            at = HEADER_BYTES
            for _ in range(packets or 1):
                size = int.from_bytes(payload[at : at + 2], "big")
                data = payload[at + 2 : at + 2 + size]
                at += 2 + size
                if len(data) < size or not data:
                    out.reasons[i] = Reason.SHORT
                    break
                if fragment == WHOLE:
                    out.units[i].append(data)
                elif fragment == FIRST:
                    begun = (i, bytearray(data))
                elif begun is None or len(begun[1]) > MOST_BYTES:
                    out.reasons[i] = Reason.FRAGMENT
                else:
                    begun[1].extend(data)
                    if fragment == LAST:
                        out.units[begun[0]].append(bytes(begun[1]))
                        begun = None
        if begun is not None:
            out.reasons[begun[0]] = Reason.FRAGMENT
        return out
