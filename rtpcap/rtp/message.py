"""RTPMessage: one packet as an object."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from rtpcap.errors import Fault, RTPParseError
from rtpcap.rtp.header import (
    EXTENSION_HEAD_BYTES,
    FIXED_HEADER,
    HEADER_BYTES,
    RTP_VERSION,
    WORD_BYTES,
    split,
)
from rtpcap.rtp.payload_types import PayloadType

__all__ = ["RTPMessage"]

Buffer = bytes | bytearray | memoryview

# The first two bytes are looked up, in tables built from FIXED_HEADER; what is left of word 0 is
# the sequence number.
HEAD = Struct(">BBHII")
EXTENSION_HEAD = Struct(">HH")
FIRST_BYTE = []
SECOND_BYTE = []
for _byte in range(256):
    _fields = split((_byte << 24 | _byte << 16, 0, 0), FIXED_HEADER)
    FIRST_BYTE.append(
        (
            _fields["version"],
            bool(_fields["padding"]),
            bool(_fields["extension"]),
            _fields["csrc_count"],
        )
    )
    SECOND_BYTE.append((bool(_fields["marker"]), _fields["payload_type"]))

PLAIN = RTP_VERSION << 6
"""A first byte that says: nothing but the fixed header and the payload."""

STATIC_TYPES = {member.value: member for member in PayloadType if isinstance(member.value, int)}


class RTPMessage:
    """An RTP packet taken apart (RFC 3550 section 5.1).

    `data` is the packet, any bytes-like object, which is copied; `assoc` names payload numbers and
    wins over the static table of RFC 3551. Header extension and padding are not in `payload`.
    Raises RTPParseError, with a `fault`, for what is no valid RTP packet and for a payload number
    that neither `assoc` nor the static table names.

    >>> message = RTPMessage(bytes.fromhex("8000 0001 000000a0 343ffa34") + b"voice", {})
    >>> message.payload_type, message.timestamp, message.payload
    (<PayloadType.PCMU: 0>, 160, b'voice')
    """

    __slots__ = (
        "CC",
        "CSRC",
        "SSRC",
        "assoc",
        "extension",
        "extension_payload",
        "extension_profile",
        "marker",
        "padding",
        "padding_size",
        "payload",
        "payload_number",
        "payload_type",
        "raw",
        "sequence",
        "timestamp",
        "version",
    )

    version: int
    """2."""
    padding: bool
    """Whether padding follows the payload (P)."""
    extension: bool
    """Whether a header extension is there (X)."""
    CC: int
    """How many contributing sources are listed."""
    marker: bool
    """The marker bit (M)."""
    payload_type: PayloadType
    """What the payload is, by `assoc` and the static table."""
    payload_number: int
    """The number on the wire."""
    sequence: int
    """The sequence number, 16 bits."""
    timestamp: int
    """In ticks of the sender's clock, 32 bits."""
    SSRC: int
    """The synchronization source, 32 bits."""
    CSRC: list[int]
    """The contributing sources."""
    extension_profile: int | None
    """The 16 bits that the profile defines; None without an extension."""
    extension_payload: bytes
    """What the header extension holds; empty without one."""
    padding_size: int
    """Bytes of padding, its count included; 0 without."""
    payload: bytes
    raw: bytes
    """The whole packet."""

    def __init__(self, data: Buffer, assoc: Mapping[int, PayloadType]) -> None:
        self.assoc = assoc
        self.parse(data)

    def parse(self, data: Buffer) -> None:
        """Take another packet apart; where it cannot be, all attributes stay as they were."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a packet is bytes, not {type(data).__name__}")
        raw = bytes(data)
        end = len(raw)

        # 5.1, the fixed header.
        if end < HEADER_BYTES:
            raise RTPParseError(
                "RTP header", fault=Fault.HEADER, offset=0, needed=HEADER_BYTES, available=end
            )
        first, second, sequence, timestamp, ssrc = HEAD.unpack_from(raw)
        version, padding, extension, csrc_count = FIRST_BYTE[first]
        marker, number = SECOND_BYTE[second]
        csrc: list[int] = []
        profile, extension_payload, padding_size = None, b"", 0
        begin = HEADER_BYTES

        if first != PLAIN:
            if version != RTP_VERSION:
                raise RTPParseError(f"RTP version {version}, not 2", fault=Fault.VERSION, offset=0)

            # 5.1, the contributing sources.
            if csrc_count:
                needed = csrc_count * WORD_BYTES
                _check("RTP CSRC list", Fault.CSRC, begin, needed, end)
                csrc = list(Struct(f">{csrc_count}I").unpack_from(raw, begin))
                begin += needed

            # 5.3.1, the header extension: its length counts words, without its own.
            if extension:
                _check("RTP extension", Fault.EXTENSION, begin, EXTENSION_HEAD_BYTES, end)
                profile, words = EXTENSION_HEAD.unpack_from(raw, begin)
                needed = EXTENSION_HEAD_BYTES + words * WORD_BYTES
                _check("RTP extension", Fault.EXTENSION, begin, needed, end)
                extension_payload = raw[begin + EXTENSION_HEAD_BYTES : begin + needed]
                begin += needed

            # 5.1, the padding: "The last octet of the padding contains a count of how many
            # padding octets should be ignored, including itself."
            if padding:
                padding_size = raw[-1] if end > begin else 1
                if not padding_size:
                    raise RTPParseError("RTP padding of 0 bytes", fault=Fault.PADDING, offset=end)
                _check("RTP padding", Fault.PADDING, begin, padding_size, end)
                end -= padding_size

        payload_type = self.assoc.get(number) or STATIC_TYPES.get(number)
        if payload_type is None:
            raise RTPParseError(f"payload type {number} has no name", fault=Fault.PAYLOAD_TYPE)
        self.version = version
        self.padding = padding
        self.extension = extension
        self.CC = csrc_count
        self.marker = marker
        self.payload_type = payload_type
        self.payload_number = number
        self.sequence = sequence
        self.timestamp = timestamp
        self.SSRC = ssrc
        self.CSRC = csrc
        self.extension_profile = profile
        self.extension_payload = extension_payload
        self.padding_size = padding_size
        self.payload = raw[begin:end]
        self.raw = raw

    def summary(self) -> str:
        """The header in nine lines ``Label: value``."""
        return "\n".join(
            (
                f"Version: {self.version}",
                f"Padding: {self.padding}",
                f"Extension: {self.extension}",
                f"CC: {self.CC}",
                f"Marker: {self.marker}",
                f"Payload Type: {self.payload_type} ({self.payload_number})",
                f"Sequence Number: {self.sequence}",
                f"Timestamp: {self.timestamp}",
                f"SSRC: {self.SSRC}",
            )
        )

    def __repr__(self) -> str:
        return (
            f"<RTPMessage {self.payload_type} ({self.payload_number}), sequence {self.sequence}, "
            f"timestamp {self.timestamp}, SSRC 0x{self.SSRC:08x}, {len(self.payload)} bytes>"
        )


def _check(part: str, fault: Fault, offset: int, needed: int, end: int) -> None:
    """Raise where `needed` bytes from `offset` do not fit before `end`."""
    if offset + needed > end:
        raise RTPParseError(
            part, fault=fault, offset=offset, needed=needed, available=max(end - offset, 0)
        )
