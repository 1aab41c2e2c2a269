"""Rows for programs: one JSON array, JSON lines, CSV. And text of a capture made fit to be seen.

Nothing here trusts a text: what a capture or a file name holds may be made to steer a terminal or
a spreadsheet.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TextIO

from rtpcap.views.columns import Column, Row

__all__ = ["defused", "in_order", "json_text", "visible", "write_csv", "write_json", "write_jsonl"]


def visible(text: str) -> str:
    """The text with everything that does not print written out: controls, direction marks.

    >>> visible("a\\x1b[31mb\\u202ec")
    'a\\\\x1b[31mb\\\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def defused(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula.

    >>> defused("=1+1"), defused("PCMU")
    ("'=1+1", 'PCMU')
    """
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _Scalar(Protocol):
    def item(self) -> object: ...


def _plain(value: object) -> object:
    """The value with null for what JSON has no number for, and numpy's numbers as Python's."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inside) for inside in value]
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    raise TypeError(f"{type(value).__name__} is no value of a row")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)

# What JSON may hold as it is, and a terminal should not get: DEL and the C1 controls, marks that
# turn the direction of text, and halves of surrogate pairs, which no UTF-8 can hold.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")


def json_text(row: Row) -> str:
    """One row as a JSON object on one line; what is not finite is null."""
    try:
        text = _ENCODER.encode(row)
    except (TypeError, ValueError):
        text = _ENCODER.encode(_plain(dict(row)))
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def in_order(rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[Row]:
    """The rows with their keys in the order of the columns; keys beyond these come last."""
    names = tuple(column.name for column in columns)
    for row in rows:
        yield row if tuple(row) == names else {**{n: row.get(n) for n in names}, **row}


def write_json(rows: Iterable[Row], out: TextIO) -> None:
    """All rows as one JSON array, a row a line, written as they come."""
    before = "[\n"
    for row in rows:
        out.write(before + json_text(row))
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def write_jsonl(rows: Iterable[Row], out: TextIO) -> None:
    """A JSON object a line, written as they come."""
    for row in rows:
        out.write(json_text(row) + "\n")


def _text_cell(value: object) -> object:
    return defused(value) if isinstance(value, str) else value


def _number_cell(value: object) -> object:
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def _flag_cell(value: object) -> object:
    return "" if value is None else "true" if value else "false"


def _list_cell(value: object) -> object:
    """Short values with a blank between them; what is longer than a word as JSON."""
    if not isinstance(value, list | tuple):
        return _text_cell(value)
    words = [value if isinstance(value, str) else json.dumps(_plain(value)) for value in value]
    if any(isinstance(inside, dict) for inside in value) or any(" " in word for word in words):
        return json.dumps(_plain(value), ensure_ascii=False)
    return defused(" ".join(words))


def _object_cell(value: object) -> object:
    return _text_cell(value) if not isinstance(value, dict) else json_text(value)


_CELLS: dict[str, Callable[[object], object] | None] = {
    "text": _text_cell,
    "integer": None,
    "number": _number_cell,
    "flag": _flag_cell,
    "list": _list_cell,
    "object": _object_cell,
}


def write_csv(rows: Iterable[Row], columns: Sequence[Column], out: TextIO) -> None:
    """A header, then a line a row, written as they come; nothing stands where a value is missing.

    Flags are ``true`` and ``false``. Text that a spreadsheet would run gets a ``'`` in front.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    cells = [(column.name, _CELLS[column.kind]) for column in columns]
    writer.writerows(
        [row.get(name) if cell is None else cell(row.get(name)) for name, cell in cells]
        for row in rows
    )
