"""What the far end lost beside what the capture shows: whether before or after the tap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp import rtcp
from rtpcap.streams.ledger import Clocks, Ledger
from rtpcap.streams.reports.beside import (
    LossReports,
    SeenPackets,
    beside,
    has_start,
    loss_reports,
    place,
)
from tests.streams.reports.kept import made

PACKETS = 300
NS = 20_000_000


def stream(sequences: list[int]) -> SeenPackets:
    """Packets of these numbers, every second frame, through the ledger."""
    wire = np.array(sequences, np.int64)
    n = len(wire)
    ledger = Ledger.keep(
        (wire & 0xFFFF).astype(np.uint16),
        (wire * 160 & 0xFFFFFFFF).astype(np.uint32),
        np.arange(n, dtype=np.int64) * NS,
        np.zeros(1, np.int64),
        Clocks(np.array([8000.0]), np.array([8000.0])),
    )
    frames = np.arange(1, 2 * n, 2, dtype=np.uint32)
    return SeenPackets(frames, ledger.extended, ledger.epoch, ledger.duplicate)


def reports(*rows: tuple[int, int, int]) -> LossReports:
    """Frame, extended highest sequence and cumulative loss of each."""
    table = np.array(rows, np.int64).reshape(-1, 3)
    return LossReports(
        table[:, 0].astype(np.uint32), table[:, 1].astype(np.uint32), table[:, 2].astype(np.int32)
    )


def frame_after(sequences: list[int], number: int) -> int:
    """The frame of a report that is captured right after a packet."""
    return 2 * sequences.index(number) + 2


def test_where_packets_were_lost() -> None:
    # From 65500 on, over the wrap; the tap misses 3 in the first hundred, 2 in the second.
    base = 65500
    missed = {base + 10, base + 11, base + 60, base + 120, base + 121}
    seen = [number for number in range(base, base + PACKETS) if number not in missed]
    told = reports(
        # The reporter's cycles count from its own beginning; it lost 3, then 2 + 4, then 5.
        (frame_after(seen, base + 99), base + 99, 3),
        (frame_after(seen, base + 199), base + 199, 9),
        (frame_after(seen, base + 299), base + 299, 14),
    )
    found = beside(told, stream(seen), from_start=True)
    assert found.known.tolist() == [True, True, True]
    assert found.expected.tolist() == [100, 100, 100]
    assert found.reported.tolist() == [3, 6, 5]
    assert found.captured.tolist() == [3, 2, 0]
    assert found.after.tolist() == [0, 4, 5]
    assert [place(int(b), int(a)) for b, a in zip(found.captured, found.after, strict=True)] == [
        "before",
        "both",
        "after",
    ]
    assert found.total() == (5, 9)


def test_a_capture_that_begins_later_says_nothing_of_the_first_report() -> None:
    seen = list(range(1000, 1000 + PACKETS))
    told = reports((200, 1099, 77), (400, 1199, 78))
    found = beside(told, stream(seen))
    assert found.known.tolist() == [False, True]
    assert (found.reported.tolist(), found.captured.tolist()) == ([0, 1], [0, 0])


def test_a_report_before_any_packet() -> None:
    found = beside(reports((0, 5, 0), (400, 1199, 1)), stream(list(range(1000, 1300))))
    assert found.known.tolist() == [False, False]


def test_a_sender_that_began_anew() -> None:
    seen = [*range(1000, 1100), *range(40000, 40100)]
    told = reports((150, 1070, 0), (300, 40040, 0), (390, 40090, 2))
    found = beside(told, stream(seen))
    assert found.known.tolist() == [False, False, True]
    assert found.after.tolist() == [0, 0, 2]


def test_a_reporter_that_began_anew() -> None:
    seen = list(range(1000, 1300))
    # Its count of wraps jumps: not the same packets any more.
    told = reports((200, 1099, 5), (300, 1149 + (3 << 16), 0))
    assert beside(told, stream(seen)).known.tolist() == [False, False]


def test_nothing_at_all() -> None:
    empty = reports()
    assert beside(empty, stream([1, 2, 3])).total() == (0, 0)
    none = np.zeros(0, np.int64)
    nobody = SeenPackets(none.astype(np.uint32), none, none.astype(np.int32), none.astype(np.bool_))
    assert beside(reports((5, 5, 5)), nobody).known.tolist() == [False]


@st.composite
def arrivals(draw: st.DrawFn) -> list[int]:
    """Numbers with losses, late ones and copies."""
    lost = draw(st.sets(st.integers(501, 559), max_size=12))
    numbers = [n for n in range(500, 560) if n not in lost]
    for _ in range(draw(st.integers(0, 6))):
        i = draw(st.integers(0, len(numbers) - 1))
        later = min(i + draw(st.integers(1, 12)), len(numbers) - 1)
        numbers.insert(later, numbers[i] if draw(st.booleans()) else numbers.pop(i))
    return numbers


@given(arrivals(), st.lists(st.tuples(st.integers(2, 130), st.integers(-8, 8)), max_size=6))
def test_counts_are_those_of_going_through_all_packets(
    numbers: list[int], times: list[tuple[int, int]]
) -> None:
    seen = stream(numbers)
    rows, came = [], []
    for frame, ahead in sorted(times):
        before = [n for n, at in zip(numbers, seen.frame.tolist(), strict=True) if at < frame]
        until = max(before) + ahead
        rows.append((frame, until, 0))
        there = len({number for number in before if number <= until})
        came.append(max(until - min(numbers) + 1, 0) - there)
    found = beside(reports(*rows), seen)
    for i in range(1, len(rows)):
        forward = rows[i][1] >= rows[i - 1][1]
        assert bool(found.known[i]) is forward
        if forward:
            assert found.captured[i] == came[i] - came[i - 1]
            assert found.expected[i] == rows[i][1] - rows[i - 1][1]


def block(about: int, lost: int, highest: int) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(about, 0, lost, highest, 0, 0, 0)


def test_reports_of_each_reporter_about_each_source(tmp_path: Path) -> None:
    both = (block(1, 2, 100), block(2, -3, 200))
    there = [(0.0, rtcp.build([rtcp.ReceiverReport(9, (block(0, 0, 0), block(9, 0, 5)))]))]
    back = [
        (1.0, rtcp.build([rtcp.ReceiverReport(8, both)])),
        (2.0, rtcp.build([rtcp.ReceiverReport(8, (block(2, -4, 300),))])),
    ]
    found = loss_reports(made(tmp_path, there, back))
    assert list(found) == [(8, 1, 1), (8, 2, 1)]
    assert found[8, 1, 1].frame.tolist() == [2]
    assert found[8, 2, 1].frame.tolist() == [2, 3]
    assert found[8, 2, 1].highest_sequence.tolist() == [200, 300]
    assert found[8, 2, 1].cumulative_lost.tolist() == [-3, -4]
    assert loss_reports(made(tmp_path, [], [])) == {}


def test_whether_a_capture_has_a_streams_start(tmp_path: Path) -> None:
    seen = SeenPackets(
        np.array([1, 2, 4, 5], np.uint32),
        np.array([10, 12, 13, 14]),
        np.zeros(4, np.int32),
        np.zeros(4, np.bool_),
    )
    for packets, begins in ((3, True), (4, False)):
        # The third frame: the capture has 10 and 12, and so expected three.
        report = rtcp.build([rtcp.SenderReport(7, 1, 0, packets, 0)])
        filler = [(0.1 * i, b"\0" * 20) for i in range(2)]
        control = made(tmp_path, [*filler, (1.0, report)], [])
        assert control.frame.tolist() == [3]
        assert has_start(control, 7, seen) is begins
        assert not has_start(control, 6, seen)
