"""TURN: what a relay wraps round the datagrams it carries (RFC 8656).

Channel data, section 12.4; over UDP the padding to four bytes may be there or not::

    0                   1                   2                   3
    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |         Channel Number        |            Length             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    /                       Application Data                        /

Send and Data indications, section 11, are STUN messages (RFC 8489 section 5: type, length, cookie,
transaction) whose DATA attribute holds the datagram.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Datagrams
from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.stun import ATTRIBUTE_HEADER_BYTES, MAGIC_COOKIE, STUN_HEADER_BYTES

__all__ = ["unwrapped"]

CHANNELS = (0x4000, 0x7FFF)
"""Channel numbers, lowest and highest (RFC 5766; RFC 8656 keeps those above 0x4FFF back)."""
CHANNEL_HEADER = 4

INDICATIONS = (0x0016, 0x0017)
"""Send, and Data: types of STUN messages."""
DATA = 0x0013
MOST_ATTRIBUTES = 16
"""So many attributes are looked at for the data; an indication has two or three."""

FARTHEST = int(np.iinfo(np.uint16).max)
"""A payload no farther into its frame is told of in `Datagrams.header`."""

Rows = npt.NDArray[np.int64]


def unwrapped(datagrams: Datagrams, rows: Rows) -> tuple[Datagrams, Rows]:
    """The datagrams with what a relay wrapped in place of its wrapping, and which these are.

    Looks at `rows` only. A datagram stays what it was unless all lengths in it agree with its own;
    bounds move inwards, addresses stay.
    """
    shift = np.zeros(len(datagrams), np.int64)
    length = np.zeros(len(datagrams), np.int64)
    for block in np.unique(datagrams.block[rows]).tolist():
        data = datagrams.blocks[block]
        those = rows[datagrams.block[rows] == block]
        those = those[datagrams.end[those] - datagrams.begin[those] > CHANNEL_HEADER]
        kind = _word(data, datagrams.begin[those])
        channel = (kind >= CHANNELS[0]) & (kind <= CHANNELS[1])
        _channel_data(datagrams, data, those[channel], shift, length)
        indication = (kind == INDICATIONS[0]) | (kind == INDICATIONS[1])
        _indications(datagrams, data, those[indication], shift, length)
    moved = np.flatnonzero(shift)
    moved = moved[datagrams.header[moved] + shift[moved] <= FARTHEST]
    if not len(moved):
        return datagrams, moved
    begin, end = datagrams.begin.copy(), datagrams.end.copy()
    begin[moved] += shift[moved]
    end[moved] = np.minimum(begin[moved] + length[moved], end[moved])
    header = datagrams.header.copy()
    # 0 says that the payload stands in no frame, which stays so.
    framed = moved[header[moved] > 0]
    header[framed] += shift[framed].astype(np.uint16)
    return replace(datagrams, begin=begin, end=end, header=header), moved


def _channel_data(
    datagrams: Datagrams, data: npt.NDArray[np.uint8], rows: Rows, shift: Rows, length: Rows
) -> None:
    """Take those whose length is that of the datagram, but for padding."""
    begin = datagrams.begin[rows]
    told = _word(data, begin + 2)
    there = datagrams.end[rows] - begin - CHANNEL_HEADER
    fits = (told <= there) & (there - told < WORD_BYTES)
    fits |= datagrams.cut[rows] & (told > there)
    shift[rows[fits]] = CHANNEL_HEADER
    length[rows[fits]] = told[fits]


def _indications(
    datagrams: Datagrams, data: npt.NDArray[np.uint8], rows: Rows, shift: Rows, length: Rows
) -> None:
    """Go through the attributes of all indications in step, up to the data of each."""
    begin, end = datagrams.begin[rows], datagrams.end[rows]
    whole = end - begin >= STUN_HEADER_BYTES
    rows, begin, end = rows[whole], begin[whole], end[whole]
    cookie = _word(data, begin + 4) << 16 | _word(data, begin + 6)
    told = _word(data, begin + 2) + STUN_HEADER_BYTES
    sound = cookie == MAGIC_COOKIE
    sound &= (told == end - begin) | (datagrams.cut[rows] & (told > end - begin))
    rows, at, end = rows[sound], begin[sound] + STUN_HEADER_BYTES, end[sound]
    for _ in range(MOST_ATTRIBUTES):
        fits = at + ATTRIBUTE_HEADER_BYTES < end
        rows, at, end = rows[fits], at[fits], end[fits]
        if not len(rows):
            return
        size = _word(data, at + 2)
        here = (_word(data, at) == DATA) & (
            (at + ATTRIBUTE_HEADER_BYTES + size <= end) | datagrams.cut[rows]
        )
        shift[rows[here]] = at[here] + ATTRIBUTE_HEADER_BYTES - datagrams.begin[rows[here]]
        length[rows[here]] = size[here]
        at = at + ATTRIBUTE_HEADER_BYTES + -(-size // WORD_BYTES) * WORD_BYTES
        rows, at, end = rows[~here], at[~here], end[~here]


def _word(data: npt.NDArray[np.uint8], places: Rows) -> Rows:
    """The 16-bit words at some places, which lie inside, as int64."""
    words: npt.NDArray[np.uint16] = np.ndarray((max(len(data) - 1, 0),), ">u2", data, 0, (1,))
    return words[places].astype(np.int64)
