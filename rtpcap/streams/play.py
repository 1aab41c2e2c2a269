"""A stream as a listener with a jitter buffer would have heard it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.audio import Audio
from rtpcap.streams.bursts import burst_ratio
from rtpcap.streams.codec_rows import CodecRow
from rtpcap.streams.emodel import NO_ROW, NetworkDelay, Rating, rate_heard
from rtpcap.streams.fates import account
from rtpcap.streams.figures import DEFAULT_BUFFER
from rtpcap.streams.further import rating_row
from rtpcap.streams.jitterbuffer import Adaptive, Arrivals, Buffer, Fate, Fixed, Playout, play
from rtpcap.streams.ledger import Ledger
from rtpcap.streams.stream_ledger import StreamLedger

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["Play", "buffer_of"]


def buffer_of(buffer_ms: float | None, adaptive: tuple[float, float] | None) -> Buffer:
    """A fixed buffer of this size, or one within these limits; 60 ms where neither is given.

    Raises ValueError for both, and for a size or limits that are not possible.
    """
    if adaptive is None:
        return DEFAULT_BUFFER if buffer_ms is None else Fixed(float(buffer_ms))
    if buffer_ms is not None:
        raise ValueError("a buffer is fixed or adaptive, not both")
    least, most = adaptive
    return Adaptive(float(least), float(most))


class Play:
    """A stream behind a simulated jitter buffer; made by `Stream.play`."""

    def __init__(
        self,
        stream: Stream,
        places: Ledger,
        arrivals: Arrivals,
        buffer: Buffer,
        codec: CodecRow | None,
        network: NetworkDelay | None,
    ) -> None:
        self.stream = stream
        self.buffer = buffer
        self.playout: Playout = play(arrivals, buffer)
        self._places = places
        self._arrivals = arrivals
        self._burst_ratio = float(burst_ratio(self.playout.runs)[0])
        self.rating: Rating | None = None
        """The E-model's, with all its inputs; None where it has no row for the codec."""
        if codec is not None:
            self.rating = rate_heard(
                codec, self.loss_pct, self._burst_ratio, self.delay_ms, network
            )

    @property
    def fate(self) -> npt.NDArray[np.uint8]:
        """What became of each packet, a `Fate` each, in capture order, shape (n,)."""
        return self.playout.fate

    @property
    def wait_ms(self) -> npt.NDArray[np.float64]:
        """How long each played packet lay in the buffer; nan for all others."""
        return self.playout.wait_ms

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """The packets that were heard: neither late nor unneeded."""
        return self.playout.heard

    @property
    def late(self) -> int:
        """Packets that came after their playout time."""
        return int((self.fate == Fate.LATE).sum())

    @property
    def loss_pct(self) -> float:
        """Slots that were not heard, lost or late, in percent of those expected."""
        return float(self.playout.loss_pct[0])

    @property
    def delay_ms(self) -> float | None:
        """What the buffer adds to the delay, on average; None where nothing was played."""
        added = float(self.playout.delay_ms[0])
        return None if np.isnan(added) else added

    @property
    def burst_ratio(self) -> float:
        """BurstR of ITU-T G.107, of what was not heard."""
        return self._burst_ratio

    @property
    def r(self) -> float | None:
        return self.rating.r if self.rating else None

    @property
    def mos_nb(self) -> float | None:
        """Mean opinion score on the narrowband scale; None for wideband codecs."""
        return self.rating.mos_nb if self.rating else None

    @property
    def mos_wb(self) -> float | None:
        """The same on the wideband scale; None for narrowband codecs."""
        return self.rating.mos_wb if self.rating else None

    def explain(self) -> str:
        """The sum of the E-model, line by line; or why there is none."""
        return self.rating.explain() if self.rating else NO_ROW

    @cached_property
    def ledger(self) -> StreamLedger:
        """The stream's ledger, with what this buffer discards as late."""
        books = account(
            self.stream.packets,
            self._places,
            self._arrivals,
            playout=self.playout,
            repaired=np.array([self.stream.repaired]),
        )
        return StreamLedger.of(self._places, books)

    def audio(self) -> Audio:
        """The audio as it was heard: what came too late is missing.

        Raises CodecUnavailable where `Stream.why_not` says a reason.
        """
        return Audio.from_lines([self.stream.track(heard=self.heard)])

    def row(self) -> dict[str, object]:
        """The figures under the names that ``rtpcap quality`` has for them."""
        return {
            "loss_after_buffer_pct": self.loss_pct,
            "buffer_delay_ms": self.delay_ms,
            "burst_ratio": self.burst_ratio,
            "r": self.r,
            "mos_nb": self.mos_nb,
            "mos_wb": self.mos_wb,
            "mos_provisional": self.rating.provisional if self.rating else False,
            **rating_row(self.rating),
        }

    def __repr__(self) -> str:
        if isinstance(self.buffer, Fixed):
            buffer = f"{self.buffer.size_ms:g} ms"
        else:
            buffer = f"{self.buffer.least_ms:g} to {self.buffer.most_ms:g} ms"
        score = ""
        if self.rating:
            scale = self.rating.scale
            sure = ", provisional" if self.rating.provisional else ""
            score = f", MOS {self.rating.mos:.2f} ({scale}{sure})"
        return (
            f"<Play 0x{self.stream.ssrc:08x} with {buffer}: "
            f"{self.loss_pct:.2f} % not heard, {self.late:,} late{score}>"
        )
