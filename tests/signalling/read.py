"""Captures -> what their signalling tells, over the messages that the package reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import rtpcap
from rtpcap.signalling import (
    Arrival,
    Dialogs,
    Signalling,
    SipMessage,
    looks_like_sip,
)

__all__ = ["Told", "messages_of", "payloads_of", "read"]


@dataclass(frozen=True)
class Told:
    """The SIP of a capture."""

    signalling: Signalling
    methods: Counter[str]
    statuses: Counter[int]
    invited: frozenset[str]
    """The Call-IDs of all INVITE requests."""
    frames: frozenset[int]


def messages_of(path: Path) -> list[tuple[Arrival, SipMessage]]:
    """Every SIP message, whatever carried it."""
    return list(rtpcap.open(path).messages)


def payloads_of(path: Path) -> list[bytes]:
    """The UDP payloads that hold SIP."""
    return [
        datagram.payload
        for datagram in rtpcap.open(path).datagrams
        if looks_like_sip(datagram.payload)
    ]


def read(path: Path) -> Told:
    """The calls of a capture, and counts of what was said; CaptureError as `rtpcap.open`."""
    dialogs = Dialogs()
    methods: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    invited = set()
    messages = messages_of(path)
    for arrival, message in messages:
        dialogs.feed(message, arrival)
        if message.status:
            statuses[message.status] += 1
        else:
            methods[message.method] += 1
        if message.method == "INVITE":
            invited.add(message.call_id)
    frames = frozenset(arrival.frame for arrival, _ in messages)
    return Told(dialogs.finish(), methods, statuses, frozenset(invited), frames)
