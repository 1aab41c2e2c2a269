"""How the MOS of streams comes about, in lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.streams.play import Play
    from rtpcap.streams.stream import Stream

__all__ = ["sums"]


NARROWEST = 40
UNDER_WORDS = 14
"""Where the words of a sum's line begin, behind sign and number."""


def sums(
    streams: Iterable[Stream],
    play_of: Callable[[Stream], Play | None],
    file: str | None,
    width: int,
) -> Iterator[str]:
    """The sum of the E-model of each stream below its name; of the capture `file` where told.

    `play_of` gives the stream behind another jitter buffer than the usual one.
    """
    for stream in streams:
        if file is not None:
            yield visible(file)
        yield from _folded(visible(repr(stream).strip("<>")), width, 2)
        text = (play_of(stream) or stream.quality).explain()
        for line in text.splitlines():
            yield from _folded(f"  {line}", width, UNDER_WORDS)
        yield ""


def _folded(line: str, width: int, indent: int) -> Iterator[str]:
    yield from wrap(line, max(width, NARROWEST), subsequent_indent=" " * indent)
