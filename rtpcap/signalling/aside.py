"""What stands beside the calls: registrations, presence, keep-alives and short messages."""

from __future__ import annotations

from array import array

from rtpcap.rtp.visible import visible
from rtpcap.signalling.arrival import Arrival, Moment
from rtpcap.signalling.sip import SipMessage

__all__ = ["Aside", "Exchange"]

MOST_LISTED = 10_000
"""Exchanges that are listed; further ones are only counted, by method."""


class Exchange:
    """The requests of one method with one Call-ID outside of calls, and how they were answered."""

    __slots__ = (
        "call_id",
        "first",
        "frames",
        "from_uri",
        "last",
        "method",
        "reason",
        "requests",
        "status",
        "to_uri",
    )

    def __init__(self, call_id: str, method: str, message: SipMessage, at: Moment) -> None:
        self.call_id = call_id
        self.method = method
        self.from_uri = message.from_.uri
        self.to_uri = message.to.uri
        self.first = self.last = at
        self.requests = 0
        self.status: int | None = None
        """That of the last final response; None without one."""
        self.reason = ""
        self.frames = array("I")

    def feed(self, message: SipMessage, arrival: Arrival) -> None:
        self.last = arrival.moment
        self.frames.append(arrival.frame)
        if message.is_request:
            self.requests += 1
        elif message.status >= 200:
            self.status, self.reason = message.status, message.reason

    def __repr__(self) -> str:
        answer = "" if self.status is None else f", {self.status}"
        return visible(f"<Exchange {self.method} {self.from_uri} > {self.to_uri}{answer}>")


class Aside:
    """All exchanges beside the calls, in order of first frame."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.unlisted: dict[str, int] = {}
        """Method -> messages that are counted only."""
        self._by_key: dict[tuple[str, str], Exchange] = {}

    def feed(self, message: SipMessage, arrival: Arrival) -> None:
        method = message.method or message.cseq[1]
        key = (message.call_id, method)
        exchange = self._by_key.get(key)
        if exchange is None:
            if len(self.exchanges) >= MOST_LISTED:
                self.unlisted[method] = self.unlisted.get(method, 0) + 1
                return
            exchange = Exchange(*key, message, arrival.moment)
            self._by_key[key] = exchange
            self.exchanges.append(exchange)
        exchange.feed(message, arrival)
