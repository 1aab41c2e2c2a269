"""Packets grown from real ones: sound where they say so, and of every kind of fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from rtpcap.errors import CaptureError
from rtpcap.testing import Packet, hostile, mutated, valid
from rtpcap.testing.fields import read
from rtpcap.testing.kinds import KINDS, Kind
from tests.cli.harness import FIXTURES

FEW = settings(max_examples=20)
FIRST = settings(max_examples=2000, phases=[Phase.generate], database=None)
"""The first one is enough: it need not be the smallest."""
CALL = FIXTURES / "pj-pcmu.pcap"


@pytest.mark.parametrize("kind", KINDS)
def test_valid_ones_are_sound(kind: Kind) -> None:
    @FEW
    @given(valid(kind))
    def check(packet: Packet) -> None:
        assert (packet.kind, packet.fault, packet.refused) == (kind, None, False)
        assert packet.fields == read(kind, packet.data).fields

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_others_say_what_they_are(kind: Kind) -> None:
    @FEW
    @given(st.one_of(mutated(kind), hostile(kind)))
    def check(packet: Packet) -> None:
        assert packet.change
        assert packet.id.endswith(f"({packet.change})")
        reading = read(kind, packet.data)
        assert packet.refused == reading.refused
        if packet.fault is None:
            assert packet.reading == reading
        # A careful parser of text may refuse whatever was changed.
        assert packet.fault is not None or kind not in ("sip", "sdp")

    check()


@pytest.mark.parametrize("fault", ["header", "version", "csrc", "extension", "padding"])
def test_hostile_ones_have_every_fault(fault: str) -> None:
    assert find(hostile("rtp"), lambda packet: packet.fault == fault, settings=FIRST).refused


@pytest.mark.parametrize("fault", ["header", "version", "length", "padding"])
def test_hostile_reports_have_every_fault(fault: str) -> None:
    packet = find(
        hostile("rtcp"), lambda each: each.fault == fault and each.refused, settings=FIRST
    )
    assert packet.kind == "rtcp"


def test_valid_ones_have_all_that_a_header_can_have() -> None:
    def everything(packet: Packet) -> bool:
        fields = packet.fields
        return bool(fields["csrc"] and fields["extension"] and fields["padding_bytes"])

    packet = find(valid("rtp", CALL), everything, settings=FIRST)
    assert packet.origin.name == "pj-pcmu.pcap"


def test_they_grow_from_the_captures_named() -> None:
    @FEW
    @given(mutated("sip", [CALL]))
    def check(packet: Packet) -> None:
        assert packet.file == str(CALL)

    check()


def test_misuse_is_told_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kind 'udp'"):
        valid("udp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 changes are none"):
        mutated("rtp", most=0)
    with pytest.raises(CaptureError, match="no sip packet"):
        hostile("sip", FIXTURES / "gst-loss.pcap")
    with pytest.raises(CaptureError, match="nothing"):
        valid("rtp", tmp_path / "nothing.pcap")


def test_without_hypothesis_the_cure_is_told() -> None:
    code = "import sys; sys.modules['hypothesis'] = None\nfrom rtpcap.testing import valid"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: rtpcap.testing.strategies needs hypothesis: pip install hypothesis"
    )
