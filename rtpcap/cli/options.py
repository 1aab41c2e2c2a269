"""What all verbs have in common: selectors, what is told, formats, how inputs are gone through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.call import Call
    from rtpcap.streams.streams import Streams

__all__ = [
    "FORMATS",
    "Exit",
    "Inputs",
    "Selectors",
    "call_option",
    "format_option",
    "merge_option",
    "selector_options",
    "told_options",
    "unpack_option",
    "warn",
]

FORMATS = ("table", "json", "jsonl", "csv", "parquet")

Command = TypeVar("Command", bound=Callable[..., Any])


class Exit:
    """The exit codes."""

    DONE = 0
    NO_STREAM = 1
    TRIPPED = 1
    USAGE = 2
    ALL_FAILED = 3
    SOME_FAILED = 4
    NO_CODEC = 5


def warn(text: str) -> None:
    """One line on stderr, with whatever does not print made visible."""
    from rtpcap.views.text import visible

    click.echo(f"rtpcap: {visible(text)}", err=True)


def _ssrc(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """An SSRC: 0x343ffa34, or decimal."""
    if value is None:
        return None
    try:
        number = int(value, 0)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 32:
        raise click.BadParameter(f"{value!r} is not 32 bits, as 0x343ffa34 or decimal", ctx, param)
    return number


def _mapped(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[int, Format]:
    """Payload types and their formats: 96=PCMU/8000."""
    from rtpcap.rtp.payload_types import Format

    formats = {}
    for value in values:
        number, _, text = value.partition("=")
        if not (number.isascii() and number.isdigit() and int(number) <= 127):
            raise click.BadParameter(f"{value!r} is not as 96=PCMU/8000", ctx, param)
        try:
            formats[int(number)] = Format.parse(text)
        except ValueError as error:
            raise click.BadParameter(f"{value!r}: {error}", ctx, param) from error
    return formats


def _named(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Endpoints: 10.0.0.1:4000, [fd09::1]:4000."""
    if not values:
        return ()
    from rtpcap.streams.endpoints import endpoints

    for value in values:
        try:
            endpoints([value])
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error
    return tuple(values)


def format_option(command: Command) -> Command:
    """``--format``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How to print: a table for people, the others for programs.",
    )(command)


def told_options(command: Command) -> Command:
    """``--map`` and ``--rtp``, repeatable: what the user knows beyond the capture."""
    options = (
        click.option(
            "--map",
            "mapped",
            callback=_mapped,
            multiple=True,
            metavar="PT=FORMAT",
            help="Name a payload type, as 96=PCMU/8000. Repeatable.",
        ),
        click.option(
            "--rtp",
            "named",
            callback=_named,
            multiple=True,
            metavar="HOST:PORT",
            help="Take what comes from or goes to here for RTP. Repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


SIZE = re.compile(r"([0-9]{1,15})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A number of bytes: 500M, 20G, or plain."""
    if value is None:
        return None
    match = SIZE.fullmatch(value.strip())
    if match is None or not int(match[1]):
        raise click.BadParameter(f"{value!r} is no size, as 500M or 20G", ctx, param)
    return int(match[1]) << (10 * " KMGT".index(match[2].upper() or " "))


def unpack_option(command: Command) -> Command:
    """``--unpack-limit``."""
    return click.option(
        "--unpack-limit",
        "most_unpacked",
        callback=_size,
        metavar="SIZE",
        help="How much a compressed, piped or fetched capture may hold, as 20G. Left out: 8G.",
    )(command)


def merge_option(command: Command) -> Command:
    """``--merge``."""
    return click.option(
        "--merge",
        is_flag=True,
        help="Read all FILEs as one capture, in order of time.",
    )(command)


def call_option(command: Command) -> Command:
    """``--call``."""
    return click.option(
        "--call", metavar="ID", help="Only this call, by its Call-ID, or as guessed-1."
    )(command)


def selector_options(command: Command) -> Command:
    """``--call --ssrc --src --dst --pt``."""
    options = (
        call_option,
        click.option(
            "--ssrc", callback=_ssrc, metavar="SSRC", help="Only this SSRC, as 0x343ffa34."
        ),
        click.option("--src", metavar="ADDRESS[:PORT]", help="Only from here."),
        click.option("--dst", metavar="ADDRESS[:PORT]", help="Only to here."),
        click.option(
            "--pt",
            "payload_type",
            type=click.IntRange(0, 127),
            metavar="PT",
            help="Only streams with this payload type.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Selectors:
    """Which streams to take."""

    call: str | None = None
    ssrc: int | None = None
    src: str | None = None
    dst: str | None = None
    payload_type: int | None = None

    def of(self, capture: Capture) -> Streams:
        """The streams of a capture that are meant."""
        return capture.streams.select(
            call=self.call,
            ssrc=self.ssrc,
            src=self.src,
            dst=self.dst,
            payload_type=self.payload_type,
        )

    def calls_of(self, capture: Capture) -> list[Call]:
        """The calls that are meant; where streams are chosen, those that have one of them."""
        calls = capture.calls if self.call is None else capture.calls.select(self.call)
        chosen = replace(self, call=None)
        if chosen == Selectors():
            return [*calls]
        found = {stream.index for stream in chosen.of(capture)}
        return [call for call in calls if any(s.index in found for s in call.streams)]


class Inputs:
    """The captures that the arguments name, one after the other; failures are told and counted."""

    def __init__(
        self,
        names: Sequence[str],
        pt_map: Mapping[int, Format] | None = None,
        rtp: Sequence[str] = (),
        *,
        merge: bool = False,
        most_unpacked: int | None = None,
    ) -> None:
        """Find the files behind the names; names that lead to none are told as failed.

        With `merge` all files are one capture.
        """
        from rtpcap.batch.inputs import expand

        self.read = 0
        """How many could be read."""
        self.failed = 0
        self._pt_map, self._rtp = pt_map, rtp
        self._most_unpacked = most_unpacked
        self._merge = merge
        found = expand(names)
        self.files = found.files
        self.several = len(found.files) + len(found.errors) > 1 and not merge
        """Whether rows have to say which input they are from."""
        for error in found.errors:
            self.fail(error)

    def captures(self) -> Iterator[Capture]:
        """Each capture that can be read; where one is damaged is told."""
        from rtpcap.api import open
        from rtpcap.capture.files.held import MOST_UNPACKED
        from rtpcap.errors import RtpcapError

        most = self._most_unpacked or MOST_UNPACKED
        # Several as one are no file of their own: where one is damaged names it.
        units = [self.files] if self._merge and self.files else [[file] for file in self.files]
        for unit in units:
            try:
                capture = open(
                    unit,
                    pt_map=self._pt_map,
                    rtp=self._rtp,
                    most_unpacked=most,
                    progress=False,
                )
                damages = capture.damage
            except (RtpcapError, OSError) as error:
                self.fail(error)
                continue
            for damage in damages:
                self.damaged("" if damage.file else unit[0], str(damage))
            self.read += 1
            yield capture

    def fail(self, error: Exception) -> None:
        """Tell that an input failed, and why."""
        self.failed += 1
        warn(str(error))

    def damaged(self, file: str, damage: str) -> None:
        """Tell where an input is damaged."""
        warn(f"{file}{': ' * bool(file)}damaged: {damage}; what comes before was read")

    def exit_code(self, otherwise: int = Exit.DONE) -> int:
        """The code for failed inputs, or `otherwise` where none failed."""
        if not self.failed:
            return otherwise
        return Exit.SOME_FAILED if self.read else Exit.ALL_FAILED
