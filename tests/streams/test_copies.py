"""Copies of packets: those that the capture made, and beside each one that was on the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from tests.capture.build import (
    IPV6,
    START_NS,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    pcap,
    section,
    sll,
    udp,
)
from tests.streams.made import rtp

MS = 1_000_000
PACKETS = 40
EACH = 4
"""One in so many packets is there twice."""
COPIES = PACKETS // EACH
LATER = 3 * MS // 10


@dataclass(frozen=True)
class Taken:
    """How one copy of a packet was captured."""

    identification: int | None = None
    """None: another one for each packet, as senders do."""
    ttl: int = 64
    mac: bytes = b""
    """In place of the source address."""
    vlan: bool = False
    interface: int = 0
    later_ns: int = LATER
    payload: bytes = b"\xd5" * 160

    def ip(self, number: int, *, relayed: bool = False) -> bytes:
        packet = rtp(number, 160 * number, self.payload)
        if relayed:
            packet = struct.pack(">HH", 0x4001, len(packet)) + packet
        header = bytearray(ipv4(udp(packet)))
        identification = number if self.identification is None else self.identification
        header[4:6] = struct.pack(">H", identification)
        header[8] = self.ttl
        return bytes(header)

    def frame(self, number: int) -> bytes:
        tags = (0x8100,) if self.vlan else ()
        frame = ethernet(self.ip(number), tags=tags)
        return frame[:6] + self.mac + frame[6 + len(self.mac) :] if self.mac else frame


def times(number: int) -> int:
    return START_NS + number * 20 * MS


def streams(path: Path, data: bytes) -> rtpcap.Streams:
    path.write_bytes(data)
    return rtpcap.open(path).streams


def doubled(tmp_path: Path, copy: Taken) -> tuple[int, int]:
    """(duplicates, captured_twice) of a stream with some packets twice, the second as `copy`."""
    blocks = [section(), interface(), interface()]
    first = Taken()
    for number in range(PACKETS):
        blocks.append(enhanced(Frame(first.frame(number), times(number)), number=first.interface))
        if number % EACH == 0:
            frame = Frame(copy.frame(number), times(number) + copy.later_ns)
            blocks.append(enhanced(frame, number=copy.interface))
    (stream,) = streams(tmp_path / "doubled.pcapng", b"".join(blocks))
    figures = stream.quality
    assert (figures.packets, figures.expected, figures.lost) == (PACKETS + COPIES, PACKETS, 0)
    assert figures.reordered == 0
    return figures.duplicates, figures.captured_twice


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(Taken(mac=b"\x02\x00\x00\x00\x00\x77"), id="another link header"),
        pytest.param(Taken(vlan=True), id="one more VLAN tag"),
        pytest.param(Taken(interface=1), id="another interface"),
        pytest.param(Taken(ttl=63), id="one hop further"),
        pytest.param(Taken(ttl=63, later_ns=15 * MS), id="one hop further, much later"),
    ],
)
def test_the_same_ip_packet_at_another_place_is_the_captures(copy: Taken, tmp_path: Path) -> None:
    assert doubled(tmp_path, copy) == (0, COPIES)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(Taken(), id="everything the same"),
        pytest.param(Taken(later_ns=15 * MS), id="everything the same, later"),
        pytest.param(Taken(identification=999, ttl=63), id="another IP packet, one hop further"),
        pytest.param(Taken(identification=999, vlan=True), id="another IP packet with a tag"),
        pytest.param(Taken(identification=999, interface=1), id="another IP packet elsewhere"),
        pytest.param(Taken(payload=b"\xd4" * 160, ttl=63), id="another payload"),
        pytest.param(Taken(payload=b"\xd5" * 80, ttl=63), id="another size"),
    ],
)
def test_what_was_sent_or_doubled_on_the_wire_is_a_duplicate(copy: Taken, tmp_path: Path) -> None:
    assert doubled(tmp_path, copy) == (COPIES, 0)


def test_ip_options_do_not_hide_the_identification(tmp_path: Path) -> None:
    frames = []
    for number in range(PACKETS):
        packet = bytearray(ipv4(udp(rtp(number, 160 * number)), options=b"\x94\x04\x00\x00"))
        packet[4:6] = struct.pack(">H", number)
        frames.append(Frame(ethernet(bytes(packet)), times(number)))
        if number % EACH == 0:
            packet[8] -= 1
            if number % (2 * EACH) == 0:
                packet[4:6] = b"\xff\xff"
            frames.append(Frame(ethernet(bytes(packet)), times(number) + LATER))
    (stream,) = streams(tmp_path / "options.pcap", pcap(frames, nanoseconds=True))
    half = COPIES // 2
    assert (stream.quality.duplicates, stream.quality.captured_twice) == (half, half)


@pytest.mark.parametrize(("hops", "expected"), [(63, (0, COPIES)), (64, (COPIES, 0))])
def test_ipv6_has_no_identification(hops: int, expected: tuple[int, int], tmp_path: Path) -> None:
    frames = []
    for number in range(PACKETS):
        packet = bytearray(ipv6(udp(rtp(number, 160 * number))))
        frames.append(Frame(ethernet(bytes(packet), ether_type=IPV6), times(number)))
        if number % EACH == 0:
            packet[7] = hops
            frames.append(Frame(ethernet(bytes(packet), ether_type=IPV6), times(number) + LATER))
    (stream,) = streams(tmp_path / "ipv6.pcap", pcap(frames, nanoseconds=True))
    assert (stream.quality.duplicates, stream.quality.captured_twice) == expected


@pytest.mark.parametrize(("ttl", "expected"), [(63, (0, COPIES)), (64, (COPIES, 0))])
def test_inside_turn(ttl: int, expected: tuple[int, int], tmp_path: Path) -> None:
    frames = []
    for number in range(PACKETS):
        frames.append(Frame(ethernet(Taken().ip(number, relayed=True)), times(number)))
        if number % EACH == 0:
            again = Taken(ttl=ttl).ip(number, relayed=True)
            frames.append(Frame(ethernet(again), times(number) + LATER))
    (stream,) = streams(tmp_path / "turn.pcap", pcap(frames, nanoseconds=True))
    assert (stream.quality.duplicates, stream.quality.captured_twice) == expected


def test_any_device_incoming_and_outgoing(tmp_path: Path) -> None:
    # A bridge: the packet comes in on one port (packet type 0) and leaves by another (type 4).
    frames = []
    for number in range(PACKETS):
        for kind, later in ((0, 0), (4, LATER)) if number % EACH == 0 else ((0, 0),):
            cooked = struct.pack(">H", kind) + sll(Taken().ip(number))[2:]
            frames.append(Frame(cooked, times(number) + later))
    (stream,) = streams(tmp_path / "any.pcap", pcap(frames, link=113, nanoseconds=True))
    assert (stream.quality.duplicates, stream.quality.captured_twice) == (0, COPIES)


def test_a_wire_duplicate_that_was_captured_twice_is_one_of_each_kind(tmp_path: Path) -> None:
    frames = []
    for number in range(PACKETS):
        takes = [Taken(), Taken(ttl=63)]
        for i, taken in enumerate(takes * 2 if number % EACH == 0 else takes[:1]):
            frames.append(Frame(taken.frame(number), times(number) + i * LATER))
    (stream,) = streams(tmp_path / "both.pcap", pcap(frames, nanoseconds=True))
    # Of four copies the first is used, its image and that of the duplicate are the capture's.
    assert (stream.quality.duplicates, stream.quality.captured_twice) == (COPIES, 2 * COPIES)


def mirrored(
    tmp_path: Path, twice: Callable[[int], bool], later_ns: int, *, timed: bool = True
) -> rtpcap.Stream:
    """A stream of a hundred packets, some of which come again with everything the same."""
    frames = []
    for number in range(100):
        frame = Taken().frame(number)
        frames.append(Frame(frame, times(number)))
        if twice(number):
            frames.append(Frame(frame, times(number) + later_ns))
    (stream,) = streams(tmp_path / "mirrored.pcap", pcap(frames, nanoseconds=True))
    return stream


def test_over_nine_in_ten_twice_at_once_is_a_mirror(tmp_path: Path) -> None:
    figures = mirrored(tmp_path, lambda number: number < 91, MS).quality
    assert (figures.duplicates, figures.captured_twice) == (0, 91)


@pytest.mark.parametrize(
    ("count", "later_ns"),
    [
        pytest.param(90, MS, id="nine in ten exactly"),
        pytest.param(100, MS + 1, id="all, but later than a millisecond"),
    ],
)
def test_beside_the_mirror(count: int, later_ns: int, tmp_path: Path) -> None:
    figures = mirrored(tmp_path, lambda number: number < count, later_ns).quality
    assert (figures.duplicates, figures.captured_twice) == (count, 0)


def test_in_a_mirror_every_copy_is_the_captures(tmp_path: Path) -> None:
    frames = []
    for number in range(100):
        later = 5 * MS if number == 50 else LATER
        frame = Taken().frame(number)
        frames += [Frame(frame, times(number)), Frame(frame, times(number) + later)]
    (stream,) = streams(tmp_path / "late.pcap", pcap(frames, nanoseconds=True))
    assert (stream.quality.duplicates, stream.quality.captured_twice) == (0, 100)


def test_the_captures_copies_make_no_jitter(tmp_path: Path) -> None:
    # Each packet is in place to the nanosecond; its image comes half a millisecond later.
    once = mirrored(tmp_path, lambda number: False, 0)
    twice = mirrored(tmp_path, lambda number: True, MS // 2)
    assert once.quality.jitter_ms == twice.quality.jitter_ms == 0
    assert twice.quality.jitter_max_ms == 0
    assert np.isnan(twice.jitter_ms[1::2]).all()
    # A duplicate on the wire counts: D is the time between the two, and again to the next.
    wire = mirrored(tmp_path, lambda number: number == 50, 16 * MS)
    assert wire.quality.jitter_max_ms == pytest.approx(1 * 15 / 16 + 1)


def test_row_gaps_and_ledger_follow(tmp_path: Path) -> None:
    blocks = [section(), interface(), interface()]
    for number in range(PACKETS):
        if number == 7:
            continue
        for card in range(2):
            frame = Frame(Taken().frame(number), times(number) + card * LATER)
            blocks.append(enhanced(frame, number=card))
    (stream,) = streams(tmp_path / "two.pcapng", b"".join(blocks))
    row = stream.row()
    figures = [row[name] for name in ("packets", "lost", "duplicates", "captured_twice")]
    assert figures == [2 * (PACKETS - 1), 1, 0, PACKETS - 1]
    counts = stream.ledger.counts()
    assert (counts.duplicates[0], counts.captured_twice[0]) == (0, PACKETS - 1)
    assert stream.ledger.captured_twice.sum() == stream.ledger.duplicate.sum() == PACKETS - 1
    assert [(gap.reason, gap.packets) for gap in stream.gaps] == [("lost", 1)]


def test_a_copy_that_the_snap_length_cut_is_still_one(tmp_path: Path) -> None:
    blocks = [section(), interface(), interface(snap_length=100)]
    for number in range(PACKETS):
        frame = Taken().frame(number)
        blocks.append(enhanced(Frame(frame, times(number))))
        if number % EACH == 0:
            short = Frame(frame[:100], times(number) + LATER, original=len(frame))
            blocks.append(enhanced(short, number=1))
    (stream,) = streams(tmp_path / "cut.pcapng", b"".join(blocks))
    assert (stream.quality.duplicates, stream.quality.captured_twice) == (0, COPIES)


def test_streams_beside_each_other_do_not_mix(tmp_path: Path) -> None:
    frames = []
    for number in range(PACKETS):
        for ssrc, ttl in ((1, 63), (2, 64), (3, None)):
            packet = bytearray(ipv4(udp(rtp(number, 160 * number, ssrc=ssrc))))
            packet[4:6] = struct.pack(">H", number)
            frames.append(Frame(ethernet(bytes(packet)), times(number)))
            if ttl is not None and number % EACH == 0:
                packet[8] = ttl
                frames.append(Frame(ethernet(bytes(packet)), times(number) + LATER))
    found = streams(tmp_path / "three.pcap", pcap(frames, nanoseconds=True))
    figures = [(s.quality.duplicates, s.quality.captured_twice) for s in found]
    assert figures == [(0, COPIES), (COPIES, 0), (0, 0)]
    alone = [stream.ledger.counts() for stream in found]
    assert [(int(c.duplicates[0]), int(c.captured_twice[0])) for c in alone] == figures
