"""Every packet in one class and every slot in one, and both sides add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.errors import Fault
from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.truth import Columns
from rtpcap.streams.fates import Account, PacketClass, SlotClass, account
from rtpcap.streams.jitterbuffer import Fixed, play
from rtpcap.streams.ledger import FOREIGN, Clocks, Ledger
from tests.effort import examples
from tests.streams.build import Sent, packets, steady
from tests.streams.impaired import Known, arrivals_of, damaged, known, packets_of

ALL = [*PacketClass]


def by_class(found: Account, stream: int = 0) -> dict[str, int]:
    """The packets of a stream in each class that has some."""
    return {
        kind.label: int(found.packets[stream, kind]) for kind in ALL if found.packets[stream, kind]
    }


def slots_by_class(found: Account, stream: int = 0) -> dict[str, int]:
    return {
        kind.label: int(found.slots[stream, kind])
        for kind in SlotClass
        if found.slots[stream, kind]
    }


def check(found: Account, ledger: Ledger) -> None:
    """What holds of every account."""
    counts = ledger.counts()
    assert found.packets.sum(axis=1).tolist() == counts.packets.tolist()
    assert (found.packets >= 0).all()
    assert (found.slots >= 0).all()
    expected = found.slots[:, :4].sum(axis=1)
    assert expected.tolist() == counts.expected.tolist()
    lost = found.slots[:, SlotClass.LOST] + found.slots[:, SlotClass.REPAIRED]
    assert lost.tolist() == counts.lost.tolist()
    holders = [PacketClass.USED, PacketClass.REORDERED, PacketClass.PADDING_ONLY]
    holders.append(PacketClass.MALFORMED)
    held = found.packets[:, holders].sum(axis=1)
    assert held.tolist() == found.slots[:, SlotClass.RECEIVED].tolist()
    late = found.packets[:, PacketClass.LATE]
    assert late.tolist() == found.slots[:, SlotClass.DISCARDED_LATE].tolist()
    copies = found.packets[:, [PacketClass.DUPLICATE, PacketClass.CAPTURED_TWICE]].sum(axis=1)
    assert copies.sum() == ledger.duplicate.sum()
    assert found.packets[:, PacketClass.FOREIGN].sum() == (ledger.epoch == FOREIGN).sum()


@settings(max_examples=examples(50), deadline=None)
@given(known(), st.one_of(st.none(), st.floats(0, 200)))
def test_every_class_is_what_was_done(stream: Known, size_ms: float | None) -> None:
    table = packets_of(stream.columns)
    arrivals = arrivals_of(stream.columns, stream.ledger)
    playout = None if size_ms is None else play(arrivals, Fixed(size_ms))
    found = account(table, stream.ledger, arrivals, playout=playout)
    check(found, stream.ledger)
    sums = stream.out.truth.sums()
    late = found.packets[:, PacketClass.LATE]
    assert found.packets[:, PacketClass.DUPLICATE].tolist() == sums.duplicates.tolist()
    assert found.slots[:, SlotClass.LOST].tolist() == sums.lost.tolist()
    assert found.slots[:, SlotClass.RESTART].tolist() == sums.restarts.tolist()
    received = sums.expected - sums.lost - late
    assert found.slots[:, SlotClass.RECEIVED].tolist() == received.tolist()
    if playout is None:
        assert found.packets[:, PacketClass.REORDERED].tolist() == sums.reordered.tolist()
        assert not late.any()


def test_silence_is_counted_in_packet_times() -> None:
    # Silence that no loss hides: what was not sent is what is counted.
    stream = damaged(Columns.steady(5000), Impairment(silence_pct=30, jitter_ms=4), 7)
    arrivals = arrivals_of(stream.columns, stream.ledger)
    found = account(packets_of(stream.columns), stream.ledger, arrivals)
    silent = stream.out.truth.sums().silent
    assert silent[0] > 500
    assert found.slots[0, SlotClass.SILENT] == silent[0]


def ledger_of(table: Packets) -> Ledger:
    rate = np.array([8000.0])
    return Ledger.keep(
        table.sequence, table.timestamp, table.time_ns, np.zeros(1, np.int64), Clocks(rate, rate)
    )


def test_each_class_has_its_packet() -> None:
    sent = steady(60)
    sent[20], sent[21] = sent[21], sent[20]
    # Sequence 30 comes twice, 40 never, and a stray one far away alone.
    sent[30:30] = [sent[30]]
    del sent[41]
    sent.append(Sent(40_000, 5, 1.3))
    table = packets(sent)
    # 10 is padding alone, 11 says more padding than it has bytes.
    raw = bytearray(table.blocks[0].tobytes())
    for row, count in ((10, 160), (11, 200)):
        begin = int(table.begin[row])
        raw[begin] |= 0x20
        raw[begin + 171] = count
    end = table.begin + table.size
    table = Packets.parse(
        (np.frombuffer(bytes(raw), np.uint8),), table.begin, end, time_ns=table.time_ns
    )
    ledger = ledger_of(table)
    found = account(table, ledger, arrivals_of(table, ledger))
    check(found, ledger)
    assert table.fault[11] == Fault.PADDING
    assert by_class(found) == {
        "used": 56,
        "reordered": 1,
        "padding_only": 1,
        "malformed": 1,
        "duplicate": 1,
        "foreign": 1,
    }
    assert slots_by_class(found) == {"received": 59, "lost": 1}
    # The same copy as one of the capture, and the same loss as repaired.
    ledger = replace(ledger, captured_twice=ledger.duplicate)
    other = account(table, ledger, arrivals_of(table, ledger), repaired=np.array([1], np.int64))
    check(other, ledger)
    assert by_class(other)["captured_twice"] == 1
    assert slots_by_class(other) == {"received": 59, "repaired": 1}


def test_a_row_has_both_sides_and_their_sums() -> None:
    table = packets(steady(50) + steady(50, sequence=9000, timestamp=2**31, time_s=1.0))
    ledger = ledger_of(table)
    row = account(table, ledger, arrivals_of(table, ledger)).row()
    assert row["packets"] == row["packets_used"] == row["expected"] == 100
    assert row["slots_received"] == 100
    assert row["slots"] == 101
    assert row["slots_restart"] == 1


def test_nothing_is_assumed_of_padding_without_the_bit() -> None:
    # An empty payload without padding is a packet like any other.
    empty = [Sent(i, 160 * i, 0.02 * i, payload=b"") for i in range(3)]
    table = packets(empty)
    ledger = ledger_of(table)
    found = account(table, ledger, arrivals_of(table, ledger))
    assert by_class(found) == {"used": 3}
