"""Memory while reading does not grow with the file."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.files.formats import open_source
from rtpcap.capture.tables import Flows, Tally
from tests.capture.build import Frame, ethernet, ipv4, pcap, udp

CHUNK = 256 << 10


def peak_of(path: Path) -> int:
    """The most bytes held at once while all datagrams of a file go by."""
    tracemalloc.start()
    try:
        decoder = Decoder(Flows(), Tally(), Tally())
        frames = sum(len(decoder.datagrams(r)) for r in open_source(path).chunks(CHUNK))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert frames > 0
    return peak


def test_memory_is_flat(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    records = pcap([Frame(ethernet(ipv4(udp(bytes(160 + i % 5 * 40))))) for i in range(2_000)])
    peaks = []
    for times in (2, 16):
        path.write_bytes(records[:24] + records[24:] * times)
        assert path.stat().st_size > 3 * CHUNK
        peaks.append(peak_of(path))
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 8 * CHUNK
