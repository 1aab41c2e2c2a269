"""The verb replay: the captured packets of streams, sent again."""

from __future__ import annotations

from collections.abc import Sequence
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
    from rtpcap.api import Capture
    from rtpcap.live.outlets import Outlets
    from rtpcap.live.replay import Replay, Timing
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.stream import Stream

__all__ = ["replay"]

INTERRUPTED = 130
MOST_PORT = 65535
MOST_NUMBER = 127


def address(text: str, port_alone: str | None = None) -> tuple[str, int]:
    """HOST:PORT or [HOST]:PORT; with `port_alone` that host goes without saying.

    Raises ValueError.
    """
    host, _, number = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    host = host or port_alone or ""
    if not (number.isascii() and number.isdigit() and int(number) <= MOST_PORT and host):
        form = "HOST:PORT" if port_alone is None else "[HOST:]PORT"
        raise ValueError(f"{text!r} is not {form}")
    return host, int(number)


def _targets(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> list[tuple[str, int]]:
    try:
        found = [address(value) for value in values]
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error
    if len(found) > 2 or not all(port for _, port in found):
        raise click.BadParameter("one target, or two for the sides of a call", ctx, param)
    return found


def _numbers(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[int, int]:
    numbers = {}
    for value in values:
        pair = value.split("=")
        if len(pair) != 2 or not all(
            text.isascii() and text.isdigit() and int(text) <= MOST_NUMBER for text in pair
        ):
            raise click.BadParameter(f"{value!r} is not OLD=NEW, as 96=111", ctx, param)
        numbers[int(pair[0])] = int(pair[1])
    return numbers


def _ssrc(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    try:
        number = None if value is None else int(value, 0)
    except ValueError:
        number = -1
    if number is not None and not 0 <= number < 1 << 32:
        raise click.BadParameter(f"{value!r} is not 32 bits, as 0x343ffa34 or decimal", ctx, param)
    return number


@click.command()
@click.argument("name", metavar="FILE")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    callback=_targets,
    metavar="HOST:PORT",
    help="Where to send. Twice: the sides of a call, what the caller sent first.",
)
@click.option(
    "--timing",
    type=click.Choice(("capture", "media")),
    default="capture",
    show_default=True,
    help="When packets go: as they were captured, or as their timestamps say.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.001, 1_000_000),
    default=1.0,
    show_default=True,
    help="How many times as fast.",
)
@click.option(
    "--loop",
    "loops",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many times; sequence numbers and timestamps go on.",
)
@click.option("--set-ssrc", callback=_ssrc, metavar="SSRC", help="Send with this SSRC.")
@click.option(
    "--set-pt",
    "numbers",
    multiple=True,
    callback=_numbers,
    metavar="OLD=NEW",
    help="Send a payload type as another one. Repeatable.",
)
@click.option(
    "--set-sequence",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Begin with this sequence number.",
)
@click.option("--yes", is_flag=True, help="Also to groups, and more than 10,000 packets/s.")
@selector_options
@told_options
@unpack_option
@format_option
def replay(
    name: str,
    targets: list[tuple[str, int]],
    timing: Timing,
    speed: float,
    loops: int,
    set_ssrc: int | None,
    numbers: dict[int, int],
    set_sequence: int | None,
    yes: bool,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Send the packets of captured streams again, each at its time.

    All streams of FILE, those of a --call, or those that --ssrc and the like select. Ends with how
    late packets were sent. Ctrl-C ends it early.
    """
    from rtpcap.live.outlets import Outlets, send
    from rtpcap.live.outlets import check as check_meant
    from rtpcap.live.port import Target
    from rtpcap.live.replay import Replay, Rewrite, parts_of

    check(form)
    context = click.get_current_context()
    # Before the capture is read, which may take its time.
    ends = [Target(host, port) for host, port in targets]
    inputs = Inputs([name], mapped, named, merge=True, most_unpacked=most_unpacked)
    for capture in inputs.captures():
        sides = _sides(capture, Selectors(**chosen), len(ends))
        streams = [stream for side in sides for stream in side]
        if not streams:
            warn("no RTP stream matched")
            print_rows("replay", form, [], files=False)
            context.exit(inputs.exit_code(Exit.NO_STREAM))
        if set_ssrc is not None and len(streams) > 1:
            raise click.UsageError(f"--set-ssrc is for one stream, these are {len(streams)}")
        rewrite = Rewrite(set_ssrc, numbers, set_sequence)
        try:
            parts = parts_of(streams, timing, rewrite)
        except ValueError as error:
            raise click.UsageError(f"{error}: see --timing") from error
        whole = Replay(parts, speed=speed, loops=loops)
        went = [end for end, side in zip(ends, sides, strict=True) for _ in side]
        to = [end for end, part in zip(went, parts, strict=True) if len(part)]
        if not yes:
            try:
                check_meant(whole, to)
            except ValueError as error:
                raise click.UsageError(f"{error}: --yes, if that is meant") from error
        for part in parts:
            for why, count in part.left_out.items():
                warn(f"left out: {count} packets: {why}")
            if part.cut:
                warn(f"{part.cut} packets were captured without their end, and are sent so")
        outlets = Outlets(whole, to, broadcast=yes)
        code = Exit.DONE
        try:
            send(whole, outlets)
        except KeyboardInterrupt:
            code = INTERRUPTED
        finally:
            outlets.close()
        print_rows("replay", form, [_row(capture, whole, outlets)], files=False)
        if outlets.failed:
            warn(f"{outlets.failed} packets could not be sent: {outlets.why_failed}")
            code = code or Exit.SOME_FAILED
        context.exit(inputs.exit_code(code))
    context.exit(inputs.exit_code())


def _sides(capture: Capture, selectors: Selectors, targets: int) -> list[list[Stream]]:
    """The streams for each target."""
    streams = list(selectors.of(capture))
    if targets == 1:
        return [streams]
    calls = [call for call in capture.calls if any(stream in streams for stream in call.streams)]
    if not calls:
        return [[]] * targets
    if len(calls) > 1:
        known = ", ".join(call.call_id for call in calls)
        raise click.UsageError(f"two targets are for one call: --call one of {known}")
    (call,) = calls
    return [[stream for stream in side if stream in streams] for side in (call.left, call.right)]


def _row(capture: Capture, whole: Replay, outlets: Outlets) -> dict[str, object]:
    return {
        "input": capture.path,
        "streams": len(whole.parts),
        **whole.lateness.row(),
        "refused": outlets.refused,
        "failed": outlets.failed,
    }
