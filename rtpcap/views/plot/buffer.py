"""The buffer chart: the MOS of a stream over the size of a jitter buffer, and what is not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from rtpcap.errors import CodecUnavailable
from rtpcap.streams.emodel import LEAST_MOS, MOST_MOS
from rtpcap.views.plot.axes import Style, look_of, own_axes, stream_title

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["buffer"]

HEADROOM = 0.1
"""Room for the marks above the best and below the worst score."""
LEAST_LOSS_PCT = 5.0
"""The axis of loss is never finer: a tenth of a percent is not to look like a disaster."""


def buffer(stream: Stream, ax: Axes | None = None, *, dark: bool = False) -> Axes:
    """Draw MOS and loss over the size of a fixed jitter buffer; returns the Axes of the MOS.

    Without `ax` a new figure is made. The share of packets that is not heard stands on an axis of
    its own to the right: what a buffer of that size discards on top of what was lost.
    """
    ax = own_axes("buffer", dark) if ax is None else ax
    look = look_of(ax, dark)
    theme, title = look.theme, stream_title(look, "MOS by jitter buffer", stream)
    look.quiet()
    try:
        curve = stream.buffer_curve()
    except CodecUnavailable as reason:
        look.head(title)
        look.say(str(reason))
        return ax

    ax.set_xlim(float(curve.size_ms[0]), float(curve.size_ms[-1]))
    right = ax.twinx()
    look.quiet(right, grid=False)
    right.spines["right"].set_visible(True)
    loss: Style = {"color": theme.late, "linewidth": 1.2, "linestyle": "--"}
    (missed,) = right.plot(curve.size_ms, curve.loss_pct, label="not heard, %", **loss)
    lost_pct = min(stream.quality.lost_pct or 0.0, float(curve.loss_pct.min()))
    fill: Style = {"linewidth": 0, "alpha": 0.3}
    lost = np.full(len(curve.size_ms), lost_pct)
    right.fill_between(curve.size_ms, lost, curve.loss_pct, color=theme.late, **fill)
    shades: list[Patch] = []
    if lost_pct:
        right.fill_between(curve.size_ms, 0, lost, color=theme.lost, **fill)
        label = f"lost in the network: {lost_pct:.2f} %"
        shades.append(Patch(facecolor=theme.lost, label=label, **fill))
    right.set_ylim(0, max(1.15 * float(curve.loss_pct.max()), LEAST_LOSS_PCT))
    right.set_ylabel("not heard, %", fontsize=look.size, color=theme.ink)

    rating = curve.ratings[curve.best]
    scale = {"nb": "narrowband", "wb": "wideband"}[rating.scale]
    label = f"MOS ({scale}{', assumed' if rating.provisional else ''})"
    score: Style = {"color": theme.packets, "linewidth": 1.8, "marker": ".", "markersize": 5}
    (line,) = ax.plot(curve.size_ms, curve.mos, label=label, zorder=4, **score)
    best_ms, best = float(curve.size_ms[curve.best]), rating.mos
    mark: Style = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "linestyle": "none"}
    text = f"best: {best_ms:g} ms, MOS {best:.2f}"
    (top,) = ax.plot([best_ms], [best], color=theme.packets, label=text, zorder=5, **mark)
    ax.set_ylim(LEAST_MOS - HEADROOM, MOST_MOS + HEADROOM)
    look.label(x="size of the jitter buffer, ms", y="MOS")
    # The Axes of the MOS lies on top of that of the loss.
    ax.set_zorder(right.get_zorder() + 1)
    right.patch.set_visible(True)
    ax.patch.set_visible(False)
    look.head(title, [line, missed, top, *shades])
    return ax
