"""A capture in words and small tables: what ``rtpcap FILE`` says to a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rtpcap.streams.counted import counted
from rtpcap.views.terminal import table
from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.streams.digits import Digits

__all__ = ["summary"]

MOST_STREAMS = 40
"""A summary lists no more; ``rtpcap streams`` lists all."""
MOST_CALLS = 20
"""The same of ``rtpcap calls``."""


def summary(captures: Iterable[Capture], width: int) -> Iterator[str]:
    """The lines about each capture, with an empty line between two."""
    for number, capture in enumerate(captures):
        if number:
            yield ""
        yield from _about(capture, width)


def _about(capture: Capture, width: int) -> Iterator[str]:
    calls, streams = capture.calls, capture.streams
    links = ", ".join(capture.link_types)
    yield from _folded(
        f"{capture.path}: {capture.format}, {links or 'no frames'}, "
        f"{counted(capture.frames, 'frame')}, {counted(capture.bytes, 'byte')}",
        width,
    )
    if capture.start_time is not None:
        seconds = "" if capture.duration_s is None else f", {capture.duration_s:.3f} s"
        yield f"{capture.start_time.replace('T', ' ').rstrip('Z')} UTC{seconds}"
    told = [call for call in calls if not call.guessed]
    guessed = " (guessed: without signalling)" if len(told) < len(calls) else ""
    if told and guessed:
        guessed = f" ({len(calls) - len(told)} guessed: without signalling)"
    digits = capture.told_keys
    yield from _folded(
        f"{counted(len(calls), 'call')}{guessed}, {counted(len(streams), 'RTP stream')}, "
        f"{counted(len(digits), 'key')} (events, INFO)",
        width,
    )
    if told:
        yield ""
        yield from table("calls", [call.row() for call in told[:MOST_CALLS]], width)
        if len(told) > MOST_CALLS:
            yield f"... and {counted(len(told) - MOST_CALLS, 'more call')}"
    if len(streams):
        yield ""
        shown = [stream.row() for stream in streams[:MOST_STREAMS]]
        yield from table("streams", shown, width)
        if len(streams) > MOST_STREAMS:
            yield f"... and {counted(len(streams) - MOST_STREAMS, 'more stream')}"
        for reason in dict.fromkeys(s.why_not for s in streams if s.why_not):
            count = sum(stream.why_not == reason for stream in streams)
            yield from _folded(f"no audio from {counted(count, 'stream')}: {reason}", width)
    if len(digits):
        yield ""
        yield from _folded(f"keys by events and INFO: {_dialled(digits)}", width)
    for heading, tally in (
        ("not understood", capture.not_understood),
        ("incomplete", capture.incomplete),
        ("other than UDP", capture.other),
    ):
        rows = tally.rows()
        if rows:
            yield ""
            yield f"{heading}:"
        for row in rows:
            text = f"{counted(int(row['count']), 'frame')}: {row['reason']}"
            yield from _folded(f"  {text}, first in frame {row['first_frame']}", width)


def _dialled(digits: Digits) -> str:
    """The keys of each stream, as they were pressed."""
    by_ssrc: dict[int | None, list[str]] = {}
    for digit in digits:
        key = digit.digit if len(digit.digit) == 1 else f"[{digit.digit}]"
        by_ssrc.setdefault(digit.ssrc, []).append(key)
    return ", ".join(
        "".join(keys) + (" (INFO)" if ssrc is None else f" (0x{ssrc:08x})")
        for ssrc, keys in by_ssrc.items()
    )


def _folded(text: str, width: int) -> Iterator[str]:
    indent = " " * (4 if text.startswith(" ") else 2)
    yield from wrap(visible(text), max(width, 20), subsequent_indent=indent, break_on_hyphens=False)
