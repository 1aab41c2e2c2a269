"""A sheet: the charts of several streams, one below the other, in one figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from matplotlib.figure import Figure

from rtpcap.views.plot.axes import PictureAxes, own_figure
from rtpcap.views.plot.buffer import buffer
from rtpcap.views.plot.call import call as whole_call
from rtpcap.views.plot.gaps import above_and_below, gaps
from rtpcap.views.plot.jitter import jitter
from rtpcap.views.plot.quality import quality
from rtpcap.views.plot.spectrogram import spectrogram
from rtpcap.views.plot.waveform import waveform

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rtpcap.audio.audio import Audio
    from rtpcap.streams.call import Call
    from rtpcap.streams.findings.finding import Finding
    from rtpcap.streams.stream import Stream

__all__ = [
    "STREAM_KINDS",
    "AudioKind",
    "CallKind",
    "StreamKind",
    "chart",
    "draw",
    "draw_of_audio",
    "draw_of_call",
]

StreamKind = Literal["gaps", "jitter", "waveform", "spectrogram", "quality", "buffer"]

CallKind = Literal["call", "waveform", "spectrogram"]
AudioKind = Literal["waveform", "spectrogram"]

STREAM_KINDS: tuple[StreamKind, ...] = get_args(StreamKind)
"""The charts of one stream."""

DRAW: Mapping[str, Callable[..., Axes]] = {
    "gaps": gaps,
    "jitter": jitter,
    "waveform": waveform,
    "spectrogram": spectrogram,
    "quality": quality,
    "buffer": buffer,
}


def draw(stream: Stream, kind: str, ax: Axes | None = None, *, dark: bool = False) -> Axes:
    """The chart of that kind of a stream; raises ValueError for another kind."""
    if kind not in DRAW:
        raise ValueError(f"{kind!r} is no chart of a stream: {', '.join(DRAW)}")
    return DRAW[kind](stream, ax, dark=dark)


SOUND: Mapping[str, Callable[..., Axes]] = {"waveform": waveform, "spectrogram": spectrogram}


def draw_of_call(
    call: Call,
    kind: str,
    ax: Axes | None = None,
    *,
    findings: Iterable[Finding] = (),
    dark: bool = False,
) -> Axes:
    """The chart of that kind of a call; raises ValueError for another kind."""
    if kind == "call":
        return whole_call(call, ax, findings=findings, dark=dark)
    return draw_of_audio(call, kind, ax, dark=dark)


def draw_of_audio(
    source: Audio | Call, kind: str, ax: Axes | None = None, *, dark: bool = False
) -> Axes:
    """The chart of that kind of what can be heard; raises ValueError for another kind."""
    if kind not in SOUND:
        raise ValueError(f"{kind!r} is no chart of it: {', '.join(SOUND)}")
    return SOUND[kind](source, ax, dark=dark)


def chart(
    streams: Sequence[Stream],
    width_px: int = 1000,
    *,
    kind: StreamKind = "gaps",
    height_px: int | None = None,
    dpi: float | None = None,
    dark: bool = False,
) -> Figure:
    """A figure with the charts of `streams`, one below the other, `width_px` pixels wide.

    `height_px` is that of all together. With `dpi` text is as large as on paper with so many
    pixels an inch; else it grows and shrinks with the picture.
    """
    times = len(streams)
    figure = own_figure(kind, width_px, times=times, height_px=height_px, dpi=dpi, dark=dark)
    grid = figure.add_gridspec(times, 1)
    for i, stream in enumerate(streams):
        if kind == "gaps":
            gaps(stream, *above_and_below(figure, grid[i]), dark=dark)
        else:
            draw(stream, kind, figure.add_subplot(grid[i], axes_class=PictureAxes), dark=dark)
    return figure
