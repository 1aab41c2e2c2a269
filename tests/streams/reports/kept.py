"""The RTCP of a capture, for tests."""

from __future__ import annotations

from pathlib import Path

import rtpcap
from rtpcap.streams.reports.control import Control, ControlKeeper
from tests.streams.made import Sent, capture

__all__ = ["control_of", "made"]


def control_of(path: Path) -> Control:
    """The RTCP of a capture file."""
    keeper = ControlKeeper()
    for datagrams in rtpcap.open(path).datagram_chunks():
        keeper.feed(datagrams)
    return keeper.finish()


def made(folder: Path, there: list[Sent], back: list[Sent]) -> Control:
    """Datagrams from the caller to the callee, and back between the same ports."""
    capture(folder, there, back, ports=[(4001, 5001), (5001, 4001)])
    return control_of(folder / "made.pcap")
