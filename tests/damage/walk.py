"""All that a person could ask of a capture, asked of it: an answer, or an error of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

import rtpcap
from rtpcap.audio.line import Line
from rtpcap.errors import RtpcapError
from rtpcap.streams.call import Call
from rtpcap.streams.stream import Stream

__all__ = ["go_through"]

LONGEST_AUDIO_S = 60
"""Longer lines, which a damaged timestamp can make years long, are read where they are windows."""
WINDOW = 8000
MOST_MESSAGES = 50
LISTENED = 8
"""One capture of so many, by its bytes, is listened to: most of the time would go into that."""


def go_through(path: Path) -> rtpcap.Capture | None:
    """Ask a capture everything; None where it is refused as a capture.

    Whatever else than RtpcapError comes out, and every sum that does not hold, is a failure.
    """
    try:
        capture = rtpcap.open(path)
        frames = capture.frames
    except RtpcapError:
        return None
    _account(capture, frames)
    assert all(str(damage) for damage in capture.damage)
    things: list[Any] = [capture, capture.streams, capture.calls, capture.told_keys, capture.gaps]
    if crc32(path.read_bytes()) % LISTENED == 0:
        things += [capture.dtmf, capture.tones]
        assert len([stream.level_row() for stream in capture.streams]) == len(capture.streams)
    for thing in things:
        assert repr(thing)
        assert thing._repr_html_()
    assert capture.row()["packets"] == frames
    rows = capture.streams.rows()
    assert len(rows) == len(capture.streams)
    for stream in capture.streams:
        _stream(stream)
        assert stream.last_frame <= frames
    for call in capture.calls:
        _call(call)
    capture.release()
    return capture


def _account(capture: rtpcap.Capture, frames: int) -> None:
    """Every frame ends as a datagram, as something else, or as not understood, with a reason.

    Segments of TCP are something else, whatever messages end in them.
    """
    ends: dict[str, list[int]] = {"udp": [], "tcp": []}
    for datagram in capture.datagrams:
        ends[datagram.transport].append(datagram.frame)
    datagrams, messages = set(ends["udp"]), set(ends["tcp"])
    assert len(datagrams) == len(ends["udp"])
    assert datagrams.isdisjoint(messages)
    assert all(1 <= frame <= frames for frame in datagrams | messages)
    tallies = (capture.other, capture.not_understood)
    assert frames == len(datagrams) + sum(map(len, tallies))
    assert len(messages) <= len(capture.other)
    for tally in tallies:
        rows = tally.rows()
        assert sum(int(str(row["count"])) for row in rows) == len(tally)
        assert all(row["reason"] for row in rows)
        assert all(1 <= int(str(row["first_frame"])) <= frames for row in rows)


def _stream(stream: Stream) -> None:
    quality = stream.quality
    assert quality.packets == len(stream) == len(stream.ledger)
    assert 0 <= quality.lost <= quality.expected
    assert quality.expected >= 1
    assert len(stream.jitter_ms) == len(stream)
    refused = []
    for row in range(min(len(stream), MOST_MESSAGES)):
        try:
            message = stream.packets[row]
        except rtpcap.RTPParseError:
            refused.append(row)
        else:
            assert (message.SSRC, message.sequence) == (
                stream.ssrc,
                stream.packets.sequence[row],
            )
    assert stream.packets.fault[refused].all()
    if not stream.decodable:
        return
    try:
        track = stream.track()
    except rtpcap.CodecUnavailable:
        # Times that make no sense: told, and no line is laid.
        return
    _line(track)
    if track.length < LONGEST_AUDIO_S * track.rate:
        audio = stream.audio()
        assert audio.length == track.length
        assert repr(audio)


def _call(call: Call) -> None:
    assert repr(call)
    call.row()
    try:
        lines = call.lines()
    except rtpcap.CodecUnavailable:
        return
    for line in lines:
        _line(line)


def _line(line: Line) -> None:
    """Read a line where it begins, ends, and between."""
    for start in (0, line.length // 2, max(line.length - WINDOW, 0)):
        samples, received = line.read(start, start + WINDOW)
        assert len(samples) == len(received) == WINDOW
