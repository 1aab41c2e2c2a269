"""The handle of one stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.visible import visible
from rtpcap.streams.counted import counted
from rtpcap.streams.gaps import Gaps
from rtpcap.streams.quality import Quality, jitter

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rtpcap.streams.analysis import Analysis
    from rtpcap.streams.jitter import Jitter
    from rtpcap.streams.jitterbuffer import Curve
    from rtpcap.streams.per_packet import PerPacket
    from rtpcap.streams.play import Play
    from rtpcap.streams.reports.beside import SeenPackets
    from rtpcap.streams.stream_ledger import StreamLedger
    from rtpcap.streams.windows import Windows
    from rtpcap.views.plot.sheet import StreamKind

from rtpcap.streams.sounding import Sounding

__all__ = ["Stream"]


class Stream(Sounding):
    """One SSRC in one direction: a handle on its packets, made by `Capture.streams`.

    Times in seconds count from the first frame of the file; frames are 1-based.
    """

    @property
    def quality(self) -> Quality:
        """Its figures: loss, jitter, delta, skew, drift, bursts, MOS, and how that came about."""
        return self._table.quality[self._row]

    @cached_property
    def ledger(self) -> StreamLedger:
        """Every packet in exactly one class, every slot in exactly one, and each packet's place.

        What a jitter buffer of 60 ms would discard is late; `play` has the ledgers of others.
        """
        return self.play().ledger

    def seen(self) -> SeenPackets:
        """Where and as what its packets came, to set reports of RTCP beside them."""
        from rtpcap.streams.reports.beside import SeenPackets

        # Not the remembered places, which would stay: losses are compared through all streams.
        return SeenPackets.of(self.packets, self._keep_ledger())

    @cached_property
    def repaired(self) -> int:
        """Lost packets of which another one brought a copy, in redundant audio (RFC 2198)."""
        redundant = any(fmt.is_redundant for fmt in self.formats.values())
        if not (redundant and self.quality.lost and self.decodable):
            return 0
        return min(self.track().repaired, self.quality.lost)

    @cached_property
    def jitter_ms(self) -> npt.NDArray[np.float64]:
        """Interarrival jitter after each packet, milliseconds, shape (n,).

        nan at packets that do not update it (RFC 3550 A.8 as ``rtpcap streams`` defines it).
        """
        figures = self._interarrival()
        out = np.full(len(self), np.nan)
        out[figures.rows] = figures.value_s * 1e3
        return out

    def _interarrival(self) -> Jitter:
        return jitter(self.packets, self._places, self._table.formats, self._row)

    @cached_property
    def gaps(self) -> Gaps:
        """Where packets are missing, silence was not sent, or the sender began anew."""
        return Gaps(self._analysis().gaps(self._table.start_ns), start_ns=self._origin_ns)

    def _analysis(self) -> Analysis:
        # Not at the top: who asks for counts alone does not pay for it.
        from rtpcap.streams.analysis import Analysis

        header_bytes = self._table.header_bytes(self.src)
        network = self._table.network(self._row)
        return Analysis(self, self._row, self._table.formats, self._places, header_bytes, network)

    def play(
        self,
        buffer_ms: float | None = None,
        *,
        adaptive: tuple[float, float] | None = None,
        network_ms: float | None = None,
    ) -> Play:
        """What a listener with a jitter buffer would have heard, as figures and as audio.

        `buffer_ms` is the size of a fixed buffer, 60 where nothing is said; `adaptive` the limits
        of one that follows the delays. `network_ms` is the delay one way of network and codec:
        where it is not told, half of the round trip that RTCP tells of, or 0. Raises ValueError
        for a buffer or a delay that is not possible.
        """
        return self._analysis().play(buffer_ms, adaptive, network_ms)

    def buffer_curve(
        self, sizes_ms: Sequence[float] | None = None, *, network_ms: float | None = None
    ) -> Curve:
        """What it sounds like with fixed jitter buffers of `sizes_ms`: 0, 10 ... 200 ms.

        `network_ms` is as for `play`. Raises CodecUnavailable where the E-model knows nothing of
        its codec.
        """
        if sizes_ms is None and network_ms is None:
            return self._curve
        return self._analysis().buffer_curve(sizes_ms, network_ms)

    @cached_property
    def _curve(self) -> Curve:
        # Kept: it plays every packet through many buffers, and is two columns in the end.
        return self._analysis().buffer_curve()

    def windows(self, window_s: float) -> Windows:
        """Its figures over windows of time that begin with its first packet.

        With the MOS of each behind a jitter buffer of 60 ms: see `Windows.rated`. Raises
        ValueError for a length that is not possible.
        """
        return self._analysis().windows(window_s, self._interarrival())

    @cached_property
    def per_packet(self) -> PerPacket:
        """Delta, skew, jitter and bandwidth as each packet came, and what it was."""
        return self._analysis().per_packet()

    def row(self) -> dict[str, object]:
        """The stream with the keys of ``rtpcap streams``."""
        return {
            **self._identity(),
            "clock_rate": self.clock_rate,
            "payload_types": self.payload_types,
            **self.quality.row(),
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "encrypted": self.encrypted,
            "decodable": self.decodable,
            "why_not": self.why_not,
            "call": self.call,
        }

    def quality_row(self, play: Play | None = None) -> dict[str, object]:
        """The keys of ``rtpcap quality``; with `play` what the buffer decides is as there."""
        return {**self._identity(), **self.quality.full_row(), **(play.row() if play else {})}

    def ledger_row(self, play: Play | None = None) -> dict[str, object]:
        """The keys of ``rtpcap ledger``; with `play` as with its buffer."""
        if play is None and not self.repaired:
            # Worked out for all streams at once; copies of what was lost are looked at one by one.
            books = self.quality.further.account
        else:
            books = (play.ledger if play else self.ledger).row()
        return {**self._identity(), **books}

    def level_row(self) -> dict[str, object]:
        """The keys of ``rtpcap levels``. Decodes its audio."""
        from rtpcap.streams.level_rows import level_row

        return {
            **self._identity(),
            "start_s": self.start_s,
            **level_row(self.levels, self.sender_levels),
            "call": self.call,
            "why_not": self.why_not,
        }

    def window_rows(self, window_s: float) -> list[dict[str, object]]:
        """A dict a window, keys as ``rtpcap quality --window`` prints them."""
        name = self._identity()
        return [{**name, **row} for row in self.windows(window_s).rows()]

    def rows(self) -> Iterator[dict[str, object]]:
        """A dict a packet in capture order, keys as ``rtpcap packets`` prints them."""
        from rtpcap.streams.per_packet import KEYS, packet_values

        every = np.arange(len(self))
        for values in packet_values(self.packets, self.ssrc, self.per_packet, every):
            yield dict(zip(KEYS, values, strict=True))

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a packet."""
        from rtpcap.views.table import packets_frame

        return packets_frame(self)

    def plot(
        self, ax: Axes | None = None, *, kind: StreamKind = "gaps", dark: bool = False
    ) -> Axes:
        """A chart of it, ``gaps`` unless another `kind` is asked for; returns its Axes.

        ``gaps``, ``jitter``, ``waveform``, ``spectrogram``, ``quality`` or ``buffer``: see
        `rtpcap.plot`. It is drawn into `ax` where that is given, on dark paper with `dark`.
        """
        from rtpcap.views.plot.sheet import draw

        return draw(self, kind, ax, dark=dark)

    def __getitem__(self, seconds: slice) -> Stream:
        """The part of it between two times, as ``stream[10:20]``: a stream of its own.

        Seconds count from the file's first frame, as in `start_s`; negative ones from its last
        packet. A packet at the first time is in it, one at the second is not. All figures, gaps
        and audio are those of the part; its formats are those that the whole stream tells. Raises
        TypeError for anything but a slice without a step, ValueError where no packet came then or
        none has a time.
        """
        from rtpcap.streams.cut import between

        begin, end = between(seconds, self._table.start_ns, self.start_ns, self.end_ns)
        part = self.between_ns(begin, end)
        if part is None:
            raise ValueError(f"no packet of it came in [{seconds.start}:{seconds.stop}] seconds")
        return part

    def between_ns(self, begin: int | None, end: int | None) -> Stream | None:
        """The part of it from one time to before another, nanoseconds since 1970; None: nothing.

        Where a limit is None there is none.
        """
        from rtpcap.streams.cut import cut

        table = cut(self._table, self._row, begin, end)
        if table is None:
            return None
        part = Stream(table, 0, self.index)
        part.belongs_to(self.call)
        return part

    def __repr__(self) -> str:
        what = visible(str(self.format or f"payload type {self.payload_types[0]}"))
        route = f"{self.src}:{self.src_port} > {self.dst}:{self.dst_port}"
        figures = self.quality
        return (
            f"<Stream 0x{self.ssrc:08x} {what} {route}, "
            f"{counted(figures.packets, 'packet')}, {figures.lost:,} lost>"
        )

    def _repr_html_(self) -> str:
        from rtpcap.views.cards import stream_html

        return stream_html(self)
