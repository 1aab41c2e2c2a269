"""Tones of a call: ringing, busy, fax and modems, heard in the sound or told by RFC 4734 events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtpcap.streams.counted import counted
from rtpcap.streams.digits import Digit, Source
from rtpcap.streams.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

    from rtpcap.audio.call_tones import CallTone
    from rtpcap.audio.places import Places

__all__ = ["Tone", "Tones", "each_once", "heard_tones", "told_tones"]

WITHIN_S = 1.0
"""How far from each other the same tone may begin, told and heard: a gateway has to hear a tone for
a while before it can tell of it."""
NO_TONE = "flash"
"""The one event beside the keys that does not sound."""


@dataclass(frozen=True)
class Tone:
    """One tone of a call, with the keys of ``rtpcap tones``; times in seconds, `frame` 1-based."""

    tone: str
    """``dial ringback busy congestion unobtainable SIT``, or the name of RFC 4734: ``CNG ANS``."""
    start_s: float | None
    """From the first frame of the file."""
    duration_s: float
    """From its first burst to its last."""
    source: Source
    frame: int
    """Of the packet in which it begins."""
    ssrc: int
    frequencies: tuple[float, ...] = ()
    """Hz, nominal: together, or one after the other for ``SIT``; none where an event tells it."""
    level_dbov: float | None = None
    """While it sounds."""
    bursts: int | None = None
    places: tuple[str, ...] = ()
    """Countries whose tone of this name it may be."""
    also: tuple[str, ...] = ()
    """Other names that fit as well, elsewhere."""
    also_in: tuple[Source, ...] = ()
    """How else the same tone was sent."""

    @property
    def end_s(self) -> float | None:
        return None if self.start_s is None else self.start_s + self.duration_s

    def row(self) -> dict[str, object]:
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "tone": self.tone,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "source": self.source,
            "frame": self.frame,
            "frequencies": list(self.frequencies),
            "level_dbov": self.level_dbov,
            "bursts": self.bursts,
            "places": list(self.places),
            "also": list(self.also),
            "also_in": list(self.also_in),
        }


class Tones(Rows[Tone]):
    """Tones in order of their first frame."""

    def __init__(self, tones: Iterable[Tone]) -> None:
        super().__init__(sorted(tones, key=lambda tone: tone.frame))

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(tone.tone for tone in self))
        return f"<Tones {counted(len(self), 'tone')}{': ' if names else ''}{names}>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a tone."""
        from rtpcap.views.table import tones_frame

        return tones_frame(self)


def heard_tones(
    tones: Iterable[CallTone], places: Places, *, ssrc: int, start_ns: int
) -> list[Tone]:
    """Tones heard on a stream's line; `places` is what lies where on that line.

    `start_ns` is the time of the capture's first frame.
    """
    found = []
    for tone in tones:
        place = places.at(tone.start_s)
        if place is None:
            continue
        found.append(
            Tone(
                tone=tone.name,
                start_s=None if place.time_ns is None else (place.time_ns - start_ns) / 1e9,
                duration_s=tone.duration_s,
                source="inband",
                frame=place.frame,
                ssrc=ssrc,
                frequencies=tone.hertz,
                level_dbov=tone.level_dbov,
                bursts=tone.bursts,
                places=tone.places,
                also=tone.also,
            )
        )
    return found


def told_tones(digits: Iterable[Digit]) -> list[Tone]:
    """The tones among telephone events: those of RFC 4734."""
    return [
        Tone(
            tone=digit.digit,
            start_s=digit.start_s,
            duration_s=digit.duration_s or 0.0,
            source="rfc4733",
            frame=digit.frame,
            ssrc=digit.ssrc,
        )
        for digit in digits
        if digit.source == "rfc4733"
        and len(digit.digit) > 1
        and digit.digit != NO_TONE
        and digit.ssrc is not None
    ]


def each_once(told: Iterable[Tone], heard: Iterable[Tone]) -> list[Tone]:
    """Tones of one direction, those told and heard as one; in order of time.

    The event gives the figures, the sound what an event does not tell.
    """
    waiting: dict[str, list[Tone]] = defaultdict(list)
    for tone in sorted(heard, key=_start):
        waiting[tone.tone].append(tone)
    taken: dict[str, int] = defaultdict(int)
    out = []
    for event in sorted(told, key=_start):
        sounds = waiting[event.tone]
        at = _next(sounds, taken[event.tone], event)
        if at == len(sounds) or not _same(event, sounds[at]):
            taken[event.tone] = at
            out.append(event)
            continue
        sound = sounds.pop(at)
        taken[event.tone] = at
        out.append(
            Tone(
                tone=event.tone,
                start_s=event.start_s,
                duration_s=event.duration_s,
                source=event.source,
                frame=event.frame,
                ssrc=event.ssrc,
                frequencies=sound.frequencies,
                level_dbov=sound.level_dbov,
                bursts=sound.bursts,
                places=sound.places,
                also=sound.also,
                also_in=(sound.source,),
            )
        )
    out += [tone for sounds in waiting.values() for tone in sounds]
    return sorted(out, key=_start)


def _next(sounds: Sequence[Tone], at: int, event: Tone) -> int:
    """The first tone heard from `at` on that is not over long before the event."""
    while at < len(sounds) and not _same(event, sounds[at]) and _start(sounds[at]) < _start(event):
        at += 1
    return at


def _same(event: Tone, sound: Tone) -> bool:
    """Whether a tone begins as the event does, or goes on where it begins."""
    if event.start_s is None or sound.start_s is None:
        return False
    lasts = sound.start_s + sound.duration_s
    return sound.start_s - WITHIN_S <= event.start_s <= lasts + WITHIN_S


def _start(tone: Tone) -> float:
    return float("inf") if tone.start_s is None else tone.start_s
