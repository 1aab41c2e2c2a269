"""What differs between two captures, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rtpcap.views.columns import Row
from rtpcap.views.terminal import table
from rtpcap.views.text import visible

__all__ = ["difference_lines"]


def difference_lines(sentence: str, rows: Sequence[Row], width: int) -> Iterator[str]:
    """The sentence, all streams, and the key presses and calls that are not the same."""
    yield from wrap(visible(sentence), width)
    yield from table("diff", [row for row in rows if row["kind"] == "stream"], width)
    for kind, heading in (("digit", "key presses"), ("call", "calls")):
        other = [row for row in rows if row["kind"] == kind and row["result"] != "same"]
        if other:
            yield ""
            yield f"{heading} that are not the same:"
            yield from table(f"diff_{kind}s", other, width)
