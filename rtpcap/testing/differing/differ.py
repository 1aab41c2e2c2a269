"""Two captures in, what differs between them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rtpcap.streams.digits import Digit
from rtpcap.streams.directions import directions
from rtpcap.streams.stream import Stream
from rtpcap.testing.differing.compare import compare
from rtpcap.testing.differing.difference import Difference
from rtpcap.testing.differing.events import calls_of, digits_of
from rtpcap.testing.differing.match import match
from rtpcap.testing.differing.pairs import by_content, by_signs, sides_of
from rtpcap.testing.differing.side import Side
from rtpcap.testing.differing.stream import StreamDifference

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
    one = Side.of([*(a.streams if streams is None else streams)])
    other = Side.of([*b.streams])
    compared = compare(one, other, match(one, other))
    found = [*by_content(compared, audio)]
    # A stream of copies alone is of no pair, and yet not new: so it is not asked who has a pair.
    left, right = (
        [stream for number, stream in enumerate(side.streams) if number not in met]
        for side, met in zip((one, other), compared.met, strict=True)
    )
    calls = calls_of(a.calls, b.calls)
    found += by_signs(left, right, sides_of(calls), audio)
    found.sort(key=lambda pair: [0 if s is None else s.first_frame for s in (pair.a, pair.b)])
    left, right = _alone(left, found), _alone(right, found)
    names = _names(found, left, right, sides_of(calls))
    heard = {id(s) for pair in found if pair.sound is not None for s in (pair.a, pair.b)}
    digits = digits_of(_pressed(a, heard), _pressed(b, heard), names)
    if streams is not None:
        right = []
        wanted = {stream.index for stream in one.streams}
        calls = [p for p in calls if p.a is not None and wanted & {s.index for s in p.a.streams}]
        ssrcs = {stream.ssrc for stream in one.streams}
        digits = [digit for digit in digits if digit.ssrc in ssrcs]
    found += [StreamDifference(stream, None, "alone", packets_a=len(stream)) for stream in left]
    found += [StreamDifference(None, stream, "alone", packets_b=len(stream)) for stream in right]
    return Difference(a.path, b.path, found, digits, calls)


def _pressed(capture: Capture, heard: set[int]) -> list[Digit]:
    """The keys that packets tell; and of the streams `heard` those that are in the sound.

    Where payloads are the same, so are the keys in them.
    """
    return [
        digit
        for one in directions(capture.streams, capture.calls)
        for digit in one.keys(inband=any(id(stream) in heard for stream in one.streams))
    ]


def _names(
    found: Sequence[StreamDifference],
    left: Sequence[Stream],
    right: Sequence[Stream],
    sides: tuple[Mapping[int, str], Mapping[int, str]],
) -> dict[int, int]:
    """What the SSRCs of the second capture are in the first, for who pressed the keys.

    Streams that have no pair are the same person's where they are the same side of a call.
    """
    speaking = {sides[0][stream.index]: stream for stream in left if stream.index in sides[0]}
    names = {}
    for stream in right:
        one = speaking.get(sides[1].get(stream.index, ""))
        if one is not None:
            names[stream.ssrc] = one.ssrc
    for pair in reversed(found):
        if pair.a is not None and pair.b is not None:
            names[pair.b.ssrc] = pair.a.ssrc
    return names


def _alone(streams: Sequence[Stream], found: Sequence[StreamDifference]) -> list[Stream]:
    """The streams that are in none of the pairs."""
    taken = {id(stream) for pair in found for stream in (pair.a, pair.b)}
    return [stream for stream in streams if id(stream) not in taken]
