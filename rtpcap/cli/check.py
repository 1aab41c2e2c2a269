"""The verb check: what is wrong with a capture, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
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
from rtpcap.cli.output import check as check_format
from rtpcap.cli.output import print_lines, print_rows, width

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.findings.finding import Findings, Severity
    from rtpcap.streams.findings.threshold import Threshold
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.streams import Streams

__all__ = ["check"]

Row = dict[str, object]

SEVERITIES = ("error", "warning", "note")
COUNTS = ("errors", "warnings", "notes")


ALSO_CALLED = {"loss_pct": "lost_pct"}
"""Names that a threshold may use for figures, as people are used to say."""


def _counted_names() -> tuple[str, ...]:
    """The names in a threshold that count findings: by severity, and by kind."""
    from rtpcap.streams.findings.rules import KINDS

    return (*COUNTS, *(kind.replace("-", "_") for kind in KINDS))


def _thresholds(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[Threshold, ...]:
    if not values:
        return ()
    from rtpcap.streams.findings.threshold import Threshold
    from rtpcap.views.columns import COLUMNS

    figures = [
        column.name
        for verb in ("streams", "quality")
        for column in COLUMNS[verb]
        if column.kind in ("integer", "number", "flag")
    ]
    known = [*dict.fromkeys(figures), *ALSO_CALLED, *_counted_names()]
    found = []
    for value in values:
        try:
            found.append(Threshold.parse(value, known))
        except ValueError as error:
            raise click.BadParameter(f"{value!r}: {error}", ctx, param) from error
    return tuple(found)


def _list_kinds(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the kinds, a line each, and leave."""
    if not value or ctx.resilient_parsing:
        return
    from rtpcap.streams.findings.rules import KINDS

    indent = max(map(len, KINDS)) + 2
    for kind, text in sorted(KINDS.items()):
        room = max(width(), 2 * indent)
        print_lines(
            wrap(
                kind.ljust(indent) + text,
                room,
                subsequent_indent=" " * indent,
                break_on_hyphens=False,
            )
        )
    ctx.exit()


@dataclass
class _Gate:
    """Holds captures against the thresholds, and tells what tripped."""

    thresholds: Sequence[Threshold]
    name_files: bool
    tripped: bool = field(default=False, init=False)

    def look(self, path: str, streams: Streams, findings: Findings) -> None:
        """Tell of each threshold and stream where it is true; once where no stream decides."""
        if not self.thresholds:
            return
        counts = _counts(findings)
        of_streams: list[Row] | None = None
        for threshold in self.thresholds:
            rows: list[Row] = [{}]
            if not set(threshold.names) <= set(counts):
                if of_streams is None:
                    of_streams = [_figures(each) for each in streams]
                rows = of_streams
            for row in rows:
                values = {**row, **counts}
                if threshold.trips(values):
                    self._tell(path, row, threshold, values)

    def _tell(self, path: str, row: Row, threshold: Threshold, values: Row) -> None:
        self.tripped = True
        where = [path] if self.name_files else []
        if row:
            route = (f"{row[side]}:{row[f'{side}_port']}" for side in ("src", "dst"))
            where.append(f"stream {row['ssrc']} {' > '.join(route)}")
        told = f"{threshold.told(values)}, so {threshold.text.strip()}"
        warn(": ".join([*where, told]))


def _figures(stream: Stream) -> Row:
    """The figures of a stream, under the names of thresholds."""
    row = {**stream.row(), **stream.quality_row()}
    return row | {name: row[figure] for name, figure in ALSO_CALLED.items()}


def _counts(findings: Findings) -> Row:
    """How many findings there are, by severity and by kind, under the names of thresholds."""
    counts: Row = dict.fromkeys(_counted_names(), 0)
    counts |= zip(COUNTS, findings.counts().values(), strict=True)
    for kind in {finding.id for finding in findings}:
        counts[kind.replace("-", "_")] = len(findings.select(id=kind))
    return counts


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--fail-if",
    "thresholds",
    callback=_thresholds,
    multiple=True,
    metavar="EXPR",
    help="Exit with 1 where this is true of a stream, as 'lost_pct>1 or mos_nb<3.5'. Repeatable.",
)
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="note",
    show_default=True,
    help="Print findings of this severity and graver ones.",
)
@click.option(
    "--kinds",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_kinds,
    help="List the ids of all findings there may be, and leave.",
)
@selector_options
@told_options
@merge_option
@unpack_option
@format_option
def check(
    names: tuple[str, ...],
    thresholds: tuple[Threshold, ...],
    severity: Severity,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    merge: bool,
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Say what is wrong with a capture, its calls and its streams.

    Gravest first: errors (somebody was not heard), warnings (somebody heard it) and notes (worth
    knowing), each with its numbers and frames. Findings alone do not change the exit code.

    EXPR of --fail-if compares figures of `rtpcap streams` and `rtpcap quality`, and counts of
    findings (errors, warnings, notes, or their ids written as one_way_audio) with numbers:
    < <= > >= == != and or not ( ). A figure that a stream has not trips nothing. What tripped is
    told on stderr.
    """
    check_format(form)
    inputs = Inputs(names, mapped, named, merge=merge, most_unpacked=most_unpacked)
    gate = _Gate(thresholds, inputs.several)
    selectors = Selectors(**chosen)
    matched = 0

    def found() -> Iterator[tuple[Capture, Streams, Findings]]:
        nonlocal matched
        for capture in inputs.captures():
            streams = selectors.of(capture)
            findings, calls = capture.findings, capture.calls
            if selectors != Selectors():
                findings = findings.about(streams, selectors.call)
                calls = calls.select(selectors.call or "")
            # A call of which nothing was heard is what somebody looks for here.
            matched += len(streams) or len(calls)
            gate.look(capture.path, streams, findings)
            yield capture, streams, findings.at_least(severity)

    if form == "table":
        from rtpcap.streams.counted import counted
        from rtpcap.views.check import findings_lines
        from rtpcap.views.text import visible

        def lines() -> Iterator[str]:
            for number, (capture, streams, findings) in enumerate(found()):
                if inputs.several:
                    yield from [""] * bool(number)
                    yield f"{visible(capture.path)}:"
                looked_at = (
                    f"{counted(len(streams), 'stream')} of {counted(capture.frames, 'frame')}"
                )
                yield from findings_lines(findings, width(), looked_at)

        print_lines(lines())
    else:

        def rows() -> Iterator[Row]:
            for capture, _, findings in found():
                for row in findings.rows():
                    yield {"file": capture.path, **row} if inputs.several else row

        print_rows("check", form, rows(), files=inputs.several)
    if not matched and inputs.read:
        warn("no RTP stream matched")
    code = Exit.TRIPPED if gate.tripped else Exit.DONE if matched else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))
