"""A call while its messages come in: from the INVITE to what ended it."""

from __future__ import annotations

from array import array
from typing import TypeVar

from rtpcap.signalling.address import Party, bare_uri, parse_party
from rtpcap.signalling.arrival import Arrival, Moment, between_s
from rtpcap.signalling.dialog import CHALLENGES, REFUSALS, REQUEST_TERMINATED, Dialog, State
from rtpcap.signalling.offers import Negotiation, OfferKey, Side
from rtpcap.signalling.pressed import KeyPress, read_key
from rtpcap.signalling.sip import SipMessage
from rtpcap.signalling.transactions import Novelty, Transactions
from rtpcap.signalling.transfers import (
    Transfer,
    call_of_replaces,
    read_transfer,
    sipfrag_status,
)

__all__ = ["TRANSACTION_S", "Attempt"]

TRANSACTION_S = 32.0
"""64 * T1: after so long nothing of a transaction is sent again (RFC 3261 section 17.1.1.2)."""
PASSWORD_S = 180.0
"""How long a person may take to type a password."""
SETTLED_S = PASSWORD_S + TRANSACTION_S
T = TypeVar("T")
MOST_TAGS = 64
"""Of one call that are remembered: forks, and INVITEs sent anew."""
TRYING = 100
FIRST_RINGING, LAST_RINGING = 180, 183
EARLY_DIALOG_TERMINATED = 199
FINAL, FAILURE = 200, 300
HIGHEST_STATUS = 699


def _add(known: set[T], new: T) -> None:
    """Remember one more, where there is room."""
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


class Attempt:
    """One call; fed with its messages in order of the capture."""

    __slots__ = (
        "_agents",
        "_cancelled",
        "_confirmed",
        "_failures",
        "_first_invites",
        "_legs",
        "_over",
        "_transactions",
        "_trying",
        "answer_reason",
        "answer_status",
        "answered",
        "asserted",
        "attempts",
        "call_id",
        "callee",
        "callee_tags",
        "caller",
        "caller_tags",
        "cause",
        "ended",
        "first",
        "frames",
        "held",
        "hung_up",
        "invited",
        "keys",
        "last",
        "messages",
        "number",
        "progressed",
        "referred_by",
        "replaces",
        "retransmissions",
        "transfers",
    )

    def __init__(self, message: SipMessage, at: Moment) -> None:
        self.call_id = message.call_id
        self.number, method = message.cseq
        # The From of a response is that of its request.
        self.caller = message.from_
        self.callee = message.to
        self.caller_tags = {self.caller.tag}
        self.callee_tags: set[str] = set()
        self.first = self.last = at
        self.invited: Moment | None = None
        self.progressed: Moment | None = None
        self.answered: Moment | None = None
        self.ended: Moment | None = None
        self.hung_up: Side | None = None
        self.cause = ""
        self.answer_status: int | None = None
        self.answer_reason = ""
        self.messages = self.retransmissions = self.attempts = 0
        self.frames = array("I")
        self.keys: list[KeyPress] = []
        self.transfers: list[Transfer] = []
        self.replaces = self.referred_by = self.asserted = ""
        self.held = False
        self._agents: dict[Side, tuple[int, str]] = {}
        self._cancelled: Moment | None = None
        self._trying = False
        self._failures: dict[int, _Failure] = {}
        self._confirmed: set[str] = set()
        self._over: set[str] = set()
        self._transactions = Transactions()
        self._legs: dict[int, Negotiation] = {}
        # A call whose beginning is not in the capture: what is answered first is its INVITE.
        self._first_invites: set[tuple[str, int]] = set()
        if method == "INVITE" and not (message.is_request and message.to.tag):
            self._first_invites.add((self.caller.tag, self.number))

    # What belongs here

    def has(self, message: SipMessage) -> bool:
        """Whether a message names a party of this call by its tag."""
        tags = (message.from_.tag, message.to.tag)
        return any(tag in self.caller_tags or tag in self.callee_tags for tag in tags if tag)

    def takes_invite(self, message: SipMessage, at: Moment) -> bool:
        """Whether an INVITE without a To tag is this call again, not another of its Call-ID."""
        sender = message.from_
        same_caller = sender.tag in self.caller_tags
        number = message.cseq[0]
        if self.ended is None and not self._failures:
            return same_caller or (
                bare_uri(sender.uri) == bare_uri(self.caller.uri)
                and bare_uri(message.to.uri) == bare_uri(self.callee.uri)
            )
        passed = between_s(self._over_at(), at)
        recent = passed is None or passed <= TRANSACTION_S
        if self._transactions.knows(sender.tag, number, "INVITE"):
            return recent
        if self.answered is not None:
            return False
        if any(failure.status in CHALLENGES for failure in self._failures.values()):
            return passed is None or passed <= PASSWORD_S
        return same_caller and number > self.number and recent

    def _over_at(self) -> Moment | None:
        """When the call ended for the caller; a fork that failed on a further hop is no end."""
        failure = self._failures.get(0)
        return self.ended or (failure.at if failure is not None else None)

    def settled(self, now: Moment) -> bool:
        """Whether it has been over for so long that nothing of it comes any more."""
        passed = between_s(self._over_at(), now)
        return passed is not None and passed > SETTLED_S

    # Messages

    def feed(self, message: SipMessage, arrival: Arrival, at: Moment) -> None:
        """Take a message in."""
        self.messages += 1
        self.last = at
        if not self.frames or self.frames[-1] != arrival.frame:
            self.frames.append(arrival.frame)
        sender, receiver = message.from_, message.to
        number, method = message.cseq
        status = message.status
        tag, other_tag = sender.tag, receiver.tag
        if not status:
            method = message.method
        key = (tag, number, method)
        if status:
            novelty, leg = self._transactions.response(message, arrival, key, other_tag)
        else:
            novelty, leg = self._transactions.request(message, arrival, key)
        if novelty is Novelty.AGAIN:
            self.retransmissions += 1
            return
        if not status and method == "INVITE" and not other_tag and novelty is Novelty.NEW:
            self._invited(message, sender, number, at)
        asking: Side = "caller"
        if tag in self.callee_tags and tag not in self.caller_tags:
            asking = "callee"
        from_caller = (asking == "caller") is (status == 0)
        side: Side = "caller" if from_caller else "callee"
        to_tag = other_tag if asking == "caller" else tag
        if other_tag:
            _add(self.callee_tags if asking == "caller" else self.caller_tags, other_tag)
        if message.body:
            self._describe(message, side, to_tag, key, leg, at)
        if not status:
            self._request(message, side, to_tag, novelty, leg, at)
        elif method == "INVITE":
            self._invite_response(message, to_tag, key, novelty, leg, at)
        elif status >= FAILURE:
            self._refused(key, leg, at)
        elif method == "BYE" and status >= FINAL and self.ended is None:
            # The BYE itself went another way than past the capture.
            self._bye(message, asking, to_tag, at)
        if status != TRYING and status not in CHALLENGES:
            self._agent(message, side)

    def _invited(self, message: SipMessage, sender: Party, number: int, at: Moment) -> None:
        """An INVITE that begins the call, or begins it anew."""
        self.attempts += 1
        self.number = max(self.number, number)
        self._failures.clear()
        self._cancelled = self.ended = None
        _add(self.caller_tags, sender.tag)
        _add(self._first_invites, (sender.tag, number))
        if self.invited is None:
            self.invited = at
            self.caller, self.callee = sender, message.to
        asserted = message.header("P-Asserted-Identity") or message.header("Remote-Party-ID")
        self.asserted = self.asserted or parse_party(asserted).uri
        self.replaces = self.replaces or call_of_replaces(message.header("Replaces"))
        self.referred_by = self.referred_by or parse_party(message.header("Referred-By")).uri

    def _agent(self, message: SipMessage, side: Side) -> None:
        """The program of a side: a final answer tells it best, proxies speak before."""
        rank = 2 if message.is_request or FINAL <= message.status < FAILURE else 1
        known = self._agents.get(side)
        if known is None or known[0] < rank:
            agent = message.agent
            if agent:
                self._agents[side] = (rank, agent)

    def _describe(
        self, message: SipMessage, side: Side, to_tag: str, key: OfferKey, leg: int, at: Moment
    ) -> None:
        """The session description of a message, where it can be an offer or an answer."""
        if message.status >= FAILURE:
            # A refusal may say what would have been accepted (RFC 3261 section 21.4.26).
            return
        described = message.sdp
        if described is None or not described.media:
            return
        negotiation = self._legs.get(leg)
        if negotiation is None:
            negotiation = self._legs[leg] = Negotiation(leg)
        if key[2] == "ACK":
            key = (key[0], key[1], "INVITE")
        elif key[2] == "PRACK" and message.is_request:
            words = message.header("RAck").split()
            number = words[1] if len(words) > 1 else ""
            if number.isascii() and number.isdigit() and len(number) < 11:
                invite = (key[0], int(number), "INVITE")
                if negotiation.is_offered(invite, "callee" if side == "caller" else "caller"):
                    key = invite
        provisional = 0 < message.status < FINAL
        negotiation.say(side, to_tag, key, described.media, at, provisional=provisional)
        if self.answered is not None and not self.held:
            self.held = any(media.held for media in described.media)

    def _request(
        self, message: SipMessage, side: Side, to_tag: str, novelty: Novelty, leg: int, at: Moment
    ) -> None:
        method = message.method
        if method == "CANCEL":
            # A proxy cancels the forks that did not win: only the caller's own hop counts.
            if leg == 0 and self.answered is None and self._cancelled is None:
                self._cancelled = at
                self.hung_up = side
                self.cause = message.reason_header or self.cause
        elif method == "BYE":
            if novelty is Novelty.NEW:
                self._bye(message, side, to_tag, at)
        elif novelty is not Novelty.NEW:
            return
        elif method == "ACK":
            if self.answered is None and not self._failures and self.invited is not None:
                self._acknowledged(message, at)
        elif method == "INFO":
            for part in message.parts:
                key = read_key(part)
                if key is not None:
                    self.keys.append(KeyPress(at.frame, at.time_ns, side, *key))
        elif method == "REFER":
            target, replaces = read_transfer(message.header("Refer-To"))
            if target:
                self.transfers.append(Transfer(at.frame, at.time_ns, side, target, replaces))
        elif method == "NOTIFY" and self.transfers and message.content_type == "message/sipfrag":
            status = sipfrag_status(message.body)
            if status is not None:
                self.transfers[-1] = self.transfers[-1]._replace(status=status)

    def _acknowledged(self, message: SipMessage, at: Moment) -> None:
        """An ACK without any final response: where only this direction was captured.

        The ACK of a refusal has the branch of the INVITE, that of an answer has its own
        (RFC 3261 section 17.1.1.3).
        """
        invite = (message.from_.tag, message.cseq[0], "INVITE")
        if not self._transactions.has_branch(invite, message.branch):
            self.answered = at
            self.answer_status = None

    def _bye(self, message: SipMessage, side: Side, to_tag: str, at: Moment) -> None:
        _add(self._over, to_tag)
        if self._confirmed - self._over:
            # A second fork that had answered too is let go; the call goes on with the other.
            for negotiation in self._legs.values():
                negotiation.fork_ended(to_tag, at)
            return
        if self.ended is None:
            self.ended = at
            self.hung_up = side
            self.cause = message.reason_header or self.cause
            for negotiation in self._legs.values():
                negotiation.ended(at)

    def _invite_response(
        self,
        message: SipMessage,
        to_tag: str,
        key: OfferKey,
        novelty: Novelty,
        leg: int,
        at: Moment,
    ) -> None:
        status = message.status
        if status > HIGHEST_STATUS:
            return
        first = key[:2] in self._first_invites
        if not first and self.answered is None and self._retried(key):
            first = True
        negotiation = self._legs.get(leg)
        if status < FINAL:
            if not first:
                return
            self._trying = True
            if FIRST_RINGING <= status <= LAST_RINGING and self.progressed is None:
                self.progressed = at
            elif status == EARLY_DIALOG_TERMINATED and negotiation is not None:
                negotiation.fork_ended(to_tag, at)
        elif status < FAILURE:
            if negotiation is not None:
                negotiation.confirmed(to_tag, at)
            if first and novelty is Novelty.NEW:
                _add(self._confirmed, to_tag)
                if self.answered is None:
                    self.answered = at
                    self.answer_status, self.answer_reason = status, message.reason
                    self.hung_up = None
                    self.cause = ""
        else:
            self._refused(key, leg, at)
            if first and self.answered is None:
                self._failures.setdefault(leg, _Failure(message, at))
                if leg == 0:
                    for each in self._legs.values():
                        each.ended(at)

    def _retried(self, key: OfferKey) -> bool:
        """Whether an INVITE that is not in the capture is the refused one, sent anew."""
        tag, number, _ = key
        if tag not in self.caller_tags or number <= self.number or not self._failures:
            return False
        self.number = number
        self._failures.clear()
        _add(self._first_invites, (tag, number))
        return True

    def _refused(self, key: OfferKey, leg: int, at: Moment) -> None:
        negotiation = self._legs.get(leg)
        if negotiation is not None:
            negotiation.refused(key, at)

    # The whole

    @property
    def _failure(self) -> _Failure | None:
        """The refusal that reached the caller; on a further hop a fork may have failed alone."""
        return self._failures.get(0) or next(iter(self._failures.values()), None)

    def _state(self, failure: _Failure | None, end: Moment | None) -> State:
        if self.answered is not None:
            return "in-progress" if self.ended is None else "completed"
        if failure is not None:
            if failure.status == REQUEST_TERMINATED:
                return "cancelled"
            return "rejected" if failure.status in REFUSALS else "failed"
        if self._cancelled is not None:
            return "cancelled"
        if self.ended is not None:
            # A BYE ends a call that was up, or, sent by the caller, one that rang.
            return "cancelled" if self.invited is not None else "completed"
        if self.invited is None and not self._trying:
            return "in-progress"
        if self.progressed is not None:
            return "ringing"
        waited = between_s(self.last, end)
        return "failed" if waited is not None and waited > TRANSACTION_S else "in-progress"

    def dialog(self, end: Moment | None) -> Dialog:
        """The call as far as it was captured; `end` is the last moment of the capture."""
        failure = None if self.answered is not None else self._failure
        status: int | None = None
        reason = ""
        if self.answered is not None:
            status, reason = self.answer_status, self.answer_reason
        elif failure is not None:
            status, reason = failure.status, failure.reason
        ended = self.ended
        if self.answered is None and failure is not None:
            ended = failure.at
        epochs = [epoch for leg in self._legs.values() for epoch in leg.epochs]
        epochs += [epoch for leg in self._legs.values() for epoch in leg.waiting()]
        epochs.sort(key=lambda epoch: (epoch.offered.frame, epoch.leg))
        state = self._state(failure, end)
        return Dialog(
            self.call_id,
            self.caller.uri,
            self.callee.uri,
            self.caller.display,
            self.callee.display,
            self.asserted,
            self._agents.get("caller", (0, ""))[1],
            self._agents.get("callee", (0, ""))[1],
            state,
            status,
            reason,
            self.cause or (failure.cause if failure is not None else ""),
            self.first,
            self.last,
            self.invited,
            self.progressed,
            self.answered,
            ended or self._cancelled,
            self.hung_up if self.ended is not None or state == "cancelled" else None,
            self.messages,
            self.retransmissions,
            self.attempts,
            self.frames,
            tuple(epochs),
            self.held,
            tuple(self.keys),
            tuple(self.transfers),
            self.replaces,
            self.referred_by,
        )
