"""Packets as columns: rows, blocks, payloads."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.errors import Fault
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.payload_types import PayloadType
from tests.rtp.build import packet


def bounds(raws: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.array([len(raw) for raw in raws], np.int64)
    return np.cumsum(sizes) - sizes, np.cumsum(sizes)


def parsed(raws: list[bytes], cut: list[bool] | None = None) -> Packets:
    begin, end = bounds(raws)
    data = np.frombuffer(b"".join(raws), np.uint8)
    return Packets.parse((data,), begin, end, cut=None if cut is None else np.array(cut))


def test_no_packets() -> None:
    packets = Packets.parse((np.empty(0, np.uint8),), np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(packets) == 0
    assert packets.sequence.shape == packets.payload_end.shape == (0,)


def test_frames_count_from_one_and_times_may_be_missing() -> None:
    packets = parsed([packet(), packet()])
    assert packets.frame.tolist() == [1, 2]
    assert packets.time_ns.tolist() == [NO_TIME, NO_TIME]


def test_column_types() -> None:
    packets = parsed([packet()])
    assert packets.sequence.dtype == np.uint16
    assert packets.timestamp.dtype == packets.ssrc.dtype == np.uint32
    assert packets.marker.dtype == packets.padding.dtype == np.bool_
    assert packets.payload_type.dtype == np.uint8


def test_rows_by_number_slice_index_and_mask() -> None:
    packets = parsed([packet(sequence=n, payload=bytes([n])) for n in range(5)])
    assert packets[3].sequence == 3
    assert packets[-1].payload == b"\x04"
    assert packets[1:3].sequence.tolist() == [1, 2]
    assert packets[np.array([4, 0])].sequence.tolist() == [4, 0]
    assert packets[packets.sequence > 2].sequence.tolist() == [3, 4]
    assert packets[1:3].payload(1) == b"\x02"
    with pytest.raises(IndexError):
        packets[5]


def test_a_number_without_a_name_is_unknown_and_no_fault() -> None:
    packets = parsed([packet(payload_type=77), packet(payload_type=8)])
    assert packets.fault.tolist() == [0, 0]
    assert packets[0].payload_type is PayloadType.UNKNOWN
    assert packets[0].payload_number == 77
    assert packets[1].payload_type is PayloadType.PCMA


def test_two_blocks() -> None:
    first, second = packet(sequence=1, payload=b"a"), packet(sequence=2, payload=b"bc", csrc=(4,))
    blocks = (np.frombuffer(b"..." + first, np.uint8), np.frombuffer(second + b"...", np.uint8))
    packets = Packets.parse(
        blocks,
        np.array([0, 3, 0]),
        np.array([len(second), 3 + len(first), 5]),
        block=np.array([1, 0, 1], np.uint8),
    )
    assert packets.sequence.tolist() == [2, 1, 0]
    assert packets.fault.tolist() == [0, 0, Fault.HEADER]
    assert [packets.payload(0), packets.payload(1)] == [b"bc", b"a"]
    assert packets[:2].take_payloads(1).tolist() == [[ord("b")], [ord("a")]]


def test_packet_of_less_than_a_header_has_no_fields() -> None:
    packets = parsed([packet()[:11], packet(sequence=9)])
    assert packets.fault.tolist() == [Fault.HEADER, Fault.NONE]
    assert packets.sequence.tolist() == [0, 9]
    assert packets.ssrc[0] == packets.timestamp[0] == packets.payload_size[0] == 0


def test_end_cut_off_is_a_fault_that_keeps_what_is_there() -> None:
    whole = packet(payload=b"12345678")
    packets = parsed([whole[:-3], whole], cut=[True, False])
    assert packets.fault.tolist() == [Fault.CUT, Fault.NONE]
    assert [packets.payload(0), packets.payload(1)] == [b"12345", b"12345678"]


def test_padding_of_a_cut_packet_is_not_looked_for() -> None:
    raw = packet(padding=True, payload=b"1234\0")
    assert parsed([raw], cut=[True]).fault.tolist() == [Fault.CUT]
    assert parsed([raw]).fault.tolist() == [Fault.PADDING]


def test_other_faults_stand_above_the_cut() -> None:
    raws = [packet()[:7], packet(version=0), packet(csrc_count=9), packet(has_extension=True)]
    faults = parsed(raws, cut=[True] * 4).fault.tolist()
    # 20 bytes of payload read as an extension: 0x6667 words.
    assert faults == [Fault.HEADER, Fault.VERSION, Fault.CSRC, Fault.EXTENSION]


def test_more_than_a_udp_payload_can_hold_is_cut() -> None:
    raw = packet(payload=bytes(70_000))
    packets = parsed([raw, packet()])
    assert packets.fault.tolist() == [Fault.CUT, Fault.NONE]
    assert packets.size.tolist() == [65535, 32]
    assert packets.payload_size[0] == 65535 - 12


def test_take_payloads() -> None:
    raws = [packet(payload=bytes([n] * 4), csrc=(1,) * (n % 3)) for n in range(6)]
    packets = parsed(raws)
    taken = packets[np.array([5, 0, 2])].take_payloads(4)
    assert taken.tolist() == [[5] * 4, [0] * 4, [2] * 4]
    assert packets[:1].take_payloads(0).shape == (1, 0)
    assert packets[:0].take_payloads(4).shape == (0, 4)
    with pytest.raises(ValueError, match="shorter than 5"):
        packets.take_payloads(5)
