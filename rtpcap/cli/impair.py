"""The verb impair: a capture as a bad network would have made it, and the truth about that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

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

__all__ = ["impair"]

Command = TypeVar("Command", bound=Callable[..., Any])

# Option -> what it says in --help; names as the fields of Impairment and Faults.
SHARES = {
    "loss_pct": "Packets that are lost, in percent.",
    "duplicate_pct": "Packets that come twice.",
    "reorder_pct": "Packets that others overtake.",
    "late_pct": "Packets that come late, by --late-ms.",
    "silence_pct": "Packets that a sender with silence suppression leaves out.",
    "bit_error_pct": "Packets with a bit turned over behind the header.",
    "truncate_pct": "Packets of which the end was not captured.",
    "ssrc_pct": "Packets with an SSRC of nobody's.",
    "timestamp_pct": "Packets with a timestamp from far away.",
}
NUMBERS = {
    "mean_run": "Mean length of a run of lost packets. Left out: each is lost by itself.",
    "jitter_ms": "Mean delay of the packets, spread exponentially.",
    "late_ms": "Extra delay of a late packet.",
    "drift_ppm": "How much faster the sender's clock runs, in parts per million.",
}
COUNTS = {
    "reorder_by": "How many packets overtake one.",
    "restarts": "How often the sender begins anew.",
}


def _done(command: Command) -> Command:
    options: list[tuple[dict[str, str], type]] = [(SHARES, float), (NUMBERS, float), (COUNTS, int)]
    for texts, kind in reversed(options):
        for name, text in reversed(texts.items()):
            flag = f"--{name.replace('_', '-')}"
            command = click.option(flag, name, type=kind, help=text)(command)
    return command


@click.command(short_help="Lose, delay, double and damage packets, by a seed.")
@click.argument("name", metavar="FILE")
@click.option("-o", "--output", required=True, metavar="OUT", help="The pcap or pcapng to write.")
@click.option(
    "--truth", metavar="JSON", help="Where to write what was done. Left out: OUT with .json behind."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same does the same."
)
@_done
@click.option("--new-ssrc", is_flag=True, help="A sender that begins anew takes another SSRC.")
@selector_options
@told_options
@unpack_option
@format_option
def impair(
    name: str,
    output: str,
    truth: str | None,
    seed: int,
    new_ssrc: bool,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **given: Any,
) -> None:
    """Lose, delay, double and damage the packets of a capture, and tell what was done to which.

    It happens to all streams, or to those that --ssrc and the like select; every other frame stays
    as it is. The truth is written as JSON, a line a packet.
    """
    from rtpcap.errors import CaptureError
    from rtpcap.testing.impairing import Faults, Impairment
    from rtpcap.testing.impairing import impair as impaired

    check(form)
    told = {key: given.pop(key) for key in (*SHARES, *NUMBERS, *COUNTS)}
    told = {key: value for key, value in told.items() if value is not None}
    inside = {field.name for field in fields(Faults)}
    try:
        network = Impairment(
            new_ssrc=new_ssrc, **{key: told[key] for key in told if key not in inside}
        )
        faults = Faults(**{key: told[key] for key in told if key in inside})
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    inputs = Inputs([name], mapped, named, merge=True, most_unpacked=most_unpacked)
    selectors = Selectors(**given)
    rows = []
    code = Exit.DONE
    for capture in inputs.captures():
        streams = selectors.of(capture)
        if not len(streams):
            warn("no RTP stream matched")
            code = Exit.NO_STREAM
            continue
        try:
            done = impaired(capture, output, network, faults, seed=seed, streams=streams)
            done.write(truth or f"{output}.json")
        except OSError as error:
            raise click.UsageError(
                f"cannot write {error.filename or output}: {error.strerror}"
            ) from error
        except CaptureError as error:
            inputs.read -= 1
            inputs.fail(error)
            continue
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        rows.append(done.row())
    print_rows("impair", form, rows, files=False)
    click.get_current_context().exit(inputs.exit_code(code))
