"""Payloads -> samples."""

# Importing a codec's module declares it.
from rtpcap.codecs import g711, linear
from rtpcap.codecs.registry import Decoder, available, find

__all__ = ["Decoder", "available", "find", "g711", "linear"]
