"""A page: the picture of a capture or of one of its calls, of the size that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from matplotlib.figure import Figure

from rtpcap.views.plot.axes import PictureAxes, look_of, own_figure
from rtpcap.views.plot.call import call_times, draw_call
from rtpcap.views.plot.call_findings import findings_of
from rtpcap.views.plot.ladder import draw_ladder, ladder_steps, ladder_times, ladder_title
from rtpcap.views.plot.timeline import timeline, timeline_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rtpcap.api import Capture
    from rtpcap.streams.call import Call
    from rtpcap.streams.findings.finding import Finding
    from rtpcap.streams.stream import Stream

__all__ = ["PAGE_KINDS", "PageKind", "page"]

PageKind = Literal["ladder", "timeline", "call"]

PAGE_KINDS: tuple[PageKind, ...] = get_args(PageKind)
"""The charts of a capture, or of a call."""


def page(
    capture: Capture,
    kind: PageKind = "timeline",
    width_px: int = 1000,
    *,
    call: Call | None = None,
    streams: Sequence[Stream] | None = None,
    findings: Iterable[Finding] = (),
    height_px: int | None = None,
    dpi: float | None = None,
    dark: bool = False,
) -> Figure:
    """A figure with the chart of a capture (or of some of its `streams`), or of a `call` of it.

    The size is as for `chart`. Raises ValueError for a chart of a call without one.
    """

    def figure(times: float) -> tuple[Figure, Axes]:
        made = own_figure(kind, width_px, times=times, height_px=height_px, dpi=dpi, dark=dark)
        return made, made.add_subplot(axes_class=PictureAxes)

    if kind == "timeline":
        shown = capture if streams is None else streams
        made, ax = figure(timeline_times(len(capture.streams if streams is None else streams)))
        timeline(shown, ax, dark=dark)
        return made
    if call is None:
        raise ValueError(f"{kind} is the chart of a call: which?")
    if kind == "ladder":
        steps = ladder_steps(capture, call)
        made, ax = figure(ladder_times(len(steps)))
        draw_ladder(look_of(ax, dark), steps, ladder_title(capture, call))
        return made
    own = findings_of(call, findings)
    made, ax = figure(call_times(call, own))
    draw_call(look_of(ax, dark), call, own)
    return made
