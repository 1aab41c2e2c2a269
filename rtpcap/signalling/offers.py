"""Offer and answer (RFC 3264, RFC 6337): which descriptions are in force, and from when to when.

An offer may stand in an INVITE, a re-INVITE, an UPDATE or a PRACK, and is answered in a response;
an INVITE without one lets the response offer, and the ACK or PRACK answers. A provisional response
answers too: what the same branch says again in its final response is no second answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rtpcap.signalling.arrival import Moment
from rtpcap.signalling.media import Media
from rtpcap.signalling.transactions import TransactionKey

__all__ = ["Epoch", "Negotiation", "OfferKey", "Side"]

Side = Literal["caller", "callee"]
OfferKey = TransactionKey
"""The transaction that carries an offer."""

MOST_EPOCHS = 256
"""Of one leg of a call; further ones take the place of the last."""
MOST_OPEN = 8
"""Offers that wait for an answer at a time; the oldest gives way."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """An offer with its answer, in force until another takes its place.

    From `offered` on its sender has to be ready to receive, from `answered` on the other side too.
    In a side's media lines the payload numbers are those that this side wants to receive.
    """

    leg: int
    """Which hop of the signalling it was seen on: 0 is where the call was seen first."""
    to_tag: str
    """The callee's tag: forks of a call differ in it; ``""`` before anybody answered."""
    offerer: Side
    offered: Moment
    offer: tuple[Media, ...]
    answered: Moment | None = None
    answer: tuple[Media, ...] = ()
    early: bool = False
    """Whether the answer has only come in provisional responses."""
    ended: Moment | None = None

    def media(self, side: Side) -> tuple[Media, ...]:
        """The media lines of a side; none where it has not spoken."""
        return self.offer if side == self.offerer else self.answer

    def since(self, side: Side) -> Moment | None:
        """From when on a side can receive by its lines."""
        return self.offered if side == self.offerer else self.answered


@dataclass(slots=True)
class _Open:
    """An offer, and which epochs its answers have made, by fork."""

    side: Side
    media: tuple[Media, ...]
    at: Moment
    unanswered: int | None
    """The epoch that was begun without an answer, while none has come."""
    answers: dict[str, int]


class Negotiation:
    """Offers and answers of one call on one hop, fed in order of the capture."""

    def __init__(self, leg: int) -> None:
        self.leg = leg
        self.epochs: list[Epoch] = []
        self._open: dict[OfferKey, _Open] = {}
        self._current: dict[str, int] = {}

    def say(
        self,
        side: Side,
        to_tag: str,
        key: OfferKey,
        media: tuple[Media, ...],
        at: Moment,
        *,
        provisional: bool = False,
    ) -> None:
        """A description by a side, in the transaction `key`: an offer, or the answer to one."""
        offer = self._open.get(key)
        if offer is None or offer.side == side:
            self._offer(side, to_tag, key, media, at)
        else:
            self._answer(offer, to_tag, media, at, provisional)

    def _offer(
        self, side: Side, to_tag: str, key: OfferKey, media: tuple[Media, ...], at: Moment
    ) -> None:
        before = self._open.get(key)
        if before is not None and before.unanswered is not None:
            index = before.unanswered
            self.epochs[index] = replace(self.epochs[index], offer=media)
            before.media = media
            return
        if before is not None and before.media == media:
            return
        first = not any(epoch.ended is None for epoch in self.epochs)
        unanswered = self._append(Epoch(self.leg, "", side, at, media)) if first else None
        if len(self._open) >= MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[key] = _Open(side, media, at, unanswered, {})

    def _answer(
        self, offer: _Open, to_tag: str, media: tuple[Media, ...], at: Moment, provisional: bool
    ) -> None:
        index = offer.answers.get(to_tag)
        since = offer.at
        if index is not None:
            epoch = self.epochs[index]
            if epoch.answer == media and epoch.ended is None:
                if epoch.early and not provisional:
                    self.epochs[index] = replace(epoch, early=False)
                return
            since = at
        elif offer.unanswered is not None:
            index, offer.unanswered = offer.unanswered, None
            self.epochs[index] = replace(
                self.epochs[index], to_tag=to_tag, answered=at, answer=media, early=provisional
            )
            offer.answers[to_tag] = self._current[to_tag] = index
            return
        else:
            index = self._current.get(to_tag)
            if index is not None and self._unchanged(index, offer, media):
                offer.answers[to_tag] = index
                return
        if index is not None:
            self._close(index, at)
        if len(self._current) >= MOST_EPOCHS:
            self._current.clear()
            offer.answers.clear()
        new = Epoch(self.leg, to_tag, offer.side, since, offer.media, at, media, provisional)
        offer.answers[to_tag] = self._current[to_tag] = self._append(new)

    def _unchanged(self, index: int, offer: _Open, answer: tuple[Media, ...]) -> bool:
        """Whether an offer and its answer say what is in force already, as a session refresh."""
        epoch = self.epochs[index]
        other: Side = "callee" if offer.side == "caller" else "caller"
        return (
            epoch.ended is None
            and epoch.answered is not None
            and epoch.media(offer.side) == offer.media
            and epoch.media(other) == answer
        )

    def _append(self, epoch: Epoch) -> int:
        if len(self.epochs) < MOST_EPOCHS:
            self.epochs.append(epoch)
        else:
            self.epochs[-1] = epoch
        return len(self.epochs) - 1

    def _close(self, index: int, at: Moment) -> None:
        if self.epochs[index].ended is None:
            self.epochs[index] = replace(self.epochs[index], ended=at)

    def is_offered(self, key: OfferKey, side: Side) -> bool:
        """Whether an offer of this side waits for its answer in this transaction."""
        offer = self._open.get(key)
        return offer is not None and offer.side == side

    def refused(self, key: OfferKey, at: Moment) -> None:
        """A final response that refuses the offer: what was in force stays (RFC 6337 section 3)."""
        offer = self._open.pop(key, None)
        if offer is not None and offer.unanswered is not None:
            self._close(offer.unanswered, at)

    def confirmed(self, to_tag: str, at: Moment) -> None:
        """A fork has taken the call: its answer is final, the early media of others ends."""
        for index, epoch in enumerate(self.epochs):
            if epoch.early and epoch.ended is None:
                if epoch.to_tag == to_tag:
                    self.epochs[index] = replace(epoch, early=False)
                else:
                    self._close(index, at)

    def fork_ended(self, to_tag: str, at: Moment) -> None:
        """One fork is over."""
        for index, epoch in enumerate(self.epochs):
            if epoch.to_tag == to_tag:
                self._close(index, at)

    def ended(self, at: Moment) -> None:
        """The call is over."""
        for index in range(len(self.epochs)):
            self._close(index, at)
        self._open.clear()

    def waiting(self) -> Iterator[Epoch]:
        """Later offers that nobody has answered: their senders can receive already."""
        for offer in self._open.values():
            if offer.unanswered is None and not offer.answers:
                yield Epoch(self.leg, "", offer.side, offer.at, offer.media)
