"""What is taken for RTP and what is not, without a word of signalling."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.formats import open_source
from rtpcap.capture.tables import Flows, Tally
from rtpcap.streams.discover import Finder, batches
from tests.streams.made import Sent, capture, rtp, talk

RANDOM = random.Random(4711)


def ssrcs(folder: Path, *flows: list[Sent]) -> list[int]:
    return [stream.ssrc for stream in capture(folder, *flows).streams]


def test_a_steady_stream(tmp_path: Path) -> None:
    assert ssrcs(tmp_path, talk()) == [0x1234]


def test_three_packets_are_the_fewest(tmp_path: Path) -> None:
    assert ssrcs(tmp_path, talk(3)) == [0x1234]
    assert ssrcs(tmp_path, talk(2)) == []


@pytest.mark.parametrize("port", [53, 123, 443, 1900, 4500, 5353, 9, 0])
def test_ports_of_other_protocols_do_not_matter(port: int, tmp_path: Path) -> None:
    found = capture(tmp_path, talk(), ports=[(port, port)]).streams
    assert [stream.quality.packets for stream in found] == [50]


def test_two_sources_of_one_flow_are_two_streams(tmp_path: Path) -> None:
    both = sorted([*talk(ssrc=1), *talk(ssrc=2, start_s=0.01)])
    found = capture(tmp_path, both).streams
    assert [(stream.ssrc, len(stream)) for stream in found] == [(1, 50), (2, 50)]


def test_one_source_on_two_flows_is_two_streams(tmp_path: Path) -> None:
    found = capture(tmp_path, talk(), talk(30, start_s=0.001)).streams
    assert [(stream.ssrc, len(stream)) for stream in found] == [(0x1234, 50), (0x1234, 30)]


def test_streams_come_in_order_of_their_first_frame(tmp_path: Path) -> None:
    assert ssrcs(tmp_path, talk(ssrc=9, start_s=0.5), talk(ssrc=7), talk(ssrc=8, start_s=0.2)) == [
        7,
        8,
        9,
    ]


def test_sequence_and_timestamp_wrap(tmp_path: Path) -> None:
    found = capture(tmp_path, talk(sequence=65530, timestamp=2**32 - 800)).streams
    assert [(s.quality.packets, s.quality.lost) for s in found] == [(50, 0)]


def test_half_of_the_packets_lost(tmp_path: Path) -> None:
    kept = [sent for sent in talk(200) if RANDOM.random() < 0.5]
    found = capture(tmp_path, kept).streams
    assert [stream.quality.packets for stream in found] == [len(kept)]


@pytest.mark.parametrize(("apart_s", "copies"), [(0.0001, (0, 50)), (0.005, (50, 0))])
def test_every_packet_twice(apart_s: float, copies: tuple[int, int], tmp_path: Path) -> None:
    # Within a millisecond it is the capture that holds them twice: a mirror.
    twice = [(time_s + apart_s * copy, raw) for time_s, raw in talk() for copy in range(2)]
    (stream,) = capture(tmp_path, twice).streams
    figures = stream.quality
    assert (figures.packets, figures.duplicates, figures.captured_twice) == (100, *copies)


def test_reordered_in_pairs(tmp_path: Path) -> None:
    sent = talk(60)
    for i in range(0, 60, 2):
        sent[i], sent[i + 1] = (sent[i][0], sent[i + 1][1]), (sent[i + 1][0], sent[i][1])
    found = capture(tmp_path, sent).streams
    assert [(s.quality.packets, s.quality.reordered) for s in found] == [(60, 30)]


def test_several_packets_of_a_picture_share_a_timestamp(tmp_path: Path) -> None:
    # Video: four packets a picture, 25 pictures a second at 90 kHz.
    sent = [
        (0.04 * (i // 4), rtp(i, 3600 * (i // 4), bytes(900), payload_type=96)) for i in range(80)
    ]
    assert ssrcs(tmp_path, sent) == [0x1234]


def test_one_jump_of_the_timestamp_hides_nothing(tmp_path: Path) -> None:
    sent = talk(30) + talk(30, sequence=30, timestamp=1_500_000_000, start_s=0.6)
    assert [len(stream) for stream in capture(tmp_path, sent).streams] == [60]


def test_telephone_events_alone(tmp_path: Path) -> None:
    sent = [
        (0.02 * i, rtp(i, 8000, struct.pack(">BBH", 5, 10, 160 * (i + 1)), payload_type=101))
        for i in range(12)
    ]
    found = capture(tmp_path, sent).streams
    assert [stream.codec for stream in found] == ["telephone-event"]
    assert not found[0].decodable
    assert found[0].why_not == "only telephone events, no audio"


def test_events_beside_audio_are_known_by_their_shape(tmp_path: Path) -> None:
    sent = talk(20)
    sent += [
        (
            0.4 + 0.02 * i,
            rtp(20 + i, 3200, struct.pack(">BBH", 9, 10, 160 * (i + 1)), payload_type=97),
        )
        for i in range(8)
    ]
    found = capture(tmp_path, sent)
    assert str(found.streams[0].formats[97]) == "telephone-event/8000"
    assert str(found.dtmf) == "9"


def test_short_payloads_that_are_no_events_are_not_taken_for_them(tmp_path: Path) -> None:
    payloads = [bytes([RANDOM.randrange(256) for _ in range(4)]) for _ in range(40)]
    sent = [(0.02 * i, rtp(i, 160 * i, p, payload_type=97)) for i, p in enumerate(payloads)]
    found = capture(tmp_path, sent)
    assert found.streams[0].codec is None
    assert len(found.dtmf) == 0


# --- what is not RTP


def test_random_payloads_of_version_2(tmp_path: Path) -> None:
    sent = [(0.02 * i, b"\x80\x00" + RANDOM.randbytes(100)) for i in range(500)]
    assert ssrcs(tmp_path, sent) == []


def test_random_headers_with_one_ssrc(tmp_path: Path) -> None:
    sent = [(0.02 * i, b"\x80\x60" + RANDOM.randbytes(6) + b"SSRC" + bytes(90)) for i in range(500)]
    assert ssrcs(tmp_path, sent) == []


def test_the_same_datagram_again_and_again(tmp_path: Path) -> None:
    assert ssrcs(tmp_path, [(0.02 * i, rtp(7, 7)) for i in range(100)]) == []


def test_a_counter_without_a_clock(tmp_path: Path) -> None:
    sent = [(0.02 * i, rtp(i, 7, bytes(100))) for i in range(100)]
    assert ssrcs(tmp_path, sent) == []


def test_a_clock_that_runs_backwards(tmp_path: Path) -> None:
    sent = [(0.02 * i, rtp(i, 1_000_000 - 160 * i, bytes(100))) for i in range(100)]
    assert ssrcs(tmp_path, sent) == []


def test_timestamps_that_are_random(tmp_path: Path) -> None:
    sent = [(0.02 * i, rtp(i, RANDOM.randrange(2**32), bytes(100))) for i in range(100)]
    assert ssrcs(tmp_path, sent) == []


@pytest.mark.parametrize("number", [72, 76, 77, 95, 64, 20, 35])
def test_numbers_that_nobody_assigns(number: int, tmp_path: Path) -> None:
    # RFC 3551 section 6, and RFC 5761 section 4 for those that are RTCP with a marker.
    assert ssrcs(tmp_path, talk(payload_type=number)) == []


def test_a_number_that_was_told_counts(tmp_path: Path) -> None:
    found = capture(tmp_path, talk(payload_type=77), pt_map={77: "PCMA/8000"}).streams
    assert [stream.codec for stream in found] == ["PCMA"]


def test_rtcp_is_no_stream(tmp_path: Path) -> None:
    # Sender reports (RFC 3550 section 6.4.1): type 200, a length in words, an SSRC.
    sent = [
        (5.0 * i, struct.pack(">BBHIQIII", 0x80, 200, 6, 7, 2**40 * i, 40_000 * i, 250 * i, 40 * i))
        for i in range(20)
    ]
    assert ssrcs(tmp_path, sent) == []


def test_stun_on_the_same_port_is_left_aside(tmp_path: Path) -> None:
    stun = struct.pack(">HHI", 1, 0, 0x2112A442) + bytes(12)
    sent = sorted([*talk(), *((0.1 * i, stun) for i in range(10))])
    assert [len(stream) for stream in capture(tmp_path, sent).streams] == [50]


def test_ten_thousand_flows_of_two_packets(tmp_path: Path) -> None:
    flows = [talk(2, ssrc=i) for i in range(2000)]
    ports = [(10_000 + i, 20_000 + i) for i in range(2000)]
    assert len(capture(tmp_path, *flows, talk(), ports=[*ports, (1, 2)]).streams) == 1


def test_batches_cut_between_streams_only() -> None:
    import numpy as np

    starts = np.array([0, 200_000, 400_000, 1_000_000, 1_000_010], np.int64)
    parts = batches(starts, 1_000_020)
    assert parts[0][0] == 0
    assert parts[-1][1] == 5
    assert [a[1] for a in parts[:-1]] == [b[0] for b in parts[1:]]
    edges = [*starts.tolist(), 1_000_020]
    assert all(rows == slice(edges[first], edges[last]) for first, last, rows in parts)
    assert batches(np.empty(0, np.int64), 0) == []


def test_chunks_that_come_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """As those of files that overlap in time do."""
    flows = [talk(60, ssrc=9, start_s=0.5), talk(60, ssrc=7), talk(60, ssrc=8, start_s=0.2)]
    path = Path(capture(tmp_path, *flows).path)

    def found(order: list[int]) -> tuple[object, ...]:
        flows, finder = Flows(), Finder({})
        decoder = Decoder(flows, Tally(), Tally())
        for number in order:
            for i, records in enumerate(open_source(path).chunks(9000)):
                if i == number:
                    finder.feed(decoder.datagrams(records))
        made = finder.finish(open_source(path).mapped()[0].data)
        packets = made.packets
        return (
            made.starts.tolist(),
            [flows[flow] for flow in made.flow.tolist()],
            packets.ssrc.tolist(),
            packets.frame.tolist(),
            packets.sequence.tolist(),
            packets.begin.tolist(),
            made.header.tolist(),
        )

    chunks = len(list(open_source(path).chunks(9000)))
    assert chunks > 3
    expected = found(list(range(chunks)))
    assert expected[2] == [7] * 60 + [8] * 60 + [9] * 60
    for seed in range(5):
        order = list(range(chunks))
        random.Random(seed).shuffle(order)
        assert found(order) == expected
