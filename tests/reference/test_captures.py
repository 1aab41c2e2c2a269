"""Every capture beside the project, against what other programs found in it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.serial import steps
from tests.reference.facts import (
    PartD,
    capture_names,
    clocks_for_tshark,
    part_d,
    require_captures,
    stream_tables,
)
from tests.reference.rules import arrivals, tshark_jitter
from tests.reference.wireshark import tshark_delta
from tests.streams.figured import check_figures

LONG_ENOUGH = 20
"""Streams of fewer packets are too short to tell from chance in part D."""

QUOTED_IN_ICMP: Mapping[tuple[str, int, int], int] = {
    ("sippy+rtpproxy/srtp1.o.rtp", 0x8557BACE, 2240): 5,
    ("Evandr0+sipp/g711u.pcap", 0x3DC385BD, 16710): 1,
    ("goffinet+sip_captures/voip1b.pcapng", 0x3ADF0949, 7078): 1,
    ("gprshome+wireshark/sip.pcap", 0x054F45C9, 51412): 1,
    ("lundgrel+sipp-scenarios/Erica_rcv_ssrc0x120.pcap", 0x120, 43840): 1,
    ("veondigital+srtp_decoder/wifi-tcp_to_3g_2_coturn_dump.pcap", 0x34837DE3, 7777): 8,
}
"""RTP packets that part D counts although an ICMP error only quotes them, by capture, SSRC and
destination port."""

TSHARK_MS = 0.0011
"""tshark prints jitter to 0.001 ms."""

ExceptionKey = tuple[str, int, str, int | None]
"""capture, ssrc, src (address:port), dport."""


def exception_key(capture: str, row: PartD) -> ExceptionKey:
    port = "" if row.src_port is None else row.src_port
    return capture, row.ssrc, f"{row.src}:{port}", row.dst_port


def exceptions() -> dict[ExceptionKey, str]:
    """The rows of part D that cannot be met, each with its reason."""
    path = Path(__file__).resolve().parents[1] / "part_d_exceptions.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (
                row["capture"],
                int(row["ssrc"], 16),
                row["src"],
                int(row["dport"]) if row["dport"] else None,
            ): row["reason"]
            for row in csv.DictReader(file, delimiter="\t")
        }


@dataclass(frozen=True)
class Opened:
    """A capture of the collection and what opening it gave."""

    name: str
    path: Path
    capture: rtpcap.Capture | None
    refused: rtpcap.CaptureError | None

    def streams(self) -> list[rtpcap.Stream]:
        return [] if self.capture is None else list(self.capture.streams)


@pytest.fixture(scope="module", params=capture_names() or [""])
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Each capture, opened once for all tests of this file."""
    path = require_captures() / request.param
    try:
        capture = rtpcap.open(path)
        assert capture.frames >= 0
    except rtpcap.CaptureError as error:
        yield Opened(request.param, path, None, error)
    else:
        yield Opened(request.param, path, capture, None)


def test_every_stage_runs_and_nothing_foreign_is_raised(opened: Opened) -> None:
    if opened.capture is None:
        assert str(opened.path.name) in str(opened.refused)
        return
    capture = opened.capture
    assert capture.row()["packets"] == capture.frames
    for stream in capture.streams:
        assert stream.row()["packets"] == len(stream.packets)
        assert stream.first_frame <= stream.last_frame <= capture.frames
    ssrcs = {stream.ssrc for stream in capture.streams}
    assert {gap.ssrc for gap in capture.gaps} <= ssrcs
    assert {digit.ssrc for digit in capture.told_keys} <= ssrcs


def disagreement(opened: Opened, row: PartD) -> str | None:
    """What is not as part D has it, in words; None where everything is."""
    found = [
        stream.row()
        for stream in opened.streams()
        if (stream.ssrc, stream.src) == (row.ssrc, row.src)
        and (row.src_port, row.dst_port) in ((stream.src_port, stream.dst_port), (None, None))
    ]
    if not found:
        return "not found"
    quoted = QUOTED_IN_ICMP.get((opened.name, row.ssrc, row.dst_port or 0), 0)

    def total(*names: str) -> int:
        return sum(int(str(stream[name])) for stream in found for name in names)

    pairs = {
        "packets": (total("packets"), row.packets - quoted),
        "lost": (total("lost"), row.lost),
        "expected": (total("expected"), row.expected),
        "copies": (total("duplicates", "captured_twice"), row.copies - quoted),
    }
    wrong = [
        f"{name} {ours}, not {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs
    ]
    return "; ".join(wrong) or None


def test_streams_of_part_d_are_found_with_equal_counts(opened: Opened) -> None:
    excused = exceptions()
    wrong = {}
    for row in part_d(opened.name):
        difference = disagreement(opened, row)
        key = exception_key(opened.name, row)
        if row.packets >= LONG_ENOUGH and difference is not None and key not in excused:
            wrong[hex(row.ssrc), key[2], row.dst_port] = difference
    assert wrong == {}


def test_no_exception_is_listed_for_a_stream_that_is_met(opened: Opened) -> None:
    needed = {
        exception_key(opened.name, row)
        for row in part_d(opened.name)
        if row.packets >= LONG_ENOUGH and disagreement(opened, row) is not None
    }
    assert {key for key in exceptions() if key[0] == opened.name} <= needed


def test_jitter_of_tshark_from_our_packets(opened: Opened) -> None:
    ours = {
        (stream.src, stream.src_port, stream.dst, stream.dst_port, stream.ssrc): stream.packets
        for stream in opened.streams()
    }
    wrong = {}
    for row in stream_tables(opened.name):
        packets = ours.get(row.key)
        clocks = clocks_for_tshark(opened.path, row.announced)
        if packets is None or clocks is None or len(packets) != row.packets:
            continue  # the counts are the business of part D
        if (packets.time_ns == NO_TIME).any():
            continue
        jitter = tshark_jitter(arrivals(packets), clocks)
        if (jitter.mean, jitter.maximum) != pytest.approx(
            (row.jitter_mean_ms, row.jitter_max_ms), rel=0, abs=TSHARK_MS
        ):
            wrong[row.key] = (jitter, row)
    assert wrong == {}


def test_delta_of_tshark_from_our_packets(opened: Opened) -> None:
    ours = {
        (stream.src, stream.src_port, stream.dst, stream.dst_port, stream.ssrc): stream
        for stream in opened.streams()
    }
    wrong: dict[object, object] = {}
    for row in stream_tables(opened.name):
        stream = ours.get(row.key)
        if stream is None or len(stream) != row.packets:
            continue  # the counts are the business of part D
        if (stream.packets.time_ns == NO_TIME).any():
            continue
        if stream.flow.transport == "tcp":
            continue  # where a segment comes late, tshark does not wait for what is before it
        rule = tshark_delta(arrivals(stream.packets))
        if (rule.least, rule.mean, rule.most) != pytest.approx(row.delta_ms, rel=0, abs=TSHARK_MS):
            wrong[row.key] = (rule, row)
            continue
        figures = stream.quality
        if stream.packets.marker[1:].any() or figures.reordered or figures.captured_twice:
            continue
        if len(stream) < 2 or set(stream.payload_types) & {13, 19}:
            continue
        if (steps(stream.packets.timestamp).cumsum(dtype=np.int64) < 0).any():
            continue  # before the first packet
        # No packet that tshark's figures leave out: they are ours.
        told = (figures.delta_min_ms, figures.delta_ms, figures.delta_max_ms)
        if told != pytest.approx(row.delta_ms, rel=0, abs=TSHARK_MS):
            wrong[row.key] = (told, row)
    assert wrong == {}


def test_ledgers_and_figures_add_up(opened: Opened) -> None:
    for stream in opened.streams():
        check_figures(stream)


# tshark 4.0.17 finds its way back into this stream 28 packets later than we do; the 1,950 have
# sequence numbers without a gap, and the whole capture (tcp_call_02_03_client) has the same.
LATER_IN_TSHARK = {("veondigital+srtp_decoder/tcp_call_02_03_client_s2.pcap", 0x1C090D15): 28}


def test_streams_over_tcp_have_the_packets_of_tsharks_list(opened: Opened) -> None:
    listed = {row.key: row.packets for row in stream_tables(opened.name)}
    for stream in opened.streams():
        if stream.flow.transport == "tcp":
            key = (stream.src, stream.src_port, stream.dst, stream.dst_port, stream.ssrc)
            later = LATER_IN_TSHARK.get((opened.name, stream.ssrc), 0)
            if key in listed:
                assert stream.quality.packets == listed[key] + later
            else:
                # ICE over TCP, which tshark does not look for: the call goes on over UDP with the
                # next sequence number.
                (after,) = (
                    other.packets.sequence[0]
                    for other in opened.streams()
                    if other.ssrc == stream.ssrc and other.flow.transport == "udp"
                )
                assert after == stream.packets.sequence[-1] + 1


def test_every_exception_belongs_to_a_capture_and_has_a_reason() -> None:
    require_captures()
    names = set(capture_names())
    for key, reason in exceptions().items():
        assert key[0] in names
        assert reason
