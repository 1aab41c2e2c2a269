"""What is wrong with packets: each rule beside what it must leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.truth import Columns
from tests.streams.findings.spoken import held_key, one
from tests.streams.made import Sent, capture, rtp, talk


def without(sent: list[Sent], *lost: int) -> list[Sent]:
    return [each for i, each in enumerate(sent) if i not in lost]


def carried(sent: list[Sent], impairment: Impairment, seed: int = 1) -> list[Sent]:
    """Packets of 20 ms as they arrive after an impairment."""
    out = impairment.apply(Columns.steady(len(sent)), seed)
    times = (out.columns.time_ns / 1e9).tolist()
    return [(at, sent[i][1]) for at, i in zip(times, out.truth.source.tolist(), strict=True)]


def test_loss_that_is_heard(tmp_path: Path) -> None:
    # Nine of 200, none of them the last, which nobody would miss.
    found = one(capture(tmp_path, without(talk(200), *range(20, 200, 20))), "packet-loss")
    assert found is not None
    assert (found.severity, found.ssrc) == ("warning", 0x1234)
    assert found.numbers["lost"] == 9
    assert found.numbers["expected"] == 200
    assert found.numbers["lost_pct"] == 4.5
    assert "4.5 %" in found.sentence
    # Frames 1 to 20 hold the packets 0 to 19: behind the first loss is frame 21.
    assert found.frames[0] == 21


def test_loss_that_nobody_follows(tmp_path: Path) -> None:
    found = one(capture(tmp_path, without(talk(200), *range(1, 199, 4))), "packet-loss")
    assert found is not None
    assert found.severity == "error"


def test_a_little_loss_is_not_heard(tmp_path: Path) -> None:
    sent = without(talk(400), 100, 200, 300)
    assert one(capture(tmp_path, sent), "packet-loss") is None


def test_loss_among_key_presses_is_no_loss_of_sound(tmp_path: Path) -> None:
    keys = [
        each
        for i in range(8)
        for each in without(held_key(i, 20 * i, 4000 * i, start_s=0.5 * i), 1, 3)
    ]
    made = capture(tmp_path, keys, pt_map={101: "telephone-event/8000"})
    assert made.streams[0].quality.lost > 3
    assert one(made, "packet-loss") is None


def test_a_burst_that_no_concealment_covers(tmp_path: Path) -> None:
    found = one(capture(tmp_path, without(talk(300), *range(100, 110))), "burst-loss")
    assert found is not None
    assert found.severity == "warning"
    assert found.numbers["longest_outage"] == 10
    assert found.numbers["longest_outage_ms"] == 200.0
    assert found.frames == (100, 101)
    assert "2.0 s into the capture" in found.sentence


def test_seconds_lost_at_a_time(tmp_path: Path) -> None:
    found = one(capture(tmp_path, without(talk(300), *range(100, 210))), "burst-loss")
    assert found is not None
    assert found.severity == "error"


def test_a_hole_that_concealment_covers(tmp_path: Path) -> None:
    sent = without(talk(300), 100, 101, 102)
    assert one(capture(tmp_path, sent), "burst-loss") is None


def test_loss_close_together(tmp_path: Path) -> None:
    dense = without(talk(1000), *range(500, 530, 3))
    found = one(capture(tmp_path, dense), "burst-loss")
    assert found is not None
    # From the first lost one to the last: 28 packets, of which 10.
    assert found.numbers["burst_ms"] == 560.0
    assert found.numbers["burst_density_pct"] == pytest.approx(1000 / 28, abs=0.05)
    spread = without(talk(1000), *range(100, 500, 40))
    assert one(capture(tmp_path, spread), "burst-loss") is None


def test_packets_too_late_for_a_usual_buffer(tmp_path: Path) -> None:
    def made(delay_s: float) -> list[Sent]:
        return [(at + (delay_s if i % 20 == 10 else 0), data) for i, (at, data) in enumerate(sent)]

    sent = talk(200)
    found = one(capture(tmp_path, made(0.09)), "late-packets")
    assert found is not None
    assert found.severity == "warning"
    assert found.numbers["late"] == 10
    assert found.numbers["late_pct"] == 5.0
    assert found.numbers["enough_ms"] == 100
    assert one(capture(tmp_path, made(0.05)), "late-packets") is None


@pytest.mark.parametrize(("together", "told"), [(8, True), (2, False)])
def test_packets_sent_together(tmp_path: Path, together: int, told: bool) -> None:
    # Each but the first of n comes 20 ms early, the first 20 (n - 1) ms late: the mean of what
    # jitter is made of is 40 (n - 1) / n ms, which is 35 ms for 8 and 20 ms for 2.
    sent = [(0.02 * (i // together * together), data) for i, (_, data) in enumerate(talk(400))]
    found = one(capture(tmp_path, sent), "high-jitter")
    assert (found is not None) == told
    if found is not None:
        assert found.severity == "note"
        assert found.numbers["jitter_ms"] == pytest.approx(35, abs=1.5)


def test_packets_overtaken(tmp_path: Path) -> None:
    sent = carried(talk(400), Impairment(reorder_pct=5.0))
    made = capture(tmp_path, sent)
    found = one(made, "reordering")
    assert found is not None
    assert found.severity == "note"
    assert found.numbers["reordered"] == made.streams[0].quality.reordered > 4
    few = talk(400)
    few[100], few[101] = (few[100][0], few[101][1]), (few[101][0], few[100][1])
    assert one(capture(tmp_path, few), "reordering") is None


@pytest.mark.parametrize(
    ("ppm", "severity"), [(-200, "note"), (2000, "warning"), (50, None), (-20_000, None)]
)
def test_a_clock_that_drifts(tmp_path: Path, ppm: int, severity: str | None) -> None:
    # A faster clock sends a packet earlier than every 20 ms of the capture's clock.
    sent = [(at / (1 + ppm / 1e6), data) for at, data in talk(2000)]
    found = one(capture(tmp_path, sent), "clock-drift")
    assert (found.severity if found else None) == severity
    if found is not None:
        assert found.numbers["drift_ppm"] == pytest.approx(ppm, abs=1)
        # 20 ms at so many parts per million.
        assert found.numbers["slip_every_s"] == pytest.approx(0.02 / abs(ppm) * 1e6, rel=0.01)
        assert ("drop" if ppm > 0 else "make up") in found.sentence


def test_a_short_stream_says_nothing_of_its_clock(tmp_path: Path) -> None:
    sent = [(at / (1 + 2000 / 1e6), data) for at, data in talk(1000)]
    assert one(capture(tmp_path, sent), "clock-drift") is None


@pytest.mark.parametrize(("every_s", "pace"), [(0.025, 0.8), (0.016, 1.25), (0.0201, None)])
def test_a_sender_at_the_wrong_pace(tmp_path: Path, every_s: float, pace: float | None) -> None:
    sent = [(every_s * i, data) for i, (_, data) in enumerate(talk(500))]
    found = one(capture(tmp_path, sent), "wrong-pace")
    assert (found is not None) == (pace is not None)
    if found is not None:
        assert found.severity == "warning"
        assert found.numbers["pace"] == pytest.approx(pace, abs=0.001)


def test_silence_is_no_matter_of_the_clock(tmp_path: Path) -> None:
    """Timestamps that leave out less than the pause took, at each of its pauses."""
    sent = []
    for i, (at, _) in enumerate(talk(2000)):
        pauses = i // 100
        marker = 0x80 if i % 100 == 0 else 0
        data = rtp(i, 160 * i + 4000 * pauses, payload_type=8 | marker)
        sent.append((at + 0.54 * pauses, data))
    made = capture(tmp_path, sent)
    assert abs(made.streams[0].quality.drift_ppm or 0.0) > 1000
    assert one(made, "clock-drift") is None
    assert one(made, "wrong-pace") is None
