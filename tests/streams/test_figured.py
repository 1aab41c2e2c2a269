"""The ledger and the figures as streams give them: of every capture that is shipped, and known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.streams.fates import PacketClass
from tests.streams.figured import check_figures
from tests.views.build import Sent, capture, eventful, steady

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_ledgers_and_figures_add_up(path: Path) -> None:
    for stream in rtpcap.open(path).streams:
        check_figures(stream)


def stream_of(folder: Path, sent: list[Sent]) -> rtpcap.Stream:
    return rtpcap.open(capture(folder / "c.pcap", sent)).streams[0]


def test_a_stream_with_one_of_everything(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, eventful())
    check_figures(stream)
    # The one that came 100 ms after its turn is too late for 60 ms, and is not for 150.
    assert {name: n for name, n in stream.ledger.packets.items() if n} == {
        "used": 468,
        "late": 1,
        "duplicate": 1,
    }
    assert {name: n for name, n in stream.ledger.slots.items() if n} == {
        "received": 468,
        "lost": 31,
        "discarded_late": 1,
        "silent": 100,
        "restart": 1,
    }
    patient = stream.play(150).ledger
    assert (patient.packets["reordered"], patient.packets["late"]) == (1, 0)
    assert np.flatnonzero(patient.packet_class == PacketClass.REORDERED).tolist() == [25]


def test_figures_by_arithmetic(tmp_path: Path) -> None:
    # Packets 50, 51, 52 and 60 are lost of 100: one burst of 11, all else received.
    sent = [packet for packet in steady(100) if packet.sequence not in (50, 51, 52, 60)]
    quality = stream_of(tmp_path, sent).quality
    assert quality.bursts == 1
    assert quality.burst_density_pct == pytest.approx(100 * 4 / 11)
    assert (quality.longest_outage, quality.longest_outage_ms) == (3, 60)
    assert quality.gap_density_pct == 0
    assert quality.ptime_ms == 20
    # 200 bytes of IP each 20 ms, of 96 packets in 99 intervals.
    assert quality.kbps == pytest.approx(200 * 8 * 95 / (99 * 20))
    assert (quality.delta_min_ms, quality.delta_max_ms) == pytest.approx((20, 80))
    # Mean run of 2, times 1 - p.
    assert quality.burst_ratio == pytest.approx(0.96 * 2)
    equipment = 95 * 4 / (4 / (0.96 * 2) + 25.1)
    assert quality.r == pytest.approx(93.2 - 0.024 * 60 - equipment)
    assert quality.mos_wb is None
    assert not quality.mos_provisional


def test_explain_prints_every_term_of_the_sum(tmp_path: Path) -> None:
    quality = stream_of(tmp_path, steady(100)).quality
    text = quality.explain()
    assert "assumed" in text
    assert "G.113" in text
    terms = [line.split()[:2] for line in text.splitlines()]
    numbers = dict.fromkeys("-+=", 0.0)
    for sign, *number in terms:
        if sign in numbers:
            numbers[sign] += float(number[0])
    assert 93.2 - numbers["-"] + numbers["+"] == pytest.approx(numbers["="], abs=0.02)
    assert numbers["="] == pytest.approx(quality.r, abs=0.005)


def test_a_codec_without_a_row_has_no_score(tmp_path: Path) -> None:
    sent = [replace(packet, payload_type=96) for packet in steady(60)]
    stream = stream_of(tmp_path, sent)
    assert (stream.quality.r, stream.quality.mos_nb, stream.quality.mos_wb) == (None, None, None)
    assert stream.quality.explain().startswith("no MOS")
    with pytest.raises(rtpcap.CodecUnavailable, match="no row"):
        stream.buffer_curve()


def test_a_provisional_score_says_so(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.pcap", [replace(packet, payload_type=96) for packet in steady(60)])
    stream = rtpcap.open(path, pt_map={96: "opus/48000/2"}).streams[0]
    assert stream.quality.mos_provisional
    assert "provisional" in stream.quality.explain()


def test_headers_of_ipv6_are_longer() -> None:
    streams = rtpcap.open(FIXTURES / "tun-ipv6.pcap").streams
    wide = [stream for stream in streams if ":" in stream.src]
    assert wide
    for stream in wide:
        packets, seconds = stream.packets, stream.duration_s
        assert not stream.quality.captured_twice
        octets = int(packets.size[1:].sum()) + 48 * (len(packets) - 1)
        assert seconds is not None
        assert stream.quality.kbps == pytest.approx(octets * 8 / seconds / 1e3)


def test_what_was_heard_is_all_but_the_late(tmp_path: Path) -> None:
    # Packet 30 says something else, and comes 100 ms after its turn.
    sent = steady(60)
    odd = replace(sent.pop(30), time_s=0.7001, payload=b"\x2a" * 160)
    sent.insert(35, odd)
    stream = stream_of(tmp_path, sent)
    whole, heard = stream.audio(), stream.play(60).audio()
    assert whole.length == heard.length == 60 * 160
    assert whole.received.all()
    late = slice(30 * 160, 31 * 160)
    assert not heard.received[late].any()
    assert heard.received.sum() == 59 * 160
    assert stream.play(101).audio().received.all()
    played = stream.play(60)
    assert played.late == 1
    assert played.loss_pct == pytest.approx(100 / 60)
    assert np.flatnonzero(~played.heard).tolist() == [35]
    adaptive = stream.play(adaptive=(20, 200))
    assert adaptive.delay_ms is not None
    assert played.delay_ms is not None
    assert adaptive.delay_ms < played.delay_ms


def test_a_delay_that_is_told_counts(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, steady(60))
    near, far = stream.play(60), stream.play(60, network_ms=100)
    assert near.r is not None
    assert far.r is not None
    assert near.r - far.r == pytest.approx(2.4)
    assert "as told" in far.explain()
    curve = stream.buffer_curve([0, 40, 80], network_ms=100)
    assert curve.delay_ms.tolist() == pytest.approx([100, 140, 180])


def test_buffers_that_are_not_possible_are_refused(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, steady(60))
    with pytest.raises(ValueError, match="not both"):
        stream.play(60, adaptive=(20, 200))
    with pytest.raises(ValueError, match="not possible"):
        stream.play(-1)
    with pytest.raises(ValueError, match="not possible"):
        stream.play(adaptive=(200, 20))
    with pytest.raises(ValueError, match="not possible"):
        stream.windows(0)


def test_windows_count_from_the_first_frame(tmp_path: Path) -> None:
    # Another stream comes 5 s before.
    other = replace(steady(1)[0], ssrc=7, src_port=9000)
    early = [replace(other, sequence=i, timestamp=160 * i, time_s=0.02 * i) for i in range(30)]
    sent = [p for p in steady(150, time_s=5.0) if not 60 <= p.sequence < 63]
    stream = rtpcap.open(capture(tmp_path / "c.pcap", early + sent)).streams[1]
    rows = stream.window_rows(1.0)
    assert [row["start_s"] for row in rows] == pytest.approx([5.0, 6.0, 7.0])
    assert [row["packets"] for row in rows] == [50, 47, 50]
    assert [row["lost"] for row in rows] == [0, 3, 0]
    assert [row["delta_max_ms"] for row in rows] == pytest.approx([20, 80, 20])
    assert {row["duration_s"] for row in rows} == {1.0}


def test_each_window_has_the_score_of_what_was_not_heard_in_it(tmp_path: Path) -> None:
    sent = [
        # 55 ms after its turn is early enough for the usual 60 ms, 80 ms is too late.
        replace(packet, time_s=packet.time_s + {110: 0.055, 120: 0.08, 121: 0.08}.get(i, 0))
        for i, packet in enumerate(steady(200))
        if i not in (60, 61, 80)
    ]
    sent.sort(key=lambda packet: packet.time_s)
    found = stream_of(tmp_path, sent).windows(1.0)
    assert found.lost.tolist() == [0, 3, 0, 0]
    assert found.not_heard.tolist() == [0, 3, 2, 0]
    # G.107 with the row of G.711: Ie 0, Bpl 25.1. Two runs with 3 of 50: BurstR is 0.94 * 3 / 2;
    # one run: BurstR is 1. The delay is the buffer's 60 ms.
    delay = 0.024 * 60
    expected = []
    for loss_pct, burst_ratio in ((0.0, 1.0), (6.0, 1.41), (4.0, 1.0), (0.0, 1.0)):
        r = 93.2 - delay - 95 * loss_pct / (loss_pct / burst_ratio + 25.1)
        expected.append(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
    assert found.scale == "nb"
    assert found.mos == pytest.approx(np.array(expected), abs=1e-9)
    rows = found.rows()
    assert [row["mos_nb"] for row in rows] == found.mos.tolist()
    assert {row["mos_wb"] for row in rows} == {None}


def test_a_window_in_which_nothing_is_heard(tmp_path: Path) -> None:
    # From the second window on every packet is later than any buffer waits for.
    sent = [replace(p, time_s=p.time_s + (0.5 if p.sequence >= 55 else 0)) for p in steady(59)]
    found = stream_of(tmp_path, sent).windows(1.0)
    assert found.not_heard.tolist() == [0, 4]
    assert found.mos[1] < found.mos[0]
    assert (found.mos >= 1).all()


def test_figures_of_each_packet(tmp_path: Path) -> None:
    sent = eventful()[:70]
    stream = stream_of(tmp_path, sent)
    figures, times = stream.per_packet, [1e3 * packet.time_s for packet in sent]
    assert np.isnan(figures.delta_ms[0])
    assert figures.delta_ms[1:] == pytest.approx(np.diff(times), abs=1e-5)
    expected = [packet.timestamp / 8 - at for packet, at in zip(sent, times, strict=True)]
    told = ~np.isnan(figures.skew_ms)
    assert figures.skew_ms[told] == pytest.approx(np.array(expected)[told], abs=1e-5)
    rows = list(stream.rows())
    assert [row["class"] for row in rows].count("duplicate") == 1
    assert rows[0]["delta_ms"] is None
    assert rows[1]["kbps"] == pytest.approx(2 * 200 * 8 / 1e3)
    frame = stream.to_frame()
    assert frame["class"].tolist() == [row["class"] for row in rows]
    assert frame["delta_ms"][1:].tolist() == [row["delta_ms"] for row in rows[1:]]
