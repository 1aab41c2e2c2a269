"""What the fuzzer does for hours, for a moment: drawn inputs through every target."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.damage.harm import mutated
from tests.damage.walk import go_through
from tests.damage.watch import watched
from tests.effort import examples, pick
from tests.fuzz.__main__ import NAMES
from tests.fuzz.pieces import CONTROL_BYTES, Piece, join, split
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

MOST_CPU_S = 5.0
MOST_BYTES = 64 << 20
quick = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pieces = st.lists(
    st.builds(
        Piece, st.binary(min_size=CONTROL_BYTES, max_size=CONTROL_BYTES), st.binary(max_size=80)
    ),
    max_size=20,
)
texts = st.binary(max_size=600) | pieces.map(join) | pieces.map(lambda made: b"\0" + join(made))


def run(name: str, text: bytes, folder: Path) -> bool:
    """Whether the capture that the text becomes opens; all else is a failure."""
    path = folder / "drawn"
    path.write_bytes(TARGETS[name].build(text))
    with watched(MOST_CPU_S, MOST_BYTES):
        return go_through(path) is not None


def test_every_target_can_be_named_and_has_seeds() -> None:
    assert list(TARGETS) == list(SEEDS) == list(NAMES)


@given(pieces)
@quick
def test_pieces_come_back(made: list[Piece]) -> None:
    assert split(join(made)) == made


@pytest.mark.parametrize("name", TARGETS)
@given(text=texts)
@quick
def test_drawn_bytes(name: str, text: bytes, tmp_path: Path) -> None:
    run(name, text, tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_as_they_are_and_mutated(name: str, tmp_path: Path) -> None:
    seeds = list(SEEDS[name]())
    assert seeds
    for seed in seeds:
        assert run(name, seed, tmp_path)
    for number in range(pick(25, 250)):
        run(name, mutated(seeds[number % len(seeds)], random.Random(number)), tmp_path)
