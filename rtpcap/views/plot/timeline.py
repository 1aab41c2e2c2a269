"""The timeline: all streams of a capture as bars over time, coloured by what was lost of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rtpcap.streams.counted import counted
from rtpcap.streams.slots import Slots
from rtpcap.views.plot.axes import PLAIN, Look, Style, fitted, look_of, own_axes
from rtpcap.views.plot.boxes import boxes, runs
from rtpcap.views.plot.course import SECONDS

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.api import Capture
    from rtpcap.streams.stream import Stream

__all__ = ["timeline", "timeline_times"]

MOST_NAMED = 40
"""Up to so many streams each has its name beside it; more have a number."""
LEAST_TIMES, MOST_TIMES = 0.4, 1.6
CELL_PIXELS = 5
"""A bar has one colour over so many pixels at least."""
LEAST_CELL_S = 0.5
"""And over so long: packets of a stream are further apart than pixels in a short capture."""

CLASSES_PCT = (0.0, 1.0, 5.0)
"""A cell is of the class whose loss it exceeds, in percent."""

HALF, LEAST_ROW_PX, CROWDED_PX = 0.4, 1.0, 4.0
"""Half a bar's height, in rows, and how high one is at least; below the last, edges are soft."""
SILENT_SHARE = 0.2

SILENT = -1
Floats = npt.NDArray[np.float64]


def timeline(
    source: Capture | Sequence[Stream], ax: Axes | None = None, *, dark: bool = False
) -> Axes:
    """Draw each stream as a bar, from its first packet to its last; returns the Axes.

    Streams of a call stand together, in order of time. Where packets were lost the bar has the
    colour of how many; where nothing came it is thin. `source` is a capture, or some streams.
    """
    streams = _streams(source)
    ax = own_axes("timeline", dark, timeline_times(len(streams))) if ax is None else ax
    look = look_of(ax, dark)
    look.quiet(grid=False)
    ax.grid(axis="x", color=look.theme.ink, alpha=0.14, linewidth=0.6)
    title = fitted(_title(source, streams), look.letters(0.95))
    timed = [stream for stream in _in_order(streams) if stream.start_s is not None]
    if not timed:
        look.head(title)
        look.say("no stream with times to draw")
        return ax

    begin = min(stream.start_s or 0.0 for stream in timed)
    end = max((stream.start_s or 0.0) + (stream.duration_s or 0.0) for stream in timed)
    margin = 0.01 * (end - begin) or 0.5
    ax.set_xlim(begin - margin, end + margin)
    ax.set_ylim(len(timed) - 0.4, -0.6)
    pixel = (end - begin + 2 * margin) / look.columns
    bars = _bars(timed, max(CELL_PIXELS * pixel, LEAST_CELL_S))
    look.head(title, _draw(look, bars, pixel))
    _name(look, timed)
    look.label(x=SECONDS)
    return ax


def timeline_times(streams: int) -> float:
    """How many times as high as usual the picture of so many streams is."""
    return min(max((streams + 3) / 20, LEAST_TIMES), MOST_TIMES)


def _streams(source: Capture | Sequence[Stream]) -> list[Stream]:
    return [*(source if isinstance(source, Sequence) else source.streams)]


def _title(source: Capture | Sequence[Stream], streams: Sequence[Stream]) -> str:
    lost = sum(stream.quality.lost for stream in streams)
    packets = sum(stream.quality.packets for stream in streams)
    told = f"{counted(len(streams), 'stream')}, {counted(packets, 'packet')}, {lost:,} lost"
    if isinstance(source, Sequence):
        return told
    return f"{told} in {os.path.basename(source.path)}"


def _in_order(streams: Sequence[Stream]) -> list[Stream]:
    """In order of first frame, but those of a call with its first."""
    first: dict[str, int] = {}
    for stream in streams:
        if stream.call is not None:
            first.setdefault(stream.call, stream.first_frame)
            first[stream.call] = min(first[stream.call], stream.first_frame)

    def place(stream: Stream) -> tuple[int, str, int]:
        own = stream.first_frame
        return (own if stream.call is None else first[stream.call], stream.call or "", own)

    return sorted(streams, key=place)


def _bars(streams: Sequence[Stream], cell_s: float) -> Floats:
    """(row, begin, end, class) of each stretch of a bar, shape (b, 4)."""
    found = [_bar(row, stream, cell_s) for row, stream in enumerate(streams)]
    return np.concatenate(found)


def _bar(row: int, stream: Stream, cell_s: float) -> Floats:
    start, span = stream.start_s or 0.0, stream.duration_s or 0.0
    cells = int(span / cell_s) + 1
    times = stream.time_s
    cell = np.full(len(times), -1)
    timed = np.isfinite(times)
    cell[timed] = np.clip((times[timed] - start) / cell_s, 0, cells - 1)
    kind = np.where(np.bincount(cell[timed], minlength=cells) > 0, 0, SILENT)
    if stream.quality.lost:
        # As in windows of time: what is missing counts where the packet after it came.
        slots = Slots.of(stream.places)
        known = timed[slots.rows]
        missing = np.diff(slots.place, prepend=slots.place[:1] - 1)[known] - 1
        where = cell[slots.rows[known]]
        lost = np.bincount(where, weights=missing, minlength=cells)
        lost_pct = 100 * lost / np.maximum(np.bincount(where, minlength=cells) + lost, 1)
        # The class of a cell is how many of the limits it exceeds.
        worse = np.searchsorted(np.array(CLASSES_PCT), lost_pct, "left")
        kind = np.where(kind == SILENT, SILENT, worse)
    begin, stop = runs(kind)
    edges = np.minimum(np.arange(cells + 1) * cell_s, span) + start
    columns = [np.full(len(begin), float(row)), edges[begin], edges[stop], kind[begin]]
    return np.stack(columns, axis=1)


def _draw(look: Look, bars: Floats, pixel: float) -> list[Artist]:
    theme = look.theme
    names = ["nothing lost"]
    names += [f"up to {most:g} % lost" for most in CLASSES_PCT[1:]]
    names.append(f"more than {CLASSES_PCT[-1]:g} % lost")
    colours = (theme.packets, theme.few, theme.late, theme.lost)
    row, begin, end, kind = bars.T
    # However many rows there are, each is a pixel high at least.
    rows_px = look.ax.bbox.height / (int(row.max()) + 1)
    half = max(HALF, LEAST_ROW_PX / rows_px / 2)
    there = kind == SILENT
    legend: list[Artist] = []
    if there.any():
        thin, middle = half * SILENT_SHARE, row[there]
        boxes(look.ax, begin[there], end[there], middle - thin, middle + thin, theme.stray)
    for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
        mine = kind == number
        if not mine.any():
            continue
        # What is worse lies above: one bad cell is seen among many good ones.
        style: Style = {"least": (1.5 + number) * pixel, "zorder": 2 + number}
        if rows_px < CROWDED_PX:
            style["snap"] = False
        middle = row[mine]
        boxes(look.ax, begin[mine], end[mine], middle - half, middle + half, colour, **style)
        legend.append(Patch(facecolor=colour, label=name))
    if there.any():
        legend.append(Patch(facecolor=theme.stray, label="nothing came"))
    return legend


def _name(look: Look, streams: Sequence[Stream]) -> None:
    ax = look.ax
    room = ax.bbox.height / (len(streams) + 1)
    if len(streams) > MOST_NAMED or room < 1.3 * look.letter_px:
        look.label(y="stream, in order of time")
        ax.yaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
        return
    letters = look.letters(0.32)
    names = [
        fitted(f"0x{stream.ssrc:08x} {stream.codec or 'unknown'}", letters) for stream in streams
    ]
    ax.set_yticks(range(len(streams)), names, **PLAIN)
    ax.tick_params(axis="y", length=0)
