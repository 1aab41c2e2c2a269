"""How a call goes: from the INVITE over ringing to the answer or refusal, and to the BYE."""

from __future__ import annotations

from typing import TypeVar

from rtpcap.signalling.arrival import Moment, between_s
from rtpcap.signalling.dialog import CHALLENGES, REFUSALS, REQUEST_TERMINATED, State
from rtpcap.signalling.offers import Side
from rtpcap.signalling.sip import SipMessage

__all__ = ["PASSWORD_S", "TRANSACTION_S", "Progress", "remember"]

TRANSACTION_S = 32.0
"""64 * T1: after so long nothing of a transaction is sent again (RFC 3261 section 17.1.1.2)."""
PASSWORD_S = 180.0
"""How long a person may take to type a password."""
FIRST_RINGING, LAST_RINGING = 180, 183

T = TypeVar("T")
MOST_TAGS = 64
"""Of one call that are remembered: forks, and INVITEs sent anew."""


def remember(known: set[T], new: T) -> None:
    """Add one more, where there is room."""
    if len(known) < MOST_TAGS:
        known.add(new)


class _Failure:
    """A final response that refused the INVITE."""

    __slots__ = ("at", "cause", "reason", "status")

    def __init__(self, message: SipMessage, at: Moment) -> None:
        self.status = message.status
        self.reason = message.reason
        self.cause = message.reason_header
        self.at = at


class Progress:
    """The moments and the end of one call; each message is told once for a leg."""

    __slots__ = (
        "_cause",
        "_confirmed",
        "_failures",
        "_over",
        "_sender",
        "_trying",
        "answer_reason",
        "answer_status",
        "answered",
        "attempts",
        "bye",
        "cancelled",
        "invited",
        "progressed",
    )

    def __init__(self) -> None:
        self.attempts = 0
        self.invited: Moment | None = None
        self.progressed: Moment | None = None
        self.answered: Moment | None = None
        self.answer_status: int | None = None
        self.answer_reason = ""
        self.cancelled: Moment | None = None
        self.bye: Moment | None = None
        self._sender: Side | None = None
        self._cause = ""
        self._trying = False
        self._failures: dict[int, _Failure] = {}
        self._confirmed: set[str] = set()
        self._over: set[str] = set()

    # What happens

    def invite(self, at: Moment) -> None:
        """An INVITE that begins the call, or begins it anew."""
        self.attempts += 1
        self.begin_anew()
        if self.invited is None:
            self.invited = at

    def begin_anew(self) -> None:
        """What was refused before does not count any more."""
        self._failures.clear()
        self.cancelled = self.bye = None

    def provisional(self, status: int, at: Moment) -> None:
        """A response from 100 to 199."""
        self._trying = True
        if FIRST_RINGING <= status <= LAST_RINGING and self.progressed is None:
            self.progressed = at

    def answer(self, message: SipMessage, to_tag: str, at: Moment) -> None:
        """A response from 200 to 299."""
        remember(self._confirmed, to_tag)
        if self.answered is None:
            self.answered = at
            self.answer_status, self.answer_reason = message.status, message.reason
            self._sender = None
            self._cause = ""

    def acknowledge(self, at: Moment) -> None:
        """The ACK of an answer that was not captured."""
        self.answered = at

    def refuse(self, message: SipMessage, leg: int, at: Moment) -> None:
        """A response from 300 to 699; no more than one counts on a leg."""
        self._failures.setdefault(leg, _Failure(message, at))

    def cancel(self, message: SipMessage, side: Side, at: Moment) -> None:
        """A CANCEL on the caller's own hop."""
        if self.answered is None and self.cancelled is None:
            self.cancelled = at
            self._sender = side
            self._cause = message.reason_header or self._cause

    def hang_up(self, message: SipMessage, side: Side, to_tag: str, at: Moment) -> bool:
        """A BYE; False where another fork that has answered goes on."""
        remember(self._over, to_tag)
        if self._confirmed - self._over:
            return False
        if self.bye is None:
            self.bye = at
            self._sender = side
            self._cause = message.reason_header or self._cause
        return True

    # How it stands

    @property
    def refused(self) -> bool:
        """Whether it was refused on any leg, and not begun anew."""
        return bool(self._failures)

    @property
    def challenged(self) -> bool:
        """Whether a password was asked for."""
        return any(failure.status in CHALLENGES for failure in self._failures.values())

    @property
    def over(self) -> Moment | None:
        """When the call ended for the caller; a fork that failed on a further hop is no end."""
        if self.bye is not None:
            return self.bye
        failure = self._failures.get(0)
        return failure.at if failure is not None else None

    @property
    def _failure(self) -> _Failure | None:
        """The refusal that reached the caller; else one of a further hop."""
        if self.answered is not None or not self._failures:
            return None
        return self._failures.get(0) or next(iter(self._failures.values()))

    @property
    def status(self) -> int | None:
        """That of the final response; None without one."""
        failure = self._failure
        return self.answer_status if failure is None else failure.status

    @property
    def reason(self) -> str:
        failure = self._failure
        return self.answer_reason if failure is None else failure.reason

    @property
    def cause(self) -> str:
        failure = self._failure
        return self._cause or ("" if failure is None else failure.cause)

    @property
    def ended(self) -> Moment | None:
        failure = self._failure
        return (self.bye if failure is None else failure.at) or self.cancelled

    def hung_up(self, state: State) -> Side | None:
        """Who ended it, by a BYE or a CANCEL that worked."""
        return self._sender if self.bye is not None or state == "cancelled" else None

    def state(self, last: Moment, end: Moment | None) -> State:
        """The word for it; `last` is its last message, `end` the end of the capture."""
        if self.answered is not None:
            return "in-progress" if self.bye is None else "completed"
        failure = self._failure
        if failure is not None:
            if failure.status == REQUEST_TERMINATED:
                return "cancelled"
            return "rejected" if failure.status in REFUSALS else "failed"
        if self.cancelled is not None:
            return "cancelled"
        if self.bye is not None:
            # A BYE ends a call that was up, or, sent by the caller, one that rang.
            return "cancelled" if self.invited is not None else "completed"
        if self.invited is None and not self._trying:
            return "in-progress"
        if self.progressed is not None:
            return "ringing"
        waited = between_s(last, end)
        return "failed" if waited is not None and waited > TRANSACTION_S else "in-progress"
