"""``rtpcap``: the verbs, each loaded when it is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from rtpcap.errors import RtpcapError
from rtpcap.version import __version__

__all__ = ["cli", "main"]

# Verb -> the module of this folder that has it.
VERBS = {
    "info": "show",
    "calls": "calls",
    "sip": "calls",
    "streams": "show",
    "packets": "show",
    "gaps": "show",
    "dtmf": "show",
    "tones": "show",
    "levels": "show",
    "decode": "decode",
    "plot": "plot",
    "quality": "figures",
    "ledger": "figures",
    "check": "check",
    "rtcp": "rtcp",
    "explain": "explain",
    "export": "export",
    "corpus": "corpus",
    "replay": "replay",
    "record": "record",
    "make": "make",
    "impair": "impair",
    "diff": "diff",
    "expect": "golden",
    "verify": "golden",
}

FAILED = 4
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


class Verbs(click.Group):
    """The verbs; what is none of them is a file for ``info``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = import_module(f"rtpcap.cli.{VERBS[name]}")
        command: click.Command = getattr(module, name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        own = {name for option in self.get_params(ctx) for name in option.opts}
        first = args[0]
        if first not in own and first not in VERBS:
            import difflib

            near = difflib.get_close_matches(first, VERBS, n=1, cutoff=0.75)
            if near and not os.path.lexists(first):
                raise click.UsageError(f"no verb {first!r}: did you mean {near[0]!r}?", ctx)
            args = ["info", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # Who read has seen enough. The interpreter will flush once more: into nothing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            click.echo("rtpcap: interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's; but an error is one line."""
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            where = f"{context.command_path}: " if context is not None else "rtpcap: "
            click.echo(where + error.format_message().replace("\n", " "), err=True)
            code = error.exit_code
        except (RtpcapError, OSError) as error:
            # Such as a full disk: what cannot be laid at the door of one input.
            click.echo(f"rtpcap: {error}", err=True)
            code = FAILED
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A file that has the name of a verb is given as ./info.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """RTP voice captures: streams, gaps, digits and audio from pcap and pcapng files.

    `rtpcap FILE` is a summary of a capture. FILE may be a file, a folder, a quoted glob, `-` for
    standard input, or a URL; gzip, zstd, lz4, xz and bzip2 are unpacked.

    Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 no RTP stream matched or
    a --fail-if tripped, 2 wrong usage, 3 no input could be read, 4 some inputs failed, 5 no
    selected stream has a codec here.
    """


def main() -> None:
    """The entry point of the command ``rtpcap``."""
    # numpy's linear algebra, which hardly anything here uses, would start a thread for each core
    # when it is imported: a third of the time that a small capture takes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cli(prog_name="rtpcap")
