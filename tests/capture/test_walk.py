"""Walking chains of records: a plain loop says what is right."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from rtpcap.capture.files.lanes import Chain, lanes
from rtpcap.capture.files.walk import walk

MARGIN = 128
Order = Literal["<", ">"]


def chain(order: Order) -> Chain:
    """Records of a 4-byte mark, a length, and so many bytes: eight bytes are their head."""
    return Chain(order, field=4, extra=8, least=0, most=4000, signature=(0, 4))


def records(
    sizes: list[int], order: Order, rng: np.random.Generator, *, fill: bytes | None = None
) -> bytes:
    parts = []
    for size in sizes:
        body = rng.bytes(size) if fill is None else (fill * (size // len(fill) + 1))[:size]
        parts.append(struct.pack(f"{order}II", 0x5AFE0001, size) + body)
    return b"".join(parts)


def step_by_step(data: bytes, begin: int, end: int, chain: Chain) -> tuple[list[int], int]:
    begins, pos = list[int](), begin
    while pos + 8 <= end:
        (length,) = struct.unpack_from(f"{chain.order}I", data, pos + 4)
        if length > chain.most or length % chain.multiple or pos + 8 + length > end:
            break
        begins.append(pos)
        pos += 8 + length
    return begins, pos


def padded(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data + bytes(MARGIN), np.uint8).copy()


def check(data: bytes, begin: int, end: int, chain: Chain) -> int:
    """How many records there are, by both ways."""
    begins, stop = walk(padded(data), begin, end, chain)
    expected, expected_stop = step_by_step(data, begin, end, chain)
    assert begins.tolist() == expected
    assert stop == expected_stop
    return len(expected)


SHAPES: dict[str, Callable[[np.random.Generator], list[int]]] = {
    "equal": lambda rng: [172] * 8000,
    "runs": lambda rng: np.repeat(rng.integers(0, 400, 300), rng.integers(1, 90, 300)).tolist(),
    "mixed": lambda rng: rng.choice([12, 32, 36, 45, 92, 172, 1400], 9000).tolist(),
    "any": lambda rng: rng.integers(0, 1500, 3000).tolist(),
    "tiny": lambda rng: rng.integers(0, 4, 80_000).tolist(),
    "large": lambda rng: rng.integers(2100, 4000, 800).tolist(),
    "few_small_among_large": lambda rng: rng.choice([3900, 1], 2000, p=[0.4, 0.6]).tolist(),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", SHAPES)
def test_chains_of_any_shape(shape: str, order: Order) -> None:
    rng = np.random.default_rng(len(shape))
    sizes = SHAPES[shape](rng)
    data = bytes(13) + records(sizes, order, rng)
    assert check(data, 13, len(data), chain(order)) == len(sizes)


@pytest.mark.parametrize("fake", [0, 16, 40, 4000, 4001, 0xFFFFFFF0])
def test_payloads_that_look_like_records(fake: int) -> None:
    """Lanes that start in a payload must not change the result."""
    rng = np.random.default_rng(fake)
    sizes = rng.integers(100, 900, 3000).tolist()
    fill = struct.pack("<II", 0x5AFE0001, fake) + bytes(16)
    data = records(sizes, "<", rng, fill=fill)
    assert check(data, 0, len(data), chain("<")) == len(sizes)


def test_chains_that_break_in_the_middle() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(0, 700, 4000).tolist()
    whole = records(sizes, "<", rng)
    places = np.cumsum([0, *(8 + size for size in sizes)])
    for broken in (0, 1, 399, 400, 401, 1500, 3999):
        data = bytearray(whole)
        struct.pack_into("<I", data, int(places[broken]) + 4, 4001)
        assert check(bytes(data), 0, len(data), chain("<")) == broken
    for end in rng.integers(0, len(whole), 12).tolist():
        assert check(whole, 0, end, chain("<")) == np.searchsorted(places, end, side="right") - 1


def test_random_bytes_are_walked_as_far_as_they_lead() -> None:
    rng = np.random.default_rng(6)
    for most in (4000, 0xFFFFFFFF):
        data = rng.bytes(1 << 20)
        check(data, 0, len(data), Chain("<", 4, 8, 0, most, (0, 4)))


def test_lengths_off_their_multiple_end_the_chain() -> None:
    rng = np.random.default_rng(7)
    four = Chain("<", 4, 8, 0, 4000, (0, 4), multiple=4)
    sizes = (rng.integers(0, 300, 6000) * 4).tolist()
    data = records(sizes, "<", rng)
    assert check(data, 0, len(data), four) == len(sizes)
    sizes[5000] += 2
    data = records(sizes, "<", rng)
    assert check(data, 0, len(data), four) == 5000


def test_lanes_reach_nearly_the_end_of_mixed_records() -> None:
    """The way that is quick is taken: what is left for single steps is less than a lane or two."""
    rng = np.random.default_rng(8)
    data = records(rng.choice([12, 32, 172, 600], 20_000).tolist(), "<", rng)
    begins, stop = lanes(padded(data), 0, len(data), chain("<"))
    expected, _ = step_by_step(data, 0, len(data), chain("<"))
    assert begins.tolist() == expected[: len(begins)]
    assert stop > 0.95 * len(data)
