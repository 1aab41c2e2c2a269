"""Tables for a terminal: the columns that matter most and fit, long cells shortened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from rtpcap.views.cells import NOTHING, Shown, short, width_of
from rtpcap.views.columns import Row
from rtpcap.views.shown import FILE, TABLES

__all__ = ["table"]

URGENT = 2
"""Up to this rank a column comes in even if others have to be shortened for it."""
LOOK_AHEAD = 500
"""How many rows decide the widths; those after them are written as they come."""


def table(verb: str, rows: Iterable[Row], width: int, *, files: bool = False) -> Iterator[str]:
    """The lines of a table of a verb's rows, at most `width` places wide where that can be.

    With `files` each row says first which input it is from. The first rows decide on the columns
    and their widths; the table needs no more rows in memory than those.
    """
    rest = iter(rows)
    first = list(islice(rest, LOOK_AHEAD))
    if not first:
        return
    shown = TABLES[verb]
    if files:
        shown = (FILE, *shown)
    more = list(islice(rest, 1))
    columns = [column for column in shown if not _empty(column, first) or more]
    cells = [[column.cell(row) for row in first] for column in columns]
    natural = [
        max(width_of(column.heading), column.usual if more else 0, *map(width_of, inside))
        for column, inside in zip(columns, cells, strict=True)
    ]
    chosen, gap = _fitting(columns, natural, width)
    columns = [columns[i] for i in chosen]
    widths = _shared(columns, [natural[i] for i in chosen], width - gap * (len(chosen) - 1))
    between = " " * gap
    yield _line([column.heading for column in columns], columns, widths, between)
    for row in chain(first, more, rest):
        yield _line([column.cell(row) for column in columns], columns, widths, between)


def _empty(column: Shown, rows: Sequence[Row]) -> bool:
    return column.rank > 0 and all(column.cell(row) in (NOTHING, "") for row in rows)


def _least(column: Shown, natural: int) -> int:
    return min(natural, max(column.least, width_of(column.heading))) if column.least else natural


def _fitting(columns: Sequence[Shown], natural: Sequence[int], width: int) -> tuple[list[int], int]:
    """Which columns fit, and with how many blanks between them."""
    chosen: list[int] = []
    tight = whole = 0
    for i in sorted(range(len(columns)), key=lambda i: columns[i].rank):
        rank, gap = columns[i].rank, 1 if chosen else 0
        least = tight + _least(columns[i], natural[i]) + gap
        full = whole + natural[i] + gap
        # Only what matters more makes others give way.
        if rank == 0 or (least if rank <= URGENT else max(least, full)) <= width:
            chosen.append(i)
            tight, whole = least, full
    chosen.sort()
    return chosen, 2 if whole + len(chosen) - 1 <= width else 1


def _shared(columns: Sequence[Shown], natural: Sequence[int], room: int) -> list[int]:
    """The width of each column: what is left over goes to those that were to be shortened."""
    widths = [_least(column, wish) for column, wish in zip(columns, natural, strict=True)]
    left = room - sum(widths)
    while left > 0:
        wanting = [i for i, wish in enumerate(natural) if widths[i] < wish]
        if not wanting:
            break
        narrowest = min(wanting, key=lambda i: widths[i])
        widths[narrowest] += 1
        left -= 1
    return widths


def _line(
    cells: Sequence[str], columns: Sequence[Shown], widths: Sequence[int], between: str
) -> str:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if column.least:
            cell = short(cell, width, keep=column.keep)
        blank = " " * max(0, width - width_of(cell))
        parts.append(blank + cell if column.right else cell + blank)
    return between.join(parts).rstrip()
