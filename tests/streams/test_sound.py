"""What is heard, at the time and in the frame of the packet that it is from."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from tests.audio.sounds import Sound, joined, key, rhythm, silence, sines
from tests.audio.test_echo import late, talk
from tests.rtp.test_audio_level import level_byte
from tests.streams.made import Sent, capture, rtp
from tests.streams.spoken import codes, spoken

EXACT_S = 0.003
"""As exactly as an edge is found."""

Scene = tuple[list[Sent], int, float]
"""A flow, which of its packets, in order of sending, the key begins in, and when that was."""

SCENES: list[Callable[[], Scene]] = []


def scene(make: Callable[[], Scene]) -> Callable[[], Scene]:
    SCENES.append(make)
    return make


def pressed(before_s: float) -> Sound:
    """Silence, a key of 100 ms, silence."""
    return joined([silence(before_s), key("5"), silence(0.4)])


@scene
def in_the_middle_of_a_packet() -> Scene:
    return spoken(pressed(0.61)), 30, 0.61


@scene
def at_the_beginning_of_a_packet() -> Scene:
    return spoken(pressed(0.6)), 30, 0.6


@scene
def after_a_restart() -> Scene:
    before = spoken(silence(1))
    after = spoken(pressed(0.61), start_s=31.3, sequence=40_000, timestamp=900_000_000, ssrc=0x1234)
    return before + after, 50 + 30, 31.3 + 0.61


@scene
def after_three_restarts_and_a_wrap() -> Scene:
    flow: list[Sent] = []
    for number, timestamp in enumerate((2**32 - 4000, 77, 2_000_000_000)):
        start_s = 40.25 * number
        flow += spoken(silence(1), start_s=start_s, sequence=20_000 * number, timestamp=timestamp)
    last = spoken(pressed(0.61), start_s=130.0, sequence=9, timestamp=2**32 - 1600)
    return flow + last, 150 + 30, 130.61


@scene
def after_a_pause() -> Scene:
    before = spoken(silence(1))
    after = spoken(pressed(0.21), start_s=8.0, sequence=50, timestamp=8 * 8000)
    return before + after, 50 + 10, 8.21


@scene
def right_behind_a_pause() -> Scene:
    before = spoken(silence(1))
    after = spoken(joined([key("5"), silence(0.4)]), start_s=8.0, sequence=50, timestamp=64_000)
    return before + after, 50, 8.0


@scene
def after_packets_that_were_lost() -> Scene:
    flow = spoken(pressed(0.61))
    return flow[:5] + flow[18:], 30 - 13, 0.61


@scene
def in_a_packet_that_was_overtaken() -> Scene:
    flow = spoken(pressed(0.61))
    flow[30] = (flow[30][0] + 0.05, flow[30][1])
    return flow, 30, 0.61 + 0.05


@scene
def where_the_first_packet_was_overtaken() -> Scene:
    flow = spoken(pressed(0.61))
    flow[0] = (0.03, flow[0][1])
    # Seconds count from the first frame, which now comes 20 ms later.
    return flow, 30, 0.61 - 0.02


@scene
def by_a_clock_that_is_slow() -> Scene:
    """Two per cent: after 60 s the line is 1.2 s ahead of the capture."""
    flow = spoken(joined([silence(60), pressed(0.61)]), step_s=0.0204)
    return flow, 3030, 3030 * 0.0204 + 0.01


@scene
def doubled_on_the_wire() -> Scene:
    flow = spoken(pressed(0.61))
    return (
        [sent for time_s, data in flow for sent in ((time_s, data), (time_s + 0.002, data))],
        (60),
        0.61,
    )


@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_a_key_is_where_its_packet_came(tmp_path: Path, make: Callable[[], Scene]) -> None:
    flow, row, expected_s = make()
    cap = capture(tmp_path, flow)
    (digit,) = cap.dtmf
    order = sorted(range(len(flow)), key=lambda i: flow[i][0])
    assert (digit.digit, digit.source) == ("5", "inband")
    assert digit.frame == order.index(row) + 1
    assert digit.start_s == pytest.approx(expected_s, abs=EXACT_S)
    assert digit.duration_s == pytest.approx(0.1, abs=EXACT_S)


def test_in_a_codec_of_another_rate(tmp_path: Path) -> None:
    """L16 of 16 kHz behind PCMU: both on one line, where the codec changes."""
    flow = spoken(silence(1))
    wide = joined([silence(0.21, 16000), key("8", rate=16000), silence(0.41, 16000)])
    samples = np.round(wide).astype(">i2").reshape(-1, 320)
    flow += [
        (1 + 0.02 * i, rtp(50 + i, 8000 + 320 * i, row.tobytes(), payload_type=96))
        for i, row in enumerate(samples)
    ]
    (digit,) = capture(tmp_path, flow, pt_map={96: "L16/16000"}).dtmf
    assert (digit.digit, digit.frame) == ("8", 50 + 10 + 1)
    assert digit.start_s == pytest.approx(1.21, abs=EXACT_S)


def test_in_a_copy_of_a_packet_that_was_lost(tmp_path: Path) -> None:
    """RFC 2198: 1, payload type, 14 bits of offset, 10 of length; then the primary's type."""
    payloads = codes(pressed(0.61))
    flow = []
    for i, payload in enumerate(payloads):
        before = payloads[i - 1] if i else payload
        head = struct.pack(">I", 0x80000000 | 0 << 24 | 160 << 10 | 160) + b"\x00"
        flow.append((0.02 * i, rtp(i, 160 * i, head + before + payload, payload_type=98)))
    del flow[30]
    cap = capture(tmp_path, flow, pt_map={98: "red/8000"})
    assert cap.streams[0].repaired == 1
    (digit,) = cap.dtmf
    # The packet behind the lost one brought it, 20 ms after it should have come.
    assert (digit.digit, digit.frame) == ("5", 31)
    assert digit.start_s == pytest.approx(0.61, abs=EXACT_S)


def test_what_is_lost_does_not_make_two_presses(tmp_path: Path) -> None:
    flow = spoken(joined([silence(0.2), key("5", 0.3), silence(0.4)]))
    lost = [sent for i, sent in enumerate(flow) if i not in (15, 16)]
    assert str(capture(tmp_path, lost).dtmf) == "5"


def events(digit: int, start_s: float, *, sequence: int, timestamp: int, ssrc: int) -> list[Sent]:
    """A press of 100 ms on payload number 101."""
    return [
        (
            start_s + 0.02 * i,
            rtp(
                sequence + i,
                timestamp,
                struct.pack(">BBH", digit, (i > 4) << 7 | 10, min(160 * (i + 1), 800)),
                payload_type=101,
                ssrc=ssrc,
            ),
        )
        for i in range(7)
    ]


NAMED = {101: "telephone-event/8000"}


def test_a_press_told_and_heard_is_one_row(tmp_path: Path) -> None:
    """The beginning of a key leaks into the sound before the events replace it."""
    flow = spoken(joined([silence(0.6), key("5", 0.06)]))
    flow += events(5, 0.66, sequence=33, timestamp=160 * 33, ssrc=0x1234)
    flow += spoken(silence(0.5), start_s=0.8, sequence=40, timestamp=160 * 40)
    cap = capture(tmp_path, flow, pt_map=NAMED)
    (digit,) = cap.dtmf
    assert (digit.source, digit.also_in, digit.frame) == ("rfc4733", ("inband",), 34)
    assert digit.start_s == pytest.approx(0.66)
    assert [seen.source for seen in digit.seen] == ["rfc4733", "inband"]
    assert cap.streams[0].dtmf.rows() == cap.dtmf.rows()
    assert cap.told_keys.rows() == [{**digit.row(), "also_in": []}]
    assert cap.row()["dtmf"] == 1


def test_a_press_in_two_streams_of_a_side_is_one_row(tmp_path: Path) -> None:
    """Gateways send events with an SSRC of their own."""
    sound = spoken(pressed(0.6), ssrc=0xA)
    told = events(5, 0.62, sequence=500, timestamp=4960, ssrc=0xB)
    back = spoken(silence(1.1), ssrc=0xC)
    cap = capture(
        tmp_path,
        sorted(sound + told),
        back,
        ports=[(4000, 5000), (5000, 4000)],
        pt_map=NAMED,
    )
    assert len(cap.streams) == 3
    (call,) = cap.calls
    (digit,) = cap.dtmf
    assert (digit.ssrc, digit.source, digit.also_in) == (0xB, "rfc4733", ("inband",))
    assert call.dtmf.rows() == cap.dtmf.rows()
    # Each by itself is another matter.
    assert [d.source for stream in cap.streams for d in stream.dtmf] == ["inband", "rfc4733"]


def test_a_press_on_either_side_is_two(tmp_path: Path) -> None:
    here, there = spoken(pressed(0.6), ssrc=0xA), spoken(pressed(0.62), ssrc=0xC)
    cap = capture(tmp_path, here, there, ports=[(4000, 5000), (5000, 4000)])
    assert [(d.digit, d.ssrc, d.also_in) for d in cap.dtmf] == [("5", 0xA, ()), ("5", 0xC, ())]


def test_tones_by_sound_and_by_events_are_one_table(tmp_path: Path) -> None:
    ring = rhythm((440, 480), (2.0, 4.0), times=2)
    flow = spoken(joined([silence(1), *ring]))
    # ANS is event 32 of RFC 4734; it sounds for 3 s from 13.5 s on, and the event begins later.
    flow += spoken(
        joined([silence(0.5), sines((2100,), 3), silence(0.5)]),
        start_s=13.0,
        sequence=len(flow),
        timestamp=104_000,
    )
    sent = events(32, 14.0, sequence=7, timestamp=9, ssrc=0xB)
    sent += events(36, 16.9, sequence=17, timestamp=33_000, ssrc=0xB)
    back = spoken(silence(17), ssrc=0xC)
    cap = capture(
        tmp_path,
        sorted(flow + sent),
        back,
        ports=[(4000, 5000), (5000, 4000)],
        pt_map=NAMED,
    )
    ringback, answer, calling = cap.tones
    assert (ringback.tone, ringback.source, ringback.bursts) == ("ringback", "inband", 2)
    assert ringback.start_s == pytest.approx(1.0, abs=0.01)
    assert ringback.duration_s == pytest.approx(8.0, abs=0.02)
    assert ringback.row()["frequencies"] == [440, 480]
    assert set(ringback.places) == {"US", "CA"}
    assert (answer.tone, answer.source, answer.also_in) == ("ANS", "rfc4733", ("inband",))
    assert answer.start_s == pytest.approx(14.0)
    assert answer.ssrc == 0xB
    assert answer.frequencies == (2100,)
    assert (calling.tone, calling.source, calling.also_in) == ("CNG", "rfc4733", ())
    # They stay in the table of digits too, as all events do.
    assert [digit.digit for digit in cap.dtmf] == ["ANS", "CNG"]
    assert cap.calls[0].tones.rows() == cap.tones.rows()
    assert repr(cap.tones) == "<Tones 3 tones: ringback, ANS, CNG>"


def test_levels_of_what_can_be_heard_and_of_what_its_sender_says(tmp_path: Path) -> None:
    """A sine of -20 dBov for a second, and 3 s of nothing."""
    flow = spoken(joined([sines((1003,), 1, dbov=-20.0), silence(3)]))
    extended, random = [], np.random.default_rng(3)
    for number, (time_s, data) in enumerate(flow):
        # RFC 8285: 0xBEDE, one word: element 1 of one byte, and padding. Encrypted bytes follow.
        element = bytes([0x10]) + level_byte(number % 50) + bytes(2)
        head = bytes([0x90, 99]) + data[2:8] + struct.pack(">I", 0x77)
        extended.append((time_s, head + b"\xbe\xde\x00\x01" + element + random.bytes(170)))
    one, other = capture(tmp_path, flow, extended).streams
    row = one.level_row()
    assert row["level_dbov"] == pytest.approx(-20 - 10 * np.log10(4), abs=0.1)
    assert row["silent_share"] == pytest.approx(0.75, abs=0.01)
    assert row["peak_dbov"] == pytest.approx(-17, abs=0.3)
    assert (row["dead_air"], row["dead_air_s"]) == (1, pytest.approx(3.0, abs=0.03))
    assert (row["clipped"], row["sender_level_dbov"], row["why_not"]) == (0, None, None)
    row = other.level_row()
    assert row["level_dbov"] is None
    assert other.levels is None
    assert "encrypted" in str(row["why_not"])
    levels = [-(level_byte(number)[0] & 0x7F) for number in range(50)]
    power = np.mean([10 ** (level / 10) if level > -127 else 0.0 for level in levels])
    assert row["sender_level_dbov"] == pytest.approx(10 * np.log10(power))
    assert row["sender_silent_share"] == pytest.approx(levels.count(-127) / 50)


@pytest.mark.parametrize(("payload_type", "largest"), [(0, 32124), (8, 32256)])
def test_clipping_is_at_the_largest_sample_of_the_codec(
    tmp_path: Path, payload_type: int, largest: int
) -> None:
    """G.711 tables 1a and 2a: no code gives 32767."""
    loud = {0: b"\x80", 8: b"\xaa"}[payload_type]
    quiet = {0: b"\xff", 8: b"\xd5"}[payload_type]
    flow = [
        (0.02 * i, rtp(i, 160 * i, quiet * 80 + loud * 80, payload_type=payload_type))
        for i in range(50)
    ]
    (stream,) = capture(tmp_path, flow).streams
    assert int(stream.audio().samples.max()) == largest
    assert stream.level_row()["clipped"] == 50


def test_one_way_audio_and_echo_of_a_call(tmp_path: Path) -> None:
    alice, bob = talk(1, 0)[:192_000], talk(2, 1)[:192_000]
    here, both_ways = spoken(alice, ssrc=1), [(4000, 5000), (5000, 4000)]
    quiet = spoken(np.zeros(192_000), ssrc=2)
    (call,) = capture(tmp_path, here, quiet, ports=both_ways).calls
    assert call.one_way is not None
    assert (call.one_way.silent, call.one_way.reason) == (1, "silent")
    assert call.echo is None
    mixed = spoken(bob + late(alice, 0.145, 10), ssrc=2)
    (call,) = capture(tmp_path, here, mixed, ports=both_ways).calls
    assert call.one_way is None
    assert call.echo is not None
    assert call.echo.speaker == "caller"
    assert call.echo.delay_ms == pytest.approx(145, abs=5)


def test_nothing_is_heard_where_nothing_can_be(tmp_path: Path) -> None:
    flow = [(0.02 * i, rtp(i, 160 * i, bytes([i]) * 160, payload_type=99)) for i in range(50)]
    cap = capture(tmp_path, flow)
    assert isinstance(cap.streams[0], rtpcap.Stream)
    assert len(cap.dtmf) == len(cap.tones) == len(cap.streams[0].inband_keys) == 0
    assert cap.streams.to_frame(levels=True)["level_dbov"].isna().all()
