"""The verbs that print rows: info, streams, packets, gaps, dtmf."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

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
from rtpcap.cli.output import check, print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.streams import Streams

__all__ = ["dtmf", "gaps", "info", "packets", "streams"]

Row = dict[str, object]
Command = TypeVar("Command", bound=Callable[..., Any])

_files = click.argument("names", nargs=-1, required=True, metavar="FILE...")


def _verb(command: Command) -> click.Command:
    for option in (
        _files,
        selector_options,
        told_options,
        merge_option,
        unpack_option,
        format_option,
    ):
        command = option(command)
    return click.command()(command)


@click.command()
@_files
@told_options
@merge_option
@unpack_option
@format_option
def info(
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
) -> None:
    """Say what is in a capture, as `rtpcap FILE` does."""
    check(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    if form == "table":
        from rtpcap.views.summary import summary

        print_lines(summary(inputs.captures(), width()))
    else:
        print_rows("info", form, (capture.row() for capture in inputs.captures()), files=False)
    click.get_current_context().exit(inputs.exit_code())


def _show(
    verb: str,
    rows_of: Callable[[Streams, Capture], Iterable[Row]],
    *,
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    form: str,
    **chosen: Any,
) -> None:
    """Print the rows of a verb for all inputs, and leave with the exit code."""
    check(form)
    inputs = Inputs(
        names, mapped, named, merge=chosen.pop("merge"), most_unpacked=chosen.pop("most_unpacked")
    )
    selectors = Selectors(**chosen)
    matched = 0

    def rows() -> Iterator[Row]:
        nonlocal matched
        for capture in inputs.captures():
            streams = selectors.of(capture)
            matched += len(streams)
            for row in rows_of(streams, capture):
                yield {"file": capture.path, **row} if inputs.several else row

    print_rows(verb, form, rows(), files=inputs.several)
    if not matched and inputs.read:
        warn("no RTP stream matched")
    code = Exit.DONE if matched else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))


@_verb
def streams(**asked: Any) -> None:
    """One row a stream: codec, packets, loss, jitter."""
    _show("streams", lambda found, _: (stream.row() for stream in found), **asked)


@_verb
def packets(**asked: Any) -> None:
    """One row an RTP packet."""

    def rows_of(found: Streams, _: Capture) -> Iterator[Row]:
        from rtpcap.views.packets import packet_rows

        return packet_rows(found)

    _show("packets", rows_of, **asked)


@_verb
def gaps(**asked: Any) -> None:
    """One row a gap: packets lost, silence not sent, a restart."""

    def rows_of(found: Streams, _: Capture) -> Iterable[Row]:
        every = [gap for stream in found for gap in stream.gaps]
        return [gap.row() for gap in sorted(every, key=lambda gap: gap.frame_before)]

    _show("gaps", rows_of, **asked)


@_verb
def dtmf(**asked: Any) -> None:
    """One row a key press."""

    def rows_of(found: Streams, capture: Capture) -> Iterable[Row]:
        every = [digit for stream in found for digit in stream.dtmf]
        # An INFO request is of a call, whose streams may be selected or not be there.
        wanted = {(stream.call, stream.ssrc) for stream in found}
        chosen = {stream.call for stream in found} if len(found) < len(capture.streams) else None
        for call in capture.calls:
            if asked["call"] in (None, call.call_id):
                every += [
                    key
                    for key in call.keys
                    if (call.call_id, key.ssrc) in wanted
                    or (key.ssrc is None and (chosen is None or call.call_id in chosen))
                ]
        return [digit.row() for digit in sorted(every, key=lambda digit: digit.frame)]

    _show("dtmf", rows_of, **asked)
