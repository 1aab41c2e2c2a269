"""What of a call was said before: transactions, hops and retransmissions (RFC 3261 section 17).

A message that is sent again by the same hop is a retransmission. The same message on its way
through a proxy has another branch and other ends: a further hop, or leg, of the same call.
"""

from __future__ import annotations

from enum import Enum

from rtpcap.signalling.arrival import Arrival
from rtpcap.signalling.sip import SipMessage

__all__ = ["Novelty", "TransactionKey", "Transactions"]

MOST_TRANSACTIONS = 16
"""Of one call that are remembered; a retransmission comes within the next few."""
MOST_LEGS = 16
MOST_BRANCHES = 32
COPY_NS = 100_000_000
"""Well below T1, the 500 ms after which something is first sent again (RFC 3261 section 17.1.1.1);
captures on several interfaces hold copies within milliseconds."""

TransactionKey = tuple[str, int, str]
"""From tag, CSeq number, method."""
Ends = tuple[tuple[str, int], tuple[str, int]]


class Novelty(Enum):
    """How much of a message is new."""

    NEW = "new"
    """Nobody has said this before in this call."""
    HOP = "hop"
    """Said before, on another leg."""
    AGAIN = "again"
    """A retransmission."""
    COPY = "copy"
    """So soon after the same message that the capture holds it twice: nobody sends again then."""


class _Transaction:
    __slots__ = ("branches", "legs", "said", "when")

    def __init__(self) -> None:
        self.branches: dict[str, int] = {}
        self.legs = 0
        """The legs on which the request was seen, a bit each."""
        self.said: dict[int, int] = {}
        """What was answered -> on which legs, a bit each."""
        self.when: dict[tuple[int, int], int] = {}
        """(what, leg) -> when it was said last, nanoseconds; a request is the answer 0."""

    def again(self, what: int, leg: int, time_ns: int | None) -> Novelty:
        """What a message is that was said before on this leg."""
        before = self.when.get((what, leg))
        self.note(what, leg, time_ns)
        soon = before is not None and time_ns is not None and 0 <= time_ns - before < COPY_NS
        return Novelty.COPY if soon else Novelty.AGAIN

    def note(self, what: int, leg: int, time_ns: int | None) -> None:
        """Remember when something was said."""
        if time_ns is not None and (len(self.when) < MOST_BRANCHES or (what, leg) in self.when):
            self.when[what, leg] = time_ns


class Transactions:
    """The last transactions of one call, and the legs they ran over."""

    def __init__(self) -> None:
        self._last: dict[TransactionKey, _Transaction] = {}
        self._legs: dict[Ends, int] = {}
        self._by_hosts: dict[tuple[str, str], list[int]] = {}
        self._count = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses that the call's messages went between, in order of appearance."""
        return tuple(dict.fromkeys(host for pair in self._by_hosts for host in pair))

    def knows(self, from_tag: str, number: int, method: str) -> bool:
        """Whether this transaction is remembered."""
        return (from_tag, number, method) in self._last

    def has_branch(self, key: TransactionKey, branch: str) -> bool:
        """Whether a remembered transaction has this branch on any leg."""
        transaction = self._last.get(key)
        return transaction is not None and branch in transaction.branches

    def request(
        self, message: SipMessage, arrival: Arrival, key: TransactionKey
    ) -> tuple[Novelty, int]:
        """(how new, on which leg)."""
        transaction = self._last.get(key)
        novelty = Novelty.HOP
        if transaction is None:
            transaction = self._remember(key)
            novelty = Novelty.NEW
        branch = message.branch
        leg = transaction.branches.get(branch)
        if leg is None:
            leg = self._new_leg(arrival, transaction, branch)
        else:
            # An address translator lets the branch stand and may write another description.
            leg = self._translated(arrival, transaction, leg)
            if transaction.legs >> leg & 1:
                return transaction.again(0, leg, arrival.time_ns), leg
        transaction.legs |= 1 << leg
        transaction.note(0, leg, arrival.time_ns)
        return novelty, leg

    def response(
        self, message: SipMessage, arrival: Arrival, key: TransactionKey, to_tag: str
    ) -> tuple[Novelty, int]:
        """(how new, on which leg)."""
        transaction = self._last.get(key) or self._remember(key)
        branch = message.branch
        leg = transaction.branches.get(branch)
        if leg is None:
            leg = self._new_leg(arrival, transaction, branch)
        elif transaction.legs & (transaction.legs - 1):
            known = self._legs.get(_ends(arrival), leg)
            leg = known if transaction.legs >> known & 1 else leg
        # A provisional response may come with another description, or reliably (RFC 3262).
        # A number takes less than what it is made of.
        what = hash((message.status, to_tag, message.header("RSeq"), message.body))
        said = transaction.said
        legs = said.get(what, 0)
        if legs >> leg & 1:
            return transaction.again(what, leg, arrival.time_ns), leg
        transaction.note(what, leg, arrival.time_ns)
        if legs or len(said) < MOST_BRANCHES:
            said[what] = legs | 1 << leg
        return (Novelty.HOP if legs else Novelty.NEW), leg

    def _translated(self, arrival: Arrival, transaction: _Transaction, leg: int) -> int:
        """The leg of a request whose branch is known, by the hosts it goes between."""
        ends = _ends(arrival)
        known = self._legs.get(ends)
        if known is not None or leg in self._by_hosts.get(_hosts(ends), ()):
            return leg if known is None else known
        return self._leg(arrival, transaction)

    def _new_leg(self, arrival: Arrival, transaction: _Transaction, branch: str) -> int:
        leg = self._leg(arrival, transaction)
        if len(transaction.branches) < MOST_BRANCHES:
            transaction.branches[branch] = leg
        return leg

    def _remember(self, key: TransactionKey) -> _Transaction:
        if len(self._last) >= MOST_TRANSACTIONS:
            del self._last[next(iter(self._last))]
        transaction = self._last[key] = _Transaction()
        return transaction

    def _leg(self, arrival: Arrival, transaction: _Transaction) -> int:
        """The leg between these ends; between these hosts, where the ports are others.

        A second branch of one transaction between the same hosts is another leg: proxies and
        agents on one machine differ only in ports.
        """
        ends = _ends(arrival)
        leg = self._legs.get(ends)
        if leg is not None:
            return leg
        between = self._by_hosts.setdefault(_hosts(ends), [])
        busy = transaction.branches.values()
        leg = next((known for known in between if known not in busy), None)
        if leg is None:
            leg = min(self._count, MOST_LEGS - 1)
            self._count = leg + 1
            between.append(leg)
        if len(self._legs) < MOST_LEGS * MOST_LEGS:
            self._legs[ends] = leg
        return leg


def _ends(arrival: Arrival) -> Ends:
    """Both ends, the same for both directions."""
    one, other = (arrival.src, arrival.src_port), (arrival.dst, arrival.dst_port)
    return (one, other) if one <= other else (other, one)


def _hosts(ends: Ends) -> tuple[str, str]:
    one, other = ends[0][0], ends[1][0]
    return (one, other) if one <= other else (other, one)
