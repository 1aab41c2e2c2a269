"""Payloads -> samples.

A codec's module declares it when it is imported, which is done when its name is looked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtpcap.codecs import (
        aac,
        adpcm,
        amr,
        cdma,
        comfort,
        conceal,
        elsewhere,
        g711,
        linear,
        mpeg,
        opus,
        speech,
        speex,
        surround,
        vorbis,
        waveform,
    )
    from rtpcap.codecs.decoder import Decoded, Decoder, Filled, Heard, Measured, Reason
    from rtpcap.codecs.encoders import Encoder, encodable, find_encoder
    from rtpcap.codecs.registry import available, codec, find, undecodable
    from rtpcap.rtp.payloads import Payloads

_HOMES = {
    "Decoded": "codecs.decoder",
    "Decoder": "codecs.decoder",
    "Encoder": "codecs.encoders",
    "Filled": "codecs.decoder",
    "Heard": "codecs.decoder",
    "Measured": "codecs.decoder",
    "Payloads": "rtp.payloads",
    "Reason": "codecs.decoder",
    "available": "codecs.registry",
    "codec": "codecs.registry",
    "encodable": "codecs.encoders",
    "find": "codecs.registry",
    "find_encoder": "codecs.encoders",
    "undecodable": "codecs.registry",
}

__all__ = [
    "Decoded",
    "Decoder",
    "Encoder",
    "Filled",
    "Heard",
    "Measured",
    "Payloads",
    "Reason",
    "aac",
    "adpcm",
    "amr",
    "available",
    "cdma",
    "codec",
    "comfort",
    "conceal",
    "elsewhere",
    "encodable",
    "find",
    "find_encoder",
    "g711",
    "linear",
    "mpeg",
    "opus",
    "speech",
    "speex",
    "surround",
    "undecodable",
    "vorbis",
    "waveform",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rtpcap.codecs' has no attribute {name!r}")
    if name not in _HOMES:
        return import_module(f"rtpcap.codecs.{name}")
    home = import_module(f"rtpcap.{_HOMES[name]}")
    if name == "codec":
        # What another program declares comes after all that is declared here, and wins.
        home.declare_all()
    return getattr(home, name)
