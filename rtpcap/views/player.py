"""Audio in a notebook: a player, the outline of each side, and what the player holds."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.embedded import embed
from rtpcap.views.html import Markup, fragment, head, note
from rtpcap.views.sparks import waveform

if TYPE_CHECKING:
    from rtpcap.audio.audio import Audio

__all__ = ["audio_html"]

COLUMNS = 280
"""Points of the outline of a side."""

FULL_SCALE = 1 << 15

WIDTH, LANE = 560, 36


def audio_html(audio: Audio) -> str:
    """A player, with the sides named, over the outline of what was decoded."""
    parts = [head(repr(audio)[1:-1])]
    if audio.length:
        held = embed(audio.samples, audio.rate)
        source = b64encode(held.data).decode()
        parts.append(Markup(f'<audio controls src="data:{held.mime};base64,{source}"></audio>'))
        if len(audio.sides) == 2:
            parts.append(note(f"left: {audio.sides[0]}; right: {audio.sides[1]}"))
        sides = [audio.samples] if audio.channels == 1 else list(audio.samples.T)
        chart = waveform(
            [_outline(side) for side in sides],
            WIDTH,
            LANE,
            "outline of the sound",
            ("left", "right") if audio.channels == 2 else (),
            ("0.00 s", f"{audio.duration_s:,.2f} s"),
        )
        parts.append(Markup(f"<div>{chart}</div>"))
        if held.told:
            size = f"{len(held.data) / 1e6:.1f} MB"
            parts.append(note(f"The player's sound is {held.told} ({size})."))
    return fragment(*parts)


def _outline(
    samples: npt.NDArray[np.int16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The lowest and the highest of each of `COLUMNS` equal parts, -1 to 1."""
    begin = np.unique(np.arange(COLUMNS) * len(samples) // COLUMNS)
    low = np.minimum.reduceat(samples, begin) / FULL_SCALE
    return low, np.maximum.reduceat(samples, begin) / FULL_SCALE
