"""The verb diff: what differs between two captures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rtpcap.cli.options import (
    Exit,
    Inputs,
    Selectors,
    format_option,
    selector_options,
    told_options,
    unpack_option,
    warn,
)
from rtpcap.cli.output import check, print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format

__all__ = ["diff"]

DIFFERENT = 1


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--tolerance",
    default="",
    metavar="NAME=NUMBER,...",
    help="How far they may differ, as lost=3,lost_pct=1,delay_ms=60,residual_dbfs=-40.",
)
@click.option("--audio/--no-audio", default=True, help="Whether changed streams are listened to.")
@selector_options
@told_options
@unpack_option
@format_option
def diff(
    a: str,
    b: str,
    tolerance: str,
    audio: bool,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **given: Any,
) -> None:
    """Compare two captures: what was sent and what was received, before and after a gateway.

    Packets of A that are lost, changed or overtaken in B, and those that B has more, with the delay
    between the two; what the sound of changed streams has lost; key presses and calls. Rewritten
    SSRCs, sequence numbers and timestamps are seen through. --ssrc and the like say which streams
    of A to look for.

    Tolerance: lost added changed duplicates reordered (packets of a stream, or with _pct behind
    percent), delay_ms (the slowest packet's beyond the quickest's), drift_ppm, residual_dbfs,
    level_db, digits, calls, duration_s (of a call), streams. Left out: nothing may differ but
    delays, drift and numbers.

    Exit codes: 0 the same, 1 they differ more than is tolerated, 2 wrong usage, 3 one cannot be
    read.
    """
    from rtpcap.testing import Tolerance
    from rtpcap.testing import diff as compared

    check(form)
    try:
        tolerated = Tolerance.parse(tolerance)
    except ValueError as error:
        raise click.UsageError(f"--tolerance: {error}") from error
    inputs = [
        Inputs([name], mapped, named, merge=True, most_unpacked=most_unpacked) for name in (a, b)
    ]
    captures = [capture for each in inputs for capture in each.captures()]
    context = click.get_current_context()
    if len(captures) < len(inputs):
        context.exit(Exit.ALL_FAILED)
    selectors = Selectors(**given)
    chosen = None if selectors == Selectors() else selectors.of(captures[0])
    if not len(captures[0].streams if chosen is None else chosen):
        warn("no RTP stream matched")
        if chosen is not None or not len(captures[1].streams):
            context.exit(Exit.NO_STREAM)
    found = compared(*captures, streams=chosen, audio=audio)
    rows = found.rows(tolerated)
    if form == "table":
        from rtpcap.views.difference import difference_lines

        print_lines(difference_lines(found.sentence(), rows, width()))
    else:
        print_rows("diff", form, rows, files=False)
    context.exit(DIFFERENT if found.differs(tolerated) else Exit.DONE)
