"""The notebooks run from front to back and show what was committed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebooks.execute import PATHS, Kernel, Notebook, code_cells, kernel, read

QUESTIONS = [
    "01-open-a-capture",
    "02-listen-to-a-call",
    "03-where-are-the-gaps",
    "04-which-digits-were-pressed",
    "05-why-is-there-no-audio",
    "06-how-good-was-it",
    "07-many-captures",
    "08-test-your-own-parser",
]

MOST_STATEMENTS, MOST_LINES = 4, 10
"""In a cell: few calls, each of which may be laid out over lines."""

BRANCHES = (ast.For, ast.While, ast.If, ast.With)
"""What makes a program of an answer."""


def kinds(cell: Notebook) -> list[set[str]]:
    """The kinds of data of each output of a cell; what is printed or went wrong has none."""
    return [set(output.get("data", {})) for output in cell.outputs]


def told(cell: Notebook) -> list[str]:
    """What is printed, the texts of one line, and what our objects show.

    Tables are laid out by pandas and pictures painted by matplotlib, each version in its own way.
    """
    shown = [output.get("data", {}) for output in cell.outputs]
    printed = [str(output.get("text", "")) for output in cell.outputs]
    plain = [str(data.get("text/plain", "")) for data in shown]
    pages = [str(data.get("text/html", "")) for data in shown]
    return [
        *printed,
        *(text for text in plain if "\n" not in text),
        *(page for page in pages if 'class="dataframe"' not in page),
    ]


@pytest.fixture(scope="module")
def python() -> Iterator[Kernel]:
    with kernel() as started:
        yield started


def test_they_are_there() -> None:
    assert [path.stem for path in PATHS] == QUESTIONS


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_committed_outputs_are_those_of_a_run(path: Path, python: Kernel) -> None:
    committed, fresh = read(path), python.run(path)
    for number, (old, new) in enumerate(
        zip(code_cells(committed), code_cells(fresh), strict=True), start=1
    ):
        assert old.execution_count == new.execution_count == number
        assert kinds(old) == kinds(new)
        assert told(old) == told(new)
    assert fresh.metadata == committed.metadata


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_question_few_calls_a_sentence(path: Path) -> None:
    notebook = read(path)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.splitlines()[0].endswith("?")
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        assert len(tree.body) <= MOST_STATEMENTS
        assert len(cell.source.splitlines()) <= MOST_LINES
        assert not [node for node in ast.walk(tree) if isinstance(node, BRANCHES)]
    assert any("image/png" in kind for cell in code_cells(notebook) for kind in kinds(cell))
    assert path.stat().st_size < 400_000


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_outputs_are_the_same_on_every_machine(path: Path) -> None:
    # Nothing of where and when it was run: no folders, no addresses of objects, no warnings.
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            assert output.get("name") != "stderr"
        for text in told(cell):
            assert " at 0x" not in text
            assert "/tmp" not in text
            assert str(Path.home()) not in text
