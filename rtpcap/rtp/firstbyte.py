"""What shares a port with RTP, told apart by the first byte, and RTCP by the second.

RFC 7983 section 7, as RFC 9443 section 3 widens it for QUIC::

                    +----------------+
                    |        [0..3] -+--> forward to STUN
                    |                |
        packet -->  |      [16..19] -+--> forward to ZRTP
                    |                |
                    |      [20..63] -+--> forward to DTLS
                    |                |
                    |      [64..79] -+--> forward to TURN channel
                    |                |
                    |     [80..127] -+--> forward to QUIC
                    |                |
                    |    [128..191] -+--> forward to RTP or RTCP
                    |                |
                    |    [192..255] -+--> forward to QUIC
                    +----------------+

A byte says what a datagram may be, never what it is: QUIC peers that agreed on it send any first
byte (RFC 9287), and nothing keeps a game from doing so.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["RTCP_SECOND_BYTES", "Sharer", "sharer"]


class Sharer(IntEnum):
    """A protocol that may share a port with RTP, and RTP itself."""

    NONE = 0
    STUN = 1
    ZRTP = 2
    DTLS = 3
    TURN_CHANNEL = 4
    QUIC = 5
    RTP = 6
    RTCP = 7


FIRST_BYTES = (
    #  bytes, both ends included
    (0, 3, Sharer.STUN),
    (16, 19, Sharer.ZRTP),
    (20, 63, Sharer.DTLS),
    (64, 79, Sharer.TURN_CHANNEL),
    (80, 127, Sharer.QUIC),
    (128, 191, Sharer.RTP),
    (192, 255, Sharer.QUIC),
)

RTCP_SECOND_BYTES = range(192, 224)
"""The packet types that RTCP keeps to itself (RFC 5761 section 4): RTP with these for marker and
payload type would be payload types 64 to 95 with the marker set, which are not to be used."""

_BY_FIRST = bytearray(256)
for _low, _high, _sharer in FIRST_BYTES:
    _BY_FIRST[_low : _high + 1] = bytes([_sharer]) * (_high + 1 - _low)


@overload
def sharer(first: int, second: int) -> Sharer: ...
@overload
def sharer(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]: ...
def sharer(
    first: int | npt.NDArray[np.uint8], second: int | npt.NDArray[np.uint8]
) -> Sharer | npt.NDArray[np.uint8]:
    """Whose a datagram with these first two bytes may be. Ints give a `Sharer`, arrays its numbers.

    >>> sharer(0x80, 0), sharer(0x81, 200), sharer(0, 1)
    (<Sharer.RTP: 6>, <Sharer.RTCP: 7>, <Sharer.STUN: 1>)
    """
    if isinstance(first, int):
        kind = Sharer(_BY_FIRST[first])
        return Sharer.RTCP if kind == Sharer.RTP and second in RTCP_SECOND_BYTES else kind
    import numpy as np

    kinds = np.frombuffer(bytes(_BY_FIRST), np.uint8)[first]
    low, high = RTCP_SECOND_BYTES.start, RTCP_SECOND_BYTES.stop
    kinds[(kinds == Sharer.RTP) & (second >= low) & (second < high)] = Sharer.RTCP
    return kinds
