"""tshark reads the same in the RTCP of real captures, and measures the same round trips."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers import require
from tests.streams.reports.kept import control_of
from tests.streams.reports.tshark import delays, differences, theirs

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the captures are not beside the project"),
]

# Reports, descriptions, extended reports, multiplexed, APP, feedback; all captures are a command:
# see `tests.streams.reports.tshark`.
CAPTURES = {
    "fixtures/pj-xr.pcap": 235,
    "fixtures/br-mux.pcap": 40,
    "fixtures/gst-pcmu.pcap": 12,
    "captures/ntop+nDPI/rtcp_multiple_pkts_in_the_same_datagram.pcap": 80,
    "captures/vitalybupt+wireshark_samples/cisco.pcap": 900,
}
"""How many values there are at least."""


@pytest.mark.parametrize("name", CAPTURES)
def test_every_field_is_as_tshark_reads_it(name: str) -> None:
    require("tshark")
    same, other = differences(SHARED / name)
    assert other == []
    assert same >= CAPTURES[name]


def test_round_trips_are_those_of_tshark() -> None:
    require("tshark")
    path = SHARED / "captures/vitalybupt+wireshark_samples/cisco.pcap"
    found = list(delays(control_of(path), theirs(path)))
    assert len(found) > 30
    for frame, here, there in found:
        # It subtracts whole milliseconds, the delay rounded down.
        assert -2 < here - there <= 1, frame


@pytest.mark.parametrize(
    ("name", "datagrams"),
    [
        ("fixtures/pj-srtp.pcap", 11),
        ("fixtures/ai-opus.pcap", 19),
        ("fixtures/ch-opus-dtls.pcap", 98),
    ],
)
def test_encrypted_ones_are_recognised(name: str, datagrams: int) -> None:
    """HMAC-SHA1-80 of pjsua, GCM of aiortc and of Chromium: none of it is taken for reports."""
    control = control_of(SHARED / name)
    assert len(control) == datagrams
    assert all(c.protection and c.protection.encrypted for c in control.compounds)
    assert (len(control.senders), len(control.blocks)) == (0, 0)
    # A source counts its own packets one by one; some may come out of turn.
    counted: dict[int, list[int]] = {}
    for compound in control.compounds:
        assert compound.protection is not None
        counted.setdefault(compound.protection.ssrc, []).append(compound.protection.index)
    for indices in counted.values():
        assert len(set(indices)) == len(indices)
        assert max(indices) - min(indices) < 2 * len(indices)


def test_a_key_identifier_before_the_tag() -> None:
    """Skype sends one of a byte, the same in all datagrams, 80 bits of tag behind it."""
    control = control_of(SHARED / "captures/ntop+nDPI/skype-conference-call.pcap")
    assert len(control) == 155
    assert {control.raw(row)[-11] for row in range(155)} == {1}
    for compound in control.compounds:
        assert compound.protection is not None
        assert (compound.protection.encrypted, compound.protection.trailer) == (True, 15)
