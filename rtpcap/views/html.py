"""HTML for notebooks: fragments with their own style, tables, and texts that are always escaped.

Whatever a capture holds, nothing of it becomes a tag, an attribute or a script; nothing is fetched
from a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from rtpcap.views.columns import Row
from rtpcap.views.style import SCOPE, STYLE
from rtpcap.views.text import visible

__all__ = [
    "Figure",
    "Markup",
    "facts",
    "fields",
    "fields_html",
    "figure",
    "fragment",
    "head",
    "note",
]
__all__ += ["rows_html", "table", "text", "title"]

MOST_ROWS = 60
"""A notebook cell shows no more; the caption counts them all."""

LONG = 12
"""Fields that make one table; more make two."""

MOST_LETTERS = 300
"""Of one text; a header field may have thousands."""


class Markup(str):
    """HTML that was made here: what is not, is escaped."""

    __slots__ = ()


class Figure(str):
    """A number as text: stands right."""

    __slots__ = ()


def figure(value: float | None, places: int = 0) -> Figure:
    """A number with thousands separated; nothing where there is none."""
    return Figure("" if value is None or value != value else f"{value:,.{places}f}")


def fragment(*parts: str) -> str:
    """Parts as one piece of HTML that brings its own style."""
    return f'<div class="{SCOPE}">{STYLE}{"".join(parts)}</div>'


def head(words: str) -> Markup:
    """The first line: what this is."""
    return Markup(f'<div class="{SCOPE}-head">{text(words)}</div>')


def title(words: str) -> Markup:
    """The line over a part."""
    return Markup(f'<div class="{SCOPE}-title">{text(words)}</div>')


def note(words: str) -> Markup:
    """A remark under a part."""
    return Markup(f'<div class="{SCOPE}-note">{text(words)}</div>')


def facts(row: Row) -> Markup:
    """Names and values in a line, as many as there are values."""
    told = (
        f"<span><b>{text(name)}</b> {text(value)}</span> "
        for name, value in row.items()
        if value not in _NONE
    )
    return Markup(f'<div class="{SCOPE}-facts">{"".join(told)}</div>')


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; a column stands right where its first value is a number, and chart cells whole.

    Columns in which no row has a value are left out.
    """
    listed = [list(row) for row in rows]
    shown = [i for i in range(len(headings)) if any(row[i] not in _NONE for row in listed)]
    lines = ["<tr>" + "".join(_cell("td", row[i]) for i in shown) + "</tr>" for row in listed]
    first = listed[0] if listed else []
    names = "".join(
        f'<th class="{SCOPE}-n">{text(headings[i])}</th>'
        if _right(next((row[i] for row in listed if row[i] not in _NONE), None))
        else f"<th>{text(headings[i])}</th>"
        for i in (shown if first else ())
    )
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    return Markup(f'<table class="{SCOPE}-t">{top}<tbody>{"".join(lines)}</tbody></table>')


def fields(row: Row) -> Markup:
    """Tables with a line a key of one row; keys without a value are left out.

    Of many keys the halves stand side by side where there is room.
    """
    lines = [
        f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>"
        for name, value in row.items()
        if value not in _NONE
    ]
    half = -(-len(lines) // 2) if len(lines) > LONG else len(lines)
    return Markup(
        "".join(
            f'<table class="{SCOPE}-t {SCOPE}-k"><tbody>{"".join(part)}</tbody></table>'
            for part in (lines[:half], lines[half:])
            if part
        )
    )


def rows_html(rows: Iterable[Row], caption: str) -> str:
    """A table with a line a row under the keys of the first; columns without a value are left out.

    After `MOST_ROWS` rows a last line says how many more there are.
    """
    rest = iter(rows)
    first = list(islice(rest, MOST_ROWS))
    more = sum(1 for _ in rest)
    names = list(first[0]) if first else []
    parts = [head(caption)]
    if first:
        parts.append(table(names, ([row.get(name) for name in names] for row in first)))
    if more:
        parts.append(note(f"and {more:,} more"))
    return fragment(*parts)


def fields_html(row: Row, caption: str) -> str:
    """The fields of one row under a caption."""
    return fragment(head(caption), fields(row))


_NONE: tuple[object, ...] = (None, "", [], (), {})


def _right(value: object) -> bool:
    if isinstance(value, Figure):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(tag: str, value: object) -> str:
    kind = f' class="{SCOPE}-n"' if _right(value) else ""
    if isinstance(value, Markup):
        kind = f' class="{SCOPE}-c"'
    return f"<{tag}{kind}>{text(value)}</{tag}>"


def text(value: object) -> str:
    """A value as HTML: escaped, with what does not print written out, and not without end."""
    if isinstance(value, Markup):
        return value
    if value is None or value != value:  # nan is all that differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, 9):.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(text(inside) for inside in value)
    if isinstance(value, dict):
        return ", ".join(f"{text(name)} {text(inside)}" for name, inside in value.items())
    words = value if isinstance(value, str) else str(value)
    if len(words) > MOST_LETTERS:
        words = f"{words[:MOST_LETTERS]}... ({len(words):,} letters)"
    return escape(visible(words))
