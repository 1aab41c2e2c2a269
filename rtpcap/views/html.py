"""HTML tables for notebooks; every text is escaped, whatever the capture holds."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import islice

from rtpcap.views.columns import Row
from rtpcap.views.text import visible

__all__ = ["fields_html", "rows_html"]

MOST_ROWS = 60
"""A notebook cell shows no more; the caption counts them all."""


def rows_html(rows: Iterable[Row], caption: str) -> str:
    """A table with a line a row under the keys of the first; columns without a value are left out.

    After `MOST_ROWS` rows a last line says how many more there are.
    """
    rest = iter(rows)
    first = list(islice(rest, MOST_ROWS))
    more = sum(1 for _ in rest)
    names = [
        name
        for name in (first[0] if first else ())
        if any(row.get(name) not in _NONE for row in first)
    ]
    lines = [_line("th", names)] if names else []
    lines += [_line("td", (row.get(name) for name in names)) for row in first]
    if more:
        lines.append(f'<tr><td colspan="{len(names) or 1}">and {more:,} more</td></tr>')
    return _table(lines, caption)


def fields_html(row: Row, caption: str) -> str:
    """A table with a line a key of one row; keys without a value are left out."""
    lines = [
        f'<tr><th style="text-align: left">{_text(name)}</th>{_cell("td", value)}</tr>'
        for name, value in row.items()
        if value not in _NONE
    ]
    return _table(lines, caption)


_NONE: tuple[object, ...] = (None, "", [], {})


def _table(lines: list[str], caption: str) -> str:
    head = f'<caption style="text-align: left; white-space: nowrap">{_text(caption)}</caption>'
    return f"<table>{head}\n" + "\n".join(lines) + "\n</table>"


def _line(tag: str, cells: Iterable[object]) -> str:
    return "<tr>" + "".join(_cell(tag, cell) for cell in cells) + "</tr>"


def _cell(tag: str, value: object) -> str:
    side = "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"
    return f'<{tag} style="text-align: {side}">{_text(value)}</{tag}>'


def _text(value: object) -> str:
    if value is None or value != value:  # nan is all that differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(inside) for inside in value)
    if isinstance(value, dict):
        return ", ".join(f"{_text(name)} {_text(inside)}" for name, inside in value.items())
    return escape(visible(str(value)))
