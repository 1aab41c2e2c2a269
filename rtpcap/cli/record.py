"""The verb record: what arrives at ports, to a capture file and WAV files."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtpcap.cli.options import Exit, format_option, told_options, warn
from rtpcap.cli.output import check, print_rows
from rtpcap.cli.replay import address

if TYPE_CHECKING:
    from rtpcap.capture.writers import Written
    from rtpcap.live.recorder import Recorder
    from rtpcap.rtp.payload_types import Format
    from rtpcap.streams.stream import Stream

__all__ = ["record"]

ANYWHERE = "0.0.0.0"


def _addresses(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> list[tuple[str, int]]:
    try:
        return [address(value, ANYWHERE) for value in values]
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


@click.command()
@click.option(
    "--listen",
    "addresses",
    multiple=True,
    required=True,
    callback=_addresses,
    metavar="[HOST:]PORT",
    help="Where to listen. Repeatable, as for the port of RTCP.",
)
@click.option("-o", "--output", required=True, metavar="OUT.pcap", help="The file to write.")
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="For how long. Left out: until Ctrl-C.",
)
@told_options
@format_option
def record(
    addresses: list[tuple[str, int]],
    output: str,
    duration_s: float | None,
    mapped: dict[int, Format],
    named: tuple[str, ...],
    form: str,
) -> None:
    """Receive RTP into a pcap, and a WAV of each stream beside it.

    Ends with Ctrl-C or after --duration, and leaves whole files.
    """
    from rtpcap.api import open as open_capture
    from rtpcap.capture.write import format_of
    from rtpcap.live.recorder import Recorder

    check(form)
    if format_of(output, "pcap") != "pcap" or not output.endswith(".pcap"):
        raise click.UsageError(f"{output!r} does not end with .pcap")
    seen: dict[str, None] = dict.fromkeys(named)
    with Recorder(addresses) as recorder, _ended_by_signals(recorder):
        told = " ".join(f"{host}:{port}" for host, port in recorder.addresses)
        warn(f"listening at {told}")
        _write(output, recorder, duration_s, seen)
    capture = open_capture(output, pt_map=mapped, rtp=seen, progress=False)
    names = _names(output, capture.streams)
    rows = [
        _decoded(output, wav, stream) for wav, stream in zip(names, capture.streams, strict=True)
    ]
    if not rows:
        warn("no RTP stream matched")
    print_rows("record", form, rows, files=False)
    click.get_current_context().exit(Exit.DONE if rows else Exit.NO_STREAM)


@contextmanager
def _ended_by_signals(recorder: Recorder) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the recording, whatever is being done, and nothing else."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, lambda *_: recorder.stop())
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _write(
    output: str, recorder: Recorder, duration_s: float | None, seen: dict[str, None]
) -> None:
    """Everything that arrives, to a pcap that gets its name when it is whole."""
    from rtpcap.capture.writers import RAW_IP, PcapWriter

    half = f"{output}.part"
    try:
        with open(half, "wb") as file:
            writer = PcapWriter(file, RAW_IP, nanoseconds=True)
            writer.write(_frames(recorder, duration_s, seen))
        os.replace(half, output)
    except OSError as error:
        raise OSError(f"cannot write {output}: {error.strerror}") from error
    finally:
        Path(half).unlink(missing_ok=True)


def _frames(
    recorder: Recorder, duration_s: float | None, seen: dict[str, None]
) -> Iterator[Written]:
    """Datagrams as frames; where they came to is noted, so that what came is taken for RTP."""
    from rtpcap.capture.tables import Flow
    from rtpcap.capture.writers import RAW_IP, InterfaceKey, Written, with_headers

    for number, came in enumerate(recorder.arrivals(duration_s), start=1):
        here = f"[{came.dst}]" if ":" in came.dst else came.dst
        seen[f"{here}:{came.dst_port}"] = None
        flow = Flow(came.src, came.src_port, came.dst, came.dst_port)
        frame, size = with_headers(came.data, len(came.data), flow)
        yield Written(number, came.time_ns, size, frame, InterfaceKey(0, RAW_IP), ())


def _names(output: str, streams: Sequence[Stream]) -> list[str]:
    """The WAV file of each stream; one that is alone has the name of the pcap."""
    stem = output.removesuffix(".pcap")
    if len(streams) == 1:
        return [f"{stem}.wav"]
    names: list[str] = []
    for stream in streams:
        name = f"{stem}-0x{stream.ssrc:08x}"
        again = sum(known.startswith(name) for known in names)
        names.append(f"{name}{f'-{again + 1}' if again else ''}.wav")
    return names


def _decoded(output: str, wav: str, stream: Stream) -> dict[str, object]:
    """Write a stream's WAV; gives its row."""
    if stream.decodable:
        stream.audio().save(wav)
    told = stream.row()
    keys = ("ssrc", "src", "src_port", "codec", "packets", "lost", "jitter_ms", "duration_s")
    return {
        "output": output,
        "wav": wav if stream.decodable else None,
        **{key: told[key] for key in keys},
        "why_not": told["why_not"],
    }
