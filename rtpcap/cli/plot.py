"""The verb plot: the charts of a capture as a picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

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

    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.streams import Streams
    from rtpcap.views.plot.sheet import StreamKind

__all__ = ["plot"]

FORMATS = (".png", ".svg", ".pdf")
KINDS = ("gaps", "buffer")
MOST_STREAMS = 8
"""So many charts still make a picture."""


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
    "--kind",
    type=click.Choice(KINDS),
    default="gaps",
    show_default=True,
    help="gaps: sequence and jitter over time; buffer: MOS over the size of a jitter buffer.",
)
@selector_options
@told_options
@unpack_option
def plot(
    name: str,
    output: str,
    width: int,
    kind: StreamKind,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    **chosen: Any,
) -> None:
    """Draw a capture's streams: gaps and jitter, or MOS by buffer.

    Sequence numbers over time with every gap marked and sized, the jitter below; with --kind buffer
    the MOS over the size of a jitter buffer. Several streams stand one below the other; choose with
    --ssrc and the like.
    """
    inputs = Inputs([name], mapped, named, most_unpacked=most_unpacked)
    selectors = Selectors(**chosen)
    if len(inputs.files) > 1:
        raise click.UsageError(f"{name} stands for several captures: name one")
    drawn = 0
    for capture in inputs.captures():
        streams = selectors.of(capture)
        if not len(streams):
            warn("no RTP stream matched")
            continue
        from rtpcap.views.plot import save

        if len(streams) > MOST_STREAMS:
            warn(f"{MOST_STREAMS} of {len(streams)} streams are drawn: choose with --ssrc")
        try:
            save(_figure(kind, streams[:MOST_STREAMS], width), output)
        except OSError as error:
            raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
        drawn += 1
    code = Exit.DONE if drawn else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))


def _figure(kind: StreamKind, streams: Streams, width: int) -> Figure:
    from rtpcap.views.plot import chart

    return chart(streams, width, kind=kind)
