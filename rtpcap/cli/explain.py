"""The verb explain: what each flow was taken for, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rtpcap.cli.options import Inputs, format_option, merge_option, told_options, unpack_option
from rtpcap.cli.output import check, print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format

__all__ = ["explain"]


@click.command(short_help="What each flow was taken for, and why.")
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@told_options
@merge_option
@unpack_option
@format_option
def explain(
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
) -> None:
    """Say what each flow was taken for, why, and what would change that.

    One row a flow, that is one direction between two addresses and ports.
    """
    check(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    if form == "table":
        from rtpcap.views.explain import explanation

        print_lines(explanation(inputs.captures(), width(), files=inputs.several))
    else:

        def rows() -> Iterator[dict[str, object]]:
            for capture in inputs.captures():
                for flow in capture.explain():
                    row = flow.row()
                    yield {"file": capture.path, **row} if inputs.several else row

        print_rows("explain", form, rows(), files=inputs.several)
    click.get_current_context().exit(inputs.exit_code())
