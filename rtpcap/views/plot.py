"""The sequence-gap chart: where a stream has holes, what is late or doubled, and the jitter below.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; each kind of
mark also has a shape of its own. Nothing here touches pyplot or any global style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rtpcap.views.axes import FORMATS, FULL_INCHES, PictureAxes, quiet, save, text_size, title_of
from rtpcap.views.course import Course, Hole, Line, Tag, holes_of, merged, placed
from rtpcap.views.envelope import envelope, thinned

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.gaps import Gap
    from rtpcap.streams.stream import Stream

__all__ = ["FORMATS", "chart", "gaps", "save"]

LINE = "#0072B2"
LOST = "#D55E00"
DTX = "#56B4E9"
RESTART = "#000000"
DUPLICATE = "#009E73"
LATE = "#E69F00"
STRAY = "#999999"
JITTER = "#6A3D6A"

DOT_PIXELS = 3
"""Where the packets have so much room each, they are dots."""
STEMS = 200
"""Up to so many late packets each is tied to where it should have been."""
MOST_RESTART_LABELS = 8
MOST_BANDS = 60
"""Beyond so many gaps they are no longer marked over the whole height, and the largest named."""
MOST_LABELS = 10
ROWS = 400
LEAST_JITTER_MS = 0.05
"""The jitter axis is never finer: below this there is only the clock's own rounding."""


Style = dict[str, Any]
"""Keyword arguments of matplotlib, whose types no dict can tell."""


def gaps(stream: Stream, ax: Axes | None = None, jitter_ax: Axes | None = None) -> Axes:
    """Draw the sequence-gap chart of a stream; returns the Axes of the sequence numbers.

    Without `ax` a new figure is made, with the jitter on a second Axes below. With `ax` only that
    is drawn into, and the jitter into `jitter_ax` where it is given.
    """
    if ax is None:
        return chart([stream]).axes[0]
    course = Course.of(stream)
    _draw_sequence(ax, course)
    if jitter_ax is not None:
        _draw_jitter(jitter_ax, course)
        jitter_ax.set_xlim(ax.get_xlim())
        ax.set_xlabel("")
    return ax


def chart(streams: Sequence[Stream], width_px: int = 1000) -> Figure:
    """A figure with the charts of `streams`, one below the other, `width_px` pixels wide."""
    inches = min(max(width_px / 100, 4.0), 10.0)
    tall = (0.55 if inches >= FULL_INCHES else 0.8) * inches
    figure = Figure((inches, tall * len(streams)), dpi=width_px / inches, layout="constrained")
    grid = figure.add_gridspec(2 * len(streams), 1, height_ratios=[3, 1] * len(streams))
    for i, stream in enumerate(streams):
        ax = figure.add_subplot(grid[2 * i], axes_class=PictureAxes)
        jitter_ax = figure.add_subplot(grid[2 * i + 1], sharex=ax)
        gaps(stream, ax, jitter_ax)
        ax.tick_params(labelbottom=False)
    return figure


def _draw_sequence(ax: Axes, course: Course) -> None:
    stream, ledger = course.stream, course.stream.ledger
    size = text_size(ax)
    columns = max(100, int(ax.bbox.width))
    shown = np.isfinite(course.x) & np.isfinite(course.y)
    if not shown.any():
        ax.text(0.5, 0.5, "no packet to draw", transform=ax.transAxes, ha="center", fontsize=size)
        return
    x, y = course.x[shown], course.y[shown]
    late, doubled = ledger.reordered[shown], ledger.duplicate[shown]
    _set_limits(ax, x, y, STRIP if any(gap.reason == "lost" for gap in stream.gaps) else 0.04)

    legend: list[Artist] = []
    straight = ~late & ~doubled
    after = course.where([gap.frame_after for gap in stream.gaps if gap.reason != "lost"])
    legend += _draw_line(ax, x[straight], y[straight], after, len(stream.packets), columns)
    legend += _draw_gaps(ax, course, size, columns)
    legend += _draw_marks(ax, x[doubled], y[doubled], "s", DUPLICATE, "duplicate", columns)
    legend += _draw_marks(ax, x[late], y[late], "v", LATE, "late", columns)
    if 0 < late.sum() <= STEMS:
        ahead = np.maximum.accumulate(y)[late]
        ax.vlines(x[late], y[late], ahead, color=LATE, linewidth=1, zorder=3)
    stray = course.x[np.isnan(course.y) & np.isfinite(course.x)]
    if len(stray):
        at = ax.get_ylim()[0]
        legend += _draw_marks(ax, stray, np.full(len(stray), at), "x", STRAY, "stray", columns)

    _head(ax, legend, title_of(ax, stream, size), size)
    ax.set_ylabel(
        "packets, in sequence" if course.restarts else "sequence, unwrapped", fontsize=size
    )
    ax.set_xlabel(_x_label(course), fontsize=size)
    ax.ticklabel_format(axis="y", style="plain", useOffset=False)
    quiet(ax, size)


def _draw_line(ax: Axes, x: Line, y: Line, after: Line, packets: int, columns: int) -> list[Artist]:
    """Packets that came in order, joined where nothing is missing between them.

    `after` holds the x of packets that come after a silence or a restart.
    """
    marker = "." if len(x) * DOT_PIXELS <= columns else ""
    dot = 4 if len(x) * DOT_PIXELS * 4 > columns else 8
    if len(x) <= 2 * columns:
        torn = np.flatnonzero((np.diff(y) != 1) | np.isin(x[1:], after)) + 1
        x, y = np.insert(x, torn, np.nan), np.insert(y, torn, np.nan)
    else:
        x, y = envelope(x, y, columns)
    style: Style = {"color": LINE, "linewidth": 1.2, "marker": marker, "markersize": dot}
    ax.plot(x, y, zorder=4, **style)
    return [Line2D([], [], label=f"{packets:,} packets", **style)]


def _draw_marks(
    ax: Axes, x: Line, y: Line, marker: str, color: str, what: str, columns: int
) -> list[Artist]:
    if not len(x):
        return []
    kept = thinned(x, y, columns, ROWS)
    face = color if marker in "vx" else "none"
    style: Style = {
        "marker": marker,
        "linestyle": "none",
        "markersize": 5.0,
        "color": color,
    }
    ax.plot(x[kept], y[kept], markerfacecolor=face, zorder=5, **style)
    label = f"{len(x):,} {what}"
    return [Line2D([], [], markerfacecolor=face, label=label, **style)]


def _draw_gaps(ax: Axes, course: Course, size: float, columns: int) -> list[Artist]:
    by_reason: dict[str, list[Gap]] = {"lost": [], "dtx": [], "restart": []}
    for gap in course.stream.gaps:
        by_reason[gap.reason].append(gap)
    left, right = ax.get_xlim()
    pixel = (right - left) / columns
    legend: list[Artist] = []
    lost, silent, anew = by_reason["lost"], by_reason["dtx"], by_reason["restart"]
    if silent:
        seconds = [gap.duration_s for gap in silent if gap.duration_s is not None]
        label = f"{len(silent):,} silent (dtx)" + (f", {sum(seconds):.2f} s" if seconds else "")
        holes = holes_of(course, silent, pixel)
        _bands(ax, holes, 2 * pixel, [1.0] * len(holes), DTX, 0.35, "//")
        if seconds:
            tags = [Tag(h.begin, h.end, 0.98, h.size, f"{h.size:.2f} s") for h in holes]
            _label(ax, tags, "top", size, "black", pixel)
        legend.append(Patch(facecolor=DTX, alpha=0.5, hatch="//", label=label))
    if lost:
        holes = holes_of(course, lost, 4 * pixel)
        missing = sum(gap.packets for gap in lost)
        label = f"{missing:,} lost in {len(lost):,} gap{'s' * (len(lost) > 1)}"
        _draw_lost(ax, holes, pixel, size)
        legend.append(Patch(facecolor=LOST, label=label))
    if anew:
        at = course.where([gap.frame_after for gap in anew])
        anew = [gap for gap, x in zip(anew, at.tolist(), strict=True) if np.isfinite(x)]
        at = at[np.isfinite(at)]
        begins = [hole.begin for hole in merged(at, at, np.zeros(len(at)), pixel)]
        style: Style = {"color": RESTART, "linestyle": "--", "linewidth": 1}
        ax.vlines(begins, 0, 1, transform=ax.get_xaxis_transform(), zorder=3, **style)
        label = f"{len(anew):,} restart{'s' * (len(anew) > 1)}"
        if len(anew) <= MOST_RESTART_LABELS:
            _label_restarts(ax, anew, at, size)
        legend.append(Line2D([], [], label=label, **style))
    return legend


STRIP = 0.16
"""How much of the height, at the bottom, is kept for the sizes of the gaps."""


def _draw_lost(ax: Axes, holes: Sequence[Hole], pixel: float, size: float) -> None:
    """A pale band where packets are missing, and at its foot a bar as high as they are many."""
    if len(holes) <= MOST_BANDS:
        _bands(ax, holes, 1.5 * pixel, [1.0] * len(holes), LOST, 0.22, "")
    most = max(hole.size for hole in holes)
    # By the square root: one lost packet stays visible beside an outage of thousands.
    heights = [0.8 * STRIP * max(0.15, (hole.size / most) ** 0.5) for hole in holes]
    _bands(ax, holes, 3 * pixel, heights, LOST, 1.0, "")

    tags = [
        Tag(hole.begin, hole.end, height + 0.01, hole.size, f"{hole.size:,.0f}")
        for hole, height in zip(holes, heights, strict=True)
    ]
    tags.sort(key=lambda tag: -tag.weight)
    _label(
        ax, tags[: None if len(tags) <= MOST_BANDS else MOST_LABELS], "bottom", size, LOST, pixel
    )


def _label(ax: Axes, tags: Sequence[Tag], side: str, size: float, color: str, pixel: float) -> None:
    """Write each tag at the middle of its span, as far as there is room."""
    letter = 0.62 * size / 72 * ax.figure.figure.dpi * pixel
    for middle, tag in placed(tags, letter, ax.get_xlim()):
        ax.text(
            middle,
            tag.height,
            tag.text,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va=side,
            fontsize=size,
            color=color,
            zorder=6,
        )


def _bands(
    ax: Axes,
    holes: Sequence[Hole],
    least: float,
    heights: Sequence[float],
    color: str,
    alpha: float,
    hatch: str,
) -> None:
    """Boxes from the bottom of the picture, none narrower than `least`."""
    boxes = []
    for hole, height in zip(holes, heights, strict=True):
        more = max(0.0, least - (hole.end - hole.begin)) / 2
        begin, end = hole.begin - more, hole.end + more
        boxes.append([(begin, 0.0), (end, 0.0), (end, height), (begin, height)])
    kind = {"edgecolor": color, "hatch": hatch, "linewidth": 0} if hatch else {"linewidth": 0}
    ax.add_collection(
        PolyCollection(
            boxes,
            facecolor=color,
            alpha=alpha,
            transform=ax.get_xaxis_transform(),
            zorder=1.5,
            **kind,
        ),
        autolim=False,
    )


def _label_restarts(ax: Axes, restarts: Sequence[Gap], at: Line, size: float) -> None:
    for gap, x in zip(restarts, at.tolist(), strict=True):
        ax.annotate(
            f"from {gap.first_sequence}",
            (x, STRIP),
            xycoords=ax.get_xaxis_transform(),
            xytext=(2, 2),
            textcoords="offset points",
            rotation=90,
            va="bottom",
            fontsize=size,
        )


def _draw_jitter(ax: Axes, course: Course) -> None:
    size = text_size(ax)
    jitter = course.stream.jitter_ms
    known = np.isfinite(jitter) & np.isfinite(course.x)
    if known.any():
        x, y = envelope(course.x[known], jitter[known], max(100, int(ax.bbox.width)))
        few = int(known.sum()) * DOT_PIXELS <= ax.bbox.width
        ax.plot(x, y, color=JITTER, linewidth=1, marker="." if few else "", markersize=3)
        quality = course.stream.quality
        if quality.jitter_ms is not None and quality.jitter_max_ms is not None:
            text = f"mean {quality.jitter_ms:.2f}, max {quality.jitter_max_ms:.2f}"
            place: Style = {
                "ha": "right",
                "va": "top",
                "fontsize": size,
                "transform": ax.transAxes,
            }
            box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1}
            ax.text(0.995, 0.95, text, bbox=box, **place)
        # Room above the curve for the figures.
        ax.set_ylim(0, 1.45 * max(float(jitter[known].max()), LEAST_JITTER_MS))
    else:
        why = "no jitter: no clock rate is known" if course.timed else "no jitter: no times"
        ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=size)
        ax.set_yticks([])
    ax.set_ylabel("jitter, ms", fontsize=size)
    ax.set_xlabel(_x_label(course), fontsize=size)
    quiet(ax, size)


class _FromData(MaxNLocator):
    """Whole numbers on the axis, none below the data."""

    def __init__(self, lowest: float) -> None:
        super().__init__(nbins="auto", integer=True)
        self._lowest = lowest

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        return [tick for tick in super().tick_values(vmin, vmax) if tick >= self._lowest]


def _set_limits(ax: Axes, x: Line, y: Line, strip: float) -> None:
    """The whole stream with a margin; below it a `strip` of the height for the sizes of gaps."""
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    left, right = float(x.min()), float(x.max())
    margin = 0.015 * wide or 0.5
    ax.set_xlim(left - margin, right + margin)
    high = high or 1.0
    ax.set_ylim(float(y.min()) - high * 1.4 * strip, float(y.max()) + 0.06 * high)
    ax.yaxis.set_major_locator(_FromData(float(y.min())))


def _head(ax: Axes, legend: list[Artist], title: str, size: float) -> None:
    """The stream's name and what each mark is, above the picture, where they hide nothing."""
    longest = max(len(str(artist.get_label())) for artist in legend)
    entry = (0.5 * longest + 4) * size / 72 * ax.figure.figure.dpi
    box = ax.legend(
        handles=legend,
        title=title,
        title_fontsize=size + 1,
        fontsize=size,
        ncols=max(1, min(len(legend), int(ax.bbox.width / entry))),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        alignment="left",
        frameon=False,
        borderpad=0.1,
        borderaxespad=0.2,
        columnspacing=1.4,
        handletextpad=0.5,
        handlelength=1.6,
    )
    box.get_title().set_parse_math(False)


def _x_label(course: Course) -> str:
    return "seconds from the first frame" if course.timed else "frame"
