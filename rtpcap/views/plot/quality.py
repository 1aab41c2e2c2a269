"""The quality chart: the MOS of a stream over time, and what was lost or came too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rtpcap.streams.emodel import BANDS, LEAST_MOS, MOST_MOS, NO_ROW, STRETCH, mos
from rtpcap.views.plot.axes import Look, Style, look_of, own_axes, stream_title
from rtpcap.views.plot.boxes import boxes
from rtpcap.views.plot.course import SECONDS, Line

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.stream import Stream
    from rtpcap.streams.windows import Windows

__all__ = ["quality", "score_line", "window_for"]

WINDOWS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
MOST_WINDOWS = 120
HEADROOM = 0.1
LEAST_LOSS_PCT = 5.0
"""The axis of loss is never finer: a tenth of a percent is not to look like a disaster."""
LEAST_SHOWN = 0.2
"""So much of the last window is seen, however short the rest of the stream."""
LOSS_SHARE = 0.45
"""The highest loss reaches so far up."""


def window_for(duration_s: float) -> float:
    """How long windows are so that a picture shows no more than `MOST_WINDOWS`."""
    return next((w for w in WINDOWS_S if duration_s <= w * MOST_WINDOWS), duration_s / MOST_WINDOWS)


def quality(
    stream: Stream, ax: Axes | None = None, *, window_s: float | None = None, dark: bool = False
) -> Axes:
    """Draw the E-model's MOS of each window of time; returns the Axes of the MOS.

    What was lost, and what a jitter buffer of 60 ms would have discarded as late, stands below on
    an axis of its own to the right. `window_s` is the length of a window, chosen where it is not
    given, and never less than a pixel. See `Windows.rated` for how the MOS of a window comes about.
    """
    ax = own_axes("quality", dark) if ax is None else ax
    look = look_of(ax, dark)
    look.quiet()
    span = stream.duration_s or 0.0
    if window_s is not None and not window_s > 0:
        raise ValueError(f"a window of {window_s} s is not possible")
    length = window_for(span) if window_s is None else max(window_s, span / look.columns)
    found = stream.windows(length)
    every = f"{found.window_s:g} s"
    title = stream_title(look, f"MOS each {every}", stream)
    if not len(found):
        look.head(title)
        look.say("no figures: no times")
        return ax
    begin, end = float(found.start_s[0]), float(found.start_s[-1]) + found.window_s
    ax.set_xlim(begin, max(min(end, begin + span), begin + LEAST_SHOWN * found.window_s))
    legend = _losses(look, found)
    if found.scale is not None:
        _bands(look, found)
        legend = [*score_line(look, found, look.theme.packets, begin + span), *legend]
        ax.set_ylim(LEAST_MOS - HEADROOM, MOST_MOS + HEADROOM)
        look.label(y="MOS")
    else:
        look.say(NO_ROW)
    look.label(x=SECONDS)
    look.head(title, legend)
    return ax


def score_line(
    look: Look, found: Windows, colour: str, end_s: float, width: float = 1.8
) -> list[Artist]:
    """The MOS of each window as a level over its time, up to `end_s`; nothing between windows."""
    x, y = _steps(found)
    x = np.minimum(x, max(end_s, float(found.start_s[-1]) + LEAST_SHOWN * found.window_s))
    scale = {"nb": "narrowband", "wb": "wideband"}[found.scale or "nb"]
    style: Style = {"color": colour, "linewidth": width, "solid_joinstyle": "miter"}
    look.ax.plot(x, y, zorder=4, **style)
    return [Line2D([], [], label=f"MOS ({scale})", **style)]


def _steps(found: Windows) -> tuple[Line, Line]:
    begin, end = found.start_s, found.start_s + found.window_s
    x = np.stack([begin, end], axis=1).reshape(-1)
    y = found.mos.repeat(2)
    torn = 2 * (np.flatnonzero(np.diff(begin) > 1.5 * found.window_s) + 1)
    return np.insert(x, torn, np.nan), np.insert(y, torn, np.nan)


def _bands(look: Look, found: Windows) -> None:
    """The words of ITU-T G.109, each where its R begins."""
    assert found.scale is not None
    scale = found.scale
    for least, word in BANDS:
        height = mos(least * STRETCH[scale], scale)
        look.ax.axhline(height, color=look.theme.ink, alpha=0.25, linewidth=0.6, linestyle=":")
        place: Style = {"ha": "left", "va": "bottom", "alpha": 0.6, "fontsize": look.size - 1}
        place |= {"bbox": {"facecolor": look.theme.paper, "alpha": 0.6, "linewidth": 0, "pad": 0.5}}
        where = look.ax.get_yaxis_transform()
        look.write(0.008, height, word, transform=where, zorder=5, **place)


def _losses(look: Look, found: Windows) -> list[Artist]:
    theme = look.theme
    right = look.ax.twinx()
    look.quiet(right, grid=False)
    right.spines["right"].set_visible(True)
    expected = np.maximum(found.expected, 1)
    lost = 100 * found.lost / expected
    missed = np.minimum(100 * found.not_heard / expected, 100)
    late = np.maximum(missed - lost, 0)
    top = max(float(missed.max()), LEAST_LOSS_PCT) / LOSS_SHARE
    right.set_ylim(0, top)
    right.set_yticks([tick for tick in right.get_yticks() if tick <= top * LOSS_SHARE * 1.15])
    right.set_ylim(0, top)
    right.set_ylabel("not heard, %", fontsize=look.size, color=theme.ink, loc="bottom")
    legend: list[Artist] = []
    for height, bottom, colour, word in (
        (lost, np.zeros(len(lost)), theme.lost, f"{int(found.lost.sum()):,} lost"),
        (
            late,
            lost,
            theme.late,
            f"{int((found.not_heard - found.lost).sum()):,} too late for 60 ms",
        ),
    ):
        some = height > 0
        if not some.any():
            continue
        begin = found.start_s[some]
        end, high = begin + found.window_s, (bottom + height)[some]
        boxes(right, begin, end, bottom[some], high, colour, alpha=0.85)
        legend.append(Patch(facecolor=colour, alpha=0.85, label=word))
    # The Axes of the MOS lies on top of that of the loss.
    look.ax.set_zorder(right.get_zorder() + 1)
    right.patch.set_visible(True)
    look.ax.patch.set_visible(False)
    return legend
