"""Streams of two captures that are one: by the packets they have in common, else by other signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.stream import Stream
from rtpcap.testing.differing.compare import Change, Compared
from rtpcap.testing.differing.events import CallDifference
from rtpcap.testing.differing.sound import LEAST_ALIKE, Sound, sound_of, sound_of_matched
from rtpcap.testing.differing.stream import How, StreamDifference

__all__ = ["by_content", "by_signs", "sides_of"]

MOST_LISTENED = 32
"""Pairs of streams without a packet in common that are listened to, at most."""
MOST_ALIKE = 8
"""Of streams with the same sign so many are tried with each."""
Names = Callable[[Stream], object]
BITS = {"sequence": 16, "timestamp": 32}
HEARD = np.uint8(Change.PAYLOAD | Change.SIZE | Change.CUT)
"""Changes that can be heard."""


def by_content(compared: Compared, audio: bool) -> Iterator[StreamDifference]:
    """The pairs of streams that have packets in common."""
    a, b = compared.a, compared.b
    frame_a, frame_b = (side.packets.frame.astype(np.int64) for side in (a, b))
    time_a = a.packets.time_ns[compared.row_a]
    time_b = b.packets.time_ns[compared.row_b]
    delay = np.where((time_a == NO_TIME) | (time_b == NO_TIME), NO_TIME, time_b - time_a)
    columns = (compared.pair, compared.lost_pair, compared.added_pair, compared.doubled_pair)
    matched, lost, added, doubled = (compared.edges(column).tolist() for column in columns)
    for pair, (one, other) in enumerate(compared.streams.tolist()):
        own = slice(matched[pair], matched[pair + 1])
        rows_a, rows_b = compared.row_a[own], compared.row_b[own]
        stream_a, stream_b = a.streams[one], b.streams[other]
        change = compared.change[own]
        anew = _encoded_anew(compared, stream_a, stream_b, own)
        sound = None
        if audio and (anew.any() or (change & HEARD).any()):
            order = np.argsort(rows_a)
            sound = sound_of_matched(
                stream_a, stream_b, a.packets[rows_a[order]], b.packets[rows_b[order]]
            )
        change = np.where(anew, change & ~HEARD, change)
        yield StreamDifference(
            stream_a,
            stream_b,
            "content",
            packets_a=int(compared.packets[pair, 0]),
            packets_b=int(compared.packets[pair, 1]),
            frame_a=frame_a[rows_a],
            frame_b=frame_b[rows_b],
            delay_ns=delay[own],
            time_ns=time_a[own],
            change=change,
            late=compared.reordered[own],
            lost=frame_a[compared.lost[lost[pair] : lost[pair + 1]]],
            added=frame_b[compared.added[added[pair] : added[pair + 1]]],
            duplicates=frame_b[compared.doubled[doubled[pair] : doubled[pair + 1]]],
            fewer=int(compared.fewer[pair]),
            renumbered=tuple(_renumbered(compared, own)),
            encoded_anew=bool(anew.any()),
            sound=sound,
        )


def _encoded_anew(
    compared: Compared, one: Stream, other: Stream, own: slice
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which packets have a number of another codec than before."""
    before = compared.a.packets.payload_type[compared.row_a[own]]
    after = compared.b.packets.payload_type[compared.row_b[own]]
    out = np.zeros(len(before), np.bool_)
    for pair in np.unique(before.astype(np.int64) << 8 | after).tolist():
        old, new = one.formats.get(pair >> 8), other.formats.get(pair & 0xFF)
        if old is not None and new is not None and old.name != new.name:
            out |= (before == pair >> 8) & (after == pair & 0xFF)
    return out


def _renumbered(compared: Compared, own: slice) -> Iterator[str]:
    """What the packets of a pair have instead of what they had, in words."""
    p = compared.a.packets[compared.row_a[own]]
    q = compared.b.packets[compared.row_b[own]]
    if p.ssrc[0] != q.ssrc[0]:
        yield f"ssrc 0x{p.ssrc[0]:08x} > 0x{q.ssrc[0]:08x}"
    for name, bits in BITS.items():
        if name == "timestamp" and _clock(compared, own):
            continue
        moved = (getattr(q, name) - getattr(p, name)).astype(np.int64)
        values, counts = np.unique(moved, return_counts=True)
        # What happened to single packets is told as such.
        most = values[counts > 1] if len(moved) > 1 else values
        if (most != 0).any():
            steps = [value - (1 << bits) * (value >> (bits - 1)) for value in most.tolist()]
            told = f"{steps[0]:+d}" if len(steps) == 1 else f"by {len(steps)} offsets"
            yield f"{name} {told}"
    numbers = np.unique(p.payload_type.astype(np.int64) << 8 | q.payload_type)
    for pair in numbers.tolist():
        if pair >> 8 != pair & 0xFF:
            yield f"payload_type {pair >> 8} > {pair & 0xFF}"


def _clock(compared: Compared, own: slice) -> bool:
    """Whether timestamps tick at another rate."""
    one = compared.a.streams[int(compared.a.stream[compared.row_a[own.start]])]
    other = compared.b.streams[int(compared.b.stream[compared.row_b[own.start]])]
    return one.clock_rate != other.clock_rate


def sides_of(calls: Sequence[CallDifference]) -> tuple[dict[int, str], dict[int, str]]:
    """For the streams of either capture, by index, the side of which call they are.

    Calls that are in both captures, and sides with a stream each.
    """
    sides: tuple[dict[int, str], dict[int, str]] = ({}, {})
    for number, pair in enumerate(calls):
        for call, side in zip((pair.a, pair.b), sides, strict=True):
            if pair.a is None or pair.b is None or call is None:
                continue
            for name, streams in (("left", call.left), ("right", call.right)):
                side.update({stream.index: f"{number} {name}" for stream in streams})
    return sides


def by_signs(
    a: Sequence[Stream],
    b: Sequence[Stream],
    sides: tuple[Mapping[int, str], Mapping[int, str]],
    audio: bool,
) -> Iterator[StreamDifference]:
    """Pairs of streams that have no packet in common, and yet are one encoded anew.

    The same side of a call is enough where they cannot be heard; else they have to sound alike.
    """
    met_a: set[int] = set()
    met_b: set[int] = set()
    listened = 0
    for how, one, other in _candidates(a, b, sides):
        if one.index in met_a or other.index in met_b:
            continue
        if listened >= MOST_LISTENED and how == "sound":
            return
        sound = sound_of(one, other) if audio and listened < MOST_LISTENED else None
        listened += 1
        heard = sound is not None and sound.decoded
        if sound is not None and heard and sound.alike < LEAST_ALIKE:
            continue
        if heard or how == "call":
            met_a.add(one.index)
            met_b.add(other.index)
            yield _anew(one, other, how, sound)


def _candidates(
    a: Sequence[Stream], b: Sequence[Stream], sides: tuple[Mapping[int, str], Mapping[int, str]]
) -> Iterator[tuple[How, Stream, Stream]]:
    """Streams that may be one, with the best sign: the likeliest first."""
    names: tuple[tuple[How, Names, Names], ...] = (
        ("call", lambda s: sides[0].get(s.index), lambda s: sides[1].get(s.index)),
        ("flow", _route, _route),
    )
    for how, name_a, name_b in names:
        same: dict[object, list[Stream]] = {}
        for stream in a:
            same.setdefault(name_a(stream), []).append(stream)
        same.pop(None, None)
        for other in b:
            for one in same.get(name_b(other), ())[:MOST_ALIKE]:
                yield how, one, other
    for other in b:
        for one in a:
            yield "sound", one, other


def _route(stream: Stream) -> tuple[str, int, str, int]:
    return stream.src, stream.src_port, stream.dst, stream.dst_port


def _anew(one: Stream, other: Stream, how: How, sound: Sound | None) -> StreamDifference:
    renumbered = (f"ssrc 0x{one.ssrc:08x} > 0x{other.ssrc:08x}",) * (one.ssrc != other.ssrc)
    return StreamDifference(
        one,
        other,
        how,
        packets_a=len(one),
        packets_b=len(other),
        renumbered=renumbered,
        encoded_anew=True,
        sound=sound,
    )
