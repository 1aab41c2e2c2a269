"""How far a file was read, told while it is read: in notebooks and on terminals."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from rtpcap.capture.tables import Records

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["DELAY_S", "LARGE_BYTES", "follow", "follow_each", "wanted"]

Thing = TypeVar("Thing")

LARGE_BYTES = 50 << 20
"""Smaller files are read before anybody wonders."""

DELAY_S = 1.0
"""What is done so soon shows no bar."""


def wanted(progress: bool | None, size: int) -> bool:
    """Whether to tell: as was said, or else of large files where a person looks on."""
    if progress is not None:
        return progress
    return size >= LARGE_BYTES and ("ipykernel" in sys.modules or _terminal())


def _terminal() -> bool:
    # Without a console there is no such stream.
    return sys.stderr is not None and sys.stderr.isatty()


def _bar(total: int, doing: str, *, at_once: bool, **more: Any) -> tqdm[Any]:
    with warnings.catch_warnings():
        # Where there are no widgets the bar is text; that is no news.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

    delay = 0 if at_once else DELAY_S
    return tqdm(total=total, desc=doing, leave=False, delay=delay, **more)


def follow_each(
    things: Sequence[Thing], doing: str, unit: str, *, at_once: bool
) -> Iterator[Thing]:
    """Each thing, with a bar that tells how many were done: it comes and goes as `follow`'s."""
    with _bar(len(things), doing, at_once=at_once, unit=unit) as bar:
        for thing in things:
            yield thing
            bar.update()


def follow(
    chunks: Generator[Records, None, None], size: int, doing: str, *, at_once: bool
) -> Generator[Records, None, None]:
    """The chunks, with a bar that tells how many of `size` bytes were read.

    It appears after `DELAY_S` seconds, or `at_once`, and goes when the last chunk was taken or the
    iterator is closed.
    """
    bar = _bar(size, doing, at_once=at_once, unit="B", unit_scale=True)
    places: dict[int, int] = {}
    with bar, closing(chunks):
        for records in chunks:
            yield records
            if len(records):
                before = places.get(records.file, 0)
                places[records.file] = records.base + int(records.end[-1])
                bar.update(places[records.file] - before)
        bar.update(size - bar.n)
