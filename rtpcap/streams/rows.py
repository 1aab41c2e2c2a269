"""Rows: what the lists of streams, calls, gaps and digits have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, TypeVar, overload

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rows"]


class HasRow(Protocol):
    """Something that is a row of a verb of the command line."""

    def row(self) -> dict[str, object]: ...


Item = TypeVar("Item", bound=HasRow, covariant=True)


class Rows(Sequence[Item]):
    """Things that do not change, in an order that means something; a slice is one of its kind.

    Their seconds count from `start_ns`, where that is known.
    """

    verb: ClassVar[str] = ""
    """The verb of the command line that prints such rows; nothing where none does."""

    def __init__(self, items: Iterable[Item], *, start_ns: int | None = None) -> None:
        self._items = tuple(items)
        self.start_ns = start_ns
        """The time from which its seconds count, nanoseconds since 1970; None: not known."""

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Item | Self:
        if isinstance(index, slice):
            return type(self)(self._items[index], start_ns=self.start_ns)
        return self._items[index]

    def rows(self) -> list[dict[str, object]]:
        """A dict each, with the keys that the command line prints."""
        return [item.row() for item in self._items]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, a row each, columns as its verb has them."""
        from rtpcap.views.columns import COLUMNS
        from rtpcap.views.table import rows_frame

        return rows_frame(self.rows(), COLUMNS[self.verb], self.verb)

    def _repr_html_(self) -> str:
        from rtpcap.views.html import rows_html

        return rows_html(self.rows(), repr(self).removeprefix("<").removesuffix(">"))
