"""The verb decode: captures to sound files, or to files of frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from rtpcap.audio.rendering import CLOCKS, FILLS, HIGHEST_HZ, LOWEST_HZ, MOST_BUFFER_MS, Clock, Fill
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

__all__ = ["decode"]

WORTH_PROCESSES = 64 << 20
"""Bytes of captures below which starting processes takes longer than they save."""


def _jobs(asked: int | None, files: list[str]) -> int:
    """How many processes: what was asked for, otherwise as the captures and the machine have it."""
    if asked is not None:
        return asked
    sizes = sum(os.path.getsize(file) for file in files if os.path.isfile(file))
    return (os.cpu_count() or 1) if sizes >= WORTH_PROCESSES else 1


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR", help="The folder for the files."
)
@click.option("--split", is_flag=True, help="One file a stream, no stereo file for a call.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="How many processes. Left out: one for each processor, where there is much to do.",
)
@click.option(
    "--to",
    type=click.Choice(("wav", "flac", "opus")),
    default="wav",
    show_default=True,
    help="The files' format.",
)
@click.option(
    "--raw", is_flag=True, help="The frames as they were sent, not decoded, one file a stream."
)
@click.option(
    "--rate",
    type=click.IntRange(LOWEST_HZ, HIGHEST_HZ),
    metavar="HZ",
    help="Samples a second. Left out: the highest of the codecs of a file.",
)
@click.option(
    "--fill",
    type=click.Choice(FILLS),
    default="silence",
    show_default=True,
    help="What stands where nothing came: noise where the sender described its silence; conceal "
    "also goes on with the sound where packets were lost.",
)
@click.option(
    "--clock",
    type=click.Choice(CLOCKS),
    default="capture",
    show_default=True,
    help="Lay the sides of a call by arrival, or by what the senders' RTCP reports say.",
)
@click.option(
    "--buffer",
    "buffer_ms",
    type=click.FloatRange(0, MOST_BUFFER_MS),
    metavar="MS",
    help="Leave out what comes too late for a receiver with this buffer. Left out: use all.",
)
@click.option(
    "--no-delay-compensation",
    is_flag=True,
    help="Leave what codecs look ahead in front of the audio.",
)
@click.option(
    "--sidecar", is_flag=True, help="Beside each file, what each moment is made from, as JSON."
)
@selector_options
@told_options
@unpack_option
@format_option
def decode(
    names: tuple[str, ...],
    folder: str,
    split: bool,
    jobs: int | None,
    to: str,
    raw: bool,
    rate: int | None,
    fill: Fill,
    clock: Clock,
    buffer_ms: float | None,
    no_delay_compensation: bool,
    sidecar: bool,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Write sound files, a call in stereo, one row a file.

    The two directions of a call go into one stereo file, the caller left, or who spoke first where
    there is no signalling; other streams into a mono file each. FILE may be a file, a folder or a
    quoted glob. Run again, it skips what is done and unchanged.
    """
    from tqdm import tqdm

    from rtpcap import batch
    from rtpcap.capture.files.held import MOST_UNPACKED

    check(form)
    inputs, selectors = Inputs(names), Selectors(**chosen)
    options = batch.DecodeOptions(
        split,
        {number: str(told) for number, told in mapped.items()},
        named,
        selectors.ssrc,
        selectors.src,
        selectors.dst,
        selectors.payload_type,
        fill=fill,
        rate=rate,
        buffer_ms=buffer_ms,
        compensate_delay=not no_delay_compensation,
        clock=clock,
        to=to,
        raw=raw,
        sidecar=sidecar and not raw,
        most_unpacked=most_unpacked or MOST_UNPACKED,
        call=selectors.call,
    )
    try:
        results = batch.decode(inputs.files, folder, options, jobs=_jobs(jobs, inputs.files))
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error.strerror}") from error
    written = silent = skipped = 0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal written, silent, skipped
        # Shown on a terminal only.
        bar = tqdm(total=len(inputs.files), unit="capture", file=sys.stderr, disable=None)
        with bar:
            for result in results:
                bar.update()
                if result.value is None:
                    with tqdm.external_write_mode(sys.stderr):
                        inputs.fail(_explained(result.input, result.error))
                    continue
                inputs.read += 1
                skipped += result.value.skipped
                for damage in result.value.damage:
                    with tqdm.external_write_mode(sys.stderr):
                        inputs.damaged(result.input, damage)
                for row in result.value.rows:
                    silent += row["output"] is None
                    written += row["output"] is not None
                    yield row

    # On a terminal the bar and the rows would run into each other.
    done = list(rows()) if sys.stderr.isatty() else rows()
    print_rows("decode", form, done, files=False)
    if skipped:
        warn(f"{skipped} of {len(inputs.files)} captures done before and unchanged")
    code = Exit.DONE
    if inputs.read and not written:
        warn("no selected stream has a codec here" if silent else "no RTP stream matched")
        code = Exit.NO_CODEC if silent else Exit.NO_STREAM
    click.get_current_context().exit(inputs.exit_code(code))


def _explained(file: str, error: Exception | None) -> Exception:
    """The error with the file's name, as the user wrote it, in front."""
    text = (str(error) or type(error).__name__).replace(os.path.abspath(file), file)
    return RuntimeError(text if text.startswith(file) else f"{file}: {text}")
