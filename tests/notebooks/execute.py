"""The notebooks, run from front to back; ``python -m tests.notebooks.execute`` writes outputs.

All run in one kernel, which forgets everything between two of them: a kernel takes longer to start
than most notebooks take.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

__all__ = ["NOTEBOOKS", "PATHS", "Kernel", "Notebook", "code_cells", "kernel", "read"]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

ANEW = "%reset -f"

Notebook = nbformat.NotebookNode


def read(path: Path) -> Notebook:
    """The notebook as it is in the file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return, no-untyped-call]


def code_cells(notebook: Notebook) -> list[Notebook]:
    """Its cells of code, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


class Kernel:
    """One process of Python that runs notebooks, one after the other."""

    def __init__(self, manager: KernelManager) -> None:
        self._manager = manager

    def run(self, path: Path) -> Notebook:
        """The notebook with the outputs of a run. Raises CellExecutionError where a cell fails."""
        fresh = read(path)
        start = nbformat.v4.new_code_cell(ANEW)  # type: ignore[no-untyped-call]
        for cell in code_cells(fresh):
            cell.outputs, cell.execution_count = [], None
        cells, told = fresh.cells, fresh.metadata.copy()
        fresh.cells = [start, *cells]
        # What would differ in each run is left out: when it was, and which Python.
        client = NotebookClient(fresh, km=self._manager, timeout=120, record_timing=False)
        try:
            client.execute()
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
        fresh.cells, fresh.metadata = cells, told
        # The kernel counts on from notebook to notebook.
        for number, cell in enumerate(code_cells(fresh), start=1):
            cell.execution_count = number
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = number
        return fresh


@contextmanager
def kernel() -> Iterator[Kernel]:
    """A kernel that imports the rtpcap of this folder."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(
        # Nobody's history of commands is touched.
        extra_arguments=["--HistoryManager.enabled=False"],
        cwd=str(NOTEBOOKS),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    try:
        yield Kernel(manager)
    finally:
        manager.shutdown_kernel(now=True)


def main() -> None:
    with kernel() as python:
        for path in PATHS:
            nbformat.write(python.run(path), path)  # type: ignore[no-untyped-call]
            sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
