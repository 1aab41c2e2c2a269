"""How long pictures take: ``pytest tests/benchmarks/bench_plots.py``.

``RTPCAP_BENCH_PACKETS`` makes the stream shorter or longer than ten million packets. No file is
read: the columns of the stream are made. What the figures of a stream cost is paid before: a
picture is drawn of what is known. ``--benchmark-timer=time.process_time`` counts only the work.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap.capture.tables import Flows
from rtpcap.rtp.packets import Packets
from rtpcap.streams.call import Call
from rtpcap.streams.discover import Found
from rtpcap.streams.formats import Formats
from rtpcap.streams.streams import Streams
from rtpcap.streams.table import StreamTable
from rtpcap.views import plot

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "10000000"))
START_NS = 1_700_000_000 * 10**9
PACKET_NS = 20_000_000
TICKS, PAYLOAD, HEADER = 160, 160, 12
LOST = 0.005
POINTS = 4
"""In a column of pixels no picture has more."""


def made(count: int, streams: int = 1) -> Streams:
    """Streams of G.711 without a file, `count` packets sent; some lost, all with jitter."""
    random = np.random.default_rng(7)
    each = count // streams
    parts = []
    for _ in range(streams):
        sent = np.flatnonzero(random.random(each) >= LOST)
        parts.append(sent)
    lengths = np.array([len(part) for part in parts])
    sent = np.concatenate(parts)
    owner = np.repeat(np.arange(streams), lengths)
    n = len(sent)
    time_ns = START_NS + sent * PACKET_NS + np.abs(random.normal(0, 2e6, n)).astype(np.int64)
    packet = np.zeros(HEADER + PAYLOAD, np.uint8)
    packet[0], packet[HEADER:] = 0x80, random.integers(0, 256, PAYLOAD)
    packets = Packets(
        blocks=(packet,),
        block=np.zeros(n, np.uint16),
        begin=np.zeros(n, np.int64),
        size=np.full(n, HEADER + PAYLOAD, np.uint16),
        word0=(0x80000000 + (sent & 0xFFFF)).astype(np.uint32),
        timestamp=((sent * TICKS) & 0xFFFFFFFF).astype(np.uint32),
        ssrc=(1 + owner).astype(np.uint32),
        payload_offset=np.full(n, HEADER, np.uint16),
        payload_size=np.full(n, PAYLOAD, np.uint16),
        fault=np.zeros(n, np.uint8),
        frame=np.arange(1, n + 1, dtype=np.uint32),
        time_ns=time_ns,
    )
    starts = lengths.cumsum() - lengths
    flows = Flows()
    src = np.array([0x0A000001, 0x0A000002], np.uint32)
    ports = np.array([4000 << 16 | 4002, 4002 << 16 | 4000], np.uint32)
    both = flows.number(flows.ipv4(src, src[::-1], ports))
    header, interface = np.full(n, 42, np.uint16), np.zeros(n, np.uint16)
    flow = both[np.arange(streams) % 2].astype(np.int32)
    found = Found(packets, starts, flow, header, interface)
    formats = Formats.find(packets, starts, {})
    return Streams.of(StreamTable(found, flows, formats, START_NS))


@pytest.fixture(scope="module")
def stream() -> rtpcap.Stream:
    (only,) = made(PACKETS)
    # What is known of it before a picture is asked for.
    _ = (only.quality, only.ledger, only.gaps, only.per_packet, only.jitter_ms)
    only.buffer_curve()
    return only


def drawn(benchmark: BenchmarkFixture, work: Callable[[], Axes]) -> None:
    """Time a picture until it is an image, and look that no line has more points than it may."""
    done: list[Axes] = []

    def once() -> None:
        ax = work()
        ax.figure.figure.canvas.draw()
        done[:] = [ax]

    repeat: Callable[..., object] = benchmark.pedantic
    repeat(once, rounds=3, warmup_rounds=1)
    benchmark.extra_info["packets"] = PACKETS
    (ax,) = done
    for each in (*ax.figure.figure.axes, *ax.child_axes):
        for line in each.lines:
            assert len(np.asarray(line.get_xdata())) <= POINTS * max(100, each.bbox.width)


@pytest.mark.parametrize("kind", ["gaps", "jitter", "quality", "buffer"])
def test_a_stream(benchmark: BenchmarkFixture, stream: rtpcap.Stream, kind: str) -> None:
    drawn(benchmark, lambda: stream.plot(kind=kind))  # type: ignore[arg-type]


def test_many_streams(benchmark: BenchmarkFixture) -> None:
    streams = made(PACKETS, 1000)
    _ = streams[0].quality
    drawn(benchmark, lambda: plot.timeline(streams))


def test_the_sound_of_an_hour(benchmark: BenchmarkFixture) -> None:
    (hour,) = made(180_000)
    drawn(benchmark, lambda: hour.plot(kind="waveform"))


def test_the_spectra_of_an_hour(benchmark: BenchmarkFixture) -> None:
    (hour,) = made(180_000)
    drawn(benchmark, lambda: hour.plot(kind="spectrogram"))


def test_a_call_of_an_hour(benchmark: BenchmarkFixture) -> None:
    one, other = made(360_000, 2)
    drawn(benchmark, lambda: Call("guessed-1", [one], [other]).plot())
