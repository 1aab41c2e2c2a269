"""A call as its signalling tells it: who, when, how it ended, and what was agreed on."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rtpcap.rtp.visible import visible
from rtpcap.signalling.arrival import Moment, between_s
from rtpcap.signalling.offers import Epoch, Side
from rtpcap.signalling.pressed import KeyPress
from rtpcap.signalling.transfers import Transfer

__all__ = ["CHALLENGES", "REFUSALS", "Dialog", "State"]

State = Literal["completed", "failed", "cancelled", "rejected", "ringing", "in-progress"]

CHALLENGES = frozenset((401, 407))
"""A password is asked for: the same call goes on with the next INVITE."""
REFUSALS = frozenset((486, 600, 603, 607, 608))
"""Busy and declined: somebody or something at the called side said no (RFC 3261 section 21)."""
REQUEST_TERMINATED = 487


@dataclass(frozen=True, slots=True)
class Dialog:
    """One call attempt with all its forks and hops; made by `Dialogs`.

    Times are `Moment`s, None where the capture does not hold that message.
    """

    call_id: str
    caller: str
    """The From URI of the INVITE."""
    callee: str
    """The To URI of the INVITE."""
    caller_display: str
    callee_display: str
    asserted: str
    """The URI that the network vouches for as the caller's (RFC 3325); ``""`` without one."""
    caller_agent: str
    callee_agent: str
    state: State
    status: int | None
    """That of the last final response to the INVITE; None without one."""
    reason: str
    """Its reason phrase."""
    cause: str
    """The Reason header of what ended the call (RFC 3326), as ``Q.850;cause=16``."""
    first: Moment
    """The first message of the call in the capture."""
    last: Moment
    invited: Moment | None
    progressed: Moment | None
    """The first 180 to 183."""
    answered: Moment | None
    ended: Moment | None
    """The BYE, or the final response that refused the call."""
    hung_up: Side | None
    """Who sent the BYE or the CANCEL."""
    messages: int
    retransmissions: int
    attempts: int
    """INVITEs that began it: more than one where a password was asked for or it was redirected."""
    frames: array[int]
    """The frames of all its messages, 1-based, in order, retransmissions included."""
    epochs: tuple[Epoch, ...]
    """What was offered and answered, in order of the offers."""
    held: bool
    """Whether a side was put on hold during the call."""
    keys: tuple[KeyPress, ...] = ()
    """Keys pressed by INFO."""
    transfers: tuple[Transfer, ...] = ()
    replaces: str = ""
    """The Call-ID of the call that this one takes the place of (RFC 3891)."""
    referred_by: str = ""
    """The URI that asked the caller to make this call (RFC 3892)."""
    successors: tuple[str, ...] = ()
    """The Call-IDs of calls that a transfer of this one led to."""
    hosts: tuple[str, ...] = ()
    """The addresses that its messages went between, in order of appearance."""
    invited_between: tuple[str, str] | None = None
    """From which address to which the first INVITE went; None where it was not captured."""
    connections: tuple[tuple[str, int, str, int], ...] = ()
    """From where to where its messages went that came over TCP."""

    @property
    def start_ns(self) -> int | None:
        return self.first.time_ns

    @property
    def post_dial_delay_s(self) -> float | None:
        """From the INVITE to the first 180 to 183, or to the final response without one."""
        return between_s(self.invited, self.progressed or self.answered or self._final)

    @property
    def ring_s(self) -> float | None:
        """From the first 180 to 183 to the answer, or to the end without one."""
        return between_s(self.progressed, self.answered or self._final)

    @property
    def setup_s(self) -> float | None:
        """From the INVITE to the answer."""
        return between_s(self.invited, self.answered)

    @property
    def talk_s(self) -> float | None:
        """From the answer to the BYE."""
        return between_s(self.answered, self.ended)

    @property
    def duration_s(self) -> float | None:
        """From the first message to the end, or to the last message where none was seen."""
        return between_s(self.first, self.ended or self.last)

    @property
    def _final(self) -> Moment | None:
        return self.ended if self.status is not None else None

    def crypto(self) -> Iterator[tuple[Epoch, Side, int, str]]:
        """Every ``a=crypto`` line: (epoch, whose, media index, value).

        The key of a line protects what that side *sends* (RFC 4568 section 6.1).
        """
        for epoch in self.epochs:
            for side in SIDES:
                for index, media in enumerate(epoch.media(side)):
                    for line in media.crypto:
                        yield epoch, side, index, line

    def __repr__(self) -> str:
        return visible(f"<Dialog {self.call_id} {self.caller} > {self.callee}, {self.state}>")


SIDES: tuple[Side, Side] = ("caller", "callee")
