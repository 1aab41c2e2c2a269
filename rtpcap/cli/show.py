"""The verbs that print rows: info, streams, packets, gaps, and what is heard."""

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
from rtpcap.cli.output import check, print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.call import Calls
    from rtpcap.streams.streams import Streams

__all__ = ["dtmf", "gaps", "info", "levels", "packets", "streams", "tones"]

Row = dict[str, object]

_files = click.argument("names", nargs=-1, required=True, metavar="FILE...")


def _verb(command: Callable[..., Any]) -> click.Command:
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
    """Say what is in a capture, as `rtpcap FILE` does.

    Its keys are those that telephone events and INFO tell: nothing is decoded for it. `rtpcap dtmf`
    also listens.
    """
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


def _calls(found: Streams, capture: Capture, call_id: str | None) -> Calls:
    """The calls whose INFO requests are meant: all, unless streams or a call are selected."""
    from rtpcap.streams.call import Calls

    some = {stream.call for stream in found} if len(found) < len(capture.streams) else None
    return Calls(
        call
        for call in capture.calls
        if call_id in (None, call.call_id) and (some is None or call.call_id in some)
    )


@_verb
@click.option("--no-inband", is_flag=True, help="Leave out what only the sound tells: no decoding.")
def dtmf(no_inband: bool, **asked: Any) -> None:
    """One row a key press: by events, by INFO, in the sound.

    By telephone events (RFC 4733), by SIP INFO, and in the sound (ITU-T Q.24). A press that was
    sent in several ways is one row, whose `also_in` names the others.
    """

    def rows_of(found: Streams, capture: Capture) -> Iterable[Row]:
        from rtpcap.streams.directions import keys_of

        if not no_inband:
            capture.listen(found)
        calls = _calls(found, capture, asked["call"])
        return keys_of(found, calls, inband=not no_inband).rows()

    _show("dtmf", rows_of, **asked)


@_verb
def tones(**asked: Any) -> None:
    """One row a call tone: ringing, busy, dial tone, fax, modems.

    In the sound, and those that telephone events tell (RFC 4734).
    """

    def rows_of(found: Streams, capture: Capture) -> Iterable[Row]:
        from rtpcap.streams.directions import tones_of

        capture.listen(found)
        return tones_of(found, _calls(found, capture, asked["call"])).rows()

    _show("tones", rows_of, **asked)


@_verb
def levels(**asked: Any) -> None:
    """One row a stream: level, speech, noise, silence, clipping.

    Measured where its audio can be decoded; beside it what the sender says in header extensions
    (RFC 6464), also of encrypted audio. Levels are in dBov: 0 is full scale.
    """

    def rows_of(found: Streams, capture: Capture) -> Iterator[Row]:
        for stream in found:
            yield stream.level_row()
            capture.release()

    _show("levels", rows_of, **asked)
