"""Real parsers that are not ours: what they get wrong is found and listed, the rest passes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings

from rtpcap.rtp.extensions import ONE_BYTE
from rtpcap.testing import Packet, assert_agrees, compare, hostile, mutated, packets, valid
from rtpcap.testing.agree import Outcome, judge
from tests.cli.harness import FIXTURES
from tests.testing.made import scenarios
from tests.testing.peers import PEERS

LISTED = Path(__file__).with_name("peers.tsv")
FILES = [
    FIXTURES / f"{name}.pcap"
    for name in ("ai-opus", "ch-pcmu-plain", "gst-dtmf", "pj-pcmu", "pj-g729vad", "tun-frag")
]


def listed(peer: str, over: str) -> set[str]:
    with LISTED.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert all(row["reason"] for row in rows)
    return {row["what"] for row in rows if (row["peer"], row["over"]) == (peer, over)}


def wrong(peer: str, over: Iterable[Packet]) -> set[str]:
    parser = PEERS[peer]
    report = compare(parser.parse, over, rename=parser.rename, fields=parser.fields)
    assert report.packets > 10
    return {each.what for each in report.wrong}


@pytest.mark.parametrize("peer", PEERS)
def test_over_captures(peer: str) -> None:
    assert wrong(peer, packets(FILES, kind=PEERS[peer].kind)) == listed(peer, "captures")


@pytest.mark.parametrize("peer", [name for name, peer in PEERS.items() if peer.kind == "rtp"])
def test_over_scenarios(peer: str) -> None:
    assert wrong(peer, scenarios()) == listed(peer, "scenarios")


def test_every_field_is_looked_at_by_one_of_them() -> None:
    """So that the list is short because they are right, not because nothing was compared."""
    reports = [
        compare(peer.parse, packets(FILES[0]), rename=peer.rename)
        for peer in PEERS.values()
        if peer.kind == "rtp"
    ]
    assert set.intersection(*(set(report.absent) for report in reports)) == {"header_bytes"}


AIORTC = PEERS["aiortc"]
FEW = settings(max_examples=60)


@FEW
@given(valid("rtp"))
def test_aiortc_reads_what_was_grown(packet: Packet) -> None:
    assert_agrees(AIORTC.parse, packet)


@FEW
@given(mutated("rtp") | hostile("rtp"))
def test_aiortc_refuses_what_is_none_and_reads_the_rest(packet: Packet) -> None:
    verdict = judge(AIORTC.parse, packet)
    if verdict.outcome == Outcome.RAISED:
        # It wants elements in extensions of these profiles, and refuses a packet whose do not fit.
        profile = packet.fields["extension_profile"]
        assert profile in (ONE_BYTE, 0x1000)
    else:
        assert verdict.outcome.good, f"{packet}: {packet.data.hex()}"
