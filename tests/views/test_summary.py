"""The summary for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from rtpcap.views.summary import summary

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def test_a_call_in_words() -> None:
    lines = list(summary([rtpcap.open(FIXTURES / "pj-pcmu.pcap")], 80))
    text = "\n".join(lines)
    assert "pcap, Ethernet, 517 frames, 112,905 bytes" in text.replace("\n  ", " ")
    assert "1 call, 2 RTP streams, 4 keys (events, INFO)" in lines
    assert "keys by events and INFO: 159# (0x502aa94d)" in lines
    assert sum(line.startswith("0x") for line in lines) == 2


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.pcap*")), ids=lambda path: path.name)
@pytest.mark.parametrize("width", [80, 120])
def test_every_capture_fits(path: Path, width: int) -> None:
    lines = list(summary([rtpcap.open(path)], width))
    assert max(map(len, lines)) <= max(width, len(str(path)) + 1)


def test_frames_that_hold_no_datagram_are_counted() -> None:
    capture = rtpcap.open(FIXTURES / "ovs-qinq.pcap")
    text = "\n".join(summary([capture], 80))
    for tally in (capture.other, capture.not_understood):
        for row in tally.rows():
            assert str(row["reason"]) in text
            assert f"first in frame {row['first_frame']}" in text
