"""What of a call was said before: transactions, hops and retransmissions (RFC 3261 section 17).

A message that is sent again by the same hop is a retransmission. The same message on its way
through a proxy has another branch and other ends: a further hop, or leg, of the same call.
"""

from __future__ import annotations

from enum import Enum
from zlib import crc32

from rtpcap.signalling.arrival import Arrival
from rtpcap.signalling.sip import SipMessage

__all__ = ["Novelty", "Transactions"]

MOST_TRANSACTIONS = 16
"""Of one call that are remembered; a retransmission comes within the next few."""
MOST_LEGS = 16
MOST_BRANCHES = 32

Ends = tuple[tuple[str, int], tuple[str, int]]


class Novelty(Enum):
    """How much of a message is new."""

    NEW = "new"
    """Nobody has said this before in this call."""
    HOP = "hop"
    """Said before, on another leg."""
    AGAIN = "again"
    """A retransmission, or a second capture of the same message."""


class _Transaction:
    __slots__ = ("branches", "said")

    def __init__(self) -> None:
        self.branches: dict[str, int] = {}
        self.said: dict[tuple[int, str, str, int], int] = {}
        """What was answered -> on which legs, a bit each."""


class Transactions:
    """The last transactions of one call, and the legs they ran over."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int, str], _Transaction] = {}
        self._legs: dict[Ends, int] = {}
        self._by_hosts: dict[tuple[str, str], list[int]] = {}
        self._count = 0

    def forget(self) -> None:
        """Give back the memory: the call has been over for long."""
        self._last.clear()

    def knows(self, from_tag: str, number: int, method: str) -> bool:
        """Whether this transaction is remembered."""
        return (from_tag, number, method) in self._last

    def has_branch(self, key: tuple[str, int, str], branch: str) -> bool:
        """Whether a remembered transaction has this branch on any leg."""
        transaction = self._last.get(key)
        return transaction is not None and branch in transaction.branches

    def request(
        self, message: SipMessage, arrival: Arrival, from_tag: str, number: int
    ) -> tuple[Novelty, int]:
        """(how new, on which leg)."""
        key = (from_tag, number, message.method)
        transaction = self._last.get(key)
        novelty = Novelty.HOP
        if transaction is None:
            transaction = self._remember(key)
            novelty = Novelty.NEW
        branch = message.branch
        leg = transaction.branches.get(branch)
        if leg is not None:
            return Novelty.AGAIN, leg
        leg = self._leg(arrival, transaction)
        if len(transaction.branches) < MOST_BRANCHES:
            transaction.branches[branch] = leg
        return novelty, leg

    def response(
        self, message: SipMessage, arrival: Arrival, from_tag: str, number: int, method: str
    ) -> tuple[Novelty, int]:
        """(how new, on which leg)."""
        key = (from_tag, number, method)
        transaction = self._last.get(key) or self._remember(key)
        leg = transaction.branches.get(message.branch)
        if leg is None:
            leg = self._leg(arrival, transaction)
            if len(transaction.branches) < MOST_BRANCHES:
                transaction.branches[message.branch] = leg
        # A provisional response may come with another description, or reliably (RFC 3262).
        what = (message.status, message.to.tag, message.header("RSeq"), crc32(message.body))
        legs = transaction.said.get(what, 0)
        if legs >> leg & 1:
            return Novelty.AGAIN, leg
        if legs or len(transaction.said) < MOST_BRANCHES:
            transaction.said[what] = legs | 1 << leg
        return (Novelty.HOP if legs else Novelty.NEW), leg

    def _remember(self, key: tuple[str, int, str]) -> _Transaction:
        if len(self._last) >= MOST_TRANSACTIONS:
            del self._last[next(iter(self._last))]
        transaction = self._last[key] = _Transaction()
        return transaction

    def _leg(self, arrival: Arrival, transaction: _Transaction) -> int:
        """The leg between these ends; between these hosts, where the ports are others.

        A second branch of one transaction between the same hosts is another leg: proxies and
        agents on one machine differ only in ports.
        """
        one, other = (arrival.src, arrival.src_port), (arrival.dst, arrival.dst_port)
        ends = (one, other) if one <= other else (other, one)
        leg = self._legs.get(ends)
        if leg is not None:
            return leg
        hosts = (ends[0][0], ends[1][0]) if ends[0][0] <= ends[1][0] else (ends[1][0], ends[0][0])
        between = self._by_hosts.setdefault(hosts, [])
        busy = transaction.branches.values()
        leg = next((known for known in between if known not in busy), None)
        if leg is None:
            leg = min(self._count, MOST_LEGS - 1)
            self._count = leg + 1
            between.append(leg)
        if len(self._legs) < MOST_LEGS * MOST_LEGS:
            self._legs[ends] = leg
        return leg
