"""Call: one conversation, as its signalling tells it or as its streams let guess."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rtpcap.audio.rendering import AS_RECEIVED, Clock, Fill, Rendering
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.visible import visible
from rtpcap.streams.counted import counted
from rtpcap.streams.digits import Digit, Digits
from rtpcap.streams.directions import keys_of, tones_of
from rtpcap.streams.matching import SIDES
from rtpcap.streams.rows import Rows
from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rtpcap.audio.audio import Audio
    from rtpcap.audio.line import Line
    from rtpcap.audio.one_way import OneWay
    from rtpcap.audio.track import Track
    from rtpcap.signalling.offers import Side
    from rtpcap.streams.findings.finding import Finding
    from rtpcap.streams.sides import CallEcho
    from rtpcap.streams.tones import Tones
    from rtpcap.views.plot.sheet import CallKind

from rtpcap.streams.told import Agreed, Hold, Told

__all__ = ["Agreed", "Call", "Calls", "Hold"]

SECOND_NS = 1_000_000_000
REANCHOR_S = 0.5
"""Drift from the capture's clock at which a side of a call is laid anew, at a pause."""


class Call(Told):
    """The streams of one conversation: `left` those that the caller sent, `right` the callee's.

    Without signalling it is `guessed`: `left` are the streams of who spoke first, and what only
    signalling tells is None or empty. Made by `Capture.calls`: `matches` tell of each stream why it
    is one of the call, `start_ns` is the time of the capture's first frame.
    """

    # Keys and tones

    @cached_property
    def dtmf(self) -> Digits:
        """The keys pressed on both sides, by events, by INFO and in the sound, each once.

        Decodes its audio.
        """
        return keys_of(self.streams, [self], start_ns=self._start_ns)

    @cached_property
    def told_keys(self) -> Digits:
        """The keys pressed by events and by INFO: nothing is decoded for them."""
        return keys_of(self.streams, [self], inband=False, start_ns=self._start_ns)

    @cached_property
    def tones(self) -> Tones:
        """The call tones of both sides, in the sound and by events. Decodes its audio."""
        return tones_of(self.streams, [self], start_ns=self._start_ns)

    def infos(self, who: Side) -> list[tuple[Digit, Stream | None]]:
        """The keys that a side pressed by INFO, each with the stream that it sent then."""
        side = dict(zip(SIDES, (self.left, self.right), strict=True))[who]
        found = []
        for key in self.dialog.keys if self.dialog is not None else ():
            if key.side != who:
                continue
            stream = _speaking(side, key.frame)
            at = None
            if key.time_ns is not None and self._start_ns is not None:
                at = (key.time_ns - self._start_ns) / 1e9
            digit = Digit(
                digit=key.digit,
                start_s=at,
                duration_s=None if key.duration_ms is None else key.duration_ms / 1e3,
                source="sip-info",
                frame=key.frame,
                ssrc=None if stream is None else stream.ssrc,
            )
            found.append((digit, stream))
        return found

    @cached_property
    def one_way(self) -> OneWay | None:
        """Which side (0: left, 1: right) is not heard while the other one is; None for a call that
        both hear, or neither. Decodes its audio."""
        from rtpcap.streams.sides import call_one_way

        return call_one_way(self)

    @cached_property
    def echo(self) -> CallEcho | None:
        """The voice that comes back from the other side; None without any. Decodes its audio."""
        from rtpcap.streams.sides import call_echo

        return call_echo(self)

    # Audio

    def _heard(self, side: list[Stream]) -> list[Stream]:
        """The streams of a side that can be heard, those of one hop where several carry it."""
        spoken = [stream for stream in side if stream.decodable]
        legs = {self._matches[s.index].leg for s in spoken if s.index in self._matches}
        if len(legs) < 2:
            return spoken
        first = min(legs)
        return [stream for stream in spoken if self._matches[stream.index].leg == first]

    def lines(self, rendering: Rendering = AS_RECEIVED) -> list[Line]:
        """The two sides on the capture's clock from one origin, left first, at the higher rate.

        Each side is laid anew at a pause when it has drifted `REANCHOR_S` from that clock. Raises
        CodecUnavailable where a side has no audio, or one is stereo.
        """
        return [mix for mix, _ in self.sides(rendering)]

    def sides(self, rendering: Rendering = AS_RECEIVED) -> list[tuple[Line, list[Track]]]:
        """The lines of `lines`, each with the tracks that it is made of: one of each `heard`."""
        # Not at the top: who asks for figures alone loads nothing that lays audio.
        from rtpcap.audio.layers import Mix, at_rate

        origin = min((s.start_ns for s in self.streams if s.start_ns is not None), default=None)
        sides = self._laid(origin, rendering)
        if any(track.channels != 1 for side in sides for track in side):
            raise CodecUnavailable("a side is stereo: decode them as single streams")
        # A packet that was overtaken by the very first one belongs before it.
        early = min(track.begin * SECOND_NS // track.rate for side in sides for track in side)
        if early < 0 and origin is not None:
            sides = self._laid(origin + early, rendering)
        rate = max(track.rate for side in sides for track in side)
        return [(Mix([at_rate(track, rate) for track in side]), side) for side in sides]

    def _laid(self, origin_ns: int | None, rendering: Rendering) -> list[list[Track]]:
        def laid(side: list[Stream], heard: list[Stream]) -> list[Track]:
            if not heard:
                why = side[0].why_not if side else "one side of the call sent no stream"
                raise CodecUnavailable(why)
            return [
                stream.track(origin_ns=origin_ns, reanchor_s=REANCHOR_S, rendering=rendering)
                for stream in heard
            ]

        sides = zip((self.left, self.right), self.heard(), strict=True)
        return [laid(side, heard) for side, heard in sides]

    def heard(self) -> tuple[list[Stream], list[Stream]]:
        """The streams that `lines` has, left and right."""
        return self._heard(self.left), self._heard(self.right)

    def audio(
        self,
        *,
        fill: Fill = "silence",
        rate: int | None = None,
        buffer_ms: float | None = None,
        compensate_delay: bool = True,
        clock: Clock = "capture",
    ) -> Audio:
        """Both sides in one: stereo, the caller left. Raises as `lines` does.

        `fill`, `rate`, `buffer_ms`, `compensate_delay` and `clock` are as for `Stream.audio`.
        """
        from rtpcap.audio.audio import Audio

        rendering = Rendering(fill, rate, buffer_ms, compensate_delay, clock)
        return Audio.from_lines(self.lines(rendering), sides=self._sides())

    def _sides(self) -> tuple[str, str]:
        """Who is heard left and who right."""
        if self.dialog is not None:
            return f"caller {self.caller}", f"callee {self.callee}"
        left, right = ((side or self.streams)[0] for side in (self.left, self.right))
        return f"{left.src}:{left.src_port}", f"{right.src}:{right.src_port}"

    def __getitem__(self, seconds: slice) -> Call:
        """The part of it between two times, as ``call[10:20]``: a call with its streams cut.

        Seconds are as in `Stream.__getitem__`, negative ones from the last packet of all its
        streams. Streams that sent nothing then are left out; what signalling tells stays as it is.
        Raises ValueError where nobody sent anything then.
        """
        from rtpcap.streams.cut import between

        starts = [stream.start_ns for stream in self.streams if stream.start_ns is not None]
        ends = [stream.end_ns for stream in self.streams if stream.end_ns is not None]
        origin = starts[0] - round((self.streams[0].start_s or 0.0) * 1e9) if starts else 0
        begin, end = between(seconds, origin, min(starts, default=None), max(ends, default=None))
        sides = [
            [part for stream in side if (part := stream.between_ns(begin, end)) is not None]
            for side in (self.left, self.right)
        ]
        if not any(sides):
            raise ValueError(f"nobody sent anything in [{seconds.start}:{seconds.stop}] seconds")
        return Call(
            self.call_id,
            sides[0],
            sides[1],
            dialog=self.dialog,
            matches=[
                self._matches[stream.index]
                for side in sides
                for stream in side
                if stream.index in self._matches
            ],
            start_ns=self._start_ns,
        )

    def row(self) -> dict[str, object]:
        """The call with the keys of ``rtpcap calls``; what only signalling tells is None."""
        dialog = self.dialog
        reasons = dict.fromkeys(match.reason for match in self._matches.values())
        return {
            "call_id": self.call_id,
            "caller": self.caller,
            "callee": self.callee,
            "state": self.state,
            "status": self.status,
            "start_s": self.start_s,
            "setup_s": self.setup_s,
            "duration_s": self.duration_s,
            "streams": [f"0x{stream.ssrc:08x}" for stream in self.streams],
            "guessed": self.guessed,
            "first_frame": self.first_frame,
            "reason": self.reason,
            "post_dial_delay_s": self.post_dial_delay_s,
            "ring_s": self.ring_s,
            "talk_s": self.talk_s,
            "hung_up": self.hung_up,
            "caller_agent": None if dialog is None else dialog.caller_agent or None,
            "callee_agent": None if dialog is None else dialog.callee_agent or None,
            "codecs": [str(agreed) for agreed in self.codecs],
            "holds": [str(hold) for hold in self.holds],
            "left": [f"0x{stream.ssrc:08x}" for stream in self.left],
            "right": [f"0x{stream.ssrc:08x}" for stream in self.right],
            "matched": list(reasons),
            "messages": 0 if dialog is None else dialog.messages,
            "retransmissions": 0 if dialog is None else dialog.retransmissions,
        }

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: CallKind = "call",
        findings: Iterable[Finding] = (),
        dark: bool = False,
    ) -> Axes:
        """Everything that is known of it, in lanes on one clock; returns the Axes around them.

        Of `findings`, those of a capture, the ones that concern it are marked. With a `kind` of
        ``waveform`` or ``spectrogram`` only its sound. It is drawn into `ax` where that is given,
        on dark paper with `dark`. See `rtpcap.plot`.
        """
        from rtpcap.views.plot.sheet import draw_of_call

        return draw_of_call(self, kind, ax, findings=findings, dark=dark)

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a stream, and whose `side` it is on: left or right."""
        from rtpcap.views.table import call_frame

        return call_frame(self)

    def __repr__(self) -> str:
        seconds = "" if self.duration_s is None else f", {self.duration_s:.1f} s"
        if self.dialog is None:
            first = self.streams[0]
            route = f"{first.src}:{first.src_port} <> {first.dst}:{first.dst_port}"
        else:
            route = visible(f"{self.caller} > {self.callee}, {self.state}")
        streams = counted(len(self.streams), "stream")
        return f"<Call {visible(self.call_id)} {route}, {streams}{seconds}>"

    def _repr_html_(self) -> str:
        from rtpcap.views.cards import call_html

        return call_html(self)


def _speaking(side: Sequence[Stream], frame: int) -> Stream | None:
    """A side's stream at a frame, the nearest where none runs then."""

    def away(stream: Stream) -> int:
        return max(stream.first_frame - frame, frame - stream.last_frame, 0)

    return min(side, key=away, default=None)


class Calls(Rows[Call]):
    """Calls in order of first frame."""

    def select(self, call_id: str) -> Calls:
        """The calls of a Call-ID, as it stands in the messages or as `Call.call_id` has it."""
        return Calls(
            (
                call
                for call in self
                if call.call_id == call_id
                or (call.dialog is not None and call.dialog.call_id == call_id)
            ),
            start_ns=self.start_ns,
        )

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a call."""
        from rtpcap.views.table import calls_frame

        return calls_frame(self)

    def _repr_html_(self) -> str:
        from rtpcap.views.cards import calls_html

        return calls_html(self, repr(self)[1:-1])

    def __repr__(self) -> str:
        guessed = sum(call.guessed for call in self)
        return f"<Calls {counted(len(self), 'call')}, {guessed} of them guessed>"
