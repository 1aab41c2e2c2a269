"""The buffer chart: the MOS of a stream over the size of a jitter buffer, and what is not heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtpcap.errors import CodecUnavailable
from rtpcap.streams.emodel import LEAST_MOS, MOST_MOS
from rtpcap.views.axes import FULL_INCHES, PictureAxes, quiet, text_size, title_of
from rtpcap.views.plot import LATE, LINE

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["buffer", "buffer_chart"]

HEADROOM = 0.1
"""Room for the marks above the best and below the worst score."""
LEAST_LOSS_PCT = 5.0
"""The axis of loss is never finer: a tenth of a percent is not to look like a disaster."""

Style = dict[str, Any]


def buffer(stream: Stream, ax: Axes | None = None) -> Axes:
    """Draw MOS and loss over the size of a fixed jitter buffer; returns the Axes of the MOS.

    Without `ax` a new figure is made. The share of packets that is not heard stands on an axis of
    its own to the right.
    """
    if ax is None:
        return buffer_chart([stream]).axes[0]
    size = text_size(ax)
    try:
        curve = stream.buffer_curve()
    except CodecUnavailable as reason:
        place: Style = {"ha": "center", "va": "center", "transform": ax.transAxes}
        ax.text(0.5, 0.5, str(reason), fontsize=size, wrap=True, **place)
        ax.set_title(title_of(ax, stream, size), loc="left", fontsize=size + 1, parse_math=False)
        quiet(ax, size)
        return ax

    ax.set_xlim(float(curve.size_ms[0]), float(curve.size_ms[-1]))
    right = ax.twinx()
    loss: Style = {"color": LATE, "linewidth": 1.2, "linestyle": "--"}
    (missed,) = right.plot(curve.size_ms, curve.loss_pct, label="not heard, %", **loss)
    right.set_ylim(0, max(1.15 * float(curve.loss_pct.max()), LEAST_LOSS_PCT))
    right.set_ylabel("not heard, %", fontsize=size)
    right.tick_params(labelsize=size)
    right.spines["top"].set_visible(False)

    rating = curve.ratings[curve.best]
    scale = {"nb": "narrowband", "wb": "wideband"}[rating.scale]
    label = f"MOS ({scale}{', assumed' if rating.provisional else ''})"
    score: Style = {"color": LINE, "linewidth": 1.8, "marker": ".", "markersize": 5}
    (line,) = ax.plot(curve.size_ms, curve.mos, label=label, zorder=4, **score)
    best_ms, best = float(curve.size_ms[curve.best]), rating.mos
    mark: Style = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "linestyle": "none"}
    text = f"best: {best_ms:g} ms, MOS {best:.2f}"
    (top,) = ax.plot([best_ms], [best], color=LINE, label=text, zorder=5, **mark)
    ax.set_ylim(LEAST_MOS - HEADROOM, MOST_MOS + HEADROOM)
    ax.set_ylabel("MOS", fontsize=size)
    ax.set_xlabel("size of the jitter buffer, ms", fontsize=size)
    # The Axes of the MOS lies on top of that of the loss.
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)
    box = ax.legend(
        handles=[line, missed, top],
        title=title_of(ax, stream, size),
        title_fontsize=size + 1,
        fontsize=size,
        ncols=3 if ax.bbox.width >= 60 * size / 72 * ax.figure.figure.dpi else 1,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        alignment="left",
        frameon=False,
        borderpad=0.1,
        borderaxespad=0.2,
        columnspacing=1.4,
    )
    box.get_title().set_parse_math(False)
    quiet(ax, size)
    return ax


def buffer_chart(streams: Sequence[Stream], width_px: int = 1000) -> Figure:
    """A figure with the buffer charts of `streams`, one below the other, `width_px` pixels wide."""
    inches = min(max(width_px / 100, 4.0), 10.0)
    tall = (0.42 if inches >= FULL_INCHES else 0.7) * inches
    figure = Figure((inches, tall * len(streams)), dpi=width_px / inches, layout="constrained")
    grid = figure.add_gridspec(len(streams), 1)
    for i, stream in enumerate(streams):
        buffer(stream, figure.add_subplot(grid[i], axes_class=PictureAxes))
    return figure
