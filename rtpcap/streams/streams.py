"""The streams of a capture, or those selected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, overload

from rtpcap.streams.counted import counted
from rtpcap.streams.rows import Rows
from rtpcap.streams.stream import Stream
from rtpcap.streams.table import StreamTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Streams"]


class Streams(Rows[Stream]):
    """Streams in order of first frame: all of a capture, or those selected.

    An index is a place (``streams[0]``) or, where no such place is, an SSRC
    (``streams[0x343ffa34]``: its first stream).
    """

    @classmethod
    def of(cls, table: StreamTable) -> Streams:
        """A handle for each stream of the table."""
        return cls(Stream(table, index) for index in range(len(table)))

    @overload
    def __getitem__(self, index: int) -> Stream: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Stream | Self:
        if isinstance(index, slice) or -len(self) <= index < len(self):
            return super().__getitem__(index)
        for stream in self:
            if stream.ssrc == index:
                return stream
        raise IndexError(
            f"no stream {index}: there are {len(self)}, and none has SSRC {index:#010x}"
        )

    def select(
        self,
        *,
        call: str | None = None,
        ssrc: int | None = None,
        src: str | None = None,
        dst: str | None = None,
        payload_type: int | None = None,
        codec: str | None = None,
    ) -> Streams:
        """The streams that have all that is given.

        `call` is the id of a call; `src` and `dst` are an address, or an address and port as
        ``10.0.0.1:4000`` or ``[fd09::1]:4000``; `codec` is an encoding name in any case.
        """

        def fits(stream: Stream) -> bool:
            return (
                (call is None or stream.call == call)
                and (ssrc is None or stream.ssrc == ssrc)
                and (src is None or src in _addresses(stream.src, stream.src_port))
                and (dst is None or dst in _addresses(stream.dst, stream.dst_port))
                and (payload_type is None or payload_type in stream.payload_types)
                and (codec is None or (stream.codec or "").lower() == codec.lower())
            )

        return Streams(stream for stream in self if fits(stream))

    def to_frame(self, *, quality: bool = False, levels: bool = False) -> pd.DataFrame:
        """A pandas DataFrame, one row a stream; with `quality` or `levels` that verb's figures.

        Levels need the audio decoded. Raises ValueError for both.
        """
        from rtpcap.views.table import levels_frame, quality_frame, streams_frame

        if quality and levels:
            raise ValueError("a frame has the figures of quality or of levels, not both")
        if levels:
            return levels_frame(self)
        return quality_frame(self) if quality else streams_frame(self)

    def __repr__(self) -> str:
        packets = sum(stream.quality.packets for stream in self)
        lost = sum(stream.quality.lost for stream in self)
        return (
            f"<Streams {counted(len(self), 'stream')}, {counted(packets, 'packet')}, {lost:,} lost>"
        )


def _addresses(address: str, port: int) -> tuple[str, str]:
    return address, f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
