"""What holds for every capture of a kind, however it was cut into pieces."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rtpcap
from tests.capture.build import (
    DST,
    DST6,
    DST_PORT,
    ETHERNET,
    IPV6,
    NULL,
    RAW,
    SLL,
    SLL2,
    SRC,
    SRC6,
    SRC_PORT,
    START_NS,
    TCP,
    VLAN,
    Frame,
    Order,
    enhanced,
    ethernet,
    fragment_header,
    interface,
    ipv4,
    ipv6,
    pcap,
    section,
    sll,
    sll2,
    udp,
)
from tests.damage.walk import go_through
from tests.effort import examples
from tests.rtp.build import extension, packet

quick = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

STEP_NS = 20_000_000
orders: st.SearchStrategy[Order] = st.sampled_from(["<", ">"])


def opened(folder: Path, file: bytes) -> rtpcap.Capture:
    path = folder / "made"
    path.write_bytes(file)
    capture = go_through(path)
    assert capture is not None
    return capture


# --- files and links

payloads = st.lists(st.binary(max_size=300), min_size=1, max_size=12)


@given(payloads=payloads, order=orders, nanoseconds=st.booleans(), modified=st.booleans())
@quick
def test_a_pcap_gives_back_what_was_put_in(
    payloads: list[bytes], order: Order, nanoseconds: bool, modified: bool, tmp_path: Path
) -> None:
    frames = [
        Frame(ethernet(ipv4(udp(data))), START_NS + i * STEP_NS) for i, data in enumerate(payloads)
    ]
    nanoseconds = nanoseconds and not modified
    capture = opened(
        tmp_path, pcap(frames, order=order, nanoseconds=nanoseconds, modified=modified)
    )
    assert [datagram.payload for datagram in capture.datagrams] == payloads
    assert [datagram.time_ns for datagram in capture.datagrams] == [f.time_ns for f in frames]


@given(payloads=payloads, data=st.data())
@quick
def test_a_pcapng_of_many_sections_gives_back_what_was_put_in(
    payloads: list[bytes], data: st.DataObject, tmp_path: Path
) -> None:
    file, order = b"", data.draw(orders)
    for i, payload in enumerate(payloads):
        if not file or data.draw(st.booleans(), "a new section"):
            order = data.draw(orders)
            file += section(order=order) + interface(order=order)
        file += enhanced(Frame(ethernet(ipv4(udp(payload))), START_NS + i * STEP_NS), order=order)
    capture = opened(tmp_path, file)
    assert [datagram.payload for datagram in capture.datagrams] == payloads


LINKS: dict[int, Callable[[bytes, int], bytes]] = {
    ETHERNET: lambda body, kind: ethernet(body, ether_type=kind),
    SLL: lambda body, kind: sll(body, protocol=kind),
    SLL2: lambda body, kind: sll2(body, protocol=kind),
    RAW: lambda body, kind: body,
    NULL: lambda body, kind: struct.pack("<I", 2 if kind == 0x0800 else 30) + body,
}


@given(
    payload=st.binary(max_size=200),
    link=st.sampled_from(list(LINKS)),
    six=st.booleans(),
    tags=st.integers(0, 3),
)
@quick
def test_a_datagram_is_found_under_every_link(
    payload: bytes, link: int, six: bool, tags: int, tmp_path: Path
) -> None:
    body, kind = (ipv6(udp(payload)), IPV6) if six else (ipv4(udp(payload)), 0x0800)
    frame = LINKS[link](body, kind)
    if link == ETHERNET:
        frame = ethernet(body, ether_type=kind, tags=[VLAN] * tags)
    (found,) = opened(tmp_path, pcap([Frame(frame)], link=link)).datagrams
    assert found.payload == payload
    assert (found.src, found.dst) == ((SRC6, DST6) if six else (SRC, DST))
    assert (found.src_port, found.dst_port) == (SRC_PORT, DST_PORT)


# --- fragments

UNIT = 8


@dataclass(frozen=True)
class Part:
    """A part of a packet: units of eight bytes from the start, whether more follow, its bytes."""

    units: int
    more: bool
    data: bytes


def parts_of(packet: bytes, cuts: set[int]) -> list[Part]:
    """A packet cut at some units of eight bytes."""
    edges = [0, *sorted(cut for cut in cuts if 0 < cut * UNIT < len(packet)), len(packet)]
    edges[1:-1] = [edge * UNIT for edge in edges[1:-1]]
    return [
        Part(begin // UNIT, end < len(packet), packet[begin:end]) for begin, end in pairwise(edges)
    ]


def fragment(part: Part, six: bool) -> bytes:
    if six:
        head = fragment_header(17, offset=part.units, more=part.more)
        return ethernet(ipv6(head + part.data, next_header=44), ether_type=IPV6)
    return ethernet(ipv4(part.data, fragment=part.units | part.more << 13))


@given(
    payload=st.binary(min_size=16, max_size=600),
    cuts=st.sets(st.integers(1, 75), min_size=1, max_size=8),
    six=st.booleans(),
    data=st.data(),
)
@quick
def test_fragments_in_any_order_are_the_datagram(
    payload: bytes, cuts: set[int], six: bool, data: st.DataObject, tmp_path: Path
) -> None:
    parts = parts_of(udp(payload), cuts | {1})
    assert len(parts) > 1
    order = data.draw(st.permutations(parts), "order")
    # A copy of one that came before; the last to come is none, or it would come after the whole.
    copied = data.draw(st.integers(0, len(order) - 2), "copied")
    sent = [*order[: copied + 1], order[copied], *order[copied + 1 :]]
    frames = [Frame(fragment(p, six), START_NS + i * 1000) for i, p in enumerate(sent)]
    capture = opened(tmp_path, pcap(frames, nanoseconds=True))
    (found,) = capture.datagrams
    assert found.payload == payload
    assert (found.src, found.dst) == ((SRC6, DST6) if six else (SRC, DST))
    assert (found.src_port, found.dst_port) == (SRC_PORT, DST_PORT)
    assert found.frame == len(sent)
    assert len(capture.not_understood) == 0


@given(payload=st.binary(min_size=32, max_size=300), six=st.booleans(), data=st.data())
@quick
def test_fragments_with_one_missing_are_no_datagram(
    payload: bytes, six: bool, data: st.DataObject, tmp_path: Path
) -> None:
    parts = parts_of(udp(payload), {1, 2, 3})
    missing = data.draw(st.integers(0, len(parts) - 1), "missing")
    kept = [part for i, part in enumerate(parts) if i != missing]
    capture = opened(tmp_path, pcap([Frame(fragment(part, six)) for part in kept]))
    assert list(capture.datagrams) == []
    assert len(capture.not_understood) == len(kept)


# --- byte streams

PACKETS = 40
FRAMED_PORT = 40050
FIRST_NUMBER = 0xFFFFFF00
"""Of the byte stream: it wraps on the way."""


def framed(number: int) -> bytes:
    """A packet of RTP with its length before it (RFC 4571)."""
    raw = packet(payload_type=8, sequence=number, timestamp=160 * number, payload=bytes(160))
    return struct.pack(">H", len(raw)) + raw


def segment(number: int, data: bytes) -> bytes:
    """A TCP segment with PSH and ACK."""
    head = struct.pack(
        ">HHIIBBHHH", 50000, FRAMED_PORT, number % (1 << 32), 1, 5 << 4, 0x18, 65535, 0, 0
    )
    return ethernet(ipv4(head + data, protocol=TCP))


@given(data=st.data())
@quick
def test_segments_however_cut_and_swapped_are_the_packets(
    data: st.DataObject, tmp_path: Path
) -> None:
    stream = b"".join(map(framed, range(PACKETS)))
    places = st.sets(st.integers(1, len(stream) - 1), min_size=20, max_size=80)
    edges = [0, *sorted(data.draw(places, "edges")), len(stream)]
    segments = [segment(FIRST_NUMBER + begin, stream[begin:end]) for begin, end in pairwise(edges)]
    # Neighbours that change places, but for the first, with which the capture begins.
    swapped = data.draw(st.sets(st.integers(1, len(segments) - 2), max_size=10), "swapped")
    for i in sorted(swapped):
        segments[i], segments[i + 1] = segments[i + 1], segments[i]
    repeated = data.draw(st.sets(st.integers(0, len(segments) - 1), max_size=10), "repeated")
    sent = [one for i, one in enumerate(segments) for _ in range(2 if i in repeated else 1)]
    frames = [Frame(one, START_NS + i * 10_000_000) for i, one in enumerate(sent)]
    (found,) = opened(tmp_path, pcap(frames)).streams
    assert found.packets.sequence.tolist() == list(range(PACKETS))
    assert (found.src_port, found.dst_port) == (50000, FRAMED_PORT)
    assert found.quality.lost == 0


# --- RTP and RTCP


@given(
    csrc=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    words=st.none() | st.integers(0, 20),
    padding=st.integers(0, 40),
    payload=st.binary(max_size=200),
    first=st.integers(0, 0xFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
)
@quick
def test_payloads_lie_where_the_header_says(
    csrc: list[int],
    words: int | None,
    padding: int,
    payload: bytes,
    first: int,
    ssrc: int,
    tmp_path: Path,
) -> None:
    raws = [
        packet(
            csrc=tuple(csrc),
            extension=b"" if words is None else extension(0xBEDE, words, bytes(4 * words)),
            padding=padding > 0,
            tail=bytes(padding - 1) + bytes([padding]) if padding else b"",
            sequence=(first + i) & 0xFFFF,
            timestamp=160 * i,
            ssrc=ssrc,
            payload=payload,
        )
        for i in range(10)
    ]
    frames = [Frame(ethernet(ipv4(udp(raw))), START_NS + i * STEP_NS) for i, raw in enumerate(raws)]
    (stream,) = opened(tmp_path, pcap(frames)).streams
    assert stream.ssrc == ssrc
    assert stream.packets.sequence.tolist() == [(first + i) & 0xFFFF for i in range(10)]
    assert [stream.packets[i].payload for i in range(10)] == [payload] * 10
    assert stream.quality.expected == 10


@given(
    reports=st.lists(
        st.tuples(st.integers(0, 63), st.integers(192, 223), st.binary(min_size=26, max_size=80)),
        min_size=4,
        max_size=20,
    )
)
@quick
def test_rtcp_is_never_a_stream(reports: list[tuple[int, int, bytes]], tmp_path: Path) -> None:
    """RFC 5761, section 4: these second bytes are RTCP's, on the port of RTP as on its own."""
    sent = [bytes((0x80 | first, second)) + body for first, second, body in reports]
    frames = [Frame(ethernet(ipv4(udp(raw))), START_NS + i * STEP_NS) for i, raw in enumerate(sent)]
    assert len(opened(tmp_path, pcap(frames)).streams) == 0
