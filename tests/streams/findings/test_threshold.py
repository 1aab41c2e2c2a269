"""Thresholds: what is true of which figures, and what is no threshold at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.streams.findings.threshold import Threshold

KNOWN = ("lost_pct", "mos_nb", "lost", "one_way_audio", "encrypted")
VALUES = {"lost_pct": 2.5, "mos_nb": None, "lost": 0, "one_way_audio": 1, "encrypted": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lost_pct > 1", True),
        ("lost_pct > 2.5", False),
        ("lost_pct >= 2.5", True),
        ("1 < lost_pct < 2", False),
        ("1 < lost_pct < 3", True),
        ("lost_pct == 2.5 and lost != 1", True),
        ("lost_pct > -1", True),
        ("lost_pct<1 or one_way_audio", True),
        ("lost", False),
        ("not lost", True),
        ("encrypted", True),
        ("  lost_pct\t>1 ", True),
        ("lost_pct > lost", True),
        ("(lost_pct > 1 or lost > 1) and (one_way_audio > 1)", False),
        ("lost_pct > 1e999", False),
        # What there is not trips nothing, unless the rest decides.
        ("mos_nb < 3.5", False),
        ("not mos_nb < 3.5", False),
        ("not (mos_nb < 3.5 and lost_pct > 1)", False),
        ("not (mos_nb < 3.5 and lost_pct > 9)", True),
        ("mos_nb < 3.5 or lost_pct > 1", True),
        ("mos_nb < 3.5 and lost_pct > 1", False),
        ("mos_nb == mos_nb", False),
        ("1 < mos_nb < 5", False),
    ],
)
def test_what_trips(text: str, expected: bool) -> None:
    assert Threshold.parse(text, KNOWN).trips(VALUES) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loss_pct > 1", "did you mean 'lost_pct'"),
        ("quux > 1", "no figure 'quux'"),
        ("one-way-audio > 0", "joined by _"),
        ("lost_pct = 1", "no comparison"),
        ("lost_pct >", "no comparison"),
        ("", "no comparison"),
        ("lost_pct > 1; lost", "no comparison"),
        ("lost + 1", "no arithmetic"),
        ("lost * 2 > 1", "no arithmetic"),
        ("lost_pct > '1'", "neither a name nor a number"),
        ("lost_pct > True", "neither a name nor a number"),
        ("lost_pct > 1j", "neither a name nor a number"),
        ("lost in lost_pct", "compared by"),
        ("lost is lost", "compared by"),
        ("__import__('os').system('true')", "no comparison"),
        ("lost.bit_length() > 1", "neither"),
        ("[lost for lost in (1, 2)]", "no comparison"),
        ("(lambda: 1)() > 0", "neither"),
        ("lost if lost else lost", "no comparison"),
        ("(lost := 1) > 0", "neither"),
        ("f'{lost}' > 0", "neither"),
        ("lost\0 > 1", "no comparison"),
        ("not " * 60 + "lost", "nested deeper"),
        ("(" * 500 + "lost" + ")" * 500, "no comparison"),
        ("lost > 1 or " * 200 + "lost", "longer than"),
    ],
)
def test_what_is_no_threshold(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        Threshold.parse(text, KNOWN)


def test_its_figures_are_told() -> None:
    threshold = Threshold.parse("mos_nb < 3.5 or lost_pct > 1 or mos_nb > 5", KNOWN)
    assert threshold.names == ("mos_nb", "lost_pct")
    assert threshold.told(VALUES) == "mos_nb none, lost_pct 2.5"


@given(st.text(max_size=60))
def test_any_text_is_a_threshold_or_refused(text: str) -> None:
    try:
        threshold = Threshold.parse(text, KNOWN)
    except ValueError:
        return
    assert threshold.trips(VALUES) in (True, False)


CONDITIONS = st.recursive(
    st.tuples(st.sampled_from(KNOWN), st.sampled_from("<>"), st.integers(0, 3)).map(
        lambda part: " ".join(map(str, part))
    ),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda part: f"({part[0]}) {part[1]} ({part[2]})"
        ),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_where_all_figures_are_there_it_is_pythons_own_logic(text: str) -> None:
    values: dict[str, object] = {name: number for number, name in enumerate(KNOWN)}
    expected = eval(text, {"__builtins__": {}}, values)
    assert Threshold.parse(text, KNOWN).trips(values) is expected


@given(CONDITIONS)
def test_where_there_are_no_figures_nothing_trips(text: str) -> None:
    assert Threshold.parse(text, KNOWN).trips({}) is False
