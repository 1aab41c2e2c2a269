"""The verb make: a capture from sound and a string of digits."""

from __future__ import annotations

import click

from rtpcap.cli.options import format_option
from rtpcap.cli.output import check, print_rows
from rtpcap.cli.replay import address
from rtpcap.errors import RtpcapError

__all__ = ["make"]


def _end(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    try:
        return address(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


@click.command(short_help="Make a capture from a sound file and keys.")
@click.argument("sound", metavar="SOUND")
@click.option("-o", "--output", required=True, metavar="OUT", help="The pcap to write.")
@click.option(
    "--codec",
    default="PCMU",
    show_default=True,
    metavar="CODEC/RATE",
    help="What it is encoded with, as in SDP: PCMA, G722, opus, L16/16000 ...",
)
@click.option(
    "--packet-ms", type=int, default=20, show_default=True, help="Milliseconds in a packet."
)
@click.option("--digits", default="", metavar="KEYS", help="Keys that the caller presses: 123#.")
@click.option(
    "--digits-by",
    type=click.Choice(("rfc4733", "inband", "sip-info")),
    default="rfc4733",
    show_default=True,
    help="How they are sent: as telephone events, in the sound, or by SIP INFO.",
)
@click.option(
    "--digits-at", type=float, default=0.5, show_default=True, help="When, in seconds of sound."
)
@click.option("--sip/--no-sip", default=True, help="With the SIP of the call, or media alone.")
@click.option("--caller", callback=_end, metavar="HOST:PORT", help="Where the caller's media are.")
@click.option("--callee", callback=_end, metavar="HOST:PORT", help="Where the callee's are.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of SSRC and numbers.",
)
@format_option
def make(
    sound: str,
    output: str,
    codec: str,
    packet_ms: int,
    digits: str,
    digits_by: str,
    digits_at: float,
    sip: bool,
    caller: tuple[str, int] | None,
    callee: tuple[str, int] | None,
    seed: int,
    form: str,
) -> None:
    """Make a capture of a call in which SOUND is heard and keys are pressed.

    SOUND is a sound file: its first channel is what the caller says, a second one the callee. The
    same arguments make the same bytes.
    """
    from rtpcap.testing.making import call as made

    check(form)
    try:
        done = made.make(
            output,
            sound,
            codec=codec,
            packet_ms=packet_ms,
            digits=digits,
            digits_by=digits_by,  # type: ignore[arg-type]  # One of the choices.
            digits_at_s=digits_at,
            sip=sip,
            caller=caller or made.CALLER,
            callee=callee or made.CALLEE,
            seed=seed,
        )
    except OSError as error:
        raise click.UsageError(f"{error.filename or output}: {error.strerror}") from error
    except (RtpcapError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    print_rows("make", form, [done.row()], files=False)
