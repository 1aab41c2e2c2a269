"""DataFrames of many streams, in CPU time: ``pytest tests/benchmarks/bench_frames.py``.

The limit of `MOST_S` is for `Streams.to_frame` of `STREAMS` streams whose figures are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from tests.benchmarks import generate
from tests.benchmarks.generate import Truth

STREAMS = 10_000
PACKETS = 30 * STREAMS
MOST_S = 0.2
"""Seconds of CPU time that the whole table may take; told beside the figure, not asserted."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    path = tmp_path_factory.mktemp("frames") / "many.pcap"
    return path, generate.many(path, PACKETS, STREAMS)


@pytest.mark.parametrize("quality", [False, True], ids=["streams", "quality"])
def test_frame_of_many_streams(
    quality: bool, benchmark: BenchmarkFixture, many: tuple[Path, list[Truth]]
) -> None:
    path, truth = many
    first: list[float] = []

    def opened() -> tuple[tuple[rtpcap.Streams], dict[str, Any]]:
        streams = rtpcap.open(path).streams
        _ = streams[0].quality, streams[0].quality.r
        return (streams,), {}

    def frame_of(streams: rtpcap.Streams) -> Any:
        begin = time.process_time()
        frame = streams.to_frame(quality=quality)
        first.append(time.process_time() - begin)
        return frame

    # The first table of a capture: handles have remembered nothing yet.
    repeat: Callable[..., Any] = benchmark.pedantic
    frame = repeat(frame_of, setup=opened, rounds=7, warmup_rounds=1)
    benchmark.extra_info["cpu_s"] = round(min(first), 3)
    benchmark.extra_info["most_s"] = MOST_S
    lost = {stream.ssrc: stream.lost for stream in truth}
    assert {int(s, 16): n for s, n in zip(frame["ssrc"], frame["lost"], strict=True)} == lost
