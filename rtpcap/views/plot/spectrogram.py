"""The spectrogram: which frequencies are heard when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from rtpcap.audio.line import Line, windows
from rtpcap.errors import CodecUnavailable
from rtpcap.views.plot.axes import Look, Style, look_of, own_axes
from rtpcap.views.plot.lanes import lanes
from rtpcap.views.plot.wave import FULL_SCALE, Sound, sounds_of
from rtpcap.views.plot.waveform import mark_digits, sound_title, x_label

if TYPE_CHECKING:
    from matplotlib.image import AxesImage

    from rtpcap.audio.audio import Audio
    from rtpcap.audio.rendering import Fill
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["spectra", "spectrogram"]

FRAME_S = 0.03
"""How much is looked at at a time; the next power of two samples."""
FRAMES = 4
"""In a column: of a long line their mean stands for all that the column covers."""
LEAST_STEP = 8
"""Columns are no closer than this part of a frame."""
RANGE_DB = 80.0
"""What is so far below the loudest is as good as silence."""
FLOOR_DB = -140.0

Floats = npt.NDArray[np.float64]


def spectrogram(
    source: Stream | Call | Audio,
    ax: Axes | None = None,
    *,
    fill: Fill = "silence",
    dark: bool = False,
) -> Axes:
    """Draw the power of each frequency over time, dB of full scale; returns the Axes.

    Of a call both sides in lanes, the caller's above. Each column is the mean of a few spectra
    within it. Where nothing can be decoded the picture says why.
    """
    sounds: list[Sound] = []
    why = ""
    try:
        sounds = sounds_of(source, fill)
    except CodecUnavailable as reason:
        why = str(reason)
    if ax is None:
        more = 1.5 if len(sounds) > 1 else 1.0
        ax = own_axes("spectrogram", dark, more)
    look = look_of(ax, dark)
    look.head(sound_title(look, "Spectrogram", source))
    if not sounds:
        look.quiet()
        look.say(why)
        return ax
    places = lanes(look, [1] * len(sounds)) if len(sounds) > 1 else [look]
    found = [spectra(sound.line, look.columns) for sound in sounds]
    loudest = max(float(power.max()) for power in found)
    image: AxesImage | None = None
    for place, sound, power in zip(places, sounds, found, strict=True):
        image = _draw(place, sound, power, loudest, dark)
        mark_digits(place, sound.digits)
    places[-1].label(x=x_label(source))
    places[-1].ax.set_xlim(min(s.start_s for s in sounds), max(s.end_s for s in sounds))
    assert image is not None
    bar = look.ax.figure.colorbar(image, ax=ax, pad=0.01, fraction=0.04, aspect=30)
    bar.outline.set_visible(False)
    bar.set_label("dB of full scale", fontsize=look.size, color=look.theme.ink)
    bar.ax.tick_params(labelsize=look.size, colors=look.theme.ink)
    return ax


def _draw(look: Look, sound: Sound, power: Floats, loudest: float, dark: bool) -> AxesImage:
    look.quiet(grid=False)
    look.label(y=f"{sound.name}, kHz" if sound.name else "frequency, kHz")
    colours: Style = {"cmap": "magma" if dark else "magma_r", "interpolation": "nearest"}
    extent = (sound.start_s, sound.end_s, 0.0, sound.line.rate / 2000)
    top = max(loudest, FLOOR_DB + RANGE_DB)
    return look.ax.imshow(
        power.T,
        aspect="auto",
        origin="lower",
        extent=extent,
        vmin=top - RANGE_DB,
        vmax=top,
        **colours,
    )


def spectra(line: Line, columns: int) -> Floats:
    """The power of each frequency in each column, dB of full scale, shape (columns, frequencies).

    Reads the line once from end to end. Frequencies go from 0 to half the rate. A sine of full
    scale has 0 dB where it falls on a frequency.
    """
    size = 1 << round(FRAME_S * line.rate - 1).bit_length()
    columns = max(min(columns, line.length * LEAST_STEP // size), 1)
    middle = (np.arange(columns * FRAMES) + 0.5) * line.length / (columns * FRAMES)
    starts = middle.astype(np.int64) - size // 2
    weights = np.hanning(size)
    scale = FULL_SCALE * weights.sum() / 2
    power = np.zeros((columns, size // 2 + 1))
    column = np.arange(columns * FRAMES) // FRAMES
    every = np.arange(size)
    # Silence before the line's first sample and behind its last one.
    kept, at, done = np.zeros(size), -size, 0

    def add(more: Floats) -> None:
        nonlocal kept, at, done
        kept = np.concatenate([kept, more])
        ready = int(np.searchsorted(starts, at + len(kept) - size, "right"))
        for first in range(done, ready, columns):
            some = slice(first, min(first + columns, ready))
            frames = kept[(starts[some] - at)[:, None] + every] * weights
            found = np.abs(np.fft.rfft(frames, axis=1) / scale) ** 2
            np.add.at(power, column[some], found / FRAMES)
        done = ready
        at, kept = at + len(kept) - size, kept[-size:]

    for samples, _ in windows([line]):
        add((samples if samples.ndim == 1 else samples.mean(axis=1)).astype(np.float64))
    add(np.zeros(size))
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, 1e-30)), FLOOR_DB))
