"""Rows onto stdout, in the format asked for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rtpcap.views.columns import Row

__all__ = ["check", "print_lines", "print_rows", "width"]


def check(form: str) -> None:
    """Refuse, before any work, a format that could not be written."""
    if form != "parquet":
        return
    if find_spec("pyarrow") is None:
        raise click.UsageError("parquet needs pyarrow: pip install 'rtpcap[parquet]'")
    if sys.stdout.isatty():
        raise click.UsageError("parquet is no text: send it to a file, as in > rows.parquet")


def width() -> int:
    """Places in a line of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns


@contextmanager
def _stdout(encoding: str | None) -> Iterator[TextIO]:
    """Stdout in this encoding (None: the terminal's); what that cannot hold is written out."""
    out = TextIOWrapper(
        sys.stdout.buffer,
        encoding=encoding or sys.stdout.encoding or "utf-8",
        errors="backslashreplace",
        newline="",
    )
    try:
        yield out
        out.flush()
    finally:
        out.detach()


def print_lines(lines: Iterable[str]) -> None:
    """Print text for people."""
    with _stdout(None) as out:
        for line in lines:
            out.write(line + "\n")


def print_rows(verb: str, form: str, rows: Iterable[Row], *, files: bool) -> None:
    """Print the rows of a verb as they come; with `files` each says which input it is from."""
    if form == "table":
        from rtpcap.views.terminal import table

        print_lines(table(verb, rows, width(), files=files))
        return
    from rtpcap.views.columns import COLUMNS, FILE

    columns = (FILE, *COLUMNS[verb]) if files else COLUMNS[verb]
    if form == "parquet":
        from rtpcap.views.table import rows_frame, write_parquet

        write_parquet(rows_frame(rows, columns), sys.stdout.buffer)
        return
    from rtpcap.views.text import in_order, write_csv, write_json, write_jsonl

    with _stdout("utf-8") as out:
        if form == "csv":
            write_csv(rows, columns, out)
        elif form == "json":
            write_json(in_order(rows, columns), out)
        else:
            write_jsonl(in_order(rows, columns), out)
