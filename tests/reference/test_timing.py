"""Delta, skew and bandwidth beside Wireshark's, packet by packet, over the shipped captures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.streams.timing import bandwidth_now, delta, transit
from tests import peers
from tests.reference.rules import STATIC_CLOCKS, arrivals
from tests.reference.wireshark import StreamKey, analyse, deltas, tshark_delta

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
MORE = ROOT.parent / "shared" / "fixtures"
"""Captures beside the project, of which one with comfort noise is read where it is there."""

DELTAS = ("gst-dtmf.pcap", "gst-reorder.pcap", "net-dup.pcap", "pj-pcmavad.pcap", "pj-g729vad.pcap")
PRINTED = 0.0006
"""tshark prints to 0.001 ms; a little more than half of it, for halves."""
ROUNDED = 0.0051
"""sharkd gives hundredths."""
START = np.zeros(1, np.int64)


def key_of(stream: rtpcap.Stream) -> StreamKey:
    return (stream.src, stream.src_port, stream.dst, stream.dst_port, stream.ssrc)


@pytest.mark.peer
@pytest.mark.parametrize("name", DELTAS)
def test_delta_of_tshark_from_our_packets(name: str) -> None:
    tshark = peers.require("tshark")
    path = FIXTURES / name if (FIXTURES / name).exists() else MORE / name
    if not path.exists():
        pytest.skip(f"the folder shared/fixtures with {name} is not beside the project")
    theirs = deltas(tshark, path)
    compared = 0
    for stream in rtpcap.open(path).streams:
        count, printed = theirs.get(key_of(stream), (0, None))
        if printed is None or count != len(stream):
            continue
        rule = tshark_delta(arrivals(stream.packets))
        assert (rule.least, rule.mean, rule.most) == pytest.approx(
            (printed.least, printed.mean, printed.most), abs=PRINTED
        )
        ours = delta(stream.packets.time_ns, START)
        if not stream.packets.marker[1:].any() and not stream.quality.reordered:
            # No packet that tshark's figures leave out: they are ours.
            figures = (np.nanmin(ours), np.nanmean(ours), np.nanmax(ours))
            assert figures == pytest.approx(
                (printed.least, printed.mean, printed.most), abs=PRINTED
            )
        compared += 1
    assert compared


@pytest.mark.peer
def test_delta_skew_and_bandwidth_of_each_packet_are_wiresharks() -> None:
    sharkd = peers.require("sharkd")
    captures = {path: rtpcap.open(path) for path in sorted(FIXTURES.glob("*.pcap*"))}
    wanted = [(path, [key_of(s) for s in capture.streams]) for path, capture in captures.items()]
    theirs = analyse(sharkd, wanted)
    packets_compared = 0
    for path, capture in captures.items():
        for stream in capture.streams:
            items = theirs.get((path, key_of(stream)), [])
            packets = stream.packets
            if [item.frame for item in items] != packets.frame.tolist():
                continue
            n = len(packets)
            size, time_ns = packets.size, packets.time_ns
            ours = np.nan_to_num(delta(time_ns, START))
            assert ours == pytest.approx([item.delta_ms for item in items], abs=ROUNDED)
            header = 48 if ":" in stream.src else 28
            now = bandwidth_now(size, time_ns, START, header)
            assert now == pytest.approx([item.kbps for item in items], abs=ROUNDED)
            # Events and dynamic numbers have no clock there, so no skew; others one in whole kHz.
            known = [STATIC_CLOCKS.get(int(t), 0) for t in packets.payload_type]
            clocks = np.array(known) // 1000 * 1000
            zeros = np.zeros(n, np.int32)
            skew = transit(packets.timestamp, time_ns, clocks, zeros, zeros).skew_ms(n)
            told = ~np.isnan(skew)
            listed = np.array([item.skew_ms for item in items])
            assert skew[told] == pytest.approx(listed[told], abs=ROUNDED)
            packets_compared += n
    assert packets_compared > 1000
