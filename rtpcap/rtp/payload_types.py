"""Payload types: the numbers that RFC 3551 assigns, and the names that signalling gives numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from rtpcap.errors import DynamicPayloadType

__all__ = ["ASSIGNED", "FIRST_DYNAMIC", "STATIC_FORMATS", "Format", "PayloadType", "static_format"]

FIRST_DYNAMIC = 96
PAYLOAD_NUMBERS = 128


class PayloadType(Enum):
    """What a payload is (RFC 3551 section 6), with `value rate channel description`.

    `value` is the number, or the encoding name where signalling assigns the number; `rate` is the
    RTP clock in Hz, 0 where signalling must say it; `channel` is 0 for video and for what is no
    codec. Members look up by value: ``PayloadType(0)``, ``PayloadType("telephone-event")``.

    >>> str(PayloadType(0)), int(PayloadType.PCMA), PayloadType("opus").rate
    ('PCMU', 8, 48000)
    """

    rate: int
    channel: int
    description: str

    PCMU = 0, 8000, 1, "PCMU"
    GSM = 3, 8000, 1, "GSM"
    G723 = 4, 8000, 1, "G723"
    DVI4_8000 = 5, 8000, 1, "DVI4"
    DVI4_16000 = 6, 16000, 1, "DVI4"
    LPC = 7, 8000, 1, "LPC"
    PCMA = 8, 8000, 1, "PCMA"
    # The samples are 16 kHz; the clock of 8000 is an old mistake that RFC 3551 keeps (4.5.2).
    G722 = 9, 8000, 1, "G722"
    L16_2 = 10, 44100, 2, "L16"
    L16 = 11, 44100, 1, "L16"
    QCELP = 12, 8000, 1, "QCELP"
    CN = 13, 8000, 1, "CN"
    MPA = 14, 90000, 0, "MPA"
    G728 = 15, 8000, 1, "G728"
    DVI4_11025 = 16, 11025, 1, "DVI4"
    DVI4_22050 = 17, 22050, 1, "DVI4"
    G729 = 18, 8000, 1, "G729"
    CELB = 25, 90000, 0, "CelB"
    JPEG = 26, 90000, 0, "JPEG"
    NV = 28, 90000, 0, "nv"
    H261 = 31, 90000, 0, "H261"
    MPV = 32, 90000, 0, "MPV"
    MP2T = 33, 90000, 1, "MP2T"
    H263 = 34, 90000, 0, "H263"

    EVENT = "telephone-event", 8000, 0, "telephone-event"
    UNKNOWN = "UNKNOWN", 0, 0, "UNKNOWN"

    AAC = "mpeg4-generic", 0, 1, "mpeg4-generic"
    AAC_LATM = "MP4A-LATM", 0, 1, "MP4A-LATM"
    AAL2_G726_16 = "AAL2-G726-16", 8000, 1, "AAL2-G726-16"
    AAL2_G726_24 = "AAL2-G726-24", 8000, 1, "AAL2-G726-24"
    AAL2_G726_32 = "AAL2-G726-32", 8000, 1, "AAL2-G726-32"
    AAL2_G726_40 = "AAL2-G726-40", 8000, 1, "AAL2-G726-40"
    AMR = "AMR", 8000, 1, "AMR"
    AMR_WB = "AMR-WB", 16000, 1, "AMR-WB"
    AV1 = "AV1", 90000, 0, "AV1"
    EVS = "EVS", 16000, 1, "EVS"
    FLEXFEC = "flexfec", 0, 0, "flexfec"
    G7221 = "G7221", 16000, 1, "G7221"
    G726_16 = "G726-16", 8000, 1, "G726-16"
    G726_24 = "G726-24", 8000, 1, "G726-24"
    G726_32 = "G726-32", 8000, 1, "G726-32"
    G726_40 = "G726-40", 8000, 1, "G726-40"
    G7291 = "G7291", 16000, 1, "G7291"
    G729D = "G729D", 8000, 1, "G729D"
    G729E = "G729E", 8000, 1, "G729E"
    GSM_EFR = "GSM-EFR", 8000, 1, "GSM-EFR"
    GSM_HR = "GSM-HR-08", 8000, 1, "GSM-HR-08"
    H263_1998 = "H263-1998", 90000, 0, "H263-1998"
    H263_2000 = "H263-2000", 90000, 0, "H263-2000"
    H264 = "H264", 90000, 0, "H264"
    H265 = "H265", 90000, 0, "H265"
    ILBC = "iLBC", 8000, 1, "iLBC"
    L8 = "L8", 0, 1, "L8"
    L20 = "L20", 0, 1, "L20"
    L24 = "L24", 0, 1, "L24"
    MP4V_ES = "MP4V-ES", 90000, 0, "MP4V-ES"
    OPUS = "opus", 48000, 2, "opus"
    PARITYFEC = "parityfec", 0, 0, "parityfec"
    PCMA_WB = "PCMA-WB", 16000, 1, "PCMA-WB"
    PCMU_WB = "PCMU-WB", 16000, 1, "PCMU-WB"
    RED = "red", 0, 0, "red"
    RTX = "rtx", 0, 0, "rtx"
    SILK = "SILK", 0, 1, "SILK"
    SPEEX = "speex", 0, 1, "speex"
    TONE = "tone", 8000, 0, "tone"
    ULPFEC = "ulpfec", 0, 0, "ulpfec"
    VDVI = "VDVI", 0, 1, "VDVI"
    VP8 = "VP8", 90000, 0, "VP8"
    VP9 = "VP9", 90000, 0, "VP9"

    # The defaults are for type checkers, which take a look-up for a construction.
    def __new__(
        cls, value: int | str, rate: int = 0, channel: int = 0, description: str = ""
    ) -> PayloadType:
        member = object.__new__(cls)
        member._value_ = value
        object.__setattr__(member, "rate", rate)
        object.__setattr__(member, "channel", channel)
        object.__setattr__(member, "description", description)
        return member

    @classmethod
    def _missing_(cls, value: object) -> PayloadType | None:
        # Encoding names are not case-sensitive (RFC 4855 section 3).
        if isinstance(value, str):
            for member in cls:
                if isinstance(member.value, str) and member.value.lower() == value.lower():
                    return member
        return None

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{self!r} cannot be changed")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self!r} cannot be changed")

    def __int__(self) -> int:
        if isinstance(self.value, int):
            return self.value
        raise DynamicPayloadType(f"{self.description} has no number of its own")

    def __str__(self) -> str:
        return self.description


NOT_MEDIA = frozenset(
    ("telephone-event", "cn", "ulpfec", "flexfec", "flexfec-03", "parityfec", "rtx")
)
"""Encoding names, lower case, of what stands beside the media: events, comfort noise, repair."""

# 90 kHz is the clock of pictures, and of MPEG audio, which shares their timeline (RFC 3551 4.5.13).
VIDEO = frozenset(
    member.description.lower()
    for member in PayloadType
    if member.rate == 90000 and member is not PayloadType.MPA
)
"""Encoding names, lower case, of pictures and of what carries them."""

NAME = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+")
"""A token of SDP (RFC 8866 section 9)."""


@dataclass(frozen=True)
class Format:
    """What the payloads of a stream are: an SDP rtpmap with its fmtp parameters.

    `clock_rate` is that of the timestamps, ticks a second; it may differ from the sample rate.
    """

    name: str
    """The encoding name: ``PCMU``."""
    clock_rate: int
    channels: int = 1
    """How many channels of audio."""
    parameters: str = ""
    """What the fmtp line says, as it stands there."""

    @classmethod
    def parse(cls, text: str) -> Format:
        """``PCMU/8000``, ``L16/44100/2``: as in an rtpmap (RFC 8866 section 6.6).

        A registered name gets its registered spelling; the rate may be left out where the name
        has only one. Raises ValueError for what cannot be read.

        >>> str(Format.parse("l16/44100/2")), str(Format.parse("pcma"))
        ('L16/44100/2', 'PCMA/8000')
        """
        name, *numbers = text.strip().split("/")
        if not NAME.fullmatch(name) or len(numbers) > 2:
            raise ValueError(f"{text!r} is not NAME/RATE or NAME/RATE/CHANNELS")
        for number in numbers:
            if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number)):
                raise ValueError(f"{number!r} in {text!r} is not a number above 0")
        spelling, rate = SPELLINGS.get(name.lower(), (name, 0))
        clock_rate = int(numbers[0]) if numbers else rate
        if not clock_rate:
            raise ValueError(f"{text!r} needs a clock rate, as in {spelling}/8000")
        return cls(spelling, clock_rate, int(numbers[1]) if len(numbers) > 1 else 1)

    def __str__(self) -> str:
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.name}/{self.clock_rate}{channels}"

    @property
    def is_event(self) -> bool:
        """Telephone events (RFC 4733)."""
        return self.name.lower() == "telephone-event"

    @property
    def is_comfort_noise(self) -> bool:
        """Comfort noise (RFC 3389)."""
        return self.name.lower() == "cn"

    @property
    def is_redundant(self) -> bool:
        """Redundant audio (RFC 2198): payloads of other formats in each payload."""
        return self.name.lower() == "red"

    @property
    def is_media(self) -> bool:
        """Neither events, nor comfort noise, nor repair: what jitter is measured on."""
        return self.name.lower() not in NOT_MEDIA

    @property
    def is_video(self) -> bool:
        """Pictures."""
        return self.name.lower() in VIDEO


STATIC_FORMATS: Mapping[int, Format] = MappingProxyType(
    {
        member.value: Format(member.description, member.rate, max(member.channel, 1))
        for member in PayloadType
        if isinstance(member.value, int)
    }
)
"""Payload number -> format, for the numbers that RFC 3551 assigns."""


def static_format(number: int) -> Format | None:
    """The format that RFC 3551 assigns to a payload number; None where it assigns none."""
    return STATIC_FORMATS.get(number)


def _spellings() -> dict[str, tuple[str, int]]:
    rates: dict[str, set[int]] = {}
    for member in PayloadType:
        rates.setdefault(member.description, set()).add(member.rate)
    return {
        name.lower(): (name, next(iter(found)) if len(found) == 1 else 0)
        for name, found in rates.items()
    }


SPELLINGS = _spellings()
"""Name in lower case -> (its registered spelling, its clock rate or 0 where it has several)."""

OLD_NUMBERS = (2, 19)
"""G.721 and comfort noise in RFC 1890; RFC 3551 reserves the numbers, old equipment sends them."""

ASSIGNED = frozenset((*STATIC_FORMATS, *OLD_NUMBERS, *range(FIRST_DYNAMIC, PAYLOAD_NUMBERS)))
"""Payload numbers that a sender could have a reason for; the others are no sign of RTP."""
