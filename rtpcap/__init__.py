"""RTP voice captures: calls, streams, audio, digits and gaps, from a capture file.

>>> import rtpcap
>>> rtpcap.open("fixtures/ff-pcmu.pcap").streams[0].codec
'PCMU'

Everything public is imported when it is first used, so that ``import rtpcap`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rtpcap.errors import (
    CaptureError,
    CodecUnavailable,
    DynamicPayloadType,
    Fault,
    RtpcapError,
    RTPParseError,
)
from rtpcap.version import __version__

if TYPE_CHECKING:
    from rtpcap import batch, codecs, live, rtp, testing  # noqa: F401 - reached by name
    from rtpcap.api import Capture, open
    from rtpcap.audio.audio import Audio
    from rtpcap.audio.placement import RTPPacketManager
    from rtpcap.live.client import RTPClient
    from rtpcap.rtp.bits import add_bytes, byte_to_bits
    from rtpcap.rtp.message import RTPMessage
    from rtpcap.rtp.packets import Packets
    from rtpcap.rtp.payload_types import Format, PayloadType
    from rtpcap.rtp.profile import RTPProtocol, TransmitType
    from rtpcap.streams.call import Call, Calls
    from rtpcap.streams.digits import Digit, Digits
    from rtpcap.streams.explain import Explanation, Explanations
    from rtpcap.streams.findings.finding import Finding, Findings
    from rtpcap.streams.gaps import Gap, Gaps
    from rtpcap.streams.reports.reports import Reports
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.streams import Streams
    from rtpcap.streams.tones import Tone, Tones
    from rtpcap.views import plot  # noqa: F401 - reached by name

_HOMES = {
    "Audio": "audio.audio",
    "Call": "streams.call",
    "Calls": "streams.call",
    "Capture": "api",
    "Digit": "streams.digits",
    "Digits": "streams.digits",
    "Explanation": "streams.explain",
    "Explanations": "streams.explain",
    "Finding": "streams.findings.finding",
    "Findings": "streams.findings.finding",
    "Format": "rtp.payload_types",
    "Gap": "streams.gaps",
    "Gaps": "streams.gaps",
    "Packets": "rtp.packets",
    "PayloadType": "rtp.payload_types",
    "RTPClient": "live.client",
    "RTPMessage": "rtp.message",
    "RTPPacketManager": "audio.placement",
    "RTPProtocol": "rtp.profile",
    "Reports": "streams.reports.reports",
    "Stream": "streams.stream",
    "Streams": "streams.streams",
    "Tone": "streams.tones",
    "Tones": "streams.tones",
    "TransmitType": "rtp.profile",
    "add_bytes": "rtp.bits",
    "byte_to_bits": "rtp.bits",
    "open": "api",
}

# Used by their own name, as rtpcap.batch.run: where each is.
_FOLDERS = {
    "batch": "batch",
    "codecs": "codecs",
    "live": "live",
    "plot": "views.plot",
    "rtp": "rtp",
    "testing": "testing",
}

__all__ = [
    "Audio",
    "Call",
    "Calls",
    "Capture",
    "CaptureError",
    "CodecUnavailable",
    "Digit",
    "Digits",
    "DynamicPayloadType",
    "Explanation",
    "Explanations",
    "Fault",
    "Finding",
    "Findings",
    "Format",
    "Gap",
    "Gaps",
    "Packets",
    "PayloadType",
    "RTPClient",
    "RTPMessage",
    "RTPPacketManager",
    "RTPParseError",
    "RTPProtocol",
    "Reports",
    "RtpcapError",
    "Stream",
    "Streams",
    "Tone",
    "Tones",
    "TransmitType",
    "__version__",
    "add_bytes",
    "byte_to_bits",
    "open",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is not None:
        value: object = getattr(import_module(f"rtpcap.{home}"), name)
    elif name in _FOLDERS:
        value = import_module(f"rtpcap.{_FOLDERS[name]}")
    else:
        raise AttributeError(f"module 'rtpcap' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_FOLDERS})
