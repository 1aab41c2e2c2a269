"""Segments in every order, twice, lacking, from the middle; real captures; and hostile ones."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.capture.pieces.tcp import ByteStreams
from rtpcap.capture.tables import Tally
from tests.capture.build import START_NS
from tests.capture.framed import STREAMS, calls, framed, media, sip
from tests.capture.segments import Got, Segment, columns, of_file, read
from tests.effort import examples, sample
from tests.peers import require
from tests.streams.made import rtp

FIN, SYN, RST, ACK = 1, 2, 4, 16
SECOND = 10**9
CAPTURES = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
FIXTURES = CAPTURES.parent / "fixtures"
GAP = "part of a TCP stream with messages was not captured"


def opened(first: int = 1000, key: int = 0) -> Segment:
    return Segment(first - 1, flags=SYN, key=key)


def cut_up(data: bytes, size: int, first: int = 1000, key: int = 0) -> list[Segment]:
    return [Segment(first + at, data[at : at + size], key=key) for at in range(0, len(data), size)]


def payloads(found: list[Got]) -> list[bytes]:
    return [one.data for one in found]


DATA, MESSAGES = b"".join(calls(8)), calls(8)


@pytest.mark.parametrize("chunk", [1, 3, None])
class TestSituations:
    def test_segments_in_reverse_order(self, chunk: int | None) -> None:
        segments = [opened(), *reversed(cut_up(DATA, 100))]
        found = read(segments, chunk)
        assert payloads(found) == MESSAGES
        assert {one.frame for one in found} == {len(segments)}

    def test_retransmissions_are_read_once(self, chunk: int | None) -> None:
        parts = cut_up(DATA, 100)
        segments = [opened(), *(one for part in parts for one in (part, part)), *parts]
        assert payloads(read(segments, chunk)) == MESSAGES

    def test_overlapping_segments_and_what_came_first_stays(self, chunk: int | None) -> None:
        segments = [opened()]
        for at in range(0, len(DATA), 60):
            false = b"?" * min(40, at)
            segments.append(Segment(1000 + at - len(false), false + DATA[at : at + 60]))
        assert payloads(read(segments, chunk)) == MESSAGES

    def test_what_came_first_stays_behind_a_hole_too(self, chunk: int | None) -> None:
        # The third segment overlaps the second and disagrees with the fourth: it came first.
        body = sip(body=b"a" * 400)
        at = len(body) - 400
        segments = [
            opened(),
            Segment(1000 + at + 100, b"b" * 100),
            Segment(1000 + at + 50, b"c" * 200),
            Segment(1000 + at + 225, b"d" * 175),
            Segment(1000, body[: at + 60]),
        ]
        # The bytes from 50 to 60 came in the last segment too, which is in order at once: what is
        # in order and was not delivered yet is delivered.
        expected = body[: at + 60] + b"c" * 40 + b"b" * 100 + b"c" * 50 + b"d" * 150
        assert payloads(read(segments, chunk)) == [expected]

    def test_keep_alives_and_window_probes_are_no_data(self, chunk: int | None) -> None:
        segments = [opened()]
        for part in cut_up(DATA, 90):
            segments += [Segment(part.sequence - 1, b"\0"), Segment(part.sequence - 1), part]
        # A probe brings the first byte of what follows.
        segments.insert(1, Segment(1000, DATA[:1]))
        assert payloads(read(segments, chunk)) == MESSAGES

    def test_data_in_the_opening_segment(self, chunk: int | None) -> None:
        opening = Segment(999, DATA[:300], flags=SYN)
        assert payloads(read([opening, Segment(1300, DATA[300:])], chunk)) == MESSAGES

    def test_sequence_numbers_wrap(self, chunk: int | None) -> None:
        first = 0x1_0000_0000 - 500
        assert payloads(read([opened(first), *cut_up(DATA, 77, first)], chunk)) == MESSAGES

    def test_ports_used_again(self, chunk: int | None) -> None:
        again = 3_000_000_000
        segments = [opened(), *cut_up(DATA, 100), opened(again), *cut_up(DATA, 100, again)]
        assert payloads(read(segments, chunk)) == MESSAGES * 2
        closed = [*segments[: len(segments) // 2], Segment(1000 + len(DATA), flags=FIN | ACK)]
        assert payloads(read(closed + segments[len(segments) // 2 :], chunk)) == MESSAGES * 2

    def test_ports_used_again_after_what_was_not_wanted(self, chunk: int | None) -> None:
        first = [opened(), *cut_up(b"\x16\x03\x01" + bytes(5000), 500)]
        again = [opened(77), *cut_up(DATA, 100, 77)]
        assert payloads(read(first + again, chunk)) == MESSAGES

    def test_a_retransmission_after_the_end_is_old(self, chunk: int | None) -> None:
        parts = cut_up(DATA, 400)
        end = Segment(1000 + len(DATA), flags=FIN | ACK)
        assert payloads(read([opened(), *parts, end, end, *parts], chunk)) == MESSAGES

    def test_an_end_that_comes_before_the_data(self, chunk: int | None) -> None:
        parts = cut_up(DATA, 400)
        end = Segment(1000 + len(DATA), flags=FIN | ACK)
        assert payloads(read([opened(), *parts[:-1], end, parts[-1]], chunk)) == MESSAGES

    def test_many_connections_at_once(self, chunk: int | None) -> None:
        rng = random.Random(3)
        queues = [[opened(key=key), *cut_up(DATA, 50 + key, key=key)] for key in range(20)]
        segments = []
        while any(queues):
            queue = rng.choice([one for one in queues if one])
            segments.append(queue.pop(0))
        found = read(segments, chunk)
        for key in range(20):
            assert [one.data for one in found if one.key == key] == MESSAGES

    def test_a_reordered_start_without_its_opening(self, chunk: int | None) -> None:
        stream = b"".join(map(framed, media()))
        parts = cut_up(stream, 30)
        segments = [parts[1], parts[0], *parts[2:]]
        assert payloads(read(segments, chunk)) == media()

    def test_a_hole_is_waited_for_until_the_end(self, chunk: int | None) -> None:
        parts = cut_up(DATA, 100)
        tally = Tally()
        segments = [opened(), *parts[:4], *parts[5:]]
        found = read(segments, chunk, tally=tally)
        lost = [one for one in MESSAGES if one not in payloads(found)]
        assert 1 <= len(lost) <= 2
        assert tally.rows() == [{"reason": GAP, "count": 1, "first_frame": 6}]
        reset = read([*segments, Segment(0, flags=RST)], chunk)
        assert reset == found

    def test_a_hole_is_not_waited_for_longer_than_thirty_seconds(self, chunk: int | None) -> None:
        parts = cut_up(DATA * 2, 100)
        times = [START_NS + i * SECOND * 4 for i in range(len(parts))]
        timed = [
            Segment(part.sequence, part.payload, time_ns=time)
            for part, time in zip(parts, times, strict=True)
        ]
        late = timed.pop(4)
        segments = [opened(), *timed, late]
        first = read(segments[:-1], chunk)
        assert read(segments, chunk) == first
        # The segment behind the hole is the sixth frame; the ninth waits 32 s later.
        streams = ByteStreams(Tally())
        got = streams.take(columns(segments[:14]))
        assert got is not None
        assert got.frame.max() > 6


def test_a_hole_is_waited_for_up_to_a_mebibyte() -> None:
    body = b"z" * 1000
    messages = [sip(body=body, n=n) for n in range(1200)]
    stream = b"".join(messages)
    parts = cut_up(stream, 1000)
    late = parts.pop(20)
    soon = [opened(), *parts[:900], late, *parts[900:]]
    assert payloads(read(soon)) == messages
    too_late = read([opened(), *parts, late])
    ends = [sum(map(len, messages[: n + 1])) for n in range(30)]
    touched = [n for n in range(1, 30) if ends[n] > 20_000 and ends[n - 1] < 21_000]
    assert payloads([one for one in too_late if not one.cut]) == [
        one for n, one in enumerate(messages) if n not in touched
    ]


def test_memory_is_bounded_over_all_streams() -> None:
    segments = []
    for key in range(300):
        segments += [opened(key=key), *cut_up(DATA, 300, key=key)[:1]]
    for part in range(2, 12):
        segments += [Segment(1000 + part * 20_000, b"q" * 10_000, key=key) for key in range(300)]
    streams = ByteStreams(Tally(), most_bytes=1 << 20)
    for begin in range(0, len(segments), 50):
        streams.take(columns(segments[begin : begin + 50], begin + 1))
        assert streams.held <= (1 << 20) + 20_000
    # What was known before stays readable: the message in the first segment of each.
    assert len(read(segments, most_bytes=1 << 20)) >= 300


def test_unwanted_streams_are_dropped_at_once() -> None:
    streams = ByteStreams(Tally())
    streams.take(columns([opened(), Segment(1000, b"\x16\x03\x01\x02\x00\x01" + bytes(50))]))
    assert streams.held == 0
    streams.take(columns([Segment(1056, bytes(1400))]))
    assert streams.held == 0


NAMES = [name for name in STREAMS if len(STREAMS[name]().data) < 20_000]


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES), first=st.integers(0, (1 << 32) - 1))
def test_any_segmentation_in_any_order_gives_the_same_messages(
    data: st.DataObject, name: str, first: int
) -> None:
    made = STREAMS[name]()
    size = len(made.data)
    places = sorted({0, size, *data.draw(st.lists(st.integers(0, size), max_size=40))})
    pieces = list(pairwise(places))
    overlaps = data.draw(
        st.lists(st.tuples(st.integers(0, size), st.integers(0, 300)), max_size=10)
    )
    pieces += [(begin, min(begin + length, size)) for begin, length in overlaps]
    pieces = data.draw(st.permutations(pieces))
    segments = [Segment(first - 1, flags=SYN)]
    segments += [Segment(first + begin, made.data[begin:end]) for begin, end in pieces]
    found = read(segments, data.draw(st.integers(1, 20)))
    assert Counter(payloads(found)) == Counter(made.messages)
    assert found == read(segments)


@settings(max_examples=examples(60), deadline=None)
@given(seed=st.integers(0, 1 << 64), name=st.sampled_from(list(STREAMS)))
def test_any_bytes_give_a_result(seed: int, name: str) -> None:
    made = bytearray(STREAMS[name]().data[:5000])
    rng = random.Random(seed)
    for _ in range(rng.randrange(8)):
        made[rng.randrange(len(made))] = rng.randrange(256)
    segments, at = [], rng.choice([0, 7])
    if not at:
        segments.append(opened())
    while at < len(made):
        step = rng.randint(1, 1500)
        flags = rng.choice([ACK] * 12 + [SYN, FIN | ACK, RST])
        missing = rng.choice([0] * 9 + [5, 1400, 70_000])
        jump = rng.choice([0] * 9 + [-900, 900, 1 << 20, 1 << 30])
        segments.append(Segment(1000 + at + jump, bytes(made[at : at + step]), flags, 0, missing))
        at += step + missing
    assert read(segments, 1) == read(segments)


HOSTILE = {
    "sip_without_end": b"INVITE sip:a@b SIP/2.0\r\n" + b"a" * 4_000_000,
    "sip_lines": b"INVITE sip:a@b SIP/2.0\r\n" * 150_000,
    "sip_of_no_sense": b"OPTIONS sip:a SIP/2.0\r\ni:1\r\nCSeq: 1 OPTIONS\r\n\r\n?" * 60_000,
    "short_frames": b"".join(framed(rtp(i, 0, b"")) for i in range(3)) + b"\0\1\xff" * 1_000_000,
    "chains_that_break": (b"".join(framed(rtp(i, 0, b"")) for i in range(3)) + b"\0\1\xff")
    * 60_000,
    "dollars": b"RTSP/1.0 200 OK\r\n\r\n" + b"$" * 3_000_000,
    "cookies": b"\x21\x12\xa4\x42" * 800_000,
    "websocket_heads": b"\x81\x8c" * 1_500_000,
    "channels": b"\x40\x00\x00\x00\x80" * 600_000,
    "zeros": bytes(3_000_000),
}


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_streams_are_read_to_their_end(name: str, started: bool) -> None:
    parts = cut_up(HOSTILE[name], 1400)
    found = read([*[opened()] * started, *parts], 500)
    assert sum(len(one.data) for one in found) <= len(HOSTILE[name])


def capture(path: str) -> Path:
    folder = FIXTURES if path.startswith("fixtures/") else CAPTURES
    if not folder.exists():
        pytest.skip("the captures of others are not here")
    return folder / path.removeprefix("fixtures/")


# Packets and loss of each SSRC, by tshark's rtp,streams (reference/*.streams.txt). In the second
# half of the cut-up call tshark misses 28 packets, which the whole capture shows to be there.
RTP_STREAMS = {
    "tcp_call_02_03_client.pcap": {("1c090d13", 1967, 1967), ("1c090d15", 1956, 1956)},
    "tcp_call_02_03_client_s1.pcap": {("1c090d13", 1957, 1957)},
    "tcp_call_02_03_client_s2.pcap": {("1c090d15", 1950, 1950)},
    "wifi-tcp_to_3g_2.pcap": {("34837de1", 518, 518), ("34837de3", 524, 532)},
    "wifi-tcp_to_3g_2_coturn_dump.pcap": {
        ("34837de1", 518, 518),
        ("34837de1", 5, 5),
        ("34837de3", 524, 532),
    },
}


@pytest.mark.parametrize("name", RTP_STREAMS)
def test_rtp_inside_turn_over_tcp_is_all_there(name: str) -> None:
    segments, _, _ = of_file(capture(f"veondigital+srtp_decoder/{name}"))
    sequences: dict[tuple[int, str], list[int]] = {}
    for one in read(segments, 300):
        if one.data[0] >> 6 == 2 and not 192 <= one.data[1] < 224:
            number = int.from_bytes(one.data[2:4], "big")
            sequences.setdefault((one.key, one.data[8:12].hex()), []).append(number)
    assert {
        (ssrc, len(set(numbers)), max(numbers) - min(numbers) + 1)
        for (_, ssrc), numbers in sequences.items()
    } == RTP_STREAMS[name]


SIP_CAPTURES = [
    "sipcapture+heplify/sip_ipv4_tcp_retrans.pcap",
    "sipcapture+heplify/sip_tcp_websocket.pcap",
    "OISF+suricata-verify/sip-tcp.pcap",
    "OISF+suricata-verify/sip-tcp-pattern-matching_sip.pcap",
    "OISF+suricata-verify/sip-body-large.pcap",
    "tsytsykvitaliy+digital-forensics-network-forensics-challenge/SIP.pcap",
    "vitalybupt+wireshark_samples/cisco.pcap",
    "arkime+arkime/arkime_synthetic.pcap",
    "seladb+PcapPlusPlus/sip_resp.pcap",
    "fixtures/br-tcp.pcap",
    "fixtures/pj-tcp.pcap",
    "fixtures/sipp-pcapdtmf.pcap",
]


@pytest.mark.peer
@pytest.mark.parametrize("name", sample(SIP_CAPTURES, 6))
def test_sip_over_tcp_is_what_tshark_reads(name: str) -> None:
    path = capture(name)
    fields = ["frame.number", "sip.Request-Line", "sip.Status-Line"]
    command = [require("tshark"), "-n", "-r", str(path), "-Y", "sip && tcp", "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    command += ["-E", "aggregator=\t"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = []
    for row in done.stdout.splitlines():
        frame, *lines = row.split("\t")
        theirs += [(int(frame), line.strip()) for line in lines if line]
    segments, _, frames = of_file(path)
    ours = [
        (frames[one.frame - 1], one.data.split(b"\r\n")[0].decode())
        for one in read(segments, 100)
        if b"SIP/2.0" in one.data.split(b"\r\n")[0]
    ]
    assert sorted(ours) == sorted(theirs)


def test_the_columns_of_a_table_agree() -> None:
    streams = ByteStreams(Tally())
    got = streams.take(columns([opened(), Segment(1000, DATA)]))
    assert got is not None
    assert len(got) == len(got.begin) == len(got.cut) == len(MESSAGES)
    assert got.begin.tolist() == [0, *got.end.tolist()[:-1]]
    assert got.time_ns.tolist() == [START_NS + 2000] * len(MESSAGES)
    assert got.data.dtype == np.uint8
    assert streams.finish() is None
