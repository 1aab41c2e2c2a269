"""What the figures of one stream are worked out from, and the ways to look at it.

Loaded when a stream is asked for more than its counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.errors import CodecUnavailable
from rtpcap.streams.codec_rows import CodecRow
from rtpcap.streams.emodel import NetworkDelay
from rtpcap.streams.further import row_of
from rtpcap.streams.gaps import Gap, find_gaps
from rtpcap.streams.jitterbuffer import SIZES_MS, Arrivals, Curve, Fate, curve
from rtpcap.streams.meaning import Meanings
from rtpcap.streams.per_packet import PerPacket
from rtpcap.streams.play import Play, buffer_of
from rtpcap.streams.windows import Windows, windows

if TYPE_CHECKING:
    from rtpcap.streams.formats import Formats
    from rtpcap.streams.jitter import Jitter
    from rtpcap.streams.ledger import Ledger
    from rtpcap.streams.stream import Stream

__all__ = ["Analysis"]


class Analysis:
    """A stream with the place of each packet and the meaning of its number."""

    def __init__(
        self,
        stream: Stream,
        formats: Formats,
        places: Ledger,
        header_bytes: int,
        network: NetworkDelay | None = None,
    ) -> None:
        self._stream = stream
        self._packets = stream.packets
        self._formats = formats
        self._places = places
        self._header_bytes = header_bytes
        self._network = network
        self._meant = Meanings.of(self._packets, formats, stream.index, np.zeros(1, np.int64))

    @cached_property
    def _arrivals(self) -> Arrivals:
        packets, meant = self._packets, self._meant
        return Arrivals.of(
            packets.timestamp,
            packets.time_ns,
            meant.clock_rate,
            meant.media,
            self._places,
            noise=meant.noise,
            held=meant.held,
        )

    @cached_property
    def _codec(self) -> CodecRow | None:
        return row_of(self._formats, self._stream.index, self._packets)

    def gaps(self, start_ns: int) -> list[Gap]:
        """Its gaps, in order of the frame before; seconds count from `start_ns`."""
        clock_rate, held = self._meant.clock_rate, self._meant.held()
        ssrc = self._stream.ssrc
        return find_gaps(
            self._packets, self._places, self._arrivals, ssrc, clock_rate, held, start_ns
        )

    def play(
        self,
        buffer_ms: float | None = None,
        adaptive: tuple[float, float] | None = None,
        network_ms: float | None = None,
    ) -> Play:
        """What comes out of a jitter buffer; see `Stream.play`."""
        buffer = buffer_of(buffer_ms, adaptive)
        network = NetworkDelay.told(network_ms) or self._network
        return Play(self._stream, self._places, self._arrivals, buffer, self._codec, network)

    def buffer_curve(
        self, sizes_ms: Sequence[float] | None = None, network_ms: float | None = None
    ) -> Curve:
        """The rating over sizes of a jitter buffer; see `Stream.buffer_curve`."""
        if self._codec is None:
            codec = self._stream.codec or "this codec"
            raise CodecUnavailable(f"the E-model has no row for {codec}")
        sizes = SIZES_MS if sizes_ms is None else sizes_ms
        network = NetworkDelay.told(network_ms) or self._network
        return curve(self._arrivals, self._codec, sizes, network=network)

    def windows(self, window_s: float, jitter: Jitter) -> Windows:
        """Its figures over windows of time, which count from the capture's first frame.

        With the MOS behind the jitter buffer that `Stream.quality` has.
        """
        heard = self.play()
        found = windows(
            self._packets.time_ns,
            self._packets.size,
            self._places,
            jitter,
            window_s,
            slots=self._arrivals.slots,
            transit=self._arrivals.transit,
            header_bytes=self._header_bytes,
            heard=heard.fate != Fate.LATE,
        )
        if self._codec is not None:
            found = found.rated(self._codec, heard.delay_ms or 0.0)
        return replace(found, start_s=found.start_s + (self._stream.start_s or 0.0))

    def per_packet(self) -> PerPacket:
        """The figures of each packet."""
        return PerPacket.of(
            self._packets,
            self._stream.ledger,
            self._arrivals.transit,
            self._stream.jitter_ms,
            self._header_bytes,
        )
