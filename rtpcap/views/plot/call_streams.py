"""The streams of a call as lanes: sound, gaps, jitter, MOS, codecs, and the keys pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Patch

from rtpcap.errors import CodecUnavailable
from rtpcap.streams.emodel import LEAST_MOS, MOST_MOS
from rtpcap.streams.fates import PacketClass
from rtpcap.views.plot.axes import Look, Style, fitted
from rtpcap.views.plot.boxes import boxes, runs
from rtpcap.views.plot.call_rows import (
    digits_of,
    names_of,
    pixel_of,
    side_colours,
    side_lines,
    sides_of,
    two_rows,
)
from rtpcap.views.plot.course import Course, Tag, holes_of, merged, placed
from rtpcap.views.plot.envelope import envelope
from rtpcap.views.plot.quality import score_line, window_for
from rtpcap.views.plot.wave import Sound, Wave, sounds_of
from rtpcap.views.plot.waveform import wave_lane

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["draw_codecs", "draw_digits", "draw_gaps", "draw_jitter", "draw_scores", "draw_sound"]

MOST_EPOCHS = 200
"""Stretches of one codec in a stream that are drawn."""


def draw_sound(left: Look, right: Look, call: Call) -> list[Artist]:
    """Each side's wave in its lane; where it cannot be heard, why."""
    sounds: list[Sound] = []
    why = ""
    try:
        sounds = sounds_of(call)
    except CodecUnavailable as reason:
        why = str(reason)
    legend: list[Artist] = []
    if not sounds:
        sounds, reasons = _one_side(call)
        why = why or "; ".join(reasons)
    waves = {sound.name: Wave.of(sound.line, 2 * left.columns) for sound in sounds}
    peak = max((wave.peak for wave in waves.values()), default=0.0)
    by_name = {sound.name: sound for sound in sounds}
    theme = left.theme
    colours = (theme.packets, theme.other)
    for place, name, colour in zip((left, right), names_of(call), colours, strict=True):
        sound = by_name.get(name)
        place.ax.set_yticks([])
        place.label(y=name)
        if sound is None:
            place.ax.set_ylim(-1, 1)
            # The limits of time are those of the call, not of the words.
            place.say(why)
            continue
        # The keys have a lane of their own.
        shown = Sound(sound.line, sound.start_s, name, (), sound.holes)
        for patch in wave_lane(place, shown, waves[name], colour, peak=peak).values():
            # Which side's it is shows in the lane.
            word = str(patch.get_label()).partition(": ")[2].rpartition(",")[0]
            patch.set_label(word)
            legend.append(patch)
        place.ax.set_yticks([])
    return legend


def _one_side(call: Call) -> tuple[list[Sound], list[str]]:
    """The side that can be heard, where only one can."""
    found, reasons = [], []
    for name, streams in zip(names_of(call), call.heard(), strict=True):
        for stream in streams[:1]:
            try:
                (sound,) = sounds_of(stream)
            except CodecUnavailable as reason:
                reasons.append(str(reason))
            else:
                found.append(Sound(sound.line, sound.start_s, name, sound.digits, sound.holes))
    return found, reasons


def draw_gaps(look: Look, call: Call) -> list[Artist]:
    """A bar for each stream, with what is missing in it."""
    ax, theme, pixel = look.ax, look.theme, pixel_of(look)
    two_rows(look, call, "gaps")
    there: set[str] = set()
    for streams, row in sides_of(call):
        lost = 0
        for stream in streams:
            course = Course.of(stream)
            if not course.timed or stream.start_s is None:
                continue
            end = stream.start_s + (stream.duration_s or 0.0)
            boxes(ax, [stream.start_s], [end], row - 0.3, row + 0.3, theme.faint, least=pixel)
            lost += stream.quality.lost
            late_x = course.x[_late(stream)]
            late = merged(late_x, late_x, np.ones(len(late_x)), 2 * pixel)
            for word, holes, colour, style in (
                (
                    "not sent",
                    holes_of(course, [g for g in stream.gaps if g.reason == "dtx"], pixel),
                    theme.silent,
                    {"alpha": 0.6},
                ),
                ("late", late, theme.late, {"least": 2 * pixel}),
                (
                    "lost",
                    holes_of(course, [g for g in stream.gaps if g.reason == "lost"], 2 * pixel),
                    theme.lost,
                    {"least": 2 * pixel, "zorder": 3},
                ),
            ):
                if holes:
                    there.add(word)
                    begins, ends = [h.begin for h in holes], [h.end for h in holes]
                    boxes(ax, begins, ends, row - 0.3, row + 0.3, colour, **style)
        if lost:
            place: Style = {"ha": "right", "va": "center", "zorder": 6}
            box = {"facecolor": theme.paper, "alpha": 0.75, "linewidth": 0, "pad": 1}
            where = ax.get_yaxis_transform()
            look.write(0.995, row, f"{lost:,} lost", transform=where, bbox=box, **place)
    colours = {"lost": theme.lost, "late": theme.late, "not sent": theme.silent}
    return [
        Patch(facecolor=colour, linewidth=0, label=word)
        for word, colour in colours.items()
        if word in there
    ]


def _late(stream: Stream) -> npt.NDArray[np.int64]:
    """The rows of packets that a jitter buffer of 60 ms discards."""
    rows = np.flatnonzero(stream.ledger.packet_class == PacketClass.LATE)
    return rows[np.isfinite(stream.time_s[rows])]


def draw_jitter(look: Look, call: Call) -> None:
    """The jitter of each stream, in the colour of its side."""
    look.label(y="jitter, ms")
    highest = 0.0
    for (streams, _), (colour, width) in zip(sides_of(call), side_lines(look), strict=True):
        for stream in streams:
            x, y = stream.time_s, stream.jitter_ms
            known = np.isfinite(x) & np.isfinite(y)
            if known.any():
                line = envelope(x[known], y[known], look.columns)
                look.ax.plot(*line, color=colour, linewidth=width)
                highest = max(highest, float(y[known].max()))
    look.ax.set_ylim(0, 1.15 * highest or 1.0)


def draw_scores(look: Look, call: Call, limits: tuple[float, float]) -> None:
    """The MOS over time of each stream."""
    look.label(y="MOS")
    look.ax.set_ylim(LEAST_MOS - 0.2, MOST_MOS + 0.3)
    look.ax.set_yticks([1, 2, 3, 4])
    drawn = False
    for (streams, _), (colour, width) in zip(sides_of(call), side_lines(look), strict=True):
        for stream in streams:
            if stream.start_s is None:
                continue
            found = stream.windows(window_for(limits[1] - limits[0]))
            if found.scale is not None:
                end = stream.start_s + (stream.duration_s or 0.0)
                score_line(look, found, colour, end, 1.4 * width)
                drawn = True
    if not drawn:
        look.say("no MOS: the E-model has no row for the codecs")


def draw_codecs(look: Look, call: Call) -> None:
    """A bar for each stretch of one codec in one stream, named where there is room."""
    ax, pixel = look.ax, pixel_of(look)
    two_rows(look, call, "codec")
    for (streams, row), colour in zip(sides_of(call), side_colours(look), strict=True):
        for stream in streams:
            for begin, end, name in _epochs(stream):
                style: Style = {"least": 2 * pixel, "alpha": 0.3}
                boxes(ax, [begin], [end], row - 0.38, row + 0.38, colour, **style)
                ax.vlines([begin], row - 0.38, row + 0.38, color=colour, linewidth=1.5, zorder=3)
                letters = int((end - begin) / pixel / look.letter_px) - 1
                if letters >= 4:
                    text = fitted(name, letters) if len(name) > letters else name
                    place: Style = {"ha": "center", "va": "center", "zorder": 6}
                    look.write((begin + end) / 2, row, text, **place)


def _epochs(stream: Stream) -> list[tuple[float, float, str]]:
    """(begin, end, name) of the stretches in which a stream's media had one payload number."""
    x, number = stream.time_s, stream.packets.payload_type
    formats = stream.formats
    aside = [n for n, fmt in formats.items() if not fmt.is_media]
    media = np.isfinite(x) & ~np.isin(number, aside)
    x, number = x[media], number[media]
    if not len(x):
        return []
    begins, ends = (edge[:MOST_EPOCHS] for edge in runs(number))
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        named = int(number[begin])
        fmt = formats.get(named)
        what = str(fmt) if fmt is not None else f"payload type {named}"
        until = float(x[end]) if end < len(x) else float(x[-1])
        found.append((float(x[begin]), until, f"{what}  0x{stream.ssrc:08x}"))
    return found


def draw_digits(look: Look, call: Call) -> None:
    """The keys pressed on each side, over the stretch that each was held."""
    ax, pixel = look.ax, pixel_of(look)
    two_rows(look, call, "digits")
    for (side, digits), (_, row) in zip(digits_of(call).items(), sides_of(call), strict=True):
        tags = [
            Tag(d.start_s, d.start_s + (d.duration_s or 0.0), row, 1.0, d.digit)
            for d in digits
            if d.start_s is not None
        ]
        colour = look.theme.packets if side == "left" else look.theme.other
        tags.sort(key=lambda tag: tag.begin)
        begin = np.array([tag.begin for tag in tags])
        held = merged(begin, np.array([tag.end for tag in tags]), np.ones(len(tags)), 0.0)
        boxes(
            ax,
            [hole.begin for hole in held],
            [hole.end for hole in held],
            row - 0.42,
            row + 0.42,
            colour,
            least=2 * pixel,
            alpha=0.35,
        )
        for middle, tag in placed(tags, look.letter_px * pixel, ax.get_xlim()):
            place: Style = {"ha": "center", "va": "center", "fontweight": "bold", "zorder": 6}
            look.write(middle, row, tag.text, **place)
