"""The verb export: frames of a capture to a capture file."""

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
from rtpcap.cli.output import check, print_rows

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format

__all__ = ["export"]

Span = tuple[float | None, float | None]


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> Span:
    """From where to where, in seconds: 10:20, 10: or :20."""
    if value is None:
        return None, None
    begin, colon, end = value.partition(":")
    try:
        start_s, end_s = (float(text) if text else None for text in (begin, end))
    except ValueError:
        colon = ""
    else:
        wrong = [s for s in (start_s, end_s) if s is not None and not -1e10 < s < 1e10]
        colon = "" if wrong else colon
    if not colon:
        raise click.BadParameter(f"{value!r} is not as 10:20, 10: or :20", ctx, param)
    return start_s, end_s


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", required=True, metavar="OUT", help="The file to write.")
@click.option(
    "--to",
    type=click.Choice(("pcap", "pcapng", "rtpdump")),
    help="Its format. Left out: by its ending, .pcap, .pcapng or .rtpdump.",
)
@click.option(
    "--time",
    "span",
    callback=_span,
    metavar="A:B",
    help="Only from A to B, in seconds from the first frame; either may be left out.",
)
@selector_options
@told_options
@unpack_option
@format_option
def export(
    names: tuple[str, ...],
    output: str,
    to: str | None,
    span: Span,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Write frames to a pcap, pcapng or rtpdump file.

    All frames, those of a --call (its SIP, its media and the RTCP and the like beside it), or those
    of the streams that --ssrc and the like select, as they were captured.
    Several FILEs are read as one capture, in order of time. An rtpdump holds RTP packets only.
    """
    from rtpcap.capture.write import format_of
    from rtpcap.errors import CaptureError

    check(form)
    try:
        format_of(output, to)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    inputs = Inputs(names, mapped, named, merge=True, most_unpacked=most_unpacked)
    selectors = Selectors(**chosen)
    rows = []
    code = Exit.DONE
    for capture in inputs.captures():
        # A call alone is more than its streams: its signalling, and what runs beside them.
        calls = streams = None
        if selectors.call is not None and selectors == Selectors(call=selectors.call):
            calls = capture.calls.select(selectors.call)
            if not len(calls):
                warn("no call matched")
                code = Exit.NO_STREAM
                continue
        elif selectors != Selectors():
            streams = selectors.of(capture)
        if streams is not None and not len(streams):
            warn("no RTP stream matched")
            code = Exit.NO_STREAM
            continue
        try:
            done = capture.export(
                output, calls=calls, streams=streams, start_s=span[0], end_s=span[1], to=to
            )
        except OSError as error:
            raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
        except CaptureError as error:
            inputs.read -= 1
            inputs.fail(error)
            continue
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        for row in done.left_out.rows():
            warn(f"left out: {row['count']} of {row['reason']}, first frame {row['first_frame']}")
        rows.append(done.row())
    print_rows("export", form, rows, files=False)
    click.get_current_context().exit(inputs.exit_code(code))
