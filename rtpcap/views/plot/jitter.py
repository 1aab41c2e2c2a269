"""The jitter chart: interarrival jitter, delta and skew of a stream over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from rtpcap.views.plot.axes import Look, Style, look_of, own_axes, stream_title
from rtpcap.views.plot.course import SECONDS, Line
from rtpcap.views.plot.envelope import envelope
from rtpcap.views.plot.lanes import lanes

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["jitter", "jitter_lane"]

NO_TIMES = "no jitter: no times"
NO_CLOCK = "no jitter: no clock rate is known"

DOT_PIXELS = 3
"""Where the packets have so much room each, they are dots."""
LEAST_JITTER_MS = 0.05
"""The axis is never finer: below this there is only the clock's own rounding."""
HEADROOM = 0.35
"""Room above a curve for its figures, as a part of its height."""


def jitter(stream: Stream, ax: Axes | None = None, *, dark: bool = False) -> Axes:
    """Draw jitter, delta and skew over time, in lanes on one axis; returns the Axes around them.

    Delta is the time since the packet before; skew how much earlier than its timestamp says a
    packet came, beside the first: a line that falls or rises steadily is a clock that drifts.
    """
    ax = own_axes("jitter", dark) if ax is None else ax
    look = look_of(ax, dark)
    look.head(stream_title(look, "Jitter, delta, skew", stream))
    figures = stream.per_packet
    x, label = stream.time_s, SECONDS
    if not np.isfinite(x).any():
        look.say(NO_TIMES)
        look.quiet()
        return ax
    first, second, third = lanes(look, [1, 1, 1])
    jitter_lane(first, stream, x)
    _lane(second, x, figures.delta_ms, "delta, ms", look.theme.packets, zero=True)
    _lane(third, x, figures.skew_ms, "skew, ms", look.theme.other, zero=False)
    third.label(x=label)
    return ax


def jitter_lane(look: Look, stream: Stream, x: Line) -> None:
    """Only the jitter, with its mean and its maximum."""
    quality = stream.quality
    told = ""
    if quality.jitter_ms is not None and quality.jitter_max_ms is not None:
        told = f"mean {quality.jitter_ms:.2f}, max {quality.jitter_max_ms:.2f}"
    look.quiet()
    why = NO_CLOCK if np.isfinite(stream.time_s).any() else NO_TIMES
    colour = look.theme.jitter
    _lane(look, x, stream.jitter_ms, "jitter, ms", colour, zero=True, told=told, why=why)


def _lane(
    look: Look,
    x: Line,
    y: Line,
    label: str,
    color: str,
    *,
    zero: bool,
    told: str = "",
    why: str = NO_CLOCK,
) -> None:
    ax = look.ax
    look.label(y=label)
    known = np.isfinite(y) & np.isfinite(x)
    if not known.any():
        look.say(why)
        return
    if not known.all():
        x, y = x[known], y[known]
    low, high = float(y.min()), float(y.max())
    few = len(x) * DOT_PIXELS <= ax.bbox.width
    style: Style = {"color": color, "linewidth": 1, "marker": "." if few else "", "markersize": 3}
    ax.plot(*envelope(x, y, look.columns), **style)
    told = told or f"from {low:.2f} to {high:.2f}"
    place: Style = {"ha": "right", "va": "top", "transform": ax.transAxes}
    box = {"facecolor": look.theme.paper, "alpha": 0.7, "linewidth": 0, "pad": 1}
    look.write(0.995, 0.95, told, bbox=box, **place)
    bottom = 0.0 if zero else low
    tall = max(high - bottom, LEAST_JITTER_MS)
    ax.set_ylim(bottom - (0 if zero else 0.1 * tall), bottom + (1.1 + HEADROOM) * tall)
