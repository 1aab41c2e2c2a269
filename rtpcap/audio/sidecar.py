"""Sidecar: what each moment of a file is made from, and why, as JSON beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rtpcap.audio.files import Stretches, Written
from rtpcap.audio.holes import Cause, Holes
from rtpcap.audio.track import Track
from rtpcap.codecs.decoder import Heard

__all__ = ["ENDING", "Told", "write_sidecar"]

ENDING = ".json"


@dataclass(frozen=True, eq=False)
class Told:
    """A line of the file: the streams it is made of, and their tracks."""

    ssrc: Sequence[str]
    tracks: Sequence[Track]


def write_sidecar(
    path: str | os.PathLike[str], name: str, written: Written, lines: Sequence[Told]
) -> None:
    """Write what a file is made from: an object with its lines, each a list of intervals.

    An interval has ``start_s`` and ``end_s`` from the beginning of the file, ``heard`` (a `Heard`),
    and ``reason`` (a `Cause`): why it was not received. Raises OSError where it cannot be written.
    """
    folder, last = os.path.split(os.fsencode(path))
    part = os.path.join(folder, b".%b.%d.part" % (last, os.getpid()))
    try:
        with open(part, "w", encoding="utf-8") as out:
            head = {"file": name, "rate": written.rate, "duration_s": written.duration_s}
            out.write(json.dumps(head)[:-1] + ', "lines": [')
            for i, (line, stretches) in enumerate(zip(lines, written.stretches, strict=True)):
                out.write(",\n" * bool(i) + f' {{"ssrc": {json.dumps(list(line.ssrc))}, ')
                out.write('"intervals": [')
                for j, interval in enumerate(_intervals(line, stretches, written.rate)):
                    out.write("," * bool(j) + "\n  " + json.dumps(interval))
                out.write("]}")
            out.write("]}\n")
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _intervals(line: Told, stretches: Stretches, rate: int) -> Iterator[dict[str, object]]:
    holes = [(track.holes, track.rate) for track in line.tracks]
    begins = stretches.begin.tolist()
    ends = [*begins[1:], stretches.length]
    for begin, end, code in zip(begins, ends, stretches.heard.tolist(), strict=True):
        heard = Heard(code)
        reason = _reason(heard, (begin + end) // 2, rate, holes)
        yield {
            "start_s": begin / rate,
            "end_s": end / rate,
            "heard": heard.name.lower(),
            "reason": reason.label or None,
        }


def _reason(heard: Heard, place: int, rate: int, holes: list[tuple[Holes, int]]) -> Cause:
    if heard is Heard.RECEIVED:
        return Cause.NONE
    if heard is Heard.REPAIRED:
        return Cause.LOST
    found = [each.cause_at(place * own // rate) for each, own in holes]
    # Of streams that take turns, the one that is there tells.
    cause = next((cause for cause in found if cause is not Cause.EDGE), Cause.EDGE)
    if cause is Cause.DAMAGED and heard is not Heard.SILENCE:
        # A packet that says that there is nothing to say.
        return Cause.PAUSE
    return cause
