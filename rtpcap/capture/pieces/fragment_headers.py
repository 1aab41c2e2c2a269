"""The headers of IPv4 and IPv6 fragments, for a whole chunk at once.

What comes out has been checked: its places lie inside the frame, and the packets that its offsets
and lengths speak of can be.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.capture.layers.names import IPV6_EXTENSIONS
from rtpcap.capture.tables import Tally

__all__ = [
    "IPV4_FRAGMENT_AT",
    "IPV4_LENGTH_AT",
    "IPV6_HEADER",
    "IPV6_LENGTH_AT",
    "MOST_LENGTH",
    "Headers",
    "Pieces",
    "version_of",
]

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TCP = 6
FRAGMENT_HEADER = 44
AUTHENTICATION = 51

# RFC 791, section 3.1.
IPV4 = np.dtype(
    {
        "names": ["version_length", "length", "identification", "fragment", "protocol", "ends"],
        "formats": ["u1", ">u2", ">u2", ">u2", "u1", ("u1", 8)],
        "offsets": [0, 2, 4, 6, 9, 12],
        "itemsize": 20,
    }
)
IPV4_HEADER, IPV4_LENGTH_AT, IPV4_FRAGMENT_AT = 20, 2, 6
IPV4_MORE, IPV4_OFFSET = 0x2000, 0x1FFF

# RFC 8200, section 3, and section 4.5 for the fragment header.
IPV6 = np.dtype(
    {
        "names": ["length", "next", "ends"],
        "formats": [">u2", "u1", ("u1", 32)],
        "offsets": [4, 6, 8],
        "itemsize": 40,
    }
)
IPV6_HEADER, IPV6_LENGTH_AT, IPV6_NEXT_AT = 40, 4, 6
IPV6_FRAGMENT = np.dtype(
    [("next", "u1"), ("reserved", "u1"), ("fragment", ">u2"), ("identification", ">u4")]
)
IPV6_MORE, IPV6_OFFSET = 0x0001, 0xFFF8

UNIT = 8
"""Offsets count in units of so many bytes, and all fragments but the last are made of them."""
MOST_LENGTH = 0xFFFF
"""No IP packet is longer, with its IPv4 header or without its IPv6 header."""
TCP_FLAGS_END = 16
"""RFC 1858, section 3.2.1: a first fragment shorter than this hides the flags of TCP."""

PATH_BYTES = 14
COOKED_ADDRESS_AT = 6
"""Where the address begins in a Linux cooked header, up to the protocol in its last two bytes."""
# What all fragments of a packet have in common (RFC 791 and 8200: addresses, identification, and
# in IPv4 the protocol), and the way that they came.
KEY = np.dtype(
    [
        ("version", "u1"),
        ("protocol", "u1"),
        ("interface", "u2"),
        ("identification", "u4"),
        ("ends", "u1", 32),
        ("depth", "i8"),
        ("path", "u1", PATH_BYTES),
    ]
)

NO_IP = "no IP packet"
BAD_IPV4 = "IPv4 header damaged or cut"
BAD_IPV6 = "IPv6 header damaged or cut"
BAD_EXTENSIONS = "IPv6 extension headers damaged or cut"
BAD_LENGTH = "fragment with an impossible length"
TOO_FAR = "fragment that ends beyond 65,535 bytes"
TINY = "fragment that cuts a TCP header in two"


@dataclass(frozen=True, eq=False)
class Pieces:
    """Fragments in one chunk, columns of shape (n,), in order of frames; places are in `data`.

    As in `Records`, `data` goes on for at least 128 bytes behind the last frame.
    """

    data: npt.NDArray[np.uint8]
    """The bytes of the chunk; nothing is kept of them but copies."""
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    frame_begin: Places
    """Where the frame begins."""
    packet: Places
    """Where the innermost IP header begins, IPv4 or IPv6 by its first four bits."""
    end: Places
    """Where what was captured of the frame ends."""
    path: Places | None = None
    """Where the headers begin that are the same for all fragments of a packet; the 14 bytes from
    there on, as far as they stand before the IP header, and the way from there to it belong to the
    identity of the packet. The frame's begin where nothing is given; in frames of 802.11, whose
    first bytes are different in each, it has to be the place of their addresses."""
    nameless: Mask | None = None
    """Whether a frame is a Linux cooked one without an address, whose place holds whatever was in
    the sender's memory: no part of the identity."""

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class Headers:
    """What the headers of sound fragments say, columns of shape (n,), in order of frames."""

    rows: Places
    """Rows of `Pieces`."""
    key: npt.NDArray[np.void]
    header_end: Places
    """Where the headers end that are not fragmented themselves."""
    next_at: Places
    """IPv6: the place of the byte that names the fragment header."""
    protocol: npt.NDArray[np.uint8]
    """What the fragmented part begins with."""
    begin: Places
    """Where the payload begins."""
    offset: Places
    """Its place in the payload of the whole packet."""
    size: Places
    """Its length on the wire."""
    more: Mask
    """Whether others follow it."""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def read(cls, pieces: Pieces, not_understood: Tally) -> Headers:
        """The headers of those that can be fragments; the others are counted with the reason."""
        version = pieces.data[pieces.packet] >> 4
        version[pieces.packet >= pieces.end] = 0
        rows = np.arange(len(pieces))
        _refuse(NO_IP, pieces, rows[(version != 4) & (version != 6)], not_understood)
        parts = [
            read(pieces, rows[version == number], not_understood)
            for number, read in ((4, _ipv4), (6, _ipv6))
            if (version == number).any()
        ]
        if len(parts) == 1:
            return parts[0]
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in cls.__dataclass_fields__
            if parts
        }
        if not joined:
            return _ipv4(pieces, rows[:0], not_understood)
        return _those(cls(**joined), np.argsort(joined["rows"]))

    def keys(self) -> list[bytes]:
        """The identities of the packets that they belong to."""
        keys: list[bytes] = self.key.view(f"V{KEY.itemsize}").tolist()
        return keys

    def first(self, pieces: Pieces, at: int) -> tuple[bytearray, int]:
        """All headers of a packet's first fragment, and where among them the IP header begins.

        They no longer say that it is one; the length still does.
        """
        row = self.rows[at]
        begin = int(pieces.frame_begin[row])
        headers = bytearray(pieces.data[begin : self.header_end[at]].data)
        packet = int(pieces.packet[row]) - begin
        if headers[packet] >> 4 == 4:
            struct.pack_into(">H", headers, packet + IPV4_FRAGMENT_AT, 0)
        else:
            headers[int(self.next_at[at]) - begin] = int(self.protocol[at])
        return headers, packet


def version_of(key: bytes) -> int:
    """4 or 6: the version of the packet with that identity."""
    return key[0]


def _ipv4(pieces: Pieces, rows: Places, not_understood: Tally) -> Headers:
    at = pieces.packet[rows]
    heads = _records(pieces.data, IPV4)[at]
    length = (heads["version_length"] & 15).astype(np.int64) * 4
    sound = (length >= IPV4_HEADER) & (at + length <= pieces.end[rows])
    _refuse(BAD_IPV4, pieces, rows[~sound], not_understood)
    rows, at, heads, length = rows[sound], at[sound], heads[sound], length[sound]
    key = _keys(pieces, rows, 4)
    key["protocol"] = heads["protocol"]
    key["identification"] = heads["identification"]
    key["ends"][:, :8] = heads["ends"]
    fragment = heads["fragment"].astype(np.int64)
    headers = Headers(
        rows=rows,
        key=key,
        header_end=at + length,
        next_at=at,
        protocol=heads["protocol"],
        begin=at + length,
        offset=(fragment & IPV4_OFFSET) * UNIT,
        size=heads["length"] - length,
        more=(fragment & IPV4_MORE) != 0,
    )
    return _possible(pieces, headers, length, not_understood)


def _ipv6(pieces: Pieces, rows: Places, not_understood: Tally) -> Headers:
    sound = pieces.packet[rows] + IPV6_HEADER <= pieces.end[rows]
    _refuse(BAD_IPV6, pieces, rows[~sound], not_understood)
    rows = rows[sound]
    at, end = pieces.packet[rows], pieces.end[rows]
    heads = _records(pieces.data, IPV6)[at]
    header_end, next_at = at + IPV6_HEADER, at + IPV6_NEXT_AT
    for row in np.flatnonzero(heads["next"] != FRAGMENT_HEADER).tolist():
        header_end[row], next_at[row] = _behind(pieces.data, int(at[row]), int(end[row]))
    sound = (header_end > at) & (header_end + IPV6_FRAGMENT.itemsize <= end)
    _refuse(BAD_EXTENSIONS, pieces, rows[~sound], not_understood)
    rows, at, heads = rows[sound], at[sound], heads[sound]
    header_end, next_at = header_end[sound], next_at[sound]
    fragments = _records(pieces.data, IPV6_FRAGMENT)[header_end]
    begin = header_end + IPV6_FRAGMENT.itemsize
    key = _keys(pieces, rows, 6)
    key["identification"] = fragments["identification"]
    key["ends"] = heads["ends"]
    fragment = fragments["fragment"].astype(np.int64)
    headers = Headers(
        rows=rows,
        key=key,
        header_end=header_end,
        next_at=next_at,
        protocol=fragments["next"],
        begin=begin,
        offset=fragment & IPV6_OFFSET,
        size=at + IPV6_HEADER + heads["length"] - begin,
        more=(fragment & IPV6_MORE) != 0,
    )
    return _possible(pieces, headers, header_end - at - IPV6_HEADER, not_understood)


def _behind(data: npt.NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Where an IPv6 packet's fragment header is, and the byte that names it; (-1, -1) without."""
    named_at, pos = at + IPV6_NEXT_AT, at + IPV6_HEADER
    while (kind := int(data[named_at])) != FRAGMENT_HEADER:
        if kind not in IPV6_EXTENSIONS or pos + 2 > end:
            return -1, -1
        units = int(data[pos + 1])
        named_at = pos
        pos += (units + 2) * 4 if kind == AUTHENTICATION else (units + 1) * 8
    return pos, named_at


def _possible(pieces: Pieces, headers: Headers, counted: Places, not_understood: Tally) -> Headers:
    """Those of packets that can be; their length counts so many bytes before the payload too."""
    hidden = (headers.offset == 0) & headers.more & (headers.size < TCP_FLAGS_END)
    faults = {
        BAD_LENGTH: (headers.size <= 0) | (headers.more & (headers.size % UNIT != 0)),
        TOO_FAR: counted + headers.offset + headers.size > MOST_LENGTH,
        TINY: (headers.protocol == TCP) & (hidden | (headers.offset == UNIT)),
    }
    good = np.ones(len(headers), np.bool_)
    for reason, fault in faults.items():
        _refuse(reason, pieces, headers.rows[good & fault], not_understood)
        good &= ~fault
    return headers if good.all() else _those(headers, good)


def _those(headers: Headers, chosen: Mask | Places) -> Headers:
    return Headers(**{name: column[chosen] for name, column in vars(headers).items()})


def _keys(pieces: Pieces, rows: Places, version: int) -> npt.NDArray[np.void]:
    """Identities that hold the version and the way to the IP header; shape (n,)."""
    packet = pieces.packet[rows]
    path = (pieces.frame_begin if pieces.path is None else pieces.path)[rows]
    keys = np.zeros(len(rows), KEY)
    keys["version"] = version
    keys["interface"] = pieces.interface[rows]
    keys["depth"] = packet - path
    # What stands behind the IP header's begin is not the same in all fragments.
    places = path[:, np.newaxis] + np.arange(PATH_BYTES)
    keys["path"] = np.where(places < packet[:, np.newaxis], pieces.data[places], 0)
    if pieces.nameless is not None:
        keys["path"][pieces.nameless[rows], COOKED_ADDRESS_AT:] = 0
    return keys


def _records(data: npt.NDArray[np.uint8], kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """One record laid over the bytes at every place."""
    return np.ndarray((len(data) - kind.itemsize + 1,), kind, data, 0, (1,))


def _refuse(reason: str, pieces: Pieces, rows: Places, not_understood: Tally) -> None:
    not_understood.add(reason, pieces.frame[rows])
