"""The bytes of a packet as hexadecimal digits, with those marked that a parser read otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rtpcap.rtp.header import EXTENSION_HEAD_BYTES, FIXED_HEADER, HEADER_BYTES, WORD_BYTES
from rtpcap.rtp.rtcp.part import PART_HEADER
from rtpcap.testing.packet import Packet
from rtpcap.testing.values import Difference

__all__ = ["hex_lines", "places"]

ROW = 16
MOST_ROWS = 8
PART = re.compile(r"packets\[([0-9]+)\]")

HEADER_PLACES = {
    field.name: range(
        field.word * WORD_BYTES + (32 - field.shift - field.bits) // 8,
        field.word * WORD_BYTES + (31 - field.shift) // 8 + 1,
    )
    for field in FIXED_HEADER
}
"""The bytes that a field of RTP's fixed header lies in."""


def places(packet: Packet, differences: Iterable[Difference]) -> set[int]:
    """The bytes that the differing fields stand in, as far as that can be told."""
    found: set[int] = set()
    for each in differences:
        if packet.kind == "rtp":
            found.update(_in_rtp(packet, each))
        else:
            found.update(_of_value(packet, each))
    return {place for place in found if 0 <= place < len(packet.data)}


def _in_rtp(packet: Packet, each: Difference) -> Iterable[int]:
    if each.field in HEADER_PLACES:
        return HEADER_PLACES[each.field]
    fields: Any = packet.fields
    csrc_end = HEADER_BYTES + WORD_BYTES * fields["csrc_count"]
    head, size = fields["header_bytes"], len(fields["payload"])
    if each.field == "payload":
        return _payload(packet.data, range(head, head + size), each.got)
    return {
        "csrc": range(HEADER_BYTES, csrc_end),
        "extension_profile": range(csrc_end, csrc_end + 2),
        "extension_payload": range(csrc_end + EXTENSION_HEAD_BYTES, head),
        "padding_bytes": range(head + size, len(packet.data)),
    }.get(each.field, range(0))


def _payload(data: bytes, ours: range, got: object) -> Iterable[int]:
    """What a parser has too much or too little of; all of it where its bytes are others."""
    if not isinstance(got, bytes | bytearray | memoryview):
        return ours
    theirs = bytes(got)
    # The same bytes may stand twice: the place nearest to ours is meant.
    ends = data.rfind(theirs) if len(theirs) > len(ours) else data.find(theirs, ours.start)
    if not theirs or ends < 0:
        return ours
    return set(ours) ^ set(range(ends, ends + len(theirs)))


def _of_value(packet: Packet, each: Difference) -> Iterable[int]:
    """Where the value stands, inside the packet of a compound one that it is of."""
    begin, end = _part(packet, each.field)
    value = each.expected
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1 << 16:
        value = value.to_bytes(4 if value < 1 << 32 else (value.bit_length() + 7) // 8, "big")
    if not isinstance(value, bytes) or not value:
        return range(0) if begin == 0 else range(begin, end)
    at = packet.data.find(value, begin, end)
    return range(at, at + len(value)) if at >= 0 else range(0)


def _part(packet: Packet, field: str) -> tuple[int, int]:
    """The bytes of the RTCP packet that a field is of; else all."""
    found = PART.match(field)
    if packet.kind != "rtcp" or found is None:
        return 0, len(packet.data)
    begin = end = 0
    for _ in range(int(found[1]) + 1):
        begin = end
        if begin + PART_HEADER.size > len(packet.data):
            break
        end = begin + (PART_HEADER.unpack_from(packet.data, begin)[2] + 1) * WORD_BYTES
    return begin, end


def hex_lines(data: bytes, marks: set[int]) -> list[str]:
    """Lines of sixteen bytes, those that have a mark and what tells where they are.

    >>> print("\\n".join(hex_lines(bytes(range(20)), {17, 18})))
    0010  10 11 12 13
             ^^ ^^
    """
    rows = sorted({mark // ROW for mark in marks}) or list(range(min(2, -(-len(data) // ROW))))
    lines = []
    before = rows[0] if rows else 0
    for row in rows[:MOST_ROWS]:
        if row > before + 1:
            lines.append("...")
        before = row
        part = range(row * ROW, min((row + 1) * ROW, len(data)))
        lines.append(f"{row * ROW:04x}  " + " ".join(f"{data[i]:02x}" for i in part))
        under = " ".join("^^" if i in marks else "  " for i in part).rstrip()
        if under:
            lines.append(" " * 6 + under)
    if len(rows) > MOST_ROWS:
        lines.append(f"... and {len(rows) - MOST_ROWS} more lines")
    return lines
