"""The notebooks run from front to back and show what was committed."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

Cell = nbformat.NotebookNode


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return, no-untyped-call]


def code_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: Cell) -> list[set[str]]:
    """The kinds of data of each output of a cell; what went wrong has none."""
    return [set(output.get("data", {})) for output in cell.outputs]


def told(cell: Cell) -> list[str]:
    """Texts of one line; tables are laid out by pandas, each version in its own way."""
    texts = [str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
    return [text for text in texts if "\n" not in text]


def test_they_are_there() -> None:
    names = [path.name for path in PATHS]
    assert "01-open-a-capture.ipynb" in names
    assert "03-where-are-the-gaps.ipynb" in names


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_committed_outputs_are_those_of_a_run(path: Path) -> None:
    committed = read(path)
    fresh = read(path)
    for cell in code_cells(fresh):
        cell.outputs = []
    client = NotebookClient(
        fresh,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()
    for number, (old, new) in enumerate(
        zip(code_cells(committed), code_cells(fresh), strict=True), start=1
    ):
        assert old.execution_count == new.execution_count == number
        assert kinds(old) == kinds(new)
        assert told(old) == told(new)
    shown = [kind for cell in code_cells(committed) for kind in kinds(cell)]
    assert any("image/png" in kind for kind in shown)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_question_few_calls_a_sentence(path: Path) -> None:
    notebook = read(path)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.splitlines()[0].endswith("?")
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= 4
        assert not {"for", "if", "def", "while", "with"} & set(cell.source.split())
    assert path.stat().st_size < 400_000
