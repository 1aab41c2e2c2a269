"""What diff finds between a capture and the same one impaired is what impair did to it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.testing import Difference, Tolerance, diff
from rtpcap.testing.differing import Change
from rtpcap.testing.impairing import Done, Faults, Impairment, impair
from rtpcap.testing.making import make
from rtpcap.testing.making.call import START_NS
from rtpcap.testing.making.sound import Samples
from tests.testing.test_make import RATE, speech_like

FIXTURES = Path("../shared/fixtures")
"""Captures of our own that are too many to be shipped."""

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
            gone[words[0]].add(change["from_frame"])
        else:
            told[change["frame"]] = change
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
            now for before, now in pairwise(frames)
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
    for seed in (1, 2) if "noise" in clean else (10,):
        found, truth = check(clean, tmp_path / "out.pcap", network, faults, seed)
        assert truth.lost or truth.doubled or truth.changed or truth.reordered
        assert found.differs()


@given(
    seed=st.integers(0, 1 << 30),
    shares=st.tuples(*(st.floats(0, 15) for _ in range(4))),
    restarts=st.integers(0, 3),
    new_ssrc=st.booleans(),
    drift_ppm=st.floats(-300, 300),
)
@settings(max_examples=12, deadline=None)
def test_whatever_is_done_is_found(
    noise: str,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    shares: tuple[float, float, float, float],
    restarts: int,
    new_ssrc: bool,
    drift_ppm: float,
) -> None:
    loss, double, reorder, flip = shares
    network = Impairment(
        loss_pct=loss, duplicate_pct=double, reorder_pct=reorder, jitter_ms=3, restarts=restarts,
        new_ssrc=new_ssrc, drift_ppm=drift_ppm, first_sequence=65500,
    )  # fmt: skip
    out = tmp_path_factory.getbasetemp() / "whatever.pcap"
    check(noise, out, network, Faults(bit_error_pct=flip), seed)


@pytest.mark.parametrize("name", ["network", "inside"])
def test_the_other_way_round_lost_are_added(noise: str, name: str, tmp_path: Path) -> None:
    network, faults = NETWORKS[name]
    a = rtpcap.open(noise)
    done = impair(a, tmp_path / "out.pcap", network, faults, seed=3)
    b = rtpcap.open(tmp_path / "out.pcap")
    truth, found = truth_of(done, a, b), diff(b, a, audio=False)
    back = {
        int(frame): int(there)
        for pair in found.streams
        for there, frame in zip(pair.frame_a, pair.frame_b, strict=True)
    }
    assert back == {frame: there for there, frame in truth.matched.items()}
    assert {int(frame) for pair in found.streams for frame in pair.added} == truth.lost
    assert sum(pair.fewer for pair in found.streams) == len(truth.doubled)
    assert not any(len(pair.lost) for pair in found.streams)


def through_gateway(clean: str, out: Path, *, delay_ns: int, drop: int = 0) -> None:
    """As a gateway sends a call on: other numbers, a hop less to live, a little later.

    Every packet whose number on the wire is a multiple of `drop` is lost.
    """
    data = bytearray(Path(clean).read_bytes())
    kept = data[:24]
    at = 24
    while at < len(data):
        seconds, ns, size, _ = struct.unpack_from("<4I", data, at)
        seconds, ns = divmod(seconds * 10**9 + ns + delay_ns, 10**9)
        struct.pack_into("<2I", data, at, seconds, ns)
        # Ethernet, IPv4 without options, UDP without a checksum, RTP.
        ip, udp, rtp = at + 16 + 14, at + 16 + 34, at + 16 + 42
        data[ip + 8] -= 1
        lost = False
        if {4000, 4002} == {*struct.unpack_from(">2H", data, udp)}:
            data[udp + 6 : udp + 8] = bytes(2)
            sequence, timestamp, ssrc = struct.unpack_from(">HII", data, rtp + 2)
            struct.pack_into(
                ">HII", data, rtp + 2, (sequence + 40000) % (1 << 16),
                (timestamp + 0x90000000) % (1 << 32), ssrc ^ 0xA5A5A5A5,
            )  # fmt: skip
            lost = bool(drop) and sequence % drop == 0
        if not lost:
            kept += data[at : at + 16 + size]
        at += 16 + size
    out.write_bytes(kept)


@pytest.mark.parametrize("drop", [0, 7])
def test_a_gateway_that_renumbers_loses_nothing(clean: str, drop: int, tmp_path: Path) -> None:
    through_gateway(clean, tmp_path / "b.pcap", delay_ns=7_000_000, drop=drop)
    a, b = rtpcap.open(clean), rtpcap.open(tmp_path / "b.pcap")
    found = diff(a, b)
    for pair, stream in zip(found.streams, a.streams, strict=True):
        assert pair.a is stream
        numbers = stream.packets.sequence.astype(int)
        gone = numbers % drop == 0 if drop else np.zeros(len(stream), bool)
        assert pair.lost.tolist() == stream.packets.frame[gone].tolist()
        assert pair.frame_a.tolist() == stream.packets.frame[~gone].tolist()
        assert set(pair.delay_ms.tolist()) == {7.0}
        assert pair.renumbered == (
            f"ssrc 0x{stream.ssrc:08x} > 0x{stream.ssrc ^ 0xA5A5A5A5:08x}",
            "sequence -25536",
            f"timestamp {0x90000000 - (1 << 32)}",
        )
        row = pair.row(Tolerance())
        assert [row[key] for key in ("added", "changed", "duplicates", "reordered")] == [0] * 4
        assert row["sound"] == "same"
    assert found.differs() is bool(drop)
    assert found.differs(Tolerance(lost_pct=20)) is False
    assert [digit.result for digit in found.digits] == ["same"] * len(a.dtmf)


@pytest.mark.parametrize(("name", "how"), [("plain", "content"), ("transcode", "sound")])
def test_the_two_legs_of_rtpengine(name: str, how: str, tmp_path: Path) -> None:
    path = FIXTURES / f"re-{name}.pcap"
    if not path.exists():
        pytest.skip("the captures beside the project are not there")
    whole = rtpcap.open(path)
    ends = (31000, 31002)
    before = [stream for stream in whole.streams if stream.src_port in ends]
    after = [stream for stream in whole.streams if stream.dst_port in ends]
    whole.export(tmp_path / "a.pcap", streams=before)
    whole.export(tmp_path / "b.pcap", streams=after)
    known = {96: "opus/48000/2"}
    a, b = (rtpcap.open(tmp_path / f"{leg}.pcap", pt_map=known) for leg in "ab")
    found = diff(a, b)
    # What one end sends the other one gets.
    assert [(p.how, p.a and p.a.src_port, p.b and p.b.dst_port) for p in found.streams] == [
        (how, 31000, 31002),
        (how, 31002, 31000),
    ]
    for pair in found.streams:
        assert pair.a is not None
        if how == "content":
            assert pair.matched == len(pair.a)
            assert (pair.delay_ms > 0).all()
    assert found.differs() is (how == "sound")
    assert not found.differs(Tolerance(residual_dbfs=-40, level_db=4))


def test_a_capture_beside_itself(clean: str) -> None:
    a = rtpcap.open(clean)
    found = diff(a, rtpcap.open(clean))
    assert not found.differs()
    assert found.matched == sum(len(stream) for stream in a.streams)
    assert repr(found).endswith(f"{found.matched} packets matched, no difference>")
    assert all(row["result"] == "same" and not row["beyond"] for row in found.rows())
    assert found._repr_html_().count("<tr>") == 1 + len(found.rows())


def snr_db(said: Samples, heard: Samples) -> tuple[float, float]:
    """(dBFS of what is left of the one without the other at its level, how much louder it is)."""
    x, y = said.astype(float), heard.astype(float)
    left = x - (x @ y) / (y @ y) * y
    return 10 * np.log10(np.mean(left**2) / 32768**2), 10 * np.log10((y @ y) / (x @ x))


@pytest.mark.parametrize("seed", [0, 9])
@pytest.mark.parametrize("codec", ["PCMA", "G722", "L16/16000"])
def test_another_codec_is_compared_by_its_sound(codec: str, seed: int, tmp_path: Path) -> None:
    said = (SOUNDS["noise"], RATE)
    make(tmp_path / "a.pcap", said)
    # With another seed no number is the same: then the sides of the call tell.
    make(tmp_path / "b.pcap", said, codec=codec, seed=seed)
    a, b = rtpcap.open(tmp_path / "a.pcap"), rtpcap.open(tmp_path / "b.pcap")
    found = diff(a, b)
    assert len(found.streams) == 2
    for pair in found.streams:
        assert pair.a is not None
        assert pair.b is not None
        assert pair.sound is not None
        # At another clock rate timestamps are others, and so nothing is the same.
        numbered = seed == 0 and codec != "L16/16000"
        assert pair.how == ("content" if numbered else "call")
        assert pair.encoded_anew
        assert (pair.matched == 200) is numbered
        assert not len(pair.changed)
        assert not len(pair.lost)
        assert pair.sound.offset_ms == pytest.approx(0, abs=0.01)
        if codec == "PCMA":
            left, louder = snr_db(pair.a.audio().samples, pair.b.audio().samples)
            assert pair.sound.residual_dbfs == pytest.approx(left, abs=0.01)
            assert pair.sound.level_db == pytest.approx(louder, abs=0.001)
        # G.711 is 38 dB below what is said, -18 dBFS here.
        assert pair.sound.residual_dbfs is not None
        assert pair.sound.residual_dbfs < -45
        assert pair.sound.level_db == pytest.approx(0, abs=0.05)
        assert pair.beyond(Tolerance()) == ["residual_dbfs"]
    assert found.beyond() == ["residual_dbfs", "calls"]
    assert not found.differs(Tolerance(residual_dbfs=-45, calls=1))


def test_half_as_loud_is_six_decibels(noise: str, tmp_path: Path) -> None:
    make(tmp_path / "b.pcap", (SOUNDS["noise"] // 2, RATE), digits="159")
    found = diff(rtpcap.open(noise), rtpcap.open(tmp_path / "b.pcap"))
    for pair in found.streams:
        assert pair.sound is not None
        assert pair.sound.level_db == pytest.approx(-6.02, abs=0.02)
        assert pair.changes.keys() == {"payload"}
    assert found.beyond() == ["changed", "level_db"]
    assert not found.differs(Tolerance(changed_pct=100, level_db=7))


def test_later_on_its_line_and_faster(tmp_path: Path) -> None:
    """A sound that was played 12.5 ms later into other packets, and one of 500 ppm more pitch."""
    said = speech_like(12)
    make(tmp_path / "a.pcap", (said, RATE), sip=False)
    later = np.concatenate([np.zeros(100, np.int16), said])
    start_ns = START_NS + 40_000_000
    make(tmp_path / "b.pcap", (later, RATE), seed=5, sip=False, start_ns=start_ns)
    (pair,) = diff(rtpcap.open(tmp_path / "a.pcap"), rtpcap.open(tmp_path / "b.pcap")).streams
    assert pair.sound is not None
    assert pair.how == "flow"
    assert pair.sound.offset_ms == pytest.approx(12.5, abs=0.01)
    assert pair.heard_delay_ms == pytest.approx(40 + 12.5, abs=0.01)
    place = np.arange(len(said)) * (1 + 500e-6)
    faster = np.interp(place, np.arange(len(said)), said).astype(np.int16)
    make(tmp_path / "b.pcap", (faster, RATE), seed=5, sip=False)
    (pair,) = diff(rtpcap.open(tmp_path / "a.pcap"), rtpcap.open(tmp_path / "b.pcap")).streams
    # A sound that is over sooner: what was at 1 s is at 1 / 1.0005 s.
    assert pair.drift_ppm == pytest.approx(-500, abs=5)


def test_drift_of_the_clock_is_the_slope_of_the_delays(noise: str, tmp_path: Path) -> None:
    impair(rtpcap.open(noise), tmp_path / "b.pcap", Impairment(drift_ppm=200))
    found = diff(rtpcap.open(noise), rtpcap.open(tmp_path / "b.pcap"))
    for pair in found.streams:
        assert pair.drift_ppm == pytest.approx(200, abs=0.1)
    assert not found.differs()
    assert found.beyond(Tolerance(drift_ppm=100)) == ["drift_ppm"]
    # 4 s at 200 ppm are 0.8 ms.
    assert found.beyond(Tolerance(delay_ms=0.5)) == ["delay_ms"]
    assert not found.differs(Tolerance(delay_ms=0.9))


def test_captures_that_have_nothing_in_common(noise: str, tmp_path: Path) -> None:
    other = np.stack([speech_like(4, 8), speech_like(4, 9)], axis=1)
    make(tmp_path / "b.pcap", (other, RATE), digits="17", seed=3)
    found = diff(rtpcap.open(noise), rtpcap.open(tmp_path / "b.pcap"))
    assert [pair.how for pair in found.streams] == ["alone"] * 4
    assert found.matched == 0
    assert "nothing in common, 2 streams only in a, 2 streams only in b" in repr(found)
    # They are calls of the same people, who pressed other keys: 159 and 17.
    assert [call.result(1.0) for call in found.calls] == ["same"]
    pressed = [(d.a and d.a.digit, d.b and d.b.digit) for d in found.digits]
    assert pressed == [("1", "1"), ("5", "7"), ("9", None)]


def test_keys_in_the_sound_and_as_events_are_one_in_another_way(tmp_path: Path) -> None:
    for name, by in (("a", "inband"), ("b", "rfc4733")):
        make(tmp_path / f"{name}.pcap", (tone(300, 2) // 9, RATE), digits="42", digits_by=by)  # type: ignore[arg-type]
    found = diff(rtpcap.open(tmp_path / "a.pcap"), rtpcap.open(tmp_path / "b.pcap"))
    assert [digit.detail for digit in found.digits] == ["source inband > rfc4733"] * 2
    assert "digits" in found.beyond()


def test_streams_that_are_asked_for(noise: str, tmp_path: Path) -> None:
    a = rtpcap.open(noise)
    impair(a, tmp_path / "b.pcap", Impairment(loss_pct=10), streams=a.streams[:1])
    b = rtpcap.open(tmp_path / "b.pcap")
    (pair,) = diff(a, b, streams=a.streams[1:]).streams
    assert pair.a is a.streams[1]
    assert not pair.beyond(Tolerance())
    assert diff(a, b, streams=a.streams[:1]).beyond() == ["lost"]


def test_a_call_without_streams_and_an_empty_side(noise: str, tmp_path: Path) -> None:
    a = rtpcap.open(noise)
    a.export(tmp_path / "b.pcap", frames=range(1, 5))
    b = rtpcap.open(tmp_path / "b.pcap")
    assert len(b.streams) == 0
    found = diff(a, b)
    assert [pair.how for pair in found.streams] == ["alone", "alone"]
    assert [call.details for call in found.calls] == [
        ["state completed > in-progress", "hung_up caller > None"]
    ]
    assert diff(b, a).beyond() == ["streams", "digits", "calls"]


@pytest.mark.parametrize(
    "wrong", ["lost", "lost=", "lost=x", "lots=3", "lost=-1", "lost=nan", "=3", "lost==3"]
)
def test_what_is_no_tolerance(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"lost|lots|=3"):
        Tolerance.parse(wrong)


def test_a_tolerance_is_read_as_written() -> None:
    read = Tolerance.parse(" lost=3, lost-pct=1.5,residual_dbfs=-40 ,")
    assert read == Tolerance(lost=3, lost_pct=1.5, residual_dbfs=-40)
    assert Tolerance.parse("") == Tolerance()
