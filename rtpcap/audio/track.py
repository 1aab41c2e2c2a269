"""Track: the audio of a stream on its line of samples, decoded where it is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Samples
from rtpcap.audio.placement import place
from rtpcap.codecs.decoder import Decoder, Heard, Reason
from rtpcap.codecs.linear import BlockDecoder
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format

__all__ = ["Mix", "Track", "held"]

DAY_S = 24 * 3600
LEAST_RECEIVED = 0.01
"""A line longer than a day with a smaller share of audio comes from clocks that make no sense."""

LEAD_IN_S = 1
"""How far before a place decoding begins, so that a decoder has its state when it is there."""


def held(decoder: Decoder, packets: Packets) -> npt.NDArray[np.int64]:
    """How many samples each packet's payload stands for, shape (n,)."""
    return _measured(decoder, packets)[0]


def _measured(
    decoder: Decoder, packets: Packets
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """How many samples each payload stands for, and whether the decoder needs it.

    It also needs a piece of what began in another packet, which stands for no samples itself.
    """
    if isinstance(decoder, BlockDecoder):
        samples = decoder.samples(packets.payload_size.astype(np.int64))
        return samples, samples > 0
    measured = decoder.measure(packets.payloads())
    return measured.samples, (measured.samples > 0) | (measured.reason == Reason.NONE)


class Track:
    """The audio of one stream, made by `Stream.track`; a `Line` in little memory.

    Where packets overlap, the one captured later is heard; where none came there is silence.
    """

    def __init__(
        self,
        packets: Packets,
        position: npt.NDArray[np.int64],
        samples: npt.NDArray[np.int64],
        decoders: Mapping[int, Decoder],
    ) -> None:
        first = next(iter(decoders.values()))
        self.rate = first.sample_rate
        self.channels = first.channels
        self.begin = int(position.min(initial=0))
        """Its lowest sample: below 0 where a packet belongs before the origin."""
        self.length = int((position + samples).max(initial=0))
        self._packets = packets
        self._position = position
        self._samples = samples
        self._decoders = decoders
        self._longest = int(samples.max(initial=0))
        # Packets by position, each with its place in the order of capture.
        sorted_already = bool((np.diff(position) >= 0).all())
        self._order = None if sorted_already else np.argsort(position, kind="stable")
        alone = all(isinstance(decoder, BlockDecoder) for decoder in decoders.values())
        self._course = None if alone else _Course(packets, position, samples, decoders)

    @classmethod
    def lay(
        cls,
        packets: Packets,
        formats: Mapping[int, Format],
        *,
        origin_ns: int | None = None,
        reanchor_s: float | None = None,
    ) -> Track:
        """Lay out the packets of one stream, in capture order; `place` says where each belongs.

        Payload numbers without a decoder are left out, and so are those whose clock, sample rate
        or channels differ from what most packets have. Raises CodecUnavailable where nothing is
        left, or where the line would make no sense: more than a day of almost nothing.
        """
        numbers = packets.payload_type
        decoders = _decoders(formats, np.bincount(numbers, minlength=128))
        clock_rate = formats[next(iter(decoders))].clock_rate
        samples = np.zeros(len(packets), np.int64)
        needed = np.zeros(len(packets), np.bool_)
        for number, decoder in decoders.items():
            mine = numbers == number
            samples[mine], needed[mine] = _measured(decoder, packets[mine])
        if not needed.all():
            rows = np.flatnonzero(needed)
            packets, samples = packets[rows], samples[rows]
        rate = next(iter(decoders.values())).sample_rate
        placement = place(
            packets.timestamp,
            packets.time_ns,
            samples,
            clock_rate,
            rate,
            origin_ns=origin_ns,
            reanchor_s=reanchor_s,
        )
        track = cls(packets, placement.position, samples, decoders)
        spoken = int(samples.sum())
        if track.length > DAY_S * rate and spoken < LEAST_RECEIVED * track.length:
            raise CodecUnavailable(
                f"times that make no sense: {spoken / rate:.0f} s of audio "
                f"over {track.length / rate / DAY_S:.1f} days"
            )
        return track

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, decoded now, and which of them were received.

        Where a decoder has state, the window that begins where the last one ended costs least.
        """
        if self._course is not None:
            return self._course.read(start, stop)
        # Packets that reach over an edge are laid out whole, and what is beyond it is cut off.
        margin = self._longest
        size = stop - start + 2 * margin
        shape = (size,) if self.channels == 1 else (size, self.channels)
        out, received = np.zeros(shape, np.int16), np.zeros(size, np.bool_)
        here = self._between(start - margin, stop)
        self._render(here, self._position[here] - (start - margin), out, received)
        inside = slice(margin, size - margin)
        return out[inside], received[inside]

    def _between(self, after: int, before: int) -> npt.NDArray[np.int64]:
        """The packets that begin behind `after` and in front of `before`, in capture order."""
        order = self._order
        lo = np.searchsorted(self._position, after, "right", sorter=order)
        hi = np.searchsorted(self._position, before, "left", sorter=order)
        return np.arange(lo, hi) if order is None else np.sort(order[lo:hi])

    def _render(
        self,
        here: npt.NDArray[np.int64],
        at: npt.NDArray[np.int64],
        out: npt.NDArray[np.int16],
        received: npt.NDArray[np.bool_],
    ) -> None:
        """Decode the packets `here` to the places `at`."""
        if not len(here):
            return
        packets = self._packets[here]
        # Packets of one payload type and size are decoded at once.
        kind = packets.payload_size.astype(np.int64) << 7 | packets.payload_type
        if (kind == kind[0]).all():
            self._lay(packets, at, int(kind[0]), out, received)
            return
        order = np.argsort(at, kind="stable")
        overlap = (at + self._samples[here])[order[:-1]] > at[order[1:]]
        if overlap.any():
            # Who is heard depends on the order of capture: one run of equal packets after another.
            edges = np.flatnonzero(np.diff(kind, prepend=-1))
            runs = [slice(a, b) for a, b in zip(edges, [*edges[1:], len(kind)], strict=True)]
            for run in runs:
                self._lay(packets[run], at[run], int(kind[run.start]), out, received)
            return
        for each in np.unique(kind).tolist():
            mine = kind == each
            self._lay(packets[mine], at[mine], each, out, received)

    def _lay(
        self,
        packets: Packets,
        at: npt.NDArray[np.int64],
        kind: int,
        out: npt.NDArray[np.int16],
        received: npt.NDArray[np.bool_],
    ) -> None:
        size, number = kind >> 7, kind & 0x7F
        payloads = packets.take_payloads(size)
        decoder = self._decoders[number]
        assert isinstance(decoder, BlockDecoder)
        decoded = decoder.decode_many(payloads)
        _copy(decoded, at, out)
        _copy(np.ones(decoded.shape[:2], np.bool_), at, received)


class _Course:
    """The packets of a stream in the order they were sent, for decoders that have state."""

    def __init__(
        self,
        packets: Packets,
        position: npt.NDArray[np.int64],
        samples: npt.NDArray[np.int64],
        decoders: Mapping[int, Decoder],
    ) -> None:
        order = np.argsort(position, kind="stable")
        # A decoder must hear each packet once: of copies the one captured last. Pieces of what
        # another packet began are no copies of it.
        whole = samples[order] > 0
        copy = np.zeros(len(order), np.bool_)
        copy[:-1] = (np.diff(position[order]) == 0) & whole[:-1] & whole[1:]
        order = order[~copy]
        number = packets.payload_type[order]
        self._packets = packets[order]
        self._position = position[order]
        self._samples = samples[order]
        self._number = number
        self._end = self._position + self._samples
        self._longest = int(samples.max(initial=0))
        # Where the next packet is of another type, or does not lie right behind; pieces of what
        # began before them lie where that did.
        begun = np.maximum.accumulate(np.where(self._samples > 0, np.arange(len(order)), 0))
        self._breaks = np.ones(len(order), np.bool_)
        self._breaks[1:] = self._position[1:] != self._end[begun[:-1]]
        self._breaks[1:] &= self._samples[1:] > 0
        self._breaks[1:] |= self._number[1:] != self._number[:-1]
        self._decoders = decoders
        self._next_row = 0
        self._next_sample: int | None = None
        self._over: list[tuple[int, npt.NDArray[np.int16], npt.NDArray[np.bool_]]] = []

    def read(self, start: int, stop: int) -> Samples:
        first = next(iter(self._decoders.values()))
        out, received = first.silence(stop - start), np.zeros(stop - start, np.bool_)
        if start != self._next_sample:
            lead_in = LEAD_IN_S * first.sample_rate + self._longest
            self._next_row = int(np.searchsorted(self._position, start - lead_in))
            self._over = []
            for decoder in self._decoders.values():
                decoder.reset()
        last = int(np.searchsorted(self._position, stop))
        pieces = self._over
        edges = np.flatnonzero(self._breaks[self._next_row : last]) + self._next_row
        begins = [self._next_row, *edges[edges > self._next_row].tolist()]
        for begin, end in zip(begins, [*begins[1:], last], strict=True):
            if begin < end:
                pieces.append(self._decode(begin, end))
        self._over = []
        for at, samples, there in pieces:
            lo, hi = max(at, start), min(at + len(samples), stop)
            if lo < hi:
                out[lo - start : hi - start] = samples[lo - at : hi - at]
                received[lo - start : hi - start] = there[lo - at : hi - at]
            if at + len(samples) > stop:
                beyond = max(stop - at, 0)
                self._over.append((at + beyond, samples[beyond:], there[beyond:]))
        self._next_row, self._next_sample = last, stop
        return out, received

    def _decode(
        self, begin: int, end: int
    ) -> tuple[int, npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
        payloads = self._packets[begin:end].payloads()
        decoded = self._decoders[int(self._number[begin])].decode_run(payloads)
        there = np.repeat(decoded.heard == Heard.RECEIVED, decoded.counts)
        return int(self._position[begin]), decoded.samples, there


def _copy(
    blocks: npt.NDArray[np.generic], at: npt.NDArray[np.int64], out: npt.NDArray[np.generic]
) -> None:
    """Copy each row of `blocks`, shape (k, samples, ...), to its place in `out`, in order."""
    samples = blocks.shape[1]
    if int(at[-1]) - int(at[0]) == samples * (len(at) - 1) and (np.diff(at) == samples).all():
        # One behind the other: one copy.
        flat = blocks.reshape(-1, *blocks.shape[2:])
        out[at[0] : at[0] + len(flat)] = flat
        return
    # A record as long as a block, at every sample: they are assigned in order, later ones win.
    record = np.dtype((np.void, blocks[0].nbytes))
    stride = out.strides[0]
    places = np.ndarray((len(out) - samples + 1,), record, out, 0, (stride,))
    places[at] = np.ascontiguousarray(blocks).reshape(len(blocks), -1).view(record)[:, 0]


def _decoders(formats: Mapping[int, Format], counts: npt.NDArray[np.int64]) -> dict[int, Decoder]:
    """A decoder for each payload number that has one, the most frequent first, all of one kind."""
    found: dict[int, Decoder] = {}
    reason = CodecUnavailable("no payload type of this stream has a format")
    for number in sorted(formats, key=lambda number: -int(counts[number])):
        if not counts[number]:
            continue
        try:
            decoder = find(formats[number])
        except CodecUnavailable as error:
            reason = error
            continue
        first = next(iter(found), number)
        leader = found.get(first, decoder)
        same = formats[number].clock_rate == formats[first].clock_rate
        if same and (decoder.sample_rate, decoder.channels) == (
            leader.sample_rate,
            leader.channels,
        ):
            found[number] = decoder
    if not found:
        raise reason
    return found


class Mix:
    """Several tracks as one; where they speak at once, both are heard, as loud as 16 bits allow.

    Raises CodecUnavailable where their rates or channels differ.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        first = tracks[0]
        for track in tracks:
            if (track.rate, track.channels) != (first.rate, first.channels):
                raise CodecUnavailable(
                    "streams of different sample rates or channels cannot be heard as one"
                )
        self.rate = first.rate
        self.channels = first.channels
        self.begin = min(track.begin for track in tracks)
        self.length = max(track.length for track in tracks)
        self._tracks = tuple(tracks)

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and which of them any track received."""
        samples, received = self._tracks[0].read(start, stop)
        total = samples.astype(np.int32)
        for track in self._tracks[1:]:
            more, there = track.read(start, stop)
            total += more
            received = received | there
        limits = np.iinfo(np.int16)
        return np.clip(total, limits.min, limits.max).astype(np.int16), received
