"""How much media packets hold, as their codecs tell by the payload."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtpcap.audio.track import held
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format

__all__ = ["PAYLOAD_NUMBERS", "held_ticks"]

PAYLOAD_NUMBERS = 128


def held_ticks(
    packets: Packets, meaning: npt.NDArray[np.int32], formats: Sequence[dict[int, Format]]
) -> npt.NDArray[np.int64]:
    """Ticks of media in each packet, 0 where its codec does not tell, shape (n,).

    `meaning` says which of `formats` names the payload numbers of each packet.
    """
    ticks = np.zeros(len(packets), np.int64)
    cell = meaning.astype(np.int64) * PAYLOAD_NUMBERS + packets.payload_type
    cells, place = np.unique(cell, return_inverse=True)
    # Many streams have one format: each is asked once.
    named = [formats[c // PAYLOAD_NUMBERS].get(c % PAYLOAD_NUMBERS) for c in cells.tolist()]
    for fmt in dict.fromkeys(fmt for fmt in named if fmt is not None):
        try:
            decoder = find(fmt)
        except CodecUnavailable:
            continue
        mine = np.flatnonzero(np.array([one == fmt for one in named])[place])
        samples = held(decoder, packets if len(mine) == len(packets) else packets[mine])
        ticks[mine] = samples * fmt.clock_rate // decoder.sample_rate
    return ticks
