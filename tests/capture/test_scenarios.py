"""Every scenario, read in chunks of every size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rtpcap.capture.tables import Datagram
from tests.capture import scenarios_links, scenarios_tunnels  # noqa: F401
from tests.capture.read import CHUNK, read_bytes
from tests.capture.scenarios import SCENARIOS, Other, Payload, Unread
from tests.effort import pick


@pytest.mark.parametrize("chunk_bytes", [64, 257, 4096, CHUNK])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_frame_has_the_fate_it_should(name: str, chunk_bytes: int, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]()
    reading = read_bytes(tmp_path, scenario.file, chunk_bytes)

    expected = [
        (
            Datagram(
                frame, fate.time_ns, fate.src, fate.src_port, fate.dst, fate.dst_port, fate.payload
            ),
            fate.cut,
        )
        for frame, fate in enumerate(scenario.fates, 1)
        if isinstance(fate, Payload)
    ]
    assert list(zip(reading.datagrams, reading.cut, strict=True)) == expected

    for kind, counted in ((Other, reading.other), (Unread, reading.not_understood)):
        reasons = [fate.reason if isinstance(fate, kind) else None for fate in scenario.fates]
        counts = Counter(reason for reason in reasons if reason is not None)
        assert counted == {reason: (n, reasons.index(reason) + 1) for reason, n in counts.items()}

    assert reading.frames == len(scenario.fates)
    assert [str(damage) for damage in reading.damage] == [scenario.damage] * bool(scenario.damage)
    assert reading.source.link_types == scenario.links
    assert reading.source.format == scenario.format
    assert reading.source.size == len(scenario.file)


@pytest.mark.parametrize("name", SCENARIOS)
def test_results_do_not_depend_on_the_chunk_size(name: str, tmp_path: Path) -> None:
    file = SCENARIOS[name]().file
    whole = read_bytes(tmp_path, file).facts
    # Of a few bytes: a frame at a time.
    for chunk_bytes in pick((33, 1000), (28, 33, 100, 1000, 9999)):
        assert read_bytes(tmp_path, file, chunk_bytes).facts == whole


def test_a_source_can_be_read_again(tmp_path: Path) -> None:
    reading = read_bytes(tmp_path, SCENARIOS["pcap_with_an_absurd_length"]().file)
    frames = [len(records) for records in reading.source.chunks()]
    assert sum(frames) == reading.source.frames == 3
    assert len(reading.source.damage) == 1
