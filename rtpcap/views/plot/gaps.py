"""The sequence-gap chart: where a stream has holes, what is late or doubled; jitter below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rtpcap.views.plot.axes import Look, PictureAxes, Style, look_of, own_figure, stream_title
from rtpcap.views.plot.boxes import boxes
from rtpcap.views.plot.course import Course, Hole, Line, Tag, holes_of, merged, placed
from rtpcap.views.plot.envelope import envelope, thinned
from rtpcap.views.plot.jitter import jitter_lane

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.gridspec import SubplotSpec

    from rtpcap.streams.gaps import Gap
    from rtpcap.streams.stream import Stream

__all__ = ["above_and_below", "gaps"]

TITLE = "Sequence and gaps"

DOT_PIXELS = 3
"""Where the packets have so much room each, they are dots."""
STEMS = 200
"""Up to so many late packets each is tied to where it should have been."""
MOST_RESTART_LABELS = 8
MOST_BANDS = 60
"""Beyond so many gaps they are no longer marked over the whole height, and the largest named."""
MOST_LABELS = 10
ROWS = 400
STRIP = 0.16
"""How much of the height, at the bottom, is kept for the sizes of the gaps."""


def gaps(
    stream: Stream, ax: Axes | None = None, jitter_ax: Axes | None = None, *, dark: bool = False
) -> Axes:
    """Draw the sequence-gap chart of a stream; returns the Axes of the sequence numbers.

    Without `ax` a new figure is made, with the jitter on a second Axes below. With `ax` only that
    is drawn into, and the jitter into `jitter_ax` where it is given.
    """
    if ax is None:
        figure = own_figure("gaps", dark=dark)
        ax, jitter_ax = above_and_below(figure, figure.add_gridspec(1, 1)[0])
    course = Course.of(stream)
    look = look_of(ax, dark)
    _draw_sequence(look, course)
    if jitter_ax is not None:
        lane = look_of(jitter_ax, dark)
        jitter_lane(lane, stream, course.x)
        lane.label(x=course.x_label)
        jitter_ax.set_xlim(ax.get_xlim())
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)
    return ax


def above_and_below(figure: Figure, place: SubplotSpec) -> tuple[Axes, Axes]:
    """New Axes for the sequence numbers, and below them for the jitter, in a place of a figure."""
    grid = place.subgridspec(2, 1, height_ratios=[3, 1])
    ax = figure.add_subplot(grid[0], axes_class=PictureAxes)
    return ax, figure.add_subplot(grid[1], sharex=ax)


def _draw_sequence(look: Look, course: Course) -> None:
    ax, theme, stream, ledger = look.ax, look.theme, course.stream, course.stream.places
    look.quiet()
    shown = np.isfinite(course.x) & np.isfinite(course.y)
    if not shown.any():
        look.head(stream_title(look, TITLE, stream))
        look.say("no packet to draw")
        return
    every = bool(shown.all())
    x, y = (course.x, course.y) if every else (course.x[shown], course.y[shown])
    late, doubled = ledger.reordered[shown], ledger.duplicate[shown]
    _set_limits(ax, x, y, STRIP if any(gap.reason == "lost" for gap in stream.gaps) else 0.04)

    legend: list[Artist] = []
    odd = late | doubled
    after = course.where([gap.frame_after for gap in stream.gaps if gap.reason != "lost"])
    straight = (x[~odd], y[~odd]) if odd.any() else (x, y)
    legend += _draw_line(look, *straight, after, len(stream.packets))
    legend += _draw_gaps(look, course)
    legend += _draw_marks(look, x[doubled], y[doubled], "s", theme.duplicate, "duplicate")
    legend += _draw_marks(look, x[late], y[late], "v", theme.late, "late")
    if 0 < late.sum() <= STEMS:
        ahead = np.maximum.accumulate(y)[late]
        ax.vlines(x[late], y[late], ahead, color=theme.late, linewidth=1, zorder=3)
    stray = course.x[np.isnan(course.y) & np.isfinite(course.x)]
    if len(stray):
        at = np.full(len(stray), ax.get_ylim()[0])
        legend += _draw_marks(look, stray, at, "x", theme.stray, "stray")

    look.head(stream_title(look, TITLE, stream), legend)
    look.label(
        x=course.x_label,
        y="packets, in sequence" if course.restarts else "sequence number, unwrapped",
    )
    ax.ticklabel_format(axis="y", style="plain", useOffset=False)


def _draw_line(look: Look, x: Line, y: Line, after: Line, packets: int) -> list[Artist]:
    """Packets that came in order, joined where nothing is missing between them.

    `after` holds the x of packets that come after a silence or a restart.
    """
    columns = look.columns
    marker = "." if len(x) * DOT_PIXELS <= columns else ""
    dot = 4 if len(x) * DOT_PIXELS * 4 > columns else 8
    if len(x) <= 2 * columns:
        torn = np.flatnonzero((np.diff(y) != 1) | np.isin(x[1:], after)) + 1
        x, y = np.insert(x, torn, np.nan), np.insert(y, torn, np.nan)
    else:
        x, y = envelope(x, y, columns)
    style: Style = {
        "color": look.theme.packets,
        "linewidth": 1.2,
        "marker": marker,
        "markersize": dot,
    }
    look.ax.plot(x, y, zorder=4, **style)
    return [Line2D([], [], label=f"{packets:,} packets", **style)]


def _draw_marks(look: Look, x: Line, y: Line, marker: str, color: str, what: str) -> list[Artist]:
    if not len(x):
        return []
    kept = thinned(x, y, look.columns, ROWS)
    face = color if marker in "vx" else "none"
    style: Style = {
        "marker": marker,
        "linestyle": "none",
        "markersize": 5.0,
        "color": color,
    }
    look.ax.plot(x[kept], y[kept], markerfacecolor=face, zorder=5, **style)
    label = f"{len(x):,} {what}"
    return [Line2D([], [], markerfacecolor=face, label=label, **style)]


def _draw_gaps(look: Look, course: Course) -> list[Artist]:
    ax, theme = look.ax, look.theme
    by_reason: dict[str, list[Gap]] = {"lost": [], "dtx": [], "restart": []}
    for gap in course.stream.gaps:
        by_reason[gap.reason].append(gap)
    left, right = ax.get_xlim()
    pixel = (right - left) / look.columns
    legend: list[Artist] = []
    lost, silent, anew = by_reason["lost"], by_reason["dtx"], by_reason["restart"]
    if silent:
        seconds = [gap.duration_s for gap in silent if gap.duration_s is not None]
        label = f"{len(silent):,} silent (dtx)" + (f", {sum(seconds):.2f} s" if seconds else "")
        holes = holes_of(course, silent, pixel)
        _bands(ax, holes, 2 * pixel, [1.0] * len(holes), theme.silent, 0.35, "//")
        if seconds:
            tags = [Tag(h.begin, h.end, 0.98, h.size, f"{h.size:.2f} s") for h in holes]
            _label(look, tags, "top", theme.ink, pixel)
        legend.append(
            Patch(facecolor=theme.silent, alpha=0.5, hatch="//", linewidth=0, label=label)
        )
    if lost:
        holes = holes_of(course, lost, 4 * pixel)
        missing = sum(gap.packets for gap in lost)
        label = f"{missing:,} lost in {len(lost):,} gap{'s' * (len(lost) > 1)}"
        _draw_lost(look, holes, pixel)
        legend.append(Patch(facecolor=theme.lost, label=label))
    if anew:
        at = course.where([gap.frame_after for gap in anew])
        anew = [gap for gap, x in zip(anew, at.tolist(), strict=True) if np.isfinite(x)]
        at = at[np.isfinite(at)]
        begins = [hole.begin for hole in merged(at, at, np.zeros(len(at)), pixel)]
        style: Style = {"color": theme.restart, "linestyle": "--", "linewidth": 1}
        ax.vlines(begins, 0, 1, transform=ax.get_xaxis_transform(), zorder=3, **style)
        label = f"{len(anew):,} restart{'s' * (len(anew) > 1)}"
        if len(anew) <= MOST_RESTART_LABELS:
            _label_restarts(look, anew, at)
        legend.append(Line2D([], [], label=label, **style))
    return legend


def _draw_lost(look: Look, holes: Sequence[Hole], pixel: float) -> None:
    """A pale band where packets are missing, and at its foot a bar as high as they are many."""
    lost = look.theme.lost
    if len(holes) <= MOST_BANDS:
        _bands(look.ax, holes, 1.5 * pixel, [1.0] * len(holes), lost, 0.22, "")
    most = max(hole.size for hole in holes)
    # By the square root: one lost packet stays visible beside an outage of thousands.
    heights = [0.8 * STRIP * max(0.15, (hole.size / most) ** 0.5) for hole in holes]
    _bands(look.ax, holes, 3 * pixel, heights, lost, 1.0, "")

    tags = [
        Tag(hole.begin, hole.end, height + 0.01, hole.size, f"{hole.size:,.0f}")
        for hole, height in zip(holes, heights, strict=True)
    ]
    tags.sort(key=lambda tag: -tag.weight)
    _label(look, tags[: None if len(tags) <= MOST_BANDS else MOST_LABELS], "bottom", lost, pixel)


def _label(look: Look, tags: Sequence[Tag], side: str, color: str, pixel: float) -> None:
    """Write each tag at the middle of its span, as far as there is room."""
    ax = look.ax
    for middle, tag in placed(tags, look.letter_px * pixel, ax.get_xlim()):
        style: Style = {"ha": "center", "va": side, "color": color, "zorder": 6}
        look.write(middle, tag.height, tag.text, transform=ax.get_xaxis_transform(), **style)


def _bands(
    ax: Axes,
    holes: Sequence[Hole],
    least: float,
    heights: Sequence[float],
    colour: str,
    alpha: float,
    hatch: str,
) -> None:
    """Boxes from the bottom of the picture, none narrower than `least`."""
    style: Style = {"alpha": alpha, "zorder": 1.5, "transform": ax.get_xaxis_transform()}
    if hatch:
        style |= {"edgecolor": colour, "hatch": hatch}
    begins, ends = [hole.begin for hole in holes], [hole.end for hole in holes]
    boxes(ax, begins, ends, 0.0, heights, colour, least=least, **style)


def _label_restarts(look: Look, restarts: Sequence[Gap], at: Line) -> None:
    ax = look.ax
    for gap, x in zip(restarts, at.tolist(), strict=True):
        ax.annotate(
            f"from {gap.first_sequence}",
            (x, STRIP),
            xycoords=ax.get_xaxis_transform(),
            xytext=(2, 2),
            textcoords="offset points",
            rotation=90,
            va="bottom",
            fontsize=look.size,
            color=look.theme.ink,
            bbox={"facecolor": look.theme.paper, "alpha": 0.7, "linewidth": 0, "pad": 1},
            zorder=6,
        )


class _FromData(MaxNLocator):
    """Whole numbers on the axis, none below the data."""

    def __init__(self, lowest: float) -> None:
        super().__init__(nbins="auto", integer=True)
        self._lowest = lowest

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        return [tick for tick in super().tick_values(vmin, vmax) if tick >= self._lowest]


def _set_limits(ax: Axes, x: Line, y: Line, strip: float) -> None:
    """The whole stream with a margin; below it a `strip` of the height for the sizes of gaps."""
    left, right, low, high = float(x.min()), float(x.max()), float(y.min()), float(y.max())
    margin = 0.015 * (right - left) or 0.5
    ax.set_xlim(left - margin, right + margin)
    tall = high - low or 1.0
    ax.set_ylim(low - tall * 1.4 * strip, high + 0.06 * tall)
    ax.yaxis.set_major_locator(_FromData(low))
