"""A call while its messages come in: from the INVITE to what ended it."""

from __future__ import annotations

from array import array

from rtpcap.signalling.address import Party, bare_uri, parse_party
from rtpcap.signalling.arrival import Arrival, Moment, between_s
from rtpcap.signalling.dialog import CHALLENGES, Dialog
from rtpcap.signalling.offers import Negotiation, OfferKey, Side
from rtpcap.signalling.pressed import KeyPress, read_key
from rtpcap.signalling.progress import PASSWORD_S, TRANSACTION_S, Progress, remember
from rtpcap.signalling.sip import SipMessage
from rtpcap.signalling.transactions import Novelty, Transactions
from rtpcap.signalling.transfers import (
    Transfer,
    call_of_replaces,
    read_transfer,
    sipfrag_status,
)

__all__ = ["Attempt"]

Ends = tuple[str, int, str, int]

SETTLED_S = PASSWORD_S + TRANSACTION_S
"""So long after the end of a call nothing of it comes any more."""
TRYING = 100
EARLY_DIALOG_TERMINATED = 199
FINAL, FAILURE = 200, 300
HIGHEST_STATUS = 699


class Attempt:
    """One call; fed with its messages in order of the capture."""

    __slots__ = (
        "_agents",
        "_between",
        "_connections",
        "_first_invites",
        "_legs",
        "_transactions",
        "asserted",
        "call_id",
        "callee",
        "callee_tags",
        "caller",
        "caller_tags",
        "first",
        "frames",
        "held",
        "keys",
        "last",
        "messages",
        "number",
        "progress",
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
        self.progress = Progress()
        self.messages = self.retransmissions = 0
        self.frames = array("I")
        self.keys: list[KeyPress] = []
        self.transfers: list[Transfer] = []
        self.replaces = self.referred_by = self.asserted = ""
        self.held = False
        self._connections: set[Ends] = set()
        self._between: tuple[str, str] | None = None
        self._agents: dict[Side, tuple[int, str]] = {}
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
        progress = self.progress
        if progress.bye is None and not progress.refused:
            return same_caller or (
                bare_uri(sender.uri) == bare_uri(self.caller.uri)
                and bare_uri(message.to.uri) == bare_uri(self.callee.uri)
            )
        passed = between_s(progress.over, at)
        recent = passed is None or passed <= TRANSACTION_S
        if self._transactions.knows(sender.tag, number, "INVITE"):
            return recent
        if progress.answered is not None:
            return False
        if progress.challenged:
            return passed is None or passed <= PASSWORD_S
        return same_caller and number > self.number and recent

    def settled(self, now: Moment) -> bool:
        """Whether it has been over for so long that nothing of it comes any more."""
        passed = between_s(self.progress.over, now)
        return passed is not None and passed > SETTLED_S

    # Messages

    def feed(self, message: SipMessage, arrival: Arrival, at: Moment) -> None:
        """Take a message in."""
        self.messages += 1
        self.last = at
        if not self.frames or self.frames[-1] != arrival.frame:
            self.frames.append(arrival.frame)
        if arrival.transport == "tcp":
            remember(self._connections, arrival[2:6])
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
        if novelty is Novelty.AGAIN or novelty is Novelty.COPY:
            self.retransmissions += novelty is Novelty.AGAIN
            return
        if not status and method == "INVITE" and not other_tag and novelty is Novelty.NEW:
            self._invited(message, sender, number, at)
            self._between = self._between or (arrival.src, arrival.dst)
        asking: Side = "caller"
        if tag in self.callee_tags and tag not in self.caller_tags:
            asking = "callee"
        from_caller = (asking == "caller") is (status == 0)
        side: Side = "caller" if from_caller else "callee"
        to_tag = other_tag if asking == "caller" else tag
        if other_tag:
            remember(self.callee_tags if asking == "caller" else self.caller_tags, other_tag)
        if message.body:
            self._describe(message, side, to_tag, key, leg, at)
        if not status:
            self._request(message, side, to_tag, novelty, leg, at)
        elif method == "INVITE":
            self._invite_response(message, to_tag, key, novelty, leg, at)
        elif status >= FAILURE:
            self._refused(key, leg, at)
        elif method == "BYE" and status >= FINAL and self.progress.bye is None:
            # The BYE itself went another way than past the capture.
            self._bye(message, asking, to_tag, at)
        if status != TRYING and status not in CHALLENGES:
            self._agent(message, side)

    def _invited(self, message: SipMessage, sender: Party, number: int, at: Moment) -> None:
        """An INVITE that begins the call, or begins it anew."""
        self.number = max(self.number, number)
        remember(self.caller_tags, sender.tag)
        remember(self._first_invites, (sender.tag, number))
        if self.progress.invited is None:
            self.caller, self.callee = sender, message.to
        self.progress.invite(at)
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
        if self.progress.answered is not None and not self.held:
            self.held = any(media.held for media in described.media)

    def _request(
        self, message: SipMessage, side: Side, to_tag: str, novelty: Novelty, leg: int, at: Moment
    ) -> None:
        method = message.method
        if method == "CANCEL":
            # A proxy cancels the forks that did not win: only the caller's own hop counts.
            if leg == 0:
                self.progress.cancel(message, side, at)
        elif method == "BYE":
            if novelty is Novelty.NEW:
                self._bye(message, side, to_tag, at)
        elif novelty is not Novelty.NEW:
            return
        elif method == "ACK":
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
        progress = self.progress
        if progress.answered is not None or progress.refused or progress.invited is None:
            return
        invite = (message.from_.tag, message.cseq[0], "INVITE")
        if not self._transactions.has_branch(invite, message.branch):
            progress.acknowledge(at)

    def _bye(self, message: SipMessage, side: Side, to_tag: str, at: Moment) -> None:
        over = self.progress.hang_up(message, side, to_tag, at)
        for negotiation in self._legs.values():
            if over:
                negotiation.ended(at)
            else:
                # A second fork that had answered too is let go.
                negotiation.fork_ended(to_tag, at)

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
        progress = self.progress
        first = key[:2] in self._first_invites
        if not first and progress.answered is None:
            first = self._retried(key)
        negotiation = self._legs.get(leg)
        if status < FINAL:
            if first:
                progress.provisional(status, at)
            if status == EARLY_DIALOG_TERMINATED and negotiation is not None:
                negotiation.fork_ended(to_tag, at)
        elif status < FAILURE:
            if negotiation is not None:
                negotiation.confirmed(to_tag, at)
            if first and novelty is Novelty.NEW:
                progress.answer(message, to_tag, at)
        else:
            self._refused(key, leg, at)
            if first and progress.answered is None:
                progress.refuse(message, leg, at)
                if leg == 0:
                    for each in self._legs.values():
                        each.ended(at)

    def _retried(self, key: OfferKey) -> bool:
        """Whether an INVITE that is not in the capture is the refused one, sent anew."""
        tag, number, _ = key
        if tag not in self.caller_tags or number <= self.number or not self.progress.refused:
            return False
        self.number = number
        self.progress.begin_anew()
        remember(self._first_invites, (tag, number))
        return True

    def _refused(self, key: OfferKey, leg: int, at: Moment) -> None:
        negotiation = self._legs.get(leg)
        if negotiation is not None:
            negotiation.refused(key, at)

    # The whole

    def dialog(self, end: Moment | None) -> Dialog:
        """The call as far as it was captured; `end` is the last moment of the capture."""
        progress = self.progress
        state = progress.state(self.last, end)
        epochs = [epoch for leg in self._legs.values() for epoch in (*leg.epochs, *leg.waiting())]
        epochs.sort(key=lambda epoch: (epoch.offered.frame, epoch.leg))
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
            progress.status,
            progress.reason,
            progress.cause,
            self.first,
            self.last,
            progress.invited,
            progress.progressed,
            progress.answered,
            progress.ended,
            progress.hung_up(state),
            self.messages,
            self.retransmissions,
            progress.attempts,
            self.frames,
            tuple(epochs),
            self.held,
            tuple(self.keys),
            tuple(self.transfers),
            self.replaces,
            self.referred_by,
            hosts=self._transactions.hosts,
            invited_between=self._between,
            connections=tuple(sorted(self._connections)),
        )
