"""AAC: as MPEG-4 access units (RFC 3640) and in LATM (RFC 6416).

A payload of two units in the mode ``AAC-hbr`` (RFC 3640 sections 3.2 and 3.3.6)::

    | length of the headers in bits, 16 | size 13 | index 3 | size 13 | delta 3 | unit 1 | unit 2 |

In LATM each unit has its length in front of it, in bytes of 255 and a last one that is less.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtpcap.codecs.access import AccessUnitDecoder, Assembled
from rtpcap.codecs.bits import BitReader
from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.parameters import number, parameters
from rtpcap.codecs.pyav import FFmpegDecoder
from rtpcap.codecs.registry import codec
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["AudioConfig", "Latm", "MPEG4Generic", "parse_audio_config", "parse_stream_mux_config"]

# ISO/IEC 14496-3 section 1.6.3.4 and table 1.19.
SAMPLE_RATES = (
    *(96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350),
)
CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
EXPLICIT_RATE = 15
MORE_TYPES = 31
SBR, PS = 5, 29
LOW_DELAY, ENHANCED_LOW_DELAY = 23, 39
SYNC_EXTENSION = 0x2B7
MOST_UNITS = 1024
"""In one packet."""


@dataclass(frozen=True)
class AudioConfig:
    """What an AudioSpecificConfig says (ISO/IEC 14496-3 section 1.6.2.1)."""

    object_type: int
    sample_rate: int
    """Of the audio that comes out, twice that of the core with spectral band replication."""
    channels: int
    unit_samples: int


def parse_audio_config(data: bytes) -> AudioConfig:
    """What an AudioSpecificConfig says.

    Raises EOFError for one that is cut, ValueError for one that is reserved.
    """
    bits = BitReader(data)
    object_type = _object_type(bits)
    rate = _rate(bits)
    layout = bits.take(4)
    doubled = object_type in (SBR, PS)
    out_rate = rate
    if doubled:
        out_rate = _rate(bits)
        object_type = _object_type(bits)
    short = bits.take(1)
    low_delay = object_type in (LOW_DELAY, ENHANCED_LOW_DELAY)
    samples = (480 if short else 512) if low_delay else (960 if short else 1024)
    if not doubled and not low_delay and bits.left >= 2:
        core = bits.take(1)
        if core and bits.left >= 14:
            bits.take(14)
        if bits.left and not bits.take(1) and bits.left >= 17:
            found = bits.take(11) == SYNC_EXTENSION and _object_type(bits) == SBR
            if found and bits.left >= 5 and bits.take(1):
                out_rate = _rate(bits)
    if layout >= len(CHANNELS) or not CHANNELS[layout]:
        raise ValueError(f"channel configuration {layout}")
    return AudioConfig(object_type, out_rate, CHANNELS[layout], samples * out_rate // rate)


def _object_type(bits: BitReader) -> int:
    found = bits.take(5)
    return found if found != MORE_TYPES else 32 + bits.take(6)


def _rate(bits: BitReader) -> int:
    index = bits.take(4)
    if index == EXPLICIT_RATE:
        rate = bits.take(24)
        if not 0 < rate <= SAMPLE_RATES[0]:
            raise ValueError(f"sample rate {rate}")
        return rate
    if index >= len(SAMPLE_RATES):
        raise ValueError(f"reserved sample rate {index}")
    return SAMPLE_RATES[index]


def parse_stream_mux_config(data: bytes) -> tuple[bytes, int]:
    """(AudioSpecificConfig, units in a frame) of a StreamMuxConfig (14496-3 section 1.7.3.1).

    Raises ValueError for what is more than one stream of one layer, EOFError for what is cut.
    """
    bits = BitReader(data)
    if bits.take(1):
        raise ValueError("a later version of LATM")
    same_framing, frames = bits.take(1), bits.take(6)
    programs, layers = bits.take(4), bits.take(3)
    if not same_framing or programs or layers:
        raise ValueError("several streams in one")
    return bits.rest(), frames + 1


class AACDecoder(AccessUnitDecoder):
    """AAC as an AudioSpecificConfig describes it."""

    delay = 1024

    def __init__(self, fmt: Format, config: bytes) -> None:
        try:
            self.config = parse_audio_config(config)
        except (EOFError, ValueError) as error:
            raise CodecUnavailable(f"{fmt}: its config cannot be read: {error}") from None
        rate, channels = self.config.sample_rate, self.config.channels
        super().__init__(FFmpegDecoder("aac", rate, None, extradata=config), rate, channels)

    def unit_samples(self, unit: bytes) -> int:
        return self.config.unit_samples


def _config(fmt: Format) -> bytes:
    try:
        return bytes.fromhex(parameters(fmt)["config"])
    except (KeyError, ValueError):
        raise CodecUnavailable(
            f"{fmt} needs its config, in hexadecimal: signalling (SDP's a=fmtp) tells it"
        ) from None


@codec("mpeg4-generic")
class MPEG4Generic(AACDecoder):
    """AAC by RFC 3640, in its modes AAC-hbr and AAC-lbr."""

    def __init__(self, fmt: Format) -> None:
        told = parameters(fmt)
        if not told.get("mode", "AAC-hbr").lower().startswith("aac"):
            raise CodecUnavailable(f"{fmt} in mode {told['mode']} is not decoded here, only AAC")
        super().__init__(fmt, _config(fmt))
        small = told.get("mode", "").lower() == "aac-lbr"
        self._size_bits = number(fmt, "sizelength", 6 if small else 13)
        self._index_bits = number(fmt, "indexlength", 2 if small else 3)
        self._delta_bits = number(fmt, "indexdeltalength", 2 if small else 3)
        self._cts_bits = number(fmt, "ctsdeltalength", 0)
        self._dts_bits = number(fmt, "dtsdeltalength", 0)
        self._random_access = number(fmt, "randomaccessindication", 0)
        self._state_bits = number(fmt, "streamstateindication", 0)
        self._auxiliary_bits = number(fmt, "auxiliarydatasizelength", 0)

    def _headers(self, payload: bytes) -> tuple[list[tuple[int, int]], int]:
        """(size, index or its step) of each unit, and where the first begins."""
        bits = BitReader(payload)
        length = bits.take(16)
        if length > bits.left:
            raise EOFError
        end = bits.left - length
        found: list[tuple[int, int]] = []
        while bits.left > end and len(found) < MOST_UNITS:
            size = bits.take(self._size_bits)
            index = bits.take(self._delta_bits if found else self._index_bits)
            if self._cts_bits and bits.take(1):
                bits.take(self._cts_bits)
            if self._dts_bits and bits.take(1):
                bits.take(self._dts_bits)
            bits.take(self._random_access + self._state_bits)
            found.append((size, index))
        at = 2 + (length + 7) // 8
        if self._auxiliary_bits:
            auxiliary = BitReader(payload[at:])
            size = auxiliary.take(self._auxiliary_bits)
            at += (self._auxiliary_bits + size + 7) // 8
        return found, at

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        begun: tuple[int, bytearray, int] | None = None
        for i, payload in enumerate(payloads):
            try:
                headers, at = self._headers(payload)
            except EOFError:
                out.reasons[i] = Reason.SHORT if payload else Reason.EMPTY
                continue
            if any(step for _, step in headers[1:]):
                out.reasons[i] = Reason.INTERLEAVED
                continue
            data = payload[at:]
            if begun is not None and len(headers) == 1 and headers[0][0] == begun[2]:
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
            for size, _ in headers:
                unit = data[at : at + size]
                at += size
                if len(unit) == size:
                    out.units[i].append(unit)
                elif len(headers) == 1 and unit:
                    begun = (i, bytearray(unit), size)
                else:
                    out.reasons[i] = Reason.SHORT
                    break
        if begun is not None:
            out.reasons[begun[0]] = Reason.FRAGMENT
        return out


@codec("MP4A-LATM")
class Latm(AACDecoder):
    """AAC in LATM whose configuration signalling tells (``cpresent=0``)."""

    def __init__(self, fmt: Format) -> None:
        if parameters(fmt).get("cpresent", "1") != "0":
            raise CodecUnavailable(
                f"{fmt} with its configuration inside the stream (cpresent=1) is not decoded here"
            )
        try:
            config, self._frames = parse_stream_mux_config(_config(fmt))
        except (EOFError, ValueError) as error:
            raise CodecUnavailable(f"{fmt}: its config cannot be read: {error}") from None
        super().__init__(fmt, config)

    def assemble(self, payloads: Payloads) -> Assembled:
        out = Assembled.empty(len(payloads))
        begun: tuple[int, bytearray, int] | None = None
        for i, payload in enumerate(payloads):
            if not payload:
                out.reasons[i] = Reason.EMPTY
                continue
            at = 0
            if begun is not None:
                row, held, size = begun
                at = min(size - len(held), len(payload))
                held += payload[:at]
                if len(held) < size:
                    continue
                out.units[row].append(bytes(held))
                begun = None
            while at < len(payload) and len(out.units[i]) < MOST_UNITS:
                size = 0
                while at < len(payload):
                    size += payload[at]
                    at += 1
                    if payload[at - 1] != 255:
                        break
                unit = payload[at : at + size]
                at += size
                if len(unit) == size:
                    if unit:
                        out.units[i].append(unit)
                else:
                    begun = (i, bytearray(unit), size)
        if begun is not None:
            out.reasons[begun[0]] = Reason.FRAGMENT
        return out
