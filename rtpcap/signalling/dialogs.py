"""SIP messages -> calls (RFC 3261 section 12): which message belongs to which call attempt.

A call is an INVITE with what follows under its Call-ID: forks, hops of proxies, and INVITEs sent
anew with a password or to another address are the same call. A Call-ID that is used again after
the call was over is another call. What is no call is listed aside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from rtpcap.signalling.address import bare_uri
from rtpcap.signalling.arrival import Arrival, Moment, between_s
from rtpcap.signalling.aside import Aside, Exchange
from rtpcap.signalling.attempt import Attempt
from rtpcap.signalling.dialog import Dialog
from rtpcap.signalling.endpoints import Endpoints
from rtpcap.signalling.reports import VQ_RTCPXR, VoiceReport, read_reports
from rtpcap.signalling.sip import SipMessage
from rtpcap.signalling.transfers import Transfer

__all__ = ["Dialogs", "Signalling"]

IN_DIALOG = frozenset(("ACK", "BYE", "INFO", "PRACK", "UPDATE"))
"""Methods that, with a To tag, tell of a call whose INVITE is not in the capture."""
SETTLE_EVERY = 64
"""Messages after which as many calls are looked at that may have been over for long."""
TRANSFER_S = 180.0
"""How long after a REFER the call it asked for may begin."""


@dataclass(frozen=True)
class Signalling:
    """All that the SIP messages of a capture tell; made by `Dialogs.finish`."""

    calls: tuple[Dialog, ...]
    """In order of first frame."""
    aside: tuple[Exchange, ...]
    """Registrations and the like, in order of first frame."""
    reports: tuple[VoiceReport, ...]
    messages: int
    malformed: dict[str, tuple[int, int]]
    """Reason -> (how often, first frame)."""

    @cached_property
    def endpoints(self) -> Endpoints:
        """Where the media of all calls was to go."""
        return Endpoints(self.calls)

    def __repr__(self) -> str:
        return f"<Signalling {len(self.calls)} calls, {self.messages} messages>"


class Dialogs:
    """Takes in the SIP messages of a capture in order."""

    def __init__(self) -> None:
        self.messages = 0
        self._calls: list[Attempt | Dialog] = []
        self._by_call_id: dict[str, list[int]] = {}
        self._aside = Aside()
        self._reports: list[VoiceReport] = []
        self._malformed: dict[str, tuple[int, int]] = {}
        self._end: Moment | None = None
        self._settling: deque[int] = deque()

    def feed(self, message: SipMessage, arrival: Arrival) -> None:
        """Take a message in."""
        self.messages += 1
        at = arrival.moment
        if at.time_ns is not None:
            self._end = at
            if self.messages % SETTLE_EVERY == 0:
                self._settle(at)
        for wrong in message.malformed:
            count, first = self._malformed.get(wrong.reason, (0, arrival.frame))
            self._malformed[wrong.reason] = (count + 1, first)
        if message.body and VQ_RTCPXR in message.header("Content-Type").lower():
            self._reports += read_reports(message, arrival)
        row = self._row_of(message, at)
        if row is None:
            self._aside.feed(message, arrival)
            return
        call = self._calls[row]
        if isinstance(call, Attempt):
            call.feed(message, arrival, at)
        else:
            call.frames.append(arrival.frame)
            self._calls[row] = replace(call, last=at, messages=call.messages + 1)

    def _row_of(self, message: SipMessage, at: Moment) -> int | None:
        """The row of the call that a message belongs to; None where it is no call's."""
        call_id = message.call_id
        rows = self._by_call_id.get(call_id)
        method = message.method or message.cseq[1]
        if method == "INVITE":
            if not message.is_request or message.to.tag:
                return self._begin(message, at) if rows is None else self._owner(rows, message)
            for row in reversed(rows or ()):
                call = self._calls[row]
                # A call that is settled has been over for too long to be this one.
                if isinstance(call, Attempt) and call.takes_invite(message, at):
                    return row
            return self._begin(message, at)
        if rows is not None and (message.to.tag or method in ("CANCEL", "ACK")):
            return self._owner(rows, message)
        if message.is_request and (method == "CANCEL" or (method in IN_DIALOG and message.to.tag)):
            return self._begin(message, at)
        return None

    def _owner(self, rows: list[int], message: SipMessage) -> int:
        """Of several calls with one Call-ID, the last that has one of the message's tags."""
        if len(rows) > 1:
            for row in reversed(rows):
                call = self._calls[row]
                if isinstance(call, Attempt) and call.has(message):
                    return row
        return rows[-1]

    def _begin(self, message: SipMessage, at: Moment) -> int:
        row = len(self._calls)
        self._calls.append(Attempt(message, at))
        self._by_call_id.setdefault(message.call_id, []).append(row)
        self._settling.append(row)
        return row

    def _settle(self, now: Moment) -> None:
        """Make calls that are long over what they will be, in less memory."""
        for _ in range(min(SETTLE_EVERY, len(self._settling))):
            row = self._settling.popleft()
            call = self._calls[row]
            if isinstance(call, Attempt):
                if call.settled(now):
                    self._calls[row] = call.dialog(now)
                else:
                    self._settling.append(row)

    def finish(self, end: Moment | None = None) -> Signalling:
        """What was taken in so far; `end` is the last moment of the capture, if that is later."""
        end = end or self._end
        calls = [call.dialog(end) if isinstance(call, Attempt) else call for call in self._calls]
        calls.sort(key=lambda call: call.first.frame)
        return Signalling(
            tuple(_linked(calls)),
            tuple(self._aside.exchanges),
            tuple(self._reports),
            self.messages,
            dict(self._malformed),
        )


def _linked(calls: list[Dialog]) -> Iterable[Dialog]:
    """The calls, those that were transferred with the calls that this led to."""
    by_target: dict[str, list[Dialog]] = {}
    by_replaced: dict[str, list[Dialog]] = {}
    if any(call.transfers for call in calls):
        for call in calls:
            by_target.setdefault(bare_uri(call.callee), []).append(call)
            if call.replaces:
                by_replaced.setdefault(call.replaces, []).append(call)
    for call in calls:
        found: dict[str, None] = {}
        for transfer in call.transfers:
            for later in by_target.get(bare_uri(transfer.target), ()):
                if _follows(call, transfer, later):
                    found[later.call_id] = None
            if transfer.replaces:
                for later in by_replaced.get(transfer.replaces, ()):
                    found[later.call_id] = None
        yield replace(call, successors=tuple(found)) if found else call


def _follows(call: Dialog, transfer: Transfer, later: Dialog) -> bool:
    """Whether a later call to the target is the one that a REFER asked for."""
    if later.first.frame <= transfer.frame or later.call_id == call.call_id:
        return False
    passed = between_s(Moment(transfer.frame, transfer.time_ns), later.first)
    if passed is not None and passed > TRANSFER_S:
        return False
    asked = call.callee if transfer.side == "caller" else call.caller
    asking = call.caller if transfer.side == "caller" else call.callee
    return bare_uri(later.referred_by) == bare_uri(asking) or bare_uri(later.caller) == bare_uri(
        asked
    )
