"""Fragments put together: every situation from labelled fields, any split, real captures."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.capture.files.formats import open_source
from rtpcap.capture.origins import Origins
from rtpcap.capture.pieces.fragments import Pieces, Reassembler, Whole
from rtpcap.capture.tables import Tally
from rtpcap.rtp.packets import NO_TIME
from tests.capture.build import (
    IPV4,
    IPV6,
    START_NS,
    TCP,
    UDP,
    VLAN,
    ethernet,
    ipv4,
    ipv4_fragment,
    ipv6,
    ipv6_fragment,
    option_header,
    sll,
    split,
    udp,
)
from tests.effort import examples

SPARE = 128
SECOND = 1_000_000_000
PAYLOAD = udp(bytes(i * 7 % 251 for i in range(492)))
OTHER_PAYLOAD = udp(bytes(i * 3 % 241 for i in range(492)))

TOGETHER = "fragment of a packet put together"
DUPLICATE = "duplicate of a fragment"
MISSING = "fragment of a packet whose other parts are missing"
OVERLAP = "IPv6 fragment of a packet whose fragments overlap"
DIFFERENT = "IPv4 fragment with other bytes than an earlier one"
CONTRADICTION = "fragment that contradicts the length of its packet"
BAD_LENGTH = "fragment with an impossible length"
TOO_FAR = "fragment that ends beyond 65,535 bytes"
TINY = "fragment that cuts a TCP header in two"


@dataclass(frozen=True)
class Frame:
    """A frame with a fragment in it: the IP header stands at `packet`."""

    data: bytes
    time_ns: int = START_NS
    interface: int = 0
    packet: int = 14
    path: int = 0
    captured: int | None = None


@dataclass(frozen=True)
class Packet:
    """A packet put together: the frame that completed it, and its bytes from the IP header on."""

    frame: int
    data: bytes
    before: bytes = ethernet(b"")
    """What stands before the IP header."""
    missing: int = 0
    """How many bytes of its end were not captured."""
    time_ns: int = START_NS
    interface: int = 0


Counts = dict[str, tuple[int, int]]
"""Reason -> (count, first frame)."""


@dataclass(frozen=True)
class Outcome:
    packets: list[Packet] = field(default_factory=list)
    other: Counts = field(default_factory=dict)
    not_understood: Counts = field(default_factory=dict)


def columns(frames: Sequence[Frame], number: int = 1) -> Pieces:
    """Frames as they lie in a chunk, with numbers from `number` on."""
    sizes = [len(frame.data) if frame.captured is None else frame.captured for frame in frames]
    data = b"".join(frame.data[:size] for frame, size in zip(frames, sizes, strict=True))
    end = np.cumsum(np.array(sizes, np.int64))
    begin = end - np.array(sizes, np.int64)
    return Pieces(
        # What lies behind the chunk may be anything.
        data=np.frombuffer(data + b"\x2c" * SPARE, np.uint8),
        frame=np.arange(number, number + len(frames), dtype=np.uint32),
        time_ns=np.array([frame.time_ns for frame in frames], np.int64),
        interface=np.array([frame.interface for frame in frames], np.uint16),
        frame_begin=begin,
        packet=begin + np.array([frame.packet for frame in frames], np.int64),
        end=end,
        path=begin + np.array([frame.path for frame in frames], np.int64),
    )


def packets_of(whole: Whole | None) -> list[Packet]:
    if whole is None:
        return []
    assert len(whole) > 0
    assert len(whole.data) >= whole.end.max() + SPARE
    places = np.sort(np.stack((whole.begin, whole.end), axis=1), axis=0)
    assert (places[1:, 0] >= places[:-1, 1]).all()
    data = whole.data.tobytes()
    return [
        Packet(frame, data[packet:end], data[begin:packet], original - end, time_ns, interface)
        for frame, begin, packet, end, original, time_ns, interface in zip(
            whole.frame.tolist(),
            whole.begin.tolist(),
            whole.packet.tolist(),
            whole.end.tolist(),
            whole.original_end.tolist(),
            whole.time_ns.tolist(),
            whole.interface.tolist(),
            strict=True,
        )
    ]


def counts(tally: Tally) -> Counts:
    return {
        str(row["reason"]): (int(row["count"]), int(row["first_frame"])) for row in tally.rows()
    }


def put_together(
    frames: Sequence[Frame],
    chunk: int = 1 << 20,
    most_bytes: int = 16 << 20,
    origins: Origins | None = None,
) -> Outcome:
    """So many frames at a time; every frame has exactly one fate."""
    other, not_understood = Tally(), Tally()
    reassembler = Reassembler(other, not_understood, most_bytes=most_bytes, origins=origins)
    packets = []
    for begin in range(0, len(frames), chunk):
        pieces = columns(frames[begin : begin + chunk], begin + 1)
        packets += packets_of(reassembler.take(pieces))
    reassembler.finish()
    assert len(other) + len(not_understood) + len(packets) == len(frames)
    assert len({packet.frame for packet in packets}) == len(packets)
    return Outcome(packets, counts(other), counts(not_understood))


def four(*parts: tuple[int, bytes, bool], identification: int = 0x1234) -> list[Frame]:
    """IPv4 fragments, a frame each."""
    return [Frame(ethernet(ipv4_fragment(*part, identification=identification))) for part in parts]


def six(*parts: tuple[int, bytes, bool], identification: int = 7) -> list[Frame]:
    """IPv6 fragments, a frame each."""
    return [
        Frame(ethernet(ipv6_fragment(*part, identification=identification), ether_type=IPV6))
        for part in parts
    ]


BEFORE6 = ethernet(b"", ether_type=IPV6)
WHOLE = ipv4(PAYLOAD)
WHOLE6 = ipv6(PAYLOAD)
THREE = split(PAYLOAD, 200, 400)
A, B, C = THREE

Scenario = Callable[[], tuple[list[Frame], Outcome]]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


@scenario
def nothing_at_all() -> tuple[list[Frame], Outcome]:
    return [], Outcome()


@scenario
def in_order() -> tuple[list[Frame], Outcome]:
    return four(A, B, C), Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


@scenario
def last_first() -> tuple[list[Frame], Outcome]:
    return four(C, B, A), Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


@scenario
def middle_last() -> tuple[list[Frame], Outcome]:
    return four(A, C, B), Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


@scenario
def ipv6_in_any_order() -> tuple[list[Frame], Outcome]:
    return six(B, C, A), Outcome([Packet(3, WHOLE6, BEFORE6)], {TOGETHER: (2, 1)})


@scenario
def both_versions_interleaved() -> tuple[list[Frame], Outcome]:
    frames = [*six(A), *four(A), *four(B), *six(B), *six(C), *four(C)]
    packets = [Packet(5, WHOLE6, BEFORE6), Packet(6, WHOLE)]
    return frames, Outcome(packets, {TOGETHER: (4, 1)})


@scenario
def without_its_first() -> tuple[list[Frame], Outcome]:
    return four(B, C), Outcome(not_understood={MISSING: (2, 1)})


@scenario
def without_a_middle_one() -> tuple[list[Frame], Outcome]:
    return six(A, C), Outcome(not_understood={MISSING: (2, 1)})


@scenario
def without_its_last() -> tuple[list[Frame], Outcome]:
    return four(A, B), Outcome(not_understood={MISSING: (2, 1)})


@scenario
def duplicates() -> tuple[list[Frame], Outcome]:
    outcome = Outcome([Packet(6, WHOLE)], {TOGETHER: (2, 1), DUPLICATE: (3, 3)})
    return four(A, B, A, B, A, C), outcome


@scenario
def duplicates_of_ipv6() -> tuple[list[Frame], Outcome]:
    outcome = Outcome([Packet(5, WHOLE6, BEFORE6)], {TOGETHER: (2, 1), DUPLICATE: (2, 2)})
    return six(A, A, C, C, B), outcome


@scenario
def late_duplicates() -> tuple[list[Frame], Outcome]:
    """They begin no packet, whatever their order, nor do they damage the next one."""
    frames = [*four(A, B, C), *four(C, A), *six(A, C, B), *six(C, B)]
    packets = [Packet(3, WHOLE), Packet(8, WHOLE6, BEFORE6)]
    return frames, Outcome(packets, {TOGETHER: (4, 1), DUPLICATE: (4, 4)})


@scenario
def late_duplicate_of_another_cut() -> tuple[list[Frame], Outcome]:
    """The same bytes fragmented differently are the same packet too."""
    frames = four(A, B, C, (0, PAYLOAD[:400], True), (400, PAYLOAD[400:], False))
    return frames, Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1), DUPLICATE: (2, 4)})


@scenario
def identification_used_again_at_once() -> tuple[list[Frame], Outcome]:
    again = split(OTHER_PAYLOAD, 200, 400)
    frames = [*four(A, B, C), *four(*again), *four(A, C, B)]
    packets = [Packet(3, WHOLE), Packet(6, ipv4(OTHER_PAYLOAD)), Packet(9, WHOLE)]
    return frames, Outcome(packets, {TOGETHER: (6, 1)})


@scenario
def late_duplicate_within_the_next_packet() -> tuple[list[Frame], Outcome]:
    """It is told from an overlap in the packet that has the identification now."""
    one, two, three = split(OTHER_PAYLOAD, 200, 400)
    packets = [Packet(3, WHOLE6, BEFORE6), Packet(7, ipv6(OTHER_PAYLOAD), BEFORE6)]
    frames = six(A, B, C, one, A, two, three)
    return frames, Outcome(packets, {TOGETHER: (4, 1), DUPLICATE: (1, 5)})


@scenario
def lost_fragment_of_an_earlier_packet() -> tuple[list[Frame], Outcome]:
    """31 s later its identification is another packet's."""
    frames = [*four(A), *(replace(f, time_ns=START_NS + 31 * SECOND) for f in four(A, B, C))]
    packets = [Packet(4, WHOLE, time_ns=START_NS + 31 * SECOND)]
    return frames, Outcome(packets, {TOGETHER: (2, 2)}, {MISSING: (1, 1)})


@scenario
def thirty_seconds_are_in_time() -> tuple[list[Frame], Outcome]:
    a, b, c = four(A, B, C)
    late = START_NS + 30 * SECOND
    outcome = Outcome([Packet(3, WHOLE, time_ns=late)], {TOGETHER: (2, 1)})
    return [a, b, replace(c, time_ns=late)], outcome


@scenario
def a_nanosecond_more_is_late() -> tuple[list[Frame], Outcome]:
    a, b, c = four(A, B, C)
    return [a, b, replace(c, time_ns=START_NS + 30 * SECOND + 1)], Outcome(
        not_understood={MISSING: (3, 1)}
    )


@scenario
def the_clock_goes_far_back() -> tuple[list[Frame], Outcome]:
    a, b, c = four(A, B, C)
    return [a, b, replace(c, time_ns=START_NS - 31 * SECOND)], Outcome(
        not_understood={MISSING: (3, 1)}
    )


@scenario
def the_clock_goes_back_a_little() -> tuple[list[Frame], Outcome]:
    a, b, c = four(A, B, C)
    earlier = START_NS - SECOND
    outcome = Outcome([Packet(3, WHOLE, time_ns=earlier)], {TOGETHER: (2, 1)})
    return [a, b, replace(c, time_ns=earlier)], outcome


@scenario
def same_fragments_after_the_memory_of_them() -> tuple[list[Frame], Outcome]:
    """After the timeout it is no duplicate: a packet is sent again."""
    again = START_NS + 31 * SECOND
    frames = [*four(A, B, C), *(replace(f, time_ns=again) for f in four(A, B, C))]
    packets = [Packet(3, WHOLE), Packet(6, WHOLE, time_ns=again)]
    return frames, Outcome(packets, {TOGETHER: (4, 1)})


@scenario
def interleaved_packets() -> tuple[list[Frame], Outcome]:
    """Nine flows and identifications, a fragment of each in turn."""
    payloads = [udp(bytes([number]) * 492) for number in range(9)]
    parts = [split(payload, 200, 400) for payload in payloads]
    frames = [
        f for turn in range(3) for n in range(9) for f in four(parts[n][turn], identification=n)
    ]
    wholes = [bytearray(ipv4(payload)) for payload in payloads]
    for number, whole in enumerate(wholes):
        whole[4:6] = number.to_bytes(2, "big")
    packets = [Packet(19 + number, bytes(whole)) for number, whole in enumerate(wholes)]
    return frames, Outcome(packets, {TOGETHER: (18, 1)})


@scenario
def everything_but_one_field_the_same() -> tuple[list[Frame], Outcome]:
    """Source, protocol, identification, interface, link: fragments of different packets."""
    a = Frame(ethernet(ipv4_fragment(*A)))
    others = [
        Frame(ethernet(ipv4_fragment(*B, src="10.0.0.9"))),
        Frame(ethernet(ipv4_fragment(*B, protocol=136))),
        Frame(ethernet(ipv4_fragment(*B, identification=0x1235))),
        Frame(ethernet(ipv4_fragment(*B)), interface=1),
        Frame(b"\x03" + ethernet(ipv4_fragment(*B))[1:]),
        Frame(ethernet(ipv4_fragment(*B), tags=[VLAN]), packet=18),
    ]
    frames = [a, *others, *four(C)]
    return frames, Outcome(not_understood={MISSING: (8, 1)})


@scenario
def ipv6_everything_but_one_field_the_same() -> tuple[list[Frame], Outcome]:
    others = [
        Frame(ethernet(ipv6_fragment(*B, src="2001:db8::9"), ether_type=IPV6)),
        Frame(ethernet(ipv6_fragment(*B, identification=7 << 16), ether_type=IPV6)),
    ]
    return [*six(A), *others, *six(C)], Outcome(not_understood={MISSING: (4, 1)})


@scenario
def ipv6_next_header_is_no_part_of_the_identity() -> tuple[list[Frame], Outcome]:
    """RFC 8200, section 4.5: only the value in the fragment with offset 0 is used."""
    strange = Frame(ethernet(ipv6_fragment(*B, protocol=59), ether_type=IPV6))
    frames = [strange, *six(A, C)]
    return frames, Outcome([Packet(3, WHOLE6, BEFORE6)], {TOGETHER: (2, 1)})


@scenario
def the_same_on_two_interfaces() -> tuple[list[Frame], Outcome]:
    frames = [replace(f, interface=i) for f in four(A, B, C) for i in (4, 5)]
    packets = [Packet(5, WHOLE, interface=4), Packet(6, WHOLE, interface=5)]
    return frames, Outcome(packets, {TOGETHER: (4, 1)})


@scenario
def the_same_inside_a_tunnel_and_outside() -> tuple[list[Frame], Outcome]:
    """IPv4 in IPv4: the outer header counts to the way, and stays before the packet."""
    frames: list[Frame] = []
    for part in THREE:
        inner = ipv4_fragment(*part)
        frames.append(Frame(ethernet(inner)))
        frames.append(Frame(ethernet(ipv4(inner, protocol=4)), packet=34))
    first = ipv4_fragment(*A)
    outer = ethernet(ipv4(first, protocol=4))[:34]
    packets = [Packet(5, WHOLE), Packet(6, WHOLE, before=outer)]
    return frames, Outcome(packets, {TOGETHER: (4, 1)})


@scenario
def no_link_header_at_all() -> tuple[list[Frame], Outcome]:
    """Fewer bytes before the IP header than belong to the identity."""
    frames = [Frame(ipv4_fragment(*part), packet=0) for part in THREE]
    return frames, Outcome([Packet(3, WHOLE, before=b"")], {TOGETHER: (2, 1)})


@scenario
def cooked_frames_in_and_out() -> tuple[list[Frame], Outcome]:
    """On an "any" device the first two bytes say whether a frame comes or goes."""
    frames = []
    for part in THREE:
        frame = sll(ipv4_fragment(*part))
        frames += [Frame(frame, packet=16), Frame(b"\0\4" + frame[2:], packet=16)]
    before = sll(b"")
    packets = [Packet(5, WHOLE, before), Packet(6, WHOLE, b"\0\4" + before[2:])]
    return frames, Outcome(packets, {TOGETHER: (4, 1)})


@scenario
def headers_that_are_different_in_each_frame() -> tuple[list[Frame], Outcome]:
    """Ten bytes as those of radiotap, with a time in them, before what tells the way."""
    frames = [
        Frame(bytes([number]) * 10 + ethernet(ipv4_fragment(*part)), packet=24, path=10)
        for number, part in enumerate(THREE)
    ]
    packets = [Packet(3, WHOLE, before=bytes(10) + ethernet(b""))]
    return frames, Outcome(packets, {TOGETHER: (2, 1)})


@scenario
def ipv4_options() -> tuple[list[Frame], Outcome]:
    """Options of the first fragment are the packet's; others may have fewer (RFC 791)."""
    options = bytes([7, 7, 4, 0, 0, 0, 0, 0])
    frames = [Frame(ethernet(ipv4_fragment(*A, options=options))), *four(C, B)]
    whole = ipv4(PAYLOAD, options=options)
    return frames, Outcome([Packet(3, whole)], {TOGETHER: (2, 1)})


@scenario
def ethernet_padding_behind_a_fragment() -> tuple[list[Frame], Outcome]:
    a, b, c = four(*split(PAYLOAD, 200, 496))
    frames = [a, replace(c, data=c.data + bytes(60 - len(c.data))), b]
    return frames, Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


def extended(*parts: tuple[int, bytes, bool]) -> list[Frame]:
    """IPv6 fragments behind a hop-by-hop and a destination options header."""
    headers = option_header(60, 1) + option_header(44)
    return [
        Frame(ethernet(ipv6_fragment(*part, first=0, before=headers), ether_type=IPV6))
        for part in parts
    ]


@scenario
def ipv6_extension_headers_before() -> tuple[list[Frame], Outcome]:
    whole = ipv6(option_header(60, 1) + option_header(UDP) + PAYLOAD, next_header=0)
    return extended(A, B, C), Outcome([Packet(3, whole, BEFORE6)], {TOGETHER: (2, 1)})


@scenario
def ipv6_extension_headers_before_and_behind() -> tuple[list[Frame], Outcome]:
    """Those behind the fragment header are cut in pieces as all that follows it."""
    fragmentable = option_header(UDP, 2) + PAYLOAD
    frames = [
        Frame(
            ethernet(
                ipv6_fragment(*part, first=43, before=option_header(44), protocol=60),
                ether_type=IPV6,
            )
        )
        for part in split(fragmentable, 8, 16, 400)
    ]
    whole = ipv6(option_header(60) + fragmentable, next_header=43)
    return frames, Outcome([Packet(4, whole, BEFORE6)], {TOGETHER: (3, 1)})


@scenario
def atomic() -> tuple[list[Frame], Outcome]:
    """RFC 6946: alone, even with the identification of others that are not complete."""
    alone = (0, OTHER_PAYLOAD, False)
    frames = [*six(A, alone, B, C), *four(B, alone)]
    packets = [
        Packet(2, ipv6(OTHER_PAYLOAD), BEFORE6),
        Packet(4, WHOLE6, BEFORE6),
        Packet(6, ipv4(OTHER_PAYLOAD)),
    ]
    return frames, Outcome(packets, {TOGETHER: (2, 1)}, {MISSING: (1, 5)})


@scenario
def overlap_with_the_same_bytes() -> tuple[list[Frame], Outcome]:
    frames = four(A, (80, PAYLOAD[80:408], True), (400, PAYLOAD[400:], False))
    return frames, Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


@scenario
def overlap_with_other_bytes() -> tuple[list[Frame], Outcome]:
    """IPv4: what came first stays; the rest of the later fragment is used."""
    frames = four(A, (80, bytes(120) + PAYLOAD[200:400], True), C)
    return frames, Outcome([Packet(3, WHOLE)], {TOGETHER: (2, 1)})


@scenario
def overlap_before_and_behind() -> tuple[list[Frame], Outcome]:
    """One fragment that fills the gaps between four others."""
    islands = [(at, PAYLOAD[at : at + 16], True) for at in (400, 8, 200, 64)]
    ring = (0, PAYLOAD[:440], True)
    frames = four(*islands, ring, (440, PAYLOAD[440:], False))
    return frames, Outcome([Packet(6, WHOLE)], {TOGETHER: (5, 1)})


@scenario
def a_later_version_of_a_fragment() -> tuple[list[Frame], Outcome]:
    frames = four(
        A, B, (200, bytes(200), True), (208, bytes(8), True), (208, PAYLOAD[208:216], True), C
    )
    outcome = Outcome(
        [Packet(6, WHOLE)], {TOGETHER: (2, 1), DUPLICATE: (1, 5)}, {DIFFERENT: (2, 3)}
    )
    return frames, outcome


@scenario
def ipv6_overlap() -> tuple[list[Frame], Outcome]:
    """RFC 5722: the packet and what is still to come of it; the same bytes or not."""
    frames = [
        *six(A, (192, PAYLOAD[192:400], True), B, C),
        *six(A, B, (200, bytes(200), True), C, identification=8),
        *six(A, B, C, identification=9),
    ]
    packets = [Packet(11, WHOLE6, BEFORE6)]
    return frames, Outcome(packets, {TOGETHER: (2, 9)}, {OVERLAP: (8, 1)})


@scenario
def two_lasts() -> tuple[list[Frame], Outcome]:
    """The end of a packet stays where it was said to be first."""
    frames = four(C, (400, PAYLOAD[400:] + bytes(8), False), (496, bytes(8), True), A, B)
    return frames, Outcome([Packet(5, WHOLE)], {TOGETHER: (2, 1)}, {CONTRADICTION: (2, 2)})


@scenario
def a_last_before_the_end_of_others() -> tuple[list[Frame], Outcome]:
    frames = six(B, (208, bytes(8), False), (392, PAYLOAD[392:400], False), A, C)
    outcome = Outcome([Packet(5, WHOLE6, BEFORE6)], {TOGETHER: (2, 1)}, {CONTRADICTION: (2, 2)})
    return frames, outcome


@scenario
def the_last_said_not_to_be_the_last() -> tuple[list[Frame], Outcome]:
    """The same bytes with the other flag: first come, first served."""
    payload = PAYLOAD[:496]
    first, last = split(payload, 400)
    claimed = (400, last[1], True)
    rest = split(payload + bytes(8), 400, 496)[2]
    frames = [*four(last, claimed, first), *six(claimed, last, rest, first)]
    packets = [Packet(3, ipv4(payload)), Packet(7, ipv6(payload + bytes(8)), BEFORE6)]
    return frames, Outcome(packets, {TOGETHER: (3, 1)}, {CONTRADICTION: (2, 2)})


@scenario
def the_last_fragment_cut() -> tuple[list[Frame], Outcome]:
    """By the snap length: all that was captured is there."""
    a, b, c = four(A, B, C)
    frames = [a, b, replace(c, captured=14 + 20 + 30)]
    return frames, Outcome([Packet(3, WHOLE[:-70], missing=70)], {TOGETHER: (2, 1)})


@scenario
def every_fragment_cut() -> tuple[list[Frame], Outcome]:
    """Only what goes on from the begin without a hole can be said to be its payload."""
    frames = [replace(f, captured=14 + 20 + 44) for f in four(B, C, A)]
    whole = WHOLE[: 20 + 44]
    return frames, Outcome([Packet(3, whole, missing=456)], {TOGETHER: (2, 1)})


@scenario
def ipv6_fragments_cut_at_their_payload() -> tuple[list[Frame], Outcome]:
    frames = [replace(f, captured=14 + 40 + 8) for f in six(A, B, C)]
    return frames, Outcome([Packet(3, WHOLE6[:40], BEFORE6, missing=500)], {TOGETHER: (2, 1)})


@scenario
def duplicate_cut_elsewhere() -> tuple[list[Frame], Outcome]:
    a, b, c = six(A, B, C)
    frames = [a, replace(a, captured=100), b, c]
    outcome = Outcome([Packet(4, WHOLE6, BEFORE6)], {TOGETHER: (2, 1), DUPLICATE: (1, 2)})
    return frames, outcome


@scenario
def cut_inside_the_headers() -> tuple[list[Frame], Outcome]:
    (a,), (b,), (c,) = four(A), six(A), extended(A)
    frames = [
        replace(a, captured=14 + 19),
        replace(b, captured=14 + 39),
        replace(b, captured=14 + 47),
        replace(c, captured=14 + 40 + 16 + 8 + 7),
        replace(c, captured=14 + 40 + 1),
        replace(a, captured=14),
    ]
    return frames, Outcome(
        not_understood={
            "IPv4 header damaged or cut": (1, 1),
            "IPv6 header damaged or cut": (1, 2),
            "IPv6 extension headers damaged or cut": (3, 3),
            "no IP packet": (1, 6),
        }
    )


@scenario
def damaged_headers() -> tuple[list[Frame], Outcome]:
    short = ipv4(A[1], fragment=0x2000, header_words=4)
    long = ipv4(b"", fragment=0x2000, header_words=15)
    fifth = ipv4(A[1], fragment=0x2000, version=5)
    no_fragment = ipv6(udp(b"x"))
    endless = ipv6(b"\x3c\xff" + bytes(398), next_header=0)
    frames = [Frame(ethernet(packet)) for packet in (short, long, fifth, no_fragment, endless)]
    return frames, Outcome(
        not_understood={
            "IPv4 header damaged or cut": (2, 1),
            "no IP packet": (1, 3),
            "IPv6 extension headers damaged or cut": (2, 4),
        }
    )


@scenario
def impossible_lengths() -> tuple[list[Frame], Outcome]:
    """Shorter than its headers, without a payload, or no multiple of 8 bytes and not the last."""
    packets = [
        ipv4_fragment(*A, total_length=19),
        ipv4_fragment(*A, total_length=0),
        ipv4_fragment(200, b"", False),
        ipv4_fragment(0, bytes(12), True),
        ipv6_fragment(*A, payload_length=0),
        ipv6_fragment(*A, payload_length=7),
        ipv6_fragment(200, b"", True),
        ipv6_fragment(0, bytes(9), True),
    ]
    frames = [Frame(ethernet(packet)) for packet in packets]
    return frames, Outcome(not_understood={BAD_LENGTH: (8, 1)})


@scenario
def ping_of_death() -> tuple[list[Frame], Outcome]:
    """With its header no IPv4 packet is longer than 65,535 bytes, no IPv6 packet without it."""
    packets = [
        ipv4_fragment(65_528, bytes(8), False),
        ipv4_fragment(65_512, bytes(4), False),
        ipv6_fragment(65_528, bytes(8), False),
        ipv6_fragment(65_528, bytes(7), False),
    ]
    frames = [Frame(ethernet(packet)) for packet in packets]
    return frames, Outcome(not_understood={TOO_FAR: (3, 1), MISSING: (1, 4)})


@scenario
def longest_packets() -> tuple[list[Frame], Outcome]:
    payload = bytes(i % 253 for i in range(65_515))
    longer = bytes(i % 253 for i in range(65_535))
    frames = [*four(*split(payload, 65_000)), *six(*split(longer, 800))]
    packets = [Packet(2, ipv4(payload)), Packet(4, ipv6(longer), BEFORE6)]
    return frames, Outcome(packets, {TOGETHER: (2, 1)})


@scenario
def a_length_that_its_field_cannot_hold() -> tuple[list[Frame], Outcome]:
    """Options that only the first fragment has: 0, and the packet is there all the same."""
    payload = bytes(i % 253 for i in range(65_515))
    first, last = split(payload, 65_000)
    options = bytes([1] * 8)
    frames = [Frame(ethernet(ipv4_fragment(*first, options=options))), *four(last)]
    whole = ipv4(payload, options=options, total_length=0)
    return frames, Outcome([Packet(2, whole)], {TOGETHER: (1, 1)})


@scenario
def tiny_fragments() -> tuple[list[Frame], Outcome]:
    """RFC 1858 and 3128: TCP's flags in the second fragment. Of UDP 8 bytes are a whole header."""
    parts = split(PAYLOAD, 8)
    four_tcp = [Frame(ethernet(ipv4_fragment(*part, protocol=TCP))) for part in parts]
    six_tcp = [Frame(ethernet(ipv6_fragment(*part, protocol=TCP))) for part in parts]
    longer = [Frame(ethernet(ipv4_fragment(*part, protocol=TCP))) for part in split(PAYLOAD, 16)]
    frames = [*four_tcp, *six_tcp, *four(*parts), *longer]
    packets = [Packet(6, WHOLE), Packet(8, ipv4(PAYLOAD, protocol=TCP))]
    return frames, Outcome(packets, {TOGETHER: (2, 5)}, {TINY: (4, 1)})


@scenario
def frames_without_a_time() -> tuple[list[Frame], Outcome]:
    frames = [replace(f, time_ns=NO_TIME) for f in four(A, B, C)]
    return frames, Outcome([Packet(3, WHOLE, time_ns=NO_TIME)], {TOGETHER: (2, 1)})


@pytest.mark.parametrize("chunk", [1, 2, 1 << 20])
@pytest.mark.parametrize("function", SCENARIOS, ids=lambda function: function.__name__)
def test_scenario(function: Scenario, chunk: int) -> None:
    frames, expected = function()
    assert put_together(frames, chunk) == expected


def timeless(count: int) -> list[Frame]:
    """A first fragment, so many others of other packets, and the rest of the first's packet."""
    others = [f for number in range(count) for f in four(B, identification=number)]
    frames = [*four(A, identification=count), *others, *four(B, C, identification=count)]
    return [replace(frame, time_ns=NO_TIME) for frame in frames]


def test_without_times_fragments_are_counted() -> None:
    assert len(put_together(timeless(8190)).packets) == 1
    outcome = put_together(timeless(8192))
    assert outcome.packets == []
    assert outcome.not_understood == {MISSING: (8195, 1)}


def test_the_oldest_are_dropped_when_too_much_is_held() -> None:
    """Firsts of 1,000 packets, then their lasts: the memory holds the newest of them."""
    first, last = split(udp(bytes(1392)), 1000)
    firsts = [f for number in range(1000) for f in four(first, identification=number)]
    lasts = [f for number in range(1000) for f in four(last, identification=number)]
    assert len(put_together([*firsts, *lasts]).packets) == 1000
    # The lasts of dropped packets must not push out the others: from the newest down.
    outcome = put_together([*firsts, *reversed(lasts)], chunk=100, most_bytes=500_000)
    kept = len(outcome.packets)
    assert 100 < kept <= 500
    assert [packet.frame for packet in outcome.packets] == list(range(1001, 1001 + kept))
    assert outcome.other == {TOGETHER: (kept, 1001 - kept)}
    assert outcome.not_understood == {MISSING: (2000 - 2 * kept, 1)}


def test_memory_is_bounded() -> None:
    """30,000 smallest fragments of as many packets, then as many of packets in 5,000 pieces."""
    reassembler = Reassembler(Tally(), Tally(), most_bytes=1 << 20)
    template = ethernet(ipv4_fragment(0, bytes(8), True))
    tracemalloc.start()
    try:
        for number in range(30):
            data = np.tile(np.frombuffer(template, np.uint8), 2000).reshape(2000, -1)
            marks = np.arange(number * 2000, (number + 1) * 2000, dtype=">u4")
            marks = marks if number < 15 else marks // 5000
            data[:, 26:30] = marks.view(np.uint8).reshape(-1, 4)
            if number >= 15:
                offsets = 0x2000 | np.arange(number * 2000, (number + 1) * 2000) % 5000
                data[:, 20:22] = offsets.astype(">u2").view(np.uint8).reshape(-1, 2)
            begin = np.arange(2000, dtype=np.int64) * len(template)
            reassembler.take(
                Pieces(
                    data=np.append(data.ravel(), np.zeros(SPARE, np.uint8)),
                    frame=np.arange(1, 2001, dtype=np.uint32),
                    time_ns=np.full(2000, START_NS),
                    interface=np.zeros(2000, np.uint16),
                    frame_begin=begin,
                    packet=begin + 14,
                    end=begin + len(template),
                )
            )
            held, _ = tracemalloc.get_traced_memory()
            assert held < 2 << 20
    finally:
        tracemalloc.stop()


def test_headers_before_the_packet_are_held_too() -> None:
    """First fragments of 8 bytes, each behind 10,000 bytes of tunnel: 1 MB holds 100 at most."""
    tunnel = bytes(10_000)
    firsts, lasts = (
        [
            Frame(tunnel + ipv4_fragment(*part, identification=number), packet=len(tunnel))
            for number in range(200)
        ]
        for part in split(udp(bytes(8)), 8)
    )
    kept = len(put_together([*firsts, *reversed(lasts)], most_bytes=1_000_000).packets)
    assert 50 < kept < 100


def test_an_identification_in_use_does_not_crowd_out_the_memory_of_others() -> None:
    """2,000 packets with the same identification are one entry among those put together last."""
    again = [
        f for number in range(2000) for f in four(*split(udp(number.to_bytes(600, "little")), 400))
    ]
    frames = [*four(A, B, C, identification=1), *again, *four(B, identification=1)]
    outcome = put_together(frames)
    assert len(outcome.packets) == 2001
    # Their second fragments are all the same; each belongs to the packet that the first began.
    assert outcome.other == {TOGETHER: (2002, 1), DUPLICATE: (1, len(frames))}


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes, bool]]]:
    """A payload, and its fragments in any order, some of them several times."""
    payload = draw(st.binary(min_size=17, max_size=3000))
    units = (len(payload) - 1) // 8
    cuts = draw(st.sets(st.integers(1, units), min_size=1, max_size=12))
    parts = split(payload, *(8 * cut for cut in sorted(cuts)))
    repeated = draw(st.lists(st.sampled_from(parts), max_size=6))
    return payload, draw(st.permutations([*parts, *repeated]))


@settings(max_examples=examples(60), deadline=None)
@given(made=shuffled(), chunk=st.integers(1, 20), version=st.sampled_from([4, 6]))
def test_any_split_in_any_order_is_the_payload_again(
    made: tuple[bytes, list[tuple[int, bytes, bool]]], chunk: int, version: int
) -> None:
    payload, parts = made
    outcome = put_together(four(*parts) if version == 4 else six(*parts), chunk)
    (packet,) = outcome.packets
    assert packet.data == (ipv4(payload) if version == 4 else ipv6(payload))
    distinct = len(set(parts))
    assert outcome.other[TOGETHER][0] == distinct - 1
    assert outcome.other.get(DUPLICATE, (0, 0))[0] == len(parts) - distinct
    assert outcome.not_understood == {}


@settings(max_examples=examples(60), deadline=None)
@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 8), st.integers(0, 3)), min_size=1, max_size=14
    ),
    chunk=st.integers(1, 14),
)
def test_overlapping_ipv4_fragments_in_a_byte_array(
    pieces: list[tuple[int, int, int]], chunk: int
) -> None:
    """The first to come stay: a byte array and a mask say the same, the plain way."""
    end = max(at + size for at, size, _ in pieces)
    parts = [(at * 8, bytes([fill]) * size * 8, True) for at, size, fill in pieces]
    parts.append((end * 8, b"end", False))
    expected, known = bytearray(end * 8), [False] * end * 8
    completed = 0
    for number, (offset, body, _) in enumerate(parts[:-1]):
        for place, byte in enumerate(body, offset):
            if not known[place]:
                expected[place], known[place] = byte, True
                completed = number
    outcome = put_together(four(parts[-1], *parts[:-1]), chunk)
    if not all(known):
        assert outcome.packets == []
        return
    first = outcome.packets[0]
    assert first.data == ipv4(bytes(expected) + b"end")
    assert first.frame == completed + 2


@st.composite
def hostile(draw: st.DrawFn) -> list[Frame]:
    """Bytes that are fragments, with some of them changed, cut anywhere; few identities."""
    frames = []
    for _ in range(draw(st.integers(1, 25))):
        part = (
            8 * draw(st.sampled_from([0, 0, 1, 2, 3, 8189, 8191])),
            draw(st.binary(max_size=40)),
            draw(st.booleans()),
        )
        kind = draw(st.integers(0, 2))
        packet = ethernet(
            ipv4_fragment(*part, protocol=draw(st.sampled_from([TCP, UDP])))
            if kind == 0
            else ipv6_fragment(*part)
            if kind == 1
            else ipv6_fragment(*part, first=0, before=option_header(51) + option_header(44))
        )
        data = bytearray(packet)
        for place, byte in draw(
            st.lists(st.tuples(st.integers(14, len(data) - 1), st.integers(0, 255)), max_size=2)
        ):
            data[place] = byte
        size = draw(st.one_of(st.just(len(data)), st.integers(14, len(data))))
        time_ns = draw(st.sampled_from([START_NS, START_NS + 40 * SECOND, NO_TIME]))
        frames.append(Frame(bytes(data), time_ns=time_ns, captured=size))
    return frames


@settings(max_examples=examples(80), deadline=None)
@given(frames=hostile(), chunk=st.integers(1, 25), most_bytes=st.sampled_from([0, 4000, 16 << 20]))
def test_any_bytes_have_a_fate(frames: list[Frame], chunk: int, most_bytes: int) -> None:
    """And it does not depend on how many come at once, which `put_together` checks too."""
    assert put_together(frames, chunk, most_bytes) == put_together(frames, 1 << 20, most_bytes)


@settings(max_examples=examples(50), deadline=None)
@given(body=st.binary(max_size=200), packet=st.integers(0, 200))
def test_noise_has_a_fate(body: bytes, packet: int) -> None:
    put_together([Frame(body, packet=min(packet, len(body)))] * 2)


SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
REAL = (
    "fixtures/tun-frag.pcap",
    "captures/dotpcap+packetnet/udp-ip-fragmented.pcap",
    "captures/goffinet+sip_captures/private-test-sip-2.pcapng",
    "captures/gprshome+wireshark/sip.pcap",
    "captures/ntop+nDPI/fuzz-2006-06-26-2594.pcap",
    "captures/ntop+nDPI/fuzz-2006-09-29-28586.pcap",
    "captures/seladb+PcapPlusPlus/IPv4Frag.pcap",
    "captures/sipcapture+heplify/ipv6_udp_fragmented.pcap",
    "captures/zeek+zeek/gtp1_gn_normal_incl_fragmentation.pcap",
    "captures/zeek+zeek/gtp9_unknown_or_too_short_payload.pcap",
    "captures/zeek+zeek/gtp_ext_header.pcap",
)


def outer_fragments(path: Path) -> Outcome:
    """What stands in Ethernet frames as a fragment, without any tunnel, put together."""
    frames: dict[int, Frame] = {}
    for records in open_source(path).chunks():
        data = records.data
        for frame, begin, end, time_ns in zip(
            records.frame.tolist(),
            records.begin.tolist(),
            records.end.tolist(),
            records.time_ns.tolist(),
            strict=True,
        ):
            found = data[begin:end].tobytes()
            ether_type = int.from_bytes(found[12:14], "big")
            if (ether_type == IPV4 and int.from_bytes(found[20:22], "big") & 0x3FFF) or (
                ether_type == IPV6 and found[20:21] == b"\x2c"
            ):
                frames[frame] = Frame(found, time_ns=time_ns)
    numbers = sorted(frames)
    outcome = put_together([frames[number] for number in numbers])
    packets = [replace(packet, frame=numbers[packet.frame - 1]) for packet in outcome.packets]
    return replace(outcome, packets=packets)


def by_tshark(path: Path) -> dict[int, str]:
    """Frame -> the payload that tshark puts together in it, in hexadecimal."""
    command = ["tshark", "-r", str(path), "-n", "-T", "fields", "-E", "occurrence=f"]
    command += ["-o", "ip.defragment:TRUE", "-o", "ipv6.defragment:TRUE"]
    for name in ("frame.number", "ip.reassembled.data", "ipv6.reassembled.data"):
        command += ["-e", name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    return {int(row[0]): row[1] or row[2] for row in rows if row[1] or row[2]}


@pytest.mark.peer
@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", REAL)
def test_tshark_puts_the_same_together(name: str) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("the captures are not beside the project")
    outcome = outer_fragments(path)
    headers = {4: 20, 6: 40}
    ours = {
        packet.frame: packet.data[headers[packet.data[0] >> 4] :].hex()
        for packet in outcome.packets
    }
    assert ours == by_tshark(path)


def test_fragments_of_a_capture_in_random_order() -> None:
    """245 packets of three fragments each, from a link with an MTU of 576 bytes."""
    path = SHARED / "fixtures/tun-frag.pcap"
    if not path.exists():
        pytest.skip("the captures are not beside the project")
    outcome = outer_fragments(path)
    assert len(outcome.packets) == 245
    assert outcome.other == {TOGETHER: (490, 1)}
