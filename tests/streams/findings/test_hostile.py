"""Damaged captures: whatever is found in them, findings stay fit to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from tests.damage.forms import FORMS
from tests.damage.harm import all_harm, harmed

LONGEST_SENTENCE = 600
MOST_BYTES = 12 << 10
CUTS, EARLY_CUTS, MUTATIONS = 4, 4, 16


@pytest.mark.parametrize("name", ["pj-pcmu.pcap", "pj-tcp.pcap", "pj-pcmu as pcapng"])
def test_findings_in_damaged_captures(name: str, tmp_path: Path) -> None:
    whole = FORMS[name].bytes(MOST_BYTES)
    path = tmp_path / "damaged"
    read = 0
    for harm in all_harm(name, len(whole), CUTS, EARLY_CUTS, MUTATIONS):
        path.write_bytes(harmed(name, whole, harm))
        try:
            capture = rtpcap.open(path)
            found = capture.findings
        except rtpcap.RtpcapError:
            continue
        read += 1
        assert found._repr_html_()
        for finding in found:
            assert finding.sentence.isprintable()
            assert len(finding.sentence) <= LONGEST_SENTENCE
            assert list(finding.frames) == sorted(set(finding.frames))
            assert all(1 <= frame <= capture.frames for frame in finding.frames)
            assert all(number == number for number in finding.numbers.values())
    assert read > MUTATIONS / 2
