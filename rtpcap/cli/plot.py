"""The verb plot: the sequence-gap chart as a picture."""

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
    from rtpcap.rtp.payload_types import Format

__all__ = ["plot"]

FORMATS = (".png", ".svg", ".pdf")
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
@selector_options
@told_options
@unpack_option
def plot(
    name: str,
    output: str,
    width: int,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    **chosen: Any,
) -> None:
    """Draw the sequence-gap chart of a capture's streams.

    Sequence numbers over time with every gap marked and sized, the jitter below. Several streams
    stand one below the other; choose with --ssrc and the like.
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
        from rtpcap.views.plot import chart, save

        if len(streams) > MOST_STREAMS:
            warn(f"{MOST_STREAMS} of {len(streams)} streams are drawn: choose with --ssrc")
        try:
            save(chart(streams[:MOST_STREAMS], width), output)
        except OSError as error:
            raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
        drawn += 1
    code = Exit.DONE if drawn else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))
