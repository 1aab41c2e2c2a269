"""Output names: safe and different, whatever the input is called."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rtpcap.batch.names import Prefixes, safe_name

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@given(st.text())
def test_any_text_makes_a_safe_name(text: str) -> None:
    assert SAFE.fullmatch(safe_name(text))


@given(st.text(), st.text())
def test_different_texts_make_different_names(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(st.text())
def test_a_safe_name_is_its_own(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)


def test_plain_names_stay() -> None:
    for name in ("call-1", "2024-03-01.12.00", "gst_loss", "a" * 64):
        assert safe_name(name) == name


def test_names_that_mean_something_to_a_system() -> None:
    for text in ("..", ".hidden", "-rf", "CON", "nul.x", "LPT1", "a/b", "a\\b", "a\0b", "", "x."):
        assert safe_name(text) != text
        assert SAFE.fullmatch(safe_name(text))
        assert not re.match(r"(con|nul|lpt1)(\.|$)", safe_name(text), re.IGNORECASE)
    assert len(safe_name("ä" * 500)) <= 64


def test_equal_stems_in_different_folders(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "x.pcap", tmp_path / "b" / "x.pcap", tmp_path / "a" / "X.pcapng"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    prefixes = Prefixes()
    found = [prefixes.of(str(path)) for path in paths]
    assert found[0] == "x"
    assert len({name.lower() for name in found}) == 3
    assert all(SAFE.fullmatch(name) for name in found)
    assert [prefixes.of(str(path)) for path in paths] == found


def test_prefixes_of_earlier_runs_stay(tmp_path: Path) -> None:
    first, second = tmp_path / "a.pcap", tmp_path / "b" / "a.pcap"
    second.parent.mkdir()
    first.touch()
    second.touch()
    prefixes = Prefixes([(str(second), "a")])
    assert prefixes.of(str(first)) != "a"
    assert prefixes.of(str(second)) == "a"


def test_a_moved_capture_keeps_its_name(tmp_path: Path) -> None:
    moved = tmp_path / "a.pcap"
    moved.touch()
    assert Prefixes([(str(tmp_path / "gone" / "a.pcap"), "a")]).of(str(moved)) == "a"


@given(st.lists(st.text("aA.é", min_size=1), max_size=20))
def test_no_two_inputs_share_a_prefix(names: list[str]) -> None:
    prefixes = Prefixes()
    found = {prefixes.of(f"/folder-{i}/{name}") for i, name in enumerate(names)}
    assert len({prefix.lower() for prefix in found}) == len(names)
