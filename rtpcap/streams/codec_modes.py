"""Which mode of a codec with several a stream is in, by the sizes of its payloads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MODES", "mode_of"]

MOST_FRAMES = 12
"""So many frames in a packet are looked for."""

AMR_BITS = {
    "4.75k": 95, "5.15k": 103, "5.9k": 118, "6.7k": 134, "7.4k": 148, "7.95k": 159, "10.2k": 204,
    "12.2k": 244,
}  # fmt: skip
"""Mode -> speech bits of a frame (RFC 4867 section 3.6)."""
AMR_WB_BITS = {
    "6.6k": 132, "8.85k": 177, "12.65k": 253, "14.25k": 285, "15.85k": 317, "18.25k": 365,
    "19.85k": 397, "23.05k": 461, "23.85k": 477,
}  # fmt: skip

REQUEST_BITS, ENTRY_BITS = 4, 6
"""What RFC 4867 puts before the frames when packed by bits: a request, and an entry a frame."""


def _amr(bits: dict[str, int], frames: int) -> dict[int, str]:
    """Payload size -> mode of so many frames, packed by bits or by octets.

    The two never give one size for two modes with one frame; with several, what is doubtful is
    left out.
    """
    sizes: dict[int, set[str]] = {}
    for mode, length in bits.items():
        by_bits = -(-(REQUEST_BITS + frames * (ENTRY_BITS + length)) // 8)
        by_octets = 1 + frames * (1 + -(-length // 8))
        for size in (by_bits, by_octets):
            sizes.setdefault(size, set()).add(mode)
    return {size: modes.pop() for size, modes in sizes.items() if len(modes) == 1}


def _plain(octets: dict[str, int], frames: int) -> dict[int, str]:
    return {size * frames: mode for mode, size in octets.items()}


G723_OCTETS = {"6.3k": 24, "5.3k": 20}
G7221_OCTETS = {"24k": 60, "32k": 80}

MODES = {
    "amr": lambda frames: _amr(AMR_BITS, frames),
    "amr-wb": lambda frames: _amr(AMR_WB_BITS, frames),
    "g723": lambda frames: _plain(G723_OCTETS, frames),
    "g7221": lambda frames: _plain(G7221_OCTETS, frames),
}
"""Encoding name in lower case -> payload size -> mode, for a number of frames in a packet."""

FRAME_MS = {"amr": 20, "amr-wb": 20, "g723": 30, "g7221": 20}


def mode_of(encoding: str, sizes: npt.NDArray[np.uint16], packet_ms: float) -> str:
    """The mode of most packets with these payload sizes, as `codec_row` takes it; "" for none.

    `packet_ms` is the media time in a packet, 0 where it is not known: then one frame is taken.

    >>> mode_of("AMR", np.array([32, 32, 7], np.uint16), 20.0)
    '12.2k'
    """
    name = encoding.lower()
    if name not in MODES:
        return ""
    frames = round(packet_ms / FRAME_MS[name]) if packet_ms else 1
    if not 1 <= frames <= MOST_FRAMES:
        return ""
    modes = MODES[name](frames)
    counts = np.bincount(sizes, minlength=1)
    known = [(int(counts[size]), mode) for size, mode in modes.items() if size < len(counts)]
    best = max(known, default=(0, ""))
    return best[1] if best[0] else ""
