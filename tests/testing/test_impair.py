"""What an impaired capture holds is what its truth says, and nothing else is changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtpcap
from rtpcap.errors import CaptureError
from rtpcap.testing.impairing import Done, Faults, Impairment, impair
from rtpcap.testing.impairing.frames import Change, rewrite
from rtpcap.testing.making import make
from tests.capture.build import ethernet, ipv4, udp
from tests.peers import require
from tests.testing.test_make import RATE, speech_like


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> rtpcap.Capture:
    path = tmp_path_factory.mktemp("clean") / "clean.pcap"
    make(path, (np.stack([speech_like(6), speech_like(6, 2)], axis=1), RATE), digits="12")
    return rtpcap.open(path)


def contents(capture: rtpcap.Capture) -> dict[int, bytes]:
    """Frame -> payload of UDP."""
    return {datagram.frame: datagram.payload for datagram in capture.datagrams}


def done_to(done: Done, word: str) -> list[Mapping[str, Any]]:
    return [change for change in done.changes if word in change["done"]]


def test_nothing_asked_for_changes_nothing(clean: rtpcap.Capture, tmp_path: Path) -> None:
    done = impair(clean, tmp_path / "out.pcap")
    assert done.changes == ()
    assert (tmp_path / "out.pcap").read_bytes() == Path(clean.path).read_bytes()


def test_packets_that_are_there_are_those_that_are_said_to_be(
    clean: rtpcap.Capture, tmp_path: Path
) -> None:
    network = Impairment(loss_pct=5, mean_run=2, duplicate_pct=3, reorder_pct=4, jitter_ms=5)
    done = impair(clean, tmp_path / "out.pcap", network, seed=11)
    again = rtpcap.open(tmp_path / "out.pcap")
    before, after = contents(clean), contents(again)
    lost = {change["from_frame"] for change in done_to(done, "lost")}
    copies = {change["frame"]: change["from_frame"] for change in done_to(done, "duplicate")}
    assert len(lost) > 10
    assert len(copies) > 5
    # Without loss and copies the payloads are the same ones: each once, in another order.
    firsts = [after[frame] for frame in after if frame not in copies]
    assert sorted(firsts) == sorted(before[frame] for frame in before if frame not in lost)
    for frame, source in copies.items():
        assert after[frame] == before[source]
    moved = {change["frame"]: change for change in done.changes if change["frame"] is not None}
    times = {datagram.frame: datagram.time_ns for datagram in again.datagrams}
    sent = {datagram.frame: datagram.time_ns for datagram in clean.datagrams}
    for frame, change in moved.items():
        assert after[frame] == before[change["from_frame"]]
        if "delay_ms" in change:
            delay = (times[frame] or 0) - (sent[change["from_frame"]] or 0)
            assert delay / 1e6 == change["delay_ms"]
    # And our own figures of the streams are the sums of the truth.
    for told, stream in zip(done.streams, again.streams, strict=True):
        figures = stream.quality
        known = (told["packets"], told["expected"], told["lost"], told["duplicates"])
        assert (figures.packets, figures.expected, figures.lost, figures.duplicates) == known
        assert figures.reordered == told["reordered"]


def test_faults_inside_packets_are_where_the_truth_says(
    clean: rtpcap.Capture, tmp_path: Path
) -> None:
    faults = Faults(bit_error_pct=4, truncate_pct=3, ssrc_pct=2, timestamp_pct=2)
    done = impair(clean, tmp_path / "out.pcap", faults=faults, seed=3)
    before, after = contents(clean), contents(rtpcap.open(tmp_path / "out.pcap"))
    for word in ("bit-error", "truncated", "ssrc", "timestamp"):
        assert len(done_to(done, word)) > 3
    known: dict[Any, Mapping[str, Any]] = {change["frame"]: change for change in done.changes}
    for frame, payload in before.items():
        expected = bytearray(payload)
        change = known.get(frame, {})
        if "bit" in change:
            expected[change["bit"] // 8] ^= 0x80 >> change["bit"] % 8
        if "ssrc" in change:
            expected[8:12] = int(change["ssrc"], 16).to_bytes(4, "big")
        if "timestamp" in change:
            expected[4:8] = change["timestamp"].to_bytes(4, "big")
        assert after[frame] == bytes(expected[: change.get("bytes", len(expected))])


@pytest.mark.peer
def test_tshark_finds_the_checksums_right(clean: rtpcap.Capture, tmp_path: Path) -> None:
    tshark = require("tshark")
    network = Impairment(restarts=2, new_ssrc=True, silence_pct=10, jitter_ms=1)
    impair(clean, tmp_path / "out.pcapng", network, Faults(bit_error_pct=10), seed=5)
    command = [tshark, "-r", str(tmp_path / "out.pcapng"), "-o", "udp.check_checksum:TRUE"]
    bad = subprocess.run(
        [*command, "-Y", "udp.checksum.status == Bad || ip.checksum.status == Bad"],
        capture_output=True,
        check=True,
    )
    assert bad.stdout == b""


@given(
    payload=st.binary(min_size=12, max_size=60),
    numbers=st.tuples(
        st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)
    ),
    marker=st.booleans(),
    bit=st.integers(-1, 95),
)
@settings(max_examples=60)
def test_a_rewritten_frame_is_the_frame_of_the_rewritten_packet(
    payload: bytes, numbers: tuple[int, int, int], marker: bool, bit: int
) -> None:
    sequence, timestamp, ssrc = numbers
    frame = ethernet(ipv4(udp(payload)))
    begin = len(frame) - len(payload)
    change = Change(sequence, timestamp, ssrc, marker, bit)
    packet = bytearray(payload)
    packet[1] = packet[1] & 0x7F | marker << 7
    packet[2:12] = (sequence << 64 | timestamp << 32 | ssrc).to_bytes(10, "big")
    if bit >= 0:
        packet[bit // 8] ^= 0x80 >> bit % 8
    made = rewrite(frame, len(frame), begin, len(payload), change)
    assert made.data == ethernet(ipv4(udp(bytes(packet))))


def test_the_truth_is_json_a_line_a_packet(clean: rtpcap.Capture, tmp_path: Path) -> None:
    done = impair(clean, tmp_path / "out.pcap", Impairment(loss_pct=10), seed=1)
    done.write(tmp_path / "truth.json")
    text = (tmp_path / "truth.json").read_text()
    truth = json.loads(text)
    assert truth["packets"] == list(done.changes)
    assert truth["impairment"] == {"loss_pct": 10}
    assert sum('"done"' in line for line in text.splitlines()) == len(done.changes)


def test_one_stream_alone(clean: rtpcap.Capture, tmp_path: Path) -> None:
    chosen, other = clean.streams
    impair(clean, tmp_path / "out.pcap", Impairment(loss_pct=20), streams=[chosen])
    after = rtpcap.open(tmp_path / "out.pcap").streams
    assert after.select(ssrc=chosen.ssrc)[0].quality.lost > 20
    assert after.select(ssrc=other.ssrc)[0].row()["packets"] == len(other)


def test_what_cannot_be_impaired(clean: rtpcap.Capture, tmp_path: Path) -> None:
    several = rtpcap.open([clean.path, clean.path])
    with pytest.raises(CaptureError, match="several files"):
        impair(several, tmp_path / "out.pcap")
    clean.export(tmp_path / "in.rtpdump")
    with pytest.raises(CaptureError, match="rtpdump"):
        impair(rtpcap.open(tmp_path / "in.rtpdump"), tmp_path / "out.pcap")
    tcp = rtpcap.open("fixtures/gst-rfc4571.pcap")
    with pytest.raises(CaptureError, match="no frame of their own"):
        impair(tcp, tmp_path / "out.pcap")
    with pytest.raises(ValueError, match="the capture itself"):
        impair(clean, clean.path)
    with pytest.raises(ValueError, match="loss_pct"):
        Impairment(loss_pct=101)
    assert [path.name for path in tmp_path.iterdir()] == ["in.rtpdump"]
