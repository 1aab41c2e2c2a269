"""Any bytes give packets or faults; what is built is read; columns say what objects say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp import rtcp
from rtpcap.rtp.rtcp.columns import split_reports
from tests.rtp.rtcp.build import NTP, SCENARIOS, A, part, sender


def bits(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << size) - 1)


def signed(size: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << size - 1), (1 << size - 1) - 1)


def some(of: st.SearchStrategy[Any], most: int = 4, least: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(of, min_size=least, max_size=most).map(tuple)


def words(most: int = 3) -> st.SearchStrategy[bytes]:
    return st.lists(st.binary(min_size=4, max_size=4), max_size=most).map(b"".join)


def made(of: Callable[..., Any], *fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(of, *fields)


u8, u16, u32 = bits(8), bits(16), bits(32)
report_blocks = some(made(rtcp.ReportBlock, u32, u8, signed(24), u32, u32, u32, u32))
text = st.binary(max_size=20)
private = st.builds(rtcp.Item.private, st.text(max_size=5), st.text(max_size=5))
items = some(st.builds(rtcp.Item, bits(8).filter(lambda kind: kind not in (0, 8)), text) | private)
runs = some(u16, 3).map(lambda chunks: chunks * 2)
flags = [st.booleans()] * 3
voip = [u32, *[u8] * 4, *[u16] * 4, *[signed(8)] * 2, *[u8] * 7, *[u16] * 3]
known = (1, 2, 3, 4, 5, 6, 7)
extended = st.one_of(
    made(rtcp.LossRLE, u32, u16, u16, runs, bits(4)),
    made(rtcp.DuplicateRLE, u32, u16, u16, runs, bits(4)),
    made(rtcp.ReceiptTimes, u32, u16, u16, some(u32), bits(4)),
    made(rtcp.ReceiverReferenceTime, bits(64)),
    made(rtcp.DelaySinceLastRR, some(made(rtcp.LastRR, u32, u32, u32))),
    made(rtcp.StatisticsSummary, u32, u16, u16, *flags, bits(2), *[u32] * 6, *[u8] * 4),
    made(rtcp.VoIPMetrics, *voip),
    made(rtcp.OtherBlock, u8.filter(lambda kind: kind not in known), u8, words()),
)
rates = made(rtcp.BitRate, u32, bits(6), bits(17), bits(9))
trades = made(rtcp.TradeOff, u32, u8, bits(5))
feedback = st.one_of(
    made(rtcp.NACK, u32, u32, some(st.tuples(u16, u16), 4, 1)),
    made(rtcp.TMMBR, u32, u32, some(rates, 4, 1)),
    made(rtcp.TMMBN, u32, u32, some(rates)),
    made(rtcp.PLI, u32, u32),
    made(rtcp.SLI, u32, u32, some(made(rtcp.LostSlice, bits(13), bits(13), bits(6)), 4, 1)),
    made(rtcp.RPSI, u32, u32, bits(7), u8, words().map(lambda more: b"ab" + more)),
    made(rtcp.FIR, u32, u32, some(made(rtcp.Command, u32, u8), 4, 1)),
    made(rtcp.TSTR, u32, u32, some(trades, 4, 1)),
    made(rtcp.TSTN, u32, u32, some(trades, 4, 1)),
    made(rtcp.REMB, u32, u32, bits(6), bits(18), some(u32)),
    made(rtcp.OtherFeedback, u32, u32, st.just(205), st.sampled_from((2, 5, 11, 31)), words()),
)


@st.composite
def transport_wide(draw: st.DrawFn) -> rtcp.TransportCC:
    """Runs and vectors of both widths, and the deltas that they ask for."""
    chunks = tuple(draw(st.lists(u16.filter(lambda chunk: chunk & 0x9FF0), min_size=1, max_size=4)))
    size = sum(
        (7 if chunk & 0x4000 else 14) if chunk & 0x8000 else chunk & 0x1FFF for chunk in chunks[:-1]
    )
    # No more than a byte of the last run, or all of it, so that deltas stay few.
    count = min(size + 1, 300)
    found = rtcp.TransportCC(draw(u32), draw(u32), draw(u16), count, 0, 0, chunks, ())
    used, total = [], 0
    for chunk in chunks:
        if total >= count:
            break
        used.append(chunk)
        total += (7 if chunk & 0x4000 else 14) if chunk & 0x8000 else chunk & 0x1FFF
    found = rtcp.TransportCC(found.ssrc, 1, found.base_sequence, count, 0, 0, tuple(used), ())
    deltas = {1: u8, 2: signed(16)}
    values = tuple(draw(deltas[status]) for status in found.statuses if status in deltas)
    return rtcp.TransportCC(
        found.ssrc,
        found.media_ssrc,
        found.base_sequence,
        count,
        draw(signed(24)),
        draw(u8),
        tuple(used),
        values,
    )


packets = st.one_of(
    made(rtcp.SenderReport, u32, bits(64), u32, u32, u32, report_blocks, words()),
    made(rtcp.ReceiverReport, u32, report_blocks, words()),
    made(rtcp.SourceDescription, some(made(rtcp.Chunk, u32, items))),
    made(rtcp.Goodbye, some(u32), st.none() | text),
    made(rtcp.ApplicationDefined, u32, st.binary(min_size=4, max_size=4), bits(5), words()),
    made(rtcp.ExtendedReport, u32, some(extended)),
    feedback,
    transport_wide(),
    made(rtcp.Other, st.sampled_from((192, 209, 223)), bits(5), words()),
)


@given(some(packets, 4, 1), st.integers(0, 63).map(lambda count: 4 * count))
def test_what_was_built_is_read(sent: tuple[rtcp.Packet, ...], padding: int) -> None:
    found = rtcp.parse(rtcp.build(sent, padding=padding))
    assert found == rtcp.Compound(sent, padding=padding)


whole = [function()[0] for function in SCENARIOS]
damaged = st.builds(
    lambda raw, at, change, cut: (raw[:at] + change + raw[at + len(change) :])[: len(raw) - cut],
    st.sampled_from(whole),
    st.integers(0, 80),
    st.binary(max_size=4),
    st.integers(0, 12),
)
hostile = st.one_of(st.binary(max_size=80), damaged, st.tuples(damaged, damaged).map(b"".join))


@given(hostile)
def test_any_bytes_give_packets_or_faults(raw: bytes) -> None:
    found = rtcp.parse(raw)
    assert found.packets or found.faults or found.protection is not None
    for fault in found.faults:
        assert 0 <= fault.offset <= len(raw)
        assert 0 <= fault.available <= len(raw) - fault.offset
        assert str(fault)
    for packet in found.packets:
        assert packet.kind
        for block in getattr(packet, "blocks", ()):
            assert len(getattr(block, "flags", ())) <= 65535
        if isinstance(packet, rtcp.TransportCC):
            assert len(packet.arrivals) <= packet.status_count


@given(hostile)
def test_what_has_no_fault_is_written_and_read_again(raw: bytes) -> None:
    found = rtcp.parse(raw)
    if not found.faults and found.protection is None:
        again = rtcp.parse(rtcp.build(found.packets, padding=found.padding))
        assert again == found


@given(st.lists(hostile, max_size=8))
def test_columns_say_what_objects_say(raws: list[bytes]) -> None:
    compare(raws)


def test_columns_of_more_packets_than_a_compound_may_have() -> None:
    compare([part(203) * 100 + part(200, sender()), part(200, sender())])


def compare(raws: list[bytes]) -> None:
    # Two blocks, the datagrams of each one behind the other.
    blocks = [b"".join(raws[0::2]) + bytes(64), b"".join(raws[1::2]) + bytes(64)]
    begin, at = [], [0, 0]
    for number, raw in enumerate(raws):
        begin.append(at[number % 2])
        at[number % 2] += len(raw)
    begins = np.array(begin, np.int64)
    ends = begins + np.array([len(raw) for raw in raws], np.int64)
    senders, reports = split_reports(
        [np.frombuffer(data, np.uint8) for data in blocks],
        (np.arange(len(raws)) % 2).astype(np.uint16),
        begins,
        ends,
    )
    expected_senders, expected_reports = [], []
    for row, raw in enumerate(raws):
        for packet in rtcp.parse(raw).packets:
            if isinstance(packet, rtcp.SenderReport):
                figures = (packet.timestamp, packet.packet_count, packet.octet_count)
                expected_senders.append((row, packet.ssrc, packet.ntp, *figures))
            if isinstance(packet, (rtcp.SenderReport, rtcp.ReceiverReport)):
                for b in packet.blocks:
                    head = (row, packet.packet_type, packet.ssrc, b.ssrc, b.fraction_lost)
                    figures = (b.cumulative_lost, b.highest_sequence, b.jitter)
                    tail = (b.last_sr, b.delay_since_last_sr)
                    expected_reports.append((*head, *figures, *tail))
    columns = vars(senders).values()
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected_senders
    columns = vars(reports).values()
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected_reports


def test_ntp_keeps_all_its_bits() -> None:
    raw = part(200, sender(ntp=NTP | 1))
    data = np.frombuffer(raw, np.uint8)
    begin, end = np.zeros(1, np.int64), np.array([len(raw)], np.int64)
    senders, reports = split_reports([data], np.zeros(1, np.uint16), begin, end)
    assert senders.ntp.tolist() == [NTP | 1]
    assert (len(senders), len(reports)) == (1, 0)
    assert senders.ssrc.tolist() == [A]
