"""Reading that takes long tells how far it is; reading that is interrupted can begin anew."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rtpcap
from rtpcap.capture import progress
from rtpcap.capture.files import source as source_module
from tests.views.build import capture, eventful

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FIRST = FIXTURES / "pj-pcmu.pcap"


Screen = Callable[[], str]
"""What standard error, taken for a terminal, has shown since it was last looked at."""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Screen:
    """A terminal, in a process that is no notebook."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return lambda: capsys.readouterr().err


def test_what_is_asked_for_is_told(screen: Screen) -> None:
    assert len(rtpcap.open(FIRST, progress=True).streams) == 2
    shown = screen()
    assert "reading" in shown
    assert f"/{FIRST.stat().st_size / 1000:.0f}k" in shown


def test_listening_tells_how_many_streams_were_heard(screen: Screen) -> None:
    cap = rtpcap.open(FIRST, progress=True)
    _ = cap.streams
    screen()
    cap.listen()
    shown = screen()
    assert "listening" in shown
    assert "/2 " in shown
    _ = cap.findings
    assert "listening" in screen()


@pytest.mark.parametrize("said", [None, False])
def test_of_small_files_nothing_is_told(said: bool | None, screen: Screen) -> None:
    assert len(rtpcap.open(FIRST, progress=said).streams) == 2
    assert screen() == ""


def test_of_large_files_only_where_a_person_looks_on(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LARGE_BYTES", 1000)
    monkeypatch.setattr(progress, "DELAY_S", 0)
    _ = rtpcap.open(FIRST, progress=False).frames
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    _ = rtpcap.open(FIRST).frames
    assert screen() == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _ = rtpcap.open(FIRST).frames
    assert "reading" in screen()


def test_in_a_notebook_it_is_told_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress.wanted(None, 50 << 20)
    assert not progress.wanted(None, (50 << 20) - 1)
    assert not progress.wanted(False, 1 << 40)


def test_without_a_console_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    assert not progress.wanted(None, 1 << 40)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Ctrl-C once after so many chunks of the next pass."""
    whole = source_module.Source._pass
    left = [-1]

    def some(self: source_module.Source, *arguments: object) -> Iterator[object]:
        for records in whole(self, *arguments):  # type: ignore[arg-type]
            if left[0] == 0:
                left[0] = -1
                raise KeyboardInterrupt
            left[0] -= 1
            yield records

    monkeypatch.setattr(source_module.Source, "_pass", some)
    monkeypatch.setattr(source_module, "CHUNK_BYTES", 1 << 14)
    default = source_module.Source.chunks.__defaults__
    monkeypatch.setattr(source_module.Source.chunks, "__defaults__", (1 << 14,))
    assert default == (4 << 20,)

    def after(chunks: int) -> None:
        left[0] = chunks

    return after


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("files", [1, 2], ids=["one file", "two files"])
def test_an_interrupt_leaves_the_capture_usable(
    shown: bool,
    files: int,
    interrupted: Callable[[int], None],
    screen: Screen,
    tmp_path: Path,
) -> None:
    paths = [FIRST, capture(tmp_path / "c.pcap", eventful())][:files]
    cap = rtpcap.open(paths if files > 1 else FIRST, progress=shown)
    expected = rtpcap.open(paths if files > 1 else FIRST).row()
    interrupted(2)
    with pytest.raises(KeyboardInterrupt):
        _ = cap.streams
    assert cap.row() == expected
    assert sorted(len(stream) for stream in cap.streams) == [250, 250, 470][: files + 1]


@pytest.mark.parametrize("files", [1, 2], ids=["one file", "two files"])
def test_a_later_pass_that_is_interrupted_changes_no_facts(
    files: int, interrupted: Callable[[int], None], tmp_path: Path
) -> None:
    paths = [FIRST, capture(tmp_path / "c.pcap", eventful())][:files]
    cap = rtpcap.open(paths)
    before, last = cap.row(), cap.place_of(cap.frames)
    interrupted(1)
    with pytest.raises(KeyboardInterrupt):
        cap.explain()
    assert (cap.row(), cap.place_of(cap.frames)) == (before, last)
    assert len(cap.explain()) > 0


def test_facts_while_and_after_datagrams_are_looked_at(
    interrupted: Callable[[int], None], tmp_path: Path
) -> None:
    cap = rtpcap.open(FIRST)
    frames, seconds = cap.frames, cap.duration_s
    for _ in cap.datagrams:
        assert (cap.frames, cap.duration_s) == (frames, seconds)
        break
    assert cap.place_of(frames).frame == frames
