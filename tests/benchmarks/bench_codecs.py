"""How many times faster than it was spoken: ``pytest tests/benchmarks/bench_codecs.py``.

Each decodes a stream of ten minutes in packets of 20 ms, as it lies in a capture, in one process.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from time import process_time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rtpcap.audio.line import WINDOW
from rtpcap.audio.rendering import Fill, Rendering
from rtpcap.audio.track import Track
from rtpcap.codecs import Decoded, Payloads, find
from rtpcap.codecs.recognise import Recognised, recognise
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format
from tests.codecs.cases import CASES
from tests.codecs.senders import by_pyav
from tests.codecs.voices import speech

SECONDS = 600
PACKET_MS = 20

# Times real time on one core, at least (issue "Every codec on a true time line").
WANTED = {
    "PCMU": 20_000,
    "PCMA": 20_000,
    "L16": 20_000,
    "DVI4": 600,
    "G722": 1500,
    "G726-16": 1500,
    "G726-24": 1500,
    "G726-32": 1500,
    "G726-40": 1500,
    "GSM": 1500,
    "G729": 600,
    "G723": 600,
    "AMR": 600,
    "AMR-WB": 600,
    "opus": 600,
    "speex": 300,
}


def stream(name: str) -> tuple[Format, list[bytes]]:
    """A stream of ten minutes: speech, again and again."""
    if name == "AMR":
        fmt = Format("AMR", 8000, 1, "octet-align=1")
        frames = by_pyav("libopencore_amrnb", speech(8000), 8000, bit_rate=12200)
        payloads = [b"\xf0" + frame for frame in frames]
        duration = 0.02 * len(payloads)
    else:
        case = next(case for case in CASES if case.format.name == name)
        fmt = case.format
        payloads = case.send(speech(case.rate))
        duration = len(payloads) * case.packet_samples / case.rate
        # Two frames of G.729 are a packet of 20 ms.
        if name == "G729":
            pairs = zip(payloads[::2], payloads[1::2], strict=False)
            payloads = [one + other for one, other in pairs]
    return fmt, payloads * round(SECONDS / duration)


@pytest.mark.parametrize("name", WANTED)
def test_times_real_time(name: str, benchmark: BenchmarkFixture) -> None:
    fmt, payloads = stream(name)
    rows = Payloads.of(payloads)
    decoded: list[Decoded] = []
    spent: list[float] = []

    def work() -> None:
        # What others do on the same machine does not count.
        begin = process_time()
        decoder = find(fmt)
        decoder.measure(rows)
        decoded[:] = [decoder.decode_run(rows)]
        spent.append(process_time() - begin)

    repeat: Callable[..., None] = benchmark.pedantic
    repeat(work, rounds=3, warmup_rounds=1)
    seconds = len(decoded[0].samples) / find(fmt).sample_rate
    benchmark.extra_info["times_real_time"] = round(seconds / min(spent))
    benchmark.extra_info["wanted"] = WANTED[name]
    assert abs(seconds - SECONDS) < 5
    assert not decoded[0].reason.any()
    assert np.abs(decoded[0].samples).max() > 10_000


def packets_of(fmt: Format, payloads: list[bytes], number: int = 96) -> Packets:
    """A stream as it lies in a capture, a packet each time one is due."""
    decoder = find(fmt)
    counts = decoder.measure(Payloads.of(payloads)).samples
    ends = counts.cumsum() - counts
    ticks = ends * fmt.clock_rate // decoder.sample_rate
    heads = [
        struct.pack(">BBHII", 0x80, number, i & 0xFFFF, int(tick) & 0xFFFFFFFF, 1)
        for i, tick in enumerate(ticks)
    ]
    sizes = np.array([12 + len(payload) for payload in payloads], np.int64)
    data = b"".join(head + payload for head, payload in zip(heads, payloads, strict=True))
    end = sizes.cumsum()
    time_ns = ends * 1_000_000_000 // decoder.sample_rate
    return Packets.parse((np.frombuffer(data, np.uint8),), end - sizes, end, time_ns=time_ns)


@pytest.mark.parametrize("fill", ["silence", "conceal"])
@pytest.mark.parametrize("name", WANTED)
def test_whole_stream(name: str, fill: Fill, benchmark: BenchmarkFixture) -> None:
    """Laid out and read from front to back; with `conceal` one packet in a hundred is lost."""
    fmt, payloads = stream(name)
    packets = packets_of(fmt, payloads)
    if fill == "conceal":
        packets = packets[np.flatnonzero(np.arange(len(packets)) % 100 != 50)]
    spent: list[float] = []

    def work() -> None:
        begin = process_time()
        track = Track.lay(packets, {96: fmt}, rendering=Rendering(fill=fill))
        for start in range(0, track.length, WINDOW):
            track.read(start, min(start + WINDOW, track.length))
        spent.append(process_time() - begin)
        assert abs(track.length / track.rate - SECONDS) < 5

    repeat: Callable[..., None] = benchmark.pedantic
    repeat(work, rounds=3, warmup_rounds=1)
    benchmark.extra_info["times_real_time"] = round(SECONDS / min(spent))
    benchmark.extra_info["wanted"] = WANTED[name]


def test_recognising(benchmark: BenchmarkFixture) -> None:
    from tests.codecs.test_recognise import evidence

    here = evidence(stream("G726-32")[1], 160)
    repeat: Callable[..., object] = benchmark.pedantic
    found = repeat(recognise, (here,), rounds=5, warmup_rounds=1)
    assert isinstance(found, Recognised)
    assert found.format == Format("G726-32", 8000)
