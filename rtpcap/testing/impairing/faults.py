"""What goes wrong inside packets: bits, lengths, and numbers of the header."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.header import HEADER_BYTES

__all__ = ["Drawn", "Faults"]

UNRELATED_TICKS = (1 << 20, (1 << 32) - (1 << 20))
"""How far a wrong timestamp lies away: two minutes at 8 kHz or more, in either direction."""
NONE = -1


@dataclass(frozen=True)
class Faults:
    """Shares of the packets that arrive, in percent; nothing by default.

    The checksums of a packet that is changed are mended, so that it comes through to a parser.
    """

    bit_error_pct: float = 0.0
    """Packets in which one bit behind the fixed header is turned over."""
    truncate_pct: float = 0.0
    """Packets of which the capture kept the fixed header and a random part of the rest."""
    ssrc_pct: float = 0.0
    """Packets with an SSRC of nobody's."""
    timestamp_pct: float = 0.0
    """Packets with a timestamp from far away."""

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 100:
                raise ValueError(f"{field.name} is {share}, no share in percent")

    def draw(self, size: npt.NDArray[np.int64], seed: int) -> Drawn:
        """What is to happen to packets of these sizes in bytes, shape (n,).

        Each kind draws from a generator of its own. What has nothing behind its header gets no bit
        error and is not truncated.
        """
        n = len(size)
        rest = np.maximum(size - HEADER_BYTES, 0)
        rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]

        def chosen(share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
            return rng.random(n) < share / 100

        bit = HEADER_BYTES * 8 + np.floor(rngs[0].random(n) * rest * 8).astype(np.int64)
        kept = HEADER_BYTES + np.floor(rngs[1].random(n) * rest).astype(np.int64)
        ssrc = rngs[2].integers(0, 1 << 32, n)
        ticks = rngs[3].integers(*UNRELATED_TICKS, n)
        return Drawn(
            bit=np.where(chosen(self.bit_error_pct, rngs[0]) & (rest > 0), bit, NONE),
            kept=np.where(chosen(self.truncate_pct, rngs[1]) & (rest > 0), kept, NONE),
            ssrc=np.where(chosen(self.ssrc_pct, rngs[2]), ssrc, NONE),
            ticks=np.where(chosen(self.timestamp_pct, rngs[3]), ticks, NONE),
        )


@dataclass(frozen=True, eq=False)
class Drawn:
    """What happens to each packet, int64 of shape (n,); -1 where nothing does."""

    bit: npt.NDArray[np.int64]
    """The bit that is turned over, counted from the packet's first."""
    kept: npt.NDArray[np.int64]
    """How many bytes of the packet are left."""
    ssrc: npt.NDArray[np.int64]
    """The SSRC that it has instead."""
    ticks: npt.NDArray[np.int64]
    """How far its timestamp is moved, modulo 2^32."""
