"""Blocks: payloads that decode by themselves, many at once, where they are looked at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Samples
from rtpcap.codecs.decoder import Heard
from rtpcap.codecs.linear import BlockDecoder
from rtpcap.rtp.packets import Packets

__all__ = ["Blocks"]


class Blocks:
    """Packets of codecs without state; a `Line` that can be read anywhere.

    Where packets overlap, the one captured later is heard; where none came there is silence.
    """

    def __init__(
        self,
        packets: Packets,
        position: npt.NDArray[np.int64],
        samples: npt.NDArray[np.int64],
        decoders: Mapping[int, BlockDecoder],
    ) -> None:
        first = next(iter(decoders.values()))
        self.rate = first.sample_rate
        self.channels = first.channels
        self.length = int((position + samples).max(initial=0))
        self._packets = packets
        self._position = position
        self._samples = samples
        self._decoders = decoders
        self._longest = int(samples.max(initial=0))
        # Packets by position, each with its place in the order of capture.
        sorted_already = bool((np.diff(position) >= 0).all())
        self._order = None if sorted_already else np.argsort(position, kind="stable")

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, decoded now, and which of them were received."""
        # Packets that reach over an edge are laid out whole, and what is beyond it is cut off.
        margin = self._longest
        size = stop - start + 2 * margin
        shape = (size,) if self.channels == 1 else (size, self.channels)
        out, received = np.zeros(shape, np.int16), np.zeros(size, np.uint8)
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
        received: npt.NDArray[np.uint8],
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
        received: npt.NDArray[np.uint8],
    ) -> None:
        size, number = kind >> 7, kind & 0x7F
        payloads = packets.take_payloads(size)
        decoded = self._decoders[number].decode_many(payloads)
        _copy(decoded, at, out)
        _copy(np.full(decoded.shape[:2], Heard.RECEIVED, np.uint8), at, received)


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
