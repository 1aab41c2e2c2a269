"""Words for sentences of findings: text of a capture made harmless and short, ends, lists."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LONGEST", "end", "end_of", "listed", "quoted"]

LONGEST = 60
"""Characters of a text out of a capture that a sentence repeats."""
MOST_LISTED = 4


def quoted(text: str, most: int = LONGEST) -> str:
    """The text with everything that does not print written out, and of a length that reads.

    >>> quoted("a\\x1b[31mb"), quoted("x" * 99, 5)
    ('a\\\\x1b[31mb', 'xxxx…')
    """
    # Cut first: what is written out is longer, and nobody may make it long.
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return cut if len(cut) <= most and len(text) <= most else cut[: most - 1] + "…"


def end(address: str, port: int) -> str:
    """An address and its port."""
    address = quoted(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def end_of(place: tuple[str, int]) -> str:
    """The same of a pair."""
    return end(*place)


def listed(words: Sequence[str]) -> str:
    """The first of some words as a list.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdef"))
    ('a', 'a, b and c', 'a, b, c, d and 2 more')
    """
    if len(words) > MOST_LISTED:
        return f"{', '.join(words[:MOST_LISTED])} and {len(words) - MOST_LISTED} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))
