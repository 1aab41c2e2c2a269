"""What is found in a capture, as rows of plain values: rounded, and without what is volatile.

Left out is what follows from other values, and text whose wording may change with rtpcap or with
the codecs that are installed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rtpcap.errors import CodecUnavailable
from rtpcap.testing.golden.sound import Print, prints

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.audio.line import Line
    from rtpcap.streams.stream import Stream

__all__ = ["FRAMES", "HEARD", "NAMES", "SECTIONS", "find"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STREAM = _words(
    "src src_port dst dst_port codec clock_rate payload_types packets expected lost duplicates "
    "captured_twice reordered jitter_ms jitter_max_ms jitter_last_ms first_frame last_frame "
    "start_s duration_s encrypted decodable call"
)
CALL = _words(
    "caller callee state status start_s setup_s duration_s guessed first_frame reason "
    "post_dial_delay_s ring_s talk_s hung_up caller_agent callee_agent codecs holds left right "
    "messages retransmissions"
)
GAP = _words("packets start_s duration_s frame_before frame_after")
DIGIT = _words("ssrc digit start_s duration_s source frame")
HEARD = "also_in"
"""What only listening tells of a key press: whether it is in the sound, too."""
SOUND = _words("rate samples sha256 level_dbov bands_dbov")
CAPTURE = _words("frames link_types start_time duration_s damage not_understood incomplete")
COUNTED = _words("count first_frame")

SECTIONS = ("capture", "calls", "streams", "gaps", "digits", "sound")
"""The parts of what is found, in the order in which they are written and compared."""
NAMES = frozenset({*STREAM, "formats", *CALL, *GAP, *DIGIT, HEARD, *SOUND, *CAPTURE, *COUNTED})
FRAMES = frozenset({"first_frame", "last_frame", "frame_before", "frame_after", "frame"})
"""The names of values that are numbers of frames."""

DECIMALS = {"s": 6, "ms": 3}
"""Unit -> the digits that are kept behind the point."""
EXACT = frozenset(
    [f"{packing}g726-{rate}" for packing in ("", "aal2-") for rate in (16, 24, 32, 40)]
    + ["pcmu", "pcma", "l8", "l16", "l20", "l24", "dvi4", "g722", "gsm"]
)
"""Codecs whose decoders have to agree in every bit: their standards leave nothing open."""

Row = dict[str, Any]


def find(
    capture: Capture,
    sections: Iterable[str] = SECTIONS,
    steps_s: Mapping[str, float] | None = None,
    *,
    listen: bool = True,
) -> dict[str, Any]:
    """The sections of what is found in a capture, by name.

    `steps_s` says over what time levels are taken, by the key of a sound; else their length does.
    With `listen` the key presses are also those in the sound, which has to be decoded for them.
    """
    # The streams get the ids of their calls with these.
    _ = capture.calls
    names = _named(capture.streams)
    makers: dict[str, Callable[[], object]] = {
        "capture": lambda: _capture(capture),
        "calls": lambda: {
            call.call_id: _rounded(_only(call.row(), CALL)) for call in capture.calls
        },
        "streams": lambda: {name: _stream(stream) for name, stream in names.items()},
        "gaps": lambda: _gaps(names),
        "digits": lambda: _digits(capture, listen),
        "sound": lambda: _sound(capture, names, steps_s or {}),
    }
    return {name: makers[name]() for name in SECTIONS if name in sections}


def _only(row: Mapping[str, object], names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _rounded(row: Row) -> Row:
    """The row with its fractions cut to what means something."""
    return {
        name: round(value, DECIMALS[name.rpartition("_")[2]]) if isinstance(value, float) else value
        for name, value in row.items()
    }


def _named(streams: Iterable[Stream]) -> dict[str, Stream]:
    """The streams by SSRC; of several with one, ``#2`` and so on follow behind the first's."""
    seen: Counter[int] = Counter()
    named = {}
    for stream in streams:
        seen[stream.ssrc] += 1
        named[_numbered(f"0x{stream.ssrc:08x}", seen[stream.ssrc])] = stream
    return named


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}#{number}"


def _capture(capture: Capture) -> Row:
    # Of several files one is named: wherever it lies.
    damage = [replace(d, file=d.file and os.path.basename(d.file)) for d in capture.damage]
    row = {**capture.row(), "frames": capture.frames, "damage": [str(each) for each in damage]}
    row["not_understood"] = _counted(capture.not_understood.rows())
    row["incomplete"] = _counted(capture.incomplete.rows())
    return _rounded(_only(row, CAPTURE))


def _counted(rows: Iterable[Mapping[str, object]]) -> dict[str, Row]:
    return {str(row["reason"]): _only(row, COUNTED) for row in rows}


def _stream(stream: Stream) -> Row:
    formats = {number: str(fmt) for number, fmt in sorted(stream.formats.items())}
    used = [f"{number}={formats[number]}" for number in stream.payload_types if number in formats]
    return _rounded({**_only(stream.row(), STREAM), "formats": used})


def _gaps(names: Mapping[str, Stream]) -> dict[str, Row]:
    """The gaps by what they are: ``0x343ffa34/lost/4711``, numbered where that came again."""
    found = {}
    seen: Counter[str] = Counter()
    for name, stream in names.items():
        for gap in stream.gaps:
            key = f"{name}/{gap.reason}/{gap.first_sequence}"
            seen[key] += 1
            found[_numbered(key, seen[key])] = _rounded(_only(gap.row(), GAP))
    return found


def _digits(capture: Capture, listen: bool) -> list[Row]:
    if not listen:
        return [_rounded(_only(digit.row(), DIGIT)) for digit in capture.told_keys]
    return [_rounded(_only(digit.row(), (*DIGIT, HEARD))) for digit in capture.dtmf]


def _sound(
    capture: Capture, names: Mapping[str, Stream], steps_s: Mapping[str, float]
) -> dict[str, Row]:
    """Fingerprints of all streams that can be heard, and of both sides of calls."""
    found: dict[str, Row] = {}

    def put(keys: list[str], made: list[Print]) -> None:
        for key, each in zip(keys, made, strict=True):
            found[key] = each.row(steps_s.get(key))

    for name, stream in names.items():
        try:
            line: Line = stream.track()
        except CodecUnavailable:
            continue
        made = prints(line, exact=_exact(stream))
        capture.release()
        put([name if k == 0 else f"{name}/{k + 1}" for k in range(len(made))], made)
    for call in capture.calls:
        try:
            lines = call.lines()
        except CodecUnavailable:
            continue
        for side, line in zip(("left", "right"), lines, strict=True):
            put([f"{call.call_id}/{side}"], prints(line, exact=False, bands=False))
    return found


def _exact(stream: Stream) -> bool:
    """Whether every decoder of it has to give the same samples."""
    media = [stream.formats[n] for n in stream.payload_types if n in stream.formats]
    media = [fmt for fmt in media if fmt.is_media and not fmt.is_redundant]
    # Several clocks are heard at one rate: what converts the others is free to choose.
    return {fmt.name.lower() for fmt in media} <= EXACT and len({f.clock_rate for f in media}) == 1
