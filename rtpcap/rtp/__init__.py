"""The wire: bytes <-> fields. No file, socket, clock or codec in here."""

from rtpcap.errors import DynamicPayloadType, RTPParseError
from rtpcap.rtp.bits import add_bytes, byte_to_bits
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.payload_types import PayloadType
from rtpcap.rtp.profile import RTPProtocol, TransmitType

__all__ = [
    "DynamicPayloadType",
    "PayloadType",
    "RTPMessage",
    "RTPParseError",
    "RTPProtocol",
    "TransmitType",
    "add_bytes",
    "byte_to_bits",
]
