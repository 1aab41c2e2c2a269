"""What diff finds between a capture and the same one impaired is what impair did to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.rtp.packets import NO_TIME
from rtpcap.testing.diff import Change, Difference, Tolerance, diff
from rtpcap.testing.impair import Done, Faults, Impairment, impair
from rtpcap.testing.make import make
from rtpcap.testing.make.sound import Samples
from tests.testing.test_make import RATE, speech_like

FAULTS = {"bit-error": "payload", "truncated": "cut", "timestamp": "timestamp"}


def tone(hertz: float, seconds: float = 4.0) -> Samples:
    """440 Hz repeats every fifth packet of 20 ms, 400 Hz in every one."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(np.rint(9000 * np.sin(2 * np.pi * hertz * time)), np.int16)


SOUNDS = {
    "noise": np.stack([speech_like(4), speech_like(4, 2)], axis=1),
    "cycle": np.stack([tone(440), tone(880)], axis=1),
    "constant": np.stack([tone(400), tone(800)], axis=1),
    "silence": np.zeros((4 * RATE, 2), np.int16),
}


@pytest.fixture(scope="module", params=SOUNDS)
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("clean") / f"{request.param}.pcap"
    make(path, (SOUNDS[request.param], RATE), digits="12" if request.param == "noise" else "")
    return str(path)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("noise") / "noise.pcap"
    make(path, (SOUNDS["noise"], RATE), digits="159")
    return str(path)


@dataclass
class Truth:
    """What became of each packet, by the frames of both captures."""

    matched: dict[int, int] = field(default_factory=dict)
    """Frame in the second -> frame in the first, of first copies."""
    lost: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    changed: dict[int, set[str]] = field(default_factory=dict)
    reordered: set[int] = field(default_factory=set)


def truth_of(done: Done, a: rtpcap.Capture, b: rtpcap.Capture) -> Truth:
    """The truth that impair wrote, and what follows from it."""
    told: dict[int, Mapping[str, Any]] = {}
    gone: dict[str, set[int]] = {"lost": set(), "silent": set()}
    for change in done.changes:
        if change["frame"] is None:
            words: Any = change["done"]
            gone[words[0]].add(change["from_frame"])  # type: ignore[arg-type]
        else:
            told[change["frame"]] = change  # type: ignore[index]
    # Frames that nothing is told of are there as they were, in the order they were in.
    firsts = [change for change in told.values() if "duplicate" not in change["done"]]
    sources = {change["from_frame"] for change in firsts}
    left = set(range(1, a.frames + 1)) - sources - gone["lost"] - gone["silent"]
    untold = [frame for frame in range(1, b.frames + 1) if frame not in told]
    source = dict(zip(untold, sorted(left), strict=True))
    source |= {frame: change["from_frame"] for frame, change in told.items()}
    truth = Truth(lost=gone["lost"] | gone["silent"])
    seen: set[int] = set()
    for stream in a.streams:
        highest = 0
        frames, markers = stream.packets.frame.tolist(), stream.packets.marker.tolist()
        after_silence = {
            now for before, now in zip(frames, frames[1:], strict=False)
            if before in gone["silent"] and now not in gone["silent"]
        }  # fmt: skip
        marked = dict(zip(frames, markers, strict=True))
        for frame in sorted(frame for frame, begin in source.items() if begin in marked):
            begin = source[frame]
            words = set(told.get(frame, {}).get("done", ()))
            if begin in seen:
                truth.doubled.add(frame)
                continue
            seen.add(begin)
            truth.matched[frame] = begin
            kinds = {FAULTS[word] for word in words if word in FAULTS}
            if "cut" in kinds:
                kinds -= {"payload"}
            if not marked[begin] and ("restart" in words or begin in after_silence):
                kinds.add("marker")
            if kinds:
                truth.changed[frame] = kinds
            if begin < highest:
                truth.reordered.add(frame)
            highest = max(highest, begin)
    return truth


def found_by(found: Difference) -> Truth:
    """The same, as diff says it."""
    out = Truth()
    for pair in found.streams:
        assert pair.how == "content"
        assert not len(pair.added)
        out.matched |= dict(zip(pair.frame_b.tolist(), pair.frame_a.tolist(), strict=True))
        out.lost |= set(pair.lost.tolist())
        out.doubled |= set(pair.duplicates.tolist())
        out.reordered |= set(pair.reordered.tolist())
        for frame, code in zip(pair.frame_b.tolist(), pair.change.tolist(), strict=True):
            if code:
                out.changed[frame] = {kind.label for kind in Change(code)}
    return out


def times(capture: rtpcap.Capture) -> dict[int, int]:
    return {
        frame: time_ns
        for stream in capture.streams
        for frame, time_ns in zip(
            stream.packets.frame.tolist(), stream.packets.time_ns.tolist(), strict=True
        )
    }


def check(
    clean: str, out: Path, network: Impairment, faults: Faults, seed: int
) -> tuple[Difference, Truth]:
    a = rtpcap.open(clean)
    # Who suppresses silence does so in speech, not in the middle of a key: the callee presses none.
    streams = a.streams[1:] if network.silence_pct else None
    done = impair(a, out, network, faults, seed=seed, streams=streams)
    b = rtpcap.open(out)
    found, truth = diff(a, b, audio=False), truth_of(done, a, b)
    assert found_by(found) == truth
    before, after = times(a), times(b)
    for pair in found.streams:
        delays = [
            after[there] - before[here]
            for here, there in zip(pair.frame_a.tolist(), pair.frame_b.tolist(), strict=True)
        ]
        assert pair.delay_ns.tolist() == delays
    return found, truth


NETWORKS = {
    "bursts": (Impairment(loss_pct=8, mean_run=3), Faults()),
    "network": (
        Impairment(loss_pct=4, duplicate_pct=5, reorder_pct=5, reorder_by=3, jitter_ms=4),
        Faults(),
    ),
    "overtaking": (Impairment(jitter_ms=30, keep_order=False, late_pct=3), Faults()),
    "restarts": (Impairment(loss_pct=4, restarts=3, jitter_ms=2), Faults()),
    "new-ssrc": (Impairment(loss_pct=4, restarts=3, new_ssrc=True, duplicate_pct=3), Faults()),
    "silence": (Impairment(silence_pct=20, silence_packets=12, loss_pct=3), Faults()),
    "inside": (Impairment(loss_pct=3), Faults(bit_error_pct=5, truncate_pct=5, timestamp_pct=3)),
    "strangers": (Impairment(duplicate_pct=3), Faults(ssrc_pct=3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_done_is_found_exactly(clean: str, name: str, tmp_path: Path) -> None:
    network, faults = NETWORKS[name]
    for seed in (1, 2):
        found, truth = check(clean, tmp_path / "out.pcap", network, faults, seed)
        assert truth.lost or truth.doubled or truth.changed or truth.reordered
        assert found.differs()
