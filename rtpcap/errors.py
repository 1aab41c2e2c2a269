"""The exceptions of rtpcap, and the same reasons as codes for array columns.

::

    RtpcapError
    ├── CaptureError(ValueError)        the file cannot be read as a capture
    ├── RTPParseError(ValueError)       these bytes are not a valid RTP packet
    ├── DynamicPayloadType(LookupError) the number is only known from signalling
    └── CodecUnavailable(LookupError)   known format, no decoder here

The object path raises, the column path records: an ``RTPParseError`` carries the `Fault` that the
column path would have written into its ``fault`` column for the same bytes.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "CaptureError",
    "CodecUnavailable",
    "DynamicPayloadType",
    "Fault",
    "RTPParseError",
    "RtpcapError",
]


class Fault(IntEnum):
    """What is wrong with a packet; 0 where nothing is. One code a row in a ``fault`` column."""

    NONE = 0
    HEADER = 1
    """Fewer than the 12 bytes of the fixed header (RFC 3550 section 5.1)."""
    VERSION = 2
    """The version is not 2."""
    CSRC = 3
    """The CSRC list does not fit."""
    EXTENSION = 4
    """The header extension does not fit (section 5.3.1)."""
    PADDING = 5
    """The padding count is zero or more than what is there."""
    PAYLOAD_TYPE = 6
    """A payload number that nothing names; only ever raised, never recorded in a column."""
    CUT = 7
    """The snap length of the capture cut the packet's end: its payload is not whole."""

    @property
    def label(self) -> str:
        """The word for this fault in tables and JSON: ``"padding"``; ``""`` for `NONE`."""
        return "" if self is Fault.NONE else self.name.lower().replace("_", " ")


class RtpcapError(Exception):
    """Base of everything that rtpcap raises on purpose."""


class CaptureError(RtpcapError, ValueError):
    """The file cannot be read as a capture; the message names the file and the reason."""


class RTPParseError(RtpcapError, ValueError):
    """These bytes are not a valid RTP packet; the message is made of the evidence.

    `offset`, `needed` and `available` count bytes from the start of the packet; `frame` is the
    1-based frame number where the packet came from a capture, and `fault` the reason as the columns
    of many packets have it.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault = Fault.HEADER,
        offset: int | None = None,
        needed: int | None = None,
        available: int | None = None,
        frame: int | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.offset = offset
        self.needed = needed
        self.available = available
        self.frame = frame

    def __str__(self) -> str:
        text = super().__str__()
        if self.needed is not None and self.available is not None:
            text += f": needs {self.needed} bytes"
            if self.offset is not None:
                text += f" from offset {self.offset}"
            text += f", {self.available} available"
        if self.frame is not None:
            text += f", frame {self.frame}"
        return text


class DynamicPayloadType(RtpcapError, LookupError):
    """The payload type has no number of its own: signalling assigns one (RFC 3551 section 3)."""


class CodecUnavailable(RtpcapError, LookupError):
    """The format is known by name, but nothing here decodes it; the message says the cure."""
