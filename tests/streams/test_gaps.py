"""Where the holes are: lost runs, silences and restarts, each with its frames and times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rtpcap.rtp.packets import Packets
from rtpcap.streams.gaps import Gap, find_gaps
from rtpcap.streams.jitterbuffer import Arrivals
from rtpcap.streams.ledger import Clocks, Ledger
from tests.streams.build import Sent, packets, steady


def payloads(columns: Packets) -> npt.NDArray[np.int64]:
    """What G.711 holds: a sample a byte."""
    return columns.payload_size.astype(np.int64)


def gaps_of(
    sent: list[Sent],
    *,
    rate: int = 8000,
    held: int | Callable[[Packets], npt.NDArray[np.int64]] = 0,
) -> list[Gap]:
    columns = packets(sent)
    n = len(columns)
    rates = np.full(n, rate, np.int32)
    clock = np.array([float(rate or 8000)])
    ledger = Ledger.keep(
        columns.sequence,
        columns.timestamp,
        columns.time_ns,
        np.zeros(1, np.int64),
        Clocks(clock, clock),
    )
    number = columns.payload_type
    media, noise = ~np.isin(number, (101, 13)), number == 13
    ticks = np.full(n, held, np.int64) if isinstance(held, int) else held(columns)
    arrivals = Arrivals.of(
        columns.timestamp,
        columns.time_ns,
        rates,
        media,
        ledger,
        noise=noise,
        held=lambda rows: ticks[rows],
    )
    return find_gaps(columns, ledger, arrivals, 0x1234, rates, ticks, 0)


def test_a_lost_run_is_sized_and_placed() -> None:
    sent = steady(100, sequence=65530)
    del sent[40:47]
    (gap,) = gaps_of(sent)
    assert (gap.reason, gap.packets, gap.first_sequence) == ("lost", 7, (65530 + 40) % 65536)
    assert (gap.frame_before, gap.frame_after) == (40, 41)
    assert gap.start_s == pytest.approx(0.02 * 39)
    assert gap.duration_s == pytest.approx(0.02 * 7)


def test_silence_not_sent_is_no_loss() -> None:
    sent = steady(50) + steady(50, sequence=50, timestamp=160 * 50 + 16_000, time_s=3.0)
    (gap,) = gaps_of(sent)
    assert (gap.reason, gap.packets, gap.first_sequence) == ("dtx", 0, 50)
    assert gap.duration_s == pytest.approx(2.0)


def test_a_change_of_packet_time_is_no_silence() -> None:
    # 20 ms packets, then 40 ms ones: what each packet holds explains its step.
    sent = steady(50)
    for i in range(50):
        sent.append(Sent(50 + i, 8000 + 320 * i, 1.0 + 0.04 * i, b"\xff" * 320))
    assert gaps_of(sent, held=payloads) == []
    # The same told by nothing but the steps: most are of 20 ms, so 40 ms are a packet too many.
    assert {gap.reason for gap in gaps_of(sent[:-1])} == {"dtx"}


def test_silence_behind_comfort_noise_is_told() -> None:
    # One packet of comfort noise right behind the speech, then nothing for 1.6 s more.
    sent = steady(50)
    sent.append(Sent(50, 8000, 1.0, b"\x28", payload_type=13))
    sent += steady(50, sequence=51, timestamp=8160 + 12_800, time_s=2.62)
    (gap,) = gaps_of(sent, held=payloads)
    assert (gap.reason, gap.packets, gap.first_sequence) == ("dtx", 0, 51)
    assert (gap.frame_before, gap.frame_after) == (51, 52)


def test_a_restart_is_named() -> None:
    sent = steady(50) + steady(50, sequence=30_000, timestamp=3_000_000_000, time_s=4.0)
    (gap,) = gaps_of(sent)
    assert (gap.reason, gap.packets, gap.first_sequence) == ("restart", 0, 30_000)
    assert gap.duration_s == pytest.approx(4.0 - 0.02 * 49)


def test_a_key_press_between_audio_is_no_silence() -> None:
    sent = steady(10)
    for i in range(5):
        sent.append(Sent(10 + i, 1600, 0.2 + 0.02 * i, b"\x05\x0a\x01\x40", payload_type=101))
    sent += steady(10, sequence=15, timestamp=1600 + 800, time_s=0.3)
    assert gaps_of(sent) == []


def test_reordered_and_doubled_packets_leave_no_gap() -> None:
    sent = steady(50)
    sent[10], sent[12] = sent[12], sent[10]
    sent.insert(30, sent[29])
    assert gaps_of(sent) == []


def test_without_a_clock_a_loss_has_no_duration() -> None:
    sent = steady(20)
    del sent[10]
    (gap,) = gaps_of(sent, rate=0)
    assert (gap.reason, gap.packets, gap.duration_s) == ("lost", 1, None)


def test_without_times_a_gap_has_no_start() -> None:
    sent = steady(20)
    del sent[10]
    for packet in sent:
        packet.time_s = None
    (gap,) = gaps_of(sent)
    assert (gap.start_s, gap.packets) == (None, 1)
