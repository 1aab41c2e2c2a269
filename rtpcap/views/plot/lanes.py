"""Lanes: pictures one below the other on one axis, within one pair of Axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from rtpcap.views.plot.axes import Look

__all__ = ["lanes"]


def lanes(look: Look, heights: Sequence[float], apart: float = 0.05) -> list[Look]:
    """The looks of lanes inside these Axes, from the top, in the proportions of `heights`.

    All have the x of the lowest, which alone has its numbers. The Axes themselves keep their title
    and show nothing else.
    """
    ax = look.ax
    ax.set_axis_off()
    room = 1 - apart * (len(heights) - 1)
    top, found = 1.0, list[Look]()
    below: Axes | None = None
    places = []
    for height in heights:
        tall = room * height / sum(heights)
        places.append((0.0, top - tall, 1.0, tall))
        top -= tall + apart
    for place in reversed(places):
        lane = ax.inset_axes(place, sharex=below)
        if below is not None:
            lane.tick_params(labelbottom=False)
        else:
            below = lane
        mine = Look(lane, look.theme, look.size)
        mine.quiet()
        found.append(mine)
    return found[::-1]
