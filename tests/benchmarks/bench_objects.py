"""One packet at a time: ``pytest tests/benchmarks/bench_objects.py``. Rates are in extra_info."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap.codecs.registry import find

PACKETS = 20_000
REVERSED = 1200
TICKS = 160
PCMU = {0: rtpcap.PayloadType.PCMU}


def packets(count: int) -> list[bytes]:
    """Packets of 172 bytes: PCMU in 20 ms, one after the other."""
    body = bytes(range(TICKS))
    return [
        struct.pack(">BBHII", 0x80, 0, number & 0xFFFF, TICKS * number, 0x1234) + body
        for number in range(count)
    ]


def timed(benchmark: BenchmarkFixture, work: Callable[[], object], count: int) -> None:
    """Time `work`, which handles `count` packets."""
    repeat: Callable[..., object] = benchmark.pedantic
    repeat(work, rounds=9, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["packets_per_second"] = round(count / benchmark.stats.stats.median)


def test_parse(benchmark: BenchmarkFixture) -> None:
    raw = packets(PACKETS)
    parsed: list[rtpcap.RTPMessage] = []

    def work() -> None:
        parsed[:] = [rtpcap.RTPMessage(data, PCMU) for data in raw]

    timed(benchmark, work, PACKETS)
    assert [message.timestamp for message in parsed] == [TICKS * n for n in range(PACKETS)]
    assert parsed[-1].payload == bytes(range(TICKS))


def test_write_in_order(benchmark: BenchmarkFixture) -> None:
    body = bytes(TICKS)
    managers: list[rtpcap.RTPPacketManager] = []

    def work() -> None:
        manager = rtpcap.RTPPacketManager()
        for number in range(PACKETS):
            manager.write(TICKS * number, body)
        managers[:] = [manager]

    timed(benchmark, work, PACKETS)
    assert managers[0].read(TICKS * PACKETS) == bytes(TICKS * PACKETS)


def test_write_fully_reversed(benchmark: BenchmarkFixture) -> None:
    # 80 ticks apart: all 1,200 stay within the 100,000 ticks that a late packet may lie behind.
    step = 80
    bodies = [bytes([number & 0xFF]) * step for number in range(REVERSED)]
    managers: list[rtpcap.RTPPacketManager] = []

    def work() -> None:
        manager = rtpcap.RTPPacketManager()
        for number in reversed(range(REVERSED)):
            manager.write(step * number, bodies[number])
        managers[:] = [manager]

    timed(benchmark, work, REVERSED)
    assert managers[0].read(step * REVERSED) == b"".join(bodies)


def test_parse_decode_and_write(benchmark: BenchmarkFixture) -> None:
    raw = packets(PACKETS)
    decode = find(rtpcap.Format("PCMU", 8000)).decode
    managers: list[rtpcap.RTPPacketManager] = []

    def work() -> None:
        manager = rtpcap.RTPPacketManager(bytes_per_tick=2, silence=b"\x00\x00")
        for data in raw:
            message = rtpcap.RTPMessage(data, PCMU)
            manager.write(message.timestamp, decode(message.payload).tobytes())
        managers[:] = [manager]

    timed(benchmark, work, PACKETS)
    samples = np.frombuffer(managers[0].read(2 * TICKS * PACKETS), dtype=np.int16)
    assert np.array_equal(samples, np.tile(decode(bytes(range(TICKS))), PACKETS))
