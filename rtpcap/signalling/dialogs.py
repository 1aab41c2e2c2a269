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
        self._calls: list[Attempt] = []
        self._by_call_id: dict[str, list[Attempt]] = {}
        self._aside = Aside()
        self._reports: list[VoiceReport] = []
        self._malformed: dict[str, tuple[int, int]] = {}
        self._end: Moment | None = None
        self._settling: deque[Attempt] = deque()

    def feed(self, message: SipMessage, arrival: Arrival) -> Attempt | None:
        """Take a message in; the call it belongs to, None where it is no call's."""
        self.messages += 1
        if arrival.time_ns is not None:
            self._end = arrival.moment
            self._settle(self._end)
        for wrong in message.malformed:
            count, first = self._malformed.get(wrong.reason, (0, arrival.frame))
            self._malformed[wrong.reason] = (count + 1, first)
        if message.body and VQ_RTCPXR in message.header("Content-Type").lower():
            self._reports += read_reports(message, arrival)
        call = self._call_of(message, arrival)
        if call is None:
            self._aside.feed(message, arrival)
        else:
            call.feed(message, arrival)
        return call

    def _call_of(self, message: SipMessage, arrival: Arrival) -> Attempt | None:
        call_id = message.call_id
        calls = self._by_call_id.get(call_id)
        method = message.method or message.cseq[1]
        if method == "INVITE":
            if message.is_request and not message.to.tag:
                if calls is not None:
                    for call in reversed(calls):
                        if call.takes_invite(message, arrival):
                            return call
            elif calls is not None:
                return _owner(calls, message)
            return self._begin(call_id, message, arrival)
        if calls is not None and (message.to.tag or method in ("CANCEL", "ACK")):
            return _owner(calls, message)
        if message.is_request and (method == "CANCEL" or (method in IN_DIALOG and message.to.tag)):
            return self._begin(call_id, message, arrival)
        return None

    def _begin(self, call_id: str, message: SipMessage, arrival: Arrival) -> Attempt:
        call = Attempt(call_id, message, arrival)
        self._calls.append(call)
        self._by_call_id.setdefault(call_id, []).append(call)
        self._settling.append(call)
        return call

    def _settle(self, now: Moment) -> None:
        """Let calls that are long over forget what only matters while messages come."""
        for _ in range(min(2, len(self._settling))):
            call = self._settling.popleft()
            if call.settled(now):
                call.forget()
            else:
                self._settling.append(call)

    def finish(self, end: Moment | None = None) -> Signalling:
        """What was taken in so far; `end` is the last moment of the capture, if that is later."""
        end = end or self._end
        calls = [call.dialog(end) for call in self._calls]
        calls.sort(key=lambda call: call.first.frame)
        return Signalling(
            tuple(_linked(calls)),
            tuple(self._aside.exchanges),
            tuple(self._reports),
            self.messages,
            dict(self._malformed),
        )


def _owner(calls: list[Attempt], message: SipMessage) -> Attempt:
    """Of several calls with one Call-ID, the last that has one of the message's tags."""
    if len(calls) > 1:
        for call in reversed(calls):
            if call.has(message):
                return call
    return calls[-1]


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
