"""Redundant audio (RFC 2198): slots whose packet was lost, and whose payload came in another."""

from __future__ import annotations

from pathlib import Path

from rtpcap.rtp.red import RedBlock, build_red
from tests.streams.made import Sent, capture, rtp

RED, PCMA, TICKS = 100, 8, 160
LOST = (20, 30, 31)


def redundant(count: int = 60) -> list[Sent]:
    """A packet each 20 ms with a copy of the one before; some are lost."""
    speech = [bytes([0x80 | i]) * TICKS for i in range(count)]
    sent = []
    for i in range(count):
        copies = [RedBlock(PCMA, TICKS, speech[i - 1])] if i else []
        payload = build_red(copies, RedBlock(PCMA, 0, speech[i]))
        if i not in LOST:
            sent.append((0.02 * i, rtp(i, TICKS * i, payload, payload_type=RED)))
    return sent


def test_what_was_lost_is_repaired_or_lost(tmp_path: Path) -> None:
    (stream,) = capture(tmp_path, redundant(), pt_map={RED: "red/8000"}).streams
    assert stream.quality.lost == len(LOST)
    # The copy of 20 came in 21, that of 31 in 32; that of 30 was lost with 31.
    assert stream.repaired == 2
    slots = stream.ledger.slots
    assert (slots["received"], slots["repaired"], slots["lost"]) == (57, 2, 1)
    row = stream.ledger_row()
    assert (row["slots_repaired"], row["slots_lost"], row["expected"]) == (2, 1, 60)
    assert stream.play(buffer_ms=20).ledger.slots["repaired"] == 2


def test_nothing_is_repaired_without_copies(tmp_path: Path) -> None:
    plain = [(0.02 * i, rtp(i, TICKS * i, payload_type=PCMA)) for i in range(60) if i not in LOST]
    (stream,) = capture(tmp_path, plain).streams
    assert stream.repaired == 0
    assert stream.ledger.slots["lost"] == len(LOST)
