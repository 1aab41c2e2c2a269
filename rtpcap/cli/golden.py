"""The verbs expect and verify: what was found in a capture, written down and compared again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rtpcap.cli.options import Exit, Inputs, format_option, told_options, unpack_option, warn
from rtpcap.cli.output import check, print_rows

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format

__all__ = ["expect", "verify"]

Row = dict[str, object]

DIFFERENT = 1


def _tolerances(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> dict[str, float | None]:
    """Keys and how far apart their values may lie: lost=2."""
    if not values:
        return {}
    from rtpcap.testing.golden.tolerance import parse_tolerance

    try:
        return dict(map(parse_tolerance, values))
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


_tolerance = click.option(
    "--tolerance",
    "tolerances",
    callback=_tolerances,
    multiple=True,
    metavar="KEY=VALUE",
    help="How far values may lie apart, by name (lost=2) or unit (_ms=0.5); any: as far as they "
    "like. Repeatable.",
)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o",
    "--output",
    metavar="JSON|DIR",
    help="Where to write; into a folder as NAME.json. Left out: stdout, for one FILE.",
)
@click.option("--no-sound", is_flag=True, help="Decode nothing, and leave the sound out.")
@_tolerance
@told_options
@unpack_option
@format_option
def expect(
    names: tuple[str, ...],
    output: str | None,
    no_sound: bool,
    tolerances: dict[str, float | None],
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
) -> None:
    """Write down what is found in a capture, for verify to compare with.

    It is JSON, a row a line: calls, streams, gaps, key presses, and fingerprints of the sound. An
    expectation that is there is renewed; its tolerances stay.
    """
    from rtpcap.batch.names import Prefixes
    from rtpcap.errors import RtpcapError
    from rtpcap.testing.golden import expect as expectation_of
    from rtpcap.testing.schema import SchemaError

    check(form)
    inputs = Inputs(names, mapped, named, most_unpacked=most_unpacked)
    if output is None and inputs.several:
        raise click.UsageError("several files need -o DIR to write their expectations into")
    into = inputs.several or (output is not None and (output[-1:] == "/" or os.path.isdir(output)))
    prefixes = Prefixes()
    rows: list[Row] = []
    for capture in inputs.captures():
        try:
            found = expectation_of(capture, sound=not no_sound, tolerances=tolerances)
        except (RtpcapError, OSError) as error:
            inputs.read -= 1
            inputs.fail(error)
            continue
        if output is None:
            click.echo(found.to_json(), nl=False)
            continue
        name = f"{prefixes.of(os.path.abspath(capture.path))}.json"
        path = os.path.join(output, name) if into else output
        try:
            found.renew(path, tolerances=tolerances)
        except SchemaError as error:
            raise click.UsageError(f"not written over: {error}") from error
        except OSError as error:
            raise click.UsageError(
                f"cannot write {error.filename or path}: {error.strerror}"
            ) from error
        rows.append({"output": path, **found.row(), "file": capture.path})
    if output is not None:
        print_rows("expect", form, rows, files=False)
    click.get_current_context().exit(inputs.exit_code())


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="EXPECTATION...")
@click.option("--capture", metavar="FILE", help="Another capture than the expectation names.")
@_tolerance
@format_option
def verify(
    names: tuple[str, ...], capture: str | None, tolerances: dict[str, float | None], form: str
) -> None:
    """Compare captures with what was written down of them: a row a difference.

    Exit codes: 0 all is as expected, 1 there are differences, 3 nothing could be read, 4 some
    expectations or captures could not.
    """
    from rtpcap.errors import RtpcapError
    from rtpcap.testing.golden import Expectation
    from rtpcap.testing.golden import verify as differences_of

    check(form)
    rows: list[Row] = []
    failed = 0
    for name in names:
        try:
            found = differences_of(Expectation.read(name), capture, tolerances=tolerances)
        except RtpcapError as error:
            failed += 1
            warn(str(error))
            continue
        except OSError as error:
            failed += 1
            warn(f"{error.filename or name}: {error.strerror or error}")
            continue
        for note in found.notes:
            warn(f"note: {note}")
        rows += [{"file": name, **each.row()} if len(names) > 1 else each.row() for each in found]
    if form == "parquet":
        rows = [{**row, "expected": _text(row["expected"]), "found": _text(row["found"])}
                for row in rows]  # fmt: skip
    print_rows("verify", form, rows, files=len(names) > 1)
    code = DIFFERENT if rows else Exit.DONE
    if failed:
        code = Exit.ALL_FAILED if failed == len(names) else Exit.SOME_FAILED
    click.get_current_context().exit(code)


def _text(value: object) -> str | None:
    """A value of any type as text: a column of Parquet has one type."""
    return None if value is None else str(value)
