"""Whether datagrams are RTCP: the validity check of RFC 3550 appendix A.2, many at once.

And what is left of it where RTCP is protected, or was cut by the capture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.firstbyte import RTCP_SECOND_BYTES

__all__ = ["RTCP_HEADER_BYTES", "are_begun", "is_compound"]

RTCP_HEADER_BYTES = 4
WORD_BYTES = 4
VERSION_BITS = 0xC0
VERSION_2 = 0x80
PADDING = 0x20
SSRC_END = 8
"""Where the first packet's SSRC ends: SRTCP is clear up to there (RFC 3711 section 3.4)."""
MOST_PARTS = 64
"""A compound packet of more parts is none."""

Places = npt.NDArray[np.int64]


def is_compound(
    blocks: Sequence[npt.NDArray[np.uint8]],
    block: npt.NDArray[np.uint16],
    begin: Places,
    end: Places,
) -> npt.NDArray[np.bool_]:
    """Which of the datagrams at ``blocks[block][begin:end]`` are compound RTCP packets, shape (n,).

    Each part is of version 2 and an RTCP type, only the last may be padded, and the lengths add up
    to that of the datagram. The first need not be a report: RFC 5506 allows feedback alone.
    """
    found = np.zeros(len(begin), np.bool_)
    for number in np.unique(block).tolist():
        rows = np.flatnonzero(block == number)
        found[rows] = _compound(blocks[number], begin[rows], end[rows])
    return found


def _compound(data: npt.NDArray[np.uint8], begin: Places, end: Places) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(begin), np.bool_)
    rows = np.flatnonzero(end - begin >= RTCP_HEADER_BYTES)
    at = begin[rows]
    for _ in range(MOST_PARTS):
        first, second = data[at], data[at + 1]
        words = data[at + 2].astype(np.int64) << 8 | data[at + 3]
        following = at + (words + 1) * WORD_BYTES
        last = following == end[rows]
        sound = (first & VERSION_BITS) == VERSION_2
        sound &= (second >= RTCP_SECOND_BYTES.start) & (second < RTCP_SECOND_BYTES.stop)
        sound &= last | ((first & PADDING) == 0)
        found[rows[sound & last]] = True
        going = sound & (following + RTCP_HEADER_BYTES <= end[rows])
        rows, at = rows[going], following[going]
        if not len(rows):
            break
    return found


def are_begun(
    words: npt.NDArray[np.int64], size: npt.NDArray[np.int64], cut: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which datagrams that are no compound packet begin as RTCP does: SRTCP, damaged, or cut.

    `words` are the lengths that their first headers tell: that packet is there and more behind it,
    or it was `cut` by the capture. Arrays of shape (n,); the first two bytes are RTCP's.
    """
    first = (words + 1) * WORD_BYTES
    return (first >= SSRC_END) & ((first < size) | cut)
