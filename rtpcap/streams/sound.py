"""Sound: what is heard in a stream, at the capture's time and in its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from rtpcap.audio.tones import GAP_S, MARGIN_S, Heard, listen
from rtpcap.audio.track import Track
from rtpcap.streams.digits import Digit
from rtpcap.streams.presses import inband
from rtpcap.streams.tones import Tone, heard_tones

__all__ = ["Sound"]


@dataclass(frozen=True, eq=False)
class Sound:
    """What listening to a stream's audio once, from end to end, tells."""

    heard: Heard
    """Times in seconds from the first sample of its line."""
    keys: tuple[Digit, ...]
    """The key presses of it, and its call tones: times from the first frame of the file."""
    tones: tuple[Tone, ...]

    @classmethod
    def of(cls, track: Track, *, ssrc: int, start_ns: int) -> Self:
        """Listen to a stream; `start_ns` is the time of the capture's first frame."""
        places = track.places
        heard = listen(track, track.limit, places.stretches(GAP_S, MARGIN_S))
        return cls(
            heard,
            tuple(inband(heard.keys, places, ssrc=ssrc, start_ns=start_ns)),
            tuple(heard_tones(heard.tones, places, ssrc=ssrc, start_ns=start_ns)),
        )
