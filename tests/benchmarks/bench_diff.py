"""Two captures of a million packets side by side: ``pytest tests/benchmarks/bench_diff.py``.

``RTPCAP_BENCH_PACKETS`` makes them smaller or larger. The second one has every hundredth packet
less; `renumbered` also has other SSRCs, sequence numbers and timestamps, as behind a gateway.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap.testing import Difference, diff
from tests.benchmarks import generate

PACKETS = int(os.environ.get("RTPCAP_BENCH_PACKETS", "1000000"))
FILE_HEADER, RECORD_HEADER, RTP = 24, 16, 14 + 20 + 8
SEQUENCE, TIMESTAMP, SSRC = RTP + 2, RTP + 4, RTP + 8
EVERY = 100


def received(sent: Path, path: Path, renumbered: bool) -> int:
    """Write what came of the capture: every hundredth record is lost. Gives how many are."""
    data = np.fromfile(sent, np.uint8)
    length = RECORD_HEADER + int(data[FILE_HEADER + 8 :][:4].view("<u4")[0])
    records = data[FILE_HEADER:].reshape(-1, length)
    lost = np.arange(len(records)) % EVERY == EVERY // 2
    kept = records[~lost]
    if renumbered:
        for place, dtype, more in ((SEQUENCE, ">u2", 40000), (TIMESTAMP, ">u4", 9 << 28)):
            begin = RECORD_HEADER + place
            field = kept[:, begin : begin + np.dtype(dtype).itemsize]
            moved = np.ascontiguousarray(field).view(dtype) + np.dtype(dtype).type(more)
            field[:] = moved.astype(dtype).view(np.uint8)
        kept[:, RECORD_HEADER + SSRC] ^= 0xA5
    with path.open("wb") as file:
        file.write(data[:FILE_HEADER].tobytes())
        file.write(kept.tobytes())
    return int(lost.sum())


def difference(a: Path, b: Path) -> Difference:
    return diff(rtpcap.open(a), rtpcap.open(b))


@pytest.mark.parametrize("renumbered", [False, True], ids=["same-numbers", "renumbered"])
def test_two_captures(renumbered: bool, benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    generate.KINDS["many"](tmp_path / "a.pcap", PACKETS)
    lost = received(tmp_path / "a.pcap", tmp_path / "b.pcap", renumbered)
    repeat: Callable[..., Difference] = benchmark.pedantic
    found = repeat(
        difference, (tmp_path / "a.pcap", tmp_path / "b.pcap"), rounds=3, warmup_rounds=1
    )
    gone = sum(len(pair.lost) for pair in found.streams)
    kept = sum(len(stream) for stream in rtpcap.open(tmp_path / "b.pcap").streams)
    assert (gone, found.matched) == (lost, kept)
    assert found.beyond() == ["lost"]
