"""What holds of the ledger and the figures of every stream, asked of the stream itself."""

from __future__ import annotations

import math

import numpy as np

import rtpcap
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.fates import PacketClass
from rtpcap.streams.jitterbuffer import Fate

__all__ = ["check_figures"]

HOLDERS = ("used", "reordered", "padding_only", "malformed")
EXPECTED = ("received", "repaired", "lost", "discarded_late")


def check_figures(stream: rtpcap.Stream) -> None:
    """Fails where a sum is not what it has to be."""
    quality, ledger, n = stream.quality, stream.ledger, len(stream)
    packets, slots = ledger.packets, ledger.slots
    # Every packet in one class, every expected slot in one, and both sides meet.
    assert len(ledger.packet_class) == sum(packets.values()) == quality.packets == n
    counted = np.bincount(ledger.packet_class, minlength=len(PacketClass))
    assert counted.tolist() == list(packets.values())
    assert min(*packets.values(), *slots.values()) >= 0
    assert sum(slots[name] for name in EXPECTED) == quality.expected
    assert slots["lost"] + slots["repaired"] == quality.lost
    assert sum(packets[name] for name in HOLDERS) == slots["received"]
    assert packets["late"] == slots["discarded_late"]
    assert packets["duplicate"] == quality.duplicates
    assert packets["captured_twice"] == quality.captured_twice
    # All streams worked out together come to what one alone does.
    assert stream.ledger_row() == stream.ledger_row(stream.play())
    row = stream.quality_row()
    assert row == stream.quality_row(stream.play())
    assert all(value == value for value in row.values())
    assert quality.restarts == slots["restart"] == max(int(ledger.epoch.max()), 0)
    silences = sum(gap.reason == "dtx" for gap in stream.gaps)
    assert (silences > 0) == (slots["silent"] > 0)
    played = stream.play()
    assert played.late == packets["late"]
    assert quality.loss_after_buffer_pct == played.loss_pct
    missed = 100 * (slots["lost"] + slots["discarded_late"]) / max(quality.expected, 1)
    assert math.isclose(missed, quality.loss_after_buffer_pct, abs_tol=1e-9)
    assert (played.fate != Fate.UNNEEDED).sum() == slots["received"] + slots["discarded_late"]
    # A rating is on one scale, and says where it comes from.
    assert (quality.r is None) == (played.rating is None)
    if played.rating is not None:
        assert (quality.mos_nb is None) != (quality.mos_wb is None)
        assert 1 <= played.rating.mos <= 4.5
    if not (stream.packets.time_ns == NO_TIME).any():
        windows = stream.windows(1.0)
        assert windows.packets.sum() == n
        assert windows.duplicates.sum() == quality.duplicates
        assert windows.lost.sum() == quality.lost
