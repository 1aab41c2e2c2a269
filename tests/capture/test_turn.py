"""What a TURN relay wraps: channel data and indications (RFC 8656), in datagrams."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtpcap
from rtpcap.capture.tables import Datagrams, Flows
from rtpcap.capture.turn import unwrapped
from tests.capture.build import START_NS, Frame, ethernet, ipv4, pcap, udp
from tests.streams.made import rtp

INNER = rtp(7, 1120)
COOKIE = 0x2112A442

Scenario = Callable[[], tuple[bytes, bytes | None]]
"""A datagram, and what is to be found in it."""
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


def channel(data: bytes, *, number: int = 0x4001, told: int | None = None, pad: int = 0) -> bytes:
    length = len(data) if told is None else told
    return struct.pack(">HH", number, length) + data + bytes(pad)


def attribute(kind: int, value: bytes, *, told: int | None = None) -> bytes:
    length = len(value) if told is None else told
    return struct.pack(">HH", kind, length) + value + bytes(-len(value) % 4)


PEER = attribute(0x0012, bytes(8))


def indication(
    *attributes: bytes, kind: int = 0x0016, cookie: int = COOKIE, told: int | None = None
) -> bytes:
    body = b"".join(attributes)
    length = len(body) if told is None else told
    return struct.pack(">HHI12s", kind, length, cookie, bytes(12)) + body


@scenario
def channel_data() -> tuple[bytes, bytes | None]:
    return channel(INNER), INNER


@scenario
def channel_data_with_padding() -> tuple[bytes, bytes | None]:
    return channel(INNER[:-1], pad=1), INNER[:-1]


@scenario
def old_channel_number() -> tuple[bytes, bytes | None]:
    return channel(INNER, number=0x7FFF), INNER  # RFC 5766


@scenario
def channel_data_shorter_than_told() -> tuple[bytes, bytes | None]:
    return channel(INNER, told=len(INNER) + 1), None


@scenario
def channel_data_with_a_whole_word_too_much() -> tuple[bytes, bytes | None]:
    return channel(INNER, pad=4), None


@scenario
def number_below_the_channels() -> tuple[bytes, bytes | None]:
    return channel(INNER, number=0x3FFF), None


@scenario
def number_above_the_channels() -> tuple[bytes, bytes | None]:
    return channel(INNER, number=0x8000), None


@scenario
def send_indication() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER)), INNER


@scenario
def data_indication_with_data_first_and_its_padding() -> tuple[bytes, bytes | None]:
    data = attribute(0x0013, INNER[:-2])
    return indication(data, PEER, kind=0x0017), INNER[:-2]


@scenario
def indication_with_a_fingerprint_behind() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER), attribute(0x8028, bytes(4))), INNER


@scenario
def indication_without_data() -> tuple[bytes, bytes | None]:
    return indication(PEER), None


@scenario
def indication_whose_data_runs_over() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER, told=len(INNER) + 4)), None


@scenario
def indication_of_another_length() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER), told=500), None


@scenario
def indication_without_the_cookie() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER), cookie=7), None


@scenario
def another_stun_message() -> tuple[bytes, bytes | None]:
    return indication(PEER, attribute(0x0013, INNER), kind=0x0001), None


@scenario
def more_attributes_than_are_looked_at() -> tuple[bytes, bytes | None]:
    return indication(*[attribute(0x8022, b"name")] * 16, attribute(0x0013, INNER)), None


@scenario
def header_of_a_stun_message_cut_short() -> tuple[bytes, bytes | None]:
    return indication()[:19], None


@scenario
def one_byte() -> tuple[bytes, bytes | None]:
    return b"\x40", None


def table(*raws: bytes, cut: bool = False) -> Datagrams:
    """Datagrams that lie in two blocks by turns, 42 bytes of headers before each."""
    blocks, places = [b"", b""], []
    for i, raw in enumerate(raws):
        blocks[i % 2] += bytes(42)
        places.append((i % 2, len(blocks[i % 2]), len(raw)))
        blocks[i % 2] += raw
    n = len(raws)
    block, begin, size = (np.array([p[i] for p in places], np.int64) for i in range(3))
    return Datagrams(
        blocks=tuple(np.frombuffer(data, np.uint8) for data in blocks),
        base=0,
        file=0,
        flows=Flows(),
        block=block.astype(np.uint16),
        frame=np.arange(1, n + 1, dtype=np.uint32),
        time_ns=np.zeros(n, np.int64),
        flow=np.zeros(n, np.int32),
        begin=begin,
        end=begin + size,
        cut=np.full(n, cut),
        header=np.full(n, 42, np.uint16),
        interface=np.zeros(n, np.uint16),
    )


def inside(datagrams: Datagrams, row: int) -> bytes:
    data = datagrams.blocks[datagrams.block[row]]
    return bytes(data[datagrams.begin[row] : datagrams.end[row]])


@pytest.mark.parametrize("function", SCENARIOS, ids=lambda function: function.__name__)
def test_alone(function: Scenario) -> None:
    raw, expected = function()
    datagrams, moved = unwrapped(table(raw), np.arange(1))
    assert moved.tolist() == ([] if expected is None else [0])
    assert inside(datagrams, 0) == (raw if expected is None else expected)
    assert datagrams.header[0] == 42 + (0 if expected is None else raw.index(expected))


def test_all_at_once() -> None:
    made = [function() for function in SCENARIOS]
    datagrams, moved = unwrapped(table(*(raw for raw, _ in made)), np.arange(len(made)))
    assert [inside(datagrams, i) for i in range(len(made))] == [
        raw if expected is None else expected for raw, expected in made
    ]
    assert moved.tolist() == [i for i, (_, expected) in enumerate(made) if expected is not None]


def test_rows_that_are_not_asked_for_stay() -> None:
    raw = channel(INNER)
    datagrams, moved = unwrapped(table(raw, raw, raw), np.array([1]))
    assert moved.tolist() == [1]
    assert [inside(datagrams, i) for i in range(3)] == [raw, INNER, raw]


@pytest.mark.parametrize("raw", [channel(INNER), indication(PEER, attribute(0x0013, INNER))])
def test_of_a_datagram_that_was_cut_what_is_there(raw: bytes) -> None:
    datagrams, moved = unwrapped(table(raw[:-50], cut=True), np.arange(1))
    assert moved.tolist() == [0]
    assert inside(datagrams, 0) == INNER[:-50]
    # Uncut, the same is no message of TURN.
    assert not len(unwrapped(table(raw[:-50]), np.arange(1))[1])


def test_a_payload_in_no_frame_stays_in_none() -> None:
    from dataclasses import replace

    framed = table(channel(INNER))
    datagrams, _ = unwrapped(replace(framed, header=np.zeros(1, np.uint16)), np.arange(1))
    assert datagrams.header.tolist() == [0]


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=20), st.booleans())
def test_any_bytes_stay_inside_their_datagram(raws: list[bytes], cut: bool) -> None:
    starts = (b"\x40\x00", b"\x00\x16", b"\x00\x17", b"")
    before = table(*(starts[i % 4] + raw for i, raw in enumerate(raws)), cut=cut)
    after, moved = unwrapped(before, np.arange(len(raws)))
    assert (after.begin >= before.begin).all()
    assert (after.end <= before.end).all()
    stay = np.setdiff1d(np.arange(len(raws)), moved)
    assert (after.begin[stay] == before.begin[stay]).all()


# --- from the file


def write(path: Path, payloads: list[bytes]) -> rtpcap.Streams:
    frames = [
        Frame(ethernet(ipv4(udp(payload))), START_NS + i * 20_000_000)
        for i, payload in enumerate(payloads)
    ]
    path.write_bytes(pcap(frames, nanoseconds=True))
    return rtpcap.open(path).streams


@pytest.mark.parametrize(
    "wrap",
    [channel, lambda data: indication(PEER, attribute(0x0013, data)), lambda data: data],
    ids=["channel data", "send indications", "nothing"],
)
def test_a_relayed_stream_is_that_stream(wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    sent = [rtp(i, 160 * i, bytes([i]) * 160) for i in range(50) if i != 9]
    (stream,) = write(tmp_path / "relayed.pcap", [wrap(packet) for packet in sent])
    assert (stream.src_port, stream.dst_port) == (4000, 4002)
    assert (stream.quality.packets, stream.quality.lost) == (49, 1)
    assert [stream.packets.raw(i) for i in range(49)] == sent
    assert stream.audio().duration_s == pytest.approx(1.0)


def test_relayed_and_direct_packets_of_one_flow_are_one_stream(tmp_path: Path) -> None:
    sent = [rtp(i, 160 * i) for i in range(40)]
    mixed = [channel(packet) if i % 2 else packet for i, packet in enumerate(sent)]
    (stream,) = write(tmp_path / "mixed.pcap", mixed)
    assert (stream.quality.packets, stream.quality.lost) == (40, 0)


def test_what_only_looks_wrapped_is_not_noticed(tmp_path: Path) -> None:
    # Lengths that fit, version 2 inside, and no stream: as now and then in QUIC.
    noise = np.random.default_rng(5)
    payloads = [channel(b"\x80\x60" + noise.bytes(100)) for _ in range(200)]
    assert len(write(tmp_path / "noise.pcap", payloads)) == 0
