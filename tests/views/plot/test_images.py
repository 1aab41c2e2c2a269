"""Each chart looks as its reference does; and the comparison sees what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.artist import Artist
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from tests.views.images import HERE, LIMIT, MADE_WITH, SCENES, difference, pixels_of, reference

MOST_BYTES = 30_000


@pytest.mark.parametrize("name", SCENES)
def test_it_looks_as_it_should(tmp_path: Path, name: str) -> None:
    assert difference(pixels_of(SCENES[name](tmp_path)), reference(name)) < LIMIT


def test_there_is_a_small_reference_for_each_scene() -> None:
    kept = {path.stem: path.stat().st_size for path in HERE.glob("*.png")}
    assert set(kept) == set(SCENES)
    assert max(kept.values()) < MOST_BYTES


def missed(figure: Figure, name: str, *artists: Artist) -> float:
    """How far the picture is from its reference without these."""
    # The others stay where they are.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for artist in artists:
        artist.set_visible(False)
    return difference(pixels_of(figure), reference(name))


def test_a_chart_without_its_gaps_is_another(tmp_path: Path) -> None:
    figure = SCENES["gaps"](tmp_path)
    boxes = [each for each in figure.axes[0].collections if isinstance(each, PolyCollection)]
    assert missed(figure, "gaps", *boxes) > LIMIT


@pytest.mark.skipif(LIMIT > 12, reason=f"words are compared with matplotlib {MADE_WITH} only")
@pytest.mark.parametrize("word", ["30", "2.00 s", "from 60012"])
def test_a_chart_without_a_word_is_another(tmp_path: Path, word: str) -> None:
    figure = SCENES["gaps"](tmp_path)
    (text,) = [text for text in figure.axes[0].texts if text.get_text() == word]
    assert missed(figure, "gaps", text) > LIMIT


def test_a_call_without_a_lane_is_another(tmp_path: Path) -> None:
    figure = SCENES["call"](tmp_path)
    (_, caller, *_) = figure.axes[0].child_axes[::-1]
    assert missed(figure, "call", *caller.collections) > LIMIT
