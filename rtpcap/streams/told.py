"""What signalling tells of a call: who, how it went, when, and with which codecs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rtpcap.streams.matching import SIDES
from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    from rtpcap.signalling import Dialog, Moment
    from rtpcap.signalling.dialog import State
    from rtpcap.signalling.offers import Epoch, Side
    from rtpcap.streams.matching import Match
    from rtpcap.streams.steps import Step

__all__ = ["Agreed", "Hold", "Told"]


@dataclass(frozen=True)
class Agreed:
    """A codec that offer and answer put in force; seconds from the first frame of the file."""

    kind: str
    """``audio``, ``video``, ..."""
    codec: str
    """As in an rtpmap: ``PCMU/8000``; ``t38`` and the like as in the media line."""
    start_s: float | None
    end_s: float | None
    """When another took its place; None where the capture or the call ended with it."""

    def __str__(self) -> str:
        return f"{self.codec}@{_time(self.start_s)}"


@dataclass(frozen=True)
class Hold:
    """A stretch in which a side did not want to hear; seconds from the first frame of the file."""

    side: Side
    """Who put the other on hold."""
    start_s: float | None
    end_s: float | None
    """When it was over; None where the capture or the call ended with it."""

    def __str__(self) -> str:
        return f"{self.side}@{_time(self.start_s)}-{_time(self.end_s)}"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"


class Told:
    """A call as its signalling tells it; without signalling as its streams do."""

    def __init__(
        self,
        call_id: str,
        left: Sequence[Stream] = (),
        right: Sequence[Stream] = (),
        *,
        dialog: Dialog | None = None,
        matches: Sequence[Match] = (),
        start_ns: int | None = None,
    ) -> None:
        self.call_id = call_id
        """Its Call-ID; of several calls with one, ``#2`` and so on follow behind the first's."""
        self.left = list(left)
        self.right = list(right)
        self.dialog = dialog
        """What signalling tells; None without any."""
        self._matches = dict(zip((s.index for s in (*left, *right)), matches, strict=False))
        self._start_ns = start_ns
        for stream in self.streams:
            stream.belongs_to(call_id)

    @property
    def guessed(self) -> bool:
        """Whether it was made out from the streams alone, without signalling."""
        return self.dialog is None

    @property
    def streams(self) -> list[Stream]:
        """Both sides' streams, in order of first frame."""
        return sorted([*self.left, *self.right], key=lambda stream: stream.first_frame)

    # What signalling tells

    @property
    def caller(self) -> str | None:
        """The URI that called."""
        return None if self.dialog is None else self.dialog.caller

    @property
    def callee(self) -> str | None:
        """The URI that was called."""
        return None if self.dialog is None else self.dialog.callee

    @property
    def state(self) -> State | None:
        """How far it came: ``completed``, ``failed``, ``cancelled``, ``rejected``, ``ringing``,
        ``in-progress``."""
        return None if self.dialog is None else self.dialog.state

    @property
    def status(self) -> int | None:
        """That of the last final response to the INVITE."""
        return None if self.dialog is None else self.dialog.status

    @property
    def reason(self) -> str | None:
        """The words of that response, and why the call ended where somebody says so."""
        if self.dialog is None:
            return None
        return "; ".join(filter(None, (self.dialog.reason, self.dialog.cause))) or None

    @property
    def post_dial_delay_s(self) -> float | None:
        """From the INVITE to the first sign of life: ringing, progress, or a final response."""
        return None if self.dialog is None else self.dialog.post_dial_delay_s

    @property
    def ring_s(self) -> float | None:
        """From the first ringing to the answer, or to the end without one."""
        return None if self.dialog is None else self.dialog.ring_s

    @property
    def setup_s(self) -> float | None:
        """From the INVITE to the answer."""
        return None if self.dialog is None else self.dialog.setup_s

    @property
    def talk_s(self) -> float | None:
        """From the answer to the BYE."""
        return None if self.dialog is None else self.dialog.talk_s

    @property
    def hung_up(self) -> Side | None:
        """Who ended it."""
        return None if self.dialog is None else self.dialog.hung_up

    @property
    def first_frame(self) -> int:
        """The frame of its first message; without signalling of its first packet."""
        return self.streams[0].first_frame if self.dialog is None else self.dialog.first.frame

    @property
    def start_s(self) -> float | None:
        """When its first message came, without signalling its first packet.

        Seconds from the file's first frame.
        """
        return self.streams[0].start_s if self.dialog is None else self._s(self.dialog.first)

    @property
    def duration_s(self) -> float | None:
        """From its first message to the end of the call, or to the last message without one.

        Without signalling from the first packet of either side to the last.
        """
        if self.dialog is not None:
            return self.dialog.duration_s
        starts = [stream.start_ns for stream in self.streams if stream.start_ns is not None]
        ends = [stream.end_ns for stream in self.streams if stream.end_ns is not None]
        return (max(ends) - min(starts)) / 1e9 if starts and ends else None

    def _s(self, moment: Moment | None) -> float | None:
        if moment is None or moment.time_ns is None or self._start_ns is None:
            return None
        return (moment.time_ns - self._start_ns) / 1e9

    def _epochs(self) -> list[Epoch]:
        """What was agreed on where the call was seen first."""
        if self.dialog is None:
            return []
        return [e for e in self.dialog.epochs if e.answered is not None and e.leg == 0]

    @cached_property
    def codecs(self) -> list[Agreed]:
        """The codecs in force over time, by the answers; each until another takes its place."""
        found: list[Agreed] = []
        last: dict[int, int] = {}
        for epoch in self._epochs():
            begin = self._s(epoch.answered)
            for row, media in enumerate(epoch.answer):
                if media.rejected:
                    continue
                spoken = [fmt for fmt in media.formats.values() if fmt.is_media]
                names = [str(spoken[0])] if spoken else list(media.other_formats[:1])
                for codec in names:
                    before = last.get(row)
                    if before is not None and found[before].end_s is None:
                        if found[before].codec == codec:
                            continue
                        old = found[before]
                        found[before] = Agreed(old.kind, old.codec, old.start_s, begin)
                    last[row] = len(found)
                    found.append(Agreed(media.kind, codec, begin, None))
        return found

    @cached_property
    def holds(self) -> list[Hold]:
        """The stretches in which one side had put the other on hold."""
        found: list[Hold] = []
        held: dict[Side, float | None] = {}
        for epoch in self._epochs():
            at = self._s(epoch.answered)
            for side in SIDES:
                now = any(media.held for media in epoch.media(side))
                if now and side not in held:
                    held[side] = at
                elif not now and side in held:
                    found.append(Hold(side, held.pop(side), at))
        found += [Hold(side, since, None) for side, since in held.items()]
        return found

    @cached_property
    def steps(self) -> list[Step]:
        """What its signalling tells that happened, in order: INVITE, ringing, answer, hold, BYE."""
        from rtpcap.streams.steps import steps_of

        return [] if self.dialog is None else steps_of(self.dialog, self._s)

    def matched(self, stream: Stream) -> str | None:
        """Why a stream is taken for one of this call; None without signalling."""
        match = self._matches.get(stream.index)
        return None if match is None else match.reason

    @property
    def by_side(self) -> tuple[tuple[list[Stream], Side], ...]:
        """The streams of both sides, and who sent them."""
        return tuple(zip((self.left, self.right), SIDES, strict=True))
