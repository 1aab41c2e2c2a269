"""TCP that is no VoIP, and some that is: ``pytest tests/benchmarks/bench_tcp.py``.

Each shape is read through `ByteStreams` a chunk at a time; nanoseconds a segment are in extra_info.
One connection with SIP in it is hidden in each: its messages are the only ones that come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from rtpcap.capture.tables import Tally
from rtpcap.capture.tcp import ByteStreams, Segments
from tests.capture.framed import calls

FIN, SYN, RST, ACK = 1, 2, 4, 16
CHUNK = 50_000
MESSAGES = calls(8)


@dataclass(frozen=True)
class Shape:
    """Segments as equal-length columns; payloads are rows of one table of bytes, `size` of each."""

    key: NDArray[np.int32]
    sequence: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    size: NDArray[np.int64]
    payloads: NDArray[np.uint8]


def random_bytes(rng: np.random.Generator, count: int, width: int) -> NDArray[np.uint8]:
    return rng.integers(256, size=(count, width), dtype=np.uint8)


def one_pair_of_ends(rng: np.random.Generator, count: int = 33_000) -> Shape:
    """Random bytes, sequence numbers and flags, all between the same ends."""
    shape = many_pairs_of_ends(rng, count)
    return Shape(np.zeros(count, np.int32), shape.sequence, shape.flags, shape.size, shape.payloads)


def many_pairs_of_ends(rng: np.random.Generator, count: int = 100_000) -> Shape:
    """One segment each, with random flags."""
    flags = rng.integers(64, size=count, dtype=np.uint8)
    return Shape(
        np.arange(count, dtype=np.int32),
        rng.integers(1 << 32, size=count, dtype=np.uint32),
        flags,
        rng.integers(4, 216, size=count),
        random_bytes(rng, count, 216),
    )


def samples(rng: np.random.Generator, count: int = 100_000) -> Shape:
    """One segment each, from the middle of a connection."""
    shape = many_pairs_of_ends(rng, count)
    flags = np.full(count, ACK, np.uint8)
    return Shape(shape.key, shape.sequence, flags, shape.size, shape.payloads)


def opened_tls(rng: np.random.Generator, count: int = 100_000) -> Shape:
    """An opening and one segment of TLS each."""
    payloads = random_bytes(rng, 2 * count, 216)
    payloads[:, :3] = (0x16, 3, 1)
    first = rng.integers(1 << 32, size=count, dtype=np.uint32)
    row = np.arange(2 * count)
    return Shape(
        (row // 2).astype(np.int32),
        first.repeat(2) + (row % 2).astype(np.uint32),
        np.where(row % 2, ACK, SYN).astype(np.uint8),
        np.where(row % 2, 216, 0),
        payloads,
    )


def bulk_tls(rng: np.random.Generator, count: int = 1_000_000, pairs: int = 50) -> Shape:
    """Long connections from their opening on; the payloads overlap in memory."""
    payloads = random_bytes(rng, 1000, 1448)
    payloads[:, :3] = (0x17, 3, 3)
    return _bulk(payloads, count, pairs, opened=True)


def bulk_of_anything(rng: np.random.Generator, count: int = 1_000_000, pairs: int = 50) -> Shape:
    """Long connections from their middle, encrypted."""
    return _bulk(random_bytes(rng, 1000, 1448), count, pairs, opened=False)


def _bulk(payloads: NDArray[np.uint8], count: int, pairs: int, *, opened: bool) -> Shape:
    row = np.arange(count)
    turn = row // pairs
    size = np.full(count, payloads.shape[1])
    sequence = turn * payloads.shape[1]
    flags = np.full(count, ACK, np.uint8)
    if opened:
        flags[:pairs], size[:pairs] = SYN, 0
        sequence = np.where(turn > 0, (turn - 1) * payloads.shape[1] + 1, 0)
    return Shape((row % pairs).astype(np.int32), sequence.astype(np.uint32), flags, size, payloads)


SHAPES: dict[str, Callable[[np.random.Generator], Shape]] = {
    shape.__name__: shape
    for shape in (
        one_pair_of_ends,
        many_pairs_of_ends,
        samples,
        opened_tls,
        bulk_tls,
        bulk_of_anything,
    )
}


def chunks(shape: Shape) -> list[Segments]:
    """The segments, and in the middle of them a connection of SIP between other ends."""
    out = list(_chunks(shape))
    messages = np.frombuffer(b"".join(MESSAGES), np.uint8)[None]
    size = np.array([0, messages.shape[1]])
    key = np.full(2, shape.key.max() + 1, np.int32)
    flags, sequence = np.array([SYN, ACK], np.uint8), np.array([7, 8], np.uint32)
    out[len(out) // 2 : 0] = _chunks(Shape(key, sequence, flags, size, messages))
    return out


def _chunks(shape: Shape) -> Iterator[Segments]:
    data = shape.payloads.reshape(-1)
    for first in range(0, len(shape.key), CHUNK):
        part = slice(first, first + CHUNK)
        row = np.arange(first, min(first + CHUNK, len(shape.key)))
        begin = row % len(shape.payloads) * shape.payloads.shape[1]
        yield Segments(
            data=data,
            frame=row.astype(np.uint32),
            time_ns=row * 1000,
            interface=np.zeros(len(row), np.uint16),
            key=shape.key[part],
            sequence=shape.sequence[part],
            flags=shape.flags[part],
            begin=begin,
            end=begin + shape.size[part],
            missing=np.zeros(len(row), np.int64),
        )


def read(tables: list[Segments]) -> list[bytes]:
    streams = ByteStreams(Tally())
    out = []
    for found in [*map(streams.take, tables), streams.finish()]:
        if found is not None:
            places = zip(found.begin.tolist(), found.end.tolist(), strict=True)
            out += [found.data[begin:end].tobytes() for begin, end in places]
    return out


@pytest.mark.parametrize("name", SHAPES)
def test_segments(name: str, benchmark: BenchmarkFixture) -> None:
    tables = chunks(SHAPES[name](np.random.default_rng(5)))
    repeat: Callable[..., list[bytes]] = benchmark.pedantic
    found = repeat(read, (tables,), rounds=5, warmup_rounds=1)
    assert found == MESSAGES
    assert benchmark.stats is not None
    count = sum(map(len, tables))
    benchmark.extra_info["segments"] = count
    benchmark.extra_info["ns_per_segment"] = round(benchmark.stats.stats.median * 1e9 / count)
