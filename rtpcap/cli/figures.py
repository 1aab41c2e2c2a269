"""The verbs that print figures: quality and ledger."""

from __future__ import annotations

import re
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
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.play import Play
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.streams import Streams

__all__ = ["ledger", "quality"]

Row = dict[str, object]
Command = TypeVar("Command", bound=Callable[..., Any])
Size = float | tuple[float, float] | None

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|min|h)?")
UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
LONGEST_S = 1e9
LEAST_S = 1e-3

BUFFER = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:-([0-9]+(?:\.[0-9]+)?))?(?:ms)?")
MOST_MS = 60_000.0


def _duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Seconds: 5s, 500ms, 1m, or plain."""
    if value is None:
        return None
    match = DURATION.fullmatch(value.strip().lower())
    seconds = float(match[1]) * UNITS[match[2] or "s"] if match else 0.0
    if not LEAST_S <= seconds <= LONGEST_S:
        raise click.BadParameter(f"{value!r} is no length of time, as 5s or 500ms", ctx, param)
    return seconds


def _buffer(ctx: click.Context, param: click.Parameter, value: str | None) -> Size:
    """A size in milliseconds, or the limits of an adaptive buffer: 60, 20-200."""
    if value is None:
        return None
    match = BUFFER.fullmatch(value.strip().lower())
    sizes = [float(size) for size in match.groups() if size is not None] if match else []
    if not sizes or sizes != sorted(sizes) or sizes[-1] > MOST_MS:
        raise click.BadParameter(f"{value!r} is no buffer, as 60 or 20-200 ms", ctx, param)
    return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


def _verb(command: Command) -> Command:
    for option in (
        click.argument("names", nargs=-1, required=True, metavar="FILE..."),
        selector_options,
        told_options,
        merge_option,
        unpack_option,
        format_option,
        click.option(
            "--buffer",
            callback=_buffer,
            metavar="MS",
            help="The jitter buffer: its size, or limits as 20-200 of one that adapts. "
            "Left out: 60.",
        ),
        click.option(
            "--network",
            "network_ms",
            type=click.FloatRange(0, MOST_MS),
            metavar="MS",
            help="The delay one way of network and codec. Left out: half of the round trip that "
            "RTCP tells of, or 0.",
        ),
    ):
        command = option(command)
    return command


def _played(stream: Stream, buffer: Size, network_ms: float | None) -> Play | None:
    """The stream behind the buffer asked for; None where that is the usual one."""
    if buffer is None and network_ms is None:
        return None
    if isinstance(buffer, tuple):
        return stream.play(adaptive=buffer, network_ms=network_ms)
    return stream.play(buffer, network_ms=network_ms)


def _found(
    inputs: Inputs, selectors: Selectors, matched: list[int]
) -> Iterator[tuple[str, Streams]]:
    """The streams meant of each capture, with its path; how many they are is added up."""
    for capture in inputs.captures():
        streams = selectors.of(capture)
        matched.append(len(streams))
        yield capture.path, streams


def _leave(inputs: Inputs, matched: list[int]) -> None:
    if not sum(matched) and inputs.read:
        warn("no RTP stream matched")
    code = Exit.DONE if sum(matched) else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))


def _show(
    verb: str,
    rows_of: Callable[[Stream], Iterable[Row]],
    *,
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Print the rows of each stream of all inputs, and leave with the exit code."""
    check(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    matched: list[int] = []

    def rows() -> Iterator[Row]:
        for path, streams in _found(inputs, Selectors(**chosen), matched):
            for stream in streams:
                for row in rows_of(stream):
                    yield {"file": path, **row} if inputs.several else row

    print_rows(verb, form, rows(), files=inputs.several)
    _leave(inputs, matched)


def _explain(
    play_of: Callable[[Stream], Play | None],
    *,
    names: tuple[str, ...],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Print the sum of the E-model of each stream, and leave with the exit code."""
    if form != "table":
        raise click.UsageError("--explain is for people: the other formats have every input anyway")
    from rtpcap.views.sums import sums

    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    matched: list[int] = []

    def lines() -> Iterator[str]:
        for path, streams in _found(inputs, Selectors(**chosen), matched):
            yield from sums(streams, play_of, path if inputs.several else None, width())

    print_lines(lines())
    _leave(inputs, matched)


@click.command()
@_verb
@click.option(
    "--window",
    "window_s",
    callback=_duration,
    metavar="TIME",
    help="Figures over stretches of time instead, as 5s: a row a stream and stretch.",
)
@click.option("--explain", is_flag=True, help="Print how each MOS comes about.")
def quality(
    window_s: float | None,
    explain: bool,
    buffer: Size,
    network_ms: float | None,
    **asked: Any,
) -> None:
    """One row a stream: loss, bursts, jitter, drift and MOS.

    With delta, skew, packet time and bandwidth. The MOS is that of the E-model behind a simulated
    jitter buffer, with all its inputs.
    """
    if window_s is not None:
        if explain or buffer is not None or network_ms is not None:
            raise click.UsageError("--window has figures of the network alone, without a buffer")
        seconds = window_s
        _show("windows", lambda stream: stream.window_rows(seconds), **asked)
    elif explain:
        _explain(lambda stream: _played(stream, buffer, network_ms), **asked)
    else:
        _show(
            "quality",
            lambda stream: [stream.quality_row(_played(stream, buffer, network_ms))],
            **asked,
        )


@click.command()
@_verb
def ledger(buffer: Size, network_ms: float | None, **asked: Any) -> None:
    """One row a stream: each packet and slot in one class.

    The classes of packets add up to the packets captured, those of slots to the slots.
    """
    _show(
        "ledger",
        lambda stream: [stream.ledger_row(_played(stream, buffer, network_ms))],
        **asked,
    )
