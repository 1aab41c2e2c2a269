"""The verbs calls and sip: who called whom, and what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rtpcap.cli.options import (
    Exit,
    Inputs,
    call_option,
    format_option,
    merge_option,
    told_options,
    unpack_option,
    warn,
)
from rtpcap.cli.output import check, print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format

__all__ = ["calls", "sip"]

Row = dict[str, object]


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@call_option
@told_options
@merge_option
@unpack_option
@format_option
def calls(
    names: tuple[str, ...],
    call: str | None,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
) -> None:
    """One row a call: who called whom, how it went, and its streams.

    Streams without signalling that run both ways between two endpoints are calls that are guessed.
    """
    check(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    matched = 0

    def rows() -> Iterator[Row]:
        nonlocal matched
        for capture in inputs.captures():
            found = capture.calls if call is None else capture.calls.select(call)
            # Without calls there are streams at least, as other verbs have it.
            matched += len(found) or (call is None and len(capture.streams))
            for each in found:
                row = each.row()
                yield {"file": capture.path, **row} if inputs.several else row

    print_rows("calls", form, rows(), files=inputs.several)
    if not matched and inputs.read:
        warn("no call matched")
    click.get_current_context().exit(inputs.exit_code(Exit.DONE if matched else Exit.NO_STREAM))


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@call_option
@merge_option
@unpack_option
@format_option
def sip(
    names: tuple[str, ...],
    call: str | None,
    merge: bool,
    most_unpacked: int | None,
    form: str,
) -> None:
    """One row a SIP message; as a table, the ladder of each call.

    A message that was sent before is marked as such.
    """
    check(form)
    inputs = Inputs(names, merge=merge, most_unpacked=most_unpacked)
    matched = 0
    if form == "table":
        from rtpcap.views.ladder import ladders

        def lines() -> Iterator[str]:
            nonlocal matched
            for capture in inputs.captures():
                if inputs.several:
                    yield f"{capture.path}:"
                for line in ladders(capture, width(), call):
                    matched += 1
                    yield line

        print_lines(lines())
    else:

        def rows() -> Iterator[Row]:
            nonlocal matched
            for capture in inputs.captures():
                for rung in capture.ladder(call):
                    matched += 1
                    row = rung.row()
                    yield {"file": capture.path, **row} if inputs.several else row

        print_rows("sip", form, rows(), files=inputs.several)
    missed = call is not None and not matched
    if missed and inputs.read:
        warn("no call matched")
    click.get_current_context().exit(inputs.exit_code(Exit.NO_STREAM if missed else Exit.DONE))
