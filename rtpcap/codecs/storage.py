"""Files of frames as they were sent, not decoded: what stands in front of them, and between."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rtpcap.codecs.amr import NARROW, NO_DATA, WIDE, split_amr
from rtpcap.codecs.mpeg import HEADER_BYTES as MPA_HEADER_BYTES
from rtpcap.codecs.opus import SAMPLE_RATE as OPUS_RATE
from rtpcap.codecs.opus import Opus, frame_samples, packet_samples
from rtpcap.codecs.parameters import number, parameters
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["FrameFile", "frame_file", "frames_of"]


class FrameFile(ABC):
    """The bytes of a file, asked for from front to back."""

    ending: str

    def begin(self) -> bytes:
        """What stands in front of all frames."""
        return b""

    @abstractmethod
    def add(self, payloads: Payloads) -> bytes:
        """The frames of payloads that follow each other."""

    def missing(self, samples: int) -> bytes:
        """What stands for time in which nothing came; nothing where a file has no word for it."""
        return b""

    def end(self) -> bytes:
        """What stands behind all frames."""
        return b""


class PlainFile(FrameFile):
    """Payloads, one behind the other."""

    def __init__(self, ending: str, head: bytes = b"", skipped: int = 0) -> None:
        self.ending = ending
        self._head = head
        self._skipped = skipped

    def begin(self) -> bytes:
        return self._head

    def add(self, payloads: Payloads) -> bytes:
        skipped = np.minimum(payloads.size, self._skipped)
        rest = Payloads(payloads.data, payloads.begin + skipped, payloads.size - skipped)
        return rest.joined().tobytes()


class AMRFile(FrameFile):
    """AMR or AMR-WB (RFC 4867 section 5): what is missing are frames without data."""

    def __init__(self, fmt: Format) -> None:
        self._kind = WIDE if fmt.name.lower() == "amr-wb" else NARROW
        if fmt.channels != 1:
            raise CodecUnavailable(f"{fmt}: frames of several channels are not written")
        self.ending = ".awb" if self._kind is WIDE else ".amr"
        told = parameters(fmt)
        self._crc = told.get("crc", "0") == "1"
        self._aligned = told.get("octet-align", "0") == "1" or self._crc

    def begin(self) -> bytes:
        return f"#!{self._kind.name}\n".encode()

    def add(self, payloads: Payloads) -> bytes:
        return b"".join(
            frame.storage()
            for payload in payloads
            for frame in split_amr(payload, self._kind, self._aligned, self._crc)[0]
        )

    def missing(self, samples: int) -> bytes:
        nothing = bytes([NO_DATA << 3 | 4])
        return nothing * round(samples / (self._kind.sample_rate // 50))


class OpusFile(FrameFile):
    """Opus in Ogg (RFC 7845): what is missing are packets of frames without bytes (section 4.1)."""

    ending = ".opus"

    FIRST, LAST = 2, 4
    SERIAL = 7845
    MOST_SEGMENTS = 255
    SEGMENT = 255
    PAGE_SAMPLES = OPUS_RATE
    """No page holds more than a second (section 6)."""

    def __init__(self, fmt: Format) -> None:
        self._channels = 2 if parameters(fmt).get("sprop-stereo") == "1" else 1
        self._pages = 0
        self._granule = 0
        self._waiting: list[bytes] = []
        self._waiting_samples = 0
        self._toc: int | None = None

    def begin(self) -> bytes:
        head = b"OpusHead" + bytes([1, self._channels]) + Opus.delay.to_bytes(2, "little")
        head += OPUS_RATE.to_bytes(4, "little") + bytes(3)
        vendor = b"rtpcap"
        tags = b"OpusTags" + len(vendor).to_bytes(4, "little") + vendor + bytes(4)
        return self._page([head], self.FIRST) + self._page([tags], 0)

    def add(self, payloads: Payloads) -> bytes:
        out = []
        samples = packet_samples(payloads).samples.tolist()
        for payload, lasting in zip(payloads, samples, strict=True):
            if lasting:
                out.append(self._packet(payload, lasting))
                self._toc = payload[0]
        return b"".join(out)

    def missing(self, samples: int) -> bytes:
        if self._toc is None:
            return b""
        frame = int(frame_samples[self._toc >> 3])
        empty = bytes([self._toc & 0xFC])
        return b"".join(self._packet(empty, frame) for _ in range(round(samples / frame)))

    def end(self) -> bytes:
        return self._flushed(self.LAST)

    def _packet(self, data: bytes, samples: int) -> bytes:
        taken = sum(len(packet) // self.SEGMENT + 1 for packet in self._waiting)
        full = taken + len(data) // self.SEGMENT + 1 > self.MOST_SEGMENTS
        full |= self._waiting_samples + samples > self.PAGE_SAMPLES
        out = self._flushed(0) if full and self._waiting else b""
        self._waiting.append(data)
        self._waiting_samples += samples
        return out

    def _flushed(self, flags: int) -> bytes:
        self._granule += self._waiting_samples
        page = self._page(self._waiting, flags)
        self._waiting, self._waiting_samples = [], 0
        return page

    def _page(self, packets: list[bytes], flags: int) -> bytes:
        """A page of whole packets (RFC 3533 section 6)."""
        lacing = b"".join(
            b"\xff" * (len(packet) // self.SEGMENT) + bytes([len(packet) % self.SEGMENT])
            for packet in packets
        )
        head = b"OggS\0" + bytes([flags]) + self._granule.to_bytes(8, "little")
        head += self.SERIAL.to_bytes(4, "little") + self._pages.to_bytes(4, "little")
        self._pages += 1
        tail = bytes([len(lacing)]) + lacing + b"".join(packets)
        return head + _ogg_checksum(head + bytes(4) + tail).to_bytes(4, "little") + tail


MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
ALL_ONES = 0xFFFFFFFF


def _ogg_checksum(data: bytes) -> int:
    """CRC-32 of the same polynomial as zlib's, from the highest bit on, from 0 and not inverted."""
    mirrored = zlib.crc32(data.translate(MIRRORED), ALL_ONES) ^ ALL_ONES
    return int(f"{mirrored:032b}"[::-1], 2)


def _ilbc(fmt: Format) -> FrameFile:
    return PlainFile(".lbc", f"#!iLBC{number(fmt, 'mode', 30)}\n".encode())


def _plain(ending: str) -> Callable[[Format], FrameFile]:
    return lambda fmt: PlainFile(ending)


FILES: Mapping[str, Callable[[Format], FrameFile]] = {
    "pcmu": _plain(".ul"),
    "pcma": _plain(".al"),
    "g722": _plain(".g722"),
    "g723": _plain(".g723"),
    "g728": _plain(".g728"),
    "g729": _plain(".g729"),
    "gsm": _plain(".gsm"),
    "l8": _plain(".l8"),
    "l16": _plain(".l16"),
    "l24": _plain(".l24"),
    "sbc": _plain(".sbc"),
    **{
        f"{packing}g726-{rate}": _plain(f".{packing}g726-{rate}")
        for packing in ("", "aal2-")
        for rate in (16, 24, 32, 40)
    },
    # RFC 2250 section 3.5: what stands in front of the frames tells where in one a packet begins.
    "mpa": lambda fmt: PlainFile(".mpa", skipped=MPA_HEADER_BYTES),
    "ilbc": _ilbc,
    "amr": AMRFile,
    "amr-wb": AMRFile,
    "opus": OpusFile,
}
"""By encoding name in lower case."""


def frame_file(fmt: Format) -> FrameFile:
    """The file for the frames of a format. Raises CodecUnavailable where there is none."""
    made = FILES.get(fmt.name.lower())
    if made is None:
        raise CodecUnavailable(
            f"frames of {fmt.name} have no file format here: rtpcap export keeps the packets"
        )
    return made(fmt)


def frames_of(file: FrameFile, pieces: Iterator[tuple[Payloads, int]]) -> Iterator[bytes]:
    """The bytes of a file of payloads, each time with the samples that are missing behind them."""
    yield file.begin()
    for payloads, missing in pieces:
        yield file.add(payloads)
        if missing:
            yield file.missing(missing)
    yield file.end()
