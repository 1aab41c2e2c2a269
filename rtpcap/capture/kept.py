"""What a pcapng file says beside its packets: kept as it stands, and read when it is asked for.

Interfaces with their names and counts, comments, names of addresses, and decryption secrets. Each
belongs to a section; sections are counted from 0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rtpcap.capture.lanes import ByteOrder
from rtpcap.capture.options import COMMENT, Options, parse_options

__all__ = [
    "INTERFACE",
    "KEPT_KINDS",
    "NAMES",
    "SECRETS",
    "SECTION_HEADER",
    "STATISTICS",
    "Block",
    "Interface",
    "Kept",
    "Names",
    "Secrets",
    "Statistics",
]

SECTION_HEADER = 0x0A0D0D0A
INTERFACE, NAMES, STATISTICS, SECRETS = 1, 4, 5, 10
KEPT_KINDS = (SECTION_HEADER, INTERFACE, NAMES, STATISTICS, SECRETS)

MOST_BYTES = 64 << 20
MOST_BLOCKS = 20_000
"""Real files have some; what goes beyond is counted and left out."""

# Bytes before the options: section 4.1, 4.2, 4.6.
SECTION_FIXED, INTERFACE_FIXED, STATISTICS_FIXED = 16, 8, 12
SECRETS_FIXED = 8
NAME_HEAD = 4
IF_NAME, IF_DESCRIPTION = 2, 3
RECEIVED, DROPPED, DROPPED_BY_SYSTEM = 4, 5, 7
"""Options of interface statistics: ``isb_ifrecv``, ``isb_ifdrop``, ``isb_osdrop``."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it stands in the file, without its type and lengths."""

    kind: int
    section: int
    order: ByteOrder
    body: bytes


@dataclass(frozen=True)
class Interface:
    """What a file says of one of its interfaces; its number is its place among all of the file."""

    section: int
    link: int
    snap_length: int
    """0 where there is none."""
    options: Options
    order: ByteOrder

    @property
    def name(self) -> str | None:
        return self._text(IF_NAME)

    @property
    def description(self) -> str | None:
        return self._text(IF_DESCRIPTION)

    def _text(self, wanted: int) -> str | None:
        found = [value for code, value in self.options if code == wanted]
        return found[0].decode("utf-8", "replace") if found else None


@dataclass(frozen=True)
class Statistics:
    """How many packets an interface counted; None where it is not told."""

    received: int | None
    dropped: int | None
    """By the interface, for want of room."""
    dropped_by_system: int | None


@dataclass(frozen=True)
class Secrets:
    """Keys of encrypted sessions: `kind` is 0x544c534b for a TLS key log, and so on."""

    section: int
    kind: int
    data: bytes


@dataclass(frozen=True)
class Names:
    """Names of addresses: records of a kind (1 IPv4, 2 IPv6) with an address and its names."""

    section: int
    records: tuple[tuple[int, bytes], ...]


class Kept:
    """The blocks of a file that are no packets, as far as there is room for them."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.left_out = 0
        """How many there was no room for."""
        self._section = -1
        self._bytes = 0

    def add(self, kind: int, body: bytes, order: ByteOrder) -> None:
        """Take a block, in the order of the file."""
        self._section += kind == SECTION_HEADER
        full = len(self.blocks) >= MOST_BLOCKS or self._bytes + len(body) > MOST_BYTES
        # Nothing behind what is left out is kept: interfaces are numbered by their places.
        if full or self.left_out:
            self.left_out += 1
            return
        self._bytes += len(body)
        self.blocks.append(Block(kind, max(self._section, 0), order, body))

    def _of(self, kind: int, least: int) -> list[Block]:
        return [b for b in self.blocks if b.kind == kind and len(b.body) >= least]

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces of all sections, in order: as `Records.interface` numbers them."""
        found = []
        for block in self._of(INTERFACE, INTERFACE_FIXED):
            link, _, snap_length = struct.unpack_from(f"{block.order}HHI", block.body)
            options = parse_options(block.body[INTERFACE_FIXED:], block.order)
            found.append(Interface(block.section, link, snap_length, options, block.order))
        return found

    @property
    def statistics(self) -> dict[int, Statistics]:
        """Interface -> what it counted, as last told."""
        first: dict[int, int] = {}
        counts: dict[int, int] = {}
        for number, interface in enumerate(self.interfaces):
            first.setdefault(interface.section, number)
            counts[interface.section] = counts.get(interface.section, 0) + 1
        found = {}
        for block in self._of(STATISTICS, STATISTICS_FIXED):
            (number,) = struct.unpack_from(f"{block.order}I", block.body)
            if number >= counts.get(block.section, 0):
                continue
            options = dict(parse_options(block.body[STATISTICS_FIXED:], block.order))
            received, dropped, by_system = (
                _count(options.get(code), block.order)
                for code in (RECEIVED, DROPPED, DROPPED_BY_SYSTEM)
            )
            found[first[block.section] + number] = Statistics(received, dropped, by_system)
        return found

    @property
    def secrets(self) -> list[Secrets]:
        """Decryption secrets (section 4.7), in order; what is cut short is left out."""
        found = []
        for block in self._of(SECRETS, SECRETS_FIXED):
            kind, size = struct.unpack_from(f"{block.order}II", block.body)
            data = block.body[SECRETS_FIXED : SECRETS_FIXED + size]
            if len(data) == size:
                found.append(Secrets(block.section, kind, data))
        return found

    @property
    def names(self) -> list[Names]:
        """Names of addresses (section 4.5), in order."""
        found = []
        for block in self._of(NAMES, NAME_HEAD):
            # The records are laid out as options are.
            records = parse_options(block.body, block.order)
            if records:
                found.append(Names(block.section, records))
        return found

    @property
    def comments(self) -> list[str]:
        """What is said of whole sections."""
        return [
            value.decode("utf-8", "replace")
            for block in self._of(SECTION_HEADER, SECTION_FIXED)
            for code, value in parse_options(block.body[SECTION_FIXED:], block.order)
            if code == COMMENT
        ]


def _count(value: bytes | None, order: ByteOrder) -> int | None:
    """A 64-bit count; None where there is none."""
    if value is None or len(value) != 8:
        return None
    return int.from_bytes(value, "little" if order == "<" else "big")
