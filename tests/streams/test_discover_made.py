"""Streams made in many ways, of which none is missed; noise made in many ways, all of it left."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rtpcap
from tests.capture.build import (
    START_NS,
    Frame,
    ethernet,
    interface,
    ipv4,
    pcap,
    section,
    simple,
    udp,
)
from tests.effort import examples
from tests.streams.made import Sent, rtp

SSRC = 0x5EED
Clock = tuple[int, int]
"""Ticks a second, and milliseconds a packet."""

CLOCKS: list[Clock] = [(8000, 20), (8000, 30), (8000, 60), (16000, 20), (44100, 10), (48000, 20)]
QUICK = settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def write(folder: Path, sent: list[Sent], *, timed: bool = True) -> Path:
    frames = [
        Frame(ethernet(ipv4(udp(payload))), START_NS + round(time_s * 1e9))
        for time_s, payload in sent
    ]
    path = folder / "made.pcap"
    if timed:
        path.write_bytes(pcap(frames, nanoseconds=True))
    else:
        path.write_bytes(section() + interface() + b"".join(map(simple, frames)))
    return path


def packets_found(folder: Path, sent: list[Sent], *, timed: bool = True) -> dict[int, int]:
    streams = rtpcap.open(write(folder, sent, timed=timed)).streams
    return {stream.ssrc: stream.quality.packets for stream in streams}


def speech(count: int, clock: Clock, dice: random.Random, *, payload_type: int = 96) -> list[Sent]:
    """A packet each packet time, from anywhere in the numbers, payloads as if encrypted."""
    rate, ms = clock
    sequence, timestamp = dice.randrange(1 << 16), dice.randrange(1 << 32)
    step = rate * ms // 1000
    return [
        (
            ms / 1000 * i + dice.uniform(0, 0.004),
            rtp(
                sequence + i,
                timestamp + step * i,
                dice.randbytes(dice.randrange(1, 200)),
                payload_type=payload_type,
                ssrc=SSRC,
            ),
        )
        for i in range(count)
    ]


clocks = st.sampled_from(CLOCKS)
dice = st.integers(0, 1 << 32).map(random.Random)


@QUICK
@given(st.integers(3, 20), clocks, dice, st.booleans(), st.sampled_from([0, 2, 8, 19, 96, 127]))
def test_short_streams(
    tmp_path: Path, count: int, clock: Clock, dice: random.Random, timed: bool, number: int
) -> None:
    sent = speech(count, clock, dice, payload_type=number)
    assert packets_found(tmp_path, sent, timed=timed) == {SSRC: count}


@QUICK
@given(st.integers(3, 8), clocks, dice)
def test_few_packets_in_any_near_order(
    tmp_path: Path, count: int, clock: Clock, dice: random.Random
) -> None:
    sent = speech(count, clock, dice)
    order = sorted(range(count), key=lambda i: i + dice.uniform(0, 2))
    shuffled = [(sent[place][0], sent[i][1]) for place, i in enumerate(order)]
    assert packets_found(tmp_path, shuffled) == {SSRC: count}


@QUICK
@given(clocks, dice, st.floats(0, 0.7), st.booleans())
def test_heavy_loss(
    tmp_path: Path, clock: Clock, dice: random.Random, share: float, timed: bool
) -> None:
    sent = [packet for packet in speech(200, clock, dice) if dice.random() >= share]
    assert packets_found(tmp_path, sent, timed=timed) == {SSRC: len(sent)}


@QUICK
@given(clocks, dice, st.floats(0, 0.5), st.floats(0, 0.5))
def test_loss_reordering_and_copies_at_once(
    tmp_path: Path, clock: Clock, dice: random.Random, lost: float, late: float
) -> None:
    sent = []
    for time_s, packet in speech(120, clock, dice):
        if dice.random() < lost:
            continue
        if dice.random() < late:
            time_s += dice.uniform(0, 0.06)
        sent.append((time_s, packet))
        if dice.random() < late:
            sent.append((time_s + dice.uniform(0, 0.03), packet))
    sent.sort(key=lambda packet: packet[0])
    assert packets_found(tmp_path, sent) == {SSRC: len(sent)}


@QUICK
@given(clocks, dice, st.integers(1, 10))
def test_silence_that_is_not_sent(
    tmp_path: Path, clock: Clock, dice: random.Random, spurt: int
) -> None:
    rate, _ = clock
    sent, pause_s = [], 0.0
    for i, (time_s, packet) in enumerate(speech(60, clock, dice)):
        if i % spurt == 0:
            pause_s += dice.uniform(0.1, 5)
        head = bytearray(packet)
        timestamp = struct.unpack_from(">I", head, 4)[0] + round(pause_s * rate)
        struct.pack_into(">I", head, 4, timestamp & 0xFFFFFFFF)
        sent.append((time_s + pause_s, bytes(head)))
    assert packets_found(tmp_path, sent) == {SSRC: 60}


@QUICK
@given(dice, st.integers(1, 24), st.sampled_from([5, 15, 25, 30, 50, 60]), st.booleans())
def test_video(tmp_path: Path, dice: random.Random, largest: int, rate: int, timed: bool) -> None:
    sent, number = [], dice.randrange(1 << 16)
    start = dice.randrange(1 << 32)
    for picture in range(40):
        for part in range(dice.randint(1, largest)):
            payload = dice.randbytes(30)
            timestamp = start + 90_000 * picture // rate
            packet = rtp(number, timestamp, payload, payload_type=96, ssrc=SSRC)
            sent.append((picture / rate + 0.0002 * part, packet))
            number += 1
    assert packets_found(tmp_path, sent, timed=timed) == {SSRC: len(sent)}


@QUICK
@given(
    dice, st.sampled_from([(2, 1), (3, 1, 2), (4, 2, 1, 3)]), st.integers(1, 4), st.integers(0, 50)
)
def test_video_in_the_order_of_decoding(
    tmp_path: Path, dice: random.Random, group: tuple[int, ...], parts: int, late_ms: int
) -> None:
    # I0 P3 B1 B2 P6 B4 B5: timestamps are those of showing, which B pictures precede.
    sent, start = [], dice.randrange(1 << 32)
    shown = [len(group) * i + place for i in range(20) for place in group]
    for i, picture in enumerate(shown):
        for part in range(parts):
            packet = rtp(i * parts + part, start + 3600 * picture, dice.randbytes(30), ssrc=SSRC)
            sent.append((i / 25 + dice.uniform(0, late_ms / 1000), packet))
    sent = [(t, raw) for t, (_, raw) in zip(sorted(t for t, _ in sent), sent, strict=True)]
    assert packets_found(tmp_path, sent) == {SSRC: len(sent)}


@QUICK
@given(dice, st.sampled_from([(8000, 1000), (90000, 1000), (48000, 1000)]), st.integers(3, 30))
def test_one_packet_a_second(tmp_path: Path, dice: random.Random, clock: Clock, count: int) -> None:
    assert packets_found(tmp_path, speech(count, clock, dice)) == {SSRC: count}


@QUICK
@given(dice, st.integers(1, 5), st.integers(3, 30), st.booleans())
def test_telephone_events_only(
    tmp_path: Path, dice: random.Random, presses: int, each: int, timed: bool
) -> None:
    sent, number = [], dice.randrange(1 << 16)
    for press in range(presses):
        for i in range(each):
            report = struct.pack(">BBH", press, 10, 160 * (i + 1))
            packet = rtp(number, 8000 * press, report, payload_type=101, ssrc=SSRC)
            sent.append((press + 0.02 * i, packet))
            number += 1
    assert packets_found(tmp_path, sent, timed=timed) == {SSRC: len(sent)}


# --- what is none


Maker = Callable[[random.Random, int], bytes]
"""The i-th datagram of a flow."""
NOISE: dict[str, Maker] = {}


def noise(maker: Maker) -> Maker:
    NOISE[maker.__name__] = maker
    return maker


@noise
def random_behind_the_first_byte(dice: random.Random, i: int) -> bytes:
    return b"\x80" + dice.randbytes(dice.randrange(11, 300))


@noise
def random_behind_version_type_and_source(dice: random.Random, i: int) -> bytes:
    return b"\x80\x60" + dice.randbytes(6) + b"SSRC" + dice.randbytes(60)


@noise
def quic_with_the_grease_bit(dice: random.Random, i: int) -> bytes:
    # RFC 9287: the fixed bit is random; a connection id stands where RTP's numbers do.
    first = 0x80 | dice.randrange(64)
    return bytes([first]) + b"\x12\x34\x56\x78\x9a\xbc\xde\xf0" + dice.randbytes(500)


@noise
def quic_with_an_id_that_covers_the_header(dice: random.Random, i: int) -> bytes:
    return bytes([0x80 | dice.randrange(64)]) + b"\x00twenty-byte-conn-id" + dice.randbytes(500)


@noise
def dns_answers(dice: random.Random, i: int) -> bytes:
    head = struct.pack(">HHHHHH", 0x8000 | dice.randrange(1 << 14), 0x8180, 1, 1, 0, 0)
    return head + b"\x03www\x07example\x03org\x00" + dice.randbytes(20)


@noise
def game_with_a_counter(dice: random.Random, i: int) -> bytes:
    # Protocol, kind, counter, player, room: a sequence number and no clock.
    return struct.pack(">BBHII", 0x80, 0x61, i & 0xFFFF, 0xCAFE, 7) + dice.randbytes(40)


@noise
def game_with_a_counter_and_a_checksum(dice: random.Random, i: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0x61, i & 0xFFFF, dice.randrange(1 << 32), 7) + bytes(40)


@noise
def game_with_two_counters(dice: random.Random, i: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0x61, i & 0xFFFF, i, 7) + dice.randbytes(40)


@noise
def vpn_with_a_wide_counter(dice: random.Random, i: int) -> bytes:
    return struct.pack(">BBHQ", 0x90, 0x04, 0, i) + dice.randbytes(dice.randrange(60, 1300))


@noise
def clock_without_a_counter(dice: random.Random, i: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0x61, 0, 160 * i, 7) + dice.randbytes(40)


@noise
def clock_to_and_fro(dice: random.Random, i: int) -> bytes:
    return rtp(i, 1_000_000 + 3600 * (i % 2), dice.randbytes(40))


@noise
def clock_that_falls_more_than_it_grows(dice: random.Random, i: int) -> bytes:
    return rtp(i, 2_000_000_000 - 1800 * i + 3600 * (i % 3 == 0), dice.randbytes(40))


@noise
def little_endian_numbers(dice: random.Random, i: int) -> bytes:
    return struct.pack("<BBHII", 0x80, 0x61, i & 0xFFFF, 20 * i, 7) + dice.randbytes(40)


@noise
def one_datagram_again_and_again(dice: random.Random, i: int) -> bytes:
    return rtp(9, 9)


@noise
def another_source_each_time(dice: random.Random, i: int) -> bytes:
    return rtp(i, 160 * i, ssrc=dice.randrange(1 << 32))


@noise
def rtcp_reports(dice: random.Random, i: int) -> bytes:
    return struct.pack(">BBHIQIII", 0x80, 200, 6, 7, i << 32, 8000 * i, 50 * i, 8000 * i)


@pytest.mark.parametrize("timed", [True, False], ids=["timed", "without times"])
@pytest.mark.parametrize("maker", NOISE.values(), ids=NOISE)
def test_noise(maker: Maker, timed: bool, tmp_path: Path) -> None:
    dice = random.Random(9287)
    sent = [(0.02 * i, maker(dice, i)) for i in range(2000)]
    assert packets_found(tmp_path, sent, timed=timed) == {}


@QUICK
@given(dice, st.integers(3, 12), st.sampled_from(list(NOISE)))
def test_little_noise(tmp_path: Path, dice: random.Random, count: int, maker: str) -> None:
    sent = [(0.02 * i, NOISE[maker](dice, i)) for i in range(count)]
    assert packets_found(tmp_path, sent) == {}


@QUICK
@given(st.lists(st.binary(min_size=0, max_size=60), max_size=40), dice)
def test_any_bytes(tmp_path: Path, tails: list[bytes], dice: random.Random) -> None:
    # What is found is not the question here, but that all of it is told of.
    sent = [(0.02 * i, b"\x80" * dice.randrange(2) + tail) for i, tail in enumerate(tails)]
    capture = rtpcap.open(write(tmp_path, sent))
    explained = capture.explain()
    assert sum(flow.packets for flow in explained) == len(sent)
    told = sum(int(part[4:]) for flow in explained for part in flow.mixture if part[:4] == "rtp:")
    assert told == sum(stream.quality.packets for stream in capture.streams)
