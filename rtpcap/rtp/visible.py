"""Text out of packets and files, made fit to be seen."""

from __future__ import annotations

__all__ = ["visible"]


def visible(text: str) -> str:
    """The text with everything that does not print written out: controls, direction marks.

    >>> visible("a\\x1b[31mb\\u202ec")
    'a\\\\x1b[31mb\\\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
