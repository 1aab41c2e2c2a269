"""The verb plot: the charts of a capture as a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import click

from rtpcap.cli.options import (
    Exit,
    Inputs,
    Selectors,
    selector_options,
    told_options,
    unpack_option,
    warn,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rtpcap.api import Capture
    from rtpcap.rtp.payload_types import Format
    from rtpcap.views.plot.page import PageKind
    from rtpcap.views.plot.sheet import StreamKind

__all__ = ["plot"]

FORMATS = (".png", ".svg", ".pdf")
OF_STREAMS = ("gaps", "jitter", "waveform", "spectrogram", "quality", "buffer")
OF_CALLS = ("ladder", "call")
KINDS = (*OF_STREAMS, *OF_CALLS, "timeline")
MOST_STREAMS = 8
"""So many charts still make a picture."""


@dataclass(frozen=True)
class Size:
    """How large the picture is, and on which paper."""

    width_px: int
    height_px: int | None
    dpi: float | None
    dark: bool


def _picture(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if os.path.splitext(value)[1].lower() not in FORMATS:
        raise click.BadParameter(f"{value!r} does not end with {', '.join(FORMATS)}", ctx, param)
    return value


@click.command()
@click.argument("name", metavar="FILE")
@click.option(
    "-o",
    "--output",
    required=True,
    callback=_picture,
    metavar="PICTURE",
    help="The file to write: PNG, SVG or PDF, by its ending.",
)
@click.option(
    "--width",
    type=click.IntRange(200, 10_000),
    default=1600,
    show_default=True,
    metavar="PIXELS",
    help="How wide.",
)
@click.option(
    "--height",
    type=click.IntRange(100, 20_000),
    metavar="PIXELS",
    help="How high. Left out: as fits.",
)
@click.option(
    "--dpi",
    type=click.FloatRange(40, 600),
    metavar="DPI",
    help="Text as large as on paper with so many pixels an inch. Left out: in proportion.",
)
@click.option("--dark", is_flag=True, help="Light on dark.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="gaps",
    show_default=True,
    help="Of streams: gaps (sequence and jitter), jitter (delta and skew, too), waveform, "
    "spectrogram, quality (MOS over time), buffer (MOS over the size of a jitter buffer). Of a "
    "call: ladder (SIP and media), call (all on one clock). timeline: all streams as bars.",
)
@selector_options
@told_options
@unpack_option
def plot(
    name: str,
    output: str,
    width: int,
    height: int | None,
    dpi: float | None,
    dark: bool,
    kind: str,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    **chosen: Any,
) -> None:
    """Draw a capture: its streams, a call, or all at a glance.

    Sequence numbers over time with every gap marked and sized, or another --kind of picture.
    Several streams stand one below the other; choose with --ssrc and the like, a call with --call.
    """
    inputs = Inputs([name], mapped, named, most_unpacked=most_unpacked)
    selectors, size = Selectors(**chosen), Size(width, height, dpi, dark)
    if len(inputs.files) > 1:
        raise click.UsageError(f"{name} stands for several captures: name one")
    drawn = 0
    for capture in inputs.captures():
        draw = _of_call if kind in OF_CALLS else _of_streams
        figure = draw(kind, capture, selectors, size)
        if figure is None:
            continue
        from rtpcap.views.plot import save

        try:
            save(figure, output)
        except OSError as error:
            raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
        drawn += 1
    code = Exit.DONE if drawn else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))


def _of_streams(kind: str, capture: Capture, selectors: Selectors, size: Size) -> Figure | None:
    streams = selectors.of(capture)
    if not len(streams):
        warn("no RTP stream matched")
        return None
    from rtpcap.views.plot import chart, page

    if kind == "timeline":
        whole = len(streams) == len(capture.streams)
        return page(capture, "timeline", streams=None if whole else streams, **vars(size))
    if len(streams) > MOST_STREAMS:
        warn(f"{MOST_STREAMS} of {len(streams)} streams are drawn: choose with --ssrc")
    return chart(streams[:MOST_STREAMS], kind=cast("StreamKind", kind), **vars(size))


def _of_call(kind: str, capture: Capture, selectors: Selectors, size: Size) -> Figure | None:
    calls = [*selectors.calls_of(capture)]
    if not calls:
        warn("no call matched")
        return None
    from rtpcap.views.plot import page

    if len(calls) > 1:
        warn(f"1 of {len(calls)} calls is drawn: choose with --call")
    findings = capture.findings if kind == "call" else ()
    return page(capture, cast("PageKind", kind), call=calls[0], findings=findings, **vars(size))
