"""Two captures in, what differs between them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rtpcap.streams.stream import Stream
from rtpcap.testing.diff.compare import compare
from rtpcap.testing.diff.difference import Difference
from rtpcap.testing.diff.events import calls_of, digits_of
from rtpcap.testing.diff.match import match
from rtpcap.testing.diff.pairs import by_content, by_signs, sides_of
from rtpcap.testing.diff.side import Side
from rtpcap.testing.diff.stream import StreamDifference

if TYPE_CHECKING:
    from rtpcap.api import Capture

__all__ = ["diff"]


def diff(
    a: Capture, b: Capture, *, streams: Iterable[Stream] | None = None, audio: bool = True
) -> Difference:
    """What of the capture `a` is not, or is otherwise, in `b`: before and after, sent and received.

    Packets are matched by their content and their numbers, whichever of SSRC, sequence numbers and
    timestamps were rewritten in between. Streams whose payloads are not the same are compared as
    audio, unless `audio` is False; so are those without a packet in common that are the same side
    of a call, or run between the same addresses, or sound alike. With `streams` these streams of
    `a` are looked for, with their key presses and calls, and what else `b` has does not matter.
    """
    left = [*(a.streams if streams is None else streams)]
    right = [*b.streams]
    calls = calls_of(a.calls, b.calls)
    one, other = Side.of(left), Side.of(right)
    found = [*by_content(compare(one, other, match(one, other)), audio)]
    found += by_signs(_alone(left, found, 0), _alone(right, found, 1), sides_of(calls), audio)
    found.sort(key=lambda pair: [0 if s is None else s.first_frame for s in (pair.a, pair.b)])
    names = {p.b.ssrc: p.a.ssrc for p in reversed(found) if p.a is not None and p.b is not None}
    digits = digits_of(a.dtmf, b.dtmf, names)
    added = _alone(right, found, 1)
    for stream in _alone(left, found, 0):
        found.append(StreamDifference(stream, None, "alone", packets_a=len(stream)))
    if streams is not None:
        wanted = {stream.index for stream in left}
        calls = [p for p in calls if p.a is not None and wanted & {s.index for s in p.a.streams}]
        digits = [p for p in digits if p.ssrc in {stream.ssrc for stream in left}]
    else:
        found += [StreamDifference(None, s, "alone", packets_b=len(s)) for s in added]
    return Difference(a.path, b.path, found, digits, calls)


def _alone(streams: Sequence[Stream], found: Sequence[StreamDifference], side: int) -> list[Stream]:
    """The streams that are in none of the pairs."""
    taken = {stream.index for pair in found if (stream := (pair.a, pair.b)[side]) is not None}
    return [stream for stream in streams if stream.index not in taken]
