"""The waveform chart: how loud a stream or the sides of a call are; what was filled, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from rtpcap.audio.audio import Audio
from rtpcap.audio.holes import Cause
from rtpcap.codecs.decoder import Heard
from rtpcap.errors import CodecUnavailable
from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.views.plot.axes import Look, Style, fitted, look_of, own_axes, stream_title
from rtpcap.views.plot.boxes import boxes
from rtpcap.views.plot.colours import Theme
from rtpcap.views.plot.course import SECONDS, Hole, Tag, merged, placed
from rtpcap.views.plot.lanes import lanes
from rtpcap.views.plot.wave import Floats, Sound, Wave, sounds_of, spans_of

if TYPE_CHECKING:
    from rtpcap.audio.rendering import Fill
    from rtpcap.streams.digits import Digit
    from rtpcap.streams.stream import Stream

__all__ = ["mark_digits", "sound_title", "wave_lane", "waveform", "x_label"]

LEAST_PEAK = 0.01
"""The axis is never finer: below this there is only noise."""
DIGIT_STRIP = 0.17
"""How much of the height, at the top, is kept for digits where there are any."""


def waveform(
    source: Stream | Call | Audio,
    ax: Axes | None = None,
    *,
    fill: Fill = "silence",
    dark: bool = False,
) -> Axes:
    """Draw the lowest and highest sample over time; what was filled is shaded by its reason.

    Of a call both sides in lanes, the caller's above. `fill` is what stands where nothing came, as
    for `Stream.audio`. The keys pressed are marked. Where nothing can be decoded the picture says
    why. Returns the Axes.
    """
    sounds: Sequence[Sound] = ()
    why = ""
    try:
        sounds = sounds_of(source, fill)
    except CodecUnavailable as reason:
        why = str(reason)
    if ax is None:
        more = 1.5 if len(sounds) > 1 else 1.0
        ax = own_axes("waveform", dark, more)
    look = look_of(ax, dark)
    title = sound_title(look, "Waveform", source)
    if not sounds:
        look.quiet()
        look.head(title)
        look.say(why)
        return ax
    places = lanes(look, [1] * len(sounds)) if len(sounds) > 1 else [look]
    legend: dict[str, Patch] = {}
    colours = (look.theme.packets, look.theme.other)
    waves = [Wave.of(sound.line, 2 * look.columns) for sound in sounds]
    peak, digits = max(wave.peak for wave in waves), any(sound.digits for sound in sounds)
    for place, sound, wave, colour in zip(places, sounds, waves, colours, strict=False):
        place.quiet()
        legend |= wave_lane(place, sound, wave, colour, peak=peak, digits=digits)
    begin, end = min(s.start_s for s in sounds), max(s.end_s for s in sounds)
    margin = 0.01 * (end - begin) or 0.5
    places[-1].ax.set_xlim(begin - margin, end + margin)
    for place, sound in zip(places, sounds, strict=True):
        mark_digits(place, sound.digits)
    places[-1].label(x=x_label(source))
    look.head(title, list(legend.values()))
    return ax


def x_label(source: Stream | Call | Audio) -> str:
    """What its axis of time says."""
    return "seconds" if isinstance(source, Audio) else SECONDS


def sound_title(look: Look, what: str, source: Stream | Call | Audio) -> str:
    """What is shown of what."""
    letters = look.letters(0.95)
    if isinstance(source, Audio):
        told = f"{source.duration_s:.2f} s at {source.rate} Hz"
        return fitted(f"{what}: {told}, {counted(source.channels, 'channel')}", letters)
    if isinstance(source, Call):
        return fitted(f"{what}: call {source.call_id}", letters)
    return stream_title(look, what, source)


def wave_lane(
    look: Look, sound: Sound, wave: Wave, colour: str, *, peak: float, digits: bool = False
) -> dict[str, Patch]:
    """The wave and its shades; gives a patch for the legend for each kind of shade.

    `peak` is the loudest of all that is shown beside it: who is quiet shall look it.
    With `digits` there is room for keys above.
    """
    ax = look.ax
    x = sound.start_s + wave.time_s
    ax.fill_between(x, wave.low, wave.high, color=colour, linewidth=0.5, zorder=3)
    peak = max(peak, LEAST_PEAK)
    top = 1.08 + (2.16 * DIGIT_STRIP / (1 - DIGIT_STRIP) if digits else 0)
    ax.set_ylim(-1.08 * peak, top * peak)
    label = sound.name or "amplitude, full scale 1"
    look.label(y=label)
    return _shades(look, sound, wave)


def _shades(look: Look, sound: Sound, wave: Wave) -> dict[str, Patch]:
    theme: Theme = look.theme
    found: dict[str, Patch] = {}

    def shade(
        word: str,
        spans: Floats,
        colour: str,
        height: float,
        seconds: float | None = None,
        **style: Any,
    ) -> None:
        if not len(spans):
            return
        if seconds is None:
            seconds = float((spans[:, 1] - spans[:, 0]).sum())
        least = (sound.end_s - sound.start_s) / look.columns
        begin, end = sound.start_s + spans[:, 0], sound.start_s + spans[:, 1]
        holes = merged(begin, end, end - begin, least)
        _boxes(look, holes, least, height, colour, style)
        words = f"{word}, {seconds:.2f} s"
        name = f"{sound.name}: {words}" if sound.name else words
        found[name] = Patch(facecolor=colour, linewidth=0, label=name, **style)

    if sound.holes is not None:
        rate = sound.line.rate
        for cause, word, colour, hatch in (
            (Cause.LOST, "lost", theme.lost, ""),
            (Cause.LATE, "late", theme.late, ""),
            (Cause.PAUSE, "not sent", theme.silent, "//"),
            (Cause.RESTART, "restart", theme.stray, "xx"),
            (Cause.DAMAGED, "damaged", theme.stray, ""),
        ):
            style: Style = {"alpha": 0.3}
            if hatch:
                style |= {"hatch": hatch, "edgecolor": colour}
            shade(word, spans_of(sound.holes, cause, rate), colour, 1.0, **style)
    codes = [
        (Heard.REPAIRED, "repaired", theme.repaired),
        (Heard.CONCEALED, "concealed", theme.concealed),
        (Heard.NOISE, "comfort noise", theme.stray),
    ]
    if sound.holes is None:
        silent = np.array([*wave.spans(Heard.SILENCE)]).reshape(-1, 2)
        shade("nothing came", silent, theme.lost, 1.0, wave.seconds(Heard.SILENCE), alpha=0.3)
    for code, word, colour in codes:
        spans = np.array([*wave.spans(code)]).reshape(-1, 2)
        shade(word, spans, colour, 0.07, wave.seconds(code), alpha=0.9)
    return found


def _boxes(
    look: Look, holes: Sequence[Hole], least: float, height: float, colour: str, style: Style
) -> None:
    boxes(
        look.ax,
        [hole.begin for hole in holes],
        [hole.end for hole in holes],
        0.0,
        height,
        colour,
        least=least,
        transform=look.ax.get_xaxis_transform(),
        **{"zorder": 1.5, **style},
    )


def mark_digits(look: Look, digits: Iterable[Digit]) -> None:
    """Each key that was pressed, over the stretch it was held, as far as there is room for it."""
    ax = look.ax
    left, right = ax.get_xlim()
    pixel = (right - left) / look.columns
    tags = [
        Tag(d.start_s, d.start_s + (d.duration_s or 0.0), 0.99, 1.0, d.digit)
        for d in digits
        if d.start_s is not None
    ]
    if not tags:
        return
    colour = look.theme.digit
    begin = np.array([tag.begin for tag in tags])
    end = np.array([tag.end for tag in tags])
    order = begin.argsort(kind="stable")
    held = merged(begin[order], end[order], np.ones(len(tags)), pixel)
    _boxes(look, held, 2 * pixel, 1.0, colour, {"alpha": 0.12})
    box = {"facecolor": look.theme.paper, "alpha": 0.75, "linewidth": 0, "pad": 1}
    for middle, tag in placed(tags, look.letter_px * pixel, (left, right)):
        style: Style = {"ha": "center", "va": "top", "color": colour, "zorder": 6, "bbox": box}
        where = ax.get_xaxis_transform()
        look.write(middle, tag.height, tag.text, transform=where, fontweight="bold", **style)
