"""Redundant audio: blocks built from labelled fields, and a sender's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtpcap
from rtpcap.rtp.payloads import Payloads
from rtpcap.rtp.red import RedBlock, build_red, unwrap_red

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"


def listed(payload: bytes) -> tuple[list[tuple[int, int, bool, bytes]], bool]:
    """(payload type, offset, primary, data) of each block, and whether the payload is torn."""
    blocks = unwrap_red(Payloads.of([payload]))
    rows = zip(
        blocks.payload_type.tolist(),
        blocks.timestamp_offset.tolist(),
        blocks.primary.tolist(),
        blocks.payloads,
        strict=True,
    )
    return list(rows), bool(blocks.torn[0])


def test_two_copies_and_the_primary() -> None:
    # RFC 2198 section 4: F, PT, offset, length; the last header is F = 0 and PT.
    head = (1 << 31 | 5 << 24 | 640 << 10 | 3).to_bytes(4, "big")
    head += (1 << 31 | 0 << 24 | 320 << 10 | 2).to_bytes(4, "big") + bytes([8])
    assert listed(head + b"abc" + b"de" + b"fghi") == (
        [(5, 640, False, b"abc"), (0, 320, False, b"de"), (8, 0, True, b"fghi")],
        False,
    )


def test_only_a_primary_and_blocks_without_data() -> None:
    assert listed(bytes([63]) + b"xy") == ([(63, 0, True, b"xy")], False)
    assert listed(bytes([63])) == ([(63, 0, True, b"")], False)
    head = (1 << 31 | 5 << 24 | 960 << 10 | 0).to_bytes(4, "big") + bytes([8])
    assert listed(head) == ([(5, 960, False, b""), (8, 0, True, b"")], False)


def test_torn_ones_keep_what_fits() -> None:
    head = (1 << 31 | 5 << 24 | 640 << 10 | 3).to_bytes(4, "big") + bytes([8])
    # The copy does not fit.
    assert listed(head + b"ab") == ([], True)
    # The headers do not end.
    assert listed(head[:4]) == ([], True)
    assert listed(head[:2]) == ([], True)
    assert listed(b"") == ([], True)
    first = (1 << 31 | 5 << 24 | 640 << 10 | 1).to_bytes(4, "big")
    second = (1 << 31 | 6 << 24 | 320 << 10 | 9).to_bytes(4, "big")
    assert listed(first + second + bytes([8]) + b"abc") == ([(5, 640, False, b"a")], True)


def test_rows_of_many_payloads() -> None:
    payloads = [
        build_red([RedBlock(8, 160, b"old")], RedBlock(8, 0, b"new")),
        b"\xff",
        build_red([], RedBlock(0, 0, b"alone")),
    ]
    blocks = unwrap_red(Payloads.of(payloads))
    assert blocks.row.tolist() == [0, 0, 2]
    assert [bytes(p) for p in blocks.payloads] == [b"old", b"new", b"alone"]
    assert blocks.torn.tolist() == [False, True, False]
    assert len(unwrap_red(Payloads.of([])).row) == 0


block = st.builds(
    RedBlock, st.integers(0, 127), st.integers(0, (1 << 14) - 1), st.binary(max_size=40)
)


@given(copies=st.lists(block, max_size=4), primary=block)
def test_what_is_built_is_unwrapped_again(copies: list[RedBlock], primary: RedBlock) -> None:
    primary = primary._replace(timestamp_offset=0)
    found, torn = listed(build_red(copies, primary))
    assert not torn
    assert [(pt, offset, data) for pt, offset, _, data in found] == [*copies, primary]
    assert [is_primary for _, _, is_primary, _ in found] == [False] * len(copies) + [True]


@given(payloads=st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes(payloads: list[bytes]) -> None:
    blocks = unwrap_red(Payloads.of(payloads))
    sizes = [len(payload) for payload in payloads]
    for row, data in zip(blocks.row.tolist(), blocks.payloads, strict=True):
        assert data in payloads[row]
    total = np.bincount(blocks.row, blocks.payloads.size, minlength=len(sizes))
    assert all(held < size or size == 0 for held, size in zip(total, sizes, strict=True))


def test_what_does_not_fit_a_header_is_refused() -> None:
    for wrong in (RedBlock(128, 0, b""), RedBlock(0, 1 << 14, b""), RedBlock(0, 0, bytes(1024))):
        with pytest.raises(ValueError):
            build_red([wrong], RedBlock(0, 0, b""))
    with pytest.raises(ValueError):
        build_red([], RedBlock(0, 160, b""))


def test_gstreamer_sends_each_payload_twice() -> None:
    path = SHARED / "gst-red.pcap"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    stream = max(rtpcap.open(path).streams, key=len)
    packets = stream.packets[stream.packets.payload_type == 100]
    blocks = unwrap_red(packets.payloads())
    assert not blocks.torn.any()
    # The recipe asks for a distance of 2 packets of PCMU, 160 ticks each.
    assert set(blocks.payload_type.tolist()) == {0}
    primary = {
        int(packets.timestamp[row]): data
        for row, data, first in zip(
            blocks.row.tolist(), blocks.payloads, blocks.primary.tolist(), strict=True
        )
        if first
    }
    assert len(primary) == len(packets)
    copies = 0
    for row, offset, data, first in zip(
        blocks.row.tolist(),
        blocks.timestamp_offset.tolist(),
        blocks.payloads,
        blocks.primary.tolist(),
        strict=True,
    ):
        spoken = int(packets.timestamp[row]) - offset
        if not first and spoken in primary:
            assert (offset, data) == (320, primary[spoken])
            copies += 1
    assert copies == len(packets) - 2
