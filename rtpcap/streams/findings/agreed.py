"""What the signalling of a call lets expect of each side: where, what and when it would send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from rtpcap.streams.stream import Stream

if TYPE_CHECKING:
    from rtpcap.signalling import Dialog, Media
    from rtpcap.signalling.offers import Epoch, Side
    from rtpcap.streams.call import Call

__all__ = [
    "CN_NUMBERS",
    "Spoken",
    "announced_media",
    "announced_places",
    "is_name",
    "is_private",
    "other",
    "sides",
    "to_speak_s",
]

PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        "100.64.0.0/10",  # RFC 6598: behind a provider's translator
        "169.254.0.0/16",  # RFC 3927
        "fc00::/7",  # RFC 4193
        "fe80::/10",  # RFC 4291
        "fec0::/10",  # RFC 3879: given up, and still not to be reached
    )
)
"""Addresses that nobody outside of a network can reach."""
CN_NUMBERS = frozenset((13, 19))
"""Comfort noise: RFC 3389, and the number it had before. Senders use it unasked."""
MOST_PAIRS = 16
"""Port pairs of a line like ``4000/2`` that are looked at."""
SENDING = frozenset(("sendrecv", "sendonly"))


@dataclass(frozen=True)
class Spoken:
    """One side of a call that signalling tells of, with the streams it sent."""

    call: Call
    dialog: Dialog
    side: Side
    streams: list[Stream]


def sides(call: Call) -> Iterator[Spoken]:
    """Both sides, the caller first; none where the call is guessed."""
    if call.dialog is not None:
        yield Spoken(call, call.dialog, "caller", call.left)
        yield Spoken(call, call.dialog, "callee", call.right)


def other(side: Side) -> Side:
    return "callee" if side == "caller" else "caller"


@lru_cache(4096)
def is_private(address: str) -> bool | None:
    """Whether an address is of use inside of its own network alone; None for a name, and for
    addresses of no host: loopback, multicast, unspecified."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if found.is_loopback or found.is_multicast or found.is_unspecified:
        return None
    return any(found.version == net.version and _within(found.packed, net) for net in PRIVATE)


def _within(packed: bytes, net: IPv4Network | IPv6Network) -> bool:
    number, mask = int.from_bytes(packed, "big"), int(net.netmask)
    return number & mask == int(net.network_address)


def announced_media(dialog: Dialog, side: Side) -> Iterator[tuple[Epoch, Media]]:
    """The RTP media lines of a side that are in use, on all hops, in order of the offers."""
    for epoch in dialog.epochs:
        for media in epoch.media(side):
            if not media.rejected and "RTP" in media.protocol.upper():
                yield epoch, media


def announced_places(dialog: Dialog, side: Side) -> set[tuple[str, int]]:
    """Where a side said it would receive media of any kind, candidates included."""
    found: set[tuple[str, int]] = set()
    for epoch in dialog.epochs:
        for media in epoch.media(side):
            if not media.rejected:
                pairs = range(min(media.port_count, MOST_PAIRS))
                found.update((media.address, media.port + 2 * i) for i in pairs)
                found.update((each.address, each.port) for each in media.candidates)
    return found


def is_name(address: str) -> bool:
    """Whether it has to be looked up, so that it may be any address."""
    try:
        ip_address(address)
    except ValueError:
        return True
    return False


def to_speak_s(dialog: Dialog, side: Side, end_ns: int) -> float:
    """For how many seconds of the answered call a side was to send sound, by what was agreed.

    `end_ns` is the time of the capture's last frame. On hold and in one-way calls it was not.
    """
    answered = dialog.answered
    if answered is None or answered.time_ns is None:
        return 0.0
    over = end_ns
    if dialog.ended is not None and dialog.ended.time_ns is not None:
        over = min(over, dialog.ended.time_ns)
    total = 0
    for epoch in dialog.epochs:
        if epoch.leg or epoch.answered is None or epoch.answered.time_ns is None or epoch.early:
            continue
        if not any(
            _sounds(mine) and _hears(theirs)
            for mine, theirs in zip(epoch.media(side), epoch.media(other(side)), strict=False)
        ):
            continue
        begin, end = max(answered.time_ns, epoch.answered.time_ns), over
        if epoch.ended is not None and epoch.ended.time_ns is not None:
            end = min(end, epoch.ended.time_ns)
        total += max(end - begin, 0)
    # Forks that were answered run side by side.
    return min(total, max(over - answered.time_ns, 0)) / 1e9


def _sounds(media: Media) -> bool:
    rtp = media.kind == "audio" and "RTP" in media.protocol.upper()
    return rtp and not media.rejected and media.direction in SENDING


def _hears(media: Media) -> bool:
    return not media.rejected and not media.held
