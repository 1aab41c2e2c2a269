"""Payloads -> samples."""

# Importing a codec's module declares it.
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
