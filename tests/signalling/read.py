"""Captures -> what their signalling tells, over the UDP payloads that the package reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rtpcap
from rtpcap.capture import Datagrams
from rtpcap.rtp.packets import NO_TIME
from rtpcap.signalling import (
    Arrival,
    Dialogs,
    Signalling,
    SipMessage,
    looks_like_sip,
    parse_sip,
    sip_candidates,
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
    """Every SIP message in a UDP payload."""
    return [found for chunk in rtpcap.open(path).datagram_chunks() for found in messages_in(chunk)]


def payloads_of(path: Path) -> list[bytes]:
    """The UDP payloads that hold SIP."""
    return [
        datagram.payload
        for datagram in rtpcap.open(path).datagrams
        if looks_like_sip(datagram.payload)
    ]


def messages_in(chunk: Datagrams) -> Iterator[tuple[Arrival, SipMessage]]:
    """The SIP messages of a chunk; only payloads that may be SIP are looked at singly."""
    (data,) = chunk.blocks
    long = np.flatnonzero(chunk.end - chunk.begin >= WIDTH)
    first = data[chunk.begin[long, None] + np.arange(WIDTH)]
    for row in long[sip_candidates(first)].tolist():
        payload = data[chunk.begin[row] : chunk.end[row]].tobytes()
        message = parse_sip(payload) if looks_like_sip(payload) else None
        if message is not None:
            time_ns = int(chunk.time_ns[row])
            moment = (int(chunk.frame[row]), None if time_ns == NO_TIME else time_ns)
            yield Arrival(*moment, *chunk.flows[int(chunk.flow[row])]), message


WIDTH = 8


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
