"""Loss, copies and jitter that another project published with its captures."""

from __future__ import annotations

import pytest

import rtpcap
from tests.reference.facts import Golden, golden_streams, require_captures
from tests.reference.rules import arrivals, published_jitter


@pytest.fixture(params=range(11))
def golden(request: pytest.FixtureRequest) -> Golden:
    """A row of the golden file at a time."""
    require_captures()
    index: int = request.param
    return golden_streams()[index]


def stream_of(golden: Golden) -> rtpcap.Stream:
    capture = rtpcap.open(require_captures() / golden.capture)
    (stream,) = (stream for stream in capture.streams if stream.ssrc == golden.ssrc)
    return stream


def test_counts(golden: Golden) -> None:
    row = stream_of(golden).row()
    copies = int(str(row["duplicates"])) + int(str(row["captured_twice"]))
    assert copies == golden.duplicates
    assert int(str(row["packets"])) - copies == golden.packets
    assert row["lost"] == golden.lost


def test_jitter_by_our_definition(golden: Golden) -> None:
    row = stream_of(golden).row()
    assert (row["jitter_ms"], row["jitter_max_ms"], row["jitter_last_ms"]) == pytest.approx(
        (golden.jitter_ms, golden.jitter_max_ms, golden.jitter_last_ms), rel=0, abs=1e-5
    )


def test_jitter_by_the_published_rule(golden: Golden) -> None:
    jitter = published_jitter(arrivals(stream_of(golden).packets))
    # Published to six decimals.
    assert (jitter.mean, jitter.maximum, jitter.last) == pytest.approx(
        (golden.mean_ticks, golden.max_ticks, golden.last_ticks), rel=0, abs=1e-6
    )
