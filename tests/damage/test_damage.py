"""Damaged captures through everything, as many as a default run has time for.

``python -m tests.damage`` does all of it: this is the same with fewer cuts and mutations, over the
first `MOST_BYTES` of each fixture, in which every kind of frame that the fixture is there for has
come more than once.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import rtpcap
from tests.damage.attack import attack
from tests.damage.forms import FIXTURES, FORMS, WRAPPED
from tests.damage.harm import all_harm
from tests.damage.walk import go_through
from tests.damage.watch import Hang, TooMuchMemory, watched
from tests.effort import pick

CUTS = pick(8, 32)
EARLY_CUTS = pick(8, 32)
MUTATIONS = pick(32, 200)
MOST_BYTES = 12 << 10


@pytest.mark.parametrize("name", FORMS)
def test_damage_ends_in_an_answer_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    size = len(FORMS[name].bytes(MOST_BYTES))
    harms = list(all_harm(name, size, CUTS, EARLY_CUTS, MUTATIONS))
    outcome = attack(name, harms, most=MOST_BYTES, keep=tmp_path)
    assert outcome.done == len(harms) >= MUTATIONS
    assert outcome.failures == []


@pytest.mark.parametrize("name", FORMS)
def test_without_damage_everything_is_there(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    path = tmp_path / "whole"
    path.write_bytes(form.bytes())
    capture = go_through(path)
    assert capture is not None
    assert capture.damage == []
    assert len(capture.streams) > 0


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.turn is not None])
def test_another_form_holds_the_same_packets(name: str, tmp_path: Path) -> None:
    path = tmp_path / "turned"
    path.write_bytes(FORMS[name].bytes())
    plain = {stream.ssrc: stream for stream in rtpcap.open(WRAPPED).streams}
    turned = list(rtpcap.open(path).streams)
    # An rtpdump file holds one of the two directions.
    assert len(turned) == (1 if name.endswith("rtpdump") else 2)
    for stream in turned:
        original = plain[stream.ssrc]
        assert stream.packets.sequence.tolist() == original.packets.sequence.tolist()
        assert stream.packets.timestamp.tolist() == original.packets.timestamp.tolist()


def test_the_first_bytes_of_a_fixture_open() -> None:
    sizes = {path.name: path.stat().st_size for path in FIXTURES.glob("*.pcap*")}
    assert min(sizes.values()) > MOST_BYTES


def work(cpu_s: float) -> None:
    begin = time.process_time()
    while time.process_time() < begin + cpu_s:
        pass


def test_a_hang_is_seen() -> None:
    with pytest.raises(Hang, match=r"not done after 0\.1 s"), watched(0.1, 1 << 40):
        work(5)


def test_memory_out_of_proportion_is_seen() -> None:
    size = 80 << 20
    with pytest.raises(TooMuchMemory), watched(60, size // 2):
        assert len(bytes([1]) * size) == size
    with watched(60, 2 * size) as spent:
        assert len(bytes([1]) * size) == size
    assert spent.bytes > size // 2


def test_damage_is_the_same_for_the_same_number() -> None:
    first, second = (list(all_harm("name", 5000, 10, 10, 10)) for _ in range(2))
    assert first == second
    assert len(set(first)) == 30
