"""Small charts as SVG inside HTML: written by hand, of few points, readable without colour.

All that is drawn are numbers and texts that are escaped here. Colours are classes of `style`, with
a colour beside each for where styles are taken away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from rtpcap.views.style import COLOURS, SCOPE
from rtpcap.views.text import visible

__all__ = ["Course", "Mark", "Span", "course", "lanes", "strip", "waveform"]

Line = npt.NDArray[np.float64]

AXIS = 14
"""Height of the line of text under a chart with an axis."""


@dataclass(frozen=True, eq=False)
class Course:
    """Loss and jitter over windows of time: arrays of shape (w,), nan where there is none."""

    at: Line
    """Where each window begins, from 0 to 1."""
    width: float
    """How long each is, on the same scale."""
    lost_pct: Line
    jitter_ms: Line


@dataclass(frozen=True)
class Span:
    """A stretch of a lane, from 0 to 1."""

    begin: float
    end: float
    colour: str = "ink"
    told: str = ""


@dataclass(frozen=True)
class Mark:
    """A place on a strip, from 0 to 1: a letter over a bar, or a bar alone."""

    begin: float
    end: float
    colour: str = "ink"
    letter: str = ""
    tall: float = 1.0
    """Its share of the strip's height: kinds can be told apart without colour."""
    told: str = ""


def course(
    figures: Course,
    width: int,
    height: int,
    most_pct: float,
    most_ms: float,
    ends: tuple[str, str] | None = None,
) -> str:
    """Bars of loss from the bottom, a line of jitter over them; what full height means is told.

    `ends` are what stands under its left and right end.
    """
    bars = []
    for at, pct in zip(figures.at.tolist(), figures.lost_pct.tolist(), strict=True):
        if pct > 0:
            # Whatever was lost can be seen: two pixels at least.
            tall = max(2.0, min(pct / most_pct, 1.0) * height)
            wide = max(1.5, figures.width * width)
            bars.append(f"M{at * width:.1f} {height}v-{tall:.1f}h{wide:.1f}v{tall:.1f}z")
    line = _path(
        (figures.at + figures.width / 2) * width,
        height - 1 - np.minimum(figures.jitter_ms / most_ms, 1) * (height - 2),
    )
    lost = np.nan_to_num(figures.lost_pct)
    jitter = figures.jitter_ms[np.isfinite(figures.jitter_ms)]
    told = f"loss up to {lost.max(initial=0):.1f} %"
    if len(jitter):
        told += f", jitter up to {jitter.max():.1f} ms"
    return _svg(
        width,
        height,
        told,
        _rect(0, height - 1, width, 1, "line"),
        # One path: a chart has up to sixty of them, and a table fifty charts.
        f'<path class="{SCOPE}-bad" d="{"".join(bars)}" fill="{_mid("bad")}"/>' if bars else "",
        f'<path class="{SCOPE}-ink-line" d="{line}" fill="none" stroke="{_mid("ink")}"'
        ' stroke-width="1.2"/>'
        if line
        else "",
        ends=ends,
    )


def lanes(
    rows: Sequence[Sequence[Span]],
    width: int,
    lane: int,
    told: str,
    *,
    ticks: Iterable[float] = (),
    names: Sequence[str] = (),
    ends: tuple[str, str] | None = None,
) -> str:
    """A lane under the other, with stretches in each; `ticks` are lines across all."""
    left = 8 * max(map(len, names), default=0)
    room = width - left
    parts = []
    for number, spans in enumerate(rows):
        top = number * (lane + 2)
        parts.append(_rect(left, top, room, lane, "band"))
        for span in spans:
            begin = left + _within(span.begin) * room
            long = max(2.0, (_within(span.end) - _within(span.begin)) * room)
            parts.append(_rect(begin, top, long, lane, span.colour, span.told))
        if number < len(names):
            parts.append(f'<text x="0" y="{top + lane - 1}">{_escaped(names[number])}</text>')
    height = len(rows) * (lane + 2) - 2
    parts += [_rect(left + _within(at) * room - 0.5, 0, 1.5, height, "text") for at in ticks]
    return _svg(width, height, told, *parts, ends=ends, left=left)


def strip(
    marks: Sequence[Mark], width: int, told: str, ends: tuple[str, str], *, height: int = 30
) -> str:
    """Marks on a line of time; letters stand over those that have room."""
    lettered = any(mark.letter for mark in marks)
    top = 16 if lettered else 0
    parts = [_rect(0, height - 1, width, 1, "line")]
    free = -math.inf
    for mark in sorted(marks, key=lambda mark: mark.begin):
        begin = _within(mark.begin) * width
        # A pixel less, so that neighbours stay apart.
        long = max(2.0, (_within(mark.end) - _within(mark.begin)) * width - 1)
        begin = min(begin, width - long)
        tall = (height - top) * mark.tall
        parts.append(_rect(begin, height - tall, long, tall, mark.colour, mark.told))
        half = 4.0 * len(mark.letter) + 1
        middle = min(max(begin + long / 2, half), width - half)
        if mark.letter and middle - half >= free:
            free = middle + half
            parts.append(
                f'<text class="{SCOPE}-strong" x="{middle:.1f}" y="12" text-anchor="middle">'
                f"{_escaped(mark.letter)}</text>"
            )
    return _svg(width, height, told, *parts, ends=ends)


def waveform(
    channels: Sequence[tuple[Line, Line]],
    width: int,
    lane: int,
    told: str,
    names: Sequence[str],
    ends: tuple[str, str],
) -> str:
    """The lowest and highest of each part of each channel, -1 to 1, one under the other."""
    left = 7 * max(map(len, names), default=0)
    parts = []
    for number, (low, high) in enumerate(channels):
        top = number * (lane + 4)
        middle, half = top + lane / 2, lane / 2
        x = left + (np.arange(len(low)) + 0.5) / max(len(low), 1) * (width - left)
        upper = middle - np.maximum(high, 0.01) * half
        lower = middle - np.minimum(low, -0.01) * half
        parts.append(_rect(left, middle - 0.5, width - left, 1, "line"))
        if len(low):
            path = _path(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]]))
            parts.append(f'<path class="{SCOPE}-ink" d="{path}Z" fill="{_mid("ink")}"/>')
        if number < len(names):
            parts.append(f'<text x="0" y="{middle + 4:.0f}">{_escaped(names[number])}</text>')
    height = len(channels) * (lane + 4) - 4
    return _svg(width, height, told, *parts, ends=ends, left=left)


def _svg(
    width: int,
    height: int,
    told: str,
    *parts: str,
    ends: tuple[str, str] | None = None,
    left: int = 0,
) -> str:
    tall = height
    if ends:
        tall += AXIS
        parts = (
            *parts,
            f'<text x="{left}" y="{height + 11}">{_escaped(ends[0])}</text>',
            f'<text x="{width}" y="{height + 11}" text-anchor="end">{_escaped(ends[1])}</text>',
        )
    words = _escaped(told)
    # Where a notebook is not trusted the texts alone are left of it: they are kept apart.
    inside = "\n".join([f"<title>{words}</title>", *filter(None, parts)])
    return (
        f'<svg role="img" aria-label="{words}" width="{width}" height="{tall}" '
        f'viewBox="0 0 {width} {tall}">{inside}</svg>'
    )


def _rect(x: float, y: float, width: float, height: float, colour: str, told: str = "") -> str:
    title = f"<title>{_escaped(told)}</title>" if told else ""
    return (
        f'<rect class="{SCOPE}-{colour}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" fill="{_mid(colour)}">{title}</rect>'
    )


def _path(x: Line, y: Line) -> str:
    """The points as a path that nan interrupts."""
    out, pen = [], "M"
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = "M"
            continue
        out.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L"
    return "".join(out)


def _within(place: float) -> float:
    return min(max(place, 0.0), 1.0) if math.isfinite(place) else 0.0


def _mid(colour: str) -> str:
    """The colour where no style tells another."""
    return COLOURS[colour][0]


def _escaped(text: str) -> str:
    return escape(visible(text))
