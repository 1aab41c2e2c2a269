"""Payloads as rows of bytes."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payloads import Payloads


@given(payloads=st.lists(st.binary(max_size=12), max_size=12), count=st.integers(0, 6))
def test_rows_are_the_bytes_they_were_made_of(payloads: list[bytes], count: int) -> None:
    rows = Payloads.of(payloads)
    assert len(rows) == len(payloads)
    assert list(rows) == payloads
    assert [rows[i] for i in range(len(rows))] == payloads
    assert rows.joined().tobytes() == b"".join(payloads)
    assert list(rows[::-1]) == payloads[::-1]
    assert rows[::-1].joined().tobytes() == b"".join(payloads[::-1])
    heads = [payload[:count].ljust(count, b"\0") for payload in payloads]
    assert [bytes(head) for head in rows.head(count)] == heads


@given(sizes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=12))
def test_payloads_that_lie_in_several_blocks(sizes: list[tuple[int, int]]) -> None:
    blocks = [bytearray(b"some other bytes") for _ in range(3)]
    begin, end, expected = [], [], []
    for i, (size, block) in enumerate(sizes):
        payload = bytes([i]) * size
        begin.append(len(blocks[block]))
        blocks[block] += struct.pack(">BBHII", 0x80, 0, i, 160 * i, 1) + payload
        end.append(len(blocks[block]))
        expected.append(payload)
    packets = Packets.parse(
        [np.frombuffer(bytes(block), np.uint8) for block in blocks],
        np.array(begin, np.int64),
        np.array(end, np.int64),
        block=np.array([block for _, block in sizes], np.uint8),
    )
    assert list(packets.payloads()) == expected
    assert packets.payloads().joined().tobytes() == b"".join(expected)
