"""Track: the audio of a stream on its line of samples, decoded where it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.blocks import Blocks
from rtpcap.audio.holes import Holes, one_after_another
from rtpcap.audio.layers import Layers, at_rate
from rtpcap.audio.layout import decoders_of, lay_out
from rtpcap.audio.line import Line, Samples
from rtpcap.audio.parts import AT_ONCE, Parts
from rtpcap.audio.placement import place
from rtpcap.audio.places import Places
from rtpcap.audio.rendering import AS_RECEIVED, Rendering
from rtpcap.codecs.decoder import Decoder
from rtpcap.codecs.linear import BlockDecoder
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format

__all__ = ["Track", "held"]

DAY_S = 24 * 3600
LEAST_RECEIVED = 0.01
"""A line longer than a day with a smaller share of audio comes from clocks that make no sense."""


def held(decoder: Decoder, packets: Packets) -> npt.NDArray[np.int64]:
    """How many samples each packet's payload stands for, shape (n,)."""
    if isinstance(decoder, BlockDecoder):
        return decoder.samples(packets.payload_size.astype(np.int64))
    samples = [np.empty(0, np.int64)]
    for at in range(0, len(packets), AT_ONCE):
        samples.append(decoder.measure(packets[at : at + AT_ONCE].payloads()).samples)
    return np.concatenate(samples)


class Track:
    """The audio of one stream, made by `Stream.track`; a `Line` in little memory.

    Where packets overlap, the one captured later is heard. Payload types of several sample rates or
    channels are each heard at their time, at the highest rate, or the one asked for.
    """

    def __init__(
        self,
        line: Line,
        holes: Callable[[int], Holes],
        places: Callable[[int], Places],
        *,
        begin: int,
        limit: int,
        repaired: int = 0,
        late: int = 0,
    ) -> None:
        self._line = line
        self._holes = holes
        self._places = places
        self.rate = line.rate
        self.channels = line.channels
        self.length = line.length
        self.begin = begin
        """Its lowest sample: below 0 where a packet belongs before the origin."""
        self.limit = limit
        """The largest sample that its codecs have."""
        self.repaired = repaired
        """Lost packets of which another one brought a copy."""
        self.late = late
        """Packets that came too late for the receiver that was asked for."""

    @classmethod
    def lay(
        cls,
        packets: Packets,
        formats: Mapping[int, Format],
        *,
        origin_ns: int | None = None,
        reanchor_s: float | None = None,
        rendering: Rendering = AS_RECEIVED,
    ) -> Track:
        """Lay out the packets of one stream, in capture order; `place` says where each belongs.

        Payload numbers without a decoder are left out. Raises CodecUnavailable where nothing is
        left, or where the line would make no sense: more than a day of almost nothing.
        """
        plain = _plain(packets, formats, rendering)
        if plain:
            return _laid_plainly(packets, formats, plain, origin_ns, reanchor_s, rendering)
        parts = Parts.of(packets, formats)
        decoders = decoders_of(formats, parts.number)
        layout = lay_out(parts, formats, decoders, origin_ns, reanchor_s, rendering)
        _check(layout.length, int(layout.samples.sum()), layout.rate)
        lanes: list[Line] = [*layout.courses(rendering)]
        line = lanes[0] if len(lanes) == 1 else Layers(lanes, layout.rate)
        line = at_rate(line, rendering.rate or line.rate)
        return cls(
            line,
            lambda rate: layout.holes(rate, rendering.compensate_delay),
            lambda rate: layout.places(rate, rendering.compensate_delay),
            begin=layout.begin * line.rate // layout.rate,
            limit=min(decoder.limit for decoder in layout.decoders.values()),
            repaired=layout.repaired,
            late=layout.late,
        )

    @classmethod
    def joined(cls, tracks: Sequence[Track]) -> Track:
        """Tracks of one stream that were laid from one origin, one after the other, as one."""
        rate = max(track.rate for track in tracks)
        return cls(
            Layers(tracks, rate),
            lambda rate: one_after_another([track._holes(rate) for track in tracks]),
            lambda rate: Places.joined([track._places(rate) for track in tracks]),
            begin=min(track.begin * rate // track.rate for track in tracks),
            limit=min(track.limit for track in tracks),
            repaired=sum(track.repaired for track in tracks),
            late=sum(track.late for track in tracks),
        )

    @property
    def holes(self) -> Holes:
        """Where no packet's audio is, and why; at the rate of the line."""
        return self._holes(self.rate)

    @property
    def places(self) -> Places:
        """Which packet each moment of it is from."""
        return self._places(self.rate)

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, decoded now, and what each is made from.

        Where a decoder has state, the window that begins where the last one ended costs least.
        """
        return self._line.read(start, stop)


def _check(length: int, spoken: int, rate: int) -> None:
    if length > DAY_S * rate and spoken < LEAST_RECEIVED * length:
        raise CodecUnavailable(
            f"times that make no sense: {spoken / rate:.0f} s of audio "
            f"over {length / rate / DAY_S:.1f} days"
        )


def _plain(
    packets: Packets, formats: Mapping[int, Format], rendering: Rendering
) -> dict[int, BlockDecoder]:
    """The decoders of a stream whose packets can be decoded anywhere, in any order; else none."""
    if rendering.fill != "silence" or rendering.buffer_ms is not None:
        return {}
    if any(fmt.is_redundant for fmt in formats.values()):
        return {}
    decoders = decoders_of(formats, packets.payload_type)
    plain = {n: decoder for n, decoder in decoders.items() if isinstance(decoder, BlockDecoder)}
    kinds = {(d.sample_rate, d.channels, formats[n].clock_rate) for n, d in plain.items()}
    return plain if len(plain) == len(decoders) and len(kinds) == 1 else {}


def _laid_plainly(
    packets: Packets,
    formats: Mapping[int, Format],
    decoders: dict[int, BlockDecoder],
    origin_ns: int | None,
    reanchor_s: float | None,
    rendering: Rendering,
) -> Track:
    clock_rate = formats[next(iter(decoders))].clock_rate
    rate = next(iter(decoders.values())).sample_rate
    samples = np.zeros(len(packets), np.int64)
    for number, decoder in decoders.items():
        mine = packets.payload_type == number
        samples[mine] = held(decoder, packets[mine])
    used = packets
    if not samples.all():
        rows = np.flatnonzero(samples)
        used, samples = packets[rows], samples[rows]
    placement = place(
        used.timestamp,
        used.time_ns,
        samples,
        clock_rate,
        rate,
        origin_ns=origin_ns,
        reanchor_s=reanchor_s,
    )
    position = placement.position
    _check(int((position + samples).max(initial=0)), int(samples.sum()), rate)
    line = at_rate(Blocks(used, position, samples, decoders), rendering.rate or rate)

    def holes(wanted: int) -> Holes:
        parts = Parts.of(packets, formats)
        found = decoders_of(formats, parts.number)
        layout = lay_out(parts, formats, found, origin_ns, reanchor_s, rendering)
        return layout.holes(wanted, rendering.compensate_delay)

    return Track(
        line,
        holes,
        lambda wanted: Places.of(position, samples, used.frame, used.time_ns, rate, wanted),
        begin=int(position.min(initial=0)) * line.rate // rate,
        limit=min(decoder.limit for decoder in decoders.values()),
    )
