"""Audio levels that senders write into header extensions (RFC 6464)::

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |V|    level    |      V: voice, if the sender tells; level: 0 to 127, -dBov, 127 is silence
    +-+-+-+-+-+-+-+-+

They can be read on encrypted streams: SRTP leaves header extensions in clear, unless they are
encrypted on their own (RFC 6904, RFC 9335).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.extensions import Elements, find_elements
from rtpcap.rtp.packets import Packets

__all__ = ["SILENCE_DBOV", "URI", "AudioLevels", "guess_extension", "read_levels"]

URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""What an SDP's extmap calls it."""

VOICE = 0x80
LEVEL = 0x7F
SILENCE_DBOV = -127

LEAST_ELEMENTS = 50
"""About a second of them, for a judgement by behaviour."""
LEAST_SHARE = 0.8
"""Of the packets that carry it."""
LEAST_VALUES = 8
MOST_STEP_DB = 12.0
"""From packet to packet, the median: sound changes slowly, 7 bits of ciphertext by 37."""
MOST_ALIKE = 0.9
"""A counter moves by the same step every time."""


@dataclass(frozen=True, eq=False)
class AudioLevels:
    """The levels in the packets of one stream, columns of shape (k,)."""

    extension: int
    """The ID of the extension element."""
    guessed: bool
    """Whether the ID was recognised by what it does, and no SDP named it."""
    row: npt.NDArray[np.int64]
    """Which of the packets."""
    level_dbov: npt.NDArray[np.int16]
    """0 to -126; `SILENCE_DBOV` is digital silence."""
    voice: npt.NDArray[np.bool_]
    """Whether the sender takes it for speech; not every sender says so."""

    def __len__(self) -> int:
        return len(self.row)

    @property
    def mean_dbov(self) -> float | None:
        """The level of the mean power; None without any level."""
        if not len(self):
            return None
        heard = self.level_dbov > SILENCE_DBOV
        power = np.where(heard, 10 ** (self.level_dbov / 10), 0.0).mean()
        return float(10 * np.log10(power)) if power > 0 else float(SILENCE_DBOV)

    @property
    def silent_share(self) -> float:
        """The share of packets that say digital silence."""
        return float((self.level_dbov == SILENCE_DBOV).mean()) if len(self) else 0.0


def read_levels(packets: Packets, extension: int | None = None) -> AudioLevels | None:
    """The levels in the packets of one stream, in capture order.

    `extension` is the ID that an SDP's extmap gives; without it the element is recognised by its
    behaviour. None where there is no such element.
    """
    elements = find_elements(packets)
    number = guess_extension(elements) if extension is None else extension
    if number is None:
        return None
    # The two-byte form may pad its element (section 3); the first byte is the level.
    mine = elements.of(number)
    filled = mine.size > 0
    if not filled.any():
        return None
    values = mine.first_bytes()[filled]
    return AudioLevels(
        number,
        extension is None,
        mine.row[filled],
        -(values & LEVEL).astype(np.int16),
        (values & VOICE) != 0,
    )


def guess_extension(elements: Elements) -> int | None:
    """The ID whose elements behave as audio levels; None where none does, or several do.

    They have one byte each, in nearly every packet that has an extension; they take many values,
    which change from packet to packet, but not by much; and where some say voice and others do
    not, voice is the louder one.
    """
    # The elements lie packet by packet.
    extended = int(np.count_nonzero(np.diff(elements.row, prepend=-1)))
    found = []
    for number in np.flatnonzero(np.bincount(elements.id)).tolist():
        mine = elements.of(number)
        if len(mine) < max(LEAST_ELEMENTS, LEAST_SHARE * extended) or (mine.size != 1).any():
            continue
        if _behaves(mine.first_bytes()):
            found.append(number)
    return found[0] if len(found) == 1 else None


def _behaves(values: npt.NDArray[np.uint8]) -> bool:
    level = (values & LEVEL).astype(np.int64)
    if len(np.unique(level)) < LEAST_VALUES:
        return False
    steps = np.diff(values.astype(np.int64))
    counts = np.unique(steps[steps != 0], return_counts=True)[1]
    if not len(counts) or counts.max() > MOST_ALIKE * len(steps):
        return False
    # Silence and its ends, as a sender with a gate makes them, say nothing about how sound moves.
    sound = level < LEVEL
    moved = np.abs(np.diff(level))[sound[1:] & sound[:-1]]
    if not len(moved) or np.median(moved) > MOST_STEP_DB:
        return False
    voice = (values & VOICE) != 0
    if voice.all() or not voice.any():
        return True
    return bool(level[voice].mean() < level[~voice].mean())
