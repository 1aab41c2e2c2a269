"""The verb rtcp: what the ends of streams tell each other about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from rtpcap.cli.options import (
    Exit,
    Inputs,
    Selectors,
    format_option,
    merge_option,
    selector_options,
    told_options,
    unpack_option,
    warn,
)
from rtpcap.cli.output import check, print_rows

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.reports.reports import Reports
    from rtpcap.streams.rows import HasRow

__all__ = ["rtcp"]

Row = dict[str, object]

# What --show names -> the columns, and where the rows are.
TABLES: dict[str, tuple[str, Callable[[Reports], Iterable[HasRow]]]] = {
    "packets": ("rtcp", iter),
    "round-trips": ("round-trips", lambda reports: reports.round_trips),
    "loss": ("loss", lambda reports: reports.loss),
    "clocks": ("clocks", lambda reports: reports.wall_clocks),
    "participants": ("participants", lambda reports: reports.participants),
    "vq": ("vq", lambda reports: reports.voice_quality),
}


@click.command(short_help="One row an RTCP packet; round trips, loss, clocks.")
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@selector_options
@told_options
@merge_option
@unpack_option
@format_option
@click.option(
    "--show",
    type=click.Choice(list(TABLES)),
    default="packets",
    show_default=True,
    help="Which table: each packet; round trips to each end; what far ends lost, before or after "
    "the capture; senders' clocks; names; reports of voice quality, SIP's too.",
)
def rtcp(
    show: str,
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """One row an RTCP packet or report block; or what they tell together.

    --ssrc is who speaks or of whom, --src and --dst are where RTCP came from and went to, --call
    and --pt take what belongs to such streams.
    """
    check(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    selectors = Selectors(**chosen)
    columns, table = TABLES[show]
    matched = 0

    def rows() -> Iterator[Row]:
        nonlocal matched
        for capture in inputs.captures():
            matched += len(selectors.of(capture))
            for item in table(capture.rtcp.select(**vars(selectors))):
                matched += 1
                row = item.row()
                yield {"file": capture.path, **row} if inputs.several else row

    print_rows(columns, form, rows(), files=inputs.several)
    if not matched and inputs.read:
        warn("no RTCP matched, and no RTP stream")
    code = Exit.DONE if matched else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))
