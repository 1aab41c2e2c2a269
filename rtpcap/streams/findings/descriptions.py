"""Media that is not as session descriptions said: from where, in which codec, how much a packet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.rtp.payload_types import PAYLOAD_NUMBERS
from rtpcap.rtp.serial import steps
from rtpcap.signalling.media import NOWHERE
from rtpcap.streams.counted import counted
from rtpcap.streams.findings.agreed import (
    CN_NUMBERS,
    Spoken,
    announced_media,
    announced_places,
    is_name,
    is_private,
    other,
    sides,
)
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, evidence_frames
from rtpcap.streams.findings.words import end, end_of, listed, quoted

if TYPE_CHECKING:
    from rtpcap.signalling import Dialog, Media
    from rtpcap.signalling.offers import Side
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "private-address": "SDP names a private address to the outside",
    "media-from-elsewhere": "media comes from a place that SDP did not name",
    "codec-mismatch": "payload types were sent that nobody asked for",
    "asymmetric-codecs": "the two sides send different codecs",
    "wrong-ptime": "packets hold more or less sound than asked for",
    "encrypted-without-keys": "media is encrypted, and no key for it is here",
}

FEWEST_PACKETS = 5
"""Of a payload type, or of a stream: fewer may be one that was on its way when descriptions
changed."""
PTIME_MS = 1.0
"""How far packets may be from the time asked for: AMR and the like round by less."""
USUAL = 0.1
"""The part of the steps between packets that a length has to have to be one that was meant."""
ENCRYPTED = frozenset(("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"))


def addresses(evidence: Evidence) -> Iterator[Finding]:
    """Descriptions that name an address nobody outside can reach; media from elsewhere."""
    for call in evidence.calls:
        for spoken in sides(call):
            private = _private(evidence, spoken)
            if private is not None:
                yield private
            else:
                yield from _elsewhere(spoken)


def _private(evidence: Evidence, spoken: Spoken) -> Finding | None:
    """A private address, told by or to a public one: between these the messages went."""
    dialog, side = spoken.dialog, spoken.side
    if dialog.invited_between is None or (dialog.answered is None and not spoken.call.streams):
        return None
    src, dst = dialog.invited_between
    if side == "callee":
        src, dst = dst, src
    public = [host for host in (src, dst) if is_private(host) is False]
    if not public:
        return None
    named = {
        media.address: epoch.since(side)
        for epoch, media in announced_media(dialog, side)
        if not epoch.leg and is_private(media.address) and not _has_ice(media)
    }
    if not named:
        return None
    address, since = next(iter(named.items()))
    theirs = spoken.call.right if side == "caller" else spoken.call.left
    lost = dialog.answered is not None and bool(spoken.streams) and not theirs
    where = f"its messages come from the public {src}" if src in public else ""
    where = where or f"it is told to the public {dst}"
    if theirs:
        outcome = "nobody there can send to it. Media comes all the same, so something between "
        outcome += "mends that: a router, a proxy, or the other side, which sends back to where "
        outcome += "packets come from"
    else:
        outcome = "nobody there can send to it" + ", and no media came for it" * lost
    return Finding(
        "private-address",
        "warning" if lost else "note",
        f"The SDP of the {side} names the private address {quoted(address)}, but "
        f"{where}: {outcome}.",
        {"address": quoted(address), "public_address": public[0]},
        evidence_frames([since.frame] if since is not None else []),
        spoken.call.call_id,
    )


def _has_ice(media: Media) -> bool:
    return bool(media.ice_ufrag or media.candidates)


def _elsewhere(spoken: Spoken) -> Iterator[Finding]:
    """Streams whose source is no place that their side named."""
    places = announced_places(spoken.dialog, spoken.side)
    lines = [media for _, media in announced_media(spoken.dialog, spoken.side)]
    if not places or any(_has_ice(media) or is_name(media.address) for media in lines):
        return
    strange = [
        stream
        for stream in spoken.streams
        if (stream.src, stream.src_port) not in places and len(stream) >= FEWEST_PACKETS
    ]
    sources: dict[tuple[str, int], list[Stream]] = {}
    for stream in strange:
        sources.setdefault((stream.src, stream.src_port), []).append(stream)
    for (src, port), streams in sources.items():
        named = sorted(place for place in places if place[0] not in NOWHERE)
        if not named or _translated(src, port, named):
            continue
        same = [place for place in named if place[0] == src]
        packets = sum(len(stream) for stream in streams)
        yield Finding(
            "media-from-elsewhere",
            "note",
            f"The {spoken.side} sends from {end(src, port)}, not from "
            f"{listed([end_of(place) for place in same or named])} as its SDP lets expect: the "
            "other side may take it for a stranger's, or send to the wrong one of the two.",
            {"packets": packets, "src": src, "src_port": port},
            evidence_frames(stream.first_frame for stream in streams),
            spoken.call.call_id,
            streams[0].ssrc,
        )


def _translated(src: str, port: int, named: list[tuple[str, int]]) -> bool:
    """Whether the capture sees a side inside of its network, which knows its public address."""
    return is_private(src) is True and any(
        own == port and is_private(address) is False for address, own in named
    )


def codecs(evidence: Evidence) -> Iterator[Finding]:
    """Payload types that the other side did not ask for (RFC 3264 sections 5.1 and 6.1)."""
    for call in evidence.calls:
        for spoken in sides(call):
            wanted = _wanted(spoken.dialog, other(spoken.side))
            if wanted:
                for stream in spoken.streams:
                    yield from _unasked(spoken, stream, wanted)
        yield from _asymmetric(call)


def _wanted(dialog: Dialog, hearing: Side) -> set[int]:
    """The payload numbers that a side ever named."""
    found: set[int] = set()
    for _, media in announced_media(dialog, hearing):
        found.update(media.formats)
        # Those that nothing gives a name were asked for all the same.
        found.update(int(w) for w in media.other_formats if w.isascii() and w.isdigit())
    return found


def _unasked(spoken: Spoken, stream: Stream, wanted: set[int]) -> Iterator[Finding]:
    number = stream.packets.payload_type
    counts = np.bincount(number, minlength=PAYLOAD_NUMBERS)
    # Key presses of a number that nobody asked for are told with the keys.
    events = {payload_type for payload_type, fmt in stream.formats.items() if fmt.is_event}
    known = wanted | events | CN_NUMBERS
    strange = [n for n in np.flatnonzero(counts >= FEWEST_PACKETS).tolist() if n not in known]
    if not strange:
        return
    names = [
        f"{each} ({quoted(str(stream.formats[each]))})" if each in stream.formats else str(each)
        for each in strange
    ]
    packets = int(counts[strange].sum())
    first = [int(np.flatnonzero(number == payload_type)[0]) for payload_type in strange]
    yield Finding(
        "codec-mismatch",
        "warning",
        f"The {spoken.side} sends {counted(packets, 'packet')} of payload type {listed(names)}, "
        f"which the {other(spoken.side)} did not ask for in its SDP "
        f"(only {listed([str(each) for each in sorted(wanted)])}), and may not understand.",
        {"packets": packets, "payload_type": strange[0]},
        evidence_frames(stream.packets.frame[first]),
        spoken.call.call_id,
        stream.ssrc,
    )


def _asymmetric(call: Call) -> Iterator[Finding]:
    """Two sides that send different codecs on one path."""
    for one in call.left:
        for two in call.right:
            path = (one.src, one.dst) == (two.dst, two.src)
            together = one.first_frame <= two.last_frame and two.first_frame <= one.last_frame
            if not (path and together and _speaks(one) and _speaks(two)):
                continue
            if one.codec == two.codec:
                continue
            yield Finding(
                "asymmetric-codecs",
                "note",
                f"The two sides send different codecs: {one.codec} one way, {two.codec} the other.",
                {"left_codec": str(one.codec), "right_codec": str(two.codec)},
                evidence_frames([one.first_frame, two.first_frame]),
                call.call_id,
            )
            return


def _speaks(stream: Stream) -> bool:
    fmt = stream.format
    sound = fmt is not None and fmt.is_media and stream.recognised is None and stream.decodable
    return sound and len(stream) >= FEWEST_PACKETS


def packet_times(evidence: Evidence) -> Iterator[Finding]:
    """Packets longer or shorter than ``a=ptime`` and ``a=maxptime`` of who receives them."""
    for call in evidence.calls:
        for spoken in sides(call):
            hearing = other(spoken.side)
            lines = [m for _, m in announced_media(spoken.dialog, hearing) if m.kind == "audio"]
            wishes = sorted({media.ptime for media in lines if media.ptime})
            limits = [media.maxptime for media in lines if media.maxptime]
            if wishes or limits:
                found = (_packet_time(spoken, each, wishes, limits) for each in spoken.streams)
                # Several streams of a side are parts of one, or the same at several places.
                yield from islice(filter(None, found), 1)


def _packet_time(
    spoken: Spoken, stream: Stream, wishes: list[float], limits: list[float]
) -> Finding | None:
    real = _shortest_step_ms(stream)
    if real is None or not _speaks(stream):
        return None
    over = bool(limits) and real > max(limits) + PTIME_MS
    if not over and (not wishes or any(abs(real - wish) <= PTIME_MS for wish in wishes)):
        return None
    asked = f"{max(limits):g} ms at most" if over else f"{listed([f'{w:g} ms' for w in wishes])}"
    return Finding(
        "wrong-ptime",
        "warning" if over else "note",
        f"The {spoken.side} sends {real:g} ms of sound in a packet, where the "
        f"{other(spoken.side)} asked for {asked}.",
        {"ptime_ms": real, "asked_ms": max(limits) if over else wishes[0]},
        evidence_frames([stream.first_frame]),
        spoken.call.call_id,
        stream.ssrc,
    )


def _shortest_step_ms(stream: Stream) -> float | None:
    """The sound in a packet: the least that timestamps advance by in a good part of the steps.

    Descriptions of silence come at longer steps (eight frames in AMR), and may be the most.
    """
    rate = stream.clock_rate
    packets = stream.packets
    if not rate or len(packets) < 2:
        return None
    following = np.flatnonzero(steps(packets.sequence)[1:] == 1) + 1
    advance = steps(packets.timestamp)[following]
    advance = advance[advance > 0]
    if not len(advance):
        return None
    ticks, counts = np.unique(advance, return_counts=True)
    usual = ticks[counts >= USUAL * len(advance)]
    return float(usual[0]) / rate * 1e3 if len(usual) else None


def encryption(evidence: Evidence) -> Iterator[Finding]:
    """Streams whose payload cannot be read, by call."""
    secure = {call.call_id for call in evidence.calls if _is_secure(call)}
    by_call: dict[str | None, list[Stream]] = {}
    for stream in evidence.streams:
        unread = stream.encrypted or (stream.call in secure and not stream.decodable)
        if unread and not stream.decodable:
            by_call.setdefault(stream.call, []).append(stream)
    for call, streams in by_call.items():
        groups = [streams] if call is not None else [[stream] for stream in streams]
        for group in groups:
            whose = "their" if len(group) > 1 else "its"
            told = "as the SDP announced" if call in secure else f"as {whose} bytes tell"
            packets = sum(len(stream) for stream in group)
            which = listed([f"0x{stream.ssrc:08x}" for stream in group])
            yield Finding(
                "encrypted-without-keys",
                "note",
                f"{counted(len(group), 'stream')} ({which}) {'are' if len(group) > 1 else 'is'} "
                f"encrypted, {told}, and cannot be heard without the keys.",
                {"streams": len(group), "packets": packets},
                evidence_frames(stream.first_frame for stream in group),
                call,
                group[0].ssrc if len(group) == 1 else None,
            )


def _is_secure(call: Call) -> bool:
    """Whether a call announced SRTP."""
    return any(
        media.protocol.upper() in ENCRYPTED
        for spoken in sides(call)
        for _, media in announced_media(spoken.dialog, spoken.side)
    )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    addresses,
    codecs,
    packet_times,
    encryption,
)
