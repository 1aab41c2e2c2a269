"""Write the frames of a stream as they were sent, not decoded, into a file of their codec's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rtpcap.audio.layout import Layout, decoders_of, lay_out
from rtpcap.audio.parts import AT_ONCE, Parts
from rtpcap.audio.rendering import AS_RECEIVED
from rtpcap.codecs.storage import FrameFile, frame_file, frames_of
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads

__all__ = ["StoredFrames", "stored_frames"]


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """The frames of a stream's codec in order, each once; a hole is marked where a file can."""

    layout: Layout
    number: int
    file: FrameFile
    left_out: int
    """Payloads of other codecs."""

    @property
    def rate(self) -> int:
        return self.layout.decoders[self.number].sample_rate

    @property
    def channels(self) -> int:
        return self.layout.decoders[self.number].channels

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return self.layout.length / self.layout.rate

    @property
    def received_s(self) -> float:
        """How long the frames are."""
        return float(self.layout.samples.sum()) / self.layout.rate

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file; it appears under its name when it is whole. Raises OSError."""
        folder, name = os.path.split(os.fsencode(path))
        part = os.path.join(folder, b".%b.%d.part" % (name, os.getpid()))
        try:
            with open(part, "wb") as out:
                for data in frames_of(self.file, self._pieces()):
                    out.write(data)
            os.replace(part, path)
        finally:
            if os.path.exists(part):
                os.unlink(part)

    def _pieces(self) -> Iterator[tuple[Payloads, int]]:
        layout = self.layout
        size, _ = layout.hole_sizes()
        mine = layout.number == self.number
        begin, n = 0, len(mine)
        ends = np.flatnonzero(size > 0) + 1
        for end in [*ends.tolist(), n]:
            for at in range(begin, end, AT_ONCE):
                rows = np.arange(at, min(at + AT_ONCE, end))
                payloads = layout.parts.payloads(layout.part[rows[mine[rows]]])
                last = int(rows[-1]) + 1 == end
                missing = int(size[end - 1]) * self.rate // layout.rate if last else 0
                yield payloads, missing
            begin = end


def stored_frames(packets: Packets, formats: Mapping[int, Format]) -> StoredFrames:
    """The frames of most of a stream's payloads, and the file for them.

    Raises CodecUnavailable where they cannot be taken apart, or have no file format.
    """
    parts = Parts.of(packets, formats)
    decoders = decoders_of(formats, parts.number)
    number = next(iter(decoders))
    file = frame_file(formats[number])
    layout = lay_out(parts, formats, decoders, None, None, AS_RECEIVED)
    return StoredFrames(layout, number, file, int((layout.number != number).sum()))
