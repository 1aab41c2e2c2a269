"""Calls without signalling: streams that run both ways between two endpoints at a time."""

from __future__ import annotations

from collections.abc import Iterable

from rtpcap.streams.call import Call
from rtpcap.streams.stream import Stream

__all__ = ["guess_calls"]


def guess_calls(streams: Iterable[Stream]) -> list[Call]:
    """Streams with mirrored addresses that overlap in time, as calls.

    Streams between two endpoints that follow each other without a moment's overlap are different
    calls; those that overlap, also through a third one, are the same. Video is left aside, and so
    are streams that nobody answers.
    """
    # Most streams of a capture of thousands have nobody between the same ends: no list for these.
    first: dict[str, Stream] = {}
    between: dict[str, list[Stream]] = {}
    for stream in streams:
        if stream.format is None or not stream.format.is_video:
            one, other = f"{stream.src} {stream.src_port}", f"{stream.dst} {stream.dst_port}"
            ends = f"{one} {other}" if one < other else f"{other} {one}"
            before = first.setdefault(ends, stream)
            if before is not stream:
                between.setdefault(ends, [before]).append(stream)
    found = []
    for together in between.values():
        for group in _overlapping(together):
            begun = group[0]
            speaker = (begun.src, begun.src_port)
            left = [s for s in group if (s.src, s.src_port) == speaker]
            right = [s for s in group if (s.src, s.src_port) != speaker]
            if right:
                found.append((left, right))
    found.sort(key=lambda sides: sides[0][0].first_frame)
    return [Call(f"guessed-{i}", *sides) for i, sides in enumerate(found, start=1)]


def _overlapping(streams: list[Stream]) -> list[list[Stream]]:
    """The streams in groups that overlap in time; streams without times overlap all."""
    groups: list[list[Stream]] = []
    last_end: int | None = None
    for stream in sorted(streams, key=lambda stream: (stream.start_ns or 0, stream.first_frame)):
        start, end = stream.start_ns, stream.end_ns
        if groups and (start is None or last_end is None or start <= last_end):
            groups[-1].append(stream)
        else:
            groups.append([stream])
            last_end = None
        if end is not None:
            last_end = end if last_end is None else max(last_end, end)
    for group in groups:
        group.sort(key=lambda stream: stream.first_frame)
    return groups
