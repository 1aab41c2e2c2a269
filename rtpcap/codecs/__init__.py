"""Payloads -> samples."""

# Importing a codec's module declares it.
from rtpcap.codecs import adpcm, amr, g711, linear, opus, speech, speex, waveform
from rtpcap.codecs.decoder import Decoded, Decoder, Filled, Heard, Measured, Reason
from rtpcap.codecs.registry import available, codec, find, undecodable

__all__ = [
    "Decoded",
    "Decoder",
    "Filled",
    "Heard",
    "Measured",
    "Reason",
    "adpcm",
    "amr",
    "available",
    "codec",
    "find",
    "g711",
    "linear",
    "opus",
    "speech",
    "speex",
    "undecodable",
    "waveform",
]
