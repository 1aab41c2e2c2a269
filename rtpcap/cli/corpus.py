"""The verb corpus: each packet a file, with what is expected of it, for parsers in any language."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import click

from rtpcap.cli.options import Exit, format_option, told_options, warn
from rtpcap.cli.output import check, print_rows

if TYPE_CHECKING:
    from rtpcap.rtp.payload_types import Format
    from rtpcap.testing.kinds import Kind
    from rtpcap.testing.packet import Packet

__all__ = ["corpus"]

KINDS = ("rtp", "rtcp", "sip", "sdp", "stun")
"""As `rtpcap.testing.kinds`, which is not loaded before it is needed."""
LIMIT = 10_000


@click.command(short_help="Write each packet as a file, with its fields as JSON.")
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder to write into.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="rtp",
    show_default=True,
    help="Which packets.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=LIMIT,
    show_default=True,
    metavar="N",
    help="At most so many packets.",
)
@click.option("--unique", is_flag=True, help="Only the first packet of each shape.")
@click.option("--index", is_flag=True, help="One index.jsonl in place of a JSON file a packet.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@told_options
@format_option
def corpus(
    names: tuple[str, ...],
    output: str,
    kind: str,
    limit: int,
    unique: bool,
    index: bool,
    force: bool,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    form: str,
) -> None:
    """Write each packet as a file, and beside it as JSON what is expected of a parser.

    NAME-FRAME.bin holds the bytes, NAME-FRAME.json where they are from, the fields that were read,
    and for what is no sound packet the fault. Bytes in the JSON are hexadecimal digits. Packets
    whose end the capture cut are left out.
    """
    from rtpcap.batch.inputs import expand
    from rtpcap.batch.names import Prefixes
    from rtpcap.testing.captured import NoPacket, packets
    from rtpcap.testing.corpus import CorpusError, write_corpus

    check(form)
    inputs = expand(names)
    failed = len(inputs.errors)
    for problem in inputs.errors:
        warn(str(problem))

    def tell(problem: Exception) -> None:
        nonlocal failed
        failed += 1
        warn(str(problem))

    prefixes = Prefixes()
    captures = set[str]()

    def prefix(packet: Packet) -> str:
        captures.add(packet.file)
        return prefixes.of(os.path.abspath(packet.file))

    def chosen() -> Iterator[Packet]:
        found = packets(
            inputs.files,
            kind=cast("Kind", kind),
            limit=limit + 1,
            unique=unique,
            pt_map=mapped,
            rtp=named,
            failed=tell,
        )
        for number, packet in enumerate(found):
            if number == limit:
                warn(f"there are more than {limit:,} packets: --limit takes more")
                return
            yield packet

    code = Exit.DONE
    try:
        done = write_corpus(chosen(), output, prefix, index=index, force=force)
    except NoPacket as problem:
        if failed < len(inputs.files) + len(inputs.errors):
            warn(str(problem))
            code = Exit.NO_STREAM
        done = None
    except CorpusError as problem:
        raise click.UsageError(str(problem)) from problem
    except OSError as problem:
        where = problem.filename or output
        raise click.UsageError(f"cannot write {where}: {problem.strerror}") from problem
    rows: list[dict[str, object]] = []
    if done is not None:
        row = {"output": output, "kind": kind, "captures": len(captures)}
        rows.append({**row, "packets": done.packets, "bytes": done.bytes})
    print_rows("corpus", form, rows, files=False)
    if failed:
        code = Exit.ALL_FAILED if done is None and code == Exit.DONE else Exit.SOME_FAILED
    click.get_current_context().exit(code)
