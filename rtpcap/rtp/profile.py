"""How media is carried and which way it goes, as SDP says it."""

from __future__ import annotations

from enum import Enum

__all__ = ["RTPProtocol", "TransmitType"]


class RTPProtocol(Enum):
    """The transport of an SDP media line (RFC 8866 section 5.14)."""

    UDP = "udp"
    AVP = "RTP/AVP"
    """RFC 3551."""
    SAVP = "RTP/SAVP"
    """RFC 3711."""

    def __str__(self) -> str:
        return self.value


class TransmitType(Enum):
    """The direction of an SDP media line, from the side that says it (RFC 8866 section 6.7)."""

    RECVONLY = "recvonly"
    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    INACTIVE = "inactive"

    def __str__(self) -> str:
        return self.value
