"""The verb decode: captures to WAV files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
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
    "-o", "--output", "folder", required=True, metavar="DIR", help="The folder for the WAV files."
)
@click.option("--split", is_flag=True, help="One file a stream, no stereo file for a call.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="How many processes. Left out: one for each processor, where there is much to do.",
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
    mapped: dict[int, Format],
    named: tuple[str, ...],
    most_unpacked: int | None,
    form: str,
    **chosen: Any,
) -> None:
    """Write WAV files, a call in stereo, one row a file.

    The two directions of a call go into one stereo file, the caller left, or who spoke first where
    there is no signalling; other streams into a mono file each. FILE may be a file, a folder or a
    quoted glob. Run again, it skips what is done and unchanged.
    """
    from tqdm import tqdm

    from rtpcap import batch
    from rtpcap.capture.held import MOST_UNPACKED

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
        most_unpacked or MOST_UNPACKED,
        selectors.call,
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
