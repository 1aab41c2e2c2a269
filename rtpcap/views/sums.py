"""How the MOS of streams comes about, in lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.streams.play import Play
    from rtpcap.streams.stream import Stream

__all__ = ["sums"]


def sums(
    streams: Iterable[Stream], play_of: Callable[[Stream], Play | None], file: str | None
) -> Iterator[str]:
    """The sum of the E-model of each stream below its name; of the capture `file` where told.

    `play_of` gives the stream behind another jitter buffer than the usual one.
    """
    for stream in streams:
        if file is not None:
            yield visible(file)
        yield visible(repr(stream).strip("<>"))
        text = (play_of(stream) or stream.quality).explain()
        yield from (f"  {line}" for line in text.splitlines())
        yield ""
