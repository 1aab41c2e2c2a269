"""Directions: the keys and tones that one party of a call sent, by whatever way and stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtpcap.streams.digits import Digit, Digits
from rtpcap.streams.presses import presses
from rtpcap.streams.tones import Tone, Tones, each_once, told_tones

if TYPE_CHECKING:
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["Direction", "directions", "keys_of", "tones_of"]


@dataclass(frozen=True, eq=False)
class Direction:
    """What one party sent: its streams, and its keys in INFO requests."""

    streams: tuple[Stream, ...]
    infos: tuple[Digit, ...] = ()

    def keys(self, *, inband: bool = True) -> list[Digit]:
        """The keys pressed, each once; without `inband` only those that packets tell."""
        sent = [*self.infos, *(digit for stream in self.streams for digit in stream.told_keys)]
        if inband:
            sent += [digit for stream in self.streams for digit in stream.inband_keys]
        return presses(sent)

    def tones(self) -> list[Tone]:
        """The tones, each once."""
        told = [digit for stream in self.streams for digit in stream.told_keys]
        heard = [tone for stream in self.streams for tone in stream.inband_tones]
        return each_once(told_tones(told), heard)


def directions(streams: Iterable[Stream], calls: Iterable[Call]) -> list[Direction]:
    """The directions of calls, as far as these streams make them; other streams stand alone.

    An INFO request belongs to the stream that its sender sent then, and is left out without it;
    where its sender sent none at all it counts.
    """
    meant = {stream.index: stream for stream in streams}
    found = []
    for call in calls:
        for side, name in call.by_side:
            mine = tuple(meant.pop(s.index) for s in side if s.index in meant)
            infos = tuple(digit for digit, of in call.infos(name) if of is None or of in mine)
            if mine or infos:
                found.append(Direction(mine, infos))
    return [*found, *(Direction((stream,)) for stream in meant.values())]


def keys_of(streams: Iterable[Stream], calls: Iterable[Call], *, inband: bool = True) -> Digits:
    """The keys pressed in streams and calls, one table."""
    every = directions(streams, calls)
    return Digits(digit for direction in every for digit in direction.keys(inband=inband))


def tones_of(streams: Iterable[Stream], calls: Iterable[Call]) -> Tones:
    """The tones in streams and calls, one table."""
    return Tones(tone for direction in directions(streams, calls) for tone in direction.tones())
